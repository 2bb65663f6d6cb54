//! HTTP to the outside: one module an API, request signing and retries beneath them.

mod credentials;

pub use credentials::{Credentials, Secret};
