//! The policies that others run, as their users run them, and the bounds that need no policy at all.

mod alarm_policy;
mod article;
mod aws_predictive;
mod crane_dsp;
mod hpa;
mod knative_kpa;
mod spectrum;
mod target_tracking;

use std::collections::VecDeque;

pub use self::alarm_policy::AlarmPolicy;
pub use self::article::Article;
pub use self::aws_predictive::AwsPredictive;
pub use self::crane_dsp::CraneDsp;
pub use self::hpa::Hpa;
pub use self::knative_kpa::KnativeKpa;
pub use self::target_tracking::TargetTrackingPeer;
use super::driver::{Player, View};

/// Keeps rounding errors from asking for one instance more.
const ROUNDING: f64 = 1e-9;

/// A number of instances that never changes.
#[derive(Clone, Copy, Debug)]
pub struct Static(pub u32);

impl Player for Static {
    fn decide(&mut self, _: &View) -> u32 {
        self.0
    }
}

/// Instances that bring `utilisation`, measured on `serving` instances, to `target`, all in per cent.
fn proportional(serving: u32, utilisation: f64, target: f64) -> u32 {
    (f64::from(serving) * utilisation / target - ROUNDING).ceil().max(0.0) as u32
}

/// Newest values of one quantity, at most a fixed number.
#[derive(Clone, Debug)]
struct Recent<T> {
    values: VecDeque<T>,
    most: usize,
}

impl<T: Copy> Recent<T> {
    fn new(most: usize) -> Self {
        Self { values: VecDeque::with_capacity(most), most }
    }

    fn push(&mut self, value: T) {
        if self.values.len() == self.most {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// Whether the newest `count` values are there and all satisfy the condition.
    fn last_all(&self, count: usize, condition: impl Fn(T) -> bool) -> bool {
        self.values.len() >= count && self.values.iter().rev().take(count).all(|value| condition(*value))
    }
}

#[cfg(test)]
mod tests;
