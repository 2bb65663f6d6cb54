use super::Recent;
use crate::replay::driver::{Player, View};
use crate::replay::signals::Metrics;

const COOLDOWN_MINUTES: i64 = 5;
const TREND_VALUES: usize = 10;
/// The article's own limit.
const MOST_INSTANCES: u32 = 20;

/// The weighted score of the founding article, to the letter. The engine `weighted_score` without `bottleneck` does the
/// same, in a form that can be configured and explained; a test holds the two to each other.
///
/// Where the article's rule leaves the score of a signal open, it is linear: 1 at twice the threshold and at 100 per cent,
/// -1 at zero. Its cap of 20 instances holds while it is at or under 20.
#[derive(Clone, Debug)]
pub struct Article {
    newest: Option<Metrics>,
    cpu: Recent<f64>,
    rests_until: i64,
}

impl Default for Article {
    fn default() -> Self {
        Self { newest: None, cpu: Recent::new(TREND_VALUES), rests_until: i64::MIN }
    }
}

impl Article {
    fn score(&self, metrics: &Metrics) -> f64 {
        0.30 * beyond(metrics.utilisation, 70.0, 30.0, 100.0)
            + 0.25 * beyond(metrics.memory(), 80.0, 40.0, 100.0)
            + 0.25 * beyond(metrics.latency_ms, 2000.0, 500.0, 4000.0)
            + 0.15 * beyond(metrics.queue, 100.0, 50.0, 200.0)
            + 0.05 * self.trend()
    }

    fn trend(&self) -> f64 {
        if self.cpu.values.len() < TREND_VALUES {
            return 0.0;
        }
        // The positions -4.5, -3.5 ... 4.5 have the sum of squares 82.5.
        let slope: f64 =
            self.cpu.values.iter().enumerate().map(|(position, value)| (position as f64 - 4.5) * value).sum::<f64>()
                / 82.5;
        (slope / 10.0).tanh()
    }
}

/// How far a value is beyond its thresholds, from -1 to 1.
fn beyond(value: f64, scale_out: f64, scale_in: f64, ceiling: f64) -> f64 {
    if value > scale_out {
        ((value - scale_out) / (ceiling - scale_out)).min(1.0)
    } else if value < scale_in {
        ((value - scale_in) / scale_in).max(-1.0)
    } else {
        0.0
    }
}

impl Player for Article {
    fn decide(&mut self, view: &View) -> u32 {
        let total = view.capacity.total();
        if let Some((_, metrics)) = view.newest {
            self.cpu.push(metrics.utilisation);
            self.newest = Some(metrics);
        }
        let Some(metrics) = self.newest.filter(|_| view.now.0 >= self.rests_until) else { return total };
        let score = self.score(&metrics);
        let wanted = if score > 0.3 {
            total + ((f64::from(total) * score.min(1.0) * 0.5) as u32).max(1)
        } else if score < -0.3 {
            total.saturating_sub(((f64::from(total) * score.abs() * 0.3) as u32).max(1))
        } else {
            total
        };
        let most = if total <= MOST_INSTANCES { MOST_INSTANCES } else { u32::MAX };
        let wanted = view.clamp(wanted.min(most));
        if wanted != total {
            self.rests_until = view.now.0 + COOLDOWN_MINUTES;
        }
        wanted
    }
}
