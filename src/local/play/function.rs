use std::io;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::functiongraph::{Environment, Runtime};
use crate::handlers::evaluate;

/// A function in a thread of its own, as it would run in a process of its own: it shares nothing with its driver but the
/// runtime API.
#[derive(Debug)]
pub(super) struct LocalFunction {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl LocalFunction {
    pub(super) fn start(environment: &Environment) -> io::Result<Self> {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let mut runtime = Runtime::new(environment, evaluate::service(environment)).map_err(io::Error::other)?;
        let thread = std::thread::Builder::new().name("evaluate".to_owned()).spawn(move || {
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
