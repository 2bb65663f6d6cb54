//! A group's own past as something to replay: the load that it was offered, the circumstances that it lived in, and what
//! really ran.

mod actual;
mod starts;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

pub use self::actual::Actual;
use self::starts::usual_lead_minutes;
use super::driver::Settings;
use super::trace::{Recording, Trace, TraceError, Window};
use crate::engine::predictive::{Demand, DemandEstimator};
use crate::model::{Group, Minute, Sample, SignalKind};
use crate::records::HistoryMinute;

/// Least utilisation in per cent from which the capacity of an instance is concluded.
const LEAST_UTILISATION: f64 = 5.0;
/// Minutes that a replay needs.
const LEAST_MINUTES: usize = 30;
/// Minutes between two known loads that make a gap.
const LONG_GAP_MINUTES: i64 = 60;
/// Longest past that is replayed, in minutes. A wrong clock must not fill the memory.
const MOST_MINUTES: i64 = 800 * 1440;

/// A group's past, ready to be replayed.
#[derive(Clone, Debug)]
pub struct Past {
    /// The load that it was offered, in work per second; in instances' worth where the group has no rate signal.
    pub trace: Trace,
    /// Its limits, its prices of a violation, and what is known of its starts and its instances.
    pub settings: Settings,
    /// What really ran.
    pub actual: Actual,
    /// How well the past is known.
    pub known: Known,
    /// Stretches longer than an hour of which no load is known.
    pub gaps: Vec<Range<Minute>>,
}

/// How well a past is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Minutes from the first to the last.
    pub minutes: usize,
    /// Minutes whose load is not known; it is interpolated.
    pub interpolated: usize,
    /// Minutes in which the group was full and turned work away: the load was at least what is replayed.
    pub saturated: usize,
    /// Whether the lead time was measured from the group's own starts.
    pub lead_was_measured: bool,
    /// Whether the capacity of an instance was learnt or told. If not, load is in instances' worth.
    pub capacity_is_known: bool,
}

/// Why a past cannot be replayed.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PastError {
    /// There is too little of it.
    #[error("group {group}: {found} minutes of history have a load, and a replay needs {LEAST_MINUTES}")]
    TooShort {
        /// The group.
        group: String,
        /// Minutes whose load is known.
        found: usize,
    },
    /// It spans too long a time.
    #[error("group {group}: its history spans {days} days; replay at most {} at once", MOST_MINUTES / 1440)]
    TooLong {
        /// The group.
        group: String,
        /// Days from its first to its last minute.
        days: i64,
    },
    /// There was no load.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// Makes a group's history replayable. The load is estimated as the predictive engine does it: what was served, and what
/// the queue grew by. Minutes of which nothing is known are interpolated and counted.
///
/// # Errors
/// When too little is known.
pub fn past(group: &Group, minutes: &[HistoryMinute]) -> Result<Past, PastError> {
    let capacity = group.policy.instance_capacity.or_else(|| usual_capacity(group, minutes));
    let mut estimator = DemandEstimator::default();
    let mut loads: Vec<(Minute, f64)> = Vec::new();
    let mut saturated = 0;
    for entry in minutes {
        let sample = sample(group, entry);
        let target = group.policy.target_signal.as_deref();
        let Some(demand) = estimator.estimate(&group.signals, &sample, capacity, target, 1.0) else { continue };
        let instances = match demand {
            Demand::Exactly(instances) => instances,
            Demand::AtLeast(instances) => {
                saturated += 1;
                instances
            }
        };
        loads.push((entry.minute, instances * capacity.unwrap_or(1.0)));
    }
    let too_short = |found| PastError::TooShort { group: group.name.clone(), found };
    let (Some((first, _)), Some((last, _))) = (loads.first().copied(), loads.last().copied()) else {
        return Err(too_short(0));
    };
    if loads.len() < LEAST_MINUTES {
        return Err(too_short(loads.len()));
    }
    if last - first >= MOST_MINUTES {
        return Err(PastError::TooLong { group: group.name.clone(), days: (last - first) / 1440 });
    }
    let gap = |pair: &[(Minute, f64)]| {
        let [(before, _), (after, _)] = pair else { return None };
        (*after - *before > LONG_GAP_MINUTES).then_some(*before + 1..*after)
    };
    let gaps = loads.windows(2).filter_map(gap).collect();
    let mut values = vec![None; usize::try_from(last - first + 1).unwrap_or(1)];
    for (minute, load) in loads {
        if let Some(value) = usize::try_from(minute - first).ok().and_then(|index| values.get_mut(index)) {
            *value = Some(load);
        }
    }
    let recording = Recording { name: group.name.clone(), start: first, step_seconds: 60, values };
    let trace = Trace::prepare(&recording, Window::default())?;
    let measured_lead = usual_lead_minutes(minutes);
    let reckoned_lead =
        minutes.iter().rev().flat_map(|entry| entry.decisions.last()).map(|last| last.lead_minutes).next();
    let lead_minutes = measured_lead.or(reckoned_lead).unwrap_or_else(|| group.scaling.lead_minutes());
    Ok(Past {
        known: Known {
            minutes: trace.minutes(),
            interpolated: trace.interpolated,
            saturated,
            lead_was_measured: measured_lead.is_some(),
            capacity_is_known: capacity.is_some(),
        },
        gaps,
        actual: Actual::over(&trace, minutes),
        settings: settings(group, lead_minutes, capacity.unwrap_or(1.0)),
        trace,
    })
}

/// The circumstances that a group's configuration gives, with a lead time and a capacity.
pub fn settings(group: &Group, lead_minutes: u32, capacity: f64) -> Settings {
    let mut settings = Settings {
        lead_seconds: lead_minutes * 60,
        delay_minutes: group.scaling.delay_minutes(),
        capacity: Some(capacity),
        min_instances: group.scaling.min_instances,
        max_instances: group.scaling.max_instances,
        service_seconds: group.policy.service_ms / 1000.0,
        slo_seconds: group.policy.slo_ms / 1000.0,
        ..Settings::default()
    };
    if !settings.prices.contains(&group.policy.violation_price) {
        settings.prices.push(group.policy.violation_price);
        settings.prices.sort_by(f64::total_cmp);
    }
    settings
}

/// A minute of history as the group's signals are configured now.
pub fn sample(group: &Group, entry: &HistoryMinute) -> Sample {
    let measured = &entry.measured;
    let value = |signal: &crate::model::Signal| measured.signals.get(&signal.name).copied();
    Sample {
        minute: entry.minute,
        serving: measured.serving,
        total: measured.total,
        values: group.signals.iter().map(value).collect(),
    }
}

/// Work per second of one instance: the median over all minutes that show it.
fn usual_capacity(group: &Group, minutes: &[HistoryMinute]) -> Option<f64> {
    let (_, load) = group.load_signal()?;
    let rate = group.signals.iter().find(|signal| signal.kind == SignalKind::RatePerSecond)?;
    let shown = |entry: &HistoryMinute| {
        let utilisation = *entry.measured.signals.get(&load.name)?;
        let rate = *entry.measured.signals.get(&rate.name)?;
        let capacity = rate / (utilisation / 100.0 * f64::from(entry.measured.serving?));
        (utilisation >= LEAST_UTILISATION && capacity.is_finite() && capacity > 0.0).then_some(capacity)
    };
    let mut capacities: Vec<f64> = minutes.iter().filter_map(shown).collect();
    capacities.sort_unstable_by(f64::total_cmp);
    capacities.get(capacities.len() / 2).copied()
}
