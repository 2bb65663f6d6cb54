use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LiveFigures, Minute, Tunables};

/// The name that decisions give to the configuration's own policy.
pub const CONFIG_VERSION: &str = "config";

/// A policy that tuning has come up with, and why it should be better. Written once, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyVersion {
    /// Version of the form.
    pub schema: u32,
    /// Its name: `<time>-<author>-<digest>`.
    pub version: String,
    /// The group.
    pub group: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// The version in force that it was compared with.
    pub parent: String,
    /// The configured policy that it is derived from, by [`basis`](super::basis). When that changes, the version lapses.
    pub basis: String,
    /// Who came up with it.
    pub author: Author,
    /// Why, in the author's words.
    pub why: String,
    /// What it consists of.
    pub tunables: Tunables,
    /// What differs from the parent.
    pub changes: Vec<String>,
    /// What replay says of it.
    pub evidence: PolicyEvidence,
}

/// Who came up with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A person.
    Person,
    /// Local search, or the choice of another engine.
    Search,
    /// The threshold optimiser of the founding article.
    Optimiser,
    /// The adviser.
    Deepseek,
}

impl Author {
    /// Its name in versions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Search => "search",
            Self::Optimiser => "optimiser",
            Self::Deepseek => "deepseek",
        }
    }
}

/// What a replay of the group's own load says of a candidate, beside the policy in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyEvidence {
    /// First minute of the load that was replayed.
    pub from: Minute,
    /// First minute that the candidate was not chosen on.
    pub held_out_from: Minute,
    /// The minute after the last.
    pub until: Minute,
    /// Price of a violation.
    pub violation_price: f64,
    /// On the days that the candidate was chosen on.
    pub training: Comparison,
    /// On the days that it was not.
    pub held_out: Comparison,
    /// Held-out days one by one.
    pub days: Vec<Comparison>,
    /// Share of J that is saved on the held-out days at least, with this confidence, by block bootstrap.
    pub saved_at_least: f64,
    /// That confidence.
    pub confidence: f64,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Days that went wrong, made from the group's usual day.
    pub stress: Vec<StressResult>,
    /// Signals that a replay cannot tell, and that it was played without.
    pub not_replayed: Vec<String>,
    /// What to expect of it live.
    pub expected: Expected,
    /// Whether it passed.
    pub passed: bool,
    /// Why it did not.
    pub objections: Vec<String>,
}

/// Two policies over the same minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// First minute.
    pub from: Minute,
    /// Minutes.
    pub minutes: u32,
    /// The policy in force.
    pub before: Figures,
    /// The candidate.
    pub after: Figures,
}

/// How a policy did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Cost and violations as a multiple of what perfect foresight pays.
    pub j: f64,
    /// Instance-hours paid.
    pub cost_hours: f64,
    /// Share of the work in its service level.
    pub in_slo: f64,
    /// Changes of the number of instances.
    pub actions: u32,
}

/// One day that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StressResult {
    /// What goes wrong: `burst`, `metric_gap`, `spot_storm`, `slow_start`, `level_shift`.
    pub name: String,
    /// Both policies on that day.
    pub comparison: Comparison,
    /// Whether the candidate is no worse.
    pub passed: bool,
}

/// What is to be expected of a policy live, at worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Of a whole window of [`WATCH_MINUTES`], whenever it begins.
    #[serde(flatten)]
    pub window: Worst,
    /// Of a window's first minutes, from the sixtieth on. Versions of before 2026-11-28 do not say: they are judged by whole
    /// windows alone.
    #[serde(default)]
    pub early: Option<Worst>,
}

/// Figures that are not exceeded as long as all goes as replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Worst {
    /// Highest price, in instance-minutes for an instance-minute of work: what is paid, and what late work costs.
    pub price_of_work: f64,
    /// Highest share of the work in minutes whose response time was over the service level.
    pub late_share: f64,
}

impl Worst {
    /// The worse of both.
    #[must_use]
    pub fn or(self, figures: &LiveFigures) -> Self {
        Self {
            price_of_work: self.price_of_work.max(figures.price_of_work()),
            late_share: self.late_share.max(figures.late_share()),
        }
    }
}

/// Minutes over which live figures are compared with what is expected.
pub const WATCH_MINUTES: i64 = 360;

/// How a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It passed the gate and waits.
    Proposed,
    /// It did not pass, or a person did not want it.
    Rejected,
    /// It decides beside the one in force, and nothing follows.
    Shadow,
    /// It decides, and is watched.
    Canary,
    /// It decides.
    Active,
    /// It was worse than expected, or a person did not want it.
    RolledBack,
    /// Another one took its place, or the configuration changed.
    Lapsed,
}

impl Standing {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Rejected => "rejected",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Active => "active",
            Self::RolledBack => "rolled back",
            Self::Lapsed => "lapsed",
        }
    }
}

/// What a person wants of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyOrder {
    /// It may take effect.
    Approve,
    /// It may not.
    Reject,
    /// It shall no longer be in effect, and not again.
    RollBack,
}

/// Something that happened to a version. Written once under a key of its own, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyChange {
    /// Version of the form.
    pub schema: u32,
    /// Unique; part of the object's key.
    pub id: String,
    /// The version of the policy.
    pub version: String,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// What happened.
    pub what: PolicyEvent,
    /// Who did it: a person's name, `tune` or `evaluate`.
    pub who: String,
    /// Why, in words.
    pub why: String,
}

/// What happened to a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyEvent {
    /// It stands differently now.
    Became(Standing),
    /// A person gave an order, which takes effect with the next run of `tune`; an order against it with the next evaluation.
    Ordered(PolicyOrder),
}

/// Which versions are in force. `tune` alone writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Course {
    /// Version of the form.
    pub schema: u32,
    /// When it was written.
    pub written: DateTime<Utc>,
    /// The configured policy that all of this is derived from.
    pub basis: String,
    /// When candidates were last looked for.
    pub last_round: Option<DateTime<Utc>>,
    /// The version that decides. `None`: the configuration's policy.
    pub active: Option<InForce>,
    /// The version that decided before, to which to return.
    pub previous: Option<InForce>,
    /// The version that decides beside.
    pub shadow: Option<InForce>,
    /// Whether the shadow takes effect by itself when it has proved itself.
    #[serde(default)]
    pub shadow_takes_effect: bool,
}

/// A version in force, or in shadow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InForce {
    /// Which.
    pub version: String,
    /// What it consists of.
    pub tunables: Tunables,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when it is watched.
    pub watched_until: Option<DateTime<Utc>>,
    /// What is expected of it.
    pub expected: Expected,
}

impl Course {
    /// The version that decides, seen that some are not followed any more: the active one, or else the one before.
    pub fn followed(&self, is_refused: impl Fn(&str) -> bool) -> Option<&InForce> {
        let active = self.active.as_ref()?;
        let candidates = [Some(active), self.previous.as_ref()];
        candidates.into_iter().flatten().find(|version| !is_refused(&version.version))
    }
}
