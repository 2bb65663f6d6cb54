//! Ways to forecast the next day, all in the log space `ln(value / mean + OFFSET)`, in which errors are alike by day and
//! by night.

use super::{DAY_MINUTES, PathModel};
use crate::forecast::regression::RecursiveLeastSquares;

/// Between additive errors and multiplicative ones.
const OFFSET: f64 = 1.0;
/// Seasons that a profile is averaged over.
const PROFILE_SEASONS: usize = 4;
/// How quickly a profile forgets today's distance from it, a step of an hour.
const LEVEL_MEMORY: f64 = 0.9;
/// Spans of the recent levels, in hours.
const SPANS_HOURS: [f64; 3] = [3.0, 24.0, 168.0];
/// Features of the regression.
pub(super) const FEATURES: usize = 9;

/// A series by steps, and how far ahead it is forecast.
pub(super) struct Frame {
    /// In the log space.
    values: Vec<f64>,
    mean: f64,
    /// Exponential means of the values up to each step, one row a span.
    levels: Vec<[f64; SPANS_HOURS.len()]>,
    /// Steps of a day, of a week where a week was seen, both 0 where nothing repeats.
    day: usize,
    week: usize,
    /// Steps of an hour.
    hour: usize,
    /// Steps ahead.
    pub(super) steps: usize,
}

impl Frame {
    /// `repeats` false: seasons are not looked at.
    pub(super) fn new(values: &[f64], step: usize, steps: usize, repeats: bool) -> Self {
        let mean = (values.iter().sum::<f64>() / values.len().max(1) as f64).max(f64::MIN_POSITIVE);
        let values: Vec<f64> = values.iter().map(|value| (value / mean + OFFSET).ln()).collect();
        let mut level = [values.first().copied().unwrap_or_default(); SPANS_HOURS.len()];
        let levels = values
            .iter()
            .enumerate()
            .map(|(at, value)| {
                for (level, span) in level.iter_mut().zip(SPANS_HOURS) {
                    let rate = 2.0 / (span * 60.0 / step as f64 + 1.0);
                    *level += rate.max(1.0 / (at as f64 + 1.0)) * (value - *level);
                }
                level
            })
            .collect();
        let steps_of = |minutes: usize| if repeats { minutes / step } else { 0 };
        Self {
            week: if values.len() > 7 * DAY_MINUTES / step { steps_of(7 * DAY_MINUTES) } else { 0 },
            day: steps_of(DAY_MINUTES),
            hour: (60 / step).max(1),
            values,
            mean,
            levels,
            steps,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value in the log space.
    pub(super) fn at(&self, step: usize) -> Option<f64> {
        self.values.get(step).copied()
    }

    /// The demand that a value of the log space stands for.
    pub(super) fn demand(&self, value: f64) -> f64 {
        (self.mean * (value.exp() - OFFSET)).max(0.0)
    }

    /// The models that can be tried: those that have seen what they go by.
    pub(super) fn models(&self) -> Vec<PathModel> {
        let mut models = vec![PathModel::Naive, PathModel::RecentLevel, PathModel::DayLevel, PathModel::WeekLevel];
        if self.day > 0 {
            models.extend([PathModel::SeasonalNaive, PathModel::Profile]);
        }
        if self.week > 0 {
            models.extend([PathModel::WeeklyNaive, PathModel::WeeklyProfile]);
        }
        models.push(PathModel::Regression);
        models
    }

    /// What a model forecasts for `ahead` steps after the next, when `known` values were known.
    pub(super) fn forecast(
        &self,
        known: usize,
        ahead: usize,
        model: PathModel,
        regression: &RecursiveLeastSquares,
    ) -> f64 {
        let last = self.values[known - 1];
        match model {
            PathModel::Naive | PathModel::Combination => last,
            PathModel::RecentLevel => self.levels[known - 1][0],
            PathModel::DayLevel => self.levels[known - 1][1],
            PathModel::WeekLevel => self.levels[known - 1][2],
            PathModel::SeasonalNaive => self.ago(known, ahead, self.day, 1).unwrap_or(last),
            PathModel::WeeklyNaive => self.ago(known, ahead, self.week, 1).unwrap_or(last),
            PathModel::Profile => self.levelled(known, ahead, self.day).unwrap_or(last),
            PathModel::WeeklyProfile => self.levelled(known, ahead, self.week).unwrap_or(last),
            PathModel::Regression => {
                let (base, features) = self.features(known, ahead);
                base + regression.predict(&features).clamp(-3.0, 3.0)
            }
        }
    }

    /// What the regression starts from, and what it goes by.
    pub(super) fn features(&self, known: usize, ahead: usize) -> (f64, [f64; FEATURES]) {
        let [recent, day, week] = self.levels[known - 1];
        let last = self.recent(known);
        if self.day == 0 {
            return (day, [1.0, last - day, recent - day, week - day, 0.0, 0.0, 0.0, 0.0, 0.0]);
        }
        let base = self.profile(known, ahead, self.day).unwrap_or(day);
        let usual = self.profile(known - self.hour.min(known - 1), 0, self.day).unwrap_or(last);
        let day_ago = self.ago(known, ahead, self.day, 1).unwrap_or(base);
        let week_ago = self.ago(known, ahead, self.week, 1).unwrap_or(day_ago);
        let weekly = self.profile(known, ahead, self.week).unwrap_or(base);
        let features = [
            1.0,
            last - usual,
            recent - day,
            day - week,
            base - day,
            day_ago - base,
            week_ago - base,
            weekly - base,
            last - base,
        ];
        (base, features)
    }

    /// Mean of the last hour.
    fn recent(&self, known: usize) -> f64 {
        let hour = self.hour.min(known);
        self.values[known - hour..known].iter().sum::<f64>() / hour as f64
    }

    /// A profile moved to today's level, from which it returns.
    fn levelled(&self, known: usize, ahead: usize, period: usize) -> Option<f64> {
        let profile = self.profile(known, ahead, period)?;
        let hour = self.hour.min(known - 1);
        let usual = (0..hour).map(|back| self.profile(known - hour, back, period)).sum::<Option<f64>>()? / hour as f64;
        let memory = LEVEL_MEMORY.powf((ahead as f64 + 1.0) / self.hour as f64);
        Some(profile + (self.recent(known) - usual) * memory)
    }

    /// The value `seasons` periods before the one that is `ahead` steps after the next.
    fn ago(&self, known: usize, ahead: usize, period: usize, seasons: usize) -> Option<f64> {
        // Beyond one season ahead, the last one seen stands for those to come.
        let ahead = ahead.checked_rem(period)?;
        let at = (known + ahead).checked_sub(seasons * period)?;
        self.values[..known].get(at).copied()
    }

    /// Mean of the last seasons.
    fn profile(&self, known: usize, ahead: usize, period: usize) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for value in (1..=PROFILE_SEASONS).map_while(|seasons| self.ago(known, ahead, period, seasons)) {
            sum += value;
            count += 1;
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}
