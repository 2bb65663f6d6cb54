//! A day of history as it lies in the store: whole lines are taken, torn ones are said, and all of it is merged.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use flexus_autoscaler::records::HistoryMinute;
use flexus_autoscaler::state::history::HistoryDay;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = |bytes: &[u8]| match HistoryDay::of_file("history/2026-01-01.jsonl.gz", bytes) {
        Ok(day) => day,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            HistoryDay::default()
        }
    };
    let _ = read(bytes);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    for (minute, entry) in read(&packed.finish().expect("memory takes it")).minutes {
        assert_eq!(entry.minute, minute);
        let mut twice = entry.clone();
        twice.merge(entry.clone());
        let written = |entry: &HistoryMinute| serde_json::to_string(entry).expect("an entry can be written");
        assert_eq!(written(&twice), written(&entry), "merged with itself it is itself");
    }
});
