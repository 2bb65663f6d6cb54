//! Woken by Cloud Eye when a signal is over its threshold: raises at once, without waiting for the next minute.
//!
//! It only raises, and writes only records of its own; the next evaluation folds them in. A message is acted on once, and
//! only if its topic is believed.

mod matching;
mod raise;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use serde::Serialize;

use self::matching::{Subject, names, signal_of, subject};
use self::raise::Reading;
use super::evaluate::Look;
use super::messages::{Heard, sift};
use super::raising::{Job, is_asked, is_recorded, may_have_undone, order};
use super::serve::serve;
use super::{Failed, Ignored, Workplace, WorkplaceError};
use crate::engine::guardrails::Inputs;
use crate::engine::plan;
use crate::functiongraph::events::{Alarm, AlarmStatus, Event, EventError, Message};
use crate::functiongraph::{Diagnostic, Environment, Invocation, Service};
use crate::model::{Capacity, FleetSource, Group, Minute, SignalSource};
use crate::records::{Action, Happening, Raise};
use crate::state::{Found, StoreError, read_snapshot};

/// Who writes these records, as their names tell.
const SOURCE: &str = "alarm";
/// Under this name lie the records of alarms that are about no group.
const NOBODY: &str = "_unknown";
/// Rounds of ordering again because others have called for more, or have set their numbers, meanwhile.
const MOST_ROUNDS: usize = 8;
/// Groups that are looked at, or searched for an instance, at the same time.
const AT_ONCE: usize = 8;

/// What an invocation did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Groups that were raised, or are held at what they have.
    pub raised: Vec<Raised>,
    /// Messages that changed nothing, and why.
    pub ignored: Vec<Ignored>,
}

/// A group that an alarm raised.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Raised {
    /// The group.
    pub group: String,
    /// How many instances it had, serving and starting.
    pub current: u32,
    /// How many it shall have at least.
    pub target: u32,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub why: String,
    /// What was asked of the cloud, and what it answered.
    pub actions: Vec<Action>,
    /// Name of the record.
    pub record: String,
}

/// Why an invocation did nothing, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlarmError {
    /// The function cannot work at all.
    #[error(transparent)]
    Workplace(#[from] WorkplaceError),
    /// The event is not understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event is for another function.
    #[error("alarm is woken by an SMN topic that Cloud Eye publishes to, not by an event of kind {0}")]
    WrongEvent(&'static str),
    /// Some groups could not be raised; the others were.
    #[error("could not be raised: {0}")]
    NotRaised(String),
    /// A record could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The function as the runtime takes it. An environment that it cannot work in is the answer to every invocation.
pub fn service(
    environment: &Environment,
) -> impl Service<Invocation, Response = Answer, Error = Diagnostic> + Clone + use<> {
    serve(environment, handle)
}

/// A message that calls for more.
#[derive(Clone, Debug)]
struct Call {
    id: String,
    time: DateTime<Utc>,
    why: String,
    /// None where the message could not be read: then the group is looked at all the same.
    alarm: Option<Alarm>,
}

/// Handles one invocation.
///
/// # Errors
/// When something could not be done; the platform then sends the event again, and what was done is not done twice.
pub(super) async fn handle(workplace: &Workplace, invocation: Invocation) -> Result<Answer, AlarmError> {
    let event = Event::parse(&invocation.event)?;
    let now = workplace.now(event.time());
    let notifications = match event {
        Event::Notifications(notifications) => notifications,
        other => return Err(AlarmError::WrongEvent(other.kind())),
    };
    let job = Job::open(workplace, invocation, SOURCE, now).await?;
    let (heard, ignored) = sift(notifications, &job.config.notify, now);
    let (mut answer, mut failed) = (Answer::default(), Vec::new());
    answer.ignored.extend(ignored);
    let calls = job.by_group(heard, &mut answer).await?;
    let raises = calls.into_iter().filter_map(|(group, calls)| Some((job.config.group(&group)?, calls)));
    let raises: Vec<_> = raises.map(|(group, calls)| job.raise(group, calls)).collect();
    let mut done = stream::iter(raises).buffer_unordered(AT_ONCE);
    while let Some((group, result)) = done.next().await {
        match result {
            Ok((raised, ignored)) => {
                answer.raised.extend(raised);
                answer.ignored.extend(ignored);
            }
            Err(error) => failed.push(Failed { group: group.to_owned(), error: error.to_string() }),
        }
    }
    drop(done);
    if failed.is_empty() { Ok(answer) } else { Err(AlarmError::NotRaised(Failed::told(&failed))) }
}

impl Job {
    /// Sorts what was heard by the groups that it calls for, and records what calls for none.
    async fn by_group(
        &self,
        heard: Vec<Heard>,
        answer: &mut Answer,
    ) -> Result<BTreeMap<String, Vec<Call>>, StoreError> {
        let mut calls: BTreeMap<String, Vec<Call>> = BTreeMap::new();
        for Heard { id, time, content, text } in heard {
            let (groups, call) = match content {
                Message::Alarm(alarm) => {
                    let groups = self.groups_of(&alarm).await?;
                    let why = describe(&alarm);
                    if groups.is_empty() {
                        self.ignore(
                            answer,
                            NOBODY,
                            &id,
                            time,
                            &format!("{why}: neither its resource nor its rule belong to a group"),
                        )
                        .await?;
                        continue;
                    }
                    if let Some(objection) = objection(alarm.status) {
                        for group in groups {
                            self.ignore(answer, &group, &id, time, &format!("{why}: {objection}")).await?;
                        }
                        continue;
                    }
                    (groups, Call { id, time, why, alarm: Some(*alarm) })
                }
                Message::LifecycleHook(_) | Message::Trace(_) => {
                    let why = "it is for the function reclaim; let its topic wake that one".to_owned();
                    answer.ignored.push(Ignored { message: id, why });
                    continue;
                }
                _ => {
                    tracing::warn!(
                        message = id,
                        "not in Cloud Eye's own form, a template may have replaced it: looking at the groups it may be about"
                    );
                    let why = "a message that is not in Cloud Eye's own form".to_owned();
                    (self.groups_named_in(&text), Call { id, time, why, alarm: None })
                }
            };
            for group in groups {
                calls.entry(group).or_default().push(call.clone());
            }
        }
        Ok(calls)
    }

    async fn groups_of(&self, alarm: &Alarm) -> Result<Vec<String>, StoreError> {
        Ok(match subject(&self.config, alarm) {
            Subject::Groups(groups) => groups.iter().map(|group| group.name.clone()).collect(),
            Subject::Instance(instance) => self.groups_with(instance).await?,
            Subject::Nobody => Vec::new(),
        })
    }

    /// The groups whose snapshots know an instance.
    async fn groups_with(&self, instance: &str) -> Result<Vec<String>, StoreError> {
        let searches: Vec<_> = self.config.groups.iter().map(|group| self.knows(group, instance)).collect();
        let mut found = stream::iter(searches).buffered(AT_ONCE);
        let mut groups = Vec::new();
        while let Some(search) = found.next().await {
            groups.extend(search?);
        }
        Ok(groups)
    }

    async fn knows(&self, group: &Group, instance: &str) -> Result<Option<String>, StoreError> {
        let found = read_snapshot(&self.store, &group.name, self.deadline).await?;
        let Found::Whole(snapshot) = found else { return Ok(None) };
        let knows = snapshot.fleets.values().any(|fleet| fleet.instances.iter().any(|known| known == instance));
        Ok(knows.then(|| group.name.clone()))
    }

    /// The groups that a text names, by themselves or by a resource of theirs; all if it names none.
    fn groups_named_in(&self, text: &str) -> Vec<String> {
        let is_named = |group: &&Group| {
            names(text, &group.name)
                || group.pools.iter().any(|pool| match &pool.fleet {
                    FleetSource::AsGroup(source) => names(text, &source.scaling_group_id),
                    FleetSource::Ecs(source) => names(text, &source.tag.value),
                })
        };
        let named: Vec<_> = self.config.groups.iter().filter(is_named).map(|group| group.name.clone()).collect();
        if named.is_empty() { self.config.groups.iter().map(|group| group.name.clone()).collect() } else { named }
    }

    async fn ignore(
        &self,
        answer: &mut Answer,
        group: &str,
        id: &str,
        time: DateTime<Utc>,
        why: &str,
    ) -> Result<(), StoreError> {
        let what = Happening::Ignored { source: SOURCE.to_owned(), why: why.to_owned() };
        self.record(group, time, id, what).await?;
        answer.ignored.push(Ignored { message: id.to_owned(), why: why.to_owned() });
        Ok(())
    }

    async fn raise<'a>(
        &self,
        group: &'a Group,
        calls: Vec<Call>,
    ) -> (&'a str, Result<(Option<Raised>, Vec<Ignored>), StoreError>) {
        (&group.name, self.try_raise(group, calls).await)
    }

    /// Looks at the group with what the calls say, and raises it if that is too much for it.
    async fn try_raise(&self, group: &Group, calls: Vec<Call>) -> Result<(Option<Raised>, Vec<Ignored>), StoreError> {
        let mut look = self.look(group).await?;
        let known = |call: &Call| is_recorded(&look.snapshot.folded, SOURCE, &call.id);
        let (repeats, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(known);
        let repeats =
            repeats.into_iter().map(|call| Ignored { message: call.id, why: "it was acted on before".to_owned() });
        let mut ignored: Vec<_> = repeats.collect();
        let Some((first, others)) = calls.split_first() else { return Ok((None, ignored)) };

        let views = look.fleets(&self.cloud_for(0.25)).await;
        let observed = look.signals(&self.cloud_for(0.4), &views).await;
        let capacity: Capacity = views.iter().flatten().map(|view| view.capacity).sum();
        let readings: Vec<_> = calls.iter().filter_map(|call| reading(group, call.alarm.as_ref()?)).collect();
        let minute = Minute::containing(self.now);
        let samples =
            raise::overlay(observed.samples, &readings, &look.snapshot, capacity, minute, group.signals.len());
        let decision = look.decide(&views, samples);
        let current = decision.guardrail_inputs.current;
        let why = calls.iter().map(|call| call.why.as_str()).collect::<Vec<_>>().join("; ");
        if decision.target < current {
            let why = format!("{why}: what runs is enough");
            let mut answer = Answer::default();
            for call in &calls {
                self.ignore(&mut answer, &group.name, &call.id, call.time, &why).await?;
            }
            ignored.extend(answer.ignored);
            return Ok((None, ignored));
        }

        let target = raise::target(group, decision.target, current);
        let until = self.now + raise::hold(decision.seen.lead_minutes, group);
        let raise = Raise { target, until, source: SOURCE.to_owned(), cause: first.id.clone(), why: why.clone() };
        // Recorded before it is carried out: whatever happens here, the next evaluation knows of it.
        let record = self.record(&group.name, first.time, &first.id, Happening::Raise(raise)).await?;
        for other in others {
            let mut answer = Answer::default();
            self.ignore(
                &mut answer,
                &group.name,
                &other.id,
                other.time,
                &format!("it was acted on together with {}", first.id),
            )
            .await?;
        }
        let actions = self.carry_out(&mut look, &decision.guardrail_inputs, target, &record).await?;
        tracing::info!(group = group.name, current, raised_to = target, why, "raised");
        let group = group.name.clone();
        Ok((Some(Raised { group, current, target, until, why, actions, record }), ignored))
    }

    /// Orders what is missing. The fleets are looked at once more, now that the call is known to others: what they have
    /// ordered meanwhile stays, and what they have let go is missing. They are looked at again after what may have undone an
    /// order of others, until what all have called for is there.
    async fn carry_out(
        &self,
        look: &mut Look<'_>,
        inputs: &Inputs,
        mut target: u32,
        record: &str,
    ) -> Result<Vec<Action>, StoreError> {
        look.snapshot.folded.push(record.to_owned());
        let mut actions = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let views = look.fleets(&self.cloud_for(0.4)).await;
            let plan = plan::raising(target, inputs, &look.terms(), &look.pools(&views));
            let ordered = order(&self.cloud, look.group, &mut look.snapshot, &views, &plan, self.now).await;
            let is_asked = ordered.iter().any(is_asked);
            let may_have_undone = may_have_undone(look.group, &ordered);
            actions.extend(ordered);
            if !is_asked {
                break;
            }
            let has_news = self.hear_news(look).await?;
            let may_be_missing = has_news || look.is_behind || may_have_undone && look.has_others();
            if !may_be_missing {
                break;
            }
            let raises = look.snapshot.raises.iter().map(|raise| (raise.target, raise.why.clone())).collect();
            let orders = look.snapshot.holds.iter().map(|hold| hold.order).collect();
            target = inputs.called(target, raises, orders).max(target);
        }
        Ok(actions)
    }
}

/// What the alarm measured, as a value of one of the group's signals. That of one instance is no value of the group.
fn reading(group: &Group, alarm: &Alarm) -> Option<Reading> {
    let (signal, scale) = signal_of(group, alarm)?;
    let is_per_instance =
        matches!(&group.signals[signal].source, SignalSource::CloudEye(source) if source.per.is_some());
    if is_per_instance && alarm.dimensions.contains_key("instance_id") {
        return None;
    }
    Some(Reading { signal, value: alarm.newest_value()?.value * scale })
}

/// Why a status calls for nothing, if it does not.
fn objection(status: AlarmStatus) -> Option<&'static str> {
    match status {
        AlarmStatus::Alarm => None,
        AlarmStatus::Ok => Some("an alarm that ends lowers nothing; the next evaluation decides"),
        AlarmStatus::InsufficientData => Some("missing data calls for nothing"),
        AlarmStatus::Unknown => Some("its status is neither alarm nor ok"),
    }
}

/// The alarm in a few words, without its localised texts.
fn describe(alarm: &Alarm) -> String {
    let rule = alarm.alarm_name.as_deref().or(alarm.alarm_id.as_deref()).unwrap_or("a rule without a name");
    let metric = alarm.metric_name.as_deref().unwrap_or("an unnamed metric");
    match alarm.newest_value() {
        Some(newest) => {
            format!("alarm {rule}: {metric} is {} {}", newest.value, alarm.unit.as_deref().unwrap_or_default())
                .trim_end()
                .to_owned()
        }
        None => format!("alarm {rule}: {metric}"),
    }
}
