//! The same group with two purchase options: on demand, and spot instances that are cheaper, limited, and taken back.

mod fleet;
mod purchase;

use std::fmt;

use self::fleet::SpotFleet;
pub use self::purchase::Purchasing;
use super::contest::Contestant;
use super::driver::Arena;
use super::report::Row;

/// How many spot instances each zone has room for, minute by minute. A market that is shorter than the load starts again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotMarket {
    /// One row a minute, one value a zone.
    minutes: Vec<Vec<u32>>,
}

impl SpotMarket {
    /// From one row a minute with one value a zone, as many in every row. `None` without rows or without zones.
    pub fn new(minutes: Vec<Vec<u32>>) -> Option<Self> {
        let zones = minutes.first()?.len();
        (zones > 0 && minutes.iter().all(|row| row.len() == zones)).then_some(Self { minutes })
    }

    /// Zones.
    pub fn zones(&self) -> usize {
        self.minutes[0].len()
    }

    /// Room in every zone at a minute.
    pub fn at(&self, minute: i64) -> &[u32] {
        &self.minutes[minute.rem_euclid(self.minutes.len() as i64) as usize]
    }

    /// Share of the minutes in which any zone has room.
    pub fn availability(&self) -> f64 {
        let available = self.minutes.iter().filter(|row| row.iter().any(|room| *room > 0)).count();
        available as f64 / self.minutes.len() as f64
    }
}

/// The terms on which spot instances are had.
#[derive(Clone, Debug, PartialEq)]
pub struct SpotTerms {
    /// Where and when there are any.
    pub market: SpotMarket,
    /// Price of an hour, on demand being 1.
    pub price: f64,
    /// Seconds from the notice of a reclaim until the instance is gone. Less than a minute is no time at all.
    pub notice_seconds: u32,
}

/// A policy for the size and one for how it is bought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Buyer {
    /// How many instances there shall be.
    pub sizing: Contestant,
    /// Of which option.
    pub purchasing: Purchasing,
}

impl Buyer {
    /// Plays it. Cost is money, in hours of an on-demand instance.
    pub fn play(&self, arena: &Arena<'_>, terms: &SpotTerms) -> Row {
        let mut fleet = SpotFleet::new(arena.service_model(), terms, self.purchasing, arena.start_instances());
        let row = arena.play_on(&mut fleet, self.sizing.player(arena).as_mut(), |_, _| {});
        Row { name: self.to_string(), engine: self.purchasing.name().to_owned(), knob: self.purchasing.share(), ..row }
    }
}

impl fmt::Display for Buyer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}+{}", self.sizing, self.purchasing)
    }
}

#[cfg(test)]
mod tests;
