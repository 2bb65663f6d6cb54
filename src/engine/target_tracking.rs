//! Holds one signal at a target: proportional, quick on the way out, slow on the way in. A reading counts for the
//! instances that it was measured on: a change is not made once more while readings from before it come in.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::track::{Reading, finite, is_fresh, period_minutes};
use super::{Engine, Evidence, Observation, Proposal};
use crate::model::{Minute, Policy, Signal, SignalKind};

/// Minutes over the target before the group grows.
const OUT_MINUTES: i64 = 3;
/// Minutes under the lower bound before the group shrinks.
const IN_MINUTES: i64 = 15;
/// The group shrinks only below this share of the target: between the two nothing happens.
const IN_SHARE: f64 = 0.9;
/// Keeps rounding errors from asking for one instance more.
const ROUNDING: f64 = 1e-9;

/// What target tracking keeps between decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetTracking {
    target: f64,
    signal: Option<String>,
    /// Readings of the last quarter of an hour, oldest first.
    recent: VecDeque<Reading>,
}

/// All that target tracking concluded from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetTrackingEvidence {
    /// The signal that is held.
    pub signal: String,
    /// What it is held at, in the signal's unit.
    pub held_at: f64,
    /// Minutes between two readings.
    pub period_minutes: u32,
    /// Readings of the last quarter of an hour, oldest first.
    pub recent: Vec<Reading>,
    /// Whether the newest reading is as new as it can be.
    pub fresh: bool,
    /// Instances that serve.
    pub serving: u32,
    /// Instances on their way.
    pub starting: u32,
    /// Never fewer.
    pub min_instances: u32,
    /// Never more.
    pub max_instances: u32,
}

impl TargetTrackingEvidence {
    /// The reading of the highest load in the unbroken run of readings under the lower bound, if it is long enough.
    fn highest_while_low(&self) -> Option<Reading> {
        let period = i64::from(self.period_minutes);
        let bound = IN_SHARE * self.held_at;
        self.run(IN_MINUTES, period, |value| value < bound)
    }

    fn is_high(&self) -> bool {
        // One reading may be missing: what is missing keeps nobody from growing.
        self.run(OUT_MINUTES, 2 * i64::from(self.period_minutes), |value| value > self.held_at).is_some()
    }

    /// The highest load of the newest readings that satisfy `condition` without a gap, if they span `minutes`.
    fn run(&self, minutes: i64, largest_gap: i64, condition: impl Fn(f64) -> bool) -> Option<Reading> {
        let mut highest = *self.recent.last()?;
        let mut after: Option<Minute> = None;
        let newest = highest.minute;
        for reading in self.recent.iter().rev() {
            if !condition(reading.value) || after.is_some_and(|after| after - reading.minute > largest_gap) {
                return None;
            }
            if self.load(reading) > self.load(&highest) {
                highest = *reading;
            }
            if newest - reading.minute + i64::from(self.period_minutes) >= minutes {
                return Some(highest);
            }
            after = Some(reading.minute);
        }
        None
    }

    /// Instances that a reading was measured on: it is of some minutes ago, and others may serve by now.
    fn measured_on(&self, reading: &Reading) -> u32 {
        reading.serving.unwrap_or(self.serving)
    }

    fn load(&self, reading: &Reading) -> f64 {
        f64::from(self.measured_on(reading)) * reading.value
    }

    /// Instances that would bring a reading to the target.
    fn proportional(&self, reading: &Reading) -> u32 {
        (self.load(reading) / self.held_at - ROUNDING).ceil().max(0.0) as u32
    }

    /// Instances wanted.
    pub fn target(&self) -> u32 {
        let total = self.serving + self.starting;
        let wanted = match self.recent.last().filter(|_| self.fresh) {
            None => total,
            Some(newest) if self.is_high() => self.proportional(newest).max(total),
            Some(_) => match self.highest_while_low() {
                Some(highest) => self.proportional(&highest).min(total),
                None => total,
            },
        };
        wanted.min(self.max_instances).max(self.min_instances)
    }

    pub(super) fn sentences(&self) -> Vec<String> {
        let (total, target) = (self.serving + self.starting, self.target());
        let Some(newest) = self.recent.last().filter(|_| self.fresh) else {
            return vec![format!("{} has no fresh value, so {target} stay.", self.signal)];
        };
        let mut sentences = vec![format!(
            "{} is {:.1}; it is held at {}. {} instances serve and {} are starting.",
            self.signal, newest.value, self.held_at, self.serving, self.starting
        )];
        sentences.push(if self.is_high() {
            format!(
                "It has been above that for {OUT_MINUTES} minutes: {} x {:.1} / {} makes {target} instances.",
                self.measured_on(newest),
                newest.value,
                self.held_at
            )
        } else if let Some(highest) = self.highest_while_low() {
            format!(
                "It has been under {:.1} for {IN_MINUTES} minutes, at most {:.1}: {} x {:.1} / {} makes {target} instances.",
                IN_SHARE * self.held_at,
                highest.value,
                self.measured_on(&highest),
                highest.value,
                self.held_at
            )
        } else {
            format!("It has been neither high nor low for long enough, so {total} stay.")
        });
        sentences
    }
}

impl TargetTracking {
    /// With nothing seen yet.
    pub fn new(policy: &Policy, signals: &[Signal]) -> Self {
        Self { target: policy.target_utilisation, signal: held_signal(policy, signals), recent: VecDeque::new() }
    }

    /// Whether this state was made for that policy and those signals.
    pub fn fits(&self, policy: &Policy, signals: &[Signal]) -> bool {
        self.target == policy.target_utilisation && self.signal == held_signal(policy, signals)
    }
}

fn held_signal(policy: &Policy, signals: &[Signal]) -> Option<String> {
    policy.target_signal.clone().or_else(|| {
        signals.iter().find(|signal| signal.kind == SignalKind::Utilisation).map(|signal| signal.name.clone())
    })
}

impl Engine for TargetTracking {
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal {
        let capacity = observation.capacity;
        let held = observation
            .signals
            .iter()
            .enumerate()
            .find(|(_, signal)| Some(&signal.name) == self.signal.as_ref())
            .filter(|_| self.target > 0.0);
        let Some((index, signal)) = held else {
            let evidence = Evidence::Nothing { kept: capacity.total() };
            return Proposal { target: evidence.target(), evidence };
        };
        for sample in observation.samples {
            if let Some(value) = finite(sample, index) {
                self.recent.push_back(Reading { minute: sample.minute, value, serving: sample.serving });
            }
        }
        let period = period_minutes(signal);
        if let Some(newest) = self.recent.back().map(|reading| reading.minute) {
            self.recent.retain(|reading| newest - reading.minute < IN_MINUTES.max(period));
        }
        let evidence = TargetTrackingEvidence {
            signal: signal.name.clone(),
            held_at: self.target,
            period_minutes: u32::try_from(period).unwrap_or(u32::MAX),
            recent: self.recent.iter().copied().collect(),
            fresh: self.recent.back().is_some_and(|newest| is_fresh(newest.minute, observation, period)),
            serving: capacity.serving,
            starting: capacity.starting,
            min_instances: observation.min_instances,
            max_instances: observation.max_instances,
        };
        Proposal { target: evidence.target(), evidence: Evidence::TargetTracking(evidence) }
    }
}

#[cfg(test)]
#[path = "target_tracking/tests.rs"]
mod tests;
