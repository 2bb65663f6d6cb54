//! Whatever runs at once, and wherever it ends: no live call for more is undone, nothing is bought twice, no record is lost.
//!
//! The real functions, on a store and a region in memory, in orders that a case chooses step by step, some of them ended in
//! the middle. Each case is several minutes; each minute is one interleaving of all functions that are woken in it, with
//! events that come twice, late and out of order.
//!
//! By default the same cases are played each time. `RACES_EXPLORE=1` plays many more, other ones each time; a failing case
//! is shrunk and printed. What is held, and what cannot be, is told in `ARCHITECTURE.md`.

mod cases;
mod judge;
pub(super) mod scheduler;
pub(super) mod store;
pub(super) mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::cases::{Case, cases};
use self::judge::play;
use self::world::Fleets;

/// Minutes of a case.
const MINUTES: usize = 8;
/// Cases that are played each time, of each kind of fleet.
const REPEATED_CASES: u32 = 100;

/// Plays `interleavings` of them at least.
fn race(fleets: Fleets, hedges: bool, lags: bool, interleavings: usize) {
    let region = world::region(fleets);
    let router = region.router();
    let played = AtomicUsize::new(0);
    let explores = std::env::var_os("RACES_EXPLORE").is_some();
    let cases_needed = if explores { u32::try_from(interleavings.div_ceil(MINUTES)).unwrap() } else { REPEATED_CASES };
    let config = Config { cases: cases_needed, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = if explores {
        TestRunner::new(config)
    } else {
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let result = runner.run(&cases(lags), |case: Case| {
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
    assert!(played.load(Ordering::Relaxed) >= cases_needed as usize * MINUTES);
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
