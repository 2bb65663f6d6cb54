//! HTTP to the outside: one module an API, request signing and retries beneath them.

mod api;
pub mod auto_scaling;
mod cloud;
pub mod cloud_eye;
mod credentials;
pub mod csms;
pub mod cts;
pub mod deepseek;
pub mod ecs;
pub mod elb;
mod error;
mod foreign;
pub mod function_graph;
pub mod http;
pub mod http_json;
pub mod iam;
#[cfg(any(test, fuzzing))]
pub mod in_process;
pub mod otlp;
pub mod prometheus;
pub mod redis;
mod retry;
mod secrets;
pub mod signing;
pub mod smn;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
mod wire;

pub use cloud::{Cloud, InvalidRegion};
pub use credentials::{Credentials, MissingCredentials, Secret, redact};
pub(crate) use error::root_cause;
pub use error::{ClientError, Failure, Refusal};
pub use http::{Proxies, Transport, client};
pub use retry::{Backoff, Retry};
pub use secrets::{SecretError, Secrets};
