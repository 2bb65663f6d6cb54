//! `invoke FUNCTION EVENT.json`: one function, once, with the credentials of the environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use tower::{Service, ServiceExt};

use super::stored::configuration;
use super::{CliError, print, read_file};
use crate::functiongraph::events::{Action, Event};
use crate::functiongraph::{Diagnostic, Environment, Invocation, InvokeType};
use crate::handlers::{Settings, alarm, console, evaluate, reclaim, tune};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Which function.
    #[arg(value_enum)]
    function: Function,
    /// The event, as the trigger would send it.
    event: PathBuf,
    /// The configuration, instead of the one in the store.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where state lives, if AUTOSCALER_STORE does not say.
    #[arg(long, value_name = "DIR", default_value = "autoscaler-state")]
    state: PathBuf,
    /// Seconds that it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Function {
    /// Decides how many instances each group shall have.
    Evaluate,
    /// Raises a group at once when Cloud Eye sounds an alarm.
    Alarm,
    /// Replaces spot instances that are being taken away.
    Reclaim,
    /// Looks for better policies and lets replay judge them.
    Tune,
    /// Answers people over HTTP; the event is the gateway's.
    Console,
}

/// What is said where there are no keys.
const NO_CREDENTIALS: &str = "no credentials: set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK";

impl Function {
    /// Refuses an event of a kind that never wakes this function.
    fn takes(self, event: &Event) -> Result<(), CliError> {
        let (is_for_it, wakes) = match self {
            Self::Evaluate => (is_timer_or(event, Action::Evaluate), "a timer, or by {\"action\": \"evaluate\"}"),
            Self::Tune => (is_timer_or(event, Action::Tune), "a timer, or by {\"action\": \"tune\"}"),
            Self::Alarm => (matches!(event, Event::Notifications(_)), "an SMN notification"),
            Self::Reclaim => (
                matches!(event, Event::Notifications(_) | Event::Trace(_)),
                "a Cloud Trace event or an SMN notification",
            ),
            Self::Console => (matches!(event, Event::Gateway(_)), "a request of the API gateway"),
        };
        if is_for_it {
            return Ok(());
        }
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        Err(CliError::Input(format!("{name} is woken by {wakes}, not by this event of kind {}", event.kind())))
    }
}

fn is_timer_or(event: &Event, action: Action) -> bool {
    match event {
        Event::Timer(_) => true,
        Event::Evaluation(asked) => asked.action == action,
        _ => false,
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let event = read_file(&arguments.event)?;
    let environment = environment(arguments)?;
    // What is wrong with the input is said first, and is no failure of the function.
    arguments.function.takes(&Event::parse(&event).map_err(CliError::input)?)?;
    if let Some(path) = &arguments.config {
        configuration(path)?;
    }
    Settings::from_environment(&environment).map_err(CliError::input)?;
    environment.credentials().ok_or_else(|| CliError::input(NO_CREDENTIALS))?;
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::failed)?;
    executor.block_on(async {
        let invocation = Invocation {
            event: event.into(),
            request_id: format!("local-{}", uuid::Uuid::new_v4()),
            credentials: None,
            invoke_type: InvokeType::Sync,
            deadline: tokio::time::Instant::now() + Duration::from_secs(arguments.timeout),
        };
        match arguments.function {
            Function::Evaluate => call(evaluate::service(&environment), invocation).await,
            Function::Alarm => call(alarm::service(&environment), invocation).await,
            Function::Reclaim => call(reclaim::service(&environment), invocation).await,
            Function::Tune => call(tune::service(&environment), invocation).await,
            Function::Console => call(console::service(&environment), invocation).await,
        }
    })
}

async fn call<S>(service: S, invocation: Invocation) -> Result<(), CliError>
where
    S: Service<Invocation>,
    S::Response: Serialize,
    S::Error: Into<Diagnostic>,
{
    match service.oneshot(invocation).await {
        Ok(answer) => print(&format!("{}\n", serde_json::to_string_pretty(&answer).map_err(CliError::failed)?)),
        Err(error) => Err(CliError::Failed(error.into().error_message)),
    }
}

/// The environment of this process, with what the arguments say on top.
fn environment(arguments: &Arguments) -> Result<Environment, CliError> {
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if !variables.iter().any(|(name, value)| name == "AUTOSCALER_STORE" && !value.is_empty()) {
        variables.push(("AUTOSCALER_STORE".to_owned(), file_address(&arguments.state)?));
    }
    if let Some(config) = &arguments.config {
        variables.retain(|(name, _)| name != "AUTOSCALER_CONFIG");
        variables.push(("AUTOSCALER_CONFIG".to_owned(), file_address(config)?));
    }
    Environment::from_variables(variables).map_err(CliError::input)
}

fn file_address(path: &Path) -> Result<String, CliError> {
    let absolute =
        std::path::absolute(path).map_err(|error| CliError::Input(format!("{}: {error}", path.display())))?;
    url::Url::from_file_path(&absolute)
        .map(String::from)
        .map_err(|()| CliError::Input(format!("{}: is no path that can be used", path.display())))
}
