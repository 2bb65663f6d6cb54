use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a person has ordered for a group. It wins over every engine, and expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// What is ordered.
    pub order: Order,
    /// Who ordered it.
    pub who: String,
    /// Why.
    pub why: String,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
}

/// An order of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Change nothing.
    PauseAll,
    /// Do not shrink.
    PauseIn,
    /// Do not grow.
    PauseOut,
    /// Exactly so many instances.
    Pin(u32),
    /// At least so many instances.
    Floor(u32),
}

impl Hold {
    /// Whether it is still in force.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        now < self.until
    }
}
