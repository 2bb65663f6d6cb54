//! The shape of standardised errors: a decayed histogram over a heavy-tailed prior.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::packed;
use super::quick::Quick;

const HALF_BINS: usize = 22;
/// Bins for each unit of asinh(2 error).
const DENSITY: f64 = 5.0;
/// Bins of the histogram; the middle one holds zero.
pub const BINS: usize = 2 * HALF_BINS + 1;
/// A number for each bin.
pub type Bins = [f64; BINS];
/// Share of an error's weight that a minute leaves: after a day it counts half.
const DECAY: f64 = 0.999_518_763_622_666_2;
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
        for (weight, moment) in self.weight.iter_mut().zip(&mut self.moment) {
            *weight *= DECAY;
            *moment *= DECAY;
        }
        let at = bin_of(error);
        self.weight[at] += 1.0;
        self.moment[at] += error.clamp(-1e3, 1e3);
    }

    /// Fills in the probability and the mean error of every bin, in ascending order of the error.
    #[inline]
    pub fn outcomes(&self, probabilities: &mut Bins, errors: &mut Bins) {
        let (Some(seen), Some(moments)) = (self.weight.first_chunk::<BINS>(), self.moment.first_chunk::<BINS>()) else {
            return;
        };
        let prior = prior();
        let share = 1.0 / (seen.iter().sum::<f64>() + PRIOR_WEIGHT);
        for at in 0..BINS {
            let weight = seen[at] + prior.weight[at];
            errors[at] = (moments[at] + prior.moment[at]) / weight;
            probabilities[at] = weight * share;
        }
    }

    /// True if the parts have their sizes, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.weight.len() == BINS && self.moment.len() == BINS
    }
}

fn bin_of(error: f64) -> usize {
    let size = (2.0 * error.abs()).min(1e9);
    let at = (DENSITY * Quick::tables().ln(size + (size * size + 1.0).sqrt()) + 0.5).min(HALF_BINS as f64) as usize;
    if error < 0.0 { HALF_BINS - at } else { HALF_BINS + at }
}

/// Weight and moment of the prior in each bin.
struct Prior {
    weight: Bins,
    moment: Bins,
}

fn prior() -> &'static Prior {
    static PRIOR: OnceLock<Prior> = OnceLock::new();
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
        Prior {
            weight: bins.map(|(weight, _)| weight / total * PRIOR_WEIGHT),
            moment: bins.map(|(_, moment)| moment / total * PRIOR_WEIGHT),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(shape: &ResidualShape) -> (Bins, Bins) {
        let (mut probabilities, mut errors) = ([0.0; BINS], [0.0; BINS]);
        shape.outcomes(&mut probabilities, &mut errors);
        (probabilities, errors)
    }

    #[test]
    fn probabilities_add_up_to_one_and_errors_ascend() {
        let mut shape = ResidualShape::default();
        for error in [-2.0, 0.1, 0.3, 5.0, 1e9] {
            shape.learn(error);
        }
        let (probabilities, errors) = outcomes(&shape);
        assert!(errors.is_sorted());
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn before_anything_was_seen_the_tail_is_heavy() {
        let (probabilities, errors) = outcomes(&ResidualShape::default());
        let beyond_three: f64 =
            probabilities.iter().zip(errors).filter(|(_, error)| *error > 3.0).map(|(p, _)| p).sum();
        assert!((0.02..0.06).contains(&beyond_three), "{beyond_three}");
    }
}
