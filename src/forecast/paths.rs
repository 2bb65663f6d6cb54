//! Forecasts for people: the next 24 hours in steps of 5, 15 or 60 minutes, with quantiles, and a word on which model is in
//! use and why.
//!
//! Models (`candidates`) are tried on the last days exactly as they are used, and combined for each part of the day ahead
//! by how little they erred lately (`trial`). A combination that does not beat the naive forecasts there is not used.
//! Quantiles come from the errors of the trial, calibrated by [`AdaptiveBound`](super::conformal::AdaptiveBound).

mod candidates;
mod trial;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::candidates::Frame;
use self::trial::Trials;
use super::clean::clean;
use super::season::{Season, detect};
use crate::model::Minute;

/// Minutes of a day.
const DAY_MINUTES: usize = 1440;
/// Days whose forecasts are judged.
const TRIAL_DAYS: usize = 14;

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
    /// The mean of the last hours stays.
    RecentLevel,
    /// The mean of the last day stays.
    DayLevel,
    /// The mean of the last week stays.
    WeekLevel,
    /// What was a day ago comes again.
    SeasonalNaive,
    /// What was a week ago comes again.
    WeeklyNaive,
    /// The mean of the last days, moved to today's level, from which it returns.
    Profile,
    /// The mean of the last weeks, moved likewise.
    WeeklyProfile,
    /// A linear function of recent levels and of what was a day and a week ago, learnt for each part of the day ahead.
    Regression,
    /// All of these, weighted by how little they erred lately.
    Combination,
}

impl PathModel {
    /// In words.
    fn name(self) -> &'static str {
        match self {
            Self::Naive => "the last value",
            Self::RecentLevel => "the level of the last hours",
            Self::DayLevel => "the level of the last day",
            Self::WeekLevel => "the level of the last week",
            Self::SeasonalNaive => "the day before",
            Self::WeeklyNaive => "the week before",
            Self::Profile => "the mean of the last days",
            Self::WeeklyProfile => "the mean of the last weeks",
            Self::Regression => "a regression on levels and seasons",
            Self::Combination => "all models combined",
        }
    }
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

/// Forecasts a demand of one value a minute, the newest of which describes `newest`. `None` if too little was seen to try a
/// forecast on: about a day and a half.
pub fn paths(series: &[Option<f64>], newest: Minute, request: &Request) -> Option<Paths> {
    let step = request.step_minutes.clamp(1, 60) as usize;
    let cleaned = clean(series, DAY_MINUTES);
    // Whole steps, counted back from the newest minute.
    let offset = cleaned.values.len() % step;
    let values: Vec<f64> =
        cleaned.values[offset..].chunks_exact(step).map(|minutes| minutes.iter().sum::<f64>() / step as f64).collect();
    let day = DAY_MINUTES / step;
    let season = detect(&values, day);
    let repeats = season != Season::None;
    let frame = Frame::new(&values, step, request.steps, repeats);
    let first = if repeats { day + 1 } else { day / 4 };
    let judged_from = values.len().saturating_sub(TRIAL_DAYS * day);
    if values.len() <= first {
        return None;
    }
    let trials = Trials::run(&frame, &request.levels, first, judged_from, (60 / step).max(1));
    let (model, scores) = trials.best()?;
    Some(Paths {
        start_minute: (newest + 1).0,
        step_minutes: step as u32,
        levels: request.levels.clone(),
        quantiles: trials.quantiles(model),
        model,
        why: explain(season, model, &trials),
        scaled_error: scores.scaled_error(),
        weighted_quantile_loss: scores.weighted_quantile_loss(),
        coverage: scores.coverage(),
        repaired: [cleaned.filled, cleaned.outliers, cleaned.dropped],
    })
}

fn explain(season: Season, model: PathModel, trials: &Trials<'_>) -> String {
    let repeats = match season {
        Season::None => "no daily or weekly repetition can be seen",
        Season::Day => "the load repeats by the day",
        Season::Week => "the load repeats by the week",
    };
    let loss = |model| trials.scores_of(model).and_then(super::score::Scores::weighted_quantile_loss);
    let count = trials.scores_of(model).map_or(0, super::score::Scores::count);
    if model != PathModel::Combination {
        let name = model.name();
        return format!(
            "{repeats}; nothing beat the naive forecast ({name} again) on {count} trial values, so it is used"
        );
    }
    let naive = [PathModel::Naive, PathModel::SeasonalNaive].into_iter().filter_map(loss).fold(f64::INFINITY, f64::min);
    let share = loss(model).unwrap_or_default() / naive * 100.0;
    let weighted: Vec<String> = (trials.shares().iter().take(3))
        .map(|(model, share)| format!("{} {:.0} %", model.name(), share * 100.0))
        .collect();
    format!(
        "{repeats}; all models combined ({}) lost {share:.0} % of what the better naive forecast lost on {count} trial values",
        weighted.join(", ")
    )
}

#[cfg(test)]
mod tests;
