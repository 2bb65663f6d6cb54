//! Where the store is made to fail on purpose.

use std::fmt;
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFault {
    /// The answer comes this much later, in real time.
    Slow(Duration),
    /// No answer comes.
    Hang,
    /// 503 SlowDown; the request has no effect.
    SlowDown,
    /// 500 InternalError, after the request took effect.
    FailedAfterwards,
}

/// Decides what goes wrong. The default of each method is that nothing does.
pub trait StoreFaults: fmt::Debug + Send + Sync {
    /// Asked once for every request, by the operation's S3 name (`PutObject`) and the key or prefix.
    fn on_request(&self, operation: &str, key: &str) -> Option<StoreFault> {
        let _ = (operation, key);
        None
    }

    /// Whether a listing leaves this key out, as a store does whose listings lag behind.
    fn hides(&self, key: &str) -> bool {
        let _ = key;
        false
    }
}

/// Nothing goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NoFaults;

impl StoreFaults for NoFaults {}
