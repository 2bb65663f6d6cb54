//! The configuration document: read, or refused with a path; what was read is read again from what is written.
#![no_main]

use flexus_autoscaler::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Config::parse(bytes) {
        Ok(config) => {
            let written = serde_json::to_vec(&config).expect("a configuration can be written");
            assert_eq!(Config::parse(&written).expect("and read again"), config);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
