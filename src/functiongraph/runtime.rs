use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

use futures::FutureExt as _;
use serde::Serialize;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, debug, error, info, info_span, warn};

use super::api::{AnswerKind, NoEvent, PAUSE, Polled, RuntimeApi};
use super::invocation::credentials_from_headers;
use super::{Diagnostic, Environment, EnvironmentError, Invocation, InvokeType, log_to_standard_output};
use crate::clients::Credentials;

/// Why a function can't start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A preset variable makes no sense.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The platform did not say where its runtime API is.
    #[error("RUNTIME_API_ADDR is not set: this program is a FunctionGraph function, started by the platform")]
    NoRuntimeApi,
    /// What the platform said is no address.
    #[error("RUNTIME_API_ADDR is `{0}`: expected host:port")]
    BadAddress(String),
    /// No HTTP client could be built.
    #[error("building the HTTP client of the runtime API")]
    Client(#[source] reqwest::Error),
    /// No asynchronous runtime could be built.
    #[error("building the asynchronous runtime")]
    Executor(#[source] std::io::Error),
}

/// The whole of a function's `main`: reads the environment, opens the log (`AUTOSCALER_LOG`), serves until killed.
///
/// `service` is built once, from the environment. What keeps the function from starting goes to standard error.
pub fn start<S>(service: impl FnOnce(&Environment) -> S) -> ExitCode
where
    S: Service<Invocation>,
    S::Response: Serialize,
    S::Error: Into<Diagnostic>,
{
    match try_start(service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", Diagnostic::from(error));
            ExitCode::FAILURE
        }
    }
}

fn try_start<S>(service: impl FnOnce(&Environment) -> S) -> Result<(), StartError>
where
    S: Service<Invocation>,
    S::Response: Serialize,
    S::Error: Into<Diagnostic>,
{
    let environment = Environment::from_process()?;
    log_to_standard_output(environment.variable("AUTOSCALER_LOG"));
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Executor)?;
    let mut runtime = Runtime::new(&environment, service(&environment))?;
    executor.block_on(runtime.run_until(std::future::pending()));
    Ok(())
}

/// The custom-runtime loop: polls for an event, calls the service, posts the answer.
///
/// One invocation at a time, on the caller's task: a call that is cut off is dropped before its answer is posted, so
/// that nothing runs while the platform has the process frozen (a service must not leave spawned tasks behind). A panic
/// and a missed deadline become error answers, and the loop lives on.
#[derive(Debug)]
pub struct Runtime<S> {
    api: RuntimeApi,
    service: S,
    timeout: Duration,
    max_response_bytes: usize,
    own_credentials: Option<Credentials>,
}

impl<S> Runtime<S>
where
    S: Service<Invocation>,
    S::Response: Serialize,
    S::Error: Into<Diagnostic>,
{
    /// A loop on the runtime API that `environment` names.
    pub fn new(environment: &Environment, service: S) -> Result<Self, StartError> {
        let address = environment.runtime_api_addr.as_deref().ok_or(StartError::NoRuntimeApi)?;
        let api = RuntimeApi::new(address).ok_or_else(|| StartError::BadAddress(address.to_owned()))?;
        Ok(Self {
            api: api.map_err(StartError::Client)?,
            service,
            timeout: environment.timeout,
            max_response_bytes: environment.max_response_bytes,
            own_credentials: environment.credentials(),
        })
    }

    /// Serves until `stop` is ready. An invocation that has begun is answered first.
    pub async fn run_until(&mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut polls = Polls::default();
        loop {
            let polled = tokio::select! {
                biased;
                () = &mut stop => return,
                polled = polls.next(&self.api) => polled,
            };
            if let Some(polled) = polled {
                let span = info_span!("invocation", request_id = %polled.request_id);
                self.answer(polled).instrument(span).await;
            }
        }
    }

    async fn answer(&mut self, polled: Polled) {
        let began = Instant::now();
        let request_id = polled.request_id.clone();
        let (kind, body) = match self.serve(polled, began).await {
            Ok(body) => (AnswerKind::Response, body),
            Err(diagnostic) => {
                error!(
                    error_type = diagnostic.error_type,
                    error_message = diagnostic.error_message,
                    "invocation failed"
                );
                // Two strings always serialise.
                (AnswerKind::Error, serde_json::to_vec(&diagnostic).unwrap_or_default())
            }
        };
        let bytes = body.len();
        match self.api.post(kind, &request_id, body).await {
            Ok(()) => info!(?kind, bytes, elapsed_ms = began.elapsed().as_millis() as u64, "answered"),
            Err(error) => error!(%error, ?kind, bytes, "answer lost"),
        }
    }

    async fn serve(&mut self, polled: Polled, began: Instant) -> Result<Vec<u8>, Diagnostic> {
        let Polled { request_id, headers, event } = polled;
        let margin = margin(self.timeout);
        let invocation = Invocation {
            event: event.map_err(|error| Diagnostic::new("EventUnreadable", format!("reading the event: {error}")))?,
            request_id,
            invoke_type: InvokeType::from_headers(&headers),
            credentials: credentials_from_headers(&headers).or_else(|| self.own_credentials.clone()),
            deadline: began + (self.timeout - margin),
        };
        let service = &mut self.service;
        let call = async move {
            let response = service.ready().await.map_err(Into::into)?.call(invocation).await.map_err(Into::into)?;
            serde_json::to_vec(&response).map_err(Diagnostic::from)
        };
        // A service that panicked is called again: it holds nothing between invocations that could be left half done.
        let call = AssertUnwindSafe(call).catch_unwind();
        let body = match timeout_at(began + (self.timeout - margin / 2), call).await {
            Ok(Ok(result)) => result?,
            Ok(Err(panic)) => return Err(Diagnostic::new("Panic", panic_message(panic.as_ref()))),
            Err(_) => {
                let limit = self.timeout;
                let message =
                    format!("no answer in time: the function's timeout is {limit:?}, nothing further was done");
                return Err(Diagnostic::new("DeadlineExceeded", message));
            }
        };
        if body.len() > self.max_response_bytes {
            let (bytes, limit) = (body.len(), self.max_response_bytes);
            let message = format!("the response has {bytes} bytes, the platform takes {limit}: ask for less at a time");
            return Err(Diagnostic::new("ResponseTooLarge", message));
        }
        Ok(body)
    }
}

/// How long before the platform's timeout the handler shall have answered: a tenth of it, 100 ms to 2 s.
fn margin(timeout: Duration) -> Duration {
    (timeout / 10).clamp(Duration::from_millis(100), Duration::from_secs(2)).min(timeout / 2)
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

/// Polls, and remembers whether the last one failed, so that an API that is away is logged once, not twenty times a second.
#[derive(Debug, Default)]
struct Polls {
    failing: bool,
}

impl Polls {
    /// The next event; nothing, after a pause, if the poll brought none.
    async fn next(&mut self, api: &RuntimeApi) -> Option<Polled> {
        match api.next().await {
            Ok(polled) => {
                self.failing = false;
                return Some(polled);
            }
            Err(NoEvent::Nothing) => self.failing = false,
            Err(error) if self.failing => debug!(%error, "poll failed again"),
            Err(error) => {
                warn!(%error, "poll failed, polling on");
                self.failing = true;
            }
        }
        sleep(PAUSE).await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_leaves_time_to_answer_and_time_to_work() {
        let margin_ms = |timeout_ms| margin(Duration::from_millis(timeout_ms)).as_millis();
        assert_eq!(margin_ms(3_000), 300);
        assert_eq!(margin_ms(60_000), 2_000);
        assert_eq!(margin_ms(500), 100);
        assert_eq!(margin_ms(100), 50);
    }
}
