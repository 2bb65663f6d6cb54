//! Which version of the group's policy decides: what `tune` has written is looked up every few minutes and remembered.
//! Nothing here can fail an evaluation; what cannot be followed is told, and the configuration's policy decides.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::model::{
    CONFIG_VERSION, Course, Group, LiveFigures, Minute, Mode, PolicyChange, PolicyEvent, Sample, SignalKind, Standing,
    Watch,
};
use crate::records::SCHEMA_VERSION;
use crate::state::policies::{self, FoundCourse};
use crate::state::{PolicyMemory, ShadowMemory, Snapshot, Store};
use crate::tune::space;

/// How often the versions in force are looked up.
const LOOK_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Longest wait for them. An evaluation has better things to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks up which versions are in force, when it is time to.
pub(super) async fn look_up(
    store: &Store,
    group: &Group,
    snapshot: &mut Snapshot,
    now: DateTime<Utc>,
    deadline: Instant,
    problems: &mut Vec<String>,
) {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    if snapshot.policies.looked.is_none_or(|looked| now - looked >= LOOK_EVERY || looked > now) {
        match policies::read_course(store, &group.name, deadline).await {
            // What is remembered stays in force, and it is tried again next time.
            Err(error) => problems.push(error.to_string()),
            Ok(found) => {
                snapshot.policies.looked = Some(now);
                take_in(&mut snapshot.policies, group, found);
            }
        }
    }
    if let Some(why) = &snapshot.policies.trouble {
        problems.push(format!("the versions of the policy cannot be followed ({why}); the configured policy decides"));
    }
    follow(group, snapshot, now);
    begin_shadow(store, group, snapshot, deadline, problems).await;
}

fn take_in(memory: &mut PolicyMemory, group: &Group, found: FoundCourse) {
    memory.trouble = None;
    let course = match found {
        FoundCourse::Whole(course) => Some(*course),
        FoundCourse::Nothing => {
            if memory.course.as_ref().is_some_and(|course| course.active.is_some()) {
                memory.trouble = Some("policies/active.json is gone".to_owned());
            }
            None
        }
        FoundCourse::Unusable { why, .. } => {
            memory.trouble = Some(why);
            None
        }
    };
    if let Some(why) = course.as_ref().and_then(|course| senseless(course, group)) {
        memory.trouble = Some(why);
    }
    memory.course = course;
    // What nobody returns to any more need not be remembered as refused.
    if let Some(course) = memory.course.as_ref().filter(|_| memory.trouble.is_none()) {
        let known = [&course.active, &course.previous, &course.shadow];
        let is_known =
            |version: &String| known.iter().any(|each| each.as_ref().is_some_and(|it| it.version == *version));
        memory.refused.retain(|version, _| is_known(version));
    }
}

fn senseless(course: &Course, group: &Group) -> Option<String> {
    if course.basis != crate::model::basis(group) {
        return None;
    }
    let versions = [&course.active, &course.previous, &course.shadow];
    versions.into_iter().flatten().find_map(|version| {
        let why = space::check(&version.tunables, group).err()?;
        Some(format!("version {}: {why}", version.version))
    })
}

/// Brings the snapshot to the version that decides now. An engine that has decided beside goes on.
fn follow(group: &Group, snapshot: &mut Snapshot, now: DateTime<Utc>) {
    let followed = snapshot.policies.followed(group).cloned();
    let version = followed.as_ref().map_or(CONFIG_VERSION, |followed| followed.version.as_str());
    if snapshot.policy != version {
        let proved = snapshot.policies.shadow.take_if(|shadow| shadow.version == version);
        if let Some(engine) = proved.and_then(|shadow| shadow.engine) {
            snapshot.engine = Some(engine);
        }
        version.clone_into(&mut snapshot.policy);
        snapshot.policies.watch = None;
    }
    // Until `tune` says that it was watched enough, which it may say later than planned.
    let is_watched = followed.is_some_and(|followed| followed.watched_until.is_some());
    match &snapshot.policies.watch {
        Some(_) if !is_watched => snapshot.policies.watch = None,
        None if is_watched => {
            snapshot.policies.watch = Some(Watch::begin(&snapshot.policy, Minute::containing(now)));
        }
        _ => {}
    }
}

/// Begins to let a version decide beside, with the engine that `tune` has fitted for it; ends what is no shadow any more.
async fn begin_shadow(
    store: &Store,
    group: &Group,
    snapshot: &mut Snapshot,
    deadline: Instant,
    problems: &mut Vec<String>,
) {
    let Some(version) = snapshot.policies.shadow_of(group).map(|shadow| shadow.version.clone()) else {
        snapshot.policies.shadow = None;
        return;
    };
    if snapshot.policies.shadow.as_ref().is_some_and(|shadow| shadow.version == version) {
        return;
    }
    let engine = match policies::read_model(store, &group.name, &version, deadline).await {
        Ok(model) => model.map(|model| model.engine),
        Err(error) => {
            problems.push(format!("{error}; version {version} begins without what was learnt before"));
            None
        }
    };
    snapshot.policies.shadow = Some(ShadowMemory { version, engine, evaluations: 0, starved: 0 });
}

/// Compares what was measured of a version with what was expected of it. From the next evaluation on one that is worse is
/// followed no more. While the group only observes, or a person's order decides, its size is not the version's doing.
pub(super) fn watch(
    configured: &Group,
    snapshot: &mut Snapshot,
    samples: &[Sample],
    is_ordered: bool,
    now: DateTime<Utc>,
) -> Option<(String, String)> {
    let followed = snapshot.policies.followed(configured)?;
    let (version, expected) = (followed.version.clone(), followed.expected);
    let latency = configured.signals.iter().position(|signal| signal.kind == SignalKind::LatencyMs);
    let watch = snapshot.policies.watch.as_mut().filter(|watch| watch.version == version)?;
    if configured.mode == Mode::Observe || is_ordered {
        watch.interrupt(Minute::containing(now));
        return None;
    }
    let policy = &configured.policy;
    let worse = samples.iter().filter_map(|sample| {
        let utilisation = configured.utilisation(sample)?;
        let latency = latency.and_then(|index| sample.values.get(index).copied().flatten());
        let (serving, total) = (sample.serving?, sample.total.or(sample.serving)?);
        let measured = LiveFigures::minute(total, serving, utilisation, latency, policy.slo_ms, policy.violation_price);
        watch.note(sample.minute, &measured, &expected)
    });
    let why = worse.last()?;
    snapshot.policies.refused.insert(version.clone(), why.clone());
    Some((version, why))
}

/// Records that a version was rolled back.
pub(super) async fn record_rollback(
    store: &Store,
    group: &str,
    rolled_back: (String, String),
    id: &str,
    now: DateTime<Utc>,
    deadline: Instant,
) {
    let (version, why) = rolled_back;
    let change = PolicyChange {
        schema: SCHEMA_VERSION,
        id: id.to_owned(),
        version,
        time: now,
        what: PolicyEvent::Became(Standing::RolledBack),
        who: super::group::SOURCE.to_owned(),
        why,
    };
    // The snapshot knows it, and `tune` will hear of it from there.
    if let Err(error) = policies::write_change(store, group, &change, super::group::SOURCE, deadline).await {
        tracing::warn!(group, version = change.version, %error, "a rollback could not be recorded");
    }
}

#[cfg(test)]
#[path = "policies_tests.rs"]
mod tests;
