//! What a short forecast is made from: recent levels and slopes, and what followed an hour, a day and a week ago.

use serde::{Deserialize, Serialize};

use super::history::{History, KEPT_MINUTES};

/// Number of features.
pub const FEATURES: usize = 15;
/// Minutes before a series has features.
pub const FIRST_FEATURES: u64 = 6;
/// Spans of the exponential means, in minutes.
const SPANS: [f64; 5] = [3.0, 8.0, 20.0, 60.0, 240.0];
/// Seasons whose course is looked back at, in minutes. The hour is that of scheduled jobs.
const SEASONS: [u64; 3] = [60, 1440, 10_080];

/// A demand series as `ln(demand / reference + offset)`, with what its features need.
///
/// The offset makes errors nearly additive where demand is small; dividing by a typical demand makes the same offset fit
/// groups of every size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogSeries {
    offset: f64,
    means: [f64; 5],
    /// The transformed history, slot by slot. Derived, hence not kept.
    #[serde(skip)]
    transformed: Vec<f64>,
}

impl LogSeries {
    /// An empty series.
    pub fn new(offset: f64) -> Self {
        Self { offset, means: [0.0; 5], transformed: Vec::with_capacity(KEPT_MINUTES) }
    }

    /// The offset.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Demand as this series sees it.
    pub fn transform(&self, demand: f64, reference: f64) -> f64 {
        (demand / reference + self.offset).ln()
    }

    /// The demand that a transformed value stands for, not below zero.
    pub fn demand(&self, transformed: f64, reference: f64) -> f64 {
        (reference * (transformed.exp() - self.offset)).max(0.0)
    }

    /// Takes in the newest value of `history`.
    pub fn push(&mut self, history: &History, reference: f64) {
        let Some(demand) = history.back(0) else { return };
        let value = self.transform(demand, reference);
        let at = ((history.seen() - 1) % KEPT_MINUTES as u64) as usize;
        if at < self.transformed.len() {
            self.transformed[at] = value;
        } else {
            self.transformed.push(value);
        }
        let start_up = 1.0 / history.seen() as f64;
        for (mean, span) in self.means.iter_mut().zip(SPANS) {
            *mean += (2.0_f64 / (span + 1.0)).max(start_up) * (value - *mean);
        }
    }

    /// Rebuilds what is not kept with the state.
    pub fn restore(&mut self, history: &History, reference: f64) {
        self.transformed.clear();
        self.transformed.reserve(KEPT_MINUTES);
        for &demand in history.slots() {
            let value = self.transform(f64::from(demand), reference);
            self.transformed.push(value);
        }
    }

    /// True once [`restore`](Self::restore) has been called, or nothing needed it.
    pub fn is_restored(&self, history: &History) -> bool {
        self.transformed.len() == history.slots().len()
    }

    /// Moves to another reference demand.
    pub fn rebase(&mut self, history: &History, old: f64, new: f64) {
        for mean in &mut self.means {
            *mean = ((mean.exp() - self.offset) * old / new + self.offset).max(1e-9).ln();
        }
        self.restore(history, new);
    }

    /// The newest value.
    pub fn newest(&self, history: &History) -> f64 {
        self.back(history, 0)
    }

    /// Variance that a steep ramp suggests.
    pub fn ramp(&self) -> f64 {
        (self.means[0] - self.means[2]).powi(2) / 4.0
    }

    /// The features that do not depend on the horizon; [`fill_seasons`](Self::fill_seasons) adds the rest.
    pub fn base_features(&self, history: &History) -> [f64; FEATURES] {
        let [e3, e8, e20, e60, e240] = self.means;
        let y = |age| self.back(history, age);
        let mut features = [0.0; FEATURES];
        features[..9].copy_from_slice(&[
            0.05,
            y(0) - e3,
            e3 - e8,
            e8 - e20,
            e20 - e60,
            e60 - e240,
            y(0) - y(1),
            y(1) - y(2),
            y(0) - y(5),
        ]);
        features
    }

    /// Adds the course of the last hour, day and week at the minutes to come, where history reaches back that far.
    pub fn fill_seasons(&self, history: &History, horizon: u32, features: &mut [f64; FEATURES]) {
        let horizon = u64::from(horizon);
        let newest = self.back(history, 0);
        for (at, season) in SEASONS.into_iter().enumerate() {
            if history.seen() <= season + 5 || horizon + 2 > season {
                continue;
            }
            let smooth =
                |age: u64| (self.back(history, age - 1) + self.back(history, age) + self.back(history, age + 1)) / 3.0;
            features[9 + 2 * at] = smooth(season - horizon) - smooth(season);
            features[10 + 2 * at] = (self.back(history, season - horizon) - newest).clamp(-1.0, 1.0);
        }
    }

    fn back(&self, history: &History, age: u64) -> f64 {
        let at = (history.seen() - 1).saturating_sub(age) % KEPT_MINUTES as u64;
        self.transformed.get(at as usize).copied().unwrap_or_default()
    }
}
