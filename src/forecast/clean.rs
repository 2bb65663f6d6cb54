//! Makes a recorded series fit to be forecast: gaps filled, single outliers pulled in, the past before a lasting level shift
//! cut off. What was done is counted, so that nobody takes a repaired series for a measured one.

/// Longest gap that a straight line may fill, in values.
const LONGEST_GAP: usize = 60;
/// An outlier is this many robust deviations from the median around it (Hampel).
const OUTLIER_DEVIATIONS: f64 = 6.0;
/// A high outlier is this many times what the series has reached more than [`RARE`] times: bursts that come again are load.
const BEYOND_COMMON: f64 = 2.0;
/// Values that are too few to be common.
const RARE: usize = 10;
/// Values on each side that an outlier is compared with.
const NEIGHBOURS: usize = 7;
/// A level shift lies between two days whose medians differ by this many deviations of the days' medians before.
const SHIFT_DEVIATIONS: f64 = 5.0;
/// A level shift changes the median at least by this share.
const SHIFT_SHARE: f64 = 0.5;
/// Days that a shift must have lasted: a weekend is none.
const SHIFT_DAYS: usize = 3;

/// A series without gaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cleaned {
    /// The values from `dropped` on.
    pub values: Vec<f64>,
    /// Values at the start that are not used: before a long gap or a level shift.
    pub dropped: usize,
    /// Values that were missing and lie on a straight line now.
    pub filled: usize,
    /// Single values that stood out and were pulled to the median around them.
    pub outliers: usize,
}

/// Cleans a series. `day` is the number of values of a day.
pub fn clean(values: &[Option<f64>], day: usize) -> Cleaned {
    let start = after_last_long_gap(values);
    let (mut filled_values, filled) = fill(&values[start..]);
    let outliers = pull_in_outliers(&mut filled_values);
    let shift = last_level_shift(&filled_values, day);
    Cleaned { values: filled_values.split_off(shift), dropped: start + shift, filled, outliers }
}

fn after_last_long_gap(values: &[Option<f64>]) -> usize {
    let (mut start, mut missing) = (0, 0);
    for (at, value) in values.iter().enumerate() {
        if value.is_some_and(f64::is_finite) {
            if missing > LONGEST_GAP || start + missing == at {
                start = at;
            }
            missing = 0;
        } else {
            missing += 1;
        }
    }
    start
}

fn fill(values: &[Option<f64>]) -> (Vec<f64>, usize) {
    let mut all: Vec<f64> = Vec::with_capacity(values.len());
    let (mut missing, mut filled) = (0, 0);
    for value in values {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            missing += 1;
            continue;
        };
        let before = all.last().copied().unwrap_or(value);
        for step in 1..=missing {
            all.push(before + (value - before) * step as f64 / (missing + 1) as f64);
        }
        filled += missing;
        missing = 0;
        all.push(value);
    }
    (all, filled)
}

fn pull_in_outliers(values: &mut [f64]) -> usize {
    let original = values.to_vec();
    let mut descending = original.clone();
    descending.sort_unstable_by(|a, b| b.total_cmp(a));
    let common = descending.get(RARE).copied().unwrap_or(f64::INFINITY);
    let mut outliers = 0;
    for at in NEIGHBOURS..original.len().saturating_sub(NEIGHBOURS) {
        let mut around: Vec<f64> = original[at - NEIGHBOURS..=at + NEIGHBOURS].to_vec();
        let middle = median(&mut around);
        let mut deviations: Vec<f64> = around.iter().map(|value| (value - middle).abs()).collect();
        let deviation = 1.4826 * median(&mut deviations);
        // Where most neighbours are equal, a deviation of zero says nothing.
        let stands_out = deviation > 0.0 && (original[at] - middle).abs() > OUTLIER_DEVIATIONS * deviation;
        if stands_out && (original[at] < middle || original[at] > BEYOND_COMMON * common) {
            values[at] = middle;
            outliers += 1;
        }
    }
    outliers
}

/// Index from which on the level has stayed where it is now.
fn last_level_shift(values: &[f64], day: usize) -> usize {
    let medians: Vec<f64> = values.chunks_exact(day.max(1)).map(|day| median(&mut day.to_vec())).collect();
    let mut start = 0;
    for at in 2..medians.len() {
        let before = &medians[start..at];
        if before.len() < 2 {
            continue;
        }
        let middle = median(&mut before.to_vec());
        let mut deviations: Vec<f64> = before.iter().map(|value| (value - middle).abs()).collect();
        let deviation = (1.4826 * median(&mut deviations)).max(0.02 * middle.abs());
        let moved = |value: f64| {
            let change = (value - middle).abs();
            change > SHIFT_DEVIATIONS * deviation && change > SHIFT_SHARE * middle.abs().max(f64::MIN_POSITIVE)
        };
        // An odd day is no shift: the next must stay with it.
        if medians.get(at..at + SHIFT_DAYS).is_some_and(|days| days.iter().all(|&median| moved(median))) {
            start = at;
        }
    }
    start * day
}

/// The median. Sorts `values`; 0 if there are none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gaps_are_filled_and_counted() {
        let mut values: Vec<Option<f64>> = (0..200).map(|at| Some(f64::from(at))).collect();
        values[50..60].fill(None);
        let cleaned = clean(&values, 1440);
        assert_eq!((cleaned.filled, cleaned.dropped, cleaned.outliers), (10, 0, 0));
        assert!((cleaned.values[55] - 55.0).abs() < 1e-9);
    }

    #[test]
    fn what_lies_before_a_long_gap_is_dropped() {
        let mut values: Vec<Option<f64>> = vec![Some(1.0); 500];
        values[100..200].fill(None);
        let cleaned = clean(&values, 1440);
        assert_eq!((cleaned.dropped, cleaned.values.len(), cleaned.filled), (200, 300, 0));
    }

    #[test]
    fn a_single_outlier_is_pulled_in_and_a_burst_stays() {
        let mut values: Vec<Option<f64>> = (0..300).map(|at| Some(10.0 + f64::from(at % 7))).collect();
        values[100] = Some(900.0);
        values[200..220].fill(Some(300.0));
        let cleaned = clean(&values, 1440);
        assert!(cleaned.values[100] < 20.0);
        assert!(cleaned.values[205..215].iter().all(|&value| value == 300.0));
        assert_eq!(cleaned.outliers, 1);
    }

    #[test]
    fn the_past_before_a_lasting_shift_is_dropped_and_one_odd_day_is_not() {
        let level = |day: usize| {
            if day == 3 {
                40.0
            } else if day < 8 {
                10.0
            } else {
                50.0
            }
        };
        let values: Vec<Option<f64>> =
            (0..12 * 24).map(|hour| Some(level(hour / 24) + (hour % 24) as f64 * 0.1)).collect();
        assert_eq!(clean(&values, 24).dropped, 8 * 24);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(clean(&[None, None], 24), Cleaned::default());
        assert!(clean(&[], 24).values.is_empty());
    }
}
