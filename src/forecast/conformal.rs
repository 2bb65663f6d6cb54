//! Quantiles that keep their promise: adaptive conformal calibration (Gibbs and Candes, 2021).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Errors that are kept.
const KEPT: usize = 400;
/// How quickly the level follows its misses.
const RATE: f64 = 0.002;

/// A one-sided bound on the error of a forecast, for one horizon and level, learnt from its own misses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveBound {
    level: f64,
    /// The level that is asked of the errors at the moment, so that the bound holds at `level` in the long run.
    asked: f64,
    errors: VecDeque<f64>,
    /// The same errors in ascending order.
    sorted: Vec<f64>,
}

impl AdaptiveBound {
    /// A bound that shall hold with probability `level`.
    pub fn new(level: f64) -> Self {
        Self { level, asked: level, errors: VecDeque::with_capacity(KEPT), sorted: Vec::with_capacity(KEPT) }
    }

    /// What the error will not exceed with probability `level`: the empirical quantile with the finite-sample correction
    /// ceil((n + 1) level), the largest error seen where there are too few. `None` before any was seen.
    pub fn bound(&self) -> Option<f64> {
        let rank = ((self.sorted.len() as f64 + 1.0) * self.asked).ceil() as usize;
        self.sorted.get(rank.clamp(1, self.sorted.len().max(1)) - 1).copied()
    }

    /// Learns one error, observed minus forecast.
    pub fn learn(&mut self, error: f64) {
        if let Some(bound) = self.bound() {
            let held = if error <= bound { 1.0 } else { 0.0 };
            self.asked = (self.asked + RATE * (self.level - held)).clamp(0.001, 0.999);
        }
        if self.errors.len() == KEPT
            && let Some(oldest) = self.errors.pop_front()
            && let Ok(at) = self.sorted.binary_search_by(|known| known.total_cmp(&oldest))
        {
            self.sorted.remove(at);
        }
        self.errors.push_back(error);
        let at = self.sorted.partition_point(|known| known.total_cmp(&error).is_lt());
        self.sorted.insert(at, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform in 0..1, the same in every run.
    fn uniform(at: u64) -> f64 {
        let mut mixed = at.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn share_held(level: f64, error: impl Fn(u64) -> f64) -> f64 {
        let mut bound = AdaptiveBound::new(level);
        let (mut held, mut asked) = (0.0, 0.0);
        for at in 0..6000 {
            let error = error(at);
            if at >= 500
                && let Some(bound) = bound.bound()
            {
                held += if error <= bound { 1.0 } else { 0.0 };
                asked += 1.0;
            }
            bound.learn(error);
        }
        held / asked
    }

    #[test]
    fn steady_noise_is_covered_as_promised() {
        for level in [0.1, 0.5, 0.9, 0.98] {
            let share = share_held(level, uniform);
            assert!((share - level).abs() < 0.02, "{share} at {level}");
        }
    }

    #[test]
    fn growing_noise_is_covered_as_promised() {
        for level in [0.5, 0.9, 0.98] {
            let share = share_held(level, |at| uniform(at) * (1.0 + at as f64 / 500.0));
            assert!((share - level).abs() < 0.03, "{share} at {level}");
        }
    }
}
