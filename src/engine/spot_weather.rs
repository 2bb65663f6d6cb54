//! How a group's spot instances have been taken away, and what it takes not to miss them.
//!
//! A replacement that is ordered at the notice of a loss serves when its start is over. Where the notice is as long as a
//! start nothing is missing meanwhile. Where it is shorter, what is taken away is missing for the difference, and what
//! helps is to have it already: spare spot instances where losses take a part of what runs, on-demand instances where they
//! take nearly all of it, spares included. How much of either follows from the losses that were seen: a histogram of the
//! shares that they took, over the hours in which there was something to lose, both fading with time.

use serde::{Deserialize, Serialize};

use crate::model::Minute;

/// Shares of the spot instances taken away in one minute, in tenths.
const SHARES: usize = 10;
/// After so many hours what was seen counts half.
const HALF_LIFE_HOURS: f64 = 24.0;
/// Before anything was seen: a third of the spot instances is lost once in so many hours.
const EXPECTED_LOSS_EVERY_HOURS: f64 = 48.0;
const EXPECTED_SHARE: usize = 3;
/// Instances that may be missing without making anybody wait, as a share of the target: sizes are chosen with such room.
const SLACK: f64 = 0.1;
/// Work that is late for each part of the work whose instances are missing: those that are left are overloaded.
const LATE_FOR_MISSING: f64 = 2.0;
/// Share of all work that may be late for losses.
const TOLERATED: f64 = 0.0005;
/// Where more is late in spite of all spares, on-demand instances take the place of spot.
const HOPELESS: f64 = 0.0075;
/// Most spares: one for so many instances, rounded up.
const INSTANCES_FOR_A_SPARE: u32 = 4;
/// A spare that saves less than this share of what is late without any is not bought.
const LEAST_HELP: f64 = 0.25;

/// What was seen of losses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpotWeather {
    /// Losses by the share of the spot instances that they took, fading.
    losses: [f64; SHARES],
    /// Hours in which spot instances served, fading alike.
    hours: f64,
    /// The minute of the last look, and how many served then.
    seen: Option<(Minute, u32)>,
    /// Instances whose loss was told since.
    lost: u32,
}

impl Default for SpotWeather {
    fn default() -> Self {
        let mut losses = [0.0; SHARES];
        losses[EXPECTED_SHARE] = 1.0;
        Self { losses, hours: EXPECTED_LOSS_EVERY_HOURS, seen: None, lost: 0 }
    }
}

/// What is held against losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insurance {
    /// At least so many are on demand.
    pub on_demand: u32,
    /// So many more spot instances than the target needs.
    pub spares: u32,
}

impl SpotWeather {
    /// Notes that instances are taken away, until the next look.
    pub fn lost(&mut self, instances: u32) {
        self.lost = self.lost.saturating_add(instances);
    }

    /// Looks, at `now`, at spot instances of which `serving` serve. A look at an earlier minute than the last changes
    /// nothing.
    pub fn observe(&mut self, now: Minute, serving: u32) {
        let lost = std::mem::take(&mut self.lost);
        if let Some((seen, served)) = self.seen {
            if now < seen {
                self.lost = lost;
                return;
            }
            let hours = (now - seen) as f64 / 60.0;
            let fading = 0.5f64.powf(hours / HALF_LIFE_HOURS);
            self.losses.iter_mut().for_each(|losses| *losses *= fading);
            self.hours *= fading;
            if served > 0 {
                // Nobody has looked in between: what ran for longer is not known.
                self.hours += hours.min(1.0);
                if lost > 0 {
                    self.losses[bin(f64::from(lost) / f64::from(served))] += 1.0;
                }
            }
        }
        self.seen = Some((now, serving));
    }

    /// What is held so that losses of spot instances, each missing for `gap_minutes`, make hardly anything late. `base` of
    /// the `target` instances are on demand in any case.
    pub fn insurance(&self, target: u32, base: u32, gap_minutes: u32) -> Insurance {
        let base = base.min(target);
        let spot = target - base;
        if gap_minutes == 0 || spot == 0 {
            return Insurance { on_demand: base, spares: 0 };
        }
        let late = |on_demand, spot| self.late(target, on_demand, spot, gap_minutes);
        let most = spot.div_ceil(INSTANCES_FOR_A_SPARE);
        let without = late(base, spot);
        if let Some(spares) = (0..=most).find(|spares| late(base, spot + spares) <= TOLERATED) {
            return Insurance { on_demand: base, spares };
        }
        if late(base, spot + most) <= HOPELESS {
            let helps = |spares: &u32| late(base, spot + spares - 1) - late(base, spot + spares) > LEAST_HELP * without;
            let spares = (1..=most).take_while(helps).last().unwrap_or(1);
            return Insurance { on_demand: base, spares };
        }
        let (mut fewest, mut enough) = (base, target);
        while fewest < enough {
            let middle = fewest + (enough - fewest) / 2;
            if late(middle, target - middle) <= TOLERATED {
                enough = middle;
            } else {
                fewest = middle + 1;
            }
        }
        Insurance { on_demand: enough, spares: 0 }
    }

    /// Share of all work that is late for losses, where a target is met by these instances.
    fn late(&self, target: u32, on_demand: u32, spot: u32, gap_minutes: u32) -> f64 {
        let needed = f64::from(target) * (1.0 - SLACK);
        let missing: f64 = self
            .losses
            .iter()
            .enumerate()
            .map(|(bin, losses)| {
                let left = f64::from(on_demand) + (1.0 - share(bin)) * f64::from(spot);
                losses * (needed - left).max(0.0) / f64::from(target)
            })
            .sum();
        missing / self.hours.max(f64::MIN_POSITIVE) * f64::from(gap_minutes) / 60.0 * LATE_FOR_MISSING
    }
}

fn bin(share: f64) -> usize {
    ((share * SHARES as f64) as usize).min(SHARES - 1)
}

/// The middle of a bin.
fn share(bin: usize) -> f64 {
    (bin as f64 + 0.5) / SHARES as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Ten instances, of which `lost` go every `hours` hours, for a week.
    fn weather(lost: u32, hours: i64) -> SpotWeather {
        let mut weather = SpotWeather::default();
        for minute in 0..7 * 24 * 60 {
            if minute % (hours * 60) == 30 {
                weather.lost(lost);
            }
            weather.observe(Minute(minute), 10);
        }
        weather
    }

    #[test]
    fn a_notice_as_long_as_a_start_needs_no_insurance() {
        assert_eq!(weather(10, 1).insurance(10, 0, 0), Insurance::default());
        assert_eq!(weather(10, 1).insurance(10, 3, 0), Insurance { on_demand: 3, spares: 0 });
    }

    #[test]
    fn before_anything_was_seen_some_are_spare_the_more_the_longer_the_gap() {
        let spares = |gap| SpotWeather::default().insurance(8, 0, gap).spares;
        assert_eq!([1, 3, 5].map(spares), [0, 1, 2]);
    }

    #[test]
    fn calm_weather_needs_no_spare() {
        assert_eq!(weather(1, 24).insurance(10, 0, 2), Insurance::default());
    }

    #[test]
    fn losses_of_a_part_are_met_by_spares_and_losses_of_all_by_on_demand_instances() {
        let insurance = weather(3, 2).insurance(10, 0, 2);
        assert_eq!((insurance.on_demand, insurance.spares > 0), (0, true), "{insurance:?}");
        let insurance = weather(10, 2).insurance(10, 0, 2);
        assert_eq!((insurance.on_demand > 7, insurance.spares), (true, 0), "{insurance:?}");
    }

    #[test]
    fn bad_weather_is_forgotten() {
        let mut weather = weather(10, 2);
        for hour in 0..14 * 24 {
            weather.observe(Minute((7 * 24 + hour) * 60), 10);
        }
        assert_eq!(weather.insurance(10, 0, 2), Insurance::default());
    }

    proptest! {
        #[test]
        fn insurance_is_never_more_than_it_can_be(
            lost in 1u32..=10, hours in 1i64..48, target in 0u32..300, base in 0u32..50, gap in 0u32..30,
        ) {
            let insurance = weather(lost, hours).insurance(target, base, gap);
            prop_assert!(insurance.on_demand >= base.min(target) && insurance.on_demand <= target);
            prop_assert!(insurance.spares <= target.div_ceil(INSTANCES_FOR_A_SPARE));
        }

        #[test]
        fn a_look_back_in_time_changes_nothing(minute in 0i64..1000, back in 1i64..100) {
            let mut weather = SpotWeather::default();
            weather.observe(Minute(minute), 4);
            let before = weather.clone();
            weather.observe(Minute(minute - back), 9);
            prop_assert_eq!(weather, before);
        }
    }
}
