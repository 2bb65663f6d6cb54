use serde::{Deserialize, Serialize};

use super::Observation;
use crate::model::{Minute, Sample, Signal, SignalSource};

/// One measured value and when it held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The minute that the value describes.
    pub minute: Minute,
    /// In the unit of the signal's kind.
    pub value: f64,
    /// Instances that served in that minute, where it is known.
    #[serde(default)]
    pub serving: Option<u32>,
}

/// Minutes between two values of a signal, at least one.
pub(super) fn period_minutes(signal: &Signal) -> i64 {
    match &signal.source {
        SignalSource::CloudEye(source) => i64::from(source.period_seconds().div_ceil(60).max(1)),
        _ => 1,
    }
}

/// The finite value of a signal in a sample. NaN and infinities count as missing.
pub(super) fn finite(sample: &Sample, signal: usize) -> Option<f64> {
    sample.values.get(signal).copied().flatten().filter(|value| value.is_finite())
}

/// Minutes by which a value that has just come may be later than usual.
const GRACE_MINUTES: i64 = 2;

/// Whether a value of `minute` is as new as it can be, for a signal of that period, or has just come a little late.
pub(super) fn is_fresh(minute: Minute, observation: &Observation<'_>, period_minutes: i64) -> bool {
    let has_just_come = observation.samples.iter().any(|sample| sample.minute == minute);
    let grace = if has_just_come { GRACE_MINUTES } else { 0 };
    minute >= observation.now - 1 - i64::from(observation.delay_minutes) - (period_minutes - 1) - grace
}

/// Since when a signal has been beyond its thresholds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    /// Newest value.
    pub(super) newest: Option<(Minute, f64)>,
    /// First minute of the unbroken run above `scale_out`.
    above_since: Option<Minute>,
    /// First minute of the unbroken run below `scale_in`.
    below_since: Option<Minute>,
}

impl Track {
    /// Takes in a value. A gap breaks a run below, for what is missing must never lower; a run above outlives it.
    pub(super) fn push(&mut self, minute: Minute, value: f64, signal: &Signal) {
        let gap = self.newest.is_some_and(|(newest, _)| minute - newest > period_minutes(signal));
        let above = signal.scale_out.is_some_and(|threshold| value > threshold);
        let below = signal.scale_in.is_some_and(|threshold| value < threshold);
        self.above_since = above.then(|| self.above_since.unwrap_or(minute));
        self.below_since = below.then(|| self.below_since.filter(|_| !gap).unwrap_or(minute));
        self.newest = Some((minute, value));
    }

    /// Minutes for which the newest value's side of the thresholds has held, this one included; 0 between them.
    pub(super) fn held_minutes(&self, period_minutes: i64) -> u32 {
        match (self.newest, self.above_since.or(self.below_since)) {
            (Some((newest, _)), Some(since)) => u32::try_from(newest - since + period_minutes).unwrap_or(u32::MAX),
            _ => 0,
        }
    }
}
