//! Looks for a policy near another one that does better by some measure: bounded, seeded, and in the time that there is.

use super::random::Random;
use super::space::{Parameter, made_sound};
use crate::model::{Group, Tunables};

/// How a search goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Policies tried at random within the bounds before going on from the best of them.
    pub random: u32,
    /// Policies tried in all, at most.
    pub most: u32,
    /// From which the random numbers follow.
    pub seed: u64,
}

/// Share of a parameter's range that one step along it takes at first; halved until [`FINEST_STEP`].
const FIRST_STEP: f64 = 0.25;
const FINEST_STEP: f64 = 0.04;

/// The best policy found, with its score, starting from `start`: lower is better. Random ones first, then steps along one
/// parameter at a time. `may_go_on` is asked before each trial.
pub fn search(
    group: &Group,
    start: &Tunables,
    parameters: &[Parameter],
    effort: Effort,
    mut score: impl FnMut(&Tunables) -> f64,
    may_go_on: &mut dyn FnMut() -> bool,
) -> (Tunables, f64) {
    let mut best = (start.clone(), score(start));
    let mut tried = 1;
    let mut random = Random::new(effort.seed);
    let mut attempt = |candidate: Tunables, best: &mut (Tunables, f64)| {
        if candidate == best.0 {
            return Some(false);
        }
        if tried >= effort.most || !may_go_on() {
            return None;
        }
        tried += 1;
        let scored = score(&candidate);
        let is_better = scored < best.1;
        if is_better {
            *best = (candidate, scored);
        }
        Some(is_better)
    };
    for _ in 0..effort.random {
        let mut candidate = start.clone();
        for parameter in parameters {
            if random.uniform() < 0.5 {
                let at = parameter.least + (parameter.most - parameter.least) * random.uniform();
                parameter.set(&mut candidate, at);
            }
        }
        made_sound(&mut candidate, group);
        if attempt(candidate, &mut best).is_none() {
            return best;
        }
    }
    let mut step = FIRST_STEP;
    while step >= FINEST_STEP && !parameters.is_empty() {
        let mut improved = false;
        let first = random.below(parameters.len());
        for index in 0..parameters.len() {
            let parameter = &parameters[(first + index) % parameters.len()];
            for direction in [-1.0, 1.0] {
                let Some(value) = parameter.of(&best.0) else { continue };
                let mut candidate = best.0.clone();
                parameter.set(&mut candidate, value + direction * step * (parameter.most - parameter.least));
                made_sound(&mut candidate, group);
                match attempt(candidate, &mut best) {
                    Some(is_better) => improved |= is_better,
                    None => return best,
                }
            }
        }
        if !improved {
            step /= 2.0;
        }
    }
    best
}
