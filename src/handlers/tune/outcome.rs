use serde::Serialize;

use crate::clients::Cloud;
use crate::handlers::history::Compacted;
use crate::handlers::messages::OWN_SUBJECT;
use crate::model::{Author, Standing};

/// What tuning came to for one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// The group.
    pub group: String,
    /// The version that decides; `config` where the configuration's policy does.
    pub active: String,
    /// The version that decides beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
    /// What happened to versions, in order.
    pub steps: Vec<VersionStep>,
    /// What was judged, in the order of the candidates.
    pub judged: Vec<JudgedVersion>,
    /// What was done, left out or could not be read, in sentences.
    pub notes: Vec<String>,
    /// What was done to the group's past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Compacted>,
    /// Subject and text of the weekly report, where one is due.
    #[serde(skip)]
    pub report: Option<(String, String)>,
}

/// A step of a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionStep {
    /// The version.
    pub version: String,
    /// How it stands now.
    pub standing: Standing,
    /// Why.
    pub why: String,
}

/// A candidate that was judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedVersion {
    /// Its version.
    pub version: String,
    /// Who came up with it.
    pub author: Author,
    /// What it changes.
    pub changes: Vec<String>,
    /// Whether it passed.
    pub passed: bool,
    /// J on the held-out days, and that of the policy in force.
    pub j: f64,
    /// See there.
    pub j_before: f64,
    /// Share of J that is saved at least.
    pub saved_at_least: f64,
    /// Why it did not pass.
    pub objections: Vec<String>,
}

/// Tells people what they should know: what waits for them, what takes effect, and what was taken back.
pub(super) async fn tell(cloud: &Cloud, topic: Option<&str>, outcome: &Outcome) {
    let Some(topic) = topic else { return };
    if let Some((subject, text)) = &outcome.report {
        let subject = format!("{OWN_SUBJECT}: {subject}");
        if let Err(error) = cloud.smn().publish(topic, &subject, text).await {
            tracing::warn!(group = outcome.group, %error, "the weekly report could not be sent");
        }
    }
    for VersionStep { version, standing, why } in &outcome.steps {
        let subject = match standing {
            Standing::Proposed => "a policy waits for approval",
            Standing::Canary => "a new policy takes effect",
            Standing::RolledBack => "a policy was rolled back",
            Standing::Rejected | Standing::Shadow | Standing::Active | Standing::Lapsed => continue,
        };
        let subject = format!("{OWN_SUBJECT}: {}: {subject}", outcome.group);
        if let Err(error) = cloud.smn().publish(topic, &subject, &format!("Version {version}: {why}.")).await {
            tracing::warn!(group = outcome.group, version, %error, "a message could not be sent");
        }
    }
}
