//! From what was seen to how many instances there shall be. No I/O: everything it looks at is an argument.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::group::terms;
use super::{intake, plausible};
use crate::engine::purchase::{self, Hedge, PoolState};
use crate::engine::{Engine, EngineState, Observation, doubts, guardrails, plan, schedules};
use crate::model::{Capacity, Group, Minute, Mode, Sample};
use crate::records::{Decision, Seen, SignalValue, Trigger};
use crate::state::Snapshot;

/// Minutes that a value may be older than it should be if it has just come: some signals are always a little late.
const GRACE_MINUTES: i64 = 3;

/// What is known of one pool's fleet now.
#[derive(Clone, Debug)]
pub(super) struct PoolView {
    /// What it has; what was known last, when it could not be asked. It then has no room for more.
    pub(super) capacity: Capacity,
    /// Most instances that the cloud allows it.
    pub(super) most: u32,
    /// How many of them the cloud is taking back.
    pub(super) going: u32,
    /// Why it could not be asked, if so.
    pub(super) failure: Option<String>,
}

/// Everything that one decision looks at, besides the snapshot.
pub(super) struct Situation<'a> {
    pub(super) group: &'a Group,
    pub(super) now: DateTime<Utc>,
    /// In the order of the group's pools.
    pub(super) pools: Vec<PoolView>,
    /// Samples as the sources gave them, oldest first.
    pub(super) samples: Vec<Sample>,
    /// Why a signal could not be read, by its name.
    pub(super) signal_problems: BTreeMap<String, String>,
    pub(super) trigger: Trigger,
    pub(super) dry_run: bool,
    /// What went wrong so far, in words.
    pub(super) problems: Vec<String>,
    /// Why nothing may be lowered, beside what the signals say.
    pub(super) doubts: Vec<String>,
}

/// Decides, and takes what was seen into the snapshot. Nothing has been asked of the cloud yet.
pub(super) fn decide(snapshot: &mut Snapshot, situation: Situation<'_>) -> Decision {
    let Situation {
        group,
        now,
        pools,
        samples,
        mut signal_problems,
        trigger,
        dry_run,
        mut problems,
        doubts: unwilling,
    } = situation;
    let minute = Minute::containing(now);
    let capacity: Capacity = pools.iter().map(|pool| pool.capacity).sum();
    let all = capacity.total();
    let capacity = snapshot.hedge.map_or(capacity, |hedge| hedge.net(capacity));
    let delay = group.scaling.delay_minutes();
    let lead_minutes = snapshot.lead_minutes(&group.scaling);
    let known: BTreeMap<String, Minute> = newest_minutes(snapshot);
    let mut taken_in = intake::take_in(snapshot, &group.signals, samples, minute, delay);
    let measured = taken_in.clone();
    let contradictory = plausible::sift(snapshot, group, &mut taken_in);
    for sample in &taken_in {
        schedules::learn(&mut snapshot.usual, &group.schedules, group.load_signal(), sample);
    }

    let (mut engine, shown) =
        match snapshot.engine.take().and_then(|engine| engine.adapted(&group.policy, &group.signals)) {
            Some(engine) => (engine, taken_in),
            // A new engine is shown all that is remembered, so that it need not begin blind.
            None => (EngineState::new(&group.policy, &group.signals), snapshot.recent.iter().cloned().collect()),
        };
    let proposal = engine.decide(&Observation {
        now: minute,
        signals: &group.signals,
        samples: &shown,
        capacity,
        stand_ins: all - capacity.total(),
        min_instances: group.scaling.min_instances,
        max_instances: group.scaling.max_instances,
        lead_minutes,
        delay_minutes: delay,
        cooldown_seconds: group.scaling.cooldown_seconds(group.policy.engine),
    });
    snapshot.engine = Some(engine);

    let signals = newest_values(group, snapshot);
    // What could not be read, or only of some instances, may be the part that matters.
    let mut doubted: Vec<String> = signal_problems.iter().map(|(signal, why)| format!("{signal}: {why}")).collect();
    doubted.extend(stale_signals(group, &signals, &known, minute, delay, &mut signal_problems));
    doubted.extend(contradictory);
    doubted.extend(unwilling);
    doubted
        .extend(doubts::contradictions(&group.signals, |signal| signals.get(&signal.name).map(|newest| newest.value)));
    if now < snapshot.written {
        doubted.push(format!("it was decided for {} already", snapshot.written.format("%H:%M")));
    }
    for (pool, view) in group.pools.iter().zip(&pools) {
        if let Some(failure) = &view.failure {
            doubted.push(format!("pool {} could not be asked", pool.name));
            problems.push(format!("pool {}: {failure}", pool.name));
        }
    }
    snapshot.doubted_since = if doubted.is_empty() { None } else { snapshot.doubted_since.or(Some(now)) };

    let affordable = affordable(group, snapshot, &pools);
    let scheduled = schedules::calls(
        &group.schedules,
        &schedules::Circumstances {
            now,
            lead_minutes,
            interval_minutes: group.scaling.check_interval.div_ceil(60),
            current: capacity.total(),
            max_instances: affordable.unwrap_or(group.scaling.max_instances),
            max_step_out: group.scaling.max_step_out,
            utilisation: schedules::utilisation(&group.policy, group.load_signal().map(|(_, signal)| signal)),
            usual: &snapshot.usual,
        },
    );
    let guardrail_inputs = guardrails::Inputs {
        proposed: proposal.target,
        current: capacity.total(),
        min_instances: group.scaling.min_instances,
        max_instances: group.scaling.max_instances,
        affordable,
        going: pools.iter().map(|pool| pool.going).sum(),
        max_step_out: group.scaling.max_step_out,
        max_step_in: group.scaling.max_step_in,
        doubts: doubted,
        raises: snapshot.raises.iter().map(|raise| (raise.target, raise.why.clone())).collect(),
        schedules: scheduled,
        seconds_since_change: snapshot.last_change.map(|changed| (now - changed).num_seconds()),
        cooldown_in_seconds: group.scaling.guardrail_cooldown_seconds(group.policy.engine),
        shared_loads: snapshot.recent.back().map_or_else(Vec::new, |newest| doubts::shared_loads(group, newest)),
        orders: snapshot.holds.iter().map(|hold| hold.order).collect(),
    };
    let (target, steps) = guardrails::apply(&guardrail_inputs);
    let plan = plan::plan(target, &guardrail_inputs, &terms(group, snapshot), &pool_states(group, &pools));
    let hedge = Hedge::new(target, &plan);
    if Situation::acts(group, dry_run) {
        snapshot.hedge = Some(hedge);
    }
    if hedge.planned < target {
        problems.push(format!("the pools have room for {} of {target} instances", hedge.planned));
    }
    Decision {
        trigger,
        mode: group.mode,
        dry_run,
        policy: snapshot.policy.clone(),
        seen: Seen {
            pools: group.pools.iter().zip(&pools).map(|(pool, view)| (pool.name.clone(), view.capacity)).collect(),
            newest: snapshot.seen_until,
            signals,
            missing: signal_problems,
            lead_minutes,
            signal_names: snapshot.signals.clone(),
            samples: measured,
        },
        proposal,
        guardrail_inputs,
        guardrails: steps,
        target,
        plan,
        actions: Vec::new(),
        left: BTreeMap::new(),
        shadow: None,
        spent: None,
        problems,
        http_calls: 0,
        duration_ms: 0,
    }
}

impl Situation<'_> {
    /// Whether a decision may be carried out.
    pub(super) fn acts(group: &Group, dry_run: bool) -> bool {
        group.mode == Mode::Act && !dry_run
    }
}

pub(super) fn pool_states<'a>(group: &'a Group, pools: &[PoolView]) -> Vec<PoolState<'a>> {
    let state = |(pool, view): (&'a crate::model::Pool, &PoolView)| PoolState {
        pool,
        capacity: view.capacity,
        available: view.most,
    };
    group.pools.iter().zip(pools).map(state).collect()
}

/// The most that the budget pays for, where that is fewer than the maximum. The minimum is paid whatever it costs.
fn affordable(group: &Group, snapshot: &Snapshot, pools: &[PoolView]) -> Option<u32> {
    let most = group.scaling.max_instances;
    let budget = group.purchase.budget_per_hour?;
    let affordable = purchase::affordable(budget, most, &terms(group, snapshot), &pool_states(group, pools));
    Some(affordable.max(group.scaling.min_instances)).filter(|affordable| *affordable < most)
}

/// The newest value of each signal that has one.
fn newest_values(group: &Group, snapshot: &Snapshot) -> BTreeMap<String, SignalValue> {
    let newest = |index: usize| {
        snapshot.recent.iter().rev().find_map(|sample| {
            sample.values.get(index).copied().flatten().map(|value| SignalValue { value, minute: sample.minute })
        })
    };
    group.signals.iter().enumerate().filter_map(|(index, signal)| Some((signal.name.clone(), newest(index)?))).collect()
}

/// The minute of the newest value of each signal that has one.
fn newest_minutes(snapshot: &Snapshot) -> BTreeMap<String, Minute> {
    let newest = |index: usize| {
        let has = |sample: &&Sample| sample.values.get(index).copied().flatten().is_some();
        snapshot.recent.iter().rev().find(has).map(|sample| sample.minute)
    };
    snapshot.signals.iter().enumerate().filter_map(|(index, name)| Some((name.clone(), newest(index)?))).collect()
}

/// Signals without a value that is fresh enough to shrink on. Signals differ in period and delay: each has its own limit. A
/// value that was not `known` before may be a little older: it has just come.
fn stale_signals(
    group: &Group,
    values: &BTreeMap<String, SignalValue>,
    known: &BTreeMap<String, Minute>,
    now: Minute,
    delay: u32,
    problems: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let mut doubts = Vec::new();
    for signal in &group.signals {
        let period_minutes = i64::from(signal.period_minutes());
        // A value of a longer period comes when the period is over, and stands until the next one does.
        let has_just_come = values.get(&signal.name).map(|value| value.minute) > known.get(&signal.name).copied();
        let grace = if has_just_come { GRACE_MINUTES } else { 0 };
        let allowed = i64::from(delay) + 2 * period_minutes - 1 + grace;
        let why = match values.get(&signal.name) {
            None => "has no value yet".to_owned(),
            Some(value) if now - value.minute > allowed => format!("is {} minutes old", now - value.minute),
            Some(_) => continue,
        };
        doubts.push(format!("{} {why}", signal.name));
        problems.entry(signal.name.clone()).or_insert(why);
    }
    doubts
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
