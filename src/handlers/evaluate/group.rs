//! One evaluation of one group: read state, look, decide, act, record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future;
use tokio::time::Instant;

use super::budget::Budget;
use super::carry_out::{announce, carry_out, has_changed, record_of};
use super::decide::{PoolView, Situation, decide};
use super::log::log;
use super::publish::Telemetry;
use super::remembered::{Remembered, read_state};
use super::second_thoughts::{keep_up, reconsider, would_lower};
use super::starts::{note_starts, overdue};
use super::tell::{news, tell};
use super::warm::Warm;
use super::{intake, policies, shadow};
use crate::clients::Cloud;
use crate::engine::Evidence;
use crate::engine::guardrails::Rule;
use crate::engine::purchase::Terms;
use crate::fleet::{self, FleetError, View};
use crate::handlers::measures;
use crate::model::{Capacity, FleetSource, Group, Minute, Pool, Purchase};
use crate::observe::{self, Observed};
use crate::records::{ActionOutcome, Decision, PaidCapacity, Trigger, Verdict, explain};
use crate::state::{self, FleetMemory, Snapshot, Store, StoreError};

/// Who writes the records of this handler.
pub(super) const SOURCE: &str = "evaluate";

/// What one evaluation is asked to do.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) now: DateTime<Utc>,
    pub(super) trigger: Trigger,
    pub(super) dry_run: bool,
    pub(super) deadline: Instant,
    /// Topic that people read.
    pub(super) topic_urn: Option<String>,
    /// Where the decision is told as numbers.
    pub(super) telemetry: Telemetry,
}

/// Evaluates a group.
///
/// # Errors
/// Only when no decision could be recorded: the store fails, or holds state of a newer version.
pub(super) async fn evaluate_group(
    store: &Store,
    cloud: &Cloud,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
) -> Result<Verdict, StoreError> {
    let started = Instant::now();
    let calls_before = (store.calls(), cloud.calls());
    let budget = Budget::begin(ask.deadline);
    let mut problems = Vec::new();
    let Remembered { mut snapshot, is_behind, unread } = read_state(store, warm, group, ask, &mut problems).await?;
    policies::look_up(store, group, &mut snapshot, ask.now, ask.deadline, &mut problems).await;
    let (configured, group) = (group, &snapshot.policies.in_force(group));
    let views = look_at_fleets(&cloud.within(budget.share(0.4)), group, &mut snapshot, is_behind, ask.now).await;
    note_starts(&mut snapshot, group, &views, ask.now);
    let overdue = overdue(&mut snapshot, group, &views, ask.now);
    problems.extend(overdue.iter().cloned());
    note_weather(&mut snapshot, group, &views, ask.now);
    let observed = look_at_signals(&cloud.within(budget.share(0.5)), group, &snapshot, &views, ask.now).await;

    let situation = Situation {
        group,
        now: ask.now,
        pools: pool_views(group, &snapshot, &views, ask.now),
        samples: observed.samples,
        signal_problems: observed.problems.into_iter().map(|problem| (problem.signal, problem.why)).collect(),
        trigger: ask.trigger.clone(),
        dry_run: ask.dry_run,
        problems,
        doubts: unread.into_iter().chain(policy_trouble(&snapshot)).collect(),
    };
    let before = snapshot.written;
    let mut decision = decide(&mut snapshot, situation);
    note_forecast(&mut snapshot, &decision);
    decision.shadow = shadow::beside(configured, &mut snapshot, &decision, ask.now);
    let is_ordered = decision.guardrails.iter().any(|step| step.rule == Rule::Hold);
    let rolled_back = policies::watch(configured, &mut snapshot, &decision.seen.samples, is_ordered, ask.now);
    if let Some((version, why)) = &rolled_back {
        decision.problems.push(format!("version {version} of the policy is rolled back: {why}"));
    }
    if would_lower(&decision) && Situation::acts(group, ask.dry_run) {
        reconsider(store, group, &mut snapshot, &views, &mut decision, ask).await;
    }
    let recorded = announce(store, group, ask, &views, &decision, Instant::now() + budget.share(0.4)).await;
    if let Err(error) = &recorded {
        decision.problems.push(format!("it could not be recorded before it was carried out: {error}"));
    }
    let acting = cloud.within(budget.share(1.0));
    decision.actions = carry_out(&acting, group, &mut snapshot, &views, &decision, recorded.is_ok(), ask.now).await;
    if has_changed(&decision) {
        let made_good = keep_up(store, &acting, group, &mut snapshot, &mut decision, ask).await;
        decision.actions.extend(made_good);
        snapshot.counts.note(Minute::containing(ask.now), capacity_after(&snapshot, group));
    }
    decision.left = left(&snapshot, group);
    snapshot.spent += spending(group, &snapshot, before, ask.now);
    decision.spent = Some(snapshot.spent);
    for action in &decision.actions {
        if let ActionOutcome::Failed(why) = &action.outcome {
            decision.problems.push(format!("pool {}: {}: {why}", action.pool, action.request));
        }
    }
    renew_series(&mut snapshot, group, ask.now);
    let news = news(&decision, &overdue, snapshot.doubted_since, ask.now);
    tell(&acting, ask.topic_urn.as_deref(), &group.name, news, &mut snapshot, ask.now).await;
    if let Some(rolled_back) = rolled_back {
        let id = super::decision_id(&ask.trigger.request_id, &group.name);
        policies::record_rollback(store, &group.name, rolled_back, &id, ask.now, ask.deadline).await;
    }
    // Still to come: the record, the snapshot, and the metrics.
    let to_come = 2 + ask.telemetry.calls();
    decision.http_calls = store.calls() - calls_before.0 + cloud.calls() - calls_before.1 + to_come;
    decision.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let measures = measures::of(group, &decision, &snapshot);
    let telling = ask.telemetry.publish(cloud, &group.name, &measures, ask.now);
    let (verdict, ()) = future::join(write_state(store, warm, group, ask, snapshot, decision), telling).await;
    verdict
}

fn policy_trouble(snapshot: &Snapshot) -> Option<String> {
    snapshot.policies.trouble.as_ref().map(|why| format!("the policy in force is not known: {why}"))
}

/// Keeps what was forecast until it can be compared with what came.
fn note_forecast(snapshot: &mut Snapshot, decision: &Decision) {
    let Evidence::Predictive(evidence) = &decision.proposal.evidence else { return };
    snapshot.coverage.measured(evidence.newest, evidence.newest_demand);
    if let Some(expected) = evidence.expected_at(decision.seen.lead_minutes) {
        snapshot.coverage.forecast(expected.minute, expected.low, expected.high);
    }
}

/// Looks at the fleets, in the order of the group's pools. If `is_behind`, what was ordered and is not shown may have been
/// let go by another evaluation already, and is not counted: rather too many for a while than too few.
pub(super) async fn look_at_fleets(
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    is_behind: bool,
    now: DateTime<Utc>,
) -> Vec<Result<View, FleetError>> {
    let looks = group.pools.iter().map(|pool| {
        let mut memory = snapshot.fleets.get(&pool.name).cloned().unwrap_or_default();
        let losses = snapshot.losses.iter().filter(|loss| loss.pool == pool.name);
        memory.going = losses.map(|loss| loss.instance.clone()).collect();
        if is_behind {
            memory.jobs.clear();
        }
        async move {
            let view = fleet::look(cloud, pool, &mut memory, now).await;
            (memory, view)
        }
    });
    let looked = future::join_all(looks).await;
    let pools = group.pools.iter().zip(looked);
    let views: Vec<Result<View, FleetError>> = pools
        .map(|(pool, (memory, view))| {
            snapshot.fleets.insert(pool.name.clone(), memory);
            view
        })
        .collect();
    note_counts(snapshot, group, &views, now);
    views
}

/// Remembers how many instances carry the load. An Auto Scaling group whose number was lowered has the others in service until
/// it has taken them out.
pub(super) fn note_counts(
    snapshot: &mut Snapshot,
    group: &Group,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) {
    let carrying = |(pool, view): (&Pool, &Result<View, FleetError>)| match view {
        Ok(View { capacity, serving, .. }) => {
            let serving = capacity.serving.max(u32::try_from(serving.len()).unwrap_or(u32::MAX));
            Capacity { serving, starting: capacity.total().saturating_sub(serving) }
        }
        Err(_) => snapshot.fleets.get(&pool.name).and_then(|memory| memory.capacity).unwrap_or_default(),
    };
    let carrying: Capacity = group.pools.iter().zip(views).map(carrying).sum();
    snapshot.counts.note(Minute::containing(now), carrying);
}

/// Learns how spot instances are taken away, from a look at all of them.
fn note_weather(snapshot: &mut Snapshot, group: &Group, views: &[Result<View, FleetError>], now: DateTime<Utc>) {
    let spot = group.pools.iter().zip(views).filter(|(pool, _)| pool.purchase == Purchase::Spot);
    let serving: Option<u32> = spot.map(|(_, view)| view.as_ref().ok().map(|view| view.capacity.serving)).sum();
    if let Some(serving) = serving {
        snapshot.weather.observe(Minute::containing(now), serving);
    }
}

/// How the group's instances are bought, as far as is known by now.
pub(super) fn terms<'a>(group: &'a Group, snapshot: &'a Snapshot) -> Terms<'a> {
    Terms {
        mix: &group.purchase,
        weather: Some(&snapshot.weather),
        lead_minutes: snapshot.lead_minutes(&group.scaling),
    }
}

pub(super) async fn look_at_signals(
    cloud: &Cloud,
    group: &Group,
    snapshot: &Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Observed {
    let newest = Minute::containing(now) - 1;
    let from = intake::oldest_asked(snapshot, &group.signals, newest, group.scaling.delay_minutes());
    let serving = |(pool, view): (&Pool, &Result<View, FleetError>)| match view {
        Ok(view) => view.serving.clone(),
        // They serve as far as anyone knows: a sum without them would be too small.
        Err(_) => snapshot.fleets.get(&pool.name).map(|memory| memory.instances.clone()).unwrap_or_default(),
    };
    let instances: Vec<String> = group.pools.iter().zip(views).flat_map(serving).collect();
    let serving = |minute| snapshot.counts.within(minute).map(|(_, most)| most.serving);
    observe::observe(cloud, group, &instances, &serving, from..=newest).await
}

pub(super) fn pool_views(
    group: &Group,
    snapshot: &Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<PoolView> {
    let view = |(pool, view): (&Pool, &Result<View, FleetError>)| {
        let told = super::going(snapshot, now).filter(|loss| loss.pool == pool.name).count();
        let told = u32::try_from(told).unwrap_or(u32::MAX);
        match view {
            Ok(view) => {
                let going = view.going.unwrap_or(told).min(told).min(view.capacity.total());
                let is_unlucky = is_unlucky(pool, told, view.capacity);
                let most = if is_unlucky { view.most.min(view.capacity.total()) } else { view.most };
                PoolView { capacity: view.capacity, most, going, failure: None }
            }
            Err(error) => {
                let remembered = snapshot.fleets.get(&pool.name).and_then(|memory| memory.capacity);
                let capacity = remembered.unwrap_or_default();
                let going = told.min(capacity.total());
                PoolView { capacity, most: capacity.total(), going, failure: Some(error.to_string()) }
            }
        }
    };
    group.pools.iter().zip(views).map(view).collect()
}

/// Whether a pool is losing more than half of what it has: it would hardly keep what it gets. All functions go by the same
/// rule, so that they buy in the same pools.
fn is_unlucky(pool: &Pool, going: u32, capacity: Capacity) -> bool {
    u64::from(going) * 2 > u64::from(capacity.serving) && pool.purchase == Purchase::Spot
}

/// In a quiet minute orders of servers may get a new series of numbers: nobody has called for more than serve.
fn renew_series(snapshot: &mut Snapshot, group: &Group, now: DateTime<Utc>) {
    let staying = |memory: &FleetMemory| {
        let going = u32::try_from(memory.going.len()).unwrap_or(u32::MAX);
        memory.capacity.map_or(0, |capacity| capacity.serving.saturating_sub(going))
    };
    let serving: u32 = snapshot.fleets.values().map(staying).sum();
    if snapshot.raises.iter().all(|raise| raise.target <= serving) {
        for pool in group.pools.iter().filter(|pool| matches!(pool.fleet, FleetSource::Ecs(_))) {
            if let Some(memory) = snapshot.fleets.get_mut(&pool.name) {
                memory.renew_series(now);
            }
        }
    }
}

/// What the group has after this evaluation, as far as known.
pub(super) fn capacity_after(snapshot: &Snapshot, group: &Group) -> Capacity {
    group.pools.iter().filter_map(|pool| snapshot.fleets.get(&pool.name)?.capacity).sum()
}

/// The same by pool, with its price.
fn left(snapshot: &Snapshot, group: &Group) -> BTreeMap<String, PaidCapacity> {
    let of_pool = |pool: &Pool| {
        let Capacity { serving, starting } = snapshot.fleets.get(&pool.name)?.capacity?;
        let (purchase, price_per_hour) = (pool.purchase, pool.price_per_hour);
        Some((pool.name.clone(), PaidCapacity { serving, starting, purchase, price_per_hour }))
    };
    group.pools.iter().filter_map(of_pool).collect()
}

/// What the fleet cost since the last evaluation, at most an hour's worth.
fn spending(group: &Group, snapshot: &Snapshot, before: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    let hours = ((now - before).num_seconds() as f64 / 3600.0).clamp(0.0, 1.0);
    let per_hour: f64 = group
        .pools
        .iter()
        .filter_map(|pool| Some(f64::from(snapshot.fleets.get(&pool.name)?.capacity?.total()) * pool.price_per_hour))
        .sum();
    per_hour * hours
}

async fn write_state(
    store: &Store,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
    mut snapshot: Snapshot,
    decision: Decision,
) -> Result<Verdict, StoreError> {
    let verdict = Verdict {
        group: group.name.clone(),
        decision: super::decision_id(&ask.trigger.request_id, &group.name),
        time: ask.now,
        current: decision.guardrail_inputs.current,
        target: decision.target,
        why: explain::summary(&decision),
        http_calls: decision.http_calls,
    };
    log(&verdict, &decision);
    let has_changed = decision.actions.iter().any(|action| action.outcome == ActionOutcome::Done);
    let record = record_of(group, ask, decision);
    let name = state::keys::record_name(&record, SOURCE);
    snapshot.written = snapshot.written.max(ask.now);
    snapshot.folded.push(name.clone());
    snapshot.last_decision = Some(name);
    let owed = warm.take_owed(&group.name);
    let (recorded, kept, paid) = future::join3(
        state::write_record(store, &record, SOURCE, ask.deadline),
        state::write_snapshot(store, &group.name, &snapshot, ask.deadline),
        future::join_all(owed.iter().map(|owed| state::write_record(store, owed, SOURCE, ask.deadline))),
    )
    .await;
    let unpaid = owed.iter().zip(paid).filter(|(_, paid)| paid.is_err()).map(|(owed, _)| owed.clone());
    warm.owe(&group.name, unpaid);
    if let Err(error) = recorded {
        if has_changed {
            warm.owe(&group.name, [record]);
        }
        return Err(error);
    }
    match kept {
        Ok(()) => warm.keep(&group.name, snapshot),
        // The next evaluation goes on from the snapshot before, which is sound: targets are absolute.
        Err(error) => tracing::error!(group = group.name, %error, "the snapshot could not be written"),
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::records::Raise;

    #[test]
    fn a_minute_is_quiet_where_nobody_has_called_for_more_than_serve() {
        let config = Config::parse(include_bytes!("../../cli/local/demo-spot.json")).expect("a bundled configuration");
        let group = &config.groups[0];
        let now = DateTime::from_timestamp(1_790_000_040, 0).expect("a time");
        let is_renewed = |called: Option<u32>, going: &[&str]| {
            let mut snapshot = Snapshot::empty(now, Vec::new());
            snapshot.raises.extend(called.map(|target| Raise {
                target,
                until: now,
                source: "alarm".to_owned(),
                cause: "message".to_owned(),
                why: "an alarm".to_owned(),
            }));
            let memory = snapshot.fleets.entry("spot".to_owned()).or_default();
            memory.capacity = Some(Capacity { serving: 6, starting: 3 });
            memory.going = going.iter().map(|id| (*id).to_owned()).collect();
            renew_series(&mut snapshot, group, now);
            snapshot.fleets["spot"].series.is_some()
        };
        assert!(is_renewed(None, &[]) && is_renewed(Some(6), &[]));
        assert!(!is_renewed(Some(7), &[]), "somebody may be ordering");
        assert!(!is_renewed(Some(6), &["s-1"]), "somebody may be replacing it");
    }
}
