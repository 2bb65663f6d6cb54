//! A snapshot as it lies in the store: whole, torn, or of another version; then used as an evaluation uses it.
#![no_main]

use chrono::{DateTime, TimeDelta};
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::state::{RECORD_WINDOW, Snapshot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut snapshot) = serde_json::from_slice::<Snapshot>(bytes) else { return };
    let Some(now) = DateTime::from_timestamp(1_790_000_000, 0) else { return };
    snapshot.forget(now + TimeDelta::minutes(1), RECORD_WINDOW);
    let _ = snapshot.starts.ninetieth_percentile_minutes();
    snapshot.starts.ready(Minute::containing(now), 3);
    let _ = snapshot.counts.at(Minute::containing(now));
    assert!(serde_json::to_vec(&snapshot).is_ok());
});
