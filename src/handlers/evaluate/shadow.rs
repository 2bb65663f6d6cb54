//! A version that decides beside: on the same samples and behind the same guardrails, with nothing following from it.

use chrono::{DateTime, Utc};

use crate::engine::{Engine, EngineState, Observation, doubts, guardrails};
use crate::model::{Group, Minute};
use crate::records::{Decision, ShadowDecision};
use crate::state::Snapshot;

/// What the version in shadow would have asked for where `decision` was taken. `None` without one.
pub(super) fn beside(
    configured: &Group,
    snapshot: &mut Snapshot,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Option<ShadowDecision> {
    let group = snapshot.policies.shadow_of(configured)?.tunables.applied_to(configured);
    let mut memory = snapshot.policies.shadow.take()?;
    let (mut engine, samples) =
        match memory.engine.take().and_then(|engine| engine.adapted(&group.policy, &group.signals)) {
            Some(engine) if memory.evaluations > 0 => (engine, decision.seen.samples.clone()),
            // It is shown all that is remembered: what it has seen before it passes over.
            Some(engine) => (engine, snapshot.recent.iter().cloned().collect()),
            None => (EngineState::new(&group.policy, &group.signals), snapshot.recent.iter().cloned().collect()),
        };
    let cooldown_seconds = group.scaling.cooldown_seconds(group.policy.engine);
    let proposed = engine
        .decide(&Observation {
            now: Minute::containing(now),
            signals: &group.signals,
            samples: &samples,
            capacity: decision.seen.pools.values().copied().sum(),
            stand_ins: 0,
            min_instances: group.scaling.min_instances,
            max_instances: group.scaling.max_instances,
            lead_minutes: decision.seen.lead_minutes,
            delay_minutes: group.scaling.delay_minutes(),
            cooldown_seconds,
        })
        .target;
    let (target, _) = guardrails::apply(&guardrails::Inputs {
        proposed,
        cooldown_in_seconds: group.scaling.guardrail_cooldown_seconds(group.policy.engine),
        shared_loads: snapshot.recent.back().map_or_else(Vec::new, |newest| doubts::shared_loads(&group, newest)),
        ..decision.guardrail_inputs.clone()
    });
    memory.evaluations += 1;
    memory.starved += u32::from(busy(&group, snapshot).is_some_and(|busy| f64::from(target) < busy));
    memory.engine = Some(engine);
    let policy = memory.version.clone();
    snapshot.policies.shadow = Some(memory);
    Some(ShadowDecision { policy, proposed, target })
}

/// Instances' worth of work that the newest sample shows.
fn busy(group: &Group, snapshot: &Snapshot) -> Option<f64> {
    let newest = snapshot.recent.back()?;
    Some(group.utilisation(newest)? / 100.0 * f64::from(newest.serving?))
}
