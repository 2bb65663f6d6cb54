//! CSV files of loads and spot markets: read, or refused with row and column; what was read can be prepared for a replay.
#![no_main]

use flexus_autoscaler::cli::trace::{parse_recording, parse_spot_market};
use flexus_autoscaler::local::SpotTrace;
use flexus_autoscaler::replay::{Trace, Window};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse_recording("t.csv", "t".to_owned(), bytes, None) {
        Ok(recording) => {
            assert!(recording.values.iter().flatten().all(|load| load.is_finite() && *load >= 0.0));
            let window = Window { from_day: 0, days: Some(2) };
            if let Ok(trace) = Trace::prepare(&recording, window) {
                assert!(trace.minutes() <= 2 * 1440 && trace.load.iter().all(|load| load.is_finite() && *load >= 0.0));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // Months of rooms in a few bytes are long, not wrong: only days are laid out here.
    let is_short = SpotTrace::read(bytes).is_ok_and(|trace| (0..=10_000).contains(&trace.minutes()));
    match is_short.then(|| parse_spot_market("s.csv", bytes)) {
        Some(Err(error)) => assert!(!error.to_string().is_empty()),
        Some(Ok(_)) | None => {}
    }
});
