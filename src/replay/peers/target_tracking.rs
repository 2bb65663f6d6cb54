use super::{Recent, proportional};
use crate::replay::driver::{Player, View};

const OUT_MINUTES: usize = 3;
const IN_MINUTES: usize = 15;
const IN_SHARE: f64 = 0.9;

/// A cloud's target tracking on utilisation: out after 3 minutes over T to ceil(serving * u / T), in after 15 minutes
/// under 0.9 T to ceil(serving * highest of them / T). `serving` is of the moment of the decision, as the rule is commonly
/// given.
#[derive(Clone, Debug)]
pub struct TargetTrackingPeer {
    target: f64,
    utilisation: Recent<f64>,
}

impl TargetTrackingPeer {
    /// Holds `target` per cent.
    pub fn new(target: f64) -> Self {
        Self { target, utilisation: Recent::new(IN_MINUTES) }
    }
}

impl Player for TargetTrackingPeer {
    fn decide(&mut self, view: &View) -> u32 {
        let (serving, total) = (view.capacity.serving, view.capacity.total());
        let Some((_, metrics)) = view.newest else { return total };
        self.utilisation.push(metrics.utilisation);
        if self.utilisation.last_all(OUT_MINUTES, |value| value > self.target) {
            proportional(serving, metrics.utilisation, self.target).max(total)
        } else if self.utilisation.last_all(IN_MINUTES, |value| value < IN_SHARE * self.target) {
            let highest = self.utilisation.values.iter().copied().fold(0.0, f64::max);
            proportional(serving, highest, self.target).min(total)
        } else {
            total
        }
    }
}
