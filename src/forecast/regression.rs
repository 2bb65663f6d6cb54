//! Recursive least squares with exponential forgetting.

use serde::{Deserialize, Serialize};

use super::packed;

/// Largest diagonal of the inverse covariance before it is halved: what was not excited for long must not wind up.
const LARGEST_DIAGONAL: f64 = 100.0;

/// A linear model `w . f` that learns one observation at a time (Haykin, Adaptive Filter Theory, ch. 10).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecursiveLeastSquares {
    #[serde(with = "packed")]
    weights: Vec<f64>,
    /// Inverse of the weighted feature covariance, row by row.
    #[serde(with = "packed")]
    inverse: Vec<f64>,
}

impl RecursiveLeastSquares {
    /// A model of that many features that predicts zero. `spread` is the prior variance of a weight.
    pub fn new(features: usize, spread: f64) -> Self {
        let mut inverse = vec![0.0; features * features];
        for at in 0..features {
            inverse[at * features + at] = spread;
        }
        Self { weights: vec![0.0; features], inverse }
    }

    /// What the features predict.
    pub fn predict(&self, features: &[f64]) -> f64 {
        self.weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum()
    }

    /// Learns from one error `innovation` = observed - predicted; `memory` is the forgetting factor of one step.
    pub fn learn<const N: usize>(&mut self, features: &[f64; N], innovation: f64, memory: f64) {
        if self.weights.len() != N || self.inverse.len() != N * N {
            return;
        }
        // The inverse is symmetric, so rows may be added up instead of multiplied: element by element, all at once.
        let mut gain = [0.0; N];
        for (row, feature) in self.inverse.chunks_exact(N).zip(features) {
            for (gain, element) in gain.iter_mut().zip(row) {
                *gain += element * feature;
            }
        }
        let mut denominator = memory;
        for (gain, feature) in gain.iter().zip(features) {
            denominator += gain * feature;
        }
        let step = innovation / denominator;
        for (weight, gain) in self.weights.iter_mut().zip(&gain) {
            *weight += gain * step;
        }
        let (mut largest, grown, shrunk): (f64, f64, f64) = (0.0, 1.0 / memory, 1.0 / (denominator * memory));
        for (at, row) in self.inverse.chunks_exact_mut(N).enumerate() {
            let scaled = gain[at] * shrunk;
            for (element, gain) in row.iter_mut().zip(&gain) {
                *element = *element * grown - scaled * gain;
            }
            largest = largest.max(row[at]);
        }
        if largest > LARGEST_DIAGONAL {
            for element in &mut self.inverse {
                *element *= 0.5;
            }
        }
    }

    /// True if the parts fit `features`, as they do unless the state was damaged.
    pub fn is_sound(&self, features: usize) -> bool {
        self.weights.len() == features
            && self.inverse.len() == features * features
            && self.weights.iter().chain(&self.inverse).all(|number| number.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_law_is_found_from_its_own_data() {
        let mut model = RecursiveLeastSquares::new(3, 10.0);
        for step in 0..2000_u32 {
            let (a, b) = ((f64::from(step) * 0.37).sin(), (f64::from(step) * 0.11).cos());
            let features = [1.0, a, b];
            let target = 0.5 - 2.0 * a + 0.25 * b;
            let innovation = target - model.predict(&features);
            model.learn(&features, innovation, 1.0 - 1.0 / 4000.0);
        }
        for (features, expected) in [([1.0, 0.0, 0.0], 0.5), ([0.0, 1.0, 0.0], -2.0), ([0.0, 0.0, 1.0], 0.25)] {
            assert!((model.predict(&features) - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn features_that_are_never_seen_do_not_wind_up() {
        let mut model = RecursiveLeastSquares::new(2, 10.0);
        for _ in 0..100_000 {
            model.learn(&[1.0, 0.0], 0.0, 1.0 - 1.0 / 4000.0);
        }
        assert!(model.is_sound(2));
        assert!(model.inverse.iter().all(|element| element.abs() <= 2.0 * LARGEST_DIAGONAL));
    }
}
