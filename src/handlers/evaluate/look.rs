//! A look at a group for the handlers that only raise: the same state, fleets, signals and rules as an evaluation has. What
//! is made of the snapshot on the way is thrown away: evaluate alone writes it.

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::decide::{Situation, decide, pool_states};
use super::group::{self, Ask};
use super::publish::Telemetry;
use super::remembered::{fold_new, has_news, is_behind, remembered};
use super::warm::Warm;
use crate::clients::Cloud;
use crate::engine::purchase::{PoolState, Terms};
use crate::fleet::{FleetError, View};
use crate::model::{Group, Sample};
use crate::observe::Observed;
use crate::records::{Decision, Loss, Trigger};
use crate::state::{self, Snapshot, Store, StoreError};

/// A group as an evaluation would see it now.
pub(in crate::handlers) struct Look<'a> {
    pub(in crate::handlers) group: &'a Group,
    pub(in crate::handlers) now: DateTime<Utc>,
    /// What is remembered, with all records folded in.
    pub(in crate::handlers) snapshot: Snapshot,
    /// What the last evaluation left behind.
    pub(in crate::handlers) planned: Option<Planned>,
    /// Whether another evaluation may have let instances go since the snapshot was read.
    pub(in crate::handlers) is_behind: bool,
    problems: Vec<String>,
    trigger: Trigger,
}

/// What an evaluation left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::handlers) struct Planned {
    /// Instances that it had and had asked for, without those that stand in for others.
    pub(in crate::handlers) instances: u32,
    /// How many of them it knew to be going.
    pub(in crate::handlers) going: u32,
}

/// The instances that are being taken away and are not gone yet.
pub(in crate::handlers) fn going(snapshot: &Snapshot, now: DateTime<Utc>) -> impl Iterator<Item = &Loss> {
    snapshot.losses.iter().filter(move |loss| loss.ends.is_none_or(|ends| now < ends))
}

fn net_of_hedge(snapshot: &Snapshot, group: &Group) -> u32 {
    let capacity = group::capacity_after(snapshot, group);
    snapshot.hedge.map_or(capacity, |hedge| hedge.net(capacity)).total()
}

impl<'a> Look<'a> {
    /// Reads what is remembered.
    ///
    /// # Errors
    /// When the store fails, or holds state of a newer version.
    pub(in crate::handlers) async fn begin(
        store: &Store,
        group: &'a Group,
        now: DateTime<Utc>,
        trigger: Trigger,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let ask = Ask {
            now,
            trigger: trigger.clone(),
            dry_run: false,
            deadline,
            topic_urn: None,
            telemetry: Telemetry::default(),
        };
        let mut problems = Vec::new();
        let (mut snapshot, names) = remembered(store, &Warm::default(), group, &ask, &mut problems).await?;
        let is_known = snapshot.fleets.values().any(|fleet| fleet.capacity.is_some());
        let planned = is_known.then(|| Planned {
            instances: net_of_hedge(&snapshot, group),
            going: u32::try_from(going(&snapshot, now).count()).unwrap_or(u32::MAX),
        });
        problems.extend(fold_new(store, group, &ask, &mut snapshot, &names).await);
        let is_behind = is_behind(&snapshot, &names, None);
        Ok(Self { group, now, snapshot, planned, is_behind, problems, trigger })
    }

    /// Begins anew, and keeps what was ordered meanwhile. What was planned before the first look still counts: what an
    /// evaluation has found since may hold what was ordered here.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(in crate::handlers) async fn again(&mut self, store: &Store, deadline: Instant) -> Result<(), StoreError> {
        let mut again = Self::begin(store, self.group, self.now, self.trigger.clone(), deadline).await?;
        for (pool, earlier) in &self.snapshot.fleets {
            again.snapshot.fleets.entry(pool.clone()).or_default().take_orders_of(earlier);
        }
        *self = Self { planned: self.planned, ..again };
        Ok(())
    }

    /// Folds in what others have recorded since this look began, and finds out whether it [is behind](Self::is_behind).
    /// Gives whether there was anything to fold in.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::handlers) async fn hear_news(
        &mut self,
        store: &Store,
        deadline: Instant,
    ) -> Result<bool, StoreError> {
        let names = state::recent_records(store, &self.group.name, self.now, deadline).await?;
        self.is_behind = is_behind(&self.snapshot, &names, None);
        if !has_news(&self.snapshot, &names) {
            return Ok(false);
        }
        let ask = Ask {
            now: self.now,
            trigger: self.trigger.clone(),
            dry_run: false,
            deadline,
            topic_urn: None,
            telemetry: Telemetry::default(),
        };
        self.problems.extend(fold_new(store, self.group, &ask, &mut self.snapshot, &names).await);
        Ok(true)
    }

    /// Whether another evaluation, whose decision is among these records, may have let instances go since the snapshot was
    /// read.
    pub(in crate::handlers) fn is_behind_of(&self, names: &[String]) -> bool {
        is_behind(&self.snapshot, names, None)
    }

    /// Whether others have called for more, or people have given orders, that are in force: somebody may be carrying them
    /// out.
    pub(in crate::handlers) fn has_others(&self) -> bool {
        !self.snapshot.raises.is_empty() || !self.snapshot.holds.is_empty()
    }

    /// How the group's instances are bought.
    pub(in crate::handlers) fn terms(&self) -> Terms<'_> {
        group::terms(self.group, &self.snapshot)
    }

    /// Pools as they are.
    pub(in crate::handlers) fn pools(&self, views: &[Result<View, FleetError>]) -> Vec<PoolState<'a>> {
        pool_states(self.group, &group::pool_views(self.group, &self.snapshot, views, self.now))
    }

    /// How many instances of each pool the cloud is taking back.
    pub(in crate::handlers) fn going(&self, views: &[Result<View, FleetError>]) -> Vec<u32> {
        group::pool_views(self.group, &self.snapshot, views, self.now).iter().map(|pool| pool.going).collect()
    }

    /// Looks at the fleets, in the order of the group's pools.
    pub(in crate::handlers) async fn fleets(&mut self, cloud: &Cloud) -> Vec<Result<View, FleetError>> {
        group::look_at_fleets(cloud, self.group, &mut self.snapshot, self.is_behind, self.now).await
    }

    /// Reads the signals since the last evaluation.
    pub(in crate::handlers) async fn signals(&self, cloud: &Cloud, views: &[Result<View, FleetError>]) -> Observed {
        group::look_at_signals(cloud, self.group, &self.snapshot, views, self.now).await
    }

    /// What an evaluation would decide on these samples.
    pub(in crate::handlers) fn decide(&self, views: &[Result<View, FleetError>], samples: Vec<Sample>) -> Decision {
        let in_force = self.snapshot.policies.in_force(self.group);
        let situation = Situation {
            group: &in_force,
            now: self.now,
            pools: group::pool_views(self.group, &self.snapshot, views, self.now),
            samples,
            signal_problems: [].into(),
            trigger: self.trigger.clone(),
            dry_run: false,
            problems: self.problems.clone(),
            doubts: Vec::new(),
        };
        decide(&mut self.snapshot.clone(), situation)
    }
}
