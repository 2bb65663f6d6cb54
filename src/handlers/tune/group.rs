//! Tuning one group: its past in order, its versions taken on, and once a day a round of candidates.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::adviser::Adviser;
use super::outcome::{JudgedVersion, Outcome, VersionStep};
use crate::config::{AdviserMode, Config};
use crate::handlers::history::{Compaction, compact};
use crate::model::{
    Author, Course, Group, Mode, PolicyChange, PolicyEvent, PolicyOrder, PolicyVersion, Standing, Tunables, basis,
};
use crate::records::SCHEMA_VERSION;
use crate::replay::history::past;
use crate::state::policies::{self, CHANGES_WINDOW, FittedModel, FoundCourse};
use crate::state::{Found, Store, StoreError, history, read_snapshot};
use crate::tune::course::{Freedom, Live, Patience, Step, advance, in_force, rejected_lately, restrain, statuses};
use crate::tune::gate::{held_out_from, unmeasured};
use crate::tune::space::{Parameter, parameters};
use crate::tune::{Ground, Judged, Round, round, version};

/// Who writes what happens to versions.
const SOURCE: &str = "tune";
/// Time between two rounds, where nobody asks for one.
const ROUND_EVERY: TimeDelta = TimeDelta::hours(23);
/// Time that is kept for writing what a round came to.
const FOR_RECORDING: Duration = Duration::from_secs(15);

/// What tuning a group is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The adviser, or why there is none.
    pub adviser: Result<&'a Adviser, &'a str>,
    /// What counts as now.
    pub now: DateTime<Utc>,
    /// When everything must be done.
    pub deadline: Instant,
    /// Whether candidates are looked for even where it is not time to.
    pub haste: Haste,
    /// Judge, and write nothing.
    pub dry_run: bool,
}

/// When candidates are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    /// Once a day.
    WhenDue,
    /// Now, if nothing is being tried already.
    Now,
}

/// Tunes a group.
///
/// # Errors
/// When the store fails, or holds state of a newer version of this program.
pub async fn tune_group(store: &Store, group: &Group, ask: &Ask<'_>) -> Result<Outcome, StoreError> {
    let mut outcome = Outcome { group: group.name.clone(), ..Outcome::default() };
    if !ask.dry_run {
        outcome.history = Some(compact(store, &group.name, ask.now, Compaction::default(), half(ask.deadline)).await?);
    }
    let basis = basis(group);
    let mut known = Known::read(store, group, ask, &mut outcome.notes).await?;
    let patience = Patience {
        shadow_evaluations: ask.config.tuning.shadow_evaluations,
        // What only observes changes nothing that could be watched.
        bake_hours: if group.mode == Mode::Act { ask.config.tuning.bake_hours } else { 0 },
    };
    let freedom = match ask.config.tuning_mode() {
        AdviserMode::Off => Freedom::Nothing,
        AdviserMode::Propose => Freedom::Propose,
        AdviserMode::Apply => Freedom::Apply,
    };
    let restrained = known.course.as_mut().and_then(|course| restrain(course, &known.changes, freedom));
    let (mut course, mut steps) =
        advance(known.course.take(), &basis, &known.waiting, &known.changes, &known.live, patience, ask.now);
    steps.splice(0..0, restrained);
    let mut writer = Writer { store, group, ask, written: 0, outcome: &mut outcome };
    for step in steps {
        writer.change(step).await?;
    }
    let is_due = ask.haste == Haste::Now || course.last_round.is_none_or(|last| ask.now - last >= ROUND_EVERY);
    if ask.config.tuning_mode() == AdviserMode::Off {
        writer.note("tuning is off");
    } else if !course.is_settled() {
        writer.note("a version is being tried; candidates are looked for when that is over");
    } else if is_due {
        look_for_better(&mut writer, &mut course, &known).await?;
    }
    if !ask.dry_run {
        policies::write_course(store, &group.name, &course, ask.deadline).await?;
    }
    outcome.active = in_force(&course, &Tunables::of(group)).0.to_owned();
    outcome.shadow = course.shadow.map(|shadow| shadow.version);
    Ok(outcome)
}

/// What the store knows of a group's versions.
struct Known {
    course: Option<Course>,
    changes: Vec<PolicyChange>,
    /// Versions that passed the gate and wait for a person, oldest first.
    waiting: Vec<PolicyVersion>,
    live: Live,
}

impl Known {
    async fn read(store: &Store, group: &Group, ask: &Ask<'_>, notes: &mut Vec<String>) -> Result<Self, StoreError> {
        let course = match policies::read_course(store, &group.name, ask.deadline).await? {
            FoundCourse::Whole(course) => Some(*course),
            FoundCourse::Nothing => None,
            FoundCourse::Unusable { why, must_not_overwrite: true } => {
                return Err(StoreError::Malformed { key: crate::state::keys::course(&group.name), reason: why });
            }
            FoundCourse::Unusable { why, must_not_overwrite: false } => {
                notes.push(format!("which versions are in force could not be read, so none is: {why}"));
                None
            }
        };
        let since = ask.now - CHANGES_WINDOW;
        let (changes, problems) = policies::read_changes(store, &group.name, since, ask.deadline).await?;
        notes.extend(problems);
        let mut waiting = Vec::new();
        for (name, status) in statuses(&changes) {
            if status.standing != Some(Standing::Proposed) {
                continue;
            }
            match policies::read_version(store, &group.name, &name, ask.deadline).await {
                Ok(version) => waiting.extend(version),
                Err(error @ StoreError::Malformed { .. }) => notes.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        let mut live = Live::default();
        match read_snapshot(store, &group.name, ask.deadline).await? {
            Found::Whole(snapshot) => {
                live.shadow =
                    snapshot.policies.shadow.map(|shadow| (shadow.version, shadow.evaluations, shadow.starved));
                live.watched = snapshot.policies.watch.map(|watch| (watch.version, watch.measured_minutes));
                live.refused = snapshot.policies.refused;
            }
            Found::Nothing => {}
            Found::Torn(why) => notes.push(why),
        }
        Ok(Self { course, changes, waiting, live })
    }
}

/// Writes what happens, and keeps it for the answer.
struct Writer<'a> {
    store: &'a Store,
    group: &'a Group,
    ask: &'a Ask<'a>,
    written: u32,
    outcome: &'a mut Outcome,
}

impl Writer<'_> {
    fn note(&mut self, note: impl Into<String>) {
        self.outcome.notes.push(note.into());
    }

    async fn change(&mut self, Step { version, standing, why }: Step) -> Result<(), StoreError> {
        self.written += 1;
        let change = PolicyChange {
            schema: SCHEMA_VERSION,
            // In the order of what happened: all have the same time.
            id: format!("{:03}-{}", self.written, uuid::Uuid::new_v4().simple()),
            version: version.clone(),
            time: self.ask.now,
            what: PolicyEvent::Became(standing),
            who: SOURCE.to_owned(),
            why: why.clone(),
        };
        tracing::info!(group = self.group.name, version, standing = standing.name(), "{why}");
        self.outcome.steps.push(VersionStep { version, standing, why });
        if self.ask.dry_run {
            return Ok(());
        }
        policies::write_change(self.store, &self.group.name, &change, SOURCE, self.ask.deadline).await
    }
}

/// A round: what is better than the version in force is tried, or proposed.
async fn look_for_better(writer: &mut Writer<'_>, course: &mut Course, known: &Known) -> Result<(), StoreError> {
    let (store, group, ask) = (writer.store, writer.group, writer.ask);
    let from = ask.now - TimeDelta::days(i64::from(ask.config.tuning.days));
    let read = history::read(store, &group.name, from, ask.now, true, half(ask.deadline)).await?;
    writer.outcome.notes.extend(read.problems);
    let (ground, gaps) = match past(group, &read.minutes) {
        Ok(past) => (Ground::of_past(group, &past, &read.minutes), past.gaps),
        Err(error) => {
            writer.note(format!("there is nothing to replay yet: {error}"));
            return Ok(());
        }
    };
    let Some(split) = held_out_from(&ground) else {
        writer.note("less than two days of load are known, too little to judge candidates on");
        return Ok(());
    };
    if let Some(why) = unmeasured(&ground, split, &gaps) {
        writer.note(why);
        return Ok(());
    }
    let configured = Tunables::of(group);
    let (parent, before) = in_force(course, &configured);
    let (parent, before) = (parent.to_owned(), before.clone());
    let mut advised = Vec::new();
    match ask.adviser {
        Err(why) => writer.note(format!("the adviser is not asked: {why}")),
        Ok(_) if !parameters(group, before.engine).iter().any(Parameter::is_number) => {
            writer.note(format!("the adviser is not asked: {} has no number to tune", before.engine.name()));
        }
        Ok(adviser) => {
            let training = ground.until(split);
            let asked = adviser.ask(store, &ask.config.groups, &training, &before, ask.now, ask.deadline).await?;
            if let Some(advice) = asked.advice.filter(|_| !ask.dry_run) {
                policies::write_advice(store, &group.name, &advice, ask.deadline).await?;
            }
            writer.note(asked.told);
            advised.extend(asked.candidate);
        }
    }
    let rejected = rejected_lately(&statuses(&known.changes), course, ask.now);
    let stop = ask.deadline.checked_sub(FOR_RECORDING).unwrap_or(ask.deadline);
    let found = round(&ground, &before, advised, &rejected, seed(&group.name, ask.now), &mut || Instant::now() < stop);
    if !found.not_judged.is_empty() {
        writer.note(format!("there was no time to judge {} candidates", found.not_judged.len()));
    }
    // A round takes minutes: what a person has approved meanwhile is tried by the next run.
    let since = ask.now - CHANGES_WINDOW;
    let (changes, _) = policies::read_changes(store, &group.name, since, ask.deadline).await?;
    let meanwhile = statuses(&changes);
    let basis = basis(group);
    let is_approved = |version: &&PolicyVersion| {
        version.basis == basis
            && meanwhile.get(&version.version).is_some_and(|status| status.order == Some(PolicyOrder::Approve))
    };
    for version in known.waiting.iter().filter(|version| !is_approved(version)) {
        let order = meanwhile.get(&version.version).and_then(|status| status.order);
        let (standing, why) = match order {
            Some(PolicyOrder::Reject | PolicyOrder::RollBack) => (Standing::Rejected, "a person does not want it"),
            _ => (Standing::Lapsed, "candidates were judged anew"),
        };
        writer.change(Step { version: version.version.clone(), standing, why: why.to_owned() }).await?;
    }
    course.last_round = Some(ask.now);
    let best = best(&found, ask.config);
    for (index, judged) in found.judged.iter().enumerate() {
        let version = version(judged, &ground, (&parent, &before), ask.now);
        writer.outcome.judged.push(told(&version));
        if !ask.dry_run {
            policies::write_version(store, &version, ask.deadline).await?;
        }
        let (standing, why) = match best {
            Some((chosen, true)) if chosen == index => (Standing::Shadow, "it passed the gate".to_owned()),
            Some((chosen, false)) if chosen == index => {
                (Standing::Proposed, "it passed the gate and waits for a person".to_owned())
            }
            _ if version.evidence.passed => {
                (Standing::Lapsed, "it passed the gate, and another one is better".to_owned())
            }
            _ => (Standing::Rejected, version.evidence.objections.join("; ")),
        };
        if matches!(standing, Standing::Shadow | Standing::Proposed) && !ask.dry_run {
            let model = FittedModel { schema: SCHEMA_VERSION, until: ground.end(), engine: judged.engine.clone() };
            policies::write_model(store, &group.name, &version.version, &model, ask.deadline).await?;
        }
        if standing == Standing::Shadow {
            course.shadow(&version, true, ask.now);
        }
        writer.change(Step { version: version.version, standing, why }).await?;
    }
    Ok(())
}

/// The one to go on with, by its place, and whether it takes effect without a person: the best of those that may, or else
/// the best of all.
fn best(found: &Round, config: &Config) -> Option<(usize, bool)> {
    let applies = |judged: &Judged| {
        config.tuning_mode() == AdviserMode::Apply
            && (judged.candidate.author != Author::Deepseek || config.deepseek.mode == AdviserMode::Apply)
    };
    let best = |may_apply: bool| {
        let passed = found.judged.iter().enumerate().filter(|(_, judged)| judged.evidence.passed);
        let eligible = passed.filter(|(_, judged)| !may_apply || applies(judged));
        eligible.max_by(|a, b| a.1.evidence.saved_at_least.total_cmp(&b.1.evidence.saved_at_least))
    };
    match best(true) {
        Some((index, _)) => Some((index, true)),
        None => best(false).map(|(index, _)| (index, false)),
    }
}

fn told(version: &PolicyVersion) -> JudgedVersion {
    let evidence = &version.evidence;
    JudgedVersion {
        version: version.version.clone(),
        author: version.author,
        changes: version.changes.clone(),
        passed: evidence.passed,
        j: evidence.held_out.after.j,
        j_before: evidence.held_out.before.j,
        saved_at_least: evidence.saved_at_least,
        objections: evidence.objections.clone(),
    }
}

/// The same for the same group and day: a run that is repeated comes to the same.
fn seed(group: &str, now: DateTime<Utc>) -> u64 {
    let day = now.timestamp().div_euclid(86_400) as u64;
    group.bytes().fold(day, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// Half of the time that is left.
fn half(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}
