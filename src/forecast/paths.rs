//! Forecasts for people: the next 24 hours in steps of 5, 15 or 60 minutes, with quantiles, and a word on which model is in
//! use and why.
//!
//! Candidates are judged on the last days exactly as they are used. One that does not beat the naive forecast there is not
//! used. Quantiles come from the errors of that trial, calibrated by [`AdaptiveBound`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use super::conformal::AdaptiveBound;
use super::score::Scores;
use super::season::{Season, detect};
use crate::model::Minute;

/// Minutes of a day.
const DAY_MINUTES: usize = 1440;
/// Days of the trial.
const TRIAL_DAYS: usize = 7;
/// Trials a day.
const TRIALS_A_DAY: usize = 24;
/// Least number of trials for a forecast at all.
const LEAST_TRIALS: usize = 8;
/// Seasons that a profile is averaged over.
const PROFILE_SEASONS: usize = 4;
/// How quickly a profile forgets today's distance from it, a step of an hour.
const LEVEL_MEMORY: f64 = 0.9;
/// Errors are shared by horizons of the same part of the day ahead.
const PARTS: usize = 8;

/// What is to be forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Minutes of a step: 5, 15 or 60. Other divisors of a day work as well.
    pub step_minutes: u32,
    /// Steps ahead.
    pub steps: usize,
    /// Quantile levels, ascending.
    pub levels: Vec<f64>,
}

impl Request {
    /// The next 24 hours at 0.1, 0.5, 0.9 and 0.98.
    pub fn day_ahead(step_minutes: u32) -> Self {
        let step_minutes = step_minutes.clamp(1, 60);
        Self { step_minutes, steps: DAY_MINUTES / step_minutes as usize, levels: vec![0.1, 0.5, 0.9, 0.98] }
    }
}

/// How the next day is forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathModel {
    /// The last value stays.
    Naive,
    /// What was a season ago comes again.
    SeasonalNaive,
    /// The mean of the last seasons, moved to today's level, from which it returns.
    Profile,
}

/// A forecast of demand in the unit of the series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Paths {
    /// First minute of the first step, counted from the Unix epoch.
    pub start_minute: i64,
    /// Minutes of a step.
    pub step_minutes: u32,
    /// Quantile levels, ascending.
    pub levels: Vec<f64>,
    /// One row a step, one value a level: the mean demand of the step, not below zero.
    pub quantiles: Vec<Vec<f64>>,
    /// Which model is in use.
    pub model: PathModel,
    /// Why, in words.
    pub why: String,
    /// Mean absolute error over that of the seasonal naive forecast (of the naive one where there is no season), in trial.
    pub scaled_error: Option<f64>,
    /// Weighted quantile loss in trial.
    pub weighted_quantile_loss: Option<f64>,
    /// Share of trial values at or below the quantile of each level.
    pub coverage: Vec<f64>,
    /// Missing values that were filled in, outliers pulled in, values dropped before a gap or a level shift, in minutes.
    pub repaired: [usize; 3],
}

/// Forecasts a demand of one value a minute, the newest of which describes `newest`. `None` if too little was seen: less
/// than half a day, or less than twice the horizon without a season.
pub fn paths(series: &[Option<f64>], newest: Minute, request: &Request) -> Option<Paths> {
    let step = request.step_minutes.max(1) as usize;
    let cleaned = clean(series, DAY_MINUTES);
    // Whole steps, counted back from the newest minute.
    let offset = cleaned.values.len() % step;
    let values: Vec<f64> =
        cleaned.values[offset..].chunks_exact(step).map(|minutes| minutes.iter().sum::<f64>() / step as f64).collect();
    let day = DAY_MINUTES / step;
    let season = detect(&values, day);
    let period = match season {
        Season::None => 0,
        Season::Day => day,
        Season::Week => 7 * day,
    };
    let mut candidates = vec![PathModel::Naive];
    if period > 0 {
        candidates.extend([PathModel::SeasonalNaive, PathModel::Profile]);
    }
    let frame = Frame { values: &values, period, step, steps: request.steps };
    let trials: Vec<Trial> =
        candidates.iter().filter_map(|&model| Trial::run(&frame, model, &request.levels, day)).collect();
    let naive = trials
        .iter()
        .find(|trial| trial.model == if period > 0 { PathModel::SeasonalNaive } else { PathModel::Naive })?;
    let best = trials.iter().min_by(|a, b| a.error.total_cmp(&b.error))?;
    let why = explain(season, naive, best);
    let path = frame.path(values.len(), best.model);
    let quantiles = path
        .iter()
        .enumerate()
        .map(|(ahead, value)| {
            let bounds = &best.bounds[frame.part(ahead)];
            let mut row: Vec<f64> =
                bounds.iter().map(|bound| (value + bound.bound().unwrap_or(0.0)).max(0.0)).collect();
            // Separately calibrated levels may cross; in order they don't.
            row.sort_unstable_by(f64::total_cmp);
            row
        })
        .collect();
    Some(Paths {
        start_minute: (newest + 1).0,
        step_minutes: step as u32,
        levels: request.levels.clone(),
        quantiles,
        model: best.model,
        why,
        scaled_error: (naive.error > 0.0).then(|| best.error / naive.error),
        weighted_quantile_loss: best.scores.weighted_quantile_loss(),
        coverage: best.scores.coverage(),
        repaired: [cleaned.filled, cleaned.outliers, cleaned.dropped],
    })
}

fn explain(season: Season, naive: &Trial, best: &Trial) -> String {
    let repeats = match season {
        Season::None => "no daily or weekly repetition can be seen",
        Season::Day => "the load repeats by the day",
        Season::Week => "the load repeats by the week",
    };
    let trials = best.scores.count();
    if best.model == naive.model {
        format!("{repeats}; nothing beat the naive forecast on {trials} trial values, so it is used")
    } else {
        let share = best.error / naive.error * 100.0;
        format!("{repeats}; its mean error on {trials} trial values was {share:.0} % of the naive forecast's")
    }
}

/// A series by steps, and how far ahead it is forecast.
struct Frame<'a> {
    values: &'a [f64],
    /// Steps of a season; 0 without one.
    period: usize,
    step: usize,
    steps: usize,
}

impl Frame<'_> {
    /// The forecast made when `known` values were known.
    fn path(&self, known: usize, model: PathModel) -> Vec<f64> {
        let seen = &self.values[..known];
        let last = seen.last().copied().unwrap_or_default();
        match model {
            PathModel::Naive => vec![last; self.steps],
            PathModel::SeasonalNaive => (0..self.steps).map(|ahead| self.ago(seen, ahead, 1).unwrap_or(last)).collect(),
            PathModel::Profile => {
                let hour = (60 / self.step).max(1);
                let recent = hour.min(known);
                let usual: f64 =
                    (0..recent).map(|back| self.profile(&seen[..known - 1 - back], 0).unwrap_or(last)).sum::<f64>();
                let now: f64 = seen[known - recent..].iter().sum();
                let distance = (now - usual) / recent.max(1) as f64;
                let memory = LEVEL_MEMORY.powf(self.step as f64 / 60.0);
                (0..self.steps)
                    .map(|ahead| {
                        let back = memory.powi(ahead as i32 + 1);
                        self.profile(seen, ahead).map_or(last, |profile| profile + distance * back).max(0.0)
                    })
                    .collect()
            }
        }
    }

    /// The value `seasons` seasons before the one that is `ahead` steps after the next.
    fn ago(&self, seen: &[f64], ahead: usize, seasons: usize) -> Option<f64> {
        // Beyond one season ahead, the last one seen stands for those to come.
        let ahead = ahead % self.period;
        (seen.len() + ahead).checked_sub(seasons * self.period).and_then(|at| seen.get(at).copied())
    }

    /// Mean of the last seasons.
    fn profile(&self, seen: &[f64], ahead: usize) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for value in (1..=PROFILE_SEASONS).map_while(|seasons| self.ago(seen, ahead, seasons)) {
            sum += value;
            count += 1;
        }
        (count > 0).then(|| sum / f64::from(count))
    }

    fn part(&self, ahead: usize) -> usize {
        ahead * PARTS / self.steps.max(1)
    }
}

/// A model's forecasts of days that are over, made without knowing them.
struct Trial {
    model: PathModel,
    error: f64,
    scores: Scores,
    /// By part of the horizon, then by level.
    bounds: Vec<Vec<AdaptiveBound>>,
}

impl Trial {
    fn run(frame: &Frame<'_>, model: PathModel, levels: &[f64], day: usize) -> Option<Self> {
        let count = frame.values.len();
        // All models are tried on the same days: those before which a season has been seen.
        let least = (day / 2).max(frame.period + 1);
        let stride = (day / TRIALS_A_DAY).max(1);
        let first = count.saturating_sub(TRIAL_DAYS * day).max(least);
        let origins: Vec<usize> = (first..count).step_by(stride).collect();
        if origins.len() < LEAST_TRIALS {
            return None;
        }
        let fresh = || levels.iter().map(|&level| AdaptiveBound::new(level)).collect::<Vec<_>>();
        let mut bounds: Vec<Vec<AdaptiveBound>> = (0..PARTS).map(|_| fresh()).collect();
        let mut scores = Scores::new(levels);
        let (mut error, mut judged) = (0.0, 0.0);
        for origin in origins {
            let path = frame.path(origin, model);
            // One value a part keeps the errors of a part nearly independent; which one, moves on.
            for (part, bounds) in bounds.iter_mut().enumerate() {
                let width = (frame.steps / PARTS).max(1);
                let ahead = part * frame.steps / PARTS + origin / stride % width;
                let (Some(&actual), Some(&value)) = (frame.values.get(origin + ahead), path.get(ahead)) else {
                    continue;
                };
                if let Some(offsets) = bounds.iter().map(AdaptiveBound::bound).collect::<Option<Vec<f64>>>() {
                    let quantiles: Vec<f64> = offsets.iter().map(|offset| (value + offset).max(0.0)).collect();
                    scores.push(&quantiles, value, value, actual);
                }
                for bound in bounds.iter_mut() {
                    bound.learn(actual - value);
                }
                error += (actual - value).abs();
                judged += 1.0;
            }
        }
        (judged > 0.0).then(|| Self { model, error: error / judged, scores, bounds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(at: usize) -> f64 {
        let mut mixed = (at as u64).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn daily(minutes: usize, spread: f64) -> Vec<Option<f64>> {
        (0..minutes)
            .map(|minute| {
                let wave = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
                Some(100.0 + 50.0 * wave + spread * noise(minute / 60))
            })
            .collect()
    }

    #[test]
    fn a_daily_wave_is_foreseen_better_than_by_the_naive_forecast() {
        let forecast =
            paths(&daily(10 * 1440, 20.0), Minute(14_399), &Request::day_ahead(60)).expect("ten days are enough");
        assert_eq!(forecast.model, PathModel::Profile);
        assert_eq!((forecast.quantiles.len(), forecast.start_minute), (24, 14_400));
        let six = &forecast.quantiles[6];
        assert!((six[1] - 150.0).abs() < 12.0, "{six:?}");
        assert!(forecast.scaled_error.is_some_and(|error| error < 0.95), "{:?}", forecast.scaled_error);
    }

    #[test]
    fn quantiles_ascend_and_cover_what_they_promise() {
        for step in [5, 15, 60] {
            let forecast = paths(&daily(12 * 1440, 30.0), Minute(0), &Request::day_ahead(step)).expect("twelve days");
            for row in &forecast.quantiles {
                assert!(row.windows(2).all(|pair| pair[0] <= pair[1]) && row[0] >= 0.0);
            }
            for (level, share) in forecast.levels.iter().zip(&forecast.coverage) {
                assert!((level - share).abs() < 0.06, "{share} at {level}, step {step}");
            }
        }
    }

    #[test]
    fn where_nothing_repeats_the_naive_forecast_is_used_and_says_so() {
        let mut level = 100.0;
        let walk: Vec<Option<f64>> = (0..6 * 1440)
            .map(|minute| {
                level = (level + 3.0 * noise(minute)).max(1.0);
                Some(level)
            })
            .collect();
        let forecast = paths(&walk, Minute(0), &Request::day_ahead(15)).expect("six days");
        if forecast.model == PathModel::Naive {
            assert!(forecast.why.contains("naive"), "{}", forecast.why);
        } else {
            assert!(forecast.scaled_error.is_some_and(|error| error < 1.0));
        }
    }

    #[test]
    fn too_little_history_gives_none() {
        assert_eq!(paths(&daily(300, 0.0), Minute(0), &Request::day_ahead(60)), None);
        assert_eq!(paths(&[], Minute(0), &Request::day_ahead(60)), None);
        assert_eq!(paths(&[None; 5000], Minute(0), &Request::day_ahead(60)), None);
    }

    #[test]
    fn gaps_and_outliers_are_told() {
        let mut series = daily(8 * 1440, 10.0);
        series[5000..5030].fill(None);
        series[7000] = Some(1e6);
        let forecast = paths(&series, Minute(0), &Request::day_ahead(60)).expect("eight days");
        assert_eq!(forecast.repaired, [30, 1, 0]);
    }
}
