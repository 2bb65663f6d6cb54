//! What the region wants to tell functions and people, until its driver takes it.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::model::Minute;

use super::identifiers::identifier;

/// An event that a trigger would hand to a function.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionEvent {
    /// By which trigger it comes.
    pub trigger: EventTrigger,
    /// The event as the function gets it.
    pub event: Value,
}

/// By which trigger an event comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventTrigger {
    /// A CTS trigger on `ECS:server:interruptServer`.
    Trace,
    /// A subscription of an SMN topic.
    Topic(
        /// The topic's URN.
        String,
    ),
}

/// A message that was published to a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedMessage {
    /// When.
    pub minute: Minute,
    /// The topic's URN.
    pub topic_urn: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub message: String,
}

/// Events and messages that nobody has taken yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) events: Vec<RegionEvent>,
    pub(super) messages: Vec<PublishedMessage>,
    /// Key-event notifications, as they were asked for.
    pub(super) notifications: Vec<Value>,
    sent: u64,
}

impl Outbox {
    /// A CTS trace: by its trigger, and to the topics of the notifications that name it.
    pub(super) fn trace(&mut self, trace: Value, minute: Minute) {
        let (service, name) = (&trace["service_type"], &trace["trace_name"]);
        let topics: Vec<String> = self
            .notifications
            .iter()
            .filter(|notification| {
                let operations = notification["operations"].as_array().map(Vec::as_slice).unwrap_or_default();
                notification["operation_type"] == "complete"
                    || operations.iter().any(|operation| {
                        let names = operation["trace_names"].as_array().map(Vec::as_slice).unwrap_or_default();
                        operation["service_type"] == *service && names.contains(name)
                    })
            })
            .filter_map(|notification| Some(notification["topic_id"].as_str()?.to_owned()))
            .collect();
        for topic in topics {
            // The layout of this message is not documented: the trace as it stands.
            self.message(&topic, "[Cloud Trace Service] key event", &trace.to_string(), minute);
        }
        self.events.push(RegionEvent { trigger: EventTrigger::Trace, event: json!({ "cts": trace }) });
    }

    /// A message to whoever has subscribed to a topic.
    pub(super) fn message(&mut self, topic_urn: &str, subject: &str, message: &str, minute: Minute) {
        self.sent += 1;
        let message_id = identifier(&["notification", &self.sent.to_string()]).replace('-', "");
        let timestamp = minute.start().to_rfc3339_opts(SecondsFormat::Secs, true);
        let event = json!({"record": [{
            "event_version": "1.0",
            "smn": {
                "topic_urn": topic_urn,
                "timestamp": timestamp,
                "message_attributes": null,
                "message": message,
                "type": "notification",
                "message_id": message_id,
                "subject": subject,
            },
            "event_subscription_urn": format!("{topic_urn}:demo"),
            "event_source": "smn",
        }]});
        self.events.push(RegionEvent { trigger: EventTrigger::Topic(topic_urn.to_owned()), event });
    }
}
