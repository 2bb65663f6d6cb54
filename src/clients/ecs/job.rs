use serde::Deserialize;

use crate::clients::wire::null_as_default;

/// An order or a deletion under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// How it stands as a whole.
    pub status: JobStatus,
    /// Why it failed, if it failed as a whole.
    pub error_code: Option<String>,
    /// The same in words.
    pub fail_reason: Option<String>,
    /// How each server of it stands. An order of several may fail in parts.
    pub servers: Vec<ServerOutcome>,
}

/// How a job stands for one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOutcome {
    /// The server, once it has an id.
    pub server_id: Option<String>,
    /// How it stands.
    pub status: JobStatus,
    /// Why it failed: Ecs.0319 no capacity, and the like.
    pub error_code: Option<String>,
    /// The same in words.
    pub fail_reason: Option<String>,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobStatus {
    /// It waits.
    Init,
    /// It is being done.
    Running,
    /// It is done.
    Success,
    /// It failed.
    Fail,
    /// A status that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl JobStatus {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Fail)
    }
}

/// The job, or one of the jobs that it was divided into.
#[derive(Deserialize)]
pub(super) struct ShownJob {
    job_id: String,
    #[serde(default, deserialize_with = "null_as_default")]
    status: JobStatus,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    fail_reason: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    entities: Entities,
}

#[derive(Default, Deserialize)]
struct Entities {
    #[serde(default)]
    server_id: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    sub_jobs: Vec<ShownJob>,
}

impl ShownJob {
    fn outcome(&self) -> ServerOutcome {
        ServerOutcome {
            server_id: self.entities.server_id.clone().filter(|id| !id.is_empty()),
            status: self.status,
            error_code: self.error_code.clone(),
            fail_reason: self.fail_reason.clone(),
        }
    }
}

impl From<ShownJob> for Job {
    fn from(shown: ShownJob) -> Self {
        let own = shown.outcome();
        let parts: Vec<ServerOutcome> = shown.entities.sub_jobs.iter().map(ShownJob::outcome).collect();
        let servers = if parts.is_empty() && own.server_id.is_some() { vec![own] } else { parts };
        Self {
            id: shown.job_id,
            status: shown.status,
            error_code: shown.error_code,
            fail_reason: shown.fail_reason,
            servers,
        }
    }
}
