use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub(super) const EXPECTED: &str = r#"{"action": "evaluate" or "tune", "groups": ["…"], "time": "2026-01-31T08:30:00Z", "dry_run": true}, where all but `action` may be left out"#;
pub(super) const SELECTION_EXPECTED: &str = r#"{"groups": ["…"]}"#;

/// A person, or this program's own fan-out, asks for an evaluation or for a round of tuning. Read strictly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// What is asked for.
    pub action: Action,
    /// The groups; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What counts as now, where the function goes by the event's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// Decide and record, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a manual event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An evaluation.
    Evaluate,
    /// A round of tuning, due or not.
    Tune,
}

/// The groups that a timer's `user_event` names. Read strictly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The groups; none means all.
    #[serde(default)]
    pub groups: Vec<String>,
}
