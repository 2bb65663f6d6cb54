//! The shape of standardised errors: a decayed histogram over a heavy-tailed prior.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::packed;

const HALF_BINS: usize = 30;
/// Bins for each unit of asinh(2 error).
const DENSITY: f64 = 6.0;
/// Bins of the histogram; the middle one holds zero.
pub const BINS: usize = 2 * HALF_BINS + 1;
/// Minutes after which an error counts half.
const HALF_LIFE_MINUTES: f64 = 1440.0;
/// Weight of the prior in errors. It never decays: the tail of events that were not seen yet.
const PRIOR_WEIGHT: f64 = 40.0;
/// Degrees of freedom of the Student t prior.
const PRIOR_FREEDOM: f64 = 2.5;

/// A histogram of errors in units of their predicted scale. Bins are narrow near zero and grow outwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualShape {
    #[serde(with = "packed")]
    weight: Vec<f64>,
    /// Sum of weight times error of each bin.
    #[serde(with = "packed")]
    moment: Vec<f64>,
}

impl Default for ResidualShape {
    fn default() -> Self {
        Self { weight: vec![0.0; BINS], moment: vec![0.0; BINS] }
    }
}

impl ResidualShape {
    /// Learns one standardised error.
    pub fn learn(&mut self, error: f64) {
        let decay = 0.5_f64.powf(1.0 / HALF_LIFE_MINUTES);
        for (weight, moment) in self.weight.iter_mut().zip(&mut self.moment) {
            *weight *= decay;
            *moment *= decay;
        }
        let at = bin_of(error);
        self.weight[at] += 1.0;
        self.moment[at] += error.clamp(-1e3, 1e3);
    }

    /// Calls `visit` with probability and mean error of every bin, in ascending order of the error.
    pub fn for_each(&self, mut visit: impl FnMut(f64, f64)) {
        let prior = prior();
        let total = self.weight.iter().sum::<f64>() + PRIOR_WEIGHT;
        for ((&weight, &moment), prior) in self.weight.iter().zip(&self.moment).zip(prior) {
            let weight = weight + prior.0;
            visit(weight / total, (moment + prior.1) / weight);
        }
    }

    /// True if the parts have their sizes, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.weight.len() == BINS && self.moment.len() == BINS
    }
}

fn bin_of(error: f64) -> usize {
    let at = (DENSITY * (2.0 * error).asinh()).round().clamp(-(HALF_BINS as f64), HALF_BINS as f64);
    (at + HALF_BINS as f64) as usize
}

/// Weight and moment of the prior in each bin.
fn prior() -> &'static [(f64, f64); BINS] {
    static PRIOR: OnceLock<[(f64, f64); BINS]> = OnceLock::new();
    PRIOR.get_or_init(|| {
        let density = |z: f64| (1.0 + z * z / PRIOR_FREEDOM).powf(-(PRIOR_FREEDOM + 1.0) / 2.0);
        let edge = |index: f64| (index / DENSITY).sinh() / 2.0;
        let mut bins = [(0.0, 0.0); BINS];
        for (at, bin) in bins.iter_mut().enumerate() {
            let index = at as f64 - HALF_BINS as f64;
            let (low, high) = (edge(index - 0.5), edge(index + 0.5));
            let steps = 16;
            for step in 0..steps {
                let z = low + (high - low) * (f64::from(step) + 0.5) / f64::from(steps);
                let mass = density(z) * (high - low) / f64::from(steps);
                bin.0 += mass;
                bin.1 += mass * z;
            }
        }
        let total: f64 = bins.iter().map(|bin| bin.0).sum();
        bins.map(|(weight, moment)| (weight / total * PRIOR_WEIGHT, moment / total * PRIOR_WEIGHT))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_add_up_to_one_and_errors_ascend() {
        let mut shape = ResidualShape::default();
        for error in [-2.0, 0.1, 0.3, 5.0, 1e9] {
            shape.learn(error);
        }
        let (mut total, mut last) = (0.0, f64::NEG_INFINITY);
        shape.for_each(|probability, error| {
            assert!(error >= last);
            last = error;
            total += probability;
        });
        assert!((total - 1.0).abs() < 1e-9);
    }

    #[test]
    fn before_anything_was_seen_the_tail_is_heavy() {
        let mut beyond_three = 0.0;
        ResidualShape::default().for_each(|probability, error| {
            if error > 3.0 {
                beyond_three += probability;
            }
        });
        assert!((0.02..0.06).contains(&beyond_three), "{beyond_three}");
    }
}
