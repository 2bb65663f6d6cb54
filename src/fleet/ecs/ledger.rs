//! Orders that have not ended yet. They are asked about now and then, never waited for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future;

use super::failures::{Failed, failed_order};
use super::places::exhaust;
use crate::clients::ecs::{Ecs, Job as CloudJob, JobStatus, Server, ServerStatus};
use crate::state::{FleetMemory, Job};

/// Orders asked about in one look; the others have their turn in the next.
const MOST_ASKED: usize = 5;
/// What somebody else has ordered is counted for so long before it is seen: after that its servers have been, or are gone.
const LONGEST_UNSEEN: TimeDelta = TimeDelta::minutes(2);
/// An order that has not ended after so long is forgotten: what it made is found by its tag.
const LONGEST_ORDER: TimeDelta = TimeDelta::minutes(30);

/// Follows up the orders. Gives what they will still bring, by place: servers that were ordered and that the cloud does
/// not show yet.
pub(super) async fn follow(
    ecs: &Ecs,
    memory: &mut FleetMemory,
    tagged: &BTreeSet<&str>,
    servers: &[Server],
    now: DateTime<Utc>,
) -> BTreeMap<String, u32> {
    let mut pending = BTreeMap::new();
    let mut kept = Vec::new();
    let mut asked = Vec::new();
    for job in std::mem::take(&mut memory.jobs) {
        let arrived: Vec<&Server> = servers.iter().filter(|server| made_by(&job, server)).collect();
        let are_all_made = arrived.len() >= job.count as usize
            && arrived.iter().all(|server| server.status != ServerStatus::Build && tagged.contains(server.id.as_str()));
        if are_all_made {
            continue;
        }
        if now - job.asked > LONGEST_ORDER {
            tracing::warn!(job = job.id, place = job.place, "the order has not ended in time and is forgotten");
            continue;
        }
        let missing = job.count.saturating_sub(u32::try_from(arrived.len()).unwrap_or(u32::MAX));
        if job.id.is_empty() {
            if now - job.asked <= LONGEST_UNSEEN {
                *pending.entry(job.place.clone()).or_default() += missing;
                kept.push(job);
            }
            continue;
        }
        let has_untagged = arrived.iter().any(|server| !tagged.contains(server.id.as_str()));
        if asked.len() < MOST_ASKED {
            asked.push((job, missing, has_untagged));
        } else {
            *pending.entry(job.place.clone()).or_default() += missing;
            kept.push(job);
        }
    }
    let answers = future::join_all(asked.iter().map(|(job, ..)| ecs.job(&job.id))).await;
    for ((job, missing, has_untagged), answer) in asked.into_iter().zip(answers) {
        let has_ended = match answer {
            Ok(answer) if answer.status.is_final() => {
                note_failures(&answer, &job, memory, now);
                true
            }
            Ok(_) => false,
            Err(error) if error.is_not_found() => true,
            Err(error) => {
                tracing::warn!(job = job.id, %error, "how the order stands could not be asked");
                false
            }
        };
        if !has_ended {
            *pending.entry(job.place.clone()).or_default() += missing;
        }
        // What is not found by its tag yet is found by the order's list of ids.
        if !has_ended || has_untagged {
            kept.push(job);
        }
    }
    memory.jobs = kept;
    pending
}

/// Servers that are being deleted are not waited for.
pub(super) fn forget(memory: &mut FleetMemory, servers: &[String]) {
    for job in &mut memory.jobs {
        let before = job.servers.len();
        job.servers.retain(|server| !servers.contains(server));
        job.count = job.count.saturating_sub(u32::try_from(before - job.servers.len()).unwrap_or(u32::MAX));
    }
    memory.jobs.retain(|job| job.count > 0);
}

/// Whether the server was made by that order: by its id, or by its name where the cloud gave no ids.
fn made_by(job: &Job, server: &Server) -> bool {
    if job.servers.is_empty() {
        server.name.strip_prefix(&job.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    } else {
        job.servers.contains(&server.id)
    }
}

fn note_failures(answer: &CloudJob, job: &Job, memory: &mut FleetMemory, now: DateTime<Utc>) {
    let failures = answer.servers.iter().filter(|server| server.status == JobStatus::Fail);
    let mut codes: Vec<Option<&str>> = failures.map(|server| server.error_code.as_deref()).collect();
    if codes.is_empty() && answer.status == JobStatus::Fail {
        codes.push(answer.error_code.as_deref());
    }
    for code in codes {
        tracing::warn!(job = job.id, place = job.place, code, "a server that was ordered could not be made");
        let key = match failed_order(code) {
            Failed::Everywhere => super::places::EVERYWHERE,
            Failed::Here | Failed::MadeBefore => &job.place,
        };
        exhaust(&mut memory.exhausted, key, now);
    }
}
