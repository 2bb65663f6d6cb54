//! What forecasts are compared with: the naive ones with the quantiles of their own recent errors, and the models of the
//! `augurs` crates with the normal quantiles that they give.

use augurs_core::{Fit as _, Forecast, Predict as _};
use augurs_ets::AutoETS;
use augurs_mstl::MSTLModel;

use crate::contest::LEVELS;

/// Levels of the standard normal distribution at [`LEVELS`].
const NORMAL: [f64; LEVELS.len()] = [
    -1.281_552, -0.841_621, -0.524_401, -0.253_347, 0.0, 0.253_347, 0.524_401, 0.841_621, 1.281_552, 1.644_854,
    2.053_749, 2.326_348,
];
/// Two-sided level that a model is asked for; its bounds are the quantiles 0.1 and 0.9.
const TWO_SIDED: f64 = 0.8;

/// Quantiles at [`LEVELS`].
pub(crate) type Quantiles = [f64; LEVELS.len()];

/// A value and the quantiles of what its errors were.
pub(crate) fn with_errors(value: f64, mut errors: Vec<f64>) -> Quantiles {
    errors.sort_unstable_by(f64::total_cmp);
    LEVELS.map(|level| {
        let rank = ((errors.len() as f64 + 1.0) * level).ceil() as usize;
        let error = errors.get(rank.clamp(1, errors.len().max(1)) - 1).copied().unwrap_or_default();
        (value + error).max(0.0)
    })
}

/// Exponential smoothing, its form chosen by AICc; without a season, which the crate does not know.
pub(crate) fn ets(seen: &[f64], steps: usize) -> Option<Vec<Quantiles>> {
    let fitted = AutoETS::non_seasonal().fit(seen).ok()?;
    Some(normal(&fitted.predict(steps, TWO_SIDED).ok()?))
}

/// Seasonal-trend decomposition by LOESS, with exponential smoothing of what has no season.
pub(crate) fn mstl(seen: &[f64], periods: &[usize], steps: usize) -> Option<Vec<Quantiles>> {
    let periods: Vec<usize> = periods.iter().copied().filter(|period| seen.len() > 2 * period).collect();
    let model = MSTLModel::new(periods, AutoETS::non_seasonal().into_trend_model());
    let fitted = model.fit(seen).ok()?;
    Some(normal(&fitted.predict(steps, TWO_SIDED).ok()?))
}

fn normal(forecast: &Forecast) -> Vec<Quantiles> {
    let Some(intervals) = &forecast.intervals else { return Vec::new() };
    let half_widths = intervals.lower.iter().zip(&intervals.upper).map(|(lower, upper)| (upper - lower) / 2.0);
    let deviations = half_widths.map(|half_width| half_width / NORMAL[8]);
    forecast
        .point
        .iter()
        .zip(deviations)
        .map(|(point, deviation)| NORMAL.map(|normal| (point + normal * deviation).max(0.0)))
        .collect()
}
