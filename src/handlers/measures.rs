//! A decision as numbers, for monitoring: the same for Cloud Eye and for whatever reads Prometheus' text format.

use crate::engine::Evidence;
use crate::model::{Capacity, Group, SignalKind};
use crate::records::{ActionOutcome, Decision};
use crate::state::Snapshot;

/// One number about a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measure {
    /// Snake case; the part behind the namespace or the prefix.
    pub(super) name: &'static str,
    /// As Cloud Eye shows it. Empty for a plain number.
    pub(super) unit: &'static str,
    /// What it is, in one sentence.
    pub(super) help: &'static str,
    pub(super) value: f64,
}

/// All numbers of a group's last decision. What is not known is left out: missing is not zero.
pub(super) fn of(group: &Group, decision: &Decision, snapshot: &Snapshot) -> Vec<Measure> {
    let seen: Capacity = decision.seen.pools.values().copied().sum();
    let failed = decision.actions.iter().filter(|action| matches!(action.outcome, ActionOutcome::Failed(_))).count();
    let mut measures = Vec::new();
    let mut tell = |name, unit, help, value: f64| measures.push(Measure { name, unit, help, value });
    tell("target", "count", "Instances that there shall be.", f64::from(decision.target));
    tell("proposed", "count", "Instances that the engine wanted.", f64::from(decision.proposal.target));
    tell("serving", "count", "Instances that serve.", f64::from(seen.serving));
    tell("starting", "count", "Instances on their way.", f64::from(seen.starting));
    if let Evidence::Predictive(evidence) = &decision.proposal.evidence {
        tell("load", "count", "Load in fully busy instances' worth.", evidence.newest_demand);
        if let Some(expected) = evidence.expected_at(decision.seen.lead_minutes) {
            tell("forecast_p10", "count", "Load expected at lead time, 10 % quantile.", expected.low);
            tell("forecast_p50", "count", "Load expected at lead time, median.", expected.middle);
            tell("forecast_p90", "count", "Load expected at lead time, 90 % quantile.", expected.high);
            tell("forecast_p99", "count", "Load expected at lead time, 99 % quantile.", expected.highest);
        }
    }
    if let Some(percent) = snapshot.coverage.percent() {
        tell("forecast_coverage", "%", "Share of loads within the 80 % band that was forecast; 80 is right.", percent);
    }
    let latency = group.signals.iter().find(|signal| signal.kind == SignalKind::LatencyMs);
    if let Some(latency) = latency.and_then(|signal| decision.seen.signals.get(&signal.name)) {
        let is_missed = f64::from(u8::from(latency.value > group.policy.slo_ms));
        tell("violation", "count", "1 while the response time is over the service level, else 0.", is_missed);
    }
    tell("cost_per_hour", "", "What the fleet costs per hour, in the account's currency.", per_hour(group, decision));
    tell("spent", "", "Money spent since the first evaluation, in the account's currency.", snapshot.spent);
    tell("decision_ms", "ms", "How long the evaluation took.", decision.duration_ms as f64);
    tell("http_calls", "count", "HTTP calls that the evaluation made.", decision.http_calls as f64);
    tell("failed_actions", "count", "Changes that the cloud refused.", failed as f64);
    tell("problems", "count", "What went wrong on the way.", decision.problems.len() as f64);
    tell("guardrails", "count", "Guardrails that changed the engine's number.", decision.guardrails.len() as f64);
    tell("missing_signals", "count", "Signals that are missing or stale.", decision.seen.missing.len() as f64);
    tell("holds", "count", "Orders of people in force.", snapshot.holds.len() as f64);
    measures
}

fn per_hour(group: &Group, decision: &Decision) -> f64 {
    let price = |pool: &crate::model::Pool| {
        let instances = decision.seen.pools.get(&pool.name).map_or(0, |capacity| capacity.total());
        f64::from(instances) * pool.price_per_hour
    };
    group.pools.iter().map(price).sum()
}
