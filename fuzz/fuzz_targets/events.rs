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
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
