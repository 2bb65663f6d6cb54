//! Days that go wrong, made from the group's own usual day: what no candidate has been chosen on, and some groups have
//! never seen.

use super::ground::Ground;
use super::ledger::Ledger;
use crate::model::{Comparison, Minute, StressResult, Tunables};
use crate::replay::SuddenLoss;

const DAY: usize = 1440;
/// Days of ordinary load before the one that goes wrong.
const LEAD_IN_DAYS: usize = 2;
/// J that a candidate may be above that of the policy in force on such a day: what is noise there.
const MOST_WORSE: f64 = 1.05;
/// The same of the share of the work out of its service level.
const MOST_LATE: f64 = 0.005;

/// A day that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Three times the load for twenty minutes, four times a day.
    Burst,
    /// Half an hour without metrics while the load grows.
    MetricGap,
    /// Two waves, each taking away two of five instances that serve.
    SpotStorm,
    /// Instances that need three times as long to start, unannounced.
    SlowStart,
    /// Twice the load from one minute to the next, for good.
    LevelShift,
}

impl Trouble {
    const ALL: [Self; 5] = [Self::Burst, Self::MetricGap, Self::SpotStorm, Self::SlowStart, Self::LevelShift];

    fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::MetricGap => "metric_gap",
            Self::SpotStorm => "spot_storm",
            Self::SlowStart => "slow_start",
            Self::LevelShift => "level_shift",
        }
    }
}

/// Usual days, and the last of them going wrong.
struct Stage {
    ground: Ground,
    day: std::ops::Range<Minute>,
    steepest: Minute,
    peak: i64,
    trouble: Trouble,
}

impl Stage {
    fn new(training: &Ground, trouble: Trouble) -> Self {
        let mut ground = training.clone();
        let days = LEAD_IN_DAYS.min(training.trace.load.len() / DAY).max(1);
        let lead_in = training.trace.load.len().min(days * DAY);
        let mut load = training.trace.load[training.trace.load.len() - lead_in..].to_vec();
        let start = training.trace.start + (training.trace.load.len() - lead_in) as i64;
        let usual = usual_day(training);
        let first = start + load.len() as i64;
        load.extend((0..DAY as i64).map(|minute| usual[(first + minute).of_day() as usize]));
        let day_load = &mut load[lead_in..];
        let hourly = |from: usize| day_load[from..from + 60].iter().sum::<f64>();
        let steepest = (0..DAY - 120)
            .step_by(15)
            .max_by(|a, b| (hourly(a + 60) - hourly(*a)).total_cmp(&(hourly(b + 60) - hourly(*b))))
            .unwrap_or_default();
        let peak = (0..DAY - 60).step_by(15).max_by(|a, b| hourly(*a).total_cmp(&hourly(*b))).unwrap_or_default();
        match trouble {
            Trouble::Burst => {
                for begin in [steepest, peak, (peak + DAY / 3) % DAY, (peak + 2 * DAY / 3) % DAY] {
                    day_load.iter_mut().skip(begin).take(20).for_each(|load| *load *= 3.0);
                }
            }
            Trouble::LevelShift => day_load.iter_mut().skip(DAY / 3).for_each(|load| *load *= 2.0),
            Trouble::MetricGap | Trouble::SpotStorm | Trouble::SlowStart => {}
        }
        if trouble == Trouble::SlowStart {
            ground.settings.lead_seconds *= 3;
        }
        ground.trace.start = start;
        ground.trace.load = load;
        let day = first..first + DAY as i64;
        Self { ground, steepest: first + steepest as i64, peak: lead_in as i64 + peak as i64, day, trouble }
    }

    fn play(&self, believed_lead_minutes: u32, tunables: &Tunables) -> Ledger {
        let player = self.ground.player(tunables).believing_lead_minutes(believed_lead_minutes);
        let mut player = match self.trouble {
            Trouble::MetricGap => player.blind_during(self.steepest + 30..self.steepest + 60),
            _ => player,
        };
        let losses = match self.trouble {
            Trouble::SpotStorm => [self.peak, self.peak + 15].map(|minute| SuddenLoss { minute, share: 0.4 }).to_vec(),
            _ => Vec::new(),
        };
        self.ground.play_with(&mut player, &losses)
    }
}

/// The mean load of each minute of the day.
fn usual_day(training: &Ground) -> Vec<f64> {
    let mut sums = vec![(0.0, 0u32); DAY];
    for (minute, load) in (0i64..).zip(&training.trace.load) {
        let (sum, count) = &mut sums[(training.trace.start + minute).of_day() as usize];
        *sum += load;
        *count += 1;
    }
    let mean = training.trace.load.iter().sum::<f64>() / training.trace.load.len().max(1) as f64;
    sums.into_iter().map(|(sum, count)| if count > 0 { sum / f64::from(count) } else { mean }).collect()
}

/// Plays both policies on every day that goes wrong. `None` when time ran out.
pub(super) fn stress(
    training: &Ground,
    before: &Tunables,
    after: &Tunables,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Option<Vec<StressResult>> {
    let believed = training.settings.lead_seconds.div_ceil(60);
    let mut results = Vec::new();
    for trouble in Trouble::ALL {
        if !may_go_on() {
            return None;
        }
        let stage = Stage::new(training, trouble);
        let figures = |tunables| stage.play(believed, tunables).figures(&stage.day);
        let (before, after) = (figures(before), figures(after));
        results.push(StressResult {
            name: trouble.name().to_owned(),
            comparison: Comparison { from: stage.day.start, minutes: DAY as u32, before, after },
            passed: after.j <= before.j * MOST_WORSE && after.in_slo >= before.in_slo - MOST_LATE,
        });
    }
    Some(results)
}
