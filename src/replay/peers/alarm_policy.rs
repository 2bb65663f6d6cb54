use super::Recent;
use crate::replay::driver::{Player, View};

const OUT_PERCENT: f64 = 70.0;
const OUT_MINUTES: usize = 3;
const IN_PERCENT: f64 = 30.0;
const IN_MINUTES: usize = 5;
const COOLDOWN_MINUTES: i64 = 5;

/// A cloud's alarm policy: +20 % (at least 1) after 3 minutes over 70 %, -10 % (at least 1) after 5 minutes under 30 %,
/// 300 s cooldown.
#[derive(Clone, Debug)]
pub struct AlarmPolicy {
    utilisation: Recent<f64>,
    rests_until: i64,
}

impl Default for AlarmPolicy {
    fn default() -> Self {
        Self { utilisation: Recent::new(IN_MINUTES), rests_until: i64::MIN }
    }
}

impl Player for AlarmPolicy {
    fn decide(&mut self, view: &View) -> u32 {
        let total = view.capacity.total();
        if let Some((_, metrics)) = view.newest {
            self.utilisation.push(metrics.utilisation);
        }
        if view.now.0 < self.rests_until {
            return total;
        }
        let wanted = if self.utilisation.last_all(OUT_MINUTES, |value| value > OUT_PERCENT) {
            total + (f64::from(total) * 0.2).ceil().max(1.0) as u32
        } else if self.utilisation.last_all(IN_MINUTES, |value| value < IN_PERCENT) {
            total.saturating_sub((f64::from(total) * 0.1).floor().max(1.0) as u32)
        } else {
            total
        };
        let wanted = view.clamp(wanted);
        if wanted != total {
            self.rests_until = view.now.0 + COOLDOWN_MINUTES;
        }
        wanted
    }
}
