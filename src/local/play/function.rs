use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::functiongraph::{Diagnostic, Environment, Invocation, Runtime, Service};
use crate::handlers::{alarm, evaluate, reclaim, tune};

/// A function in a thread of its own, as it would run in a process of its own: it shares nothing with its driver but the
/// runtime API.
#[derive(Debug)]
pub(super) struct LocalFunction {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FunctionKind {
    Alarm,
    Evaluate,
    Reclaim,
    Tune,
}

impl FunctionKind {
    /// Longest that one invocation may take: the platform's own timeout of the function.
    pub(super) fn timeout(self) -> Duration {
        match self {
            Self::Alarm | Self::Evaluate | Self::Reclaim => super::TIMEOUT,
            Self::Tune => Duration::from_secs(900),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Evaluate => "evaluate",
            Self::Reclaim => "reclaim",
            Self::Tune => "tune",
        }
    }
}

impl LocalFunction {
    pub(super) fn start(kind: FunctionKind, environment: &Environment) -> io::Result<Self> {
        match kind {
            FunctionKind::Alarm => Self::run(kind, environment, alarm::service(environment)),
            FunctionKind::Evaluate => Self::run(kind, environment, evaluate::service(environment)),
            FunctionKind::Reclaim => Self::run(kind, environment, reclaim::service(environment)),
            FunctionKind::Tune => Self::run(kind, environment, tune::service(environment)),
        }
    }

    fn run<S>(kind: FunctionKind, environment: &Environment, service: S) -> io::Result<Self>
    where
        S: Service<Invocation> + Send + 'static,
        S::Response: serde::Serialize,
        S::Error: Into<Diagnostic>,
    {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let mut runtime = Runtime::new(environment, service).map_err(io::Error::other)?;
        let thread = std::thread::Builder::new().name(kind.name().to_owned()).spawn(move || {
            executor.block_on(runtime.run_until(async {
                // A driver that is gone has no more events either.
                let _ = stopped.await;
            }));
        })?;
        Ok(Self { stop, thread })
    }

    pub(super) fn stop(self) {
        let Self { stop, thread } = self;
        drop(stop);
        // A panic was told on standard error already.
        let _ = thread.join();
    }
}
