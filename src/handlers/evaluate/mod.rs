//! The main job: woken by a timer or by a person, decides for each group how many instances it shall have.

mod budget;
mod carry_out;
mod decide;
mod fan_out;
mod fold;
mod group;
mod intake;
mod log;
mod look;
mod plausible;
mod policies;
mod publish;
mod remembered;
mod second_thoughts;
mod shadow;
mod starts;
mod tell;
mod warm;

use std::sync::Arc;

use futures::StreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::group::{Ask, evaluate_group};
pub(super) use self::look::{Look, going};
use self::publish::Telemetry;
use self::warm::Warm;
use super::{Failed, Workplace, WorkplaceError};
use crate::config::Config;
use crate::functiongraph::events::{Action, Event, EventError};
use crate::functiongraph::{Diagnostic, Environment, Invocation, Service, service_fn};
use crate::model::{Group, Minute};
use crate::records::{Trigger, Verdict};

/// Groups that are evaluated at once.
const CONCURRENT_GROUPS: usize = 8;

/// The handler. Cheap to clone; clones share what is warm.
#[derive(Clone, Debug)]
pub struct Evaluate {
    workplace: Workplace,
    warm: Arc<Warm>,
}

/// What an invocation did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// One entry a group that came to a decision, holding included.
    pub decided: Vec<Verdict>,
    /// Groups without one, and why.
    pub failed: Vec<Failed>,
    /// Groups that are not due at this minute.
    pub not_due: Vec<String>,
    /// Groups that further invocations of this function evaluate.
    pub dispatched: Vec<String>,
}

/// Why an invocation did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The function cannot work at all.
    #[error(transparent)]
    Workplace(#[from] WorkplaceError),
    /// The event is not understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event is for another function.
    #[error(
        "evaluate is woken by a timer, or by {{\"action\": \"evaluate\", \"groups\": [\"…\"]}}, not by an event of kind {0}"
    )]
    WrongEvent(&'static str),
    /// A group that the configuration does not know.
    #[error("there is no group {0} in the configuration; it has {1}")]
    UnknownGroup(String, String),
    /// Nothing could be recorded for any group.
    #[error("no decision could be recorded: {0}")]
    NothingRecorded(String),
}

/// What an event asks for.
struct Request {
    groups: Vec<String>,
    dry_run: bool,
    /// A timer skips groups that are not due; a person never waits.
    only_due: bool,
}

impl Evaluate {
    /// Reads the settings from the environment.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, WorkplaceError> {
        Ok(Self { workplace: Workplace::new(environment)?, warm: Arc::default() })
    }

    /// An instance that works there.
    #[cfg(test)]
    pub(super) fn at(workplace: Workplace) -> Self {
        Self { workplace, warm: Arc::default() }
    }

    /// Handles one invocation.
    ///
    /// # Errors
    /// Only when no decision could be recorded at all. A decision to hold is an answer.
    pub async fn handle(&self, invocation: Invocation) -> Result<Answer, EvaluateError> {
        let event = Event::parse(&invocation.event)?;
        let request = Request::of(&event)?;
        let now = self.workplace.now(event.time());
        let credentials = self.workplace.credentials(&invocation)?;
        let store = self.workplace.store(&credentials)?;
        let config = self.workplace.config(&store, invocation.deadline).await?;
        let (mut due, not_due) = request.groups(&config, Minute::containing(now))?;
        let mut dispatched = Vec::new();
        if request.only_due {
            let cloud = self.workplace.cloud(&config, credentials.clone(), invocation.deadline)?;
            dispatched = fan_out::dispatch(&cloud, &self.workplace, &mut due, now).await;
        }

        let ask = Ask {
            now,
            trigger: Trigger { kind: event.kind().to_owned(), request_id: invocation.request_id.clone() },
            dry_run: request.dry_run,
            deadline: invocation.deadline,
            topic_urn: config.notify.topic_urn.clone(),
            telemetry: Telemetry::of(&config),
        };
        let mut asked = Vec::with_capacity(due.len());
        for group in due {
            // A cloud and a store of its own, so that each group's calls are counted apart.
            let cloud = self.workplace.cloud(&config, credentials.clone(), invocation.deadline)?;
            asked.push((group, cloud, store.counted_apart()));
        }
        let results: Vec<_> = futures::stream::iter(asked)
            .map(|(group, cloud, store)| {
                let (ask, warm) = (&ask, &self.warm);
                async move { (group, evaluate_group(&store, &cloud, warm, group, ask).await) }
            })
            .buffered(CONCURRENT_GROUPS)
            .collect()
            .await;
        let mut answer = Answer { decided: Vec::new(), failed: Vec::new(), not_due, dispatched };
        for (group, result) in results {
            match result {
                Ok(verdict) => answer.decided.push(verdict),
                Err(error) => {
                    tracing::error!(group = group.name, %error, "no decision could be recorded");
                    answer.failed.push(Failed { group: group.name.clone(), error: error.to_string() });
                }
            }
        }
        if answer.decided.is_empty() && !answer.failed.is_empty() {
            return Err(EvaluateError::NothingRecorded(Failed::told(&answer.failed)));
        }
        Ok(answer)
    }
}

/// The function as the runtime takes it. An environment that it cannot work in is the answer to every invocation.
pub fn service(
    environment: &Environment,
) -> impl Service<Invocation, Response = Answer, Error = Diagnostic> + Clone + use<> {
    let handler = Evaluate::new(environment).map_err(Diagnostic::from);
    service_fn(move |invocation| {
        let handler = handler.clone();
        async move { Ok(handler?.handle(invocation).await?) }
    })
}

impl Request {
    fn of(event: &Event) -> Result<Self, EvaluateError> {
        match event {
            Event::Timer(timer) => Ok(Self { groups: timer.selection.groups.clone(), dry_run: false, only_due: true }),
            Event::Evaluation(asked) if asked.action == Action::Evaluate => {
                Ok(Self { groups: asked.groups.clone(), dry_run: asked.dry_run, only_due: false })
            }
            other => Err(EvaluateError::WrongEvent(other.kind())),
        }
    }

    /// The groups asked for that are due, and the names of those that are not.
    fn groups<'a>(&self, config: &'a Config, minute: Minute) -> Result<(Vec<&'a Group>, Vec<String>), EvaluateError> {
        let asked: Vec<&Group> = if self.groups.is_empty() {
            config.groups.iter().collect()
        } else {
            let find = |name: &String| config.group(name).ok_or_else(|| unknown(name, config));
            self.groups.iter().map(find).collect::<Result<_, _>>()?
        };
        let is_due = |group: &&Group| !self.only_due || minute.0 % i64::from(group.scaling.check_interval / 60) == 0;
        let (due, not_due): (Vec<_>, Vec<_>) = asked.into_iter().partition(is_due);
        Ok((due, not_due.into_iter().map(|group| group.name.clone()).collect()))
    }
}

fn unknown(name: &str, config: &Config) -> EvaluateError {
    let names: Vec<&str> = config.groups.iter().map(|group| group.name.as_str()).collect();
    EvaluateError::UnknownGroup(name.to_owned(), names.join(", "))
}

/// The id of a decision: the same for the same invocation and group, so that a repeated one does not look like two.
fn decision_id(request_id: &str, group: &str) -> String {
    let digest = Sha256::new().chain_update(request_id).chain_update([0]).chain_update(group).finalize();
    hex::encode(&digest[..8])
}
