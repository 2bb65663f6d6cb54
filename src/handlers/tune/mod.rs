//! Woken by a timer once an hour, or by a person: looks for better policies, has replay judge them, and takes the
//! versions on from proposed to active, or back. It keeps the groups' past in order on the way.

mod adviser;
mod group;
mod orders;
mod outcome;

use serde::Serialize;
use tokio::time::Instant;

pub use self::adviser::{Adviser, AdviserSettings, Asked};
pub use self::group::{Ask, Haste, tune_group};
pub use self::orders::{ListedVersion, OrderError, Overview, VersionStory, Wanted, give_order, overview, story};
pub use self::outcome::{JudgedVersion, Outcome, VersionStep};
use super::serve::serve;
use super::weekly::report_week;
use super::{Failed, Workplace, WorkplaceError};
use crate::config::{AdviserMode, Config};
use crate::functiongraph::events::{Action, Event, EventError};
use crate::functiongraph::{Diagnostic, Environment, Invocation, Service};
use crate::model::Group;

/// What an invocation did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// One entry a group.
    pub tuned: Vec<Outcome>,
    /// Groups that could not be tuned, and why.
    pub failed: Vec<Failed>,
}

/// Why an invocation did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The function cannot work at all.
    #[error(transparent)]
    Workplace(#[from] WorkplaceError),
    /// The event is not understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The event is for another function.
    #[error(
        "tune is woken by a timer, or by {{\"action\": \"tune\", \"groups\": [\"…\"]}}, not by an event of kind {0}"
    )]
    WrongEvent(&'static str),
    /// A group that the configuration does not know.
    #[error("there is no group {0} in the configuration")]
    UnknownGroup(String),
    /// No group could be tuned.
    #[error("no group could be tuned: {0}")]
    NothingTuned(String),
}

/// The function as the runtime takes it. An environment that it cannot work in is the answer to every invocation.
pub fn service(
    environment: &Environment,
) -> impl Service<Invocation, Response = Answer, Error = Diagnostic> + Clone + use<> {
    serve(environment, handle)
}

async fn handle(workplace: &Workplace, invocation: Invocation) -> Result<Answer, TuneError> {
    let event = Event::parse(&invocation.event)?;
    let (names, haste, dry_run) = match &event {
        Event::Timer(timer) => (timer.selection.groups.clone(), Haste::WhenDue, false),
        Event::Evaluation(asked) if asked.action == Action::Tune => (asked.groups.clone(), Haste::Now, asked.dry_run),
        other => return Err(TuneError::WrongEvent(other.kind())),
    };
    let now = workplace.now(event.time());
    let credentials = workplace.credentials(&invocation)?;
    let store = workplace.store(&credentials)?;
    let config = workplace.config(&store, invocation.deadline).await?;
    let groups = chosen(&config, &names)?;
    let cloud = workplace.cloud(&config, credentials, invocation.deadline)?;
    let adviser = match config.deepseek.mode {
        AdviserMode::Off => Err("the adviser is off".to_owned()),
        AdviserMode::Propose | AdviserMode::Apply => Adviser::of_cloud(&cloud, &config.deepseek).await,
    };
    let mut answer = Answer { tuned: Vec::new(), failed: Vec::new() };
    let count = groups.len();
    for (done, group) in groups.into_iter().enumerate() {
        // What one group leaves of its time the others have.
        let left = invocation.deadline.saturating_duration_since(Instant::now());
        let deadline = Instant::now() + left / u32::try_from(count - done).unwrap_or(1);
        let ask =
            Ask { config: &config, adviser: adviser.as_ref().map_err(String::as_str), now, deadline, haste, dry_run };
        match tune_group(&store, group, &ask).await {
            Ok(mut outcome) => {
                let topic = config.notify.topic_urn.as_deref();
                outcome::tell(&cloud, topic, &outcome).await;
                if !dry_run {
                    let language = config.deepseek.language.into();
                    let report = report_week(&store, &cloud, topic, language, group, now, deadline).await;
                    outcome.report = report.unwrap_or_else(|error| {
                        outcome.notes.push(format!("the weekly report could not be made: {error}"));
                        None
                    });
                }
                answer.tuned.push(outcome);
            }
            Err(error) => {
                tracing::error!(group = group.name, %error, "the group could not be tuned");
                answer.failed.push(Failed { group: group.name.clone(), error: error.to_string() });
            }
        }
    }
    if answer.tuned.is_empty() && !answer.failed.is_empty() {
        return Err(TuneError::NothingTuned(Failed::told(&answer.failed)));
    }
    Ok(answer)
}

fn chosen<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a Group>, TuneError> {
    if names.is_empty() {
        return Ok(config.groups.iter().collect());
    }
    names.iter().map(|name| config.group(name).ok_or_else(|| TuneError::UnknownGroup(name.clone()))).collect()
}
