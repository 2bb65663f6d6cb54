use super::{Recent, proportional};
use crate::replay::driver::{Player, View};

const TOLERANCE: f64 = 0.1;
const STABILISATION_MINUTES: usize = 5;

/// The Kubernetes horizontal pod autoscaler on utilisation: ceil(serving * u / T), 10 % tolerance, up to
/// max(2n, n + 4) a minute, and on the way down the highest recommendation of five minutes.
#[derive(Clone, Debug)]
pub struct Hpa {
    target: f64,
    recommendations: Recent<u32>,
}

impl Hpa {
    /// Holds `target` per cent.
    pub fn new(target: f64) -> Self {
        Self { target, recommendations: Recent::new(STABILISATION_MINUTES) }
    }
}

impl Player for Hpa {
    fn decide(&mut self, view: &View) -> u32 {
        let total = view.capacity.total();
        let Some((_, metrics)) = view.newest else { return total };
        let recommended = if (metrics.utilisation / self.target - 1.0).abs() <= TOLERANCE {
            total
        } else {
            proportional(view.capacity.serving, metrics.utilisation, self.target)
        };
        self.recommendations.push(recommended.min((2 * total).max(total + 4)));
        self.recommendations.values.iter().copied().max().unwrap_or(total)
    }
}
