//! What alarm and reclaim have in common: they only ever raise, and leave a record of their own.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future;
use tokio::time::Instant;

use super::evaluate::Look;
use super::messages::digest;
use super::{Workplace, WorkplaceError};
use crate::clients::Cloud;
use crate::config::Config;
use crate::engine::purchase::PoolTarget;
use crate::fleet::{self, FleetError, View};
use crate::functiongraph::Invocation;
use crate::model::{FleetSource, Group, Mode, Pool};
use crate::records::{Action, ActionOutcome, Happening, Record, SCHEMA_VERSION, Trigger};
use crate::state::{self, Snapshot, Store, StoreError};

/// Asks each pool for what the plan says, where that is more than it has, and remembers what was ordered. Empty when all
/// that the plan says is there.
pub(super) async fn order(
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    plan: &[PoolTarget],
    now: DateTime<Utc>,
) -> Vec<Action> {
    let orders = group.pools.iter().zip(views).zip(plan).map(|((pool, view), plan)| {
        let mut memory = snapshot.fleets.get(&pool.name).cloned().unwrap_or_default();
        async move {
            let view = match view {
                Ok(view) => view,
                Err(error) => return Some((memory, failed(&pool.name, "look".to_owned(), error))),
            };
            let target = plan.target.min(view.most);
            if target <= view.capacity.total() {
                return None;
            }
            let request = format!("{target} instead of {} instances", view.capacity.total());
            if group.mode != Mode::Act {
                let outcome = ActionOutcome::Withheld("mode is observe".to_owned());
                return Some((memory, Action { pool: pool.name.clone(), request, outcome }));
            }
            let action = match fleet::scale(cloud, pool, &mut memory, view, target, now).await {
                Ok(()) => Action { pool: pool.name.clone(), request, outcome: ActionOutcome::Done },
                Err(error) => failed(&pool.name, request, &error),
            };
            Some((memory, action))
        }
    });
    let ordered = future::join_all(orders).await;
    let mut actions = Vec::new();
    for (pool, ordered) in group.pools.iter().zip(ordered) {
        let Some((memory, action)) = ordered else { continue };
        snapshot.fleets.insert(pool.name.clone(), memory);
        actions.push(action);
    }
    actions
}

/// Whether orders may have undone those of others: the number of an Auto Scaling group is set over whatever was set since
/// it was looked at. Servers are only ever added to those that are there.
pub(super) fn may_have_undone(group: &Group, actions: &[Action]) -> bool {
    let is_set = |pool: &Pool| {
        matches!(pool.fleet, FleetSource::AsGroup(_))
            && actions.iter().any(|action| action.pool == pool.name && is_asked(action))
    };
    group.pools.iter().any(is_set)
}

/// Whether some of the group's instances are asked for by the number of an Auto Scaling group.
pub(super) fn sets_numbers(group: &Group) -> bool {
    group.pools.iter().any(|pool| matches!(pool.fleet, FleetSource::AsGroup(_)))
}

/// Whether the cloud was asked, and has not refused.
pub(super) fn is_asked(action: &Action) -> bool {
    action.outcome == ActionOutcome::Done
}

fn failed(pool: &str, request: String, error: &FleetError) -> Action {
    tracing::error!(pool, request, %error, "not ordered");
    Action { pool: pool.to_owned(), request, outcome: ActionOutcome::Failed(error.to_string()) }
}

/// What is at hand in one invocation.
pub(super) struct Job {
    pub(super) config: Arc<Config>,
    pub(super) store: Store,
    pub(super) cloud: Cloud,
    pub(super) now: DateTime<Utc>,
    pub(super) trigger: Trigger,
    pub(super) deadline: Instant,
}

impl Job {
    /// Opens what an invocation of the function `source` needs.
    pub(super) async fn open(
        workplace: &Workplace,
        invocation: Invocation,
        source: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, WorkplaceError> {
        let credentials = workplace.credentials(&invocation)?;
        let store = workplace.store(&credentials)?;
        let deadline = invocation.deadline;
        let config = workplace.config(&store, deadline).await?;
        let cloud = workplace.cloud(&config, credentials, deadline)?;
        let trigger = Trigger { kind: source.to_owned(), request_id: invocation.request_id };
        Ok(Self { config, store, cloud, now, trigger, deadline })
    }

    /// The cloud, for that share of the time that is left: what hangs there leaves time to record and to order.
    pub(super) fn cloud_for(&self, share: f64) -> Cloud {
        self.cloud.within(self.deadline.saturating_duration_since(Instant::now()).mul_f64(share))
    }

    /// Looks at a group as an evaluation would.
    pub(super) async fn look<'a>(&self, group: &'a Group) -> Result<Look<'a>, StoreError> {
        Look::begin(&self.store, group, self.now, self.trigger.clone(), self.deadline).await
    }

    /// Folds in what others have recorded since the look began. Gives whether there was any.
    pub(super) async fn hear_news(&self, look: &mut Look<'_>) -> Result<bool, StoreError> {
        look.hear_news(&self.store, self.deadline).await
    }

    /// Writes what happened to a group under a key that follows from its time, this function, `cause` and what is said: what
    /// is told twice is recorded once, and two functions that are told of the same cause at the same time and make
    /// different things of it do not write over each other.
    pub(super) async fn record(
        &self,
        group: &str,
        time: DateTime<Utc>,
        cause: &str,
        what: Happening,
    ) -> Result<String, StoreError> {
        let said = digest(&serde_json::json!(what).to_string());
        let id = format!("{}-{}", digest(cause), &said[..6]);
        let record = Record { schema: SCHEMA_VERSION, id, group: group.to_owned(), time, what };
        state::write_record(&self.store, &record, &self.trigger.kind, self.deadline).await
    }
}

/// Whether a record of `source` with that cause is among those that were listed.
pub(super) fn is_recorded(names: &[String], source: &str, cause: &str) -> bool {
    let part = format!("-{source}-{}-", digest(cause));
    names.iter().any(|name| name.contains(&part))
}
