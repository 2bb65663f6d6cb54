//! What a bill would say: each instance from its start to its end, by the second.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::ledger::Ledger;
use crate::records::HistoryMinute;

/// The sum of the instances' lifetimes. Pay-per-use and spot servers are billed by the second, from the moment that they
/// were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bill {
    /// Lifetimes, those that began before or last longer among them.
    pub instances: usize,
    /// Their hours within the period.
    pub instance_hours: f64,
    /// What they cost.
    pub amount: f64,
    /// What the evaluations reckoned meanwhile. `None` where history does not have it.
    pub estimate: Option<f64>,
}

/// A pool's instances that run, with the prices that they started at, oldest first.
#[derive(Default)]
struct Running(VecDeque<(DateTime<Utc>, f64)>);

impl Bill {
    pub(super) fn of(ledger: &Ledger, minutes: &[HistoryMinute]) -> Self {
        let mut bill = Self::default();
        let (Some(first), Some(last)) = (ledger.lines.first(), ledger.lines.last()) else { return bill };
        let decided: BTreeMap<_, _> =
            minutes.iter().filter_map(|entry| Some((entry.minute, entry.decisions.last()?))).collect();
        let mut running: BTreeMap<&str, Running> = BTreeMap::new();
        for line in &ledger.lines {
            let when = decided.get(&line.minute).map_or(line.minute.start(), |decision| decision.time);
            let when = if line.minute == first.minute { first.minute.start() } else { when };
            for (name, pool) in &line.pools {
                let lives = running.entry(name).or_default();
                while lives.0.len() < pool.total() as usize {
                    lives.0.push_back((when, pool.price_per_hour));
                    bill.instances += 1;
                }
                while lives.0.len() > pool.total() as usize {
                    bill.end(lives, when);
                }
            }
            // A pool that is configured no more runs no more.
            for (name, lives) in &mut running {
                while !line.pools.contains_key(*name) && !lives.0.is_empty() {
                    bill.end(lives, when);
                }
            }
        }
        let until = (last.minute + 1).start();
        for lives in running.values_mut() {
            while !lives.0.is_empty() {
                bill.end(lives, until);
            }
        }
        bill.estimate = estimate(minutes);
        bill
    }

    /// The oldest instance ends.
    fn end(&mut self, lives: &mut Running, when: DateTime<Utc>) {
        let Some((since, price)) = lives.0.pop_front() else { return };
        let hours = (when - since).num_seconds().max(0) as f64 / 3600.0;
        self.instance_hours += hours;
        self.amount += hours * price;
    }
}

/// Money that the evaluations have added up from the first decision to the last.
fn estimate(minutes: &[HistoryMinute]) -> Option<f64> {
    let mut spent = minutes.iter().flat_map(|entry| &entry.decisions).filter_map(|decision| decision.spent);
    let first = spent.next()?;
    let last = spent.next_back()?;
    // A snapshot begun anew begins to count anew.
    (last >= first).then_some(last - first)
}
