//! What known events ask for: a floor from early enough that it serves when the event starts, until the event is over.
//!
//! A call only ever raises, whatever the engine; the largest counts where several overlap. When an event is over its call is
//! gone, and the engine comes down by itself.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::forecast::extremes::HourlyMaxima;
use crate::model::{EngineKind, Minute, Occurrence, Policy, Sample, Schedule, Signal, SignalKind};

/// Utilisation in per cent at which the predictive engine's instances carry an expected load: the usual load is the
/// highest minute of a week, so less room is left than for a mean.
const PREDICTIVE_UTILISATION: f64 = 85.0;
/// Most evaluations that a growth by small steps is begun ahead.
const MOST_STEPS: u32 = 60;

/// What a schedule asks for now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduledCall {
    /// The schedule.
    pub schedule: String,
    /// When the event starts, by the clock of its zone.
    pub start: DateTime<FixedOffset>,
    /// When it is over.
    pub end: DateTime<FixedOffset>,
    /// At least so many instances.
    pub min_instances: Option<u32>,
    /// The load that is expected.
    pub expected: Option<ExpectedLoad>,
}

/// A load that is expected because a person says so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedLoad {
    /// So many times the usual load.
    pub multiple: f64,
    /// The highest load of the last week at these hours of the day, in instances that are busy all the time.
    pub usual: f64,
    /// How busy instances may be, in per cent.
    pub utilisation: f64,
}

impl ExpectedLoad {
    fn instances(&self) -> u32 {
        // A hair of tolerance, so that rounding does not cost an instance.
        (self.multiple * self.usual * 100.0 / self.utilisation - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
    }
}

impl ScheduledCall {
    /// Instances that are asked for.
    pub fn instances(&self) -> u32 {
        let expected = self.expected.as_ref().map_or(0, ExpectedLoad::instances);
        expected.max(self.min_instances.unwrap_or_default())
    }

    /// Why, in words.
    pub fn why(&self) -> String {
        let Self { schedule, start, .. } = self;
        let from = start.format("%H:%M on %Y-%m-%d (%:z)");
        match &self.expected {
            Some(expected) if expected.instances() > self.min_instances.unwrap_or_default() => format!(
                "schedule {schedule} expects {} times the usual {:.1} instances' worth of load from {from}, which takes {} at {} %",
                expected.multiple,
                expected.usual,
                expected.instances(),
                expected.utilisation
            ),
            _ => format!("schedule {schedule} asks for at least {} from {from}", self.instances()),
        }
    }
}

/// What schedules are looked at with.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// When it is decided.
    pub now: DateTime<Utc>,
    /// Minutes from asking for an instance until it serves.
    pub lead_minutes: u32,
    /// Minutes until the next decision.
    pub interval_minutes: u32,
    /// What there is: serving and starting.
    pub current: u32,
    /// Never more instances.
    pub max_instances: u32,
    /// Most instances added by one decision.
    pub max_step_out: Option<u32>,
    /// How busy instances may be, in per cent.
    pub utilisation: f64,
    /// The highest loads of the last week.
    pub usual: &'a HourlyMaxima,
}

impl Circumstances<'_> {
    /// Starts up to here are too early to be met by later decisions, if so many decisions are needed.
    fn reach(&self, decisions: u32) -> DateTime<Utc> {
        let minutes = i64::from(self.lead_minutes) + i64::from(self.interval_minutes) * i64::from(decisions);
        self.now + TimeDelta::minutes(minutes)
    }

    /// Decisions that it takes to have that many instances.
    fn decisions(&self, instances: u32) -> u32 {
        let more = instances.min(self.max_instances).saturating_sub(self.current);
        self.max_step_out.map_or(1, |step| more.div_ceil(step.max(1)).clamp(1, MOST_STEPS))
    }

    fn call(&self, schedule: &Schedule, decisions: u32) -> Option<ScheduledCall> {
        let until = self.reach(decisions);
        let Occurrence { start, end } = schedule.between(self.now, until)?;
        // Of a long event only what is near counts: it has quiet hours as well.
        let (from, to) =
            (start.to_utc().max(self.now), end.to_utc().min(until.max(start.to_utc() + TimeDelta::minutes(1))));
        let expected = schedule.expected_multiple.map(|multiple| ExpectedLoad {
            multiple,
            usual: self.usual.at_hours(Minute::containing(from), Minute::containing(to - TimeDelta::seconds(1))),
            utilisation: self.utilisation,
        });
        Some(ScheduledCall {
            schedule: schedule.name.clone(),
            start,
            end,
            min_instances: schedule.min_instances,
            expected,
        })
    }
}

/// What the schedules ask for: those that are on, and those that start before a later decision could have met them.
pub fn calls(schedules: &[Schedule], circumstances: &Circumstances<'_>) -> Vec<ScheduledCall> {
    let due = |schedule| {
        circumstances.call(schedule, 1).or_else(|| {
            // By small steps it takes longer.
            let call = circumstances.call(schedule, circumstances.decisions(u32::MAX))?;
            (call.start <= circumstances.reach(circumstances.decisions(call.instances()))).then_some(call)
        })
    };
    schedules.iter().filter_map(due).collect()
}

/// How busy instances may be under an expected load, in per cent: as the group's engine would have them.
pub fn utilisation(policy: &Policy, load: Option<&Signal>) -> f64 {
    match policy.engine {
        EngineKind::Predictive => PREDICTIVE_UTILISATION,
        EngineKind::TargetTracking => policy.target_utilisation,
        EngineKind::WeightedScore => {
            let scale_out = load.and_then(|signal| signal.scale_out).filter(|percent| *percent > 0.0);
            scale_out.unwrap_or(policy.target_utilisation)
        }
    }
}

/// Takes the load of a minute into what is usual. What a schedule had multiplied is divided again, so that an event that
/// comes every day does not grow by its own multiple.
pub fn learn(usual: &mut HourlyMaxima, schedules: &[Schedule], load: Option<(usize, &Signal)>, sample: &Sample) {
    let Some((index, _)) = load.filter(|(_, signal)| signal.kind == SignalKind::Utilisation) else { return };
    let percent = sample.values.get(index).copied().flatten().filter(|percent| percent.is_finite() && *percent >= 0.0);
    let Some((percent, serving)) = percent.zip(sample.serving) else { return };
    let start = sample.minute.start();
    let on = schedules.iter().filter(|schedule| schedule.between(start, start).is_some());
    let multiple = on.filter_map(|schedule| schedule.expected_multiple).fold(1.0, f64::max);
    usual.push(sample.minute, percent / 100.0 * f64::from(serving) / multiple);
}

#[cfg(test)]
mod tests;
