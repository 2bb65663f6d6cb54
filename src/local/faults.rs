//! Where the region is made to fail on purpose.

use std::fmt;
use std::time::Duration;

use crate::model::Minute;

use super::errors::Service;

/// A call that reached the region.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Whom it is for.
    pub service: Service,
    /// Method and path pattern.
    pub operation: &'a str,
    /// The region's clock.
    pub now: Minute,
}

/// A metric that is about to be read.
#[derive(Clone, Copy, Debug)]
pub struct MetricRead<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub metric: &'a str,
    /// What it measures: the value of its first dimension, an instance's or a load balancer's id.
    pub resource: &'a str,
    /// Time of the point in milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The region's clock.
    pub now: Minute,
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer comes this much later, in real time.
    Slow(Duration),
    /// No answer comes.
    Hang,
    /// An error answer in the service's own shape; the call has no effect.
    Error {
        /// HTTP status.
        status: u16,
        /// The service's error code.
        code: String,
        /// The text beside it.
        message: String,
    },
    /// The call takes effect, and this text is the answer's body, with status 200.
    Garbage(String),
    /// The call takes effect, and the answer's body ends after half of its bytes.
    Truncated,
}

/// An instance that is about to be started.
#[derive(Clone, Copy, Debug)]
pub struct LaunchRequest<'a> {
    /// Its zone.
    pub zone: &'a str,
    /// Its flavor.
    pub flavor: &'a str,
    /// The region's clock.
    pub now: Minute,
}

/// What goes wrong with an instance that is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LaunchFault {
    /// It never becomes ready, and is paid for.
    NeverReady,
    /// It becomes ready so many minutes late.
    Late(
        /// Minutes on top of the lead time.
        u32,
    ),
}

/// Decides what goes wrong. The default of each method is that nothing does.
pub trait Faults: fmt::Debug + Send + Sync {
    /// Asked once for every call, before it takes effect.
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        let _ = call;
        None
    }

    /// What becomes of a point of a metric: itself, another value, or nothing.
    fn on_point(&self, read: &MetricRead<'_>, value: f64) -> Option<f64> {
        let _ = read;
        Some(value)
    }

    /// Asked once for every instance that is started.
    fn on_launch(&self, launch: &LaunchRequest<'_>) -> Option<LaunchFault> {
        let _ = launch;
        None
    }
}

/// Nothing goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {}
