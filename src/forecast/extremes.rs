//! The largest values of the last days, by the hour.

use serde::{Deserialize, Serialize};

use super::packed;
use crate::model::Minute;

/// Hours that are kept: a week and the hour that is running.
const KEPT_HOURS: usize = 7 * 24 + 1;

/// The largest value of each hour of the last week.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HourlyMaxima {
    #[serde(with = "packed")]
    largest: Vec<f64>,
    /// The newest hour, counted from the Unix epoch.
    hour: Option<i64>,
}

impl Default for HourlyMaxima {
    fn default() -> Self {
        Self { largest: vec![0.0; KEPT_HOURS], hour: None }
    }
}

impl HourlyMaxima {
    /// Takes in the value of a minute, not older than the newest known.
    pub fn push(&mut self, minute: Minute, value: f64) {
        let hour = minute.0.div_euclid(60);
        let passed = self.hour.map_or(1, |newest| hour - newest);
        for passed in 0..passed.min(KEPT_HOURS as i64) {
            self.largest[slot(hour - passed)] = 0.0;
        }
        self.hour = Some(hour);
        let largest = &mut self.largest[slot(hour)];
        *largest = largest.max(value);
    }

    /// The largest value of the last `days`, seven at most.
    pub fn of_days(&self, days: u32) -> f64 {
        let Some(newest) = self.hour else { return 0.0 };
        let hours = (i64::from(days) * 24).min(KEPT_HOURS as i64 - 1);
        (0..=hours).map(|age| self.largest[slot(newest - age)]).fold(0.0, f64::max)
    }

    /// The largest value of the last week at the hours of the day from `from` to `to`, or of the whole week where none of
    /// these hours was seen.
    pub fn at_hours(&self, from: Minute, to: Minute) -> f64 {
        let Some(newest) = self.hour else { return 0.0 };
        let first = from.0.div_euclid(60);
        let hours = (to.0.div_euclid(60) - first).clamp(0, 23);
        let wanted = |hour: i64| (hour - first).rem_euclid(24) <= hours;
        let largest = (newest - KEPT_HOURS as i64 + 1..=newest)
            .filter(|hour| wanted(*hour))
            .map(|hour| self.largest[slot(hour)])
            .fold(0.0, f64::max);
        if largest > 0.0 { largest } else { self.of_days(7) }
    }

    /// True if the parts have their sizes, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.largest.len() == KEPT_HOURS
    }
}

fn slot(hour: i64) -> usize {
    hour.rem_euclid(KEPT_HOURS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_remembered_for_as_many_days_as_asked() {
        let mut maxima = HourlyMaxima::default();
        maxima.push(Minute(0), 9.0);
        for day in 1..=4 {
            maxima.push(Minute(day * 1440), 2.0);
        }
        assert_eq!((maxima.of_days(3), maxima.of_days(4)), (2.0, 9.0));
        maxima.push(Minute(8 * 1440), 1.0);
        assert_eq!(maxima.of_days(7), 2.0);
    }

    #[test]
    fn an_hour_of_the_day_is_looked_up_on_all_days_and_an_unseen_one_is_the_largest() {
        let mut maxima = HourlyMaxima::default();
        for hour in 0..40 {
            maxima.push(Minute(hour * 60 + 30), 1.0 + (hour % 24) as f64);
        }
        let at = |from: i64, to: i64| maxima.at_hours(Minute(from * 60), Minute(to * 60 + 59));
        assert_eq!((at(48 + 3, 48 + 3), at(48 + 3, 48 + 5), at(48 + 23, 72 + 1)), (4.0, 6.0, 24.0));
        let mut young = HourlyMaxima::default();
        young.push(Minute(60), 7.0);
        assert_eq!(young.at_hours(Minute(20 * 60), Minute(20 * 60)), 7.0);
    }
}
