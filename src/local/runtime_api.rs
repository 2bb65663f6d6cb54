//! The side of FunctionGraph that a custom-runtime function sees: it polls for an event and posts what became of it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Notify, oneshot};

use crate::clients::Credentials;

use super::identifiers::identifier;
use super::server::ServerHandle;

/// A poll without an event is answered after this time; how long the platform holds it is not documented.
const POLL_PATIENCE: Duration = Duration::from_secs(20);

/// The runtime API of one function, on its own address. Any number of processes may poll it: each is one instance of the
/// function, and takes one event at a time.
#[derive(Debug)]
pub struct RuntimeApi {
    shared: Arc<Shared>,
    server: ServerHandle,
}

/// What became of one invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvocationResult {
    /// Id of the request.
    pub request_id: String,
    /// How it ended.
    pub status: InvocationStatus,
    /// From the moment at which a process took the event; zero if none did.
    pub duration: Duration,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvocationStatus {
    /// The function answered.
    Response(Bytes),
    /// The function answered with an error.
    Error(Bytes),
    /// The function didn't answer in time.
    TimedOut,
}

#[derive(Debug)]
struct Shared {
    function: String,
    credentials: Option<Credentials>,
    arrived: Notify,
    settled: Notify,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    count: u64,
    queue: VecDeque<Queued>,
    running: HashMap<String, Running>,
    finished: Vec<InvocationResult>,
}

#[derive(Debug)]
struct Queued {
    request_id: String,
    event: Bytes,
    /// `None`: asynchronous, nobody waits for the answer.
    caller: Option<oneshot::Sender<InvocationResult>>,
}

#[derive(Debug)]
struct Running {
    taken: Instant,
    caller: Option<oneshot::Sender<InvocationResult>>,
}

impl RuntimeApi {
    /// Serves the runtime API of a function. `credentials` are those of its agency, sent with each event.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(function: &str, credentials: Option<Credentials>, address: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            function: function.to_owned(),
            credentials,
            arrived: Notify::new(),
            settled: Notify::new(),
            inner: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/runtime/invocation/request", get(next_event))
            .route("/v1/runtime/invocation/response/{request_id}", post(response))
            .route("/v1/runtime/invocation/error/{request_id}", post(error))
            .with_state(Arc::clone(&shared));
        Ok(Self { shared, server: ServerHandle::start(router, address).await? })
    }

    /// Value of `RUNTIME_API_ADDR` for the function: host and port, without a scheme.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The function's name.
    pub fn function(&self) -> &str {
        &self.shared.function
    }

    /// Invokes the function and waits for its answer, at most for `patience`.
    pub async fn invoke(&self, event: impl Into<Bytes>, patience: Duration) -> InvocationResult {
        let (caller, answer) = oneshot::channel();
        let request_id = self.shared.enqueue(event.into(), Some(caller));
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(result)) => result,
            _ => self.shared.give_up(request_id),
        }
    }

    /// Puts an event into the function's queue and returns the request's id. What becomes of it is kept for
    /// [`RuntimeApi::take_finished`].
    pub fn invoke_async(&self, event: impl Into<Bytes>) -> String {
        self.shared.enqueue(event.into(), None)
    }

    /// Waits until no event is queued or being worked on.
    pub async fn drained(&self) {
        loop {
            let settled = self.shared.settled.notified();
            {
                let inner = self.shared.lock();
                if inner.queue.is_empty() && inner.running.is_empty() {
                    return;
                }
            }
            settled.await;
        }
    }

    /// What became of asynchronous invocations since this was asked last.
    pub fn take_finished(&self) -> Vec<InvocationResult> {
        std::mem::take(&mut self.shared.lock().finished)
    }

    /// Stops serving.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, event: Bytes, caller: Option<oneshot::Sender<InvocationResult>>) -> String {
        let mut inner = self.lock();
        inner.count += 1;
        let request_id = identifier(&["request", &self.function, &inner.count.to_string()]);
        inner.queue.push_back(Queued { request_id: request_id.clone(), event, caller });
        self.arrived.notify_one();
        request_id
    }

    /// The next event, as the answer to a poll.
    fn take(&self) -> Option<Response> {
        let mut inner = self.lock();
        let Queued { request_id, event, caller } = inner.queue.pop_front()?;
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set("x-cff-request-id", &request_id);
        set("x-cff-invoke-type", if caller.is_some() { "sync" } else { "async" });
        if let Some(credentials) = &self.credentials {
            set("x-cff-access-key", &credentials.access_key);
            set("x-cff-secret-key", credentials.secret_key.expose());
            if let Some(token) = &credentials.security_token {
                set("x-cff-security-token", token.expose());
            }
        }
        inner.running.insert(request_id, Running { taken: Instant::now(), caller });
        Some((headers, event).into_response())
    }

    fn finish(&self, request_id: String, status: InvocationStatus) -> StatusCode {
        let mut inner = self.lock();
        let Some(running) = inner.running.remove(&request_id) else {
            return StatusCode::NOT_FOUND;
        };
        let result = InvocationResult { request_id, status, duration: running.taken.elapsed() };
        match running.caller {
            Some(caller) => drop(caller.send(result)),
            None => inner.finished.push(result),
        }
        self.settled.notify_waiters();
        StatusCode::OK
    }

    /// Nobody waits for this request any more; an answer that comes later is refused.
    fn give_up(&self, request_id: String) -> InvocationResult {
        let mut inner = self.lock();
        inner.queue.retain(|queued| queued.request_id != request_id);
        let duration = inner.running.remove(&request_id).map(|running| running.taken.elapsed()).unwrap_or_default();
        self.settled.notify_waiters();
        InvocationResult { request_id, status: InvocationStatus::TimedOut, duration }
    }
}

async fn next_event(State(shared): State<Arc<Shared>>) -> Response {
    let event = async {
        loop {
            let arrived = shared.arrived.notified();
            if let Some(event) = shared.take() {
                return event;
            }
            arrived.await;
        }
    };
    tokio::time::timeout(POLL_PATIENCE, event).await.unwrap_or_else(|_| StatusCode::NO_CONTENT.into_response())
}

async fn response(State(shared): State<Arc<Shared>>, Path(request_id): Path<String>, body: Bytes) -> StatusCode {
    shared.finish(request_id, InvocationStatus::Response(body))
}

async fn error(State(shared): State<Arc<Shared>>, Path(request_id): Path<String>, body: Bytes) -> StatusCode {
    shared.finish(request_id, InvocationStatus::Error(body))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    async fn start() -> RuntimeApi {
        let credentials = Credentials::new("key", "secret", Some("token".to_owned()));
        RuntimeApi::start("evaluate", Some(credentials), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap()
    }

    async fn serve_one(api: &RuntimeApi, kind: &str, answer: &'static str) -> HeaderMap {
        let base = format!("http://{}/v1/runtime/invocation", api.address());
        crate::clients::tls::install();
        let client = reqwest::Client::new();
        let polled = client.get(format!("{base}/request")).send().await.unwrap();
        let headers = polled.headers().clone();
        let id = headers["x-cff-request-id"].to_str().unwrap();
        let posted = client.post(format!("{base}/{kind}/{id}")).body(answer).send().await.unwrap();
        assert_eq!(posted.status(), 200);
        headers
    }

    #[tokio::test]
    async fn a_function_gets_its_event_with_credentials_and_its_answer_comes_back() {
        let api = start().await;
        let (result, headers) =
            tokio::join!(api.invoke("{}", Duration::from_secs(10)), serve_one(&api, "response", "done"));
        assert_eq!(result.status, InvocationStatus::Response(Bytes::from("done")));
        assert_eq!(headers["x-cff-security-token"], "token");
        assert_eq!(headers["x-cff-invoke-type"], "sync");
        assert_eq!(headers["x-cff-request-id"], result.request_id.as_str());
    }

    #[tokio::test]
    async fn an_error_is_told_apart_from_an_answer() {
        let api = start().await;
        let (result, _) = tokio::join!(api.invoke("{}", Duration::from_secs(10)), serve_one(&api, "error", "broken"));
        assert_eq!(result.status, InvocationStatus::Error(Bytes::from("broken")));
    }

    #[tokio::test]
    async fn asynchronous_events_queue_up_and_drain() {
        let api = start().await;
        let ids = [api.invoke_async("1"), api.invoke_async("2")];
        for _ in &ids {
            let headers = serve_one(&api, "response", "done").await;
            assert_eq!(headers["x-cff-invoke-type"], "async");
        }
        api.drained().await;
        let finished: Vec<String> = api.take_finished().into_iter().map(|result| result.request_id).collect();
        assert_eq!(finished, ids);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_waits_for_is_refused() {
        let api = start().await;
        let result = api.invoke("{}", Duration::from_millis(1)).await;
        assert_eq!(result.status, InvocationStatus::TimedOut);
        let client = reqwest::Client::new();
        let address = format!("http://{}/v1/runtime/invocation/response/{}", api.address(), result.request_id);
        assert_eq!(client.post(address).body("late").send().await.unwrap().status(), 404);
    }
}
