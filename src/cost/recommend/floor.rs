//! A least number of instances that is more than the load needs.

use super::{Advice, Recommendation, Study, quantile};
use crate::replay::Arena;

/// Share of the time from which a binding minimum is worth a word.
const LEAST_SHARE: f64 = 0.1;
/// Share of the binding minutes that the new minimum must be enough for.
const ENOUGH_FOR: f64 = 0.95;

pub(super) fn recommend(study: &Study<'_>) -> Option<Recommendation> {
    let from = study.group.scaling.min_instances;
    let binds = || study.ledger.lines.iter().enumerate().filter(|(_, line)| line.total() == from);
    let share = binds().count() as f64 / study.ledger.lines.len().max(1) as f64;
    if from <= 1 || share < LEAST_SHARE {
        return None;
    }
    let load = |index: usize| study.past.trace.load.get(index).copied().unwrap_or_default();
    let mut needed: Vec<f64> = binds().map(|(index, _)| f64::from(needed(study.arena, load(index)))).collect();
    needed.sort_unstable_by(f64::total_cmp);
    let to = quantile(&needed, ENOUGH_FOR)? as u32;
    if to >= from {
        return None;
    }
    let saved: f64 = binds().map(|(_, line)| f64::from(from - to) * line.mean_price() / 60.0).sum();
    Some(Recommendation {
        advice: Advice::LowerMinimum { from, to, share },
        saving_per_month: Some(study.per_month(saved)),
        confidence: study.confidence(),
    })
}

/// Instances that a load needs without any limit.
fn needed(arena: &Arena<'_>, load: f64) -> u32 {
    crate::cost::ledger::least_needed(&arena.service_model(), load, 1)
}
