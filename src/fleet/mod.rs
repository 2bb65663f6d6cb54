//! Where instances come from: Auto Scaling groups and tagged servers, behind one face.

mod as_group;

use chrono::{DateTime, Utc};

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
    /// A kind of fleet that this version cannot drive.
    #[error("pool {0}: fleets of tagged servers are not driven by this version; use an AS group")]
    NotDriven(String),
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
        FleetSource::Ecs(_) => Err(FleetError::NotDriven(pool.name.clone())),
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
    let _ = (view, now);
    match &pool.fleet {
        FleetSource::AsGroup(source) => as_group::scale(&cloud.auto_scaling(), source, memory, target).await,
        FleetSource::Ecs(_) => Err(FleetError::NotDriven(pool.name.clone())),
    }
}
