//! The JSON inside a trigger's `event_data`. The provider only checks that it is JSON.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Findings;
use crate::{
    schema::{SchemaError, read_json},
    value::Value,
};

/// Shapes by trigger type.
#[derive(Debug, Deserialize)]
pub(super) struct Triggers {
    triggers: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
struct Shape {
    required: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    fixed: Map<String, Json>,
    #[serde(default)]
    allowed: BTreeMap<String, Vec<Json>>,
    can_be_disabled: Option<bool>,
}

impl Triggers {
    pub(super) fn read(folder: &Path) -> Result<Self, SchemaError> {
        read_json(folder, "fgs-trigger-event-data.json")
    }

    pub(super) fn check(&self, config: &Value, found: &mut Findings) {
        let Some(kind) = config.get("type").as_text() else { return };
        let Some(shape) = self.triggers.get(kind) else {
            found.add("type", format!("no trigger type {kind} is known"));
            return;
        };
        if config.get("status").as_text() == Some("DISABLED") && shape.can_be_disabled == Some(false) {
            found.add("status", format!("a {kind} trigger cannot be disabled"));
        }
        let Some(text) = config.get("event_data").as_text() else { return };
        // Text that is no JSON is reported with the argument's own rule.
        let Ok(data) = serde_json::from_str::<Map<String, Json>>(text) else { return };
        shape.check(kind, &data, found);
        match kind {
            "TIMER" => timer(&data, found),
            "CTS" => operations(&data, found),
            _ => {}
        }
    }
}

impl Shape {
    fn check(&self, kind: &str, data: &Map<String, Json>, found: &mut Findings) {
        for key in self.required.iter().filter(|key| !data.contains_key(*key)) {
            found.add("event_data", format!("{kind} needs {key}"));
        }
        for key in data.keys().filter(|key| !self.required.contains(key) && !self.optional.contains(key)) {
            found.add("event_data", format!("{kind} knows no {key}"));
        }
        for (key, wanted) in &self.fixed {
            if data.get(key).is_some_and(|value| value != wanted) {
                found.add("event_data", format!("{kind} wants {key} = {wanted}"));
            }
        }
        for (path, allowed) in &self.allowed {
            for value in at(data, path) {
                if !allowed.contains(value) {
                    found.add("event_data", format!("{kind}: {path} cannot be {value}"));
                }
            }
        }
    }
}

/// The values at `key`, `key[]` (every element) or `key.inner`.
fn at<'a>(data: &'a Map<String, Json>, path: &str) -> Vec<&'a Json> {
    if let Some(key) = path.strip_suffix("[]") {
        return data.get(key).and_then(Json::as_array).map(|items| items.iter().collect()).unwrap_or_default();
    }
    let mut parts = path.split('.');
    let first = parts.next().and_then(|key| data.get(key));
    parts.fold(first, |value, key| value.and_then(|value| value.get(key))).into_iter().collect()
}

/// Rate: `1m` to `60m`, `24h`, `30d`. Cron: six or seven fields with seconds first, or `@every`; a zone may stand first.
fn timer(data: &Map<String, Json>, found: &mut Findings) {
    let text = |key: &str| data.get(key).and_then(Json::as_str);
    let (Some(kind), Some(schedule)) = (text("schedule_type"), text("schedule")) else { return };
    let sound = match kind {
        "Rate" => rate(schedule),
        "Cron" => {
            let zone = schedule.starts_with("CRON_TZ=");
            let fields: Vec<&str> = schedule.split_whitespace().skip(usize::from(zone)).collect();
            match fields.as_slice() {
                ["@every", _] => true,
                fields => matches!(fields.len(), 5..=7),
            }
        }
        _ => true,
    };
    if !sound {
        found.add("event_data", format!("{schedule:?} is no {kind} schedule"));
    }
    if let Some(name) = text("name") {
        let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
        if !letters || name.len() > 64 || !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            found.add("event_data", format!("{name:?} is no name for a timer"));
        }
    }
}

fn rate(schedule: &str) -> bool {
    let most = match schedule.chars().last() {
        Some('m') => 60,
        Some('h') => 24,
        Some('d') => 30,
        _ => return false,
    };
    schedule[..schedule.len() - 1].parse::<u32>().is_ok_and(|number| (1..=most).contains(&number))
}

/// `service:resource;resource:operation;operation`.
fn operations(data: &Map<String, Json>, found: &mut Findings) {
    for operation in data.get("operations").and_then(Json::as_array).into_iter().flatten() {
        let sound = operation.as_str().is_some_and(|text| {
            let parts: Vec<&str> = text.split(':').collect();
            parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
        });
        if !sound {
            found.add("event_data", format!("{operation} is not service:resource:operation"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_stay_within_their_unit() {
        for sound in ["1m", "60m", "24h", "30d"] {
            assert!(rate(sound), "{sound}");
        }
        for broken in ["0m", "61m", "25h", "31d", "m", "1s", "1", ""] {
            assert!(!rate(broken), "{broken}");
        }
    }
}
