//! Whether a series repeats by the day or by the week, or honestly not at all.

use serde::{Deserialize, Serialize};

/// Least autocorrelation at which a period counts.
const LEAST_CORRELATION: f64 = 0.3;
/// A week counts only if it explains so much more than the day.
const WEEK_GAIN: f64 = 0.05;

/// How a series repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Season {
    /// Not at all, as far as can be seen.
    None,
    /// Every day.
    Day,
    /// Every week.
    Week,
}

/// Finds the season of an evenly spaced series of `day` values a day. A period must have been seen twice.
pub fn detect(values: &[f64], day: usize) -> Season {
    if day == 0 {
        return Season::None;
    }
    let daily = correlation(values, day).filter(|&correlation| correlation >= LEAST_CORRELATION);
    let weekly = correlation(values, 7 * day).filter(|&correlation| correlation >= LEAST_CORRELATION);
    match (daily, weekly) {
        (Some(daily), Some(weekly)) if weekly > daily + WEEK_GAIN => Season::Week,
        (Some(_), _) => Season::Day,
        (None, Some(_)) => Season::Week,
        (None, None) => Season::None,
    }
}

/// Autocorrelation at a lag, the linear trend taken out. `None` with less than two periods, or if nothing varies.
fn correlation(values: &[f64], lag: usize) -> Option<f64> {
    let count = values.len();
    if count < 2 * lag {
        return None;
    }
    let middle = (count as f64 - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count as f64;
    let (mut rise, mut run) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        rise += (at as f64 - middle) * (value - mean);
        run += (at as f64 - middle).powi(2);
    }
    let residual = |at: usize| values[at] - mean - rise / run * (at as f64 - middle);
    let (mut shared, mut early, mut late) = (0.0, 0.0, 0.0);
    for at in lag..count {
        let (now, before) = (residual(at), residual(at - lag));
        shared += now * before;
        early += before * before;
        late += now * now;
    }
    let scale = (early * late).sqrt();
    (scale > 1e-12 * mean.abs().max(1e-12)).then(|| shared / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(hours: usize, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..hours).map(value).collect()
    }

    fn noise(at: usize) -> f64 {
        let mixed = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32;
        (mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f64 / f64::from(1 << 24) - 0.5
    }

    #[test]
    fn a_daily_wave_is_a_day() {
        let wave = |hour: usize| (hour as f64 / 24.0 * std::f64::consts::TAU).sin() + 0.3 * noise(hour);
        assert_eq!(detect(&hourly(24 * 14, wave), 24), Season::Day);
    }

    #[test]
    fn quiet_weekends_are_a_week() {
        let load = |hour: usize| if hour / 24 % 7 < 5 { 10.0 + (hour % 24) as f64 / 24.0 } else { 1.0 };
        assert_eq!(detect(&hourly(24 * 21, load), 24), Season::Week);
    }

    #[test]
    fn noise_and_a_trend_are_none() {
        assert_eq!(detect(&hourly(24 * 14, noise), 24), Season::None);
        assert_eq!(detect(&hourly(24 * 14, |hour| hour as f64 + noise(hour)), 24), Season::None);
        assert_eq!(detect(&hourly(24 * 14, |_| 5.0), 24), Season::None);
    }

    #[test]
    fn less_than_two_days_are_none() {
        let wave = |hour: usize| (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        assert_eq!(detect(&hourly(40, wave), 24), Season::None);
    }
}
