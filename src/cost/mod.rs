//! What a group costs, what is wasted, what would be cheaper. Pure: history and prices are arguments.
//!
//! [`analyse`] turns a stretch of history into a [`CostReport`]. Money is in the account's currency throughout, the price
//! of an instance that of its pool when it ran.

mod bill;
mod ledger;
pub mod recommend;
#[cfg(test)]
mod tests;
pub mod weekly;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use self::bill::Bill;
use self::ledger::Ledger;
pub use self::recommend::{Confidence, Recommendation, Terms};
use crate::model::{Group, Purchase};
use crate::records::{Happening, HistoryMinute};
use crate::replay::history::{Known, Past, PastError, past};
use crate::replay::{Arena, Row};

/// Share of a minute's work that may be late where the service level is held.
pub const LATE_SHARE_ALLOWED: f64 = 0.01;

/// What a stretch of a group's past cost, and what could be had for less.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CostReport {
    /// The group.
    pub group: String,
    /// The first minute.
    pub from: DateTime<Utc>,
    /// The end of the last minute.
    pub until: DateTime<Utc>,
    /// Hours between the two.
    pub hours: f64,
    /// How well that time is known.
    pub known: Known,
    /// Minutes of which nobody knows what ran; what ran before is taken to have run on.
    pub unknown_minutes: usize,
    /// What the instances cost.
    pub spent: f64,
    /// The same by pool.
    pub pools: Vec<PoolCost>,
    /// Instance-hours paid: serving and starting.
    pub instance_hours: f64,
    /// Those of them that were paid for instances that did not serve yet.
    pub starting_hours: f64,
    /// The same money reckoned from the instances' lifetimes, as a bill does it.
    pub bill: Bill,
    /// What was served for it.
    pub service: Service,
    /// What was paid and not needed.
    pub waste: Waste,
    /// What spot instances saved and lost.
    pub spot: SpotBalance,
    /// What would be cheaper or better, the most money first.
    pub recommendations: Vec<Recommendation>,
}

/// What a pool cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PoolCost {
    /// The pool.
    pub pool: String,
    /// How it is paid.
    pub purchase: Purchase,
    /// Instance-hours paid.
    pub instance_hours: f64,
    /// What they cost.
    pub spent: f64,
}

/// What was served, as far as the metrics tell, and how well by the simulated group under that load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Service {
    /// Work offered: requests where the group has a rate signal, else instance-seconds.
    pub work: f64,
    /// Money for a thousand of them.
    pub per_thousand: f64,
    /// Share of the work in its service level.
    pub in_slo: f64,
    /// Share of the work that was lost.
    pub lost: f64,
    /// Money for a thousand that were in their service level.
    pub per_thousand_in_slo: Option<f64>,
    /// Mean utilisation in per cent.
    pub utilisation: f64,
    /// Decisions that changed the number of instances.
    pub actions: u32,
}

/// What was paid and not needed to hold the service level, minute by minute, known in hindsight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Waste {
    /// Instance-hours over what was needed.
    pub instance_hours: f64,
    /// What they cost, at the mean price of their minute. Perfect foresight would save it; nobody has that.
    pub amount: f64,
    /// Share of all that was spent.
    pub share: f64,
    /// Instance-hours that were needed and not there.
    pub short_hours: f64,
}

/// What spot instances saved and lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SpotBalance {
    /// Instance-hours on spot.
    pub instance_hours: f64,
    /// Share of all instance-hours.
    pub share: f64,
    /// What they would have cost more on demand. `None` without a pool on demand to take a price from.
    pub saved: Option<f64>,
    /// Instances that were taken away.
    pub lost_instances: usize,
}

/// Analyses a stretch of a group's past.
///
/// # Errors
/// When too little of it is known.
pub fn analyse(group: &Group, minutes: &[HistoryMinute], terms: &Terms) -> Result<CostReport, PastError> {
    let past = past(group, minutes)?;
    let arena = Arena::new(&past.trace, &past.settings);
    let actual = past.actual.play(&arena);
    let ledger = Ledger::over(group, &past, minutes);
    let mut report = account(group, minutes, &past, &actual, &ledger);
    let study =
        recommend::Study { group, minutes, past: &past, arena: &arena, actual: &actual, ledger: &ledger, terms };
    report.recommendations = recommend::recommend(&study, &report);
    Ok(report)
}

/// What a stretch cost, without recommendations.
fn account_only(group: &Group, minutes: &[HistoryMinute]) -> Result<CostReport, PastError> {
    let past = past(group, minutes)?;
    let arena = Arena::new(&past.trace, &past.settings);
    let ledger = Ledger::over(group, &past, minutes);
    Ok(account(group, minutes, &past, &past.actual.play(&arena), &ledger))
}

fn account(group: &Group, minutes: &[HistoryMinute], past: &Past, actual: &Row, ledger: &Ledger) -> CostReport {
    let mut pools: BTreeMap<&str, PoolCost> = BTreeMap::new();
    let mut waste = Waste::default();
    let (mut spent, mut instance_minutes, mut starting_minutes) = (0.0, 0.0, 0.0);
    let (mut idle_minutes, mut short_minutes) = (0.0, 0.0);
    for line in &ledger.lines {
        let total = line.total();
        for (name, pool) in &line.pools {
            let cost = pools.entry(name).or_insert_with(|| PoolCost {
                pool: name.clone(),
                purchase: pool.purchase,
                instance_hours: 0.0,
                spent: 0.0,
            });
            cost.instance_hours += f64::from(pool.total());
            cost.spent += pool.per_hour() / 60.0;
            starting_minutes += f64::from(pool.starting);
        }
        let idle = f64::from(total.saturating_sub(line.needed));
        idle_minutes += idle;
        waste.amount += idle * line.mean_price() / 60.0;
        short_minutes += f64::from(line.needed.saturating_sub(total));
        spent += line.per_hour() / 60.0;
        instance_minutes += f64::from(total);
    }
    // Whole minutes first, so that hours are exact.
    pools.values_mut().for_each(|pool| pool.instance_hours /= 60.0);
    (waste.instance_hours, waste.short_hours) = (idle_minutes / 60.0, short_minutes / 60.0);
    let instance_hours = instance_minutes / 60.0;
    waste.share = if spent > 0.0 { waste.amount / spent } else { 0.0 };
    let work: f64 = past.trace.load.iter().sum::<f64>() * 60.0;
    let per_thousand = |work: f64| if work > 0.0 { spent / work * 1000.0 } else { 0.0 };
    let good = work * actual.in_slo;
    CostReport {
        group: group.name.clone(),
        from: past.trace.start.start(),
        until: (past.trace.start + past.trace.minutes() as i64).start(),
        hours: past.trace.minutes() as f64 / 60.0,
        known: past.known,
        unknown_minutes: ledger.unknown,
        spent,
        pools: pools.into_values().collect(),
        instance_hours,
        starting_hours: starting_minutes / 60.0,
        bill: Bill::of(ledger, minutes),
        service: Service {
            work,
            per_thousand: per_thousand(work),
            in_slo: actual.in_slo,
            lost: actual.lost,
            per_thousand_in_slo: (good > 0.0).then(|| per_thousand(good)),
            utilisation: actual.utilisation,
            actions: actual.actions,
        },
        waste,
        spot: spot_balance(group, minutes, ledger, instance_hours),
        recommendations: Vec::new(),
    }
}

fn spot_balance(group: &Group, minutes: &[HistoryMinute], ledger: &Ledger, all_hours: f64) -> SpotBalance {
    let spot = || {
        let pools = ledger.lines.iter().flat_map(|line| line.pools.values());
        pools.filter(|pool| pool.purchase == Purchase::Spot)
    };
    let instance_hours = spot().map(|pool| f64::from(pool.total())).sum::<f64>() / 60.0;
    let saved =
        |price: f64| spot().map(|pool| f64::from(pool.total()) * (price - pool.price_per_hour)).sum::<f64>() / 60.0;
    let lost: BTreeSet<&str> = minutes
        .iter()
        .flat_map(|entry| &entry.events)
        .filter_map(|event| match &event.what {
            Happening::Loss(loss) => Some(loss.instance.as_str()),
            _ => None,
        })
        .collect();
    SpotBalance {
        instance_hours,
        share: if all_hours > 0.0 { instance_hours / all_hours } else { 0.0 },
        saved: group.on_demand_price_per_hour().map(saved),
        lost_instances: lost.len(),
    }
}
