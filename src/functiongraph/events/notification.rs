use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Alarm, LifecycleHook, Trace, lenient};

/// One message of an SMN topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The topic. Whether to believe it is the handler's business.
    pub topic_urn: Option<String>,
    /// The message's id: the same one if SMN delivers it again.
    pub message_id: Option<String>,
    /// Its subject line.
    pub subject: Option<String>,
    /// When it was published.
    pub timestamp: Option<DateTime<Utc>>,
    /// What it says. Always a text; Cloud Eye and Auto Scaling put JSON into it.
    pub message: String,
}

/// What a message turns out to be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message {
    /// Cloud Eye says that a rule fires, or no longer does.
    Alarm(Box<Alarm>),
    /// Auto Scaling holds an instance until someone answers.
    LifecycleHook(LifecycleHook),
    /// Cloud Trace tells of an operation.
    Trace(Box<Trace>),
    /// Anything else: a template of someone's own, a text whose layout is not documented.
    Text,
}

impl Notification {
    /// Reads an element of `record`. `None` if it holds no message.
    pub(super) fn from_record(record: &Value) -> Option<Self> {
        let smn = lenient::field(record, "smn")?;
        let message = match lenient::field(smn, "message")? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(Self {
            topic_urn: lenient::text(smn, "topic_urn"),
            message_id: lenient::text(smn, "message_id"),
            subject: lenient::text(smn, "subject"),
            timestamp: lenient::time(smn, "timestamp"),
            message,
        })
    }

    /// Reads the message.
    pub fn content(&self) -> Message {
        let Ok(value) = serde_json::from_str::<Value>(&self.message) else { return Message::Text };
        if let Some(hook) = LifecycleHook::from_value(&value) {
            return Message::LifecycleHook(hook);
        }
        if let Some(alarm) = Alarm::from_value(&value) {
            return Message::Alarm(Box::new(alarm));
        }
        match Trace::from_value(lenient::field(&value, "cts").unwrap_or(&value)) {
            Some(trace) => Message::Trace(Box::new(trace)),
            None => Message::Text,
        }
    }
}
