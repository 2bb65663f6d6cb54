use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::clients::cloud_eye::Point;
use crate::model::Minute;

/// One value a minute, over a window of minutes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    first: Minute,
    values: Vec<Option<f64>>,
}

impl Series {
    /// No value at all.
    pub(super) fn empty(window: &RangeInclusive<Minute>) -> Self {
        let length = (*window.end() - *window.start() + 1).max(0);
        Self { first: *window.start(), values: vec![None; usize::try_from(length).unwrap_or(0)] }
    }

    /// Values measured over `period_minutes` each. Several within a minute become their mean. A value of a longer period
    /// stands, once the period is over, until the next one is due: it is all that is known of those minutes.
    pub(super) fn of_points(window: &RangeInclusive<Minute>, points: &[Point], period_minutes: i64) -> Self {
        Self::of_periods(window, points, period_minutes, |_, _, value| value)
    }

    /// The same, where what stands for a minute follows from the first minute of the period, that minute and the value.
    pub(super) fn of_periods(
        window: &RangeInclusive<Minute>,
        points: &[Point],
        period_minutes: i64,
        standing: impl Fn(Minute, Minute, f64) -> f64,
    ) -> Self {
        let mut by_start: BTreeMap<Minute, (f64, u32)> = BTreeMap::new();
        for point in points.iter().filter(|point| point.value.is_finite()) {
            let (sum, count) = by_start.entry(Minute::containing(point.start)).or_default();
            (*sum, *count) = (*sum + point.value, *count + 1);
        }
        let mut series = Self::empty(window);
        for (start, (sum, count)) in by_start {
            let is_over = start + period_minutes <= *window.end() + 1;
            let stands = if period_minutes > 1 { 2 * period_minutes } else { 1 };
            if !is_over {
                continue;
            }
            for minute in (0..stands).map(|later| start + later) {
                series.hold(minute..=minute, standing(start, minute, sum / f64::from(count)));
            }
        }
        series
    }

    /// Sets the value of several minutes. Those outside the window are passed over.
    pub(super) fn hold(&mut self, minutes: RangeInclusive<Minute>, value: f64) {
        for minute in minutes.start().0..=minutes.end().0 {
            if let Some(kept) = self.index(Minute(minute)).and_then(|index| self.values.get_mut(index)) {
                *kept = Some(value);
            }
        }
    }

    pub(super) fn scaled(mut self, factor: f64) -> Self {
        self.values.iter_mut().flatten().for_each(|value| *value *= factor);
        self
    }

    pub(super) fn value(&self, minute: Minute) -> Option<f64> {
        self.values.get(self.index(minute)?).copied().flatten()
    }

    /// The first minute that has a value.
    pub(super) fn first(&self) -> Option<Minute> {
        Some(self.first + self.values.iter().position(Option::is_some)? as i64)
    }

    /// The last minute that has a value.
    pub(super) fn last(&self) -> Option<Minute> {
        Some(self.first + self.values.iter().rposition(Option::is_some)? as i64)
    }

    fn index(&self, minute: Minute) -> Option<usize> {
        usize::try_from(minute - self.first).ok()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn series(points: &[(i64, f64)], period_minutes: i64) -> Series {
        let point = |&(minute, value): &(i64, f64)| Point { start: Minute(minute).start(), value };
        Series::of_points(&(Minute(10)..=Minute(19)), &points.iter().map(point).collect::<Vec<_>>(), period_minutes)
    }

    fn value(series: &Series, minute: i64) -> Option<f64> {
        series.value(Minute(minute))
    }

    #[test]
    fn a_minute_without_a_value_has_none() {
        let series = series(&[(12, 1.0), (14, 2.0)], 1);
        assert_eq!([11, 12, 13, 14].map(|minute| value(&series, minute)), [None, Some(1.0), None, Some(2.0)]);
        assert_eq!((series.first(), series.last()), (Some(Minute(12)), Some(Minute(14))));
    }

    #[test]
    fn a_value_of_a_longer_period_stands_until_the_next_one_is_due() {
        let series = series(&[(5, 9.0), (10, 1.0)], 5);
        assert_eq!((value(&series, 10), value(&series, 19)), (Some(1.0), Some(1.0)));
        let series = self::series(&[(10, 1.0), (15, 2.0)], 5);
        assert_eq!((value(&series, 14), value(&series, 15)), (Some(1.0), Some(2.0)));
    }

    #[test]
    fn a_period_that_is_not_over_says_nothing() {
        assert_eq!(series(&[(16, 1.0)], 5).last(), None);
        assert_eq!(series(&[(15, 1.0)], 5).first(), Some(Minute(15)));
    }

    #[test]
    fn raw_values_within_a_minute_become_their_mean() {
        let at = |seconds: i64, value: f64| Point { start: Minute(12).start() + TimeDelta::seconds(seconds), value };
        let series = Series::of_points(&(Minute(10)..=Minute(19)), &[at(0, 1.0), at(20, 2.0), at(40, 6.0)], 1);
        assert_eq!(value(&series, 12), Some(3.0));
    }

    #[test]
    fn what_lies_outside_the_window_or_is_no_number_is_passed_over() {
        let series = series(&[(9, 1.0), (20, 1.0), (12, f64::NAN)], 1);
        assert_eq!(series, Series::empty(&(Minute(10)..=Minute(19))));
    }
}
