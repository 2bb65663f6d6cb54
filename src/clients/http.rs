//! One HTTP request with retries, inside a deadline. Everything else in this room is built on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

use super::error::{ClientError, Failure, Refusal, root_cause};
use super::retry::{Backoff, NoMoreTries, Retry, Tries};
use super::{Secret, tls};

/// Most bytes of an answer that are read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for one answer, unless said otherwise.
const TRY_TIMEOUT: Duration = Duration::from_secs(8);

/// Whether proxies of the environment are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// As `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
    /// Never: for servers on this machine.
    None,
}

/// The process-wide HTTP client: connections are kept between invocations, redirects are never followed, since neither a
/// signature nor a token may go to another address than it was meant for.
///
/// # Errors
/// If the TLS implementation cannot be set up.
pub fn client(proxies: Proxies) -> Result<reqwest::Client, reqwest::Error> {
    let builder = builder();
    match proxies {
        Proxies::Environment => builder,
        Proxies::None => builder.no_proxy(),
    }
    .build()
}

/// What all clients of this process have in common.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config())
        .user_agent(concat!("flexus-autoscaler/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
}

/// Sends requests with retries, inside a deadline. Cheap to clone; clones share the client and the counter.
#[derive(Clone, Debug)]
pub struct Transport {
    carrier: Carrier,
    deadline: Instant,
    try_timeout: Duration,
    backoff: Backoff,
    calls: Arc<AtomicU64>,
}

/// What takes requests to where they go.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    /// The network.
    Network(reqwest::Client),
    /// A cloud in memory.
    #[cfg(any(test, fuzzing))]
    InProcess(Arc<dyn super::in_process::InProcess>),
}

/// What a request is for, and whether it may be repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose<'a> {
    pub(super) operation: &'static str,
    pub(super) subject: &'a str,
    pub(super) retry: Retry,
    /// What must not be quoted from an error answer.
    pub(super) secrets: &'a [&'a Secret],
}

impl Purpose<'_> {
    pub(super) fn error(&self, failure: Failure) -> ClientError {
        ClientError::new(self.operation, self.subject, failure)
    }
}

/// An answer of success.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Transport {
    /// Sends by `client` until `deadline`.
    pub fn new(client: reqwest::Client, deadline: Instant) -> Self {
        Self::over(Carrier::Network(client), deadline)
    }

    /// Asks a cloud in memory until `deadline`.
    #[cfg(fuzzing)]
    pub fn in_process(cloud: Arc<dyn super::in_process::InProcess>, deadline: Instant) -> Self {
        Self::over(Carrier::InProcess(cloud), deadline)
    }

    /// Sends by `carrier` until `deadline`.
    pub(crate) fn over(carrier: Carrier, deadline: Instant) -> Self {
        Self { carrier, deadline, try_timeout: TRY_TIMEOUT, backoff: Backoff::default(), calls: Arc::default() }
    }

    /// The same, but done within `limit` from now if that is earlier than the deadline.
    pub fn within(&self, limit: Duration) -> Self {
        let deadline = Instant::now().checked_add(limit).map_or(self.deadline, |limited| limited.min(self.deadline));
        Self { deadline, ..self.clone() }
    }

    /// The same, but waiting at most this long for one answer (8 s unless said otherwise).
    pub fn with_try_timeout(self, try_timeout: Duration) -> Self {
        Self { try_timeout, ..self }
    }

    /// The same, but trying at most so often.
    pub fn with_tries(self, tries: u32) -> Self {
        Self { backoff: Backoff { tries, ..self.backoff }, ..self }
    }

    /// The same, but with other pauses between tries.
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// When everything must be done.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Requests sent so far by this transport and its clones, every try counted.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Sends what `request` makes, anew for every try, and reads the answer whole. `check` may find a failure in an answer
    /// of success.
    pub(super) async fn send(
        &self,
        purpose: Purpose<'_>,
        request: impl Fn() -> Result<reqwest::Request, Failure>,
        check: impl Fn(&Answer) -> Option<Failure>,
    ) -> Result<Answer, ClientError> {
        let Purpose { operation, subject, retry, secrets } = purpose;
        let mut tries = Tries::new(self.backoff, self.deadline);
        loop {
            tries.begin();
            let (try_number, started) = (tries.made(), Instant::now());
            let result = match request() {
                Ok(request) => self.try_once(request, retry, secrets).await,
                Err(failure) => Err(failure),
            };
            let result = result.and_then(|answer| check(&answer).map_or(Ok(()), Err).map(|()| answer));
            let duration_ms = started.elapsed().as_millis() as u64;
            let failure = match result {
                Ok(answer) => {
                    tracing::debug!(operation, subject, status = answer.status, try_number, duration_ms, "answered");
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let may_be_retried = failure.may_be_retried(retry);
            tracing::debug!(operation, subject, %failure, may_be_retried, try_number, duration_ms, "failed");
            let no_more =
                if may_be_retried { tries.pause(failure.retry_after()).await.err() } else { Some(NoMoreTries::Enough) };
            if let Some(no_more) = no_more {
                let out_of_time = no_more == NoMoreTries::NoTime;
                return Err(ClientError { tries: try_number, out_of_time, ..purpose.error(failure) });
            }
        }
    }

    async fn try_once(&self, request: reqwest::Request, retry: Retry, secrets: &[&Secret]) -> Result<Answer, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::NoTime);
        }
        // A server that hangs must leave time for a second try, where there can be one.
        let share = if retry == Retry::Idempotent { left / 2 } else { left };
        let limit = self.try_timeout.min(share.max(Duration::from_millis(500))).min(left);
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::timeout(limit, self.exchange(request, secrets)).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    async fn exchange(&self, request: reqwest::Request, secrets: &[&Secret]) -> Result<Answer, Failure> {
        #[cfg_attr(
            not(any(test, fuzzing)),
            expect(clippy::infallible_destructuring_match, reason = "tests and fuzzing know a second carrier")
        )]
        let client = match &self.carrier {
            Carrier::Network(client) => client,
            #[cfg(any(test, fuzzing))]
            Carrier::InProcess(cloud) => {
                let (status, body) = cloud.answer(request).await;
                return match status {
                    200..=299 => Ok(Answer { status, body }),
                    _ => Err(Failure::Refused(Refusal::of_answer(status, &body, secrets))),
                };
            }
        };
        let mut response = client.execute(request).await.map_err(describe)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(describe)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Failure::TooLarge(LARGEST_ANSWER));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(Answer { status: status.as_u16(), body });
        }
        Err(Failure::Refused(Refusal { retry_after, ..Refusal::of_answer(status.as_u16(), &body, secrets) }))
    }
}

/// The pause that a server asks for, in whole seconds. The rarer form, a date, is left to the back-off.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// An error of the HTTP client without the address, which may hold a password, and with its innermost cause.
fn describe(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let reason = root_cause(&error).to_string();
    match () {
        () if error.is_connect() => Failure::Unreachable(reason),
        () if error.is_builder() => Failure::Invalid(reason),
        () => Failure::Broken(reason),
    }
}

#[cfg(test)]
mod tests;
