//! Minute by minute: what was paid, and how much of it was needed.

use std::collections::BTreeMap;

use super::LATE_SHARE_ALLOWED;
use crate::model::{Group, Minute, Purchase};
use crate::queueing::{ServiceModel, play_minute};
use crate::records::{HistoryMinute, PaidCapacity};
use crate::replay::history::Past;

/// Most instances that a minute is thought to need.
const MOST_NEEDED: u32 = 1_000_000;

/// One minute.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) minute: Minute,
    /// What each pool had.
    pub(crate) pools: BTreeMap<String, PaidCapacity>,
    /// Least instances that hold the service level under this minute's load, within the group's limits.
    pub(crate) needed: u32,
}

impl Line {
    pub(crate) fn total(&self) -> u32 {
        self.pools.values().map(PaidCapacity::total).sum()
    }

    pub(crate) fn per_hour(&self) -> f64 {
        self.pools.values().map(PaidCapacity::per_hour).sum()
    }

    /// Price of an instance-hour, averaged over what there was.
    pub(crate) fn mean_price(&self) -> f64 {
        match self.total() {
            0 => 0.0,
            total => self.per_hour() / f64::from(total),
        }
    }
}

/// All minutes.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) lines: Vec<Line>,
    /// Minutes of which nobody knows what ran.
    pub(crate) unknown: usize,
}

impl Ledger {
    pub(crate) fn over(group: &Group, past: &Past, minutes: &[HistoryMinute]) -> Self {
        let mut known: BTreeMap<Minute, BTreeMap<String, PaidCapacity>> = BTreeMap::new();
        for entry in minutes {
            if let Some(pools) = pools(group, entry) {
                known.insert(entry.minute, pools);
            }
        }
        let model = ServiceModel {
            service_seconds: past.settings.service_seconds,
            slo_seconds: past.settings.slo_seconds,
            ..ServiceModel::new(past.settings.capacity.unwrap_or(1.0), past.settings.lead_seconds)
        };
        let limits = (group.scaling.min_instances, group.scaling.max_instances);
        let mut last = known.values().next().cloned().unwrap_or_default();
        let (mut unknown, mut needed) = (0, 1);
        let lines = (0i64..)
            .zip(&past.trace.load)
            .map(|(index, load)| {
                let minute = past.trace.start + index;
                match known.remove(&minute) {
                    Some(pools) => last = pools,
                    None => unknown += 1,
                }
                needed = least_needed(&model, *load, needed);
                Line { minute, pools: last.clone(), needed: needed.min(limits.1).max(limits.0) }
            })
            .collect();
        Self { lines, unknown }
    }
}

/// The fleet's own count with its prices; where no decision looked, that of the metrics as the first pool's.
fn pools(group: &Group, entry: &HistoryMinute) -> Option<BTreeMap<String, PaidCapacity>> {
    if let Some(pools) = entry.pools().filter(|pools| !pools.is_empty()) {
        return Some(pools.clone());
    }
    // With several pools nobody can tell which of them it was.
    let [pool] = group.pools.as_slice() else { return None };
    let serving = entry.measured.serving?;
    let starting = entry.measured.total.unwrap_or(serving).saturating_sub(serving);
    let (purchase, price_per_hour): (Purchase, f64) = (pool.purchase, pool.price_per_hour);
    Some([(pool.name.clone(), PaidCapacity { serving, starting, purchase, price_per_hour })].into())
}

/// Least instances under which at most [`LATE_SHARE_ALLOWED`] of a minute's work is late. Searched from `near`.
pub(crate) fn least_needed(model: &ServiceModel, load: f64, near: u32) -> u32 {
    let holds = |instances: u32| {
        let outcome = play_minute(model, instances, &mut 0.0, load);
        outcome.late <= LATE_SHARE_ALLOWED * outcome.arrived
    };
    if load <= 0.0 {
        return 1;
    }
    let mut needed = near.max(1);
    while needed > 1 && holds(needed - 1) {
        needed -= 1;
    }
    // More instances never make work later, so doubling and halving finds the least.
    let (mut low, mut high) = (needed, needed);
    while high < MOST_NEEDED && !holds(high) {
        low = high;
        high = high.saturating_mul(2);
    }
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}
