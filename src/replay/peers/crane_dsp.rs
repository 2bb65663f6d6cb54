use std::collections::VecDeque;

use super::{Hpa, spectrum};
use crate::replay::driver::{Player, View};

const HOUR: usize = 60;
const DAY: usize = 24 * HOUR;
const WEEK: usize = 7 * DAY;
/// Minutes of history that a forecast looks at.
const MOST_HISTORY: usize = 15 * DAY;
/// Minutes of history that a forecast needs.
const LEAST_HISTORY: usize = 2 * DAY;
/// Minutes ahead whose highest forecast counts.
const PREDICTION_WINDOW: usize = HOUR;
/// Shares by which a forecast is raised; each is tried.
const MARGINS: [f64; 4] = [0.01, 0.10, 0.15, 0.20];
/// Amplitudes from which on a fast wave is kept; each is tried.
const LEAST_AMPLITUDES: [f64; 2] = [1.0, 0.05];
/// Least forecast.
const LEAST_FORECAST: f64 = 0.01;

/// Crane's effective horizontal pod autoscaler: the horizontal pod autoscaler, and as one more metric the highest
/// forecast of the coming hour.
///
/// The forecast is the last period of the history, a day or a week and nothing else, with waves under an hour taken out
/// unless they are strong, raised by a margin. Which strength and which margin is chosen by the last period, where too
/// little weighs more than too much. The metric is busy instances in per cent of one; it is refitted once a day. Crane
/// finds the period among random shuffles; here the level that noise of the same variance reaches in one of a hundred
/// spectra is worked out instead.
#[derive(Clone, Debug)]
pub struct CraneDsp {
    target: f64,
    hpa: Hpa,
    history: VecDeque<f64>,
    seen: usize,
    /// The forecast period and the number of its first minute.
    forecast: Option<(usize, Vec<f64>)>,
}

impl CraneDsp {
    /// Holds `target` per cent.
    pub fn new(target: f64) -> Self {
        Self { target, hpa: Hpa::new(target), history: VecDeque::new(), seen: 0, forecast: None }
    }

    fn take_in(&mut self, busy_percent: f64) {
        if self.history.len() == MOST_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(busy_percent);
        self.seen += 1;
        if self.seen.is_multiple_of(DAY) && self.history.len() >= LEAST_HISTORY {
            let history: Vec<f64> = self.history.iter().copied().collect();
            self.forecast = fit(&history).map(|forecast| (self.seen, forecast));
        }
    }

    /// The highest forecast of the hour after the newest minute and what is still hidden.
    fn highest_ahead(&self, hidden: usize) -> Option<f64> {
        let (start, forecast) = self.forecast.as_ref()?;
        let from = self.seen + hidden - start;
        (from..from + PREDICTION_WINDOW).map(|minute| forecast[minute % forecast.len()]).reduce(f64::max)
    }
}

impl Player for CraneDsp {
    fn decide(&mut self, view: &View) -> u32 {
        let Some((minute, metrics)) = view.newest else { return view.capacity.total() };
        self.take_in(f64::from(metrics.serving) * metrics.utilisation);
        let reactive = self.hpa.decide(view);
        let hidden = usize::try_from(view.now - minute).unwrap_or(0);
        let ahead = self
            .highest_ahead(hidden)
            .map_or(0, |percent| (percent / self.target - super::ROUNDING).ceil().max(0.0) as u32);
        reactive.max(ahead)
    }
}

/// The forecast of the next period, or `None` where the history has no daily or weekly one.
fn fit(history: &[f64]) -> Option<Vec<f64>> {
    let history = without_outliers(&history[history.len() % HOUR..]);
    let period = period(&history)?;
    if history.len() < 2 * period {
        return None;
    }
    let (known, held_out) = history.split_at(history.len() - period);
    let mut best: Option<(f64, f64, f64)> = None;
    for least in LEAST_AMPLITUDES {
        let smooth = last_period(known, period, least);
        for margin in MARGINS {
            let error = asymmetric_error(held_out, &smooth, margin);
            if best.is_none_or(|(lowest, ..)| error < lowest) {
                best = Some((error, least, margin));
            }
        }
    }
    let (_, least, margin) = best?;
    Some(last_period(&history, period, least).iter().map(|value| value * (1.0 + margin)).collect())
}

/// Values above the 99.9th or below the 0.1th percentile replaced by the value before.
fn without_outliers(history: &[f64]) -> Vec<f64> {
    let mut sorted = history.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(0.001), at(0.999));
    let mut before = at(0.5);
    history
        .iter()
        .map(|value| {
            if (low..=high).contains(value) {
                before = *value;
            }
            before
        })
        .collect()
}

/// A day or a week, whichever is a significant wave and repeats best.
fn period(history: &[f64]) -> Option<usize> {
    let significant = |period: &usize| history.len() >= 2 * period && is_significant(history, *period);
    [DAY, WEEK]
        .into_iter()
        .filter(significant)
        .map(|period| (period, autocorrelation(history, period)))
        .filter(|(period, repeats)| is_peak(history, *period, *repeats))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(period, _)| period)
}

/// Whether the wave of that period, or its second harmonic, is stronger than the strongest of a hundred spectra of noise
/// with the same variance but one: an exponential power a bin, so ln(bins) - ln(-ln 0.99) means.
fn is_significant(history: &[f64], period: usize) -> bool {
    let count = history.len() as f64;
    let mean = history.iter().sum::<f64>() / count;
    let variance = history.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let threshold = count * variance * ((count / 2.0).ln() - (-(0.99f64.ln())).ln());
    (1..=2).any(|harmonic| spectrum::power_at(history, mean, harmonic as f64 / period as f64) > threshold)
}

fn autocorrelation(history: &[f64], lag: usize) -> f64 {
    let count = history.len();
    let mean = history.iter().sum::<f64>() / count as f64;
    let variance: f64 = history.iter().map(|value| (value - mean).powi(2)).sum();
    let covariance: f64 = (lag..count).map(|index| (history[index] - mean) * (history[index - lag] - mean)).sum();
    if variance > 0.0 { covariance / variance * count as f64 / (count - lag) as f64 } else { 0.0 }
}

/// Whether the autocorrelation falls off to both sides, four hours at most away.
fn is_peak(history: &[f64], period: usize, repeats: f64) -> bool {
    let reach = (4 * HOUR).min(period / 2);
    let right = period + reach;
    repeats > autocorrelation(history, period - reach)
        && (right >= history.len() || repeats > autocorrelation(history, right))
}

/// The last period of the history without fast waves under that amplitude.
fn last_period(history: &[f64], period: usize, least_amplitude: f64) -> Vec<f64> {
    let smooth = spectrum::keep(history, |cycles_per_sample, amplitude| {
        amplitude >= least_amplitude || cycles_per_sample <= 1.0 / HOUR as f64
    });
    smooth[smooth.len() - period..].iter().map(|value| value.max(LEAST_FORECAST)).collect()
}

/// Mean relative error, a shortfall e counting -ln(1 - e) / ln(1.25); absolute error where the actual value is next to
/// nothing.
fn asymmetric_error(actual: &[f64], forecast: &[f64], margin: f64) -> f64 {
    let relative = actual.iter().all(|actual| *actual >= 1e-3);
    let error = |(actual, forecast): (&f64, &f64)| {
        let forecast = forecast * (1.0 + margin);
        if !relative {
            return (forecast - actual).abs();
        }
        let error = (forecast - actual) / actual;
        if error >= 0.0 { error } else { -(1.0 + error).max(1e-9).ln() / 1.25f64.ln() }
    };
    actual.iter().zip(forecast).map(error).sum::<f64>() / actual.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(days: usize) -> Vec<f64> {
        (0..days * DAY)
            .map(|minute| 500.0 + 300.0 * (minute as f64 / DAY as f64 * std::f64::consts::TAU).sin())
            .collect()
    }

    #[test]
    fn an_under_forecast_weighs_more() {
        assert!((asymmetric_error(&[1.0], &[0.9], 0.0) - 0.472).abs() < 1e-3);
        assert!((asymmetric_error(&[1.0], &[0.5], 0.0) - 3.106).abs() < 1e-3);
        assert!((asymmetric_error(&[1.0], &[1.1], 0.0) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_day_is_found_and_repeated_with_the_least_margin() {
        let history = daily(4);
        assert_eq!(period(&history), Some(DAY));
        let forecast = fit(&history).unwrap();
        assert_eq!(forecast.len(), DAY);
        for (forecast, actual) in forecast.iter().zip(&history) {
            assert!((forecast / actual - 1.01).abs() < 0.01, "{forecast} {actual}");
        }
    }

    #[test]
    fn other_periods_and_noise_give_no_forecast() {
        let five_hours: Vec<f64> =
            (0..4 * DAY).map(|minute| 5.0 + (minute as f64 / 300.0 * std::f64::consts::TAU).sin()).collect();
        assert_eq!(period(&five_hours), None);
        let noise: Vec<f64> = (0..4 * DAY as u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 8)).collect();
        assert_eq!(period(&noise), None);
    }

    #[test]
    fn it_asks_for_the_highest_of_the_coming_hour() {
        let mut peer = CraneDsp::new(50.0);
        daily(3).into_iter().for_each(|value| peer.take_in(value));
        let expected = 1.01 * (500.0 + 300.0 * (62.0 / DAY as f64 * std::f64::consts::TAU).sin());
        assert!((peer.highest_ahead(2).unwrap() / expected - 1.0).abs() < 0.01);
    }
}
