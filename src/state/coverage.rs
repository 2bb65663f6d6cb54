use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::Minute;

/// Forecasts that are waited for at most.
const MOST_AWAITED: usize = 120;
/// Forecasts that the share is of: a day of one a minute.
const REMEMBERED: u32 = 1440;

/// How often the load came out where the forecast was sure of it with 80 %. A forecast that knows its own uncertainty is
/// right eight times in ten, neither less nor more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coverage {
    /// Minute, lower and upper bound of what was forecast and has not come yet, in order.
    awaited: VecDeque<(Minute, f64, f64)>,
    /// Forecasts that have come, a day's at most.
    count: u32,
    /// The share of them that came out within their bounds, older ones fading.
    within: f64,
}

impl Coverage {
    /// Something was forecast for a minute. Only the first forecast for it counts: it looked the farthest.
    pub fn forecast(&mut self, minute: Minute, low: f64, high: f64) {
        if self.awaited.back().is_none_or(|(last, ..)| *last < minute) && self.awaited.len() < MOST_AWAITED {
            self.awaited.push_back((minute, low, high));
        }
    }

    /// The load of a minute is known. What was forecast for earlier ones and never measured is forgotten.
    pub fn measured(&mut self, minute: Minute, load: f64) {
        while let Some((awaited, low, high)) = self.awaited.front().copied()
            && awaited <= minute
        {
            self.awaited.pop_front();
            if awaited == minute {
                self.count = (self.count + 1).min(REMEMBERED);
                let within = if (low..=high).contains(&load) { 1.0 } else { 0.0 };
                self.within += (within - self.within) / f64::from(self.count);
            }
        }
    }

    /// The share in per cent, once an hour's worth has come.
    pub fn percent(&self) -> Option<f64> {
        (self.count >= 60).then_some(self.within * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_forecasts_whose_minute_was_measured() {
        let mut coverage = Coverage::default();
        for minute in 0..100 {
            coverage.forecast(Minute(minute + 3), 1.0, 2.0);
            // A later forecast for the same minute has it easier, and does not count.
            coverage.forecast(Minute(minute + 3), 0.0, 9.0);
            let load = if minute % 10 == 0 { 5.0 } else { 1.5 };
            coverage.measured(Minute(minute), load);
        }
        assert_eq!(coverage.percent().map(f64::round), Some(91.0), "{coverage:?}");
        assert_eq!(Coverage::default().percent(), None);
    }

    #[test]
    fn minutes_that_were_never_measured_count_neither_way_and_are_forgotten() {
        let mut coverage = Coverage::default();
        for minute in 0..200 {
            coverage.forecast(Minute(minute), 1.0, 2.0);
        }
        coverage.measured(Minute(500), 1.5);
        assert_eq!((coverage.count, coverage.awaited.len()), (0, 0));
    }
}
