//! Another engine, or another target, played over the same load.

use super::{Advice, Recommendation, Study};
use crate::cost::CostReport;
use crate::model::EngineKind;
use crate::replay::{Contestant, Row};

/// Targets in per cent that are tried.
const TARGETS: [f64; 5] = [30.0, 40.0, 50.0, 60.0, 70.0];
/// Least saving worth a change, as a share of what was spent.
const LEAST_SAVING: f64 = 0.03;

/// The policy with the lowest J at the group's own price of a violation, if it is cheaper and no later than what ran.
pub(super) fn recommend(study: &Study<'_>, report: &CostReport) -> Option<Recommendation> {
    let price = study.group.policy.violation_price;
    let own = match study.group.policy.engine {
        EngineKind::Predictive => Some(Contestant::Predictive(price)),
        EngineKind::TargetTracking => Some(Contestant::TargetTracking(study.group.policy.target_utilisation)),
        EngineKind::WeightedScore => Some(Contestant::WeightedScore),
    };
    let tracking = TARGETS.map(Contestant::TargetTracking);
    let candidates = [Contestant::Predictive(price)].into_iter().chain(tracking).filter(|one| Some(*one) != own);
    let is_better = |row: &Row| {
        row.in_slo >= study.actual.in_slo && row.cost_hours < (1.0 - LEAST_SAVING) * study.actual.cost_hours
    };
    let score = |row: &Row| row.j.at(price).unwrap_or(f64::INFINITY);
    let best = candidates
        .map(|contestant| contestant.play(study.arena))
        .filter(is_better)
        .min_by(|a, b| score(a).total_cmp(&score(b)))?;
    // What ran may have been dearer than its policy asks, by lost starts or a person's orders: that is no merit of another.
    let own_hours = own.map_or(f64::INFINITY, |own| own.play(study.arena).cost_hours);
    if best.cost_hours >= (1.0 - LEAST_SAVING) * own_hours {
        return None;
    }
    let hours = study.actual.cost_hours.min(own_hours) - best.cost_hours;
    let mean_price = if report.instance_hours > 0.0 { report.spent / report.instance_hours } else { 0.0 };
    Some(Recommendation {
        advice: Advice::Policy {
            policy: best.name,
            instance_hours: best.cost_hours,
            actual_hours: study.actual.cost_hours,
            in_slo: best.in_slo,
            actual_in_slo: study.actual.in_slo,
        },
        saving_per_month: Some(study.per_month(hours * mean_price)),
        confidence: study.confidence(),
    })
}
