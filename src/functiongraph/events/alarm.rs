use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::lenient;

/// What Cloud Eye says about one rule and one resource. Its localised texts are left alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The rule's id.
    pub alarm_id: Option<String>,
    /// The rule's name.
    pub alarm_name: Option<String>,
    /// Which way it went.
    pub status: AlarmStatus,
    /// When the notice was made.
    pub time: Option<DateTime<Utc>>,
    /// `AGT.ECS`, `SYS.ELB` and the like; `EVENT.SYS` and `EVENT.CUSTOM` for event alarms.
    pub namespace: Option<String>,
    /// The metric, or the event's name.
    pub metric_name: Option<String>,
    /// What the metric is of: `instance_id` and the like, by name.
    pub dimensions: BTreeMap<String, String>,
    /// `>`, `>=`, `<` …
    pub comparison_operator: Option<String>,
    /// The rule's threshold, in `unit`.
    pub threshold: Option<f64>,
    /// The unit of threshold and values, as Cloud Eye writes it.
    pub unit: Option<String>,
    /// Seconds that one value stands for; 1 means raw data.
    pub period_seconds: Option<f64>,
    /// The values that made the rule fire. Event alarms have none.
    pub values: Vec<AlarmValue>,
}

/// Which way an alarm went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmStatus {
    /// The rule fires.
    Alarm,
    /// The rule no longer fires.
    Ok,
    /// The metric has stopped coming.
    InsufficientData,
    /// Neither: missing, or a word that is not documented.
    Unknown,
}

/// One measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmValue {
    /// When it was measured.
    pub time: Option<DateTime<Utc>>,
    /// The value in the alarm's unit.
    pub value: f64,
}

impl Alarm {
    /// Reads a message. `None` if it is no alarm in Cloud Eye's own form.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let declared = lenient::text(value, "message_type").is_some_and(|kind| kind == "alarm");
        if !declared && (lenient::field(value, "alarm_id").is_none() || lenient::field(value, "alarm_status").is_none())
        {
            return None;
        }
        Some(Self {
            alarm_id: lenient::text(value, "alarm_id"),
            alarm_name: lenient::text(value, "alarm_name"),
            status: AlarmStatus::of(value),
            time: lenient::time(value, "time"),
            namespace: lenient::text(value, "namespace"),
            metric_name: lenient::text(value, "metric_name"),
            dimensions: dimensions(value),
            comparison_operator: lenient::text(value, "comparison_operator"),
            threshold: lenient::number(value, "value"),
            unit: lenient::text(value, "unit"),
            period_seconds: lenient::number(value, "period"),
            values: values(value),
        })
    }

    /// The value measured last.
    pub fn newest_value(&self) -> Option<AlarmValue> {
        self.values.iter().copied().max_by_key(|value| value.time)
    }
}

impl AlarmStatus {
    fn of(value: &Value) -> Self {
        let word = lenient::text(value, "alarm_status").map(|word| word.to_ascii_lowercase());
        match word.as_deref() {
            Some("alarm" | "triggered") => Self::Alarm,
            Some("ok" | "resolved" | "expired") => Self::Ok,
            Some("insufficient_data") => Self::InsufficientData,
            Some(_) => Self::Unknown,
            None => match value.get("template_variable").and_then(|template| lenient::boolean(template, "IsAlarm")) {
                Some(true) => Self::Alarm,
                Some(false) => Self::Ok,
                None => Self::Unknown,
            },
        }
    }
}

/// `instance_id:1f0c…` in observed messages. The separator of several is not documented: a comma is what other places
/// of the API use. A list of `{"name", "value"}`, as in the metric API, is read as well.
fn dimensions(value: &Value) -> BTreeMap<String, String> {
    match lenient::field(value, "dimension") {
        Some(Value::String(text)) => text
            .split([',', ';'])
            .filter_map(|pair| pair.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .collect(),
        Some(Value::Array(pairs)) => pairs
            .iter()
            .filter_map(|pair| Some((lenient::text(pair, "name")?, lenient::text(pair, "value")?)))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn values(value: &Value) -> Vec<AlarmValue> {
    let Some(Value::Array(values)) = lenient::field(value, "alarmValue") else { return Vec::new() };
    values
        .iter()
        .filter_map(|each| {
            Some(AlarmValue { time: lenient::time(each, "time"), value: lenient::number(each, "value")? })
        })
        .collect()
}
