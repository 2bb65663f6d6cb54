//! Forecasts of days that are over, made without knowing them, exactly as the next day is forecast.

use std::collections::VecDeque;

use super::PathModel;
use super::candidates::{FEATURES, Frame};
use crate::forecast::conformal::AdaptiveBound;
use crate::forecast::regression::RecursiveLeastSquares;
use crate::forecast::score::Scores;

/// Where the parts of the horizon end, in 24ths of it. Errors are shared within a part.
const PART_ENDS: [usize; PARTS] = [1, 2, 4, 8, 12, 16, 20, 24];
pub(super) const PARTS: usize = 8;
/// Least number of judged forecasts of a part.
const LEAST_TRIALS: u64 = 8;
/// Trials after which an error counts half in the weights: a week of hours.
const HALF_LIFE: f64 = 336.0;
/// How sharply weights prefer what erred less.
const SHARPNESS: i32 = 6;
/// Memory of the regression, in trials: two weeks of hours.
const MEMORY: f64 = 1.0 - 1.0 / 336.0;
/// Judged forecasts of a part before its weights mean anything; what was forecast before is not counted.
const LEARNT: f64 = 12.0;
/// Prior variance of a weight of the regression.
const SPREAD: f64 = 0.3;

/// What is tried of one part of the horizon.
struct Part {
    regression: RecursiveLeastSquares,
    /// Fading mean absolute error of each model.
    errors: Vec<f64>,
    judged: f64,
    pending: VecDeque<Pending>,
    /// Of the combination, the naive and the seasonal naive forecast.
    bounds: Vec<Vec<AdaptiveBound>>,
}

struct Pending {
    target: usize,
    base: f64,
    features: [f64; FEATURES],
    forecasts: Vec<f64>,
    /// Of what may be used; empty before the weights mean anything.
    finals: Vec<f64>,
    /// In the log space; `None` before there were errors to take them from.
    quantiles: Vec<Option<Vec<f64>>>,
}

/// What came of the trials.
pub(super) struct Trials<'a> {
    frame: &'a Frame,
    levels: &'a [f64],
    models: Vec<PathModel>,
    /// What may be used: the combination first.
    finals: Vec<PathModel>,
    parts: Vec<Part>,
    pub(super) scores: Vec<Scores>,
}

impl<'a> Trials<'a> {
    /// Tries all models from every hour since `first`; scores count from `judged_from`.
    pub(super) fn run(frame: &'a Frame, levels: &'a [f64], first: usize, judged_from: usize, stride: usize) -> Self {
        let models = frame.models();
        let mut finals = vec![PathModel::Combination, PathModel::Naive];
        finals.extend(models.iter().copied().filter(|model| *model == PathModel::SeasonalNaive));
        let fresh = || levels.iter().map(|&level| AdaptiveBound::new(level)).collect::<Vec<_>>();
        let part = |_| Part {
            regression: RecursiveLeastSquares::new(FEATURES, SPREAD),
            errors: vec![0.0; models.len()],
            judged: 0.0,
            pending: VecDeque::new(),
            bounds: finals.iter().map(|_| fresh()).collect(),
        };
        let mut trials = Self {
            frame,
            levels,
            parts: (0..PARTS).map(part).collect(),
            scores: finals.iter().map(|_| Scores::new(levels)).collect(),
            models,
            finals,
        };
        for origin in (first..=frame.len()).step_by(stride) {
            for part in 0..PARTS {
                trials.judge(part, origin, judged_from);
                if origin < frame.len() {
                    trials.attempt(part, origin, origin / stride);
                }
            }
        }
        trials
    }

    /// Steps ahead that belong to a part.
    fn steps(&self, part: usize) -> std::ops::Range<usize> {
        let end = |part: usize| PART_ENDS[part] * self.frame.steps / PART_ENDS[PARTS - 1];
        let start = if part == 0 { 0 } else { end(part - 1) };
        start..end(part).max(start + 1)
    }

    fn part_of(&self, ahead: usize) -> usize {
        (0..PARTS).find(|&part| self.steps(part).contains(&ahead)).unwrap_or(PARTS - 1)
    }

    /// Learns from what has become known before `origin`.
    fn judge(&mut self, part: usize, origin: usize, judged_from: usize) {
        let Part { regression, errors, judged, pending, bounds } = &mut self.parts[part];
        let fading = 0.5_f64.powf(1.0 / HALF_LIFE);
        while pending.front().is_some_and(|made| made.target < origin)
            && let Some(made) = pending.pop_front()
        {
            let Some(actual) = self.frame.at(made.target) else { continue };
            let predicted = made.base + regression.predict(&made.features);
            regression.learn(&made.features, (actual - predicted).clamp(-1.0, 1.0), MEMORY);
            *judged = fading * *judged + 1.0;
            for (error, forecast) in errors.iter_mut().zip(&made.forecasts) {
                *error = fading * *error + (actual - forecast).abs();
            }
            for (at, bounds) in bounds.iter_mut().enumerate().take(made.finals.len()) {
                if let Some(quantiles) = &made.quantiles[at]
                    && made.target >= judged_from
                {
                    let quantiles: Vec<f64> = quantiles.iter().map(|value| self.frame.demand(*value)).collect();
                    let naive = self.frame.demand(made.finals[made.finals.len() - 1]);
                    let median = self.frame.demand(made.finals[at]);
                    self.scores[at].push(&quantiles, median, naive, self.frame.demand(actual));
                }
                for bound in bounds {
                    bound.learn(actual - made.finals[at]);
                }
            }
        }
    }

    /// Forecasts one step of the part as if nothing after `origin` were known; which one, moves on.
    fn attempt(&mut self, part: usize, origin: usize, turn: usize) {
        let steps = self.steps(part);
        let ahead = steps.start + turn % steps.len();
        let (base, features) = self.frame.features(origin, ahead);
        let forecasts = self.forecasts(part, origin, ahead);
        let usable = if self.parts[part].judged < LEARNT { &[] } else { self.finals.as_slice() };
        let finals: Vec<f64> = usable.iter().map(|&model| self.combined(part, model, &forecasts)).collect();
        let quantiles = finals
            .iter()
            .zip(&self.parts[part].bounds)
            .map(|(value, bounds)| bounds.iter().map(|bound| Some(value + bound.bound()?)).collect())
            .collect();
        self.parts[part].pending.push_back(Pending {
            target: origin + ahead,
            base,
            features,
            forecasts,
            finals,
            quantiles,
        });
    }

    fn forecasts(&self, part: usize, known: usize, ahead: usize) -> Vec<f64> {
        let regression = &self.parts[part].regression;
        self.models.iter().map(|&model| self.frame.forecast(known, ahead, model, regression)).collect()
    }

    /// A model's own forecast, or that of all weighted by how little they erred lately.
    fn combined(&self, part: usize, model: PathModel, forecasts: &[f64]) -> f64 {
        if let Some(at) = self.models.iter().position(|known| *known == model) {
            return forecasts[at];
        }
        let weights = self.weights(part);
        forecasts.iter().zip(&weights).map(|(forecast, weight)| forecast * weight).sum()
    }

    fn weights(&self, part: usize) -> Vec<f64> {
        let Part { errors, judged, .. } = &self.parts[part];
        let least = errors.iter().copied().fold(f64::INFINITY, f64::min).max(1e-9 * judged.max(1.0));
        let raw: Vec<f64> = errors.iter().map(|error| (least / error.max(least)).powi(SHARPNESS)).collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|weight| weight / total).collect()
    }

    /// Which of what may be used lost least; `None` before enough was judged.
    pub(super) fn best(&self) -> Option<(PathModel, &Scores)> {
        let judged = self
            .finals
            .iter()
            .copied()
            .zip(&self.scores)
            .filter(|(_, scores)| scores.count() >= LEAST_TRIALS * PARTS as u64);
        let loss = |scores: &Scores| scores.weighted_quantile_loss().unwrap_or(0.0);
        // Of equals the plainer one: the naive ones come last.
        judged.rev().min_by(|(_, a), (_, b)| loss(a).total_cmp(&loss(b)))
    }

    /// Scores of one of what may be used.
    pub(super) fn scores_of(&self, model: PathModel) -> Option<&Scores> {
        self.finals.iter().zip(&self.scores).find(|(known, _)| **known == model).map(|(_, scores)| scores)
    }

    /// Mean weights of the combination over the parts, largest first.
    pub(super) fn shares(&self) -> Vec<(PathModel, f64)> {
        let mut shares: Vec<(PathModel, f64)> = self.models.iter().map(|&model| (model, 0.0)).collect();
        for part in 0..PARTS {
            for (share, weight) in shares.iter_mut().zip(self.weights(part)) {
                share.1 += weight / PARTS as f64;
            }
        }
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        shares
    }

    /// The next steps, one row a step, one quantile a level, in the unit of the series.
    pub(super) fn quantiles(&self, model: PathModel) -> Vec<Vec<f64>> {
        let index = self.finals.iter().position(|known| *known == model).unwrap_or_default();
        let row = |ahead| {
            let part = self.part_of(ahead);
            let value = self.combined(part, model, &self.forecasts(part, self.frame.len(), ahead));
            let bounds = self.parts[part].bounds[index].iter();
            let mut row: Vec<f64> =
                bounds.map(|bound| self.frame.demand(value + bound.bound().unwrap_or_default())).collect();
            // Separately calibrated levels may cross; in order they don't.
            row.sort_unstable_by(f64::total_cmp);
            row
        };
        debug_assert_eq!(self.levels.len(), self.parts[0].bounds[index].len());
        (0..self.frame.steps).map(row).collect()
    }
}
