//! How good a forecast was.

/// Pinball loss of a quantile forecast: what the newsvendor pays.
pub fn pinball(level: f64, forecast: f64, actual: f64) -> f64 {
    let short = actual - forecast;
    (level * short).max((level - 1.0) * short)
}

/// Adds up how good forecasts of one horizon were.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    levels: Vec<f64>,
    loss: f64,
    covered: Vec<u64>,
    actual: f64,
    absolute: f64,
    baseline: f64,
    count: u64,
}

impl Scores {
    /// For quantile forecasts at these levels.
    pub fn new(levels: &[f64]) -> Self {
        Self {
            levels: levels.to_vec(),
            loss: 0.0,
            covered: vec![0; levels.len()],
            actual: 0.0,
            absolute: 0.0,
            baseline: 0.0,
            count: 0,
        }
    }

    /// Takes in one forecast: its quantiles, its median, what the baseline had said, and what happened.
    pub fn push(&mut self, quantiles: &[f64], median: f64, baseline: f64, actual: f64) {
        for ((level, quantile), covered) in self.levels.iter().zip(quantiles).zip(&mut self.covered) {
            self.loss += pinball(*level, *quantile, actual);
            *covered += u64::from(actual <= *quantile);
        }
        self.actual += actual.abs();
        self.absolute += (actual - median).abs();
        self.baseline += (actual - baseline).abs();
        self.count += 1;
    }

    /// Weighted quantile loss: twice the pinball loss, averaged over the levels, over the sum of what happened.
    pub fn weighted_quantile_loss(&self) -> Option<f64> {
        (self.actual > 0.0 && !self.levels.is_empty()).then(|| 2.0 * self.loss / self.levels.len() as f64 / self.actual)
    }

    /// Share of what happened at or below the quantile of each level.
    pub fn coverage(&self) -> Vec<f64> {
        self.covered.iter().map(|&covered| covered as f64 / self.count.max(1) as f64).collect()
    }

    /// Mean absolute error of the median over that of the baseline.
    pub fn scaled_error(&self) -> Option<f64> {
        (self.baseline > 0.0).then(|| self.absolute / self.baseline)
    }

    /// Forecasts taken in.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_low_costs_the_level_and_too_high_the_rest() {
        assert!((pinball(0.9, 8.0, 10.0) - 1.8).abs() < 1e-12);
        assert!((pinball(0.9, 12.0, 10.0) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_perfect_forecast_loses_nothing() {
        let mut scores = Scores::new(&[0.5, 0.9]);
        scores.push(&[4.0, 4.0], 4.0, 5.0, 4.0);
        assert_eq!(scores.weighted_quantile_loss(), Some(0.0));
        assert_eq!(scores.coverage(), [1.0, 1.0]);
        assert_eq!(scores.scaled_error(), Some(0.0));
    }
}
