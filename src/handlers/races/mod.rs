//! Whatever runs at once, and wherever it ends: no live call for more is undone, nothing is bought twice, no record is lost.
//!
//! The real functions, on a store and a region in memory, in orders that a case chooses step by step, some of them ended in
//! the middle. Each case is several minutes; each minute is one interleaving of all functions that are woken in it, with
//! events that come twice, late and out of order.
//!
//! A failing case is shrunk and printed, and kept beside this file by proptest, which tries it first from then on.

mod cases;
mod judge;
mod scheduler;
mod store;
pub(super) mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use self::cases::{Case, cases};
use self::judge::play;
use self::world::Fleets;

/// Minutes of a case.
const MINUTES: usize = 8;

/// Plays `interleavings` of them at least.
fn race(fleets: Fleets, hedges: bool, lags: bool, interleavings: usize) {
    let region = world::region(fleets);
    let router = region.router();
    let played = AtomicUsize::new(0);
    let cases_needed = u32::try_from(interleavings.div_ceil(MINUTES)).unwrap();
    let config = Config {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases_needed),
        failure_persistence: Some(Box::new(FileFailurePersistence::SourceParallel("proptest-regressions"))),
        source_file: Some(file!()),
        max_shrink_iters: 300,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&cases(lags), |case: Case| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let minutes = runtime.block_on(tokio::task::unconstrained(play(
            Arc::clone(&region),
            router.clone(),
            fleets,
            hedges,
            case,
        )));
        played.fetch_add(minutes?, Ordering::Relaxed);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    assert!(
        played.load(Ordering::Relaxed) >= cases_needed as usize * MINUTES || std::env::var("PROPTEST_CASES").is_ok()
    );
}

#[test]
fn functions_race_over_auto_scaling_groups() {
    race(Fleets::AutoScaling, false, false, 4_000);
}

#[test]
fn functions_race_over_tagged_servers() {
    race(Fleets::Servers, false, false, 2_500);
}

#[test]
fn functions_race_with_stand_ins() {
    race(Fleets::Mixed, true, false, 2_000);
}

#[test]
fn functions_race_while_listings_lag() {
    race(Fleets::Mixed, false, true, 2_000);
}
