//! A load minute by minute, made from whatever step a recording has.

use thiserror::Error;

use crate::model::Minute;

/// Minutes in a day.
const DAY: usize = 1440;
/// Longest window that is played: ten years.
const MOST_MINUTES: usize = 10 * 366 * DAY;
/// Spread of the minute noise that is put back into a coarser trace.
const MINUTE_NOISE: f64 = 0.08;

/// A recorded load at a regular step, as it lies in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// What it is called in reports.
    pub name: String,
    /// Minute of the first value.
    pub start: Minute,
    /// Seconds between two values.
    pub step_seconds: u32,
    /// Work per second; `None` where nothing was recorded. Finite and not negative.
    pub values: Vec<Option<f64>>,
}

/// A load to replay: work per second, constant within each minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What it is called in reports.
    pub name: String,
    /// The first minute.
    pub start: Minute,
    /// Work per second, one value a minute.
    pub load: Vec<f64>,
    /// Recorded values in this window that were missing and had to be interpolated.
    pub interpolated: usize,
}

/// Which days of a recording are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First day, counted in whole days from the first value.
    pub from_day: usize,
    /// How many days; all that follow if `None`.
    pub days: Option<usize>,
}

/// Why a recording cannot be replayed.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// There is not one value.
    #[error("{name} holds no value to replay")]
    Empty {
        /// The trace.
        name: String,
    },
    /// The step is zero.
    #[error("{name} has a step of 0 s")]
    ZeroStep {
        /// The trace.
        name: String,
    },
    /// The window lies behind the end.
    #[error("{name} has {days} days, so day {from_day} (counted from 0) is behind its end")]
    WindowBehindEnd {
        /// The trace.
        name: String,
        /// Days that have begun.
        days: usize,
        /// The day asked for.
        from_day: usize,
    },
    /// The window is longer than what is played at once.
    #[error("{name} has {days} days in the window asked for; at most ten years are played at once")]
    TooLong {
        /// The trace.
        name: String,
        /// Days asked for.
        days: usize,
    },
    /// There is no work in the window.
    #[error("{name} has no load in the days asked for, so there is nothing to scale")]
    NoLoad {
        /// The trace.
        name: String,
    },
}

impl Trace {
    /// Interpolates what is missing, resamples to minutes, puts the minute noise back into a coarser trace, and cuts out
    /// the window.
    ///
    /// The noise of minute t, counted from the recording's first value, multiplies the load by max(0, 1 + 0.08 z), z being
    /// the sum of four uniform numbers from SplitMix64 of 4 t + i, centred and scaled to variance 1.
    pub fn prepare(recording: &Recording, window: Window) -> Result<Self, TraceError> {
        let name = || recording.name.clone();
        if recording.step_seconds == 0 {
            return Err(TraceError::ZeroStep { name: name() });
        }
        let values = filled(&recording.values).ok_or_else(|| TraceError::Empty { name: name() })?;
        let step = f64::from(recording.step_seconds);
        let minutes = ((values.len() - 1) as f64 * step / 60.0) as usize + 1;
        let first = window.from_day.saturating_mul(DAY);
        if first >= minutes {
            return Err(TraceError::WindowBehindEnd {
                name: name(),
                days: minutes.div_ceil(DAY),
                from_day: window.from_day,
            });
        }
        let end = window.days.map_or(minutes, |days| first.saturating_add(days.saturating_mul(DAY)).min(minutes));
        if end - first > MOST_MINUTES {
            return Err(TraceError::TooLong { name: name(), days: (end - first) / DAY });
        }
        let load: Vec<f64> = (first..end)
            .map(|minute| {
                let level = value_at(&values, minute as f64 * 60.0 / step);
                if recording.step_seconds > 60 { level * minute_noise(minute as u64) } else { level }
            })
            .collect();
        if load.iter().all(|load| *load <= 0.0) {
            return Err(TraceError::NoLoad { name: name() });
        }
        let recorded = |minute: usize| (minute as f64 * 60.0 / step).ceil() as usize;
        let rows = recorded(first)..recorded(end).min(recording.values.len());
        Ok(Self {
            name: name(),
            start: recording.start + first as i64,
            load,
            interpolated: recording.values[rows].iter().filter(|value| value.is_none()).count(),
        })
    }

    /// Minutes to play.
    pub fn minutes(&self) -> usize {
        self.load.len()
    }
}

/// Missing values interpolated between their neighbours; at the ends the nearest value. `None` if there is no value.
fn filled(values: &[Option<f64>]) -> Option<Vec<f64>> {
    let mut filled: Vec<f64> = Vec::with_capacity(values.len());
    let mut before: Option<f64> = None;
    let mut missing = 0usize;
    for value in values {
        let Some(value) = *value else {
            missing += 1;
            continue;
        };
        let from = before.unwrap_or(value);
        let steps = (missing + 1) as f64;
        filled.extend((1..=missing).map(|step| from + (value - from) * step as f64 / steps));
        filled.push(value);
        before = Some(value);
        missing = 0;
    }
    let last = before?;
    filled.extend(std::iter::repeat_n(last, missing));
    Some(filled)
}

/// Linear between the values; `position` counts them.
fn value_at(values: &[f64], position: f64) -> f64 {
    let index = position as usize;
    let share = position - index as f64;
    let here = values[index];
    match values.get(index + 1) {
        Some(next) if share > 0.0 => here + (next - here) * share,
        _ => here,
    }
}

pub(super) fn minute_noise(minute: u64) -> f64 {
    let sum: f64 =
        (0..4).map(|i| (split_mix_64(minute.wrapping_mul(4).wrapping_add(i)) >> 11) as f64 * 2f64.powi(-53)).sum();
    (1.0 + MINUTE_NOISE * (sum - 2.0) * 3f64.sqrt()).max(0.0)
}

/// SplitMix64's output for the state `x` (Steele, Lea and Flood 2014, <https://doi.org/10.1145/2660193.2660195>).
pub(crate) fn split_mix_64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(step_seconds: u32, values: &[Option<f64>]) -> Recording {
        Recording { name: "test".to_owned(), start: Minute(100), step_seconds, values: values.to_vec() }
    }

    fn load(step_seconds: u32, values: &[Option<f64>]) -> Vec<f64> {
        Trace::prepare(&recording(step_seconds, values), Window::default()).unwrap().load
    }

    #[test]
    fn empty_cells_are_interpolated_and_counted() {
        let values = [None, Some(2.0), None, None, Some(8.0), None];
        let trace = Trace::prepare(&recording(60, &values), Window::default()).unwrap();
        assert_eq!(trace.load, [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        assert_eq!(trace.interpolated, 4);
    }

    #[test]
    fn a_finer_trace_is_resampled_linearly() {
        assert_eq!(load(30, &[Some(1.0), Some(9.0), Some(2.0), Some(9.0), Some(3.0)]), [1.0, 2.0, 3.0]);
        assert_eq!(load(40, &[Some(0.0), Some(4.0), Some(8.0), Some(12.0)]), [0.0, 6.0, 12.0]);
    }

    #[test]
    fn a_coarser_trace_is_resampled_and_gets_its_minute_noise_back() {
        let load = load(300, &[Some(1000.0), Some(2000.0)]);
        assert_eq!(load.len(), 6);
        for (minute, load) in load.iter().enumerate() {
            assert_eq!(*load, (1000.0 + 200.0 * minute as f64) * minute_noise(minute as u64));
        }
        let noise: Vec<f64> = (0..100_000).map(minute_noise).collect();
        let mean = noise.iter().sum::<f64>() / 1e5;
        let variance = noise.iter().map(|noise| (noise - mean).powi(2)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 1e-3);
        assert!((variance.sqrt() - 0.08).abs() < 1e-3);
    }

    #[test]
    fn the_noise_is_counted_from_the_first_value_whatever_the_window() {
        let values = vec![Some(10.0); 3 * 288];
        let all = Trace::prepare(&recording(300, &values), Window::default()).unwrap();
        let second = Trace::prepare(&recording(300, &values), Window { from_day: 1, days: Some(1) }).unwrap();
        assert_eq!(second.start, Minute(100 + 1440));
        assert_eq!(second.load, all.load[1440..2880]);
    }

    #[test]
    fn the_first_output_of_split_mix_64_is_the_published_one() {
        assert_eq!(split_mix_64(0), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn a_window_behind_the_end_and_a_trace_without_load_are_refused() {
        let error = Trace::prepare(&recording(60, &[Some(1.0); 10]), Window { from_day: 1, days: None }).unwrap_err();
        assert_eq!(error.to_string(), "test has 1 days, so day 1 (counted from 0) is behind its end");
        let daily = recording(86_400, &vec![Some(1.0); 4_000]);
        let error = Trace::prepare(&daily, Window::default()).unwrap_err();
        assert!(error.to_string().ends_with("at most ten years are played at once"), "{error}");
        assert!(Trace::prepare(&daily, Window { from_day: 3_000, days: Some(7) }).is_ok());
        assert!(Trace::prepare(&recording(60, &[Some(0.0); 10]), Window::default()).is_err());
        assert!(Trace::prepare(&recording(60, &[None, None]), Window::default()).is_err());
    }
}
