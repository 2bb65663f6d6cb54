//! HTTP to the outside: one module an API, request signing and retries beneath them.

mod credentials;
pub mod signing;
pub mod tls;

pub use credentials::{Credentials, MissingCredentials, Secret, redact};
