//! From which utilisation on requests are slow, learnt from the group itself.
//!
//! The waiting-time model says at which utilisation the response time leaves its objective. A group may be slow sooner: its
//! bottleneck is not what its utilisation measures. What is learnt is the share of the modelled utilisation at which it really
//! happens, slowly, within bounds, with the model as prior. Without latencies nothing is learnt.

use serde::{Deserialize, Serialize};

use crate::model::Minute;
use crate::queueing::{ServiceModel, play_minute};

/// Bounds of the share.
const LEAST: f64 = 0.5;
const MOST: f64 = 1.1;
/// A group that is modelled to be slow even when it is hardly busy can teach nothing.
const LEAST_KNEE: f64 = 0.05;
/// Under this share slow requests are not explained by load.
const LEAST_SHARE: f64 = 0.4;
/// Part of the way that a contradicting minute moves the share.
const STEP: f64 = 0.05;
/// The same where a busier group was in time not long ago: then load does not explain it.
const DOUBTFUL_STEP: f64 = 0.005;
/// Shares this near to each other do not contradict.
const NEAR: f64 = 0.02;
/// Minutes after which the model counts again as much as what was learnt.
const MEMORY_MINUTES: f64 = 10_000.0;
/// By this much the busiest minute in time fades in a minute.
const FADE: f64 = 0.0003;
/// Minutes that are looked at together, so that one in which a backlog is worked off does not look like a knee.
const TOGETHER: usize = 3;

/// What was learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Knee {
    share: f64,
    /// The largest share that was in time of late.
    in_time: f64,
    newest: Option<Minute>,
    /// Whether that one was slow.
    slow: bool,
    /// Shares of the newest minutes, one slot a minute.
    shares: [f64; TOGETHER],
    /// Minutes that were seen without a gap.
    unbroken: u32,
    /// Instances, and [`knee_of`] them.
    #[serde(skip)]
    known: Option<(u32, f64)>,
}

impl Default for Knee {
    fn default() -> Self {
        Self { share: 1.0, in_time: 0.0, newest: None, slow: false, shares: [0.0; TOGETHER], unbroken: 0, known: None }
    }
}

impl Knee {
    /// Share of an instance's capacity up to which requests are in time, over that of the model: 1 as long as nothing
    /// contradicts the model.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// Whether the newest minute was slow.
    pub(super) fn is_slow(&self) -> bool {
        self.slow
    }

    /// True if the parts make sense, as they do unless the state was damaged.
    pub(super) fn is_sound(&self) -> bool {
        (LEAST..=MOST).contains(&self.share)
            && self.in_time.is_finite()
            && self.shares.iter().all(|share| share.is_finite())
    }

    /// Learns from a minute: instances that served, their utilisation as a share of one, and the mean latency.
    pub(super) fn learn(
        &mut self,
        model: &ServiceModel,
        minute: Minute,
        serving: u32,
        utilisation: f64,
        latency_ms: f64,
    ) {
        let follows = self.newest.is_some_and(|newest| newest + 1 == minute);
        self.newest = Some(minute);
        self.unbroken = if follows { self.unbroken.saturating_add(1) } else { 1 };
        self.slow = latency_ms > model.slo_seconds * 1000.0;
        self.share += (1.0 - self.share) / MEMORY_MINUTES;
        self.in_time = (self.in_time - FADE).max(0.0);
        let knee = match self.known {
            Some((known, knee)) if known == serving => knee,
            _ => knee_of(model, serving),
        };
        self.known = Some((serving, knee));
        if knee < LEAST_KNEE {
            return;
        }
        let share = utilisation / knee;
        self.shares[minute.0.rem_euclid(TOGETHER as i64) as usize] = share;
        if !self.slow {
            self.in_time = self.in_time.max(share);
            if share > self.share + NEAR {
                self.share = (self.share + STEP * (share - self.share)).min(MOST);
            }
            return;
        }
        if (self.unbroken as usize) < TOGETHER {
            return;
        }
        let busiest = self.shares.iter().copied().fold(0.0, f64::max);
        if busiest > LEAST_SHARE && busiest < self.share - NEAR {
            let step = if busiest < self.in_time - NEAR { DOUBTFUL_STEP } else { STEP };
            self.share = (self.share + step * (busiest - self.share)).max(LEAST);
        }
    }
}

/// Utilisation, as a share of one, at which the mean response time of an undisturbed group leaves its objective.
fn knee_of(model: &ServiceModel, serving: u32) -> f64 {
    let capacity = f64::from(serving) * model.capacity_per_second;
    let is_slow = |utilisation: f64| {
        let outcome = play_minute(model, serving, &mut 0.0, utilisation * capacity);
        outcome.latency_ms > model.slo_seconds * 1000.0
    };
    let (mut in_time, mut slow) = (0.0, 1.0);
    for _ in 0..20 {
        let middle = f64::midpoint(in_time, slow);
        if is_slow(middle) {
            slow = middle;
        } else {
            in_time = middle;
        }
    }
    slow
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: ServiceModel =
        ServiceModel { capacity_per_second: 1.0, service_seconds: 0.5, slo_seconds: 2.0, lead_minutes: 0 };

    /// Ten instances under a load that swings, slow from a share of the modelled knee on.
    fn seen(slow_from: f64, minutes: i64) -> Knee {
        let mut knee = Knee::default();
        let modelled = knee_of(&MODEL, 10);
        for minute in 0..minutes {
            let utilisation = 0.55 + 0.4 * (minute as f64 / 180.0).sin();
            let latency_ms = if utilisation > slow_from * modelled { 5000.0 } else { 600.0 };
            knee.learn(&MODEL, Minute(minute), 10, utilisation, latency_ms);
        }
        knee
    }

    #[test]
    fn the_modelled_knee_is_where_requests_become_slow() {
        let knees = [1, 4, 12, 100].map(|serving| knee_of(&MODEL, serving));
        assert!(knees.is_sorted() && knees[0] > 0.6 && knees[3] < 1.0, "{knees:?}");
    }

    #[test]
    fn a_group_that_is_slow_sooner_is_found_out() {
        for real in [0.6, 0.75, 0.9] {
            let learnt = seen(real, 4000).share();
            assert!((learnt - real).abs() < 0.1, "{learnt} for {real}");
        }
    }

    #[test]
    fn a_group_that_is_as_modelled_teaches_nothing() {
        assert_eq!(seen(1.0, 4000).share(), 1.0);
    }

    #[test]
    fn slowness_that_load_does_not_explain_is_hardly_believed() {
        let mut knee = seen(1.0, 1000);
        for minute in 1000..1060 {
            knee.learn(&MODEL, Minute(minute), 10, 0.6, 9000.0);
        }
        assert!(knee.share() > 0.88, "{}", knee.share());
        for minute in 1060..2000 {
            knee.learn(&MODEL, Minute(minute), 10, 0.3, 9000.0);
        }
        assert!(knee.share() > 0.9, "{}", knee.share());
    }

    #[test]
    fn a_minute_that_ends_a_backlog_is_not_the_knee() {
        let mut knee = Knee::default();
        for minute in 0..3000 {
            let utilisation = [0.5, 1.0, 1.0, 0.7, 0.5][minute as usize % 5];
            let slow = [false, true, true, true, false][minute as usize % 5];
            knee.learn(&MODEL, Minute(minute), 10, utilisation, if slow { 4000.0 } else { 600.0 });
        }
        assert_eq!(knee.share(), 1.0);
    }

    #[test]
    fn it_keeps_within_bounds() {
        assert!(seen(0.1, 20_000).share() >= LEAST);
        assert!(seen(5.0, 20_000).share() <= MOST);
    }
}
