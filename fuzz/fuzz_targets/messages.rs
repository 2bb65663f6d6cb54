//! The text of an SMN message: an alarm, a lifecycle hook, a trace, or anything else.
#![no_main]

use chrono::DateTime;
use flexus_autoscaler::functiongraph::events::{Message, Notification};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let notification = Notification {
        topic_urn: Some("urn:smn:r:p:t".to_owned()),
        message_id: None,
        subject: None,
        timestamp: DateTime::from_timestamp(1_790_000_000, 0),
        message: String::from_utf8_lossy(bytes).into_owned(),
    };
    if let Message::Alarm(alarm) = notification.content() {
        let _ = alarm.newest_value();
    }
});
