//! The newest minutes of a series, in a ring of fixed size.

use serde::{Deserialize, Serialize};

use super::packed;

/// Minutes that are kept: a week, and what the lagged features reach beyond it.
pub const KEPT_MINUTES: usize = 7 * 1440 + 80;

/// The newest [`KEPT_MINUTES`] values of a series, one a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Minutes seen so far; the newest value stands at `(seen - 1) % KEPT_MINUTES`.
    seen: u64,
    #[serde(with = "packed")]
    values: Vec<f32>,
}

impl Default for History {
    fn default() -> Self {
        Self { seen: 0, values: Vec::with_capacity(KEPT_MINUTES) }
    }
}

impl History {
    /// Appends the next minute. The value is rounded to single precision; what is read back is the rounded one.
    pub fn push(&mut self, value: f32) {
        let at = (self.seen % KEPT_MINUTES as u64) as usize;
        if at < self.values.len() {
            self.values[at] = value;
        } else {
            self.values.push(value);
        }
        self.seen += 1;
    }

    /// Minutes seen since the start, those that were dropped included.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The value of `age` minutes before the newest, if it is still kept.
    pub fn back(&self, age: u64) -> Option<f64> {
        (age < self.seen.min(KEPT_MINUTES as u64))
            .then(|| f64::from(self.values[((self.seen - 1 - age) % KEPT_MINUTES as u64) as usize]))
    }

    /// Kept values in the order in which a ring of the same size holds them; used to rebuild what derives from them.
    pub(crate) fn slots(&self) -> &[f32] {
        &self.values
    }

    /// True if the parts fit together, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.values.len() as u64 == self.seen.min(KEPT_MINUTES as u64)
            && self.values.iter().all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_minutes_are_dropped() {
        let mut history = History::default();
        for minute in 0..KEPT_MINUTES + 5 {
            history.push(minute as f32);
        }
        assert_eq!(history.back(0), Some((KEPT_MINUTES + 4) as f64));
        assert_eq!(history.back(KEPT_MINUTES as u64 - 1), Some(5.0));
        assert_eq!(history.back(KEPT_MINUTES as u64), None);
        assert!(history.is_sound());
    }
}
