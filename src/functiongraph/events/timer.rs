use chrono::{DateTime, Utc};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::lenient;
use super::manual::Selection;

/// A timer's tick: `{"version", "time", "trigger_type": "TIMER", "trigger_name", "user_event"}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// The trigger's name.
    pub name: Option<String>,
    /// When it was due. The platform's text carries an offset.
    pub time: Option<DateTime<Utc>>,
    /// The groups that `user_event` names.
    pub selection: Selection,
}

impl Timer {
    pub(super) fn from_fields(fields: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let value = Value::Object(fields.clone());
        let selection = match lenient::field(&value, "user_event") {
            None => Selection::default(),
            Some(Value::String(text)) if text.trim().is_empty() => Selection::default(),
            Some(Value::String(text)) => serde_json::from_str(text)?,
            Some(object) => Selection::deserialize(object)?,
        };
        Ok(Self { name: lenient::text(&value, "trigger_name"), time: lenient::time(&value, "time"), selection })
    }
}
