//! A request through the API gateway to the console: always answered in the gateway's own form.
#![no_main]

use std::sync::{Arc, LazyLock};

use flexus_autoscaler::clients::Secret;
use flexus_autoscaler::functiongraph::Diagnostic;
use flexus_autoscaler::functiongraph::events::{Evaluation, Event};
use flexus_autoscaler::handlers::console::{AccessToken, Backend, Desk, answer};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static EXECUTOR: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("an executor"));

/// A console behind which nothing is.
struct Nowhere;

#[async_trait::async_trait]
impl Backend for Nowhere {
    async fn open(&self) -> Result<Desk, Diagnostic> {
        Err(Diagnostic::new("Nowhere", "there is nothing behind this console"))
    }

    async fn evaluate(&self, _: &Evaluation) -> Result<String, Diagnostic> {
        Err(Diagnostic::new("Nowhere", "there is nothing behind this console"))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(Event::Gateway(request)) = Event::parse(bytes) else { return };
    // The samples' own token, so that requests get past the door.
    let token = AccessToken::new(&Secret::new("example-token-of-the-console"));
    if let Ok(answer) = EXECUTOR.block_on(answer(&request, Arc::new(Nowhere), token)) {
        let status = answer["statusCode"].as_u64();
        assert!(status.is_some_and(|status| (100..600).contains(&status)), "{answer}");
    }
});
