//! One evaluation of one group: read state, look, decide, act, record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future;
use tokio::time::Instant;

use super::budget::Budget;
use super::decide::{PoolView, Situation, decide};
use super::fold::fold;
use super::log::log;
use super::publish::Telemetry;
use super::tell::tell;
use super::warm::Warm;
use super::{policies, shadow};
use crate::clients::Cloud;
use crate::engine::purchase::{self, Hedge, PoolState};
use crate::engine::{Evidence, explain, guardrails};
use crate::fleet::{self, FleetError, View};
use crate::handlers::{measures, raising};
use crate::model::{
    Action, ActionOutcome, CONFIG_VERSION, Capacity, Decision, Group, Happening, Minute, PaidCapacity, Pool,
    PoolTarget, Purchase, Record, SCHEMA_VERSION, Trigger, Verdict,
};
use crate::observe::{self, Observed};
use crate::state::{self, FleetMemory, Found, LONGEST_RECORD_WINDOW, RECORD_WINDOW, Snapshot, Store, StoreError};

/// Minutes of metrics that are asked for when nothing is known yet, and at most after a gap.
const LONGEST_LOOK_BACK_MINUTES: i64 = 30;
/// Times that an evaluation listens again for calls after it has asked for more.
const MOST_SECOND_THOUGHTS: usize = 3;
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
    let mut snapshot = read_state(store, warm, group, ask, &mut problems).await?;
    policies::look_up(store, group, &mut snapshot, ask.now, ask.deadline, &mut problems).await;
    let (configured, group) = (group, &policies::in_force(group, &snapshot));
    let views = look_at_fleets(&cloud.within(budget.share(0.4)), group, &mut snapshot, ask.now).await;
    note_starts(&mut snapshot, group, &views, ask.now);
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
        doubts: snapshot
            .policies
            .trouble
            .iter()
            .map(|why| format!("the policy in force is not known: {why}"))
            .collect(),
    };
    let before = snapshot.written;
    let mut decision = decide(&mut snapshot, situation);
    note_forecast(&mut snapshot, &decision);
    decision.shadow = shadow::beside(configured, &mut snapshot, &decision, ask.now);
    let rolled_back = policies::watch(configured, &mut snapshot, &decision.seen.samples);
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
    }
    snapshot.counts.note(Minute::containing(ask.now), capacity_after(&snapshot, group));
    decision.left = left(&snapshot, group);
    snapshot.spent += spending(group, &snapshot, before, ask.now);
    decision.spent = Some(snapshot.spent);
    for action in &decision.actions {
        if let ActionOutcome::Failed(why) = &action.outcome {
            decision.problems.push(format!("pool {}: {}: {why}", action.pool, action.request));
        }
    }
    tell(&acting, ask.topic_urn.as_deref(), &group.name, &decision, &mut snapshot, ask.now).await;
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

/// Keeps what was forecast until it can be compared with what came.
fn note_forecast(snapshot: &mut Snapshot, decision: &Decision) {
    let Evidence::Predictive(evidence) = &decision.proposal.evidence else { return };
    snapshot.coverage.measured(evidence.newest, evidence.newest_demand);
    if let Some(expected) = evidence.expected_at(decision.seen.lead_minutes) {
        snapshot.coverage.forecast(expected.minute, expected.low, expected.high);
    }
}

/// What is remembered, with new records folded in.
async fn read_state(
    store: &Store,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
    problems: &mut Vec<String>,
) -> Result<Snapshot, StoreError> {
    let (mut snapshot, names) = remembered(store, warm, group, ask, problems).await?;
    fold_new(store, group, ask, &mut snapshot, &names, problems).await;
    Ok(snapshot)
}

/// The snapshot as the last evaluation left it, and the names of the records since then. A warm instance needs no snapshot
/// from the store when the listing shows that nobody has decided since it wrote its own. Where none is left, what is in
/// force is found by looking back as far as one listing reaches.
pub(super) async fn remembered(
    store: &Store,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
    problems: &mut Vec<String>,
) -> Result<(Snapshot, Vec<String>), StoreError> {
    let kept = warm.take(&group.name);
    let window_of = |written: DateTime<Utc>| ask.now.min(written) - RECORD_WINDOW;
    // Without a snapshot at hand the last evaluation is taken to be a few minutes old.
    let since = window_of(kept.as_ref().map_or(ask.now - RECORD_WINDOW, |snapshot| snapshot.written));
    let (names, read) = future::join(state::records_since(store, &group.name, since, ask.deadline), async {
        match &kept {
            Some(_) => None,
            None => Some(state::read_snapshot(store, &group.name, ask.deadline).await),
        }
    })
    .await;
    let mut names = names?;
    let kept = kept.filter(|snapshot| is_newest(snapshot, &names));
    let found = match (kept, read) {
        (Some(snapshot), _) => Found::Whole(Box::new(snapshot)),
        (None, Some(read)) => read?,
        (None, None) => state::read_snapshot(store, &group.name, ask.deadline).await?,
    };
    let mut snapshot = match found {
        Found::Whole(snapshot) => *snapshot,
        Found::Nothing => Snapshot::empty(ask.now, signal_names(group)),
        Found::Torn(why) => {
            problems.push(format!("the snapshot was torn and is begun anew ({why})"));
            Snapshot::empty(ask.now, signal_names(group))
        }
    };
    let wanted = match snapshot.last_decision {
        Some(_) => window_of(snapshot.written),
        None => ask.now - LONGEST_RECORD_WINDOW,
    };
    if wanted < since {
        names = state::records_since(store, &group.name, wanted, ask.deadline).await?;
    }
    if snapshot.policy.is_empty() {
        CONFIG_VERSION.clone_into(&mut snapshot.policy);
    }
    snapshot.forget(ask.now, RECORD_WINDOW);
    Ok((snapshot, names))
}

/// Reads the records that are new, and folds them in.
pub(super) async fn fold_new(
    store: &Store,
    group: &Group,
    ask: &Ask,
    snapshot: &mut Snapshot,
    names: &[String],
    problems: &mut Vec<String>,
) {
    let new: Vec<&String> =
        names.iter().filter(|name| !is_decision(name) && !snapshot.folded.contains(*name)).collect();
    let read =
        future::join_all(new.iter().map(|name| state::read_record(store, &group.name, name, ask.deadline))).await;
    let mut records = Vec::new();
    for (name, record) in new.into_iter().zip(read) {
        match record {
            Ok(Some(record)) => records.push((name.clone(), record)),
            Ok(None) => {}
            // Not folded, so it is tried again next time.
            Err(error) => problems.push(error.to_string()),
        }
    }
    fold(snapshot, records, ask.now);
}

/// Whether every decision that is listed was known to this snapshot, its own among them.
fn is_newest(snapshot: &Snapshot, names: &[String]) -> bool {
    snapshot.last_decision.as_ref().is_some_and(|last| names.contains(last))
        && names.iter().all(|name| !is_decision(name) || snapshot.folded.contains(name))
}

fn is_decision(name: &str) -> bool {
    name.split('-').nth(1) == Some(SOURCE)
}

fn signal_names(group: &Group) -> Vec<String> {
    group.signals.iter().map(|signal| signal.name.clone()).collect()
}

pub(super) async fn look_at_fleets(
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    now: DateTime<Utc>,
) -> Vec<Result<View, FleetError>> {
    let looks = group.pools.iter().map(|pool| {
        let mut memory = snapshot.fleets.get(&pool.name).cloned().unwrap_or_default();
        let losses = snapshot.losses.iter().filter(|loss| loss.pool == pool.name);
        memory.going = losses.map(|loss| loss.instance.clone()).collect();
        async move {
            let view = fleet::look(cloud, pool, &mut memory, now).await;
            (memory, view)
        }
    });
    let looked = future::join_all(looks).await;
    let pools = group.pools.iter().zip(looked);
    pools
        .map(|(pool, (memory, view))| {
            snapshot.fleets.insert(pool.name.clone(), memory);
            view
        })
        .collect()
}

/// Measures how long starts take: instances that serve now and did not before were asked for some time ago.
fn note_starts(snapshot: &mut Snapshot, group: &Group, views: &[Result<View, FleetError>], now: DateTime<Utc>) {
    let known = group.pools.iter().zip(views).filter_map(|(pool, view)| Some((pool, view.as_ref().ok()?)));
    for (pool, view) in known {
        let Some(memory) = snapshot.fleets.get_mut(&pool.name) else { continue };
        if let Some(before) = memory.capacity.replace(view.capacity) {
            let more = view.capacity.serving.saturating_sub(before.serving);
            snapshot.starts.ready(Minute::containing(now), more);
        }
    }
    // Of a pool that could not be asked nobody knows what is on its way.
    let starting: Option<u32> = views.iter().map(|view| view.as_ref().ok().map(|view| view.capacity.starting)).sum();
    if let Some(starting) = starting {
        snapshot.starts.only_on_their_way(starting);
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
    let oldest = newest - LONGEST_LOOK_BACK_MINUTES + 1;
    let from = snapshot.seen_until.map_or(oldest, |seen| (seen + 1).max(oldest)).min(newest);
    let instances: Vec<String> = views.iter().flatten().flat_map(|view| view.serving.iter().cloned()).collect();
    observe::observe(cloud, group, &instances, from..=newest).await
}

pub(super) fn pool_views(
    group: &Group,
    snapshot: &Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<PoolView> {
    let view = |(pool, view): (&Pool, &Result<View, FleetError>)| match view {
        Ok(view) if is_unlucky(pool, snapshot, view.capacity, now) => {
            PoolView { capacity: view.capacity, most: view.most.min(view.capacity.total()), failure: None }
        }
        Ok(view) => PoolView { capacity: view.capacity, most: view.most, failure: None },
        Err(error) => PoolView {
            capacity: snapshot.fleets.get(&pool.name).and_then(|memory| memory.capacity).unwrap_or_default(),
            most: u32::MAX,
            failure: Some(error.to_string()),
        },
    };
    group.pools.iter().zip(views).map(view).collect()
}

/// Whether a pool is losing more than half of what it has: it would hardly keep what it gets. All functions go by the same
/// rule, so that they buy in the same pools.
fn is_unlucky(pool: &Pool, snapshot: &Snapshot, capacity: Capacity, now: DateTime<Utc>) -> bool {
    let going = super::going(snapshot, now).filter(|loss| loss.pool == pool.name).count();
    u64::try_from(going).is_ok_and(|going| going * 2 > u64::from(capacity.serving)) && pool.purchase == Purchase::Spot
}

/// How many instances a pool is asked for, within what the cloud allows it.
fn allowed(plan: &PoolTarget, view: &View) -> u32 {
    plan.target.clamp(view.least, view.most.max(view.least))
}

/// Records a decision to shrink before it is carried out, so that nothing is taken away without a record, whenever the
/// function is killed or the store fails. The same record is written again when it is known what came of it.
async fn announce(
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

fn record_of(group: &Group, ask: &Ask, decision: Decision) -> Record {
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
async fn carry_out(
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
            let request = if target != view.capacity.total() {
                format!("{} instead of {} instances", target, view.capacity.total())
            } else if view.is_unsettled && acts {
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

fn would_lower(decision: &Decision) -> bool {
    decision.plan.iter().any(|plan| plan.target < plan.current)
}

/// Whether a number may have been changed. Setting a higher one than was seen lowers what somebody else has set meanwhile.
fn has_changed(decision: &Decision) -> bool {
    let changed = |action: &Action| {
        !matches!(action.outcome, ActionOutcome::Withheld(_))
            && decision.plan.iter().any(|plan| plan.pool == action.pool && plan.target != plan.current)
    };
    decision.actions.iter().any(changed)
}

/// Hears calls and orders that came while this evaluation was looking, before it lowers. What cannot be listed is no reason
/// to lower.
async fn reconsider(
    store: &Store,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    decision: &mut Decision,
    ask: &Ask,
) {
    match state::recent_records(store, &group.name, ask.now, ask.deadline).await {
        Ok(names) if !has_news(snapshot, &names) => return,
        Ok(names) => fold_new(store, group, ask, snapshot, &names, &mut decision.problems).await,
        Err(error) => decision.guardrail_inputs.doubts.push(format!("new records could not be listed: {error}")),
    }
    decision.guardrail_inputs.raises = calls(snapshot);
    decision.guardrail_inputs.orders = snapshot.holds.iter().map(|hold| hold.order).collect();
    (decision.target, decision.guardrails) = guardrails::apply(&decision.guardrail_inputs);
    decision.plan = purchase::split(decision.target, &group.purchase, &pool_states(group, snapshot, views, ask.now));
    snapshot.hedge = Some(Hedge::new(decision.target, &decision.plan));
}

pub(super) fn has_news(snapshot: &Snapshot, names: &[String]) -> bool {
    names.iter().any(|name| !is_decision(name) && !snapshot.folded.contains(name))
}

fn calls(snapshot: &Snapshot) -> Vec<(u32, String)> {
    snapshot.raises.iter().map(|raise| (raise.target, raise.why.clone())).collect()
}

fn pool_states<'a>(
    group: &'a Group,
    snapshot: &Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<PoolState<'a>> {
    let state = |(pool, view): (&'a Pool, PoolView)| PoolState { pool, capacity: view.capacity, available: view.most };
    group.pools.iter().zip(pool_views(group, snapshot, views, now)).map(state).collect()
}

/// Makes good what this evaluation has undone. Alarms and reclaims record their calls before they act: whoever lists after
/// it has acted sees every call that came between, and asks for it again. What asks again may undo again, so it listens
/// once more.
async fn keep_up(
    store: &Store,
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    decision: &mut Decision,
    ask: &Ask,
) -> Vec<Action> {
    let mut actions = Vec::new();
    for _ in 0..MOST_SECOND_THOUGHTS {
        let names = match state::recent_records(store, &group.name, ask.now, ask.deadline).await {
            Ok(names) => names,
            Err(error) => {
                decision.problems.push(format!("calls for more that came meanwhile are not known: {error}"));
                break;
            }
        };
        fold_new(store, group, ask, snapshot, &names, &mut decision.problems).await;
        let orders = snapshot.holds.iter().map(|hold| hold.order).collect();
        let called = decision.guardrail_inputs.called(decision.target, calls(snapshot), orders);
        if called <= decision.target && snapshot.raises.is_empty() {
            break;
        }
        let views = look_at_fleets(cloud, group, snapshot, ask.now).await;
        let total: u32 = pool_views(group, snapshot, &views, ask.now).iter().map(|pool| pool.capacity.total()).sum();
        if total >= called {
            break;
        }
        actions.extend(raise_to(called, cloud, group, snapshot, &views, ask.now).await);
    }
    actions
}

async fn raise_to(
    called: u32,
    cloud: &Cloud,
    group: &Group,
    snapshot: &mut Snapshot,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<Action> {
    let plan = purchase::split_raising(called, &group.purchase, &pool_states(group, snapshot, views, now));
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

/// What the group has after this evaluation, as far as known.
pub(super) fn capacity_after(snapshot: &Snapshot, group: &Group) -> Capacity {
    let pools = group.pools.iter().filter_map(|pool| snapshot.fleets.get(&pool.name)?.capacity);
    pools.fold(Capacity::default(), |sum, pool| Capacity {
        serving: sum.serving + pool.serving,
        starting: sum.starting + pool.starting,
    })
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
