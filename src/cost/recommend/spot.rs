//! More instances on spot, where a pool of them is configured.

use super::{Advice, Confidence, Recommendation, Study};
use crate::cost::CostReport;
use crate::model::Purchase;

/// Losses for each thousand spot hours over which more of them are not recommended.
const MOST_LOSSES: f64 = 100.0;
/// Least growth of the share that is worth a change.
const LEAST_GROWTH: f64 = 0.05;
/// Spot hours from which losses can be judged.
const JUDGEABLE_HOURS: f64 = 50.0;

pub(super) fn recommend(study: &Study<'_>, report: &CostReport) -> Option<Recommendation> {
    let group = study.group;
    let spot = group.pools.iter().filter(|pool| pool.purchase == Purchase::Spot);
    let spot_price = spot.map(|pool| pool.price_per_hour).min_by(f64::total_cmp)?;
    let on_demand_price = group.on_demand_price_per_hour()?;
    let balance = &report.spot;
    let lost_per_thousand_hours = match balance.instance_hours {
        hours if hours > 0.0 => balance.lost_instances as f64 / hours * 1000.0,
        _ => 0.0,
    };
    if spot_price >= on_demand_price || lost_per_thousand_hours > MOST_LOSSES || report.instance_hours <= 0.0 {
        return None;
    }
    // The base that was asked for stays on demand.
    let base = f64::from(group.purchase.on_demand_base);
    let base_hours: f64 = study.ledger.lines.iter().map(|line| f64::from(line.total()).min(base)).sum::<f64>() / 60.0;
    let to = 1.0 - base_hours / report.instance_hours;
    if to - balance.share < LEAST_GROWTH {
        return None;
    }
    let saved = (to - balance.share) * report.instance_hours * (on_demand_price - spot_price);
    let confidence = if balance.instance_hours < JUDGEABLE_HOURS { Confidence::Low } else { study.confidence() };
    Some(Recommendation {
        advice: Advice::SpotShare { from: balance.share, to, lost_per_thousand_hours },
        saving_per_month: Some(study.per_month(saved)),
        confidence,
    })
}
