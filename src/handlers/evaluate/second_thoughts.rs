//! Calls and orders that come while an evaluation is at work: heard before it lowers, and again after it has acted.

use chrono::{DateTime, Utc};

use super::decide::pool_states;
use super::group::{Ask, SOURCE, look_at_fleets, pool_views, terms};
use super::remembered::{fold_new, has_news, is_behind};
use crate::clients::Cloud;
use crate::engine::purchase::{self, Hedge};
use crate::engine::{guardrails, plan};
use crate::fleet::{FleetError, View};
use crate::handlers::raising;
use crate::model::{Capacity, Group};
use crate::records::{Action, ActionOutcome, Decision};
use crate::state::{self, Snapshot, Store, keys};

/// Times that an evaluation listens again for calls after it has asked for more.
const MOST_SECOND_THOUGHTS: usize = 8;

pub(super) fn would_lower(decision: &Decision) -> bool {
    decision.plan.iter().any(|plan| plan.target < plan.current)
}

/// Hears calls and orders that came while this evaluation was looking, before it lowers. What cannot be listed or read is no
/// reason to lower.
pub(super) async fn reconsider(
    store: &Store,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    decision: &mut Decision,
    ask: &Ask,
) {
    match state::recent_records(store, &group.name, ask.now, ask.deadline).await {
        Ok(names) if !has_news(snapshot, &names) => return,
        Ok(names) => {
            let unread = fold_new(store, group, ask, snapshot, &names).await;
            decision.problems.extend(unread.iter().cloned());
            decision.guardrail_inputs.doubts.extend(unread);
        }
        Err(error) => decision.guardrail_inputs.doubts.push(format!("new records could not be listed: {error}")),
    }
    decision.guardrail_inputs.raises = calls(snapshot);
    decision.guardrail_inputs.orders = snapshot.holds.iter().map(|hold| hold.order).collect();
    (decision.target, decision.guardrails) = guardrails::apply(&decision.guardrail_inputs);
    let pools = pool_views(group, snapshot, views, ask.now);
    let (terms, pools) = (terms(group, snapshot), pool_states(group, &pools));
    decision.plan = plan::plan(decision.target, &decision.guardrail_inputs, &terms, &pools);
    snapshot.hedge = Some(Hedge::new(decision.target, &decision.plan));
}

fn calls(snapshot: &Snapshot) -> Vec<(u32, String)> {
    snapshot.raises.iter().map(|raise| (raise.target, raise.why.clone())).collect()
}

/// Makes good what this evaluation has undone. Alarms and reclaims record their calls before they look and act: whoever
/// lists and looks again after it has acted sees every call that came between, and what was set over it. What asks again
/// may undo again, so it listens once more.
pub(super) async fn keep_up(
    store: &Store,
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    decision: &mut Decision,
    ask: &Ask,
) -> Vec<Action> {
    let own = own_record(group, ask);
    let mut actions = Vec::new();
    for _ in 0..MOST_SECOND_THOUGHTS {
        let names = match state::recent_records(store, &group.name, ask.now, ask.deadline).await {
            Ok(names) => names,
            Err(error) => {
                decision.problems.push(format!("calls for more that came meanwhile are not known: {error}"));
                break;
            }
        };
        decision.problems.extend(fold_new(store, group, ask, snapshot, &names).await);
        if snapshot.raises.is_empty() && snapshot.holds.is_empty() {
            break;
        }
        let orders = snapshot.holds.iter().map(|hold| hold.order).collect();
        let called = decision.guardrail_inputs.called(decision.target, calls(snapshot), orders);
        let is_behind = is_behind(snapshot, &names, Some(&own));
        let views = look_at_fleets(cloud, group, snapshot, is_behind, ask.now).await;
        let total: u32 = pool_views(group, snapshot, &views, ask.now).iter().map(|pool| pool.capacity.total()).sum();
        if total >= called {
            break;
        }
        let asked = raise_to(called, cloud, group, snapshot, &views, ask.now).await;
        let is_done = asked.iter().any(|action| action.outcome == ActionOutcome::Done);
        actions.extend(asked);
        if !is_done {
            break;
        }
    }
    actions
}

/// The name of the record that this evaluation may have announced its decision by.
fn own_record(group: &Group, ask: &Ask) -> String {
    let id = super::decision_id(&ask.trigger.request_id, &group.name);
    format!("{}-{SOURCE}-{id}.json", keys::record_time(ask.now))
}

async fn raise_to(
    called: u32,
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<Action> {
    let pools = pool_views(group, snapshot, views, now);
    let plan = purchase::split_raising(called, &terms(group, snapshot), &pool_states(group, &pools));
    snapshot.hedge = Some(Hedge::new(called, &plan));
    let actions = raising::order(cloud, group, snapshot, views, &plan, now).await;
    for (plan, view) in plan.iter().zip(views) {
        let Ok(view) = view else { continue };
        let serving = view.capacity.serving;
        let starting = plan.target.max(view.capacity.total()).saturating_sub(serving);
        snapshot.fleets.entry(plan.pool.clone()).or_default().capacity = Some(Capacity { serving, starting });
    }
    actions
}
