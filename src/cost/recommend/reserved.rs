//! Instances that run nearly always, and what paying them by the month or the year would save.

use super::{Advice, Recommendation, Study};
use crate::model::Purchase;

/// Share of the time that an instance must run before its price is worth comparing.
const LEAST_USE: f64 = 0.7;
/// Share of the time from which an instance counts as always running where the other price is not known.
const ALWAYS: f64 = 0.95;

/// A level of instances pays off while the share of the time in which it runs is over the price of having it all the time.
pub(super) fn recommend(study: &Study<'_>) -> Option<Recommendation> {
    let price = study.group.on_demand_price_per_hour()?;
    let on_demand = |line: &crate::cost::ledger::Line| -> u32 {
        line.pools.values().filter(|pool| pool.purchase == Purchase::OnDemand).map(|pool| pool.total()).sum()
    };
    let mut counts: Vec<u32> = study.ledger.lines.iter().map(on_demand).collect();
    counts.sort_unstable();
    let minutes = counts.len();
    // Share of the time in which at least so many ran.
    let used = |level: u32| (minutes - counts.partition_point(|count| *count < level)) as f64 / minutes.max(1) as f64;
    let worth = study.terms.reserved_price.map_or(ALWAYS, |reserved| reserved.max(LEAST_USE));
    let instances = (1..=counts.last().copied()?).take_while(|level| used(*level) > worth).last()?;
    let hours = minutes as f64 / 60.0;
    let saved = |reserved: f64| (1..=instances).map(|level| (used(level) - reserved) * hours * price).sum::<f64>();
    Some(Recommendation {
        advice: Advice::Reserved { instances, used: used(instances), break_even: used(instances) },
        saving_per_month: study.terms.reserved_price.map(|reserved| study.per_month(saved(reserved))),
        confidence: study.confidence(),
    })
}
