//! Another engine, or another target, played over the same load with the group's own signals and guardrails.

use super::{Advice, Recommendation, Study};
use crate::cost::CostReport;
use crate::model::{EngineKind, Tunables};
use crate::replay::Row;
use crate::tune::Ground;

/// Targets in per cent that are tried.
const TARGETS: [f64; 5] = [30.0, 40.0, 50.0, 60.0, 70.0];
/// Least saving worth a change, as a share of what was spent.
const LEAST_SAVING: f64 = 0.03;

/// The policy with the lowest J at the group's own price of a violation, if it is cheaper and no later than what ran, and
/// cheaper than the group's own policy is in the same replay: what ran may have been dearer than its policy asks, by lost
/// starts or a person's orders, and that is no merit of another policy.
pub(super) fn recommend(study: &Study<'_>, report: &CostReport) -> Option<Recommendation> {
    let price = study.group.policy.violation_price;
    let ground = Ground::of_past(study.group, study.past, study.minutes);
    let own = Tunables::of(study.group);
    let play = |tunables: &Tunables| study.arena.play(&mut ground.player(tunables));
    let own_row = play(&own);
    let least_hours = study.actual.cost_hours.min(own_row.cost_hours);
    let is_better =
        |row: &Row| row.in_slo >= study.actual.in_slo && row.cost_hours < (1.0 - LEAST_SAVING) * least_hours;
    let score = |row: &Row| row.j.at(price).unwrap_or(f64::INFINITY);
    let (name, best) = candidates(&own, price)
        .into_iter()
        .filter(|(_, tunables)| *tunables != own)
        .map(|(name, tunables)| (name, play(&tunables)))
        .filter(|(_, row)| is_better(row))
        .min_by(|(_, a), (_, b)| score(a).total_cmp(&score(b)))?;
    let mean_price = if report.instance_hours > 0.0 { report.spent / report.instance_hours } else { 0.0 };
    Some(Recommendation {
        advice: Advice::Policy {
            policy: name,
            instance_hours: best.cost_hours,
            actual_hours: study.actual.cost_hours,
            in_slo: best.in_slo,
            actual_in_slo: study.actual.in_slo,
        },
        saving_per_month: Some(study.per_month((least_hours - best.cost_hours) * mean_price)),
        confidence: study.confidence(),
    })
}

fn candidates(own: &Tunables, price: f64) -> Vec<(String, Tunables)> {
    let with = |engine, target_utilisation| Tunables { engine, target_utilisation, ..own.clone() };
    let predictive = (format!("predictive@{price}"), with(EngineKind::Predictive, own.target_utilisation));
    let tracking =
        TARGETS.map(|target| (format!("target_tracking@{target}"), with(EngineKind::TargetTracking, target)));
    [predictive].into_iter().chain(tracking).collect()
}
