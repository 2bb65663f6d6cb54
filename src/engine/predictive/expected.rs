//! What a predictive decision expected, for people and for monitoring.

use super::PredictiveEvidence;
use crate::model::Minute;

/// Demand that is expected in a minute, in instances' worth, by quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// The minute.
    pub minute: Minute,
    /// It is lower once in ten times.
    pub low: f64,
    /// It is lower as often as not.
    pub middle: f64,
    /// It is higher once in ten times.
    pub high: f64,
    /// It is higher once in a hundred times.
    pub highest: f64,
}

impl PredictiveEvidence {
    /// What was expected at each horizon, nearest first. Empty while too little has been seen.
    pub fn expected(&self) -> Vec<Expected> {
        let horizons = self.outlook.iter().flat_map(|outlook| &outlook.horizons);
        horizons
            .map(|horizon| Expected {
                minute: self.newest + i64::from(horizon.minutes),
                low: horizon.demand.quantile(0.1),
                middle: horizon.demand.quantile(0.5),
                high: horizon.demand.quantile(0.9),
                highest: horizon.demand.quantile(0.99),
            })
            .collect()
    }

    /// What was expected for when an instance asked for now would serve: the nearest that is not nearer than that.
    pub fn expected_at(&self, lead_minutes: u32) -> Option<Expected> {
        let ready = self.now + i64::from(lead_minutes);
        let expected = self.expected();
        expected.iter().find(|one| one.minute >= ready).or(expected.last()).copied()
    }
}
