//! What a trigger sends: understood, or refused in words.
#![no_main]

use flexus_autoscaler::functiongraph::events::Event;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Event::parse(bytes) {
        Ok(event) => {
            let _ = (event.kind(), event.time());
            if let Event::Notifications(notifications) = event {
                for notification in notifications {
                    let _ = format!("{:?}", notification.content());
                }
            }
        }
        Err(error) => {
            // Whatever was sent, its error fits a line of a log.
            let told = error.to_string();
            assert!(!told.is_empty() && told.chars().count() < 1_500, "{} characters", told.len());
        }
    }
});
