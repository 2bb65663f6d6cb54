use std::iter::Sum;

use serde::{Deserialize, Serialize};

use super::Minute;

/// All signals of a group at one minute. What is missing is `None`, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The minute that the values describe.
    pub minute: Minute,
    /// Instances that served during that minute, as far as known.
    pub serving: Option<u32>,
    /// Instances that served or were starting during that minute, as far as known.
    pub total: Option<u32>,
    /// One value a signal, in the order of the group's signals, each in the unit of its kind.
    pub values: Vec<Option<f64>>,
}

/// What a fleet has at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Instances that take work.
    pub serving: u32,
    /// Instances that were asked for and do not serve yet.
    pub starting: u32,
}

impl Capacity {
    /// Everything that is paid for: serving and starting.
    pub fn total(self) -> u32 {
        self.serving + self.starting
    }
}

impl Sum for Capacity {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            serving: sum.serving + one.serving,
            starting: sum.starting + one.starting,
        })
    }
}
