//! What the last days brought around the time of day that is to come.

use std::ops::Range;

use super::sizing::{ExpectedLate, LateTable, row_of};
use crate::forecast::online::OnlineForecast;

/// Days back whose course at the same time is looked at.
const DAYS: u64 = 7;
/// Minutes before and after the same time of day.
const AROUND: u64 = 7;
/// All of these minutes.
const AROUND_BOTH: usize = 2 * AROUND as usize + 1;

/// The last days, each from the nearest horizon to the furthest.
#[derive(Clone, Debug, Default)]
pub(super) struct PastDays {
    /// Rows of the demands, day by day, newest first.
    rows: Vec<u16>,
    /// Minutes that are looked at of each day.
    width: usize,
    /// Late work that was expected last, not yet finished ...
    sums: ExpectedLate,
    /// ... on that many days from that minute of each on.
    summed: Option<(usize, usize)>,
}

/// The same, around the time of one horizon.
#[derive(Clone, Copy, Debug)]
struct SameTime<'a> {
    past: &'a PastDays,
    /// Days that were seen there.
    days: usize,
    /// The first of the minutes of each day.
    first: usize,
}

impl SameTime<'_> {
    /// Every minute is equally likely.
    fn probability(&self) -> f32 {
        1.0 / (self.days * AROUND_BOTH) as f32
    }

    fn rows(&self) -> impl Iterator<Item = u16> {
        self.minutes(self.first..self.first + AROUND_BOTH)
    }

    /// Some of the minutes of each day.
    fn minutes(&self, of_day: Range<usize>) -> impl Iterator<Item = u16> {
        let days = self.past.rows.chunks_exact(self.past.width.max(1)).take(self.days);
        days.flat_map(move |day| day.get(of_day.clone()).unwrap_or_default().iter().copied())
    }
}

/// Room to sort rows in.
struct Sorted([u16; DAYS as usize * AROUND_BOTH]);

impl Default for Sorted {
    fn default() -> Self {
        Self([0; DAYS as usize * AROUND_BOTH])
    }
}

impl Sorted {
    fn of(&mut self, rows: impl Iterator<Item = u16>) -> &[u16] {
        let count = self.0.iter_mut().zip(rows).map(|(sorted, row)| *sorted = row).count();
        let rows = &mut self.0[..count];
        rows.sort_unstable();
        rows
    }
}

impl PastDays {
    /// Looks at the last days.
    pub(super) fn look(&mut self, forecast: &OnlineForecast) {
        self.rows.clear();
        self.summed = None;
        let (history, horizons) = (forecast.history(), forecast.horizons());
        let (Some(&nearest), Some(&furthest)) = (horizons.first(), horizons.last()) else { return };
        self.width = (furthest - nearest) as usize + AROUND_BOTH;
        for day in 1..=DAYS {
            let last = day * 1440 - u64::from(nearest) + AROUND;
            let first = day * 1440 - u64::from(furthest) - AROUND;
            self.rows.extend((first..=last).map(|age| history.back(age).map_or(0, row_of)));
        }
    }

    /// Whether nothing was seen around the time of a horizon.
    pub(super) fn are_unknown(&self, forecast: &OnlineForecast, horizon: usize) -> bool {
        self.at(forecast, horizon).days == 0
    }

    /// Visits every minute around the time of a horizon, in ascending order of the demand: probability, and row of the demand.
    pub(super) fn for_each(&self, forecast: &OnlineForecast, horizon: usize, mut visit: impl FnMut(f32, u16)) {
        let seen = self.at(forecast, horizon);
        let mut sorted = Sorted::default();
        sorted.of(seen.rows()).iter().for_each(|&row| visit(seen.probability(), row));
    }

    /// Late work that is expected at one horizon. One horizon's minutes are mostly the next one's as well.
    pub(super) fn expect(
        &mut self,
        forecast: &OnlineForecast,
        horizon: usize,
        (table, share): (&LateTable, f64),
        expected: &mut ExpectedLate,
    ) {
        let mut sums = std::mem::take(&mut self.sums);
        let seen = self.at(forecast, horizon);
        let probability = seen.probability();
        let before = self
            .summed
            .filter(|&(days, first)| days == seen.days && (seen.first..seen.first + AROUND_BOTH).contains(&first));
        let entering = match before {
            Some((_, first)) => {
                let leaving = seen.minutes(seen.first + AROUND_BOTH..first + AROUND_BOTH);
                leaving.for_each(|row| table.add(row, -probability, &mut sums));
                seen.first..first
            }
            None => {
                sums.clear(share);
                let mut sorted = Sorted::default();
                for alike in sorted.of(seen.rows()).chunk_by(|one, next| one == next) {
                    table.add(alike[0], probability * alike.len() as f32, &mut sums);
                }
                0..0
            }
        };
        seen.minutes(entering).for_each(|row| table.add(row, probability, &mut sums));
        expected.finish_of(&sums);
        self.summed = Some((seen.days, seen.first));
        self.sums = sums;
    }

    /// Around the time of one horizon.
    fn at(&self, forecast: &OnlineForecast, horizon: usize) -> SameTime<'_> {
        let horizons = forecast.horizons();
        let (ahead, furthest) = horizons.get(horizon).zip(horizons.last()).map_or((0, 0), |(&one, &last)| (one, last));
        let known = |day: &u64| day * 1440 - u64::from(ahead) + AROUND < forecast.history().seen();
        SameTime { past: self, days: (1..=DAYS).take_while(known).count(), first: (furthest - ahead) as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::predictive::outlook::View;
    use crate::model::Minute;

    #[test]
    fn a_horizon_after_another_expects_what_it_expects_alone() {
        let mut forecast = OnlineForecast::new(&[2, 4, 7]);
        for minute in 0..3 * 1440 {
            let wave = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
            let spike = if minute % 60 < 5 { 8.0 } else { 0.0 };
            forecast.push(Minute(minute), 10.0 + 5.0 * wave + spike);
        }
        let table = LateTable::new(0.5, 2.0);
        let mut days = PastDays::default();
        days.look(&forecast);
        for horizon in 0..3 {
            let (mut after, mut alone) = (ExpectedLate::default(), ExpectedLate::default());
            days.expect(&forecast, horizon, (&table, 1.0), &mut after);
            let distribution = View::TimeOfDay.distribution(&forecast, &days, horizon);
            distribution.for_each(|probability, row| table.add(row, probability, &mut alone));
            alone.finish();
            for price in [1.0, 5.0, 20.0, 100.0] {
                assert_eq!(table.cheapest(&after, price, 0), table.cheapest(&alone, price, 0), "{horizon} {price}");
            }
            assert!(distribution.outcomes().count() > 3);
        }
    }
}
