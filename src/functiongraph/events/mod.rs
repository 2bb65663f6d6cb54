//! What wakes a function: one file a trigger, and [`Event`] to tell them apart.
//!
//! The platform's own events are read tolerantly: unknown fields are ignored, missing ones accepted, numbers may be
//! integers or floats. What a person writes (a manual event, a timer's `user_event`) is read strictly, since a misspelt
//! `dry_run` must not act.

mod alarm;
mod gateway;
mod lenient;
mod lifecycle_hook;
mod manual;
mod notification;
mod object;
mod timer;
mod trace;

use chrono::{DateTime, Utc};
use serde::Deserialize as _;
use serde_json::{Map, Value};
use thiserror::Error;

pub use alarm::{Alarm, AlarmStatus, AlarmValue};
pub use gateway::GatewayRequest;
pub use lifecycle_hook::{LifecycleHook, Transition};
pub use manual::{Action, Evaluation, Selection};
pub use notification::{Message, Notification};
pub use object::ObjectEvent;
pub use timer::Timer;
pub use trace::Trace;

/// Largest event in bytes: the platform's own limit for a synchronous call.
pub const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;

/// What woke a function.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A timer's tick.
    Timer(Timer),
    /// Messages of SMN topics, at least one.
    Notifications(Vec<Notification>),
    /// An HTTP request through the API gateway.
    Gateway(GatewayRequest),
    /// An operation on a cloud resource, as Cloud Trace saw it.
    Trace(Box<Trace>),
    /// Changed objects of a bucket, at least one.
    Objects(Vec<ObjectEvent>),
    /// A person, or this program's own fan-out, asks for an evaluation.
    Evaluation(Evaluation),
}

/// Why an event can't be understood.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EventError {
    /// Larger than the platform sends.
    #[error("the event has {bytes} bytes: expected at most {MAX_EVENT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// No JSON, or nested deeper than 128 levels.
    #[error("the event is not JSON: {}; expected {EXPECTED}", brief(.0))]
    NotJson(#[source] serde_json::Error),
    /// JSON of another kind.
    #[error("the event is not understood: it is {seen}; expected {EXPECTED}")]
    NotUnderstood {
        /// What it looks like.
        seen: String,
    },
    /// A manual event with a mistake in it.
    #[error("the manual event is wrong: {}; expected {expected}", brief(.0), expected = manual::EXPECTED)]
    Evaluation(#[source] serde_json::Error),
    /// A timer's own text with a mistake in it.
    #[error("the timer's user_event is wrong: {}; expected it empty or {expected}", brief(.0), expected = manual::SELECTION_EXPECTED)]
    UserEvent(#[source] serde_json::Error),
}

const EXPECTED: &str = "a timer event (`trigger_type`: TIMER), an SMN notification (`record`), a Cloud Trace event (`cts`), \
                        an API gateway request (`httpMethod`), an OBS event (`Records`), \
                        or {\"action\": \"evaluate\", \"groups\": [\"…\"], \"dry_run\": true}";

/// A mistake in a line of at most 300 characters: it may quote what was sent.
fn brief(error: &serde_json::Error) -> String {
    const LONGEST: usize = 300;
    let told = error.to_string();
    let line = |character: char| if character.is_control() { ' ' } else { character };
    match told.char_indices().nth(LONGEST) {
        Some((end, _)) => told[..end].chars().map(line).chain(" …".chars()).collect(),
        None => told.chars().map(line).collect(),
    }
}

impl Event {
    /// Tells from its fields which trigger sent an event, and reads it.
    pub fn parse(event: &[u8]) -> Result<Self, EventError> {
        if event.len() > MAX_EVENT_BYTES {
            return Err(EventError::TooLarge { bytes: event.len() });
        }
        match serde_json::from_slice(event).map_err(EventError::NotJson)? {
            Value::Object(fields) => Self::from_fields(fields),
            other => Err(not_understood(&other)),
        }
    }

    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, EventError> {
        if fields.contains_key("action") {
            return Evaluation::deserialize(Value::Object(fields))
                .map(Self::Evaluation)
                .map_err(EventError::Evaluation);
        }
        if fields.get("trigger_type").and_then(Value::as_str) == Some("TIMER") {
            return Timer::from_fields(&fields).map(Self::Timer).map_err(EventError::UserEvent);
        }
        if let Some(trace) = fields.get("cts").and_then(Trace::from_value) {
            return Ok(Self::Trace(Box::new(trace)));
        }
        if fields.contains_key("httpMethod") {
            return Ok(Self::Gateway(GatewayRequest::from_fields(&fields)));
        }
        if let Some(Value::Array(records)) = fields.get_mut("record") {
            let notifications: Vec<_> = std::mem::take(records).iter().filter_map(Notification::from_record).collect();
            if !notifications.is_empty() {
                return Ok(Self::Notifications(notifications));
            }
        } else if let Some(Value::Array(records)) = fields.get("Records") {
            let objects: Vec<_> = records.iter().filter_map(ObjectEvent::from_record).collect();
            if !objects.is_empty() {
                return Ok(Self::Objects(objects));
            }
        }
        Err(not_understood(&Value::Object(fields)))
    }

    /// The time at which the event says that it happened: the newest one if it tells of several things.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Timer(timer) => timer.time,
            Self::Notifications(notifications) => notifications.iter().filter_map(|each| each.timestamp).max(),
            Self::Gateway(_) => None,
            Self::Trace(trace) => trace.time,
            Self::Objects(objects) => objects.iter().filter_map(|each| each.time).max(),
            Self::Evaluation(evaluation) => evaluation.time,
        }
    }

    /// The trigger in one word, for logs and records.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timer(_) => "timer",
            Self::Notifications(_) => "notification",
            Self::Gateway(_) => "gateway",
            Self::Trace(_) => "trace",
            Self::Objects(_) => "object",
            Self::Evaluation(_) => "manual",
        }
    }
}

/// Names what came instead, by its fields and without their values.
fn not_understood(value: &Value) -> EventError {
    const NAMED: usize = 8;
    let seen = match value {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<_> =
                fields.keys().take(NAMED).map(|name| name.chars().take(40).collect::<String>()).collect();
            let more = if fields.len() > NAMED { ", …" } else { "" };
            format!("an object with {}{more}", names.join(", "))
        }
        Value::Array(_) => "an array".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Null => "null".to_owned(),
    };
    EventError::NotUnderstood { seen }
}

#[cfg(test)]
mod tests;
