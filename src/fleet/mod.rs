//! Where instances come from: Auto Scaling groups and tagged servers, behind one face.

mod as_group;
mod ecs;

use chrono::{DateTime, Utc};

use self::ecs::EcsFleet;
pub use self::ecs::first_order;
use crate::clients::{ClientError, Cloud};
use crate::model::{Capacity, FleetSource, Pool};
use crate::state::FleetMemory;

/// A pool's fleet as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What it has. What is leaving is not counted.
    pub capacity: Capacity,
    /// Ids of the instances that serve.
    pub serving: Vec<String>,
    /// Fewest instances that the cloud allows.
    pub least: u32,
    /// Most instances that the cloud allows.
    pub most: u32,
    /// How many of its instances, counted in the capacity, are known to be taken away; `None` where that cannot be told.
    pub going: Option<u32>,
    /// Whether something that was begun is to be finished, though the number may be right: see [`finish`].
    pub is_unsettled: bool,
    /// Why instances did not come, in the cloud's words; it may be of an earlier time.
    pub trouble: Option<String>,
    /// The servers behind the numbers, where they were listed.
    pub(crate) inventory: Option<ecs::Inventory>,
}

impl View {
    /// The instance's membership in the pool's load balancer, where it was listed.
    pub(crate) fn member_of(&self, instance: &str) -> Option<&str> {
        self.inventory.as_ref()?.member_of(instance)
    }
}

#[cfg(test)]
impl View {
    /// A settled pool of which nothing is known but its numbers.
    pub(crate) fn in_a_test(capacity: Capacity, least: u32, most: u32) -> Self {
        Self {
            capacity,
            serving: Vec::new(),
            least,
            most,
            going: None,
            is_unsettled: false,
            trouble: None,
            inventory: None,
        }
    }
}

/// What went wrong with a fleet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// A request to the cloud.
    #[error(transparent)]
    Cloud(#[from] ClientError),
    /// An AS group that does not scale now.
    #[error("AS group {group} is {status}: {mend}")]
    NotInService {
        /// Its id.
        group: String,
        /// Its status.
        status: String,
        /// How to mend it.
        mend: &'static str,
    },
    /// Servers that cannot be bought anywhere now.
    #[error("{missing} of {wanted} servers more for pool {pool} cannot be bought now: {why}")]
    NoRoom {
        /// The pool.
        pool: String,
        /// How many could not be ordered.
        missing: u32,
        /// How many were to be ordered.
        wanted: u32,
        /// Why, by the last refusal.
        why: String,
    },
}

/// Looks at a pool's fleet.
///
/// # Errors
/// When the cloud refuses or does not answer.
pub async fn look(
    cloud: &Cloud,
    pool: &Pool,
    memory: &mut FleetMemory,
    now: DateTime<Utc>,
) -> Result<View, FleetError> {
    match &pool.fleet {
        FleetSource::AsGroup(source) => as_group::look(&cloud.auto_scaling(), source, memory, now).await,
        FleetSource::Ecs(source) => EcsFleet::new(cloud, pool, source).look(memory, now).await,
    }
}

/// Asks for `target` instances in all: an absolute number, so that asking twice is asking once.
///
/// # Errors
/// When the cloud refuses or does not answer.
pub async fn scale(
    cloud: &Cloud,
    pool: &Pool,
    memory: &mut FleetMemory,
    view: &View,
    target: u32,
    now: DateTime<Utc>,
) -> Result<(), FleetError> {
    match &pool.fleet {
        FleetSource::AsGroup(source) => as_group::scale(&cloud.auto_scaling(), source, target).await,
        FleetSource::Ecs(source) => EcsFleet::new(cloud, pool, source).scale(memory, view, target, now).await,
    }
}

/// Finishes what earlier invocations began: new servers join their load balancer, drained ones are deleted. Changes no
/// number, and does nothing unless [`View::is_unsettled`].
///
/// # Errors
/// When the cloud refuses or does not answer.
pub async fn finish(
    cloud: &Cloud,
    pool: &Pool,
    memory: &mut FleetMemory,
    view: &View,
    now: DateTime<Utc>,
) -> Result<(), FleetError> {
    match &pool.fleet {
        FleetSource::AsGroup(_) => Ok(()),
        FleetSource::Ecs(source) => EcsFleet::new(cloud, pool, source).finish(memory, view, now).await,
    }
}
