use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Decision;
use crate::model::{Hold, PolicyChange};

/// Version of the form of snapshots and records. A newer one is never rewritten.
pub const SCHEMA_VERSION: u32 = 1;

/// Something that happened to a group. Written once under a key of its own, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the form.
    pub schema: u32,
    /// Unique; part of the object's key.
    pub id: String,
    /// The group.
    pub group: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Happening {
    /// An evaluation came to a decision.
    Decision(Box<Decision>),
    /// An alarm or a reclaim asked for more. Only ever raises.
    Raise(Raise),
    /// Spot instances were taken away, or will be.
    Loss(Loss),
    /// A person gave an order.
    Hold(Hold),
    /// A person lifted all orders given before.
    Lift {
        /// Who.
        who: String,
    },
    /// A person gave an order about a version of the policy.
    Policy(PolicyChange),
    /// Something came in that changed nothing, and why.
    Ignored {
        /// What came in.
        source: String,
        /// Why nothing followed.
        why: String,
    },
}

/// A call for at least so many instances, in force until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// At least so many instances in the whole group.
    pub target: u32,
    /// When it ends by itself.
    pub until: DateTime<Utc>,
    /// Who called: `alarm`, `reclaim`.
    pub source: String,
    /// Identity of the message that caused it, so that a repeat changes nothing.
    pub cause: String,
    /// Why, in words.
    pub why: String,
}

/// A spot instance that is being taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Pool it belongs to.
    pub pool: String,
    /// Its id.
    pub instance: String,
    /// Its zone, as far as known.
    pub zone: Option<String>,
    /// Its flavor, as far as known.
    pub flavor: Option<String>,
    /// When it goes, as far as announced.
    pub ends: Option<DateTime<Utc>>,
    /// Identity of the message that told.
    pub cause: String,
}
