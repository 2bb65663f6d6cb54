//! What would be cheaper or better: each with money, and with how sure it is.

mod engine;
mod floor;
mod instance;
mod reserved;
mod schedule;
mod spot;

use serde::Serialize;

use super::CostReport;
use super::ledger::Ledger;
use crate::model::Group;
use crate::records::HistoryMinute;
use crate::replay::history::Past;
use crate::replay::{Arena, Row};

/// Hours of a month, for money per month.
const MONTH_HOURS: f64 = 730.0;

/// Prices that the configuration does not have. What is not known is left out of the reckoning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// Price of an instance that is paid by the month or the year, on demand being 1.
    pub reserved_price: Option<f64>,
    /// Price of a vCPU-hour of an instance whose vCPUs and memory are chosen freely.
    pub vcpu_per_hour: Option<f64>,
    /// Price of a GiB-hour of its memory.
    pub gib_per_hour: Option<f64>,
}

/// Something that would be cheaper or better.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// What.
    #[serde(flatten)]
    pub advice: Advice,
    /// Money saved in a month that is like this period. `None` where a price is not known or money isn't the point.
    pub saving_per_month: Option<f64>,
    /// How sure it is.
    pub confidence: Confidence,
}

/// How sure a recommendation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Less than two days are known, or much of them is not.
    Low,
    /// Less than a week is known.
    Medium,
    /// A week or more.
    High,
}

/// What could be done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Advice {
    /// Another engine, or other thresholds.
    Policy {
        /// As `replay` calls it: `predictive@20`, `target_tracking@60`.
        policy: String,
        /// Instance-hours that it would have paid in this period.
        instance_hours: f64,
        /// Those of what really ran.
        actual_hours: f64,
        /// Share of the work that it would have had in its service level.
        in_slo: f64,
        /// That of what really ran, as the same simulated group has it.
        actual_in_slo: f64,
    },
    /// The least number of instances is more than is needed for long.
    LowerMinimum {
        /// As configured.
        from: u32,
        /// Enough for the service level in nineteen of twenty of the minutes in which the minimum binds.
        to: u32,
        /// Share of the time in which the minimum binds.
        share: f64,
    },
    /// Instances of another kind.
    Flavor {
        /// Which resource is used up first.
        bound: Bound,
        /// 95th percentile of the CPU's use, in per cent.
        cpu: f64,
        /// 95th percentile of the memory's use, in per cent.
        memory: f64,
    },
    /// Flexus X: another number of vCPUs for the memory, or of memory for the vCPUs.
    RightSize {
        /// The pool.
        pool: String,
        /// As it is now.
        from: String,
        /// What measured use needs.
        to: String,
        /// Highest use of the memory, in per cent (99th percentile).
        memory: f64,
        /// Highest use of the CPU, in per cent (95th percentile).
        cpu: f64,
    },
    /// More instances on spot.
    SpotShare {
        /// Share of the instance-hours now.
        from: f64,
        /// Share that the configured pools could have.
        to: f64,
        /// Spot instances lost for each thousand hours of them.
        lost_per_thousand_hours: f64,
    },
    /// Instances that are paid by the month or the year.
    Reserved {
        /// How many run nearly always.
        instances: u32,
        /// Share of the time in which the last of them ran.
        used: f64,
        /// It pays off where the price is under this, on demand being 1.
        break_even: f64,
    },
    /// A known time of more load.
    Schedule {
        /// Hour of the day, UTC, at which it begins.
        from_hour: u32,
        /// Hour of the day, UTC, at which it ends.
        until_hour: u32,
        /// Instances that nine days in ten need then.
        instances: u32,
        /// Instances that are usual at other times.
        otherwise: u32,
        /// Days that were seen.
        days: usize,
    },
}

/// Which resource is used up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// vCPUs: a flavor with less memory for each.
    Cpu,
    /// Memory: a flavor with more of it for each vCPU.
    Memory,
}

/// What recommendations are made from.
pub(super) struct Study<'a> {
    pub(super) group: &'a Group,
    pub(super) minutes: &'a [HistoryMinute],
    pub(super) past: &'a Past,
    pub(super) arena: &'a Arena<'a>,
    pub(super) actual: &'a Row,
    pub(super) ledger: &'a Ledger,
    pub(super) terms: &'a Terms,
}

impl Study<'_> {
    /// By how much of the past is known.
    fn confidence(&self) -> Confidence {
        let known = self.past.known;
        let days = known.minutes as f64 / 1440.0;
        let doubtful = (known.interpolated + known.saturated) as f64 > 0.1 * known.minutes as f64;
        match days {
            _ if doubtful => Confidence::Low,
            days if days < 2.0 => Confidence::Low,
            days if days < 7.0 => Confidence::Medium,
            _ => Confidence::High,
        }
    }

    /// Money of this period as money of a month.
    fn per_month(&self, amount: f64) -> f64 {
        let hours = self.past.known.minutes as f64 / 60.0;
        if hours > 0.0 { amount / hours * MONTH_HOURS } else { 0.0 }
    }

    /// The measured values of a signal, sorted.
    fn sorted(&self, signal: &str) -> Vec<f64> {
        let value = |entry: &HistoryMinute| entry.measured.signals.get(signal).copied();
        let mut values: Vec<f64> = self.minutes.iter().filter_map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }
}

/// All that applies, the most money first.
pub(super) fn recommend(study: &Study<'_>, report: &CostReport) -> Vec<Recommendation> {
    let mut found: Vec<Recommendation> = Vec::new();
    found.extend(engine::recommend(study, report));
    found.extend(floor::recommend(study));
    found.extend(spot::recommend(study, report));
    found.extend(reserved::recommend(study));
    found.extend(instance::recommend(study));
    found.extend(schedule::recommend(study));
    found.sort_by(|a, b| {
        let saving = |advice: &Recommendation| advice.saving_per_month.unwrap_or(f64::NEG_INFINITY);
        saving(b).total_cmp(&saving(a))
    });
    found
}

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
}
