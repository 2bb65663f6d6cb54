//! What another engine would have asked for, had it been shown the same readings and the same fleet.
//!
//! It tells how engines differ at one decision, not what a group would have become under another one: for that the
//! readings themselves would have been others. `replay` answers that question.

use super::Decision;
use crate::engine::guardrails::{self, SharedLoad};
use crate::engine::{Engine as _, EngineState, Evidence, Observation, Proposal, doubts};
use crate::model::{Capacity, EngineKind, Group, Minute, Policy, Sample};

/// Decisions that an engine is shown, the asked one included: as far as the longest memory of those asked reaches.
pub const DECISIONS_SHOWN: usize = 30;

/// Engines that remember minutes, not days: a few decisions are all that they need to have seen.
const ASKED: [EngineKind; 2] = [EngineKind::TargetTracking, EngineKind::WeightedScore];

/// What one engine would have asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// The engine.
    pub engine: EngineKind,
    /// What it would have asked for.
    pub proposed: u32,
    /// What the guardrails would have made of it.
    pub target: u32,
    /// Why, in words, one thought a sentence.
    pub sentences: Vec<String>,
}

/// Asks every engine with a short memory, except the one that decided. `decisions` are the group's, oldest first; the
/// answer is for the last of them. Empty without one.
pub fn alternatives(group: &Group, decisions: &[(Minute, &Decision)]) -> Vec<Alternative> {
    let Some((_, last)) = decisions.last() else { return Vec::new() };
    let others = ASKED.into_iter().filter(|engine| !has_decided(*engine, last));
    others.map(|engine| ask(group, engine, decisions, last)).collect()
}

fn has_decided(engine: EngineKind, decision: &Decision) -> bool {
    matches!(
        (engine, &decision.proposal.evidence),
        (EngineKind::TargetTracking, Evidence::TargetTracking(_))
            | (EngineKind::WeightedScore, Evidence::WeightedScore(_))
    )
}

fn ask(group: &Group, engine: EngineKind, decisions: &[(Minute, &Decision)], last: &Decision) -> Alternative {
    let policy = Policy { engine, ..group.policy.clone() };
    let mut state = EngineState::new(&policy, &group.signals);
    let mut shown_until = None::<Minute>;
    let kept = last.guardrail_inputs.current;
    let mut proposal = Proposal { target: kept, evidence: Evidence::Nothing { kept } };
    for (now, decision) in decisions {
        let mut samples = samples(group, decision);
        samples.retain(|sample| shown_until.is_none_or(|until| until < sample.minute));
        shown_until = samples.last().map(|sample| sample.minute).or(shown_until);
        proposal = state.decide(&Observation {
            now: *now,
            signals: &group.signals,
            samples: &samples,
            capacity: capacity(decision),
            stand_ins: 0,
            min_instances: decision.guardrail_inputs.min_instances,
            max_instances: decision.guardrail_inputs.max_instances,
            lead_minutes: decision.seen.lead_minutes,
            delay_minutes: group.scaling.delay_minutes(),
            cooldown_seconds: group.scaling.cooldown_seconds(engine),
        });
    }
    let (target, steps) = guardrails::apply(&guardrails::Inputs {
        proposed: proposal.target,
        cooldown_in_seconds: group.scaling.guardrail_cooldown_seconds(engine),
        shared_loads: shared_load(group, engine, last).into_iter().collect(),
        ..last.guardrail_inputs.clone()
    });
    let mut sentences = proposal.evidence.sentences();
    sentences.extend(steps.iter().map(super::explain::step));
    Alternative { engine, proposed: proposal.target, target, sentences }
}

/// The minutes that the decision took in, with their values in the order of the signals as they are configured now.
fn samples(group: &Group, decision: &Decision) -> Vec<Sample> {
    let names = &decision.seen.signal_names;
    let positions: Vec<Option<usize>> =
        group.signals.iter().map(|signal| names.iter().position(|name| *name == signal.name)).collect();
    let value = |sample: &Sample, position: Option<usize>| sample.values.get(position?).copied().flatten();
    let mapped = |sample: &Sample| Sample {
        values: positions.iter().map(|position| value(sample, *position)).collect(),
        ..sample.clone()
    };
    decision.seen.samples.iter().map(mapped).collect()
}

fn capacity(decision: &Decision) -> Capacity {
    let serving: u32 = decision.seen.pools.values().map(|pool| pool.serving).sum();
    let current = decision.guardrail_inputs.current;
    Capacity { serving: serving.min(current), starting: current.saturating_sub(serving) }
}

/// The load that fewer instances would have to share, as `guardrails` wants it for that engine.
fn shared_load(group: &Group, engine: EngineKind, decision: &Decision) -> Option<SharedLoad> {
    let (_, signal) = group.load_signal()?;
    let utilisation = decision.seen.signals.get(&signal.name)?.value;
    doubts::shared_load(signal, engine, utilisation, capacity(decision).serving)
}

#[cfg(test)]
#[path = "alternatives/tests.rs"]
mod tests;
