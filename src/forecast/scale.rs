//! How wide the next error will be: a learned mixture of variances.

use serde::{Deserialize, Serialize};

use super::packed;
use super::quick::Quick;

/// Number of variances in the mixture.
pub const COMPONENTS: usize = 8;
/// Spans of the exponential means of the squared error, in minutes.
const SPANS: [f64; 4] = [10.0, 60.0, 360.0, 1440.0];
const LEVELS: usize = 72;
const QUARTERS: usize = 96;
const MINUTES: usize = 60;
/// Learning rate of the mixture's weights.
const RATE: f64 = 0.15;
/// No component is forgotten for good.
const LEAST_WEIGHT: f64 = 0.01;

/// Where a forecast stands, as far as its width depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScaleContext {
    /// Demand bucket, see [`level_of`].
    pub level: u16,
    /// Minute of the day that is forecast, 0..1440.
    pub minute_of_day: u16,
    /// Variance that a steep ramp suggests.
    pub ramp: f64,
}

/// Bucket of a demand in instances.
pub fn level_of(demand: f64) -> u16 {
    ((4.0 / std::f64::consts::LN_2 * Quick::tables().ln(1.0 + demand.max(0.0))) as usize).min(LEVELS - 1) as u16
}

/// Eight running variances of a forecast's error and the weights by which they explain it.
///
/// Four forget at different speeds, one each belongs to the demand's level, to the quarter hour of the day, to the minute
/// of the hour, and to the steepness of the ramp. Weights follow the gradient of the Gaussian likelihood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleMixture {
    recent: [f64; 4],
    #[serde(with = "packed")]
    level: Vec<f64>,
    #[serde(with = "packed")]
    level_seen: Vec<u32>,
    #[serde(with = "packed")]
    quarter: Vec<f64>,
    #[serde(with = "packed")]
    quarter_seen: Vec<u32>,
    #[serde(with = "packed")]
    minute: Vec<f64>,
    #[serde(with = "packed")]
    minute_seen: Vec<u32>,
    weights: [f64; COMPONENTS],
    seen: u64,
}

impl ScaleMixture {
    /// A mixture that expects errors of variance `prior`.
    pub fn new(prior: f64) -> Self {
        Self {
            recent: [prior; 4],
            level: vec![prior; LEVELS],
            level_seen: vec![0; LEVELS],
            quarter: vec![prior; QUARTERS],
            quarter_seen: vec![0; QUARTERS],
            minute: vec![prior; MINUTES],
            minute_seen: vec![0; MINUTES],
            weights: [1.0 / COMPONENTS as f64; COMPONENTS],
            seen: 0,
        }
    }

    /// The eight variances at a place.
    pub fn components(&self, context: &ScaleContext) -> [f64; COMPONENTS] {
        let minute = usize::from(context.minute_of_day) % MINUTES;
        let around =
            [self.minute[(minute + MINUTES - 1) % MINUTES], self.minute[minute], self.minute[(minute + 1) % MINUTES]];
        let [a, b, c, d] = self.recent;
        [
            a,
            b,
            c,
            d,
            self.level_variance(usize::from(context.level)),
            self.quarter[usize::from(context.minute_of_day) / 15 % QUARTERS],
            around[0].max(around[1]).max(around[2]),
            context.ramp,
        ]
    }

    /// Variance of the mixture.
    pub fn variance(&self, components: &[f64; COMPONENTS]) -> f64 {
        self.weights.iter().zip(components).map(|(weight, variance)| weight * variance).sum::<f64>().max(1e-12)
    }

    /// Learns from one error. `components` and `variance` are those of the time when the forecast was made.
    pub fn learn(&mut self, context: &ScaleContext, components: &[f64; COMPONENTS], variance: f64, error: f64) {
        let squared = (error * error).min(25.0 * variance);
        let start_up = 1.0 / (self.seen as f64 + 5.0);
        for (recent, span) in self.recent.iter_mut().zip(SPANS) {
            *recent += (2.0_f64 / (span + 1.0)).max(start_up) * (squared - *recent);
        }
        learn_bucket(&mut self.level, &mut self.level_seen, usize::from(context.level), squared, 0.004);
        let quarter = usize::from(context.minute_of_day) / 15 % QUARTERS;
        learn_bucket(&mut self.quarter, &mut self.quarter_seen, quarter, squared, 0.02);
        let minute = usize::from(context.minute_of_day) % MINUTES;
        learn_bucket(&mut self.minute, &mut self.minute_seen, minute, squared, 0.04);

        let quick = Quick::tables();
        let gradient = (1.0 - (error * error / variance).min(9.0)) / 2.0;
        let mut total = 0.0;
        for (weight, component) in self.weights.iter_mut().zip(components) {
            let pull = (component / variance - 1.0).clamp(-3.0, 3.0);
            *weight = (*weight * quick.exp(-RATE * gradient * pull)).max(LEAST_WEIGHT);
            total += *weight;
        }
        for weight in &mut self.weights {
            *weight /= total;
        }
        self.seen += 1;
    }

    /// Multiplies every variance: the unit of the error has changed.
    pub fn rescale(&mut self, factor: f64) {
        let all = self.recent.iter_mut().chain(&mut self.level).chain(&mut self.quarter).chain(&mut self.minute);
        for variance in all {
            *variance *= factor;
        }
    }

    /// True if the parts have their sizes, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.level.len() == LEVELS
            && self.level_seen.len() == LEVELS
            && self.quarter.len() == QUARTERS
            && self.quarter_seen.len() == QUARTERS
            && self.minute.len() == MINUTES
            && self.minute_seen.len() == MINUTES
    }

    /// An unseen level takes the nearest seen one below.
    fn level_variance(&self, level: usize) -> f64 {
        let seen = (0..=level).rev().find(|&at| self.level_seen[at] > 0);
        self.level[seen.unwrap_or(level)]
    }
}

fn learn_bucket(variances: &mut [f64], seen: &mut [u32], at: usize, squared: f64, slowest: f64) {
    let rate = (1.0 / (f64::from(seen[at]) + 10.0)).max(slowest);
    variances[at] += rate * (squared - variances[at]);
    seen[at] = seen[at].saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(mixture: &mut ScaleMixture, context: ScaleContext, error: f64) {
        let components = mixture.components(&context);
        let variance = mixture.variance(&components);
        mixture.learn(&context, &components, variance, error);
    }

    #[test]
    fn a_noisy_minute_of_the_hour_is_learnt() {
        let mut mixture = ScaleMixture::new(0.01);
        for minute in 0..20_000_u32 {
            let context = ScaleContext { level: 10, minute_of_day: (minute % 1440) as u16, ramp: 0.0 };
            let sign = if minute % 2 == 0 { 1.0 } else { -1.0 };
            train(&mut mixture, context, if minute % 60 == 30 { sign } else { 0.01 * sign });
        }
        let at = |minute_of_day| {
            let context = ScaleContext { level: 10, minute_of_day, ramp: 0.0 };
            mixture.variance(&mixture.components(&context))
        };
        assert!(at(90) > 10.0 * at(75), "{} {}", at(90), at(75));
    }

    #[test]
    fn the_variance_of_steady_noise_is_found() {
        let mut mixture = ScaleMixture::new(1.0);
        for minute in 0..5_000_u32 {
            let context = ScaleContext { level: 5, minute_of_day: (minute % 1440) as u16, ramp: 0.0 };
            train(&mut mixture, context, if minute % 2 == 0 { 0.2 } else { -0.2 });
        }
        let context = ScaleContext { level: 5, minute_of_day: 0, ramp: 0.0 };
        let variance = mixture.variance(&mixture.components(&context));
        assert!((0.02..0.06).contains(&variance), "{variance}");
    }
}
