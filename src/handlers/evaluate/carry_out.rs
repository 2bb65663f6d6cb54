//! Carries a decision out: what shrinks is recorded first.

use chrono::{DateTime, Utc};
use futures::future;
use tokio::time::Instant;

use super::decide::Situation;
use super::group::{Ask, SOURCE};
use crate::clients::Cloud;
use crate::engine::purchase::PoolTarget;
use crate::fleet::{self, FleetError, View};
use crate::model::{Capacity, Group, Minute, Order, Pool};
use crate::records::{Action, ActionOutcome, Decision, Happening, Record, SCHEMA_VERSION};
use crate::state::{self, FleetMemory, Snapshot, Store, StoreError};

/// How many instances a pool is asked for, within what the cloud allows it. What it has beyond that stays, unless the plan is
/// to let it go.
fn allowed(plan: &PoolTarget, view: &View) -> u32 {
    let allowed = plan.target.clamp(view.least, view.most.max(view.least));
    let total = view.capacity.total();
    if plan.target >= total { allowed.max(total) } else { allowed }
}

/// Records a decision to shrink before it is carried out, so that nothing is taken away without a record, whenever the
/// function is killed or the store fails. The same record is written again when it is known what came of it.
pub(super) async fn announce(
    store: &Store,
    group: &Group,
    ask: &Ask,
    views: &[Result<View, FleetError>],
    decision: &Decision,
    deadline: Instant,
) -> Result<(), StoreError> {
    let shrinks = |(plan, view): (&PoolTarget, &Result<View, FleetError>)| {
        view.as_ref().is_ok_and(|view| allowed(plan, view) < view.capacity.total())
    };
    if !Situation::acts(group, decision.dry_run) || !decision.plan.iter().zip(views).any(shrinks) {
        return Ok(());
    }
    let mut announced = decision.clone();
    announced.problems.push(Decision::ANNOUNCED.to_owned());
    state::write_record(store, &record_of(group, ask, announced), SOURCE, deadline.min(ask.deadline)).await?;
    Ok(())
}

pub(super) fn record_of(group: &Group, ask: &Ask, decision: Decision) -> Record {
    Record {
        schema: SCHEMA_VERSION,
        id: super::decision_id(&ask.trigger.request_id, &group.name),
        group: group.name.clone(),
        time: ask.now,
        what: Happening::Decision(Box::new(decision)),
    }
}

/// Asks the cloud for what was decided. A pool that could not be asked before is left alone, and none is shrunk by a
/// decision that is not recorded.
pub(super) async fn carry_out(
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    decision: &Decision,
    is_recorded: bool,
    now: DateTime<Utc>,
) -> Vec<Action> {
    let acts = Situation::acts(group, decision.dry_run);
    let asks = group.pools.iter().zip(views).zip(&decision.plan).map(|((pool, view), plan)| {
        let mut memory = snapshot.fleets.get(&pool.name).cloned().unwrap_or_default();
        async move {
            let view = view.as_ref().ok()?;
            let target = allowed(plan, view);
            let may_finish = !decision.guardrail_inputs.orders.contains(&Order::PauseAll);
            let request = if target != view.capacity.total() {
                format!("{} instead of {} instances", target, view.capacity.total())
            } else if view.is_unsettled && acts && may_finish {
                "finish what was begun".to_owned()
            } else {
                return None;
            };
            let outcome = if acts && target < view.capacity.total() && !is_recorded {
                ActionOutcome::Withheld("it could not be recorded first".to_owned())
            } else if acts {
                match bring_to(cloud, pool, &mut memory, view, target, now).await {
                    Ok(()) => ActionOutcome::Done,
                    Err(error) => ActionOutcome::Failed(error.to_string()),
                }
            } else if decision.dry_run {
                ActionOutcome::Withheld("dry run".to_owned())
            } else {
                ActionOutcome::Withheld("mode is observe".to_owned())
            };
            Some((memory, target, Action { pool: pool.name.clone(), request, outcome }))
        }
    });
    let done = future::join_all(asks).await;
    let mut actions = Vec::new();
    for (((pool, view), plan), outcome) in group.pools.iter().zip(views).zip(&decision.plan).zip(done) {
        let (Ok(view), Some((memory, target, action))) = (view, outcome) else { continue };
        snapshot.fleets.insert(pool.name.clone(), memory);
        if action.outcome == ActionOutcome::Done && target != view.capacity.total() {
            note_change(snapshot, view, plan, target, now);
            let memory = snapshot.fleets.entry(pool.name.clone()).or_default();
            let serving = view.capacity.serving.min(target);
            memory.capacity = Some(Capacity { serving, starting: target - serving });
        }
        actions.push(action);
    }
    actions
}

/// Whether a number may have been changed. Setting a higher one than was seen lowers what somebody else has set meanwhile.
pub(super) fn has_changed(decision: &Decision) -> bool {
    let changed = |action: &Action| {
        !matches!(action.outcome, ActionOutcome::Withheld(_))
            && decision.plan.iter().any(|plan| plan.pool == action.pool && plan.target != plan.current)
    };
    decision.actions.iter().any(changed)
}

/// Asks for the number, and finishes what earlier evaluations began. A failure of one does not keep the other.
async fn bring_to(
    cloud: &Cloud,
    pool: &Pool,
    memory: &mut FleetMemory,
    view: &View,
    target: u32,
    now: DateTime<Utc>,
) -> Result<(), FleetError> {
    let scaled = if target == view.capacity.total() {
        Ok(())
    } else {
        fleet::scale(cloud, pool, memory, view, target, now).await
    };
    let finished = fleet::finish(cloud, pool, memory, view, now).await;
    scaled.and(finished)
}

fn note_change(snapshot: &mut Snapshot, view: &View, plan: &PoolTarget, target: u32, now: DateTime<Utc>) {
    snapshot.last_change = Some(now);
    match target.checked_sub(plan.current) {
        Some(more) => snapshot.starts.asked(Minute::containing(now), more),
        None => snapshot.starts.cancelled((plan.current - target).min(view.capacity.starting)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: u32, (least, most): (u32, u32)) -> u32 {
        let plan = PoolTarget { pool: "base".to_owned(), current: 10, target, why: String::new() };
        allowed(&plan, &View::in_a_test(Capacity { serving: 10, starting: 0 }, least, most))
    }

    #[test]
    fn a_pool_is_asked_for_what_the_cloud_allows_it_and_lowered_by_no_limit_of_the_cloud() {
        assert_eq!([12, 8, 0].map(|target| asked(target, (2, 20))), [12, 8, 2]);
        assert_eq!([12, 10].map(|target| asked(target, (0, 0))), [10, 10], "a limit that is gone lets nothing go");
    }
}
