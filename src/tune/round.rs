//! One round of tuning: candidates from every side, chosen on the earlier days, and what the gate says of each.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::course::VERSION_TIME;
use super::gate::{Gate, held_out_from};
use super::ground::Ground;
use super::optimiser::effectiveness;
use super::search::{Effort, search};
use super::space::parameters;
use crate::engine::EngineState;
use crate::model::{Author, EngineKind, PolicyEvidence, PolicyVersion, SignalKind, Tunables, basis};
use crate::records::SCHEMA_VERSION;

/// Utilisations in per cent that target tracking is tried at before it is offered.
const TRACKING_TARGETS: [f64; 5] = [40.0, 50.0, 60.0, 70.0, 80.0];
/// Policies that a search tries at random, and in all.
const RANDOM_TRIALS: u32 = 60;
const MOST_TRIALS: u32 = 240;

/// A policy that somebody thinks better.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Who.
    pub author: Author,
    /// The policy.
    pub tunables: Tunables,
    /// Why.
    pub why: String,
}

/// A candidate and what the gate says of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The candidate.
    pub candidate: Candidate,
    /// What replay says.
    pub evidence: PolicyEvidence,
    /// Its engine, fitted to the load.
    pub engine: EngineState,
}

/// What a round came to.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// In the order of the candidates.
    pub judged: Vec<Judged>,
    /// Candidates that there was no time to judge.
    pub not_judged: Vec<Candidate>,
}

impl Round {
    /// The best of those that passed: what saves the most for certain.
    pub fn best(&self) -> Option<&Judged> {
        let passed = self.judged.iter().filter(|judged| judged.evidence.passed);
        passed.max_by(|a, b| a.evidence.saved_at_least.total_cmp(&b.evidence.saved_at_least))
    }
}

/// Looks for candidates beside those `advised`, and has each judged against the policy in force, except those whose
/// [`digest`] is among `rejected`. Empty where there is too little load to judge on. What there is no time for is left out: `may_go_on` is asked before each replay.
pub fn round(
    ground: &Ground,
    before: &Tunables,
    advised: Vec<Candidate>,
    rejected: &BTreeSet<String>,
    seed: u64,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Round {
    let Some(split) = held_out_from(ground) else { return Round::default() };
    let mut all: Vec<Candidate> = Vec::new();
    let found = own_candidates(&ground.until(split), before, seed, may_go_on);
    for candidate in advised.into_iter().chain(found) {
        let is_new = candidate.tunables != *before && !rejected.contains(&digest(&candidate.tunables));
        if is_new && all.iter().all(|known| known.tunables != candidate.tunables) {
            all.push(candidate);
        }
    }
    let mut round = Round::default();
    let Some(gate) = Gate::new(ground, before, all.len(), seed) else { return round };
    for candidate in all {
        match gate.judge(&candidate.tunables, may_go_on) {
            Some((evidence, engine)) => round.judged.push(Judged { candidate, evidence, engine }),
            None => round.not_judged.push(candidate),
        }
    }
    round
}

/// What search, the choice of another engine and the article's optimiser come up with, on the training days alone.
fn own_candidates(
    training: &Ground,
    before: &Tunables,
    seed: u64,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Vec<Candidate> {
    let range = training.trace.start..training.end();
    let cost = |tunables: &Tunables| training.play(tunables).figures(&range).j;
    let group = &training.group;
    let effort = Effort { random: RANDOM_TRIALS, most: MOST_TRIALS, seed };
    let mut found = Vec::new();
    if let Some(candidate) = another_engine(training, before, &cost, may_go_on) {
        found.push(candidate);
    }
    let near = parameters(group, before.engine);
    if !near.is_empty() {
        let (tunables, _) = search(group, before, &near, effort, &cost, may_go_on);
        let why = "the cheapest that local search found on the training days".to_owned();
        found.push(Candidate { author: Author::Search, tunables, why });
    }
    if before.engine == EngineKind::WeightedScore {
        let is_threshold = |name: &str| name.ends_with(".scale_out") || name.ends_with(".scale_in");
        let thresholds: Vec<_> = near.into_iter().filter(|parameter| is_threshold(&parameter.name)).collect();
        let loss = |tunables: &Tunables| -effectiveness(&training.play(tunables), &range);
        let (tunables, loss) = search(group, before, &thresholds, effort, loss, may_go_on);
        let why = format!("the most effective thresholds on the training days: effectiveness {:.3}", -loss);
        found.push(Candidate { author: Author::Optimiser, tunables, why });
    }
    found
}

/// The best of the other engines.
fn another_engine(
    training: &Ground,
    before: &Tunables,
    cost: &impl Fn(&Tunables) -> f64,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Option<Candidate> {
    let group = &training.group;
    let has_utilisation =
        group.policy.target_signal.is_some() || group.signals.iter().any(|each| each.kind == SignalKind::Utilisation);
    let mut tried = Vec::new();
    if has_utilisation && before.engine != EngineKind::Predictive {
        tried.push(Tunables { engine: EngineKind::Predictive, ..before.clone() });
    }
    if has_utilisation && before.engine != EngineKind::TargetTracking {
        tried.extend(TRACKING_TARGETS.map(|target_utilisation| Tunables {
            engine: EngineKind::TargetTracking,
            target_utilisation,
            ..before.clone()
        }));
    }
    let mut best: Option<(Tunables, f64)> = None;
    for mut tunables in tried {
        if !may_go_on() {
            break;
        }
        // A rest that one engine needs is none that another one does.
        tunables.cooldown_period = None;
        let cost = cost(&tunables);
        if best.as_ref().is_none_or(|(_, least)| cost < *least) {
            best = Some((tunables, cost));
        }
    }
    let (tunables, _) = best?;
    let why = format!("the engine {} did best of the others on the training days", tunables.engine.name());
    Some(Candidate { author: Author::Search, tunables, why })
}

/// Identifies tunables; the last part of a version's name.
pub fn digest(tunables: &Tunables) -> String {
    let said = serde_json::to_vec(tunables).unwrap_or_default();
    hex::encode(&Sha256::digest(said)[..4])
}

/// A judged candidate as a version of the group's policy.
pub fn version(judged: &Judged, ground: &Ground, parent: (&str, &Tunables), now: DateTime<Utc>) -> PolicyVersion {
    let Judged { candidate: Candidate { author, tunables, why }, evidence, .. } = judged;
    PolicyVersion {
        schema: SCHEMA_VERSION,
        version: format!("{}-{}-{}", now.format(VERSION_TIME), author.name(), digest(tunables)),
        group: ground.group.name.clone(),
        created: now,
        parent: parent.0.to_owned(),
        basis: basis(&ground.group),
        author: *author,
        why: why.clone(),
        tunables: tunables.clone(),
        changes: tunables.differences(parent.1),
        evidence: evidence.clone(),
    }
}
