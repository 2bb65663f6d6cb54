use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole minute, counted from the Unix epoch. The grid on which groups are sampled, decided and replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Minute(pub i64);

impl Minute {
    /// The minute that `time` lies in.
    pub fn containing(time: DateTime<Utc>) -> Self {
        Self(time.timestamp().div_euclid(60))
    }

    /// The instant at which this minute starts. Clamped to what a calendar can express.
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.saturating_mul(60), 0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }

    /// Minute of the day in UTC, 0..1440.
    pub fn of_day(self) -> u32 {
        self.0.rem_euclid(1440) as u32
    }
}

impl Add<i64> for Minute {
    type Output = Self;
    fn add(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes))
    }
}

impl Sub<i64> for Minute {
    type Output = Self;
    fn sub(self, minutes: i64) -> Self {
        Self(self.0.saturating_sub(minutes))
    }
}

impl Sub for Minute {
    type Output = i64;
    fn sub(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.start().format("%Y-%m-%dT%H:%MZ").fmt(formatter)
    }
}
