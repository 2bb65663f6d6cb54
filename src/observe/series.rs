use std::ops::RangeInclusive;

use crate::model::Minute;

/// The values of one signal over a window of minutes, before they become samples.
#[derive(Clone, Debug)]
pub(super) struct Series {
    first: Minute,
    minutes: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sum: f64,
    count: u32,
    /// Start of the period that the value was measured in; a later one replaces it.
    measured: Option<Minute>,
    mean: bool,
    reporters: bool,
}

/// How the values of several instances become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    /// Their mean: shares, latencies.
    Mean,
    /// Their sum: rates, lengths.
    Sum,
}

impl Series {
    pub(super) fn new(window: &RangeInclusive<Minute>) -> Self {
        let length = (*window.end() - *window.start() + 1).max(0);
        Self { first: *window.start(), minutes: vec![Cell::default(); usize::try_from(length).unwrap_or(0)] }
    }

    /// Adds a value measured over `period_minutes` from `start`. A value of a longer period stands, once it is over, until
    /// the next one is due: it is all that is known of those minutes.
    pub(super) fn add(&mut self, start: Minute, period_minutes: i64, value: f64, combine: Combine) {
        if !value.is_finite() {
            return;
        }
        let lasts = if period_minutes > 1 { 2 * period_minutes } else { 1 };
        for minute in start.0..start.0 + lasts {
            let Some(cell) = self.cell(Minute(minute)) else { continue };
            match cell.measured {
                Some(measured) if measured > start => continue,
                Some(measured) if measured < start => *cell = Cell::default(),
                _ => {}
            }
            cell.measured = Some(start);
            cell.mean = combine == Combine::Mean;
            cell.sum += value;
            cell.count += 1;
        }
    }

    /// Says that every value of this series is one instance's.
    pub(super) fn count_reporters(&mut self) {
        for cell in &mut self.minutes {
            cell.reporters = true;
        }
    }

    /// Drops the minutes for which fewer than `least` values came: part of a sum is no sum.
    pub(super) fn require(&mut self, least: usize) {
        for cell in &mut self.minutes {
            if (cell.count as usize) < least {
                *cell = Cell::default();
            }
        }
    }

    pub(super) fn value(&self, minute: Minute) -> Option<f64> {
        let cell = self.minutes.get(self.index(minute)?).filter(|cell| cell.count > 0)?;
        Some(if cell.mean { cell.sum / f64::from(cell.count) } else { cell.sum })
    }

    pub(super) fn reporters(&self, minute: Minute) -> Option<u32> {
        let cell = self.minutes.get(self.index(minute)?)?;
        (cell.reporters && cell.count > 0).then_some(cell.count)
    }

    fn cell(&mut self, minute: Minute) -> Option<&mut Cell> {
        let index = self.index(minute)?;
        self.minutes.get_mut(index)
    }

    fn index(&self, minute: Minute) -> Option<usize> {
        usize::try_from(minute - self.first).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> Series {
        Series::new(&(Minute(10)..=Minute(19)))
    }

    #[test]
    fn values_of_several_instances_are_averaged_or_summed() {
        let (mut mean, mut sum) = (series(), series());
        for value in [40.0, 60.0] {
            mean.add(Minute(12), 1, value, Combine::Mean);
            sum.add(Minute(12), 1, value, Combine::Sum);
        }
        assert_eq!((mean.value(Minute(12)), sum.value(Minute(12))), (Some(50.0), Some(100.0)));
        assert_eq!(mean.value(Minute(13)), None);
    }

    #[test]
    fn a_value_of_a_longer_period_stands_until_the_next_one_is_due() {
        let mut series = series();
        series.add(Minute(10), 5, 1.0, Combine::Mean);
        assert_eq!(series.value(Minute(19)), Some(1.0));
        series.add(Minute(15), 5, 2.0, Combine::Mean);
        assert_eq!((series.value(Minute(14)), series.value(Minute(15))), (Some(1.0), Some(2.0)));
        series.add(Minute(3), 5, 9.0, Combine::Mean);
        assert_eq!(series.value(Minute(12)), Some(1.0), "an older one changes nothing");
    }

    #[test]
    fn what_lies_outside_the_window_or_is_no_number_is_passed_over() {
        let mut series = series();
        series.add(Minute(9), 1, 1.0, Combine::Mean);
        series.add(Minute(20), 1, 1.0, Combine::Mean);
        series.add(Minute(12), 1, f64::NAN, Combine::Mean);
        assert!((5..25).all(|minute| series.value(Minute(minute)).is_none()));
    }

    #[test]
    fn part_of_a_sum_is_no_sum() {
        let mut series = series();
        series.add(Minute(12), 1, 5.0, Combine::Sum);
        series.require(2);
        assert_eq!(series.value(Minute(12)), None);
    }
}
