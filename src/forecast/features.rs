//! What a short forecast is made from: recent levels and slopes, and what followed an hour, a day and a week ago.

use serde::{Deserialize, Serialize};

use super::history::{History, KEPT_MINUTES};
use super::quick::Quick;

/// Number of features.
pub const FEATURES: usize = 19;
/// Minutes before a series has features.
pub const FIRST_FEATURES: u64 = 6;
/// Spans of the exponential means, in minutes.
const SPANS: [f64; 5] = [3.0, 8.0, 20.0, 60.0, 240.0];
/// Seasons whose course is looked back at, in minutes. The hour is that of scheduled jobs.
const SEASONS: [u64; 3] = [60, 1440, 10_080];
/// Minutes of the centred mean that takes the noise out of past days.
const SMOOTHED: u64 = 15;
/// Days and hours back that are averaged.
const DAYS: u64 = 7;
const HOURS: u64 = 8;

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
    /// Mean of the quarter hour that ends at each slot. Derived, hence not kept.
    #[serde(skip)]
    smoothed: Vec<f64>,
}

impl LogSeries {
    /// An empty series.
    pub fn new(offset: f64) -> Self {
        Self {
            offset,
            means: [0.0; 5],
            transformed: Vec::with_capacity(KEPT_MINUTES),
            smoothed: Vec::with_capacity(KEPT_MINUTES),
        }
    }

    /// The offset.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// Demand as this series sees it.
    #[inline]
    pub fn transform(&self, demand: f64, reference: f64) -> f64 {
        Quick::tables().ln(demand / reference + self.offset)
    }

    /// The demand that a transformed value stands for, not below zero.
    #[inline]
    pub fn demand(&self, transformed: f64, reference: f64) -> f64 {
        (reference * (Quick::tables().exp(transformed) - self.offset)).max(0.0)
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
        let mean = self.mean_before(history.seen() - 1);
        if at < self.smoothed.len() {
            self.smoothed[at] = mean;
        } else {
            self.smoothed.push(mean);
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
        self.smoothed.clear();
        self.smoothed.resize(self.transformed.len(), 0.0);
        let seen = history.seen();
        for count in seen - self.transformed.len() as u64..seen {
            self.smoothed[(count % KEPT_MINUTES as u64) as usize] = self.mean_before(count);
        }
    }

    /// Mean of the quarter hour up to the minute that was seen as number `at`, counted from 0.
    fn mean_before(&self, at: u64) -> f64 {
        let span = SMOOTHED.min(at + 1);
        let sum: f64 = (0..span).map(|age| self.transformed[((at - age) % KEPT_MINUTES as u64) as usize]).sum();
        sum / span as f64
    }

    /// Mean of the quarter hour around `age` minutes before the newest.
    fn around(&self, history: &History, age: u64) -> f64 {
        let at = (history.seen() - 1).saturating_sub(age - SMOOTHED / 2) % KEPT_MINUTES as u64;
        self.smoothed.get(at as usize).copied().unwrap_or_default()
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

    /// Adds the course of the last hours, days and weeks at the minutes to come, where history reaches back that far.
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
        self.fill_days(history, horizon, features);
        self.fill_hours(history, horizon, features);
    }

    /// Adds what the last days have in common: how they went on smoothly, where they stood, and what stood out of it.
    fn fill_days(&self, history: &History, horizon: u64, features: &mut [f64; FEATURES]) {
        let (mut slope, mut level, mut outstanding, mut days) = (0.0, 0.0, 0.0, 0.0);
        for season in (1..=DAYS).map(|day| day * 1440).take_while(|season| history.seen() > season + SMOOTHED) {
            let then = self.around(history, season - horizon);
            slope += then - self.around(history, season);
            level += then;
            outstanding += self.back(history, season - horizon) - then;
            days += 1.0;
        }
        if days > 0.0 {
            features[15] = slope / days;
            features[16] = (level / days - self.means[1]).clamp(-1.0, 1.0);
            features[17] = outstanding / days;
        }
    }

    /// Adds what stood out at the same minute of the last hours, as scheduled jobs do.
    fn fill_hours(&self, history: &History, horizon: u64, features: &mut [f64; FEATURES]) {
        let (mut outstanding, mut hours) = (0.0, 0.0);
        if horizon + SMOOTHED < 60 {
            for season in (1..=HOURS).map(|hour| hour * 60).take_while(|season| history.seen() > season + SMOOTHED) {
                outstanding += self.back(history, season - horizon) - self.around(history, season - horizon);
                hours += 1.0;
            }
        }
        if hours > 0.0 {
            features[18] = outstanding / hours;
        }
    }

    fn back(&self, history: &History, age: u64) -> f64 {
        let at = (history.seen() - 1).saturating_sub(age) % KEPT_MINUTES as u64;
        self.transformed.get(at as usize).copied().unwrap_or_default()
    }
}
