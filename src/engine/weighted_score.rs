//! The founding article's rule: a weighted sum of how far each signal is beyond its thresholds, and a step that grows
//! with it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::guardrails::FULL_PERCENT;
use super::track::{Track, finite, is_fresh, period_minutes};
use super::{Engine, Evidence, Observation, Proposal};
use crate::model::{Minute, Policy, Signal, SignalKind};

/// Above this score the group grows.
const SCALE_OUT_SCORE: f64 = 0.3;
/// Below this score the group shrinks.
const SCALE_IN_SCORE: f64 = -0.3;
/// Largest share of the group that is added at once.
const LARGEST_SHARE_ADDED: f64 = 0.5;
/// Share of the group that a score of -1 removes.
const LARGEST_SHARE_REMOVED: f64 = 0.3;
/// Weight of the CPU's trend.
const TREND_WEIGHT: f64 = 0.05;
/// Values that the trend is fitted to.
const TREND_VALUES: usize = 10;
/// Slope, in per cent a minute, at which the trend is tanh(1).
const TREND_SLOPE: f64 = 10.0;

/// What the weighted score keeps between decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedScore {
    /// Whether a single saturated signal decides alone.
    bottleneck: bool,
    /// One a signal, in the order of `names`.
    tracks: Vec<Track>,
    names: Vec<String>,
    /// The newest values of the first utilisation signal, oldest first.
    cpu: VecDeque<f64>,
    /// Instances that served in the newest minute of which there are values.
    #[serde(default)]
    measured_on: Option<u32>,
    changes: Changes,
}

/// When the group's size was last changed on purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Changes {
    seen: Option<u32>,
    asked: Option<(Minute, u32)>,
    changed_at: Option<Minute>,
    /// When somebody else has raised it: an alarm, or what replaces instances that are going.
    #[serde(default)]
    raised_at: Option<Minute>,
}

impl Changes {
    /// Compares what is there with what was there. A loss that nobody asked for, a reclaim say, is no change to rest after.
    fn see(&mut self, now: Minute, total: u32) {
        if let Some(before) = self.seen.filter(|before| *before != total) {
            match self.asked {
                Some((minute, asked)) if (asked > before) == (total > before) => self.changed_at = Some(minute),
                _ if total > before => self.raised_at = Some(now),
                _ => {}
            }
        }
        self.seen = Some(total);
        self.asked = None;
    }

    fn ask(&mut self, now: Minute, target: u32) {
        self.asked = self.seen.filter(|total| *total != target).map(|_| (now, target));
    }

    fn rest_seconds(&self, now: Minute, cooldown_seconds: u32) -> u32 {
        rest_seconds(self.changed_at, now, cooldown_seconds)
    }

    /// Shrinking also rests after what others have done.
    fn rest_in_seconds(&self, now: Minute, cooldown_seconds: u32) -> u32 {
        rest_seconds(self.changed_at.max(self.raised_at), now, cooldown_seconds)
    }
}

fn rest_seconds(since: Option<Minute>, now: Minute, cooldown_seconds: u32) -> u32 {
    let passed = since.map_or(i64::MAX, |at| (now - at).saturating_mul(60));
    u32::try_from(i64::from(cooldown_seconds).saturating_sub(passed)).unwrap_or(0)
}

/// One signal's part in the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalScore {
    /// The signal's name.
    pub name: String,
    /// Newest value, if there is one that is fresh.
    pub value: Option<f64>,
    /// Above this it asks for more.
    pub scale_out: Option<f64>,
    /// Below this it allows fewer.
    pub scale_in: Option<f64>,
    /// The value from which on the signal counts as saturated.
    pub ceiling: f64,
    /// Minutes for which the value has been on its side of the thresholds.
    pub held_minutes: u32,
    /// Minutes for which it must be.
    pub duration_minutes: u32,
    /// Share in the score.
    pub weight: f64,
}

impl SignalScore {
    /// How far the signal is beyond its thresholds, from -1 to 1: 1 at its ceiling, -1 at zero, 0 between the
    /// thresholds, while the duration has not passed, and where the value is missing.
    pub fn score(&self) -> f64 {
        let Some(value) = self.value.filter(|_| self.held_minutes >= self.duration_minutes) else {
            return 0.0;
        };
        match (self.scale_out, self.scale_in) {
            (Some(out), _) if value > out => {
                if self.ceiling > out {
                    ((value - out) / (self.ceiling - out)).min(1.0)
                } else {
                    1.0
                }
            }
            (_, Some(scale_in)) if value < scale_in => {
                if scale_in > 0.0 {
                    ((value - scale_in) / scale_in).max(-1.0)
                } else {
                    -1.0
                }
            }
            _ => 0.0,
        }
    }
}

/// All that a weighted score was concluded from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedScoreEvidence {
    /// Every signal that has a weight and a threshold.
    pub signals: Vec<SignalScore>,
    /// tanh(slope of the last ten CPU values / 10), the slope in per cent a minute.
    pub trend: f64,
    /// Whether a single saturated signal decides alone.
    pub bottleneck: bool,
    /// Seconds of rest left after the last change.
    pub rest_seconds: u32,
    /// Seconds of rest left before the group may shrink: it rests after what others have added, too.
    #[serde(default)]
    pub rest_in_seconds: u32,
    /// Instances serving and starting.
    pub total: u32,
    /// Instances that the newest values were measured on, where that is known, without what stands in for others.
    #[serde(default)]
    pub measured_on: Option<u32>,
    /// Never fewer.
    pub min_instances: u32,
    /// Never more.
    pub max_instances: u32,
}

impl WeightedScoreEvidence {
    /// The signal that decides alone, if one is saturated and that is asked for.
    pub fn saturated(&self) -> Option<&SignalScore> {
        self.signals.iter().find(|signal| signal.score() >= 1.0).filter(|_| self.bottleneck)
    }

    /// The weighted sum, or 1 where a saturated signal decides alone.
    pub fn score(&self) -> f64 {
        if self.saturated().is_some() {
            return 1.0;
        }
        self.signals.iter().map(|signal| signal.score() * signal.weight).sum::<f64>() + TREND_WEIGHT * self.trend
    }

    /// How sure the rule is: the size of the score, at most 1.
    pub fn confidence(&self) -> f64 {
        self.score().abs().min(1.0)
    }

    /// Signals without a fresh value. As long as there is one the group does not shrink.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.signals.iter().filter(|signal| signal.value.is_none()).map(|signal| signal.name.as_str())
    }

    /// Instances wanted.
    pub fn target(&self) -> u32 {
        let kept = self.total;
        let wanted = if self.rest_seconds > 0 {
            kept
        } else {
            let score = self.score();
            // The values are of some minutes ago. What has been done about them since is not done once more.
            let measured_on = self.measured_on.unwrap_or(kept);
            if score > SCALE_OUT_SCORE {
                let added = ((f64::from(measured_on) * score.min(1.0) * LARGEST_SHARE_ADDED) as u32).max(1);
                measured_on.saturating_add(added).max(kept)
            } else if score < SCALE_IN_SCORE && self.rest_in_seconds == 0 && self.missing().next().is_none() {
                let fewer =
                    |of: u32| of.saturating_sub(((f64::from(of) * score.abs() * LARGEST_SHARE_REMOVED) as u32).max(1));
                fewer(measured_on).min(kept).max(fewer(kept))
            } else {
                kept
            }
        };
        wanted.min(self.max_instances).max(self.min_instances)
    }

    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        for signal in &self.signals {
            sentences.push(match signal.value {
                None => format!("{} has no fresh value, so nothing is removed.", signal.name),
                Some(value) => {
                    let score = signal.score();
                    let waiting = if signal.held_minutes > 0 && signal.held_minutes < signal.duration_minutes {
                        format!(
                            ", beyond its threshold for {} of {} minutes",
                            signal.held_minutes, signal.duration_minutes
                        )
                    } else {
                        String::new()
                    };
                    format!(
                        "{} is {value:.1}{}{waiting}: score {score:+.2}, weight {:.2}, counts {:+.3}.",
                        signal.name,
                        thresholds(signal),
                        signal.weight,
                        score * signal.weight
                    )
                }
            });
        }
        sentences.push(format!(
            "The trend of the CPU is {:+.2}, weight {TREND_WEIGHT:.2}, counts {:+.3}.",
            self.trend,
            TREND_WEIGHT * self.trend
        ));
        if let Some(signal) = self.saturated() {
            sentences.push(format!("{} is saturated and decides alone.", signal.name));
        }
        let (score, target) = (self.score(), self.target());
        sentences.push(if self.rest_seconds > 0 {
            format!(
                "The score is {score:+.3}; the group rests for another {} s after its last change, so {target} stay.",
                self.rest_seconds
            )
        } else {
            let verdict = if score > SCALE_OUT_SCORE {
                "above 0.3"
            } else if score < SCALE_IN_SCORE {
                "below -0.3"
            } else {
                "between -0.3 and 0.3"
            };
            let of = match self.measured_on {
                Some(measured_on) if measured_on != self.total => format!(", measured on {measured_on},"),
                _ => ",".to_owned(),
            };
            format!("The score is {score:+.3}{of} {verdict}: {} become {target} instances.", self.total)
        });
        if self.rest_seconds == 0 && self.rest_in_seconds > 0 && score < SCALE_IN_SCORE {
            let seconds = self.rest_in_seconds;
            sentences.push(format!("It does not shrink for another {seconds} s, since others have added instances."));
        }
        sentences
    }
}

fn thresholds(signal: &SignalScore) -> String {
    match (signal.scale_out, signal.scale_in) {
        (Some(out), Some(scale_in)) => format!(" (out above {out}, in below {scale_in})"),
        (Some(out), None) => format!(" (out above {out})"),
        (None, Some(scale_in)) => format!(" (in below {scale_in})"),
        (None, None) => String::new(),
    }
}

impl WeightedScore {
    /// With nothing seen yet.
    pub fn new(policy: &Policy, signals: &[Signal]) -> Self {
        Self {
            bottleneck: policy.bottleneck,
            tracks: vec![Track::default(); signals.len()],
            names: signals.iter().map(|signal| signal.name.clone()).collect(),
            cpu: VecDeque::with_capacity(TREND_VALUES),
            measured_on: None,
            changes: Changes::default(),
        }
    }

    /// Whether this state was made for that policy and those signals.
    pub fn fits(&self, policy: &Policy, signals: &[Signal]) -> bool {
        self.bottleneck == policy.bottleneck && self.names.iter().eq(signals.iter().map(|signal| &signal.name))
    }

    fn take_in(&mut self, observation: &Observation<'_>) {
        let cpu = observation.signals.iter().position(|signal| signal.kind == SignalKind::Utilisation);
        for sample in observation.samples {
            self.measured_on = sample.serving;
            for (index, (signal, track)) in observation.signals.iter().zip(&mut self.tracks).enumerate() {
                let Some(value) = finite(sample, index) else { continue };
                track.push(sample.minute, value, signal);
                if Some(index) == cpu {
                    if self.cpu.len() == TREND_VALUES {
                        self.cpu.pop_front();
                    }
                    self.cpu.push_back(value);
                }
            }
        }
    }

    /// Where a signal scores 1: twice its threshold, and 100 where it is a per cent of something that can be full. A signal
    /// that may decide alone is full a little earlier: the mean of many instances is never quite 100.
    fn ceiling(&self, signal: &Signal) -> f64 {
        let twice = 2.0 * signal.scale_out.unwrap_or(0.0);
        match signal.kind {
            SignalKind::Utilisation | SignalKind::Percent if self.bottleneck => twice.min(FULL_PERCENT),
            SignalKind::Utilisation | SignalKind::Percent => twice.min(100.0),
            _ => twice,
        }
    }

    fn scores(&self, observation: &Observation<'_>) -> Vec<SignalScore> {
        let weighed = observation.signals.iter().zip(&self.tracks).filter_map(|(signal, track)| {
            let weight = signal.weight.filter(|weight| *weight > 0.0)?;
            signal.scale_out.or(signal.scale_in)?;
            let period = period_minutes(signal);
            let fresh = track.newest.filter(|(minute, _)| is_fresh(*minute, observation, period));
            Some(SignalScore {
                name: signal.name.clone(),
                value: fresh.map(|(_, value)| value),
                scale_out: signal.scale_out,
                scale_in: signal.scale_in,
                ceiling: self.ceiling(signal),
                held_minutes: track.held_minutes(period),
                duration_minutes: signal.duration_minutes(),
                weight,
            })
        });
        weighed.collect()
    }
}

impl Engine for WeightedScore {
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal {
        if !self.names.iter().eq(observation.signals.iter().map(|signal| &signal.name)) {
            let policy = Policy { bottleneck: self.bottleneck, ..Policy::default() };
            *self = Self { changes: self.changes.clone(), ..Self::new(&policy, observation.signals) };
        }
        let total = observation.capacity.total();
        self.changes.see(observation.now, total);
        self.take_in(observation);
        let evidence = WeightedScoreEvidence {
            signals: self.scores(observation),
            trend: trend(&self.cpu),
            bottleneck: self.bottleneck,
            rest_seconds: self.changes.rest_seconds(observation.now, observation.cooldown_seconds),
            rest_in_seconds: self.changes.rest_in_seconds(observation.now, observation.cooldown_seconds),
            total,
            measured_on: self.measured_on.map(|serving| serving.saturating_sub(observation.stand_ins)),
            min_instances: observation.min_instances,
            max_instances: observation.max_instances,
        };
        let target = evidence.target();
        self.changes.ask(observation.now, target);
        Proposal { target, evidence: Evidence::WeightedScore(evidence) }
    }
}

/// tanh(slope / 10) of a straight line by least squares through the last ten values; 0 before there are ten.
fn trend(values: &VecDeque<f64>) -> f64 {
    if values.len() < TREND_VALUES {
        return 0.0;
    }
    let count = values.len() as f64;
    let mean_position = (count - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (position, value) in values.iter().enumerate() {
        let offset = position as f64 - mean_position;
        covariance += offset * (value - mean);
        variance += offset * offset;
    }
    (covariance / variance / TREND_SLOPE).tanh()
}

#[cfg(test)]
#[path = "weighted_score/tests.rs"]
mod tests;
