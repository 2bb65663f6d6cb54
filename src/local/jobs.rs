//! Orders and deletions of servers, which the cloud carries out in the background.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Minute;

use super::auto_scaling::time;

/// Jobs by id, and orders by the token that makes them unique.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    jobs: BTreeMap<String, Job>,
    /// Token: the order as it was sent, and the answer it got.
    pub(super) orders: BTreeMap<String, (Vec<u8>, Value)>,
}

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) kind: &'static str,
    pub(super) begun: Minute,
    pub(super) parts: Vec<Part>,
}

/// What a job does to one server.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) job_id: String,
    pub(super) server_id: String,
    /// Error code and reason, if it fails.
    pub(super) failure: Option<(&'static str, String)>,
}

impl Jobs {
    pub(super) fn insert(&mut self, id: String, job: Job) {
        self.jobs.insert(id, job);
    }

    /// A job as the API shows it: done one minute after it began. It has failed if a part of it has, with the first reason.
    pub(super) fn describe(&self, id: &str, now: Minute) -> Option<Value> {
        let job = self.jobs.get(id)?;
        let done = now > job.begun;
        let kind = job.kind;
        let parts: Vec<Value> =
            job.parts.iter().map(|part| describe(&part.job_id, kind, job, done, Some(part))).collect();
        let first_failure = job.parts.iter().find(|part| part.failure.is_some());
        if let [only] = job.parts.as_slice() {
            return Some(describe(id, kind, job, done, Some(only)));
        }
        let mut whole = describe(id, kind, job, done, first_failure);
        whole["entities"] = json!({"sub_jobs_total": parts.len(), "sub_jobs": parts});
        Some(whole)
    }
}

fn describe(id: &str, kind: &str, job: &Job, done: bool, part: Option<&Part>) -> Value {
    let failure = part.and_then(|part| part.failure.as_ref()).filter(|_| done);
    let status = match (done, failure) {
        (false, _) => "RUNNING",
        (true, None) => "SUCCESS",
        (true, Some(_)) => "FAIL",
    };
    json!({
        "job_id": id,
        "job_type": kind,
        "status": status,
        "begin_time": time(job.begun),
        "end_time": if done { Some(time(job.begun + 1)) } else { None },
        "error_code": failure.map(|(code, _)| code),
        "fail_reason": failure.map(|(_, reason)| reason),
        "entities": part.map(|part| json!({"server_id": part.server_id})).unwrap_or_default(),
    })
}
