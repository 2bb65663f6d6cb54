//! Which version is in force: from proposed over shadow and canary to active, and back. Time and what was measured are
//! arguments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{
    Course, Expected, InForce, PolicyChange, PolicyEvent, PolicyOrder, PolicyVersion, SCHEMA_VERSION, Standing,
    Tunables,
};

/// Share of a shadow's evaluations in which it may have wanted fewer instances than the load kept busy.
const MOST_STARVED: f64 = 0.02;

/// How long a version has to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Evaluations that it decides beside.
    pub shadow_evaluations: u32,
    /// Hours that it is watched after it has taken effect.
    pub bake_hours: u32,
}

/// What `evaluate` knows of the versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// The shadow: its version, evaluations, and in how many of them it wanted fewer than the load kept busy.
    pub shadow: Option<(String, u32, u32)>,
    /// Versions that are no longer followed, and why.
    pub refused: BTreeMap<String, String>,
}

/// A change of a version's standing, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The version.
    pub version: String,
    /// How it stands now.
    pub standing: Standing,
    /// Why.
    pub why: String,
}

impl Step {
    fn new(version: &str, standing: Standing, why: impl Into<String>) -> Self {
        Self { version: version.to_owned(), standing, why: why.into() }
    }
}

/// How a version stands, and what a person has said of it, by all of its changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How it stands.
    pub standing: Option<Standing>,
    /// The newest order of a person.
    pub order: Option<PolicyOrder>,
}

/// How each version stands.
pub fn statuses(changes: &[PolicyChange]) -> BTreeMap<String, Status> {
    let mut sorted: Vec<&PolicyChange> = changes.iter().collect();
    sorted.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    let mut statuses: BTreeMap<String, Status> = BTreeMap::new();
    for change in sorted {
        let status = statuses.entry(change.version.clone()).or_default();
        match change.what {
            PolicyEvent::Became(standing) => status.standing = Some(standing),
            PolicyEvent::Ordered(order) => status.order = Some(order),
        }
    }
    statuses
}

impl Course {
    /// The configuration's policy decides, and nothing beside it.
    pub fn begin(basis: &str, now: DateTime<Utc>) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            written: now,
            basis: basis.to_owned(),
            last_round: None,
            active: None,
            previous: None,
            shadow: None,
            shadow_takes_effect: false,
        }
    }

    /// Whether candidates may be looked for: nothing is being tried already.
    pub fn is_settled(&self) -> bool {
        self.shadow.is_none() && self.active.as_ref().is_none_or(|active| active.watched_until.is_none())
    }

    /// Lets a version decide beside.
    pub fn shadow(&mut self, version: &PolicyVersion, takes_effect: bool, now: DateTime<Utc>) {
        self.shadow = Some(InForce {
            version: version.version.clone(),
            tunables: version.tunables.clone(),
            since: now,
            watched_until: None,
            expected: version.evidence.expected,
        });
        self.shadow_takes_effect = takes_effect;
    }
}

/// Takes the course on: what was refused goes, what has proved itself comes, and what a person has approved is tried.
/// `versions` are those that wait, newest last.
pub fn advance(
    course: Option<Course>,
    basis: &str,
    versions: &[PolicyVersion],
    changes: &[PolicyChange],
    live: &Live,
    patience: Patience,
    now: DateTime<Utc>,
) -> (Course, Vec<Step>) {
    let mut steps = Vec::new();
    let statuses = statuses(changes);
    let mut course = match course {
        Some(course) if course.basis == basis => course,
        Some(outdated) => {
            let in_force = [outdated.active, outdated.shadow].into_iter().flatten();
            steps.extend(
                in_force.map(|each| Step::new(&each.version, Standing::Lapsed, "the configured policy has changed")),
            );
            Course::begin(basis, now)
        }
        None => Course::begin(basis, now),
    };
    let refusal = |version: &str| {
        let ordered = statuses.get(version).and_then(|status| status.order);
        match ordered {
            Some(PolicyOrder::Reject | PolicyOrder::RollBack) => Some("a person does not want it".to_owned()),
            _ => live.refused.get(version).cloned(),
        }
    };
    go_back(&mut course, refusal, &mut steps);
    if let Some(active) = &mut course.active
        && active.watched_until.is_some_and(|until| until <= now)
    {
        active.watched_until = None;
        steps.push(Step::new(&active.version, Standing::Active, "it was watched and is as good as expected"));
    }
    prove_shadow(&mut course, live, patience, &mut steps, now);
    if course.shadow.is_none() {
        let approved = |version: &&PolicyVersion| {
            statuses.get(&version.version).is_some_and(|status| {
                status.standing == Some(Standing::Proposed) && status.order == Some(PolicyOrder::Approve)
            })
        };
        if let Some(version) = versions.iter().rev().filter(|version| version.basis == basis).find(approved) {
            course.shadow(version, true, now);
            steps.push(Step::new(&version.version, Standing::Shadow, "a person has approved it"));
        }
    }
    course.written = now;
    (course, steps)
}

/// Returns from what is not wanted.
fn go_back(course: &mut Course, refusal: impl Fn(&str) -> Option<String>, steps: &mut Vec<Step>) {
    course.previous = course.previous.take().filter(|previous| refusal(&previous.version).is_none());
    if let Some((active, why)) = course.active.as_ref().and_then(|active| Some((active, refusal(&active.version)?))) {
        steps.push(Step::new(&active.version, Standing::RolledBack, why));
        course.active = course.previous.take();
        if let Some(active) = &course.active {
            steps.push(Step::new(&active.version, Standing::Active, "the version after it was rolled back"));
        }
    }
    if let Some((shadow, why)) = course.shadow.as_ref().and_then(|shadow| Some((shadow, refusal(&shadow.version)?))) {
        steps.push(Step::new(&shadow.version, Standing::Rejected, why));
        course.shadow = None;
    }
}

/// Lets a shadow take effect that has decided beside long enough, or drops it.
fn prove_shadow(course: &mut Course, live: &Live, patience: Patience, steps: &mut Vec<Step>, now: DateTime<Utc>) {
    let Some(shadow) = &course.shadow else { return };
    let Some((_, evaluations, starved)) = live.shadow.as_ref().filter(|(version, ..)| *version == shadow.version)
    else {
        return;
    };
    if *evaluations < patience.shadow_evaluations {
        return;
    }
    if f64::from(*starved) > MOST_STARVED * f64::from(*evaluations) {
        let why =
            format!("in {starved} of {evaluations} evaluations it wanted fewer instances than the load kept busy");
        steps.push(Step::new(&shadow.version, Standing::Rejected, why));
        course.shadow = None;
        return;
    }
    if !course.shadow_takes_effect {
        return;
    }
    let Some(mut next) = course.shadow.take() else { return };
    next.since = now;
    next.watched_until = Some(now + TimeDelta::hours(i64::from(patience.bake_hours)));
    let why = format!("it has decided beside in {evaluations} evaluations and takes effect");
    steps.push(Step::new(&next.version, Standing::Canary, why));
    if let Some(active) = &course.active {
        steps.push(Step::new(&active.version, Standing::Lapsed, format!("{} takes its place", next.version)));
    }
    course.previous = course.active.replace(next);
}

/// The tunables in force, and the version that they come from.
pub fn in_force<'a>(course: &'a Course, configured: &'a Tunables) -> (&'a str, &'a Tunables) {
    match &course.active {
        Some(active) => (&active.version, &active.tunables),
        None => (crate::model::CONFIG_VERSION, configured),
    }
}

/// What is expected of the version in force, if it is watched.
pub fn watched(course: &Course, is_refused: &BTreeSet<String>) -> Option<Expected> {
    let active = course.active.as_ref().filter(|active| !is_refused.contains(&active.version))?;
    active.watched_until.map(|_| active.expected)
}
