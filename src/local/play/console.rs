//! The console of a region in which a trace is being played: the real one, on the region's store and clock.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::super::{InvocationStatus, Region, RuntimeApi, ServerHandle};
use super::TIMEOUT;
use crate::clients::{Credentials, Secret};
use crate::functiongraph::events::Evaluation;
use crate::functiongraph::{Diagnostic, Environment};
use crate::handlers::Workplace;
use crate::handlers::console::{AccessToken, Backend, Desk, router};
use crate::state::Store;

/// Opens the console of a local region. No secret: what it guards listens on 127.0.0.1 and holds nothing real.
pub const CONSOLE_TOKEN: &str = "flexus-local-demo";
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A console that is being served.
#[derive(Debug)]
pub(super) struct LocalConsole {
    server: ServerHandle,
    backend: Arc<LocalBackend>,
}

/// What a console needs of the play.
#[derive(Debug)]
pub(super) struct LocalBackend {
    pub(super) region: Arc<Region>,
    pub(super) runtime_api: Arc<RuntimeApi>,
    pub(super) workplace: Workplace,
    pub(super) credentials: Credentials,
    /// Taken while a minute is played or a person's evaluation runs: time does not pass under an evaluation.
    pub(super) turn: Arc<Mutex<()>>,
    store: Store,
    evaluations: AtomicU64,
}

impl LocalBackend {
    pub(super) fn new(
        region: Arc<Region>,
        runtime_api: Arc<RuntimeApi>,
        turn: Arc<Mutex<()>>,
        environment: &Environment,
        credentials: Credentials,
    ) -> io::Result<Self> {
        let workplace = Workplace::new(environment).map_err(io::Error::other)?;
        let store = workplace.store(&credentials).map_err(io::Error::other)?;
        Ok(Self { region, runtime_api, workplace, credentials, turn, store, evaluations: AtomicU64::new(0) })
    }
}

impl LocalConsole {
    pub(super) async fn start(backend: LocalBackend, address: SocketAddr) -> io::Result<Self> {
        let backend = Arc::new(backend);
        let token = AccessToken::new(&Secret::new(CONSOLE_TOKEN));
        let api: Arc<dyn Backend> = backend.clone();
        let server = ServerHandle::start(router(api, token), address).await?;
        Ok(Self { server, backend })
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Requests to the store that were made for people who look.
    pub(super) fn store_calls(&self) -> u64 {
        self.backend.store.calls()
    }

    /// How often a person asked for an evaluation.
    pub(super) fn evaluations(&self) -> u64 {
        self.backend.evaluations.load(Ordering::Relaxed)
    }

    pub(super) async fn stop(self) {
        self.server.stop().await;
    }
}

#[async_trait]
impl Backend for LocalBackend {
    async fn open(&self) -> Result<Desk, Diagnostic> {
        let deadline = Instant::now() + PATIENCE;
        let store = self.workplace.store(&self.credentials)?;
        let config = self.workplace.config(&store, deadline).await?;
        Ok(Desk { config, store, now: self.region.now().start(), deadline })
    }

    /// Waits for the answer: here, unlike in the cloud, that takes milliseconds.
    async fn evaluate(&self, request: &Evaluation) -> Result<String, Diagnostic> {
        let _ours = self.turn.lock().await;
        let event = Evaluation { time: Some(self.region.now().start()), ..request.clone() };
        self.evaluations.fetch_add(1, Ordering::Relaxed);
        let result = self.runtime_api.invoke(serde_json::to_vec(&event)?, TIMEOUT).await;
        let failed = |message: &str| Err(Diagnostic::new("EvaluateError", message));
        match result.status {
            InvocationStatus::Response(body) => {
                let answer: Value = serde_json::from_slice(&body)?;
                answer["failed"][0]["error"].as_str().map_or(Ok(result.request_id), failed)
            }
            InvocationStatus::Error(body) => {
                let told = serde_json::from_slice::<Value>(&body).unwrap_or_default();
                failed(told["errorMessage"].as_str().unwrap_or(&String::from_utf8_lossy(&body)))
            }
            InvocationStatus::TimedOut => failed("evaluate did not answer in time"),
        }
    }
}
