//! Reading what the platform sends without insisting on it: what is missing or of another type is `None`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

/// Epoch numbers from here on are milliseconds; as seconds they would lie beyond the year 5000.
const FIRST_MILLISECONDS: f64 = 1e11;

/// A field of an object; `null` and a value that is no object count as missing.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.get(name).filter(|value| !value.is_null())
}

/// A text, or a number or boolean as text. An empty text is missing.
pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    scalar(field(value, name)?).filter(|text| !text.is_empty())
}

/// An integer, a float, or a text that holds one. Never NaN or infinite.
pub(super) fn number(value: &Value, name: &str) -> Option<f64> {
    as_number(field(value, name)?)
}

/// A boolean, or a text that holds one.
pub(super) fn boolean(value: &Value, name: &str) -> Option<bool> {
    match field(value, name)? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A point in time: RFC 3339, `2016/12/08 11:07:28 GMT+08:00`, or a number of seconds or milliseconds since 1970.
pub(super) fn time(value: &Value, name: &str) -> Option<DateTime<Utc>> {
    as_time(field(value, name)?)
}

pub(super) fn as_time(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(epoch) = as_number(value) {
        let milliseconds = if epoch.abs() < FIRST_MILLISECONDS { epoch * 1000.0 } else { epoch };
        // The cast saturates, and the constructor refuses what no calendar holds.
        return DateTime::from_timestamp_millis(milliseconds.round() as i64);
    }
    let text = value.as_str()?.trim();
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S GMT%:z"))
        .map(|time| time.to_utc())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map(|time| time.and_utc()))
        .ok()
}

/// The scalar entries of an object.
pub(super) fn texts(value: &Value, name: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(entries)) = field(value, name) else { return BTreeMap::new() };
    entries.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
}

/// An object or array that may also come as a text with JSON in it; any other text is kept as it is.
pub(super) fn nested(value: &Value, name: &str) -> Value {
    match field(value, name) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())),
        Some(other) => other.clone(),
        None => Value::Null,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_come_as_integers_floats_or_text() {
        let value = json!({"a": 1, "b": 1.5, "c": " 97.08 ", "d": "NaN", "e": "97%", "f": null, "g": [1]});
        let numbers: Vec<_> =
            ["a", "b", "c", "d", "e", "f", "g", "h"].iter().map(|name| number(&value, name)).collect();
        assert_eq!(numbers, [Some(1.0), Some(1.5), Some(97.08), None, None, None, None, None]);
    }

    #[test]
    fn every_documented_form_of_a_time_is_read() {
        let expected = "2016-12-08T03:07:28Z".parse::<DateTime<Utc>>().unwrap();
        for form in [
            json!("2016-12-08T11:07:28+08:00"),
            json!("2016-12-08T03:07:28Z"),
            json!("2016/12/08 11:07:28 GMT+08:00"),
            json!("2016-12-08 03:07:28"),
            json!(1_481_166_448),
            json!(1_481_166_448_000_i64),
            json!(1_481_166_448_000.0),
            json!("1481166448000"),
        ] {
            assert_eq!(as_time(&form), Some(expected), "{form}");
        }
        for form in [json!(""), json!("noon"), json!(1e300), json!(null), json!({})] {
            assert_eq!(as_time(&form), None, "{form}");
        }
    }
}
