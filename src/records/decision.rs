use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::purchase::PoolTarget;
use crate::engine::{Proposal, guardrails};
use crate::model::{Capacity, Minute, Mode, Purchase, Sample};

/// One evaluation of one group: what was seen, proposed, allowed, done. Everything that `explain` needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What woke the evaluation.
    pub trigger: Trigger,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Asked for by a person to see what would happen.
    pub dry_run: bool,
    /// Version of the policy that decided.
    pub policy: String,
    /// What was seen.
    pub seen: Seen,
    /// What the engine wanted, and from what it follows.
    pub proposal: Proposal,
    /// What the guardrails were given.
    pub guardrail_inputs: guardrails::Inputs,
    /// What they made of it, one entry for each that changed the number.
    pub guardrails: Vec<guardrails::Step>,
    /// How many instances there shall be.
    pub target: u32,
    /// The same by pool.
    pub plan: Vec<PoolTarget>,
    /// What was asked of the cloud, and what it answered.
    pub actions: Vec<Action>,
    /// What each pool has after that, as far as known.
    #[serde(default)]
    pub left: BTreeMap<String, PaidCapacity>,
    /// What a version that is in shadow would have asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowDecision>,
    /// Money spent since the group's first evaluation, as the evaluations reckon it.
    #[serde(default)]
    pub spent: Option<f64>,
    /// What went wrong on the way, in words.
    pub problems: Vec<String>,
    /// HTTP calls made, state included.
    pub http_calls: u64,
    /// How long it took.
    pub duration_ms: u64,
}

impl Decision {
    /// The problem that a decision names which was recorded before it was carried out. The same evaluation records it
    /// again, without this, when it knows what came of it.
    pub const ANNOUNCED: &str = "what came of it is not known: the evaluation did not end";
}

/// What a version would have asked for that decides beside, with nothing following from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowDecision {
    /// The version of the policy.
    pub policy: String,
    /// What its engine wanted.
    pub proposed: u32,
    /// How many instances there would be, after the guardrails.
    pub target: u32,
}

/// What woke an evaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// `timer`, `alarm`, `manual` …
    pub kind: String,
    /// The platform's id of the invocation.
    pub request_id: String,
}

/// What an evaluation saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Instances by pool.
    pub pools: BTreeMap<String, Capacity>,
    /// Newest minute with metrics.
    pub newest: Option<Minute>,
    /// The newest value of each signal.
    pub signals: BTreeMap<String, SignalValue>,
    /// Signals that are missing, stale or contradictory, and why.
    pub missing: BTreeMap<String, String>,
    /// Minutes until a new instance serves, as reckoned with.
    pub lead_minutes: u32,
    /// Names of the signals, in the order of the samples' values.
    #[serde(default)]
    pub signal_names: Vec<String>,
    /// The minutes that were complete now and had not been before, oldest first. Each minute is in one decision.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// What a pool has, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaidCapacity {
    /// Instances that take work.
    pub serving: u32,
    /// Instances that were asked for and do not serve yet.
    pub starting: u32,
    /// How they are paid.
    pub purchase: Purchase,
    /// Price of one instance-hour, in the account's currency.
    pub price_per_hour: f64,
}

impl PaidCapacity {
    /// Everything that is paid for: serving and starting.
    pub fn total(&self) -> u32 {
        self.serving + self.starting
    }

    /// What it costs, per hour.
    pub fn per_hour(&self) -> f64 {
        f64::from(self.total()) * self.price_per_hour
    }
}

/// A value and its minute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalValue {
    /// The value in the signal's unit.
    pub value: f64,
    /// The minute it describes.
    pub minute: Minute,
}

/// One request to the cloud that changes something, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The pool.
    pub pool: String,
    /// What was asked: `set desired number 7`.
    pub request: String,
    /// What came of it.
    pub outcome: ActionOutcome,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionOutcome {
    /// The cloud took it.
    Done,
    /// Not asked, and why: `observe`, dry run.
    Withheld(String),
    /// The cloud refused, or could not be reached.
    Failed(String),
}

/// How a group stands, for the summary of an invocation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The group.
    pub group: String,
    /// Id of the decision record.
    pub decision: String,
    /// When.
    pub time: DateTime<Utc>,
    /// How many instances it has.
    pub current: u32,
    /// How many it shall have.
    pub target: u32,
    /// Why, in one sentence.
    pub why: String,
    /// HTTP calls made for it.
    pub http_calls: u64,
}
