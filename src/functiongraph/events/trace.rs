use chrono::{DateTime, Utc};
use serde_json::Value;

use super::lenient;

/// An operation on a cloud resource, as Cloud Trace (CTS) saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The operation: `interruptServer` for a spot server that is being taken away.
    pub name: String,
    /// The trace's id: the same one if it is delivered again.
    pub id: Option<String>,
    /// When the operation happened; when it was recorded, if that is all that is told.
    pub time: Option<DateTime<Utc>>,
    /// `ECS` and the like.
    pub service_type: Option<String>,
    /// `server` and the like.
    pub resource_type: Option<String>,
    /// The resource's id.
    pub resource_id: Option<String>,
    /// The resource's name.
    pub resource_name: Option<String>,
    /// `ConsoleAction`, `ApiCall` or `SystemAction`.
    pub kind: Option<String>,
    /// What was asked. An object, whether it came as one or as a text; `Null` if missing.
    pub request: Value,
    /// What was answered, likewise.
    pub response: Value,
}

impl Trace {
    /// Reads a trace. `None` without the operation's name.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        Some(Self {
            name: lenient::text(value, "trace_name")?,
            id: lenient::text(value, "trace_id"),
            time: lenient::time(value, "time").or_else(|| lenient::time(value, "record_time")),
            service_type: lenient::text(value, "service_type"),
            resource_type: lenient::text(value, "resource_type"),
            resource_id: lenient::text(value, "resource_id"),
            resource_name: lenient::text(value, "resource_name"),
            kind: lenient::text(value, "trace_type"),
            request: lenient::nested(value, "request"),
            response: lenient::nested(value, "response"),
        })
    }

    /// Whether it announces that a spot server will be taken away.
    pub fn is_spot_interruption(&self) -> bool {
        let is = |field: &Option<String>, word: &str| field.as_ref().is_none_or(|text| text.eq_ignore_ascii_case(word));
        self.name == "interruptServer" && is(&self.service_type, "ECS") && is(&self.resource_type, "server")
    }
}
