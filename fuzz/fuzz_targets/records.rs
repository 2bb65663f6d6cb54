//! A record as it lies in the store: decided again and told, or found not to follow from itself.
#![no_main]

use flexus_autoscaler::records::{explain, Happening, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let written = serde_json::to_vec(&record).expect("a record can be written");
    // Numbers that no JSON can hold are written as null, which is not read again.
    if let Ok(again) = serde_json::from_slice::<Record>(&written) {
        assert_eq!(serde_json::to_vec(&again).expect("and again"), written);
    }
    if let Happening::Decision(decision) = record.what {
        let _ = (explain::check(&decision), explain::sentences(&decision), explain::summary(&decision));
    }
});
