//! The console: an HTTP API for people and for the console page, behind the API gateway or on a local port.
//!
//! One [`router`] serves both. What differs is the [`Backend`]: where configuration and store come from, and who
//! evaluates. The API only reads, records orders of people as objects of their own, and asks for evaluations; it never
//! touches a snapshot.

mod alternatives;
mod auth;
mod decisions;
mod function;
mod gateway;
mod groups;
mod holds;
mod measured;
mod openapi;
mod outlook;
mod pace;
mod page;
mod policies;
mod problem;
mod routes;
mod series;
mod shown;
mod spot;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

pub use auth::AccessToken;
#[cfg(test)]
pub(super) use function::handle;
pub use function::service;
pub use gateway::answer;
pub use openapi::document as openapi_document;
pub use problem::Problem;
pub use routes::router;

use crate::config::Config;
use crate::functiongraph::Diagnostic;
use crate::functiongraph::events::Evaluation;
use crate::model::Group;
use crate::state::Store;

/// Where the console's answers come from.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Opens what one request needs.
    async fn open(&self) -> Result<Desk, Diagnostic>;

    /// Has a group evaluated, and gives the id of the request. Whoever evaluates answers by a decision.
    async fn evaluate(&self, request: &Evaluation) -> Result<String, Diagnostic>;
}

/// What one request works with.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// What counts as now.
    pub now: DateTime<Utc>,
    /// When the answer shall be ready.
    pub deadline: Instant,
}

impl Desk {
    fn group(&self, name: &str) -> Result<&Group, Problem> {
        self.config.group(name).ok_or_else(|| Problem::unknown_group(name))
    }
}

#[cfg(test)]
mod tests;
