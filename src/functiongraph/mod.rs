//! Huawei Cloud FunctionGraph: the custom-runtime loop and the events that wake a function.
//!
//! A function's `main` is one call of [`start`]: it reads the [`Environment`] once, then polls the platform's runtime API,
//! hands each [`Invocation`] to a [`tower::Service`] and posts its answer. Nothing runs between invocations.

mod api;
mod diagnostic;
mod environment;
pub mod events;
mod invocation;
mod log;
mod runtime;
#[cfg(test)]
mod tests;

pub use diagnostic::Diagnostic;
pub use environment::{Environment, EnvironmentError, FunctionIdentity};
pub use invocation::{Invocation, InvokeType};
#[cfg(test)]
pub(crate) use log::lines;
pub use log::log_to_standard_output;
pub use runtime::{Runtime, StartError, start};
pub use tower::{Service, service_fn};
