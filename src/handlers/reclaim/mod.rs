//! Woken when spot instances are about to be taken away, about five minutes ahead: orders replacements at once, lets the
//! dying instances drain, also those that lifecycle hooks hold.
//!
//! It only raises, and writes only records of its own. Numbers are absolute and follow from all losses that are recorded,
//! so ten notices make one plan, told together or at the same time to ten instances of this function.
//! A pool that loses more than half gets no more: who hears of that while another orders there, orders elsewhere, and the
//! next evaluation lets go what is too much.

mod drain;
mod notices;
mod owners;
mod plan;
#[cfg(all(test, feature = "local"))]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future;
use serde::Serialize;
use tokio::time::Instant;

use self::drain::Leaving;
use self::notices::{NOTICE, Notice, Notices};
use self::owners::Owned;
use self::plan::PoolNow;
use super::evaluate::{Look, going};
use super::messages::{OWN_SUBJECT, sift};
use super::raising::{Job, is_asked, order, sets_numbers};
use super::serve::serve;
use super::{Failed, Ignored, Workplace, WorkplaceError};
use crate::clients::ClientError;
use crate::clients::ecs::Server;
use crate::engine::purchase::PoolTarget;
use crate::fleet::{FleetError, View};
use crate::functiongraph::events::{Event, EventError};
use crate::functiongraph::{Diagnostic, Environment, Invocation, Service};
use crate::model::Pool;
use crate::records::{Action, ActionOutcome, Happening, Loss, Raise};
use crate::state::{self, Store, StoreError, keys};

/// Who writes these records, as their names tell.
const SOURCE: &str = "reclaim";
/// Rounds of planning again because others have recorded losses meanwhile.
const MOST_ROUNDS: usize = 8;
/// A raise outlasts the instances that it makes up for by this.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

/// What an invocation did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Groups that lose instances, and what was ordered in their place.
    pub replaced: Vec<Replaced>,
    /// Lifecycle hooks that were answered, and hooks and drains that failed.
    pub actions: Vec<Action>,
    /// What was told and changed nothing, and why.
    pub ignored: Vec<Ignored>,
}

/// A group that loses instances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replaced {
    /// The group.
    pub group: String,
    /// The instances that this invocation learnt of.
    pub lost: Vec<String>,
    /// How many instances it shall have at least, those that are going included.
    pub target: u32,
    /// Until when.
    pub until: DateTime<Utc>,
    /// The same by pool.
    pub plan: Vec<PoolTarget>,
    /// What was asked of the cloud, and what it answered.
    pub actions: Vec<Action>,
    /// Name of the record that keeps the call for more.
    pub record: String,
}

/// Why an invocation did nothing, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReclaimError {
    /// The function cannot work at all.
    #[error(transparent)]
    Workplace(#[from] WorkplaceError),
    /// The event is not understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event is for another function.
    #[error(
        "reclaim is woken by a Cloud Trace trigger or an SMN topic that tells of spot servers, not by an event of kind {0}"
    )]
    WrongEvent(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What some groups lose could not be replaced; what others lose was.
    #[error("could not be replaced: {0}")]
    NotReplaced(String),
}

/// The function as the runtime takes it. An environment that it cannot work in is the answer to every invocation.
pub fn service(
    environment: &Environment,
) -> impl Service<Invocation, Response = Answer, Error = Diagnostic> + Clone + use<> {
    serve(environment, handle)
}

/// Handles one invocation.
///
/// # Errors
/// When something could not be done; the platform then sends the event again, and what was done is not done twice.
pub(super) async fn handle(workplace: &Workplace, invocation: Invocation) -> Result<Answer, ReclaimError> {
    let event = Event::parse(&invocation.event)?;
    let now = workplace.now(event.time());
    let job = Job::open(workplace, invocation, SOURCE, now).await?;
    let mut answer = Answer::default();
    let notices = match event {
        Event::Trace(trace) => Notices::from_trace(&trace, now),
        Event::Notifications(notifications) => {
            let (heard, ignored) = sift(notifications, &job.config.notify, now);
            answer.ignored = ignored;
            Notices::from_messages(heard, now)
        }
        other => return Err(ReclaimError::WrongEvent(other.kind())),
    };
    answer.ignored.extend(notices.ignored);
    let failed = match notices.losses.is_empty() {
        true => Vec::new(),
        false => job.replace(notices.losses, &mut answer).await?,
    };
    for hook in &notices.hooks {
        job.answer_hook(hook, &mut answer).await;
    }
    if failed.is_empty() { Ok(answer) } else { Err(ReclaimError::NotReplaced(Failed::told(&failed))) }
}

/// What is known of one group's losses in one invocation.
struct Case<'a> {
    look: Look<'a>,
    /// New losses, and when they were told.
    fresh: Vec<(Loss, DateTime<Utc>)>,
    leaving: Vec<Leaving>,
    /// Names of the records that this invocation has written.
    written: BTreeSet<String>,
    /// How many instances ran at the first look.
    running: Option<u32>,
}

impl Job {
    /// Gives what could not be replaced.
    async fn replace(&self, losses: BTreeMap<String, Notice>, answer: &mut Answer) -> Result<Vec<Failed>, StoreError> {
        let mut failed = Vec::new();
        let ids: Vec<String> = losses.keys().cloned().collect();
        let api = self.cloud_for(0.25).ecs();
        let (owned, servers) = future::join(self.owners(&ids), api.servers(&ids)).await;
        let owned = self.look_further(owned?, &losses, &servers).await;
        for notice in losses.values().filter(|notice| !owned.iter().any(|owned| owned.instance == notice.instance)) {
            let why = format!("{} is no instance of a group with a spot pool", notice.instance);
            answer.ignored.push(Ignored { message: notice.cause.clone(), why });
        }
        let mut by_group: BTreeMap<&str, Vec<&Owned<'_>>> = BTreeMap::new();
        for owned in &owned {
            by_group.entry(&owned.group.name).or_default().push(owned);
        }
        for (name, owned) in by_group {
            let group = owned[0].group;
            let replaced = match self.look(group).await {
                Ok(look) => {
                    let mut case =
                        Case { look, fresh: Vec::new(), leaving: Vec::new(), written: BTreeSet::new(), running: None };
                    for owned in owned {
                        failed.extend(case.hear(owned, &losses, &servers, answer));
                    }
                    self.replace_in(case).await
                }
                Err(error) => Err(error),
            };
            match replaced {
                Ok(replaced) => answer.replaced.extend(replaced),
                Err(error) => failed.push(Failed { group: name.to_owned(), error: error.to_string() }),
            }
        }
        Ok(failed)
    }

    /// Replaces what a group loses. Nothing if all of it was known.
    async fn replace_in(&self, mut case: Case<'_>) -> Result<Option<Replaced>, StoreError> {
        if case.fresh.is_empty() {
            return Ok(None);
        }
        let group = case.look.group;
        let mut replaced = self.settle(&mut case).await?;
        for _ in 1..MOST_ROUNDS {
            let names = state::recent_records(&self.store, &group.name, self.now, self.deadline).await?;
            // The fleets were looked at before the call was known to others.
            let may_have_changed = case.look.is_behind_of(&names) || sets_numbers(group) && case.look.has_others();
            if case.knows_all(&names) && !may_have_changed {
                break;
            }
            // Others were told of more meanwhile, and may have ordered less than all of it together; or one number was set
            // over another.
            case.look_again(&self.store, self.deadline).await?;
            let before = replaced;
            replaced = self.settle(&mut case).await?;
            let is_settled = !replaced.actions.iter().any(is_asked) && replaced.record == before.record;
            replaced.actions.splice(0..0, before.actions);
            if is_settled {
                break;
            }
        }
        replaced.actions.extend(self.drain(group, &case.leaving).await);
        self.tell(&replaced).await;
        Ok(Some(replaced))
    }

    /// Plans for all losses that are known, records it, and orders it. The raise is recorded before the losses, and both
    /// before anything is ordered: wherever this ends, the next evaluation asks for enough.
    async fn settle(&self, case: &mut Case<'_>) -> Result<Replaced, StoreError> {
        let group = case.look.group;
        let views = case.look.fleets(&self.cloud_for(0.4)).await;
        for leaving in &mut case.leaving {
            let view = group.pools.iter().zip(&views).find(|(pool, _)| pool.name == leaving.pool);
            let member = view.and_then(|(_, view)| view.as_ref().ok()?.member_of(&leaving.instance));
            leaving.member = member.map(str::to_owned).or(leaving.member.take());
        }
        let (needed, count, plan) = case.plan(&views);
        let ends = going(&case.look.snapshot, self.now).filter_map(|loss| loss.ends).max();
        let (target, until) = (needed + count, ends.unwrap_or(self.now + NOTICE).max(self.now + NOTICE) + MARGIN);
        let lost: Vec<String> = case.fresh.iter().map(|(loss, _)| loss.instance.clone()).collect();
        let (first, time) = &case.fresh[0];
        // What says something else is another record: records never change.
        let cause = format!("{} {target} {count}", first.cause);
        let why = format!("{count} spot instances are being taken away");
        let raise = Raise { target, until, source: SOURCE.to_owned(), cause: cause.clone(), why };
        let record = self.record(&group.name, *time, &cause, Happening::Raise(raise)).await?;
        case.written.insert(record.clone());
        let unrecorded = if case.written.len() == 1 { case.fresh.as_slice() } else { &[] };
        for (loss, time) in unrecorded {
            let what = Happening::Loss(loss.clone());
            case.written.insert(self.record(&group.name, *time, &loss.instance, what).await?);
        }
        let actions = order(&self.cloud, group, &mut case.look.snapshot, &views, &plan, self.now).await;
        tracing::warn!(group = group.name, ?lost, raised_to = target, "spot instances are being taken away");
        Ok(Replaced { group: group.name.clone(), lost, target, until, plan, actions, record })
    }

    /// Tells people. That it fails is logged, and stops nothing.
    async fn tell(&self, replaced: &Replaced) {
        let Some(topic) = &self.config.notify.topic_urn else { return };
        let count = replaced.lost.len();
        let instances = if count == 1 { "instance" } else { "instances" };
        let subject = format!("{OWN_SUBJECT}: {} loses {count} spot {instances}", replaced.group);
        let mut lines = vec![format!("Going: {}", replaced.lost.join(", "))];
        lines.extend(replaced.actions.iter().map(|action| match &action.outcome {
            ActionOutcome::Done => format!("{}: {}, done", action.pool, action.request),
            ActionOutcome::Withheld(why) => format!("{}: {}, not asked ({why})", action.pool, action.request),
            ActionOutcome::Failed(why) => format!("{}: {}, failed: {why}", action.pool, action.request),
        }));
        if let Err(error) = self.cloud.smn().publish(topic, &subject, &lines.join("\n")).await {
            tracing::warn!(%error, "people could not be told");
        }
    }
}

impl Case<'_> {
    /// Takes a notice in, or says why it changes nothing. Gives what could not be found out.
    fn hear(
        &mut self,
        owned: &Owned<'_>,
        losses: &BTreeMap<String, Notice>,
        servers: &Result<Vec<Server>, ClientError>,
        answer: &mut Answer,
    ) -> Option<Failed> {
        let notice = losses.get(&owned.instance)?;
        let id = &notice.instance;
        let server = servers.as_ref().ok().and_then(|servers| servers.iter().find(|server| server.id == *id));
        let why = match (notice.is_trace, server, servers) {
            _ if self.look.snapshot.losses.iter().any(|loss| loss.instance == *id) => {
                format!("{id} is known to be going")
            }
            (false, _, Err(error)) => {
                let error = format!("whether {id} is a spot server could not be asked: {error}");
                return Some(Failed { group: owned.group.name.clone(), error });
            }
            (false, None, Ok(_)) => format!("there is no server {id}"),
            (false, Some(server), _) if server.is_spot() == Some(false) => format!("{id} is no spot server"),
            _ => {
                self.take(notice, owned.pool, server);
                return None;
            }
        };
        answer.ignored.push(Ignored { message: notice.cause.clone(), why });
        None
    }

    fn take(&mut self, notice: &Notice, pool: &Pool, server: Option<&Server>) {
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let loss = Loss {
            pool: pool.name.clone(),
            instance: notice.instance.clone(),
            zone: server.and_then(|server| known(&server.zone)),
            flavor: server.and_then(|server| known(server.flavor_id())),
            ends: Some(notice.time + NOTICE),
            cause: notice.cause.clone(),
        };
        self.look.snapshot.losses.push(loss.clone());
        self.fresh.push((loss, notice.time));
        self.leaving.push(Leaving::new(&pool.name, &notice.instance, server));
    }

    /// How many instances the group needs besides those that are going, how many are, and how many each pool shall have.
    fn plan(&mut self, views: &[Result<View, FleetError>]) -> (u32, u32, Vec<PoolTarget>) {
        let Look { group, snapshot, planned, .. } = &self.look;
        let pools = self.look.pools(views).into_iter().zip(self.look.going(views)).map(|(state, going)| {
            let has_luck = state.available > state.capacity.total();
            PoolNow { pool: state.pool, capacity: state.capacity, most: state.available, going, has_luck }
        });
        let pools: Vec<PoolNow<'_>> = pools.collect();
        let running = *self.running.get_or_insert_with(|| pools.iter().map(|pool| pool.capacity.total()).sum());
        let raised = snapshot.raises.iter().filter(|raise| raise.source != SOURCE).map(|raise| raise.target).max();
        let (planned, planned_going) = planned.map_or((None, 0), |planned| (Some(planned.instances), planned.going));
        let needed = plan::needed(planned, planned_going, raised.unwrap_or(0), running);
        let needed = needed.min(group.scaling.max_instances);
        let going = pools.iter().map(|pool| pool.going).sum();
        (needed, going, plan::replace(needed, &self.look.terms(), &pools))
    }

    /// Looks anew. A store whose listings lag may not show the losses that were recorded here.
    async fn look_again(&mut self, store: &Store, deadline: Instant) -> Result<(), StoreError> {
        self.look.again(store, deadline).await?;
        let known = &mut self.look.snapshot.losses;
        for (loss, _) in &self.fresh {
            if !known.iter().any(|known| known.instance == loss.instance) {
                known.push(loss.clone());
            }
        }
        Ok(())
    }

    /// Whether all that was recorded by now, here or elsewhere, was reckoned with. Decisions call for nothing.
    fn knows_all(&self, names: &[String]) -> bool {
        names
            .iter()
            .filter(|name| !keys::is_decision(name))
            .all(|name| self.written.contains(name) || self.look.snapshot.folded.contains(name))
    }
}
