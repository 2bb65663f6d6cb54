//! What the APIs' JSON has in common.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer};

/// `null` as well as nothing is the default.
pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A time, with or without an offset. One that cannot be read is none: no decision hangs on it.
pub(super) fn lenient_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    let naive = || {
        ["%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
    };
    Ok(DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).ok().or_else(|| Some(naive()?.and_utc())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_was_seen() {
        #[derive(Deserialize)]
        struct Holder {
            #[serde(default, deserialize_with = "lenient_time")]
            at: Option<DateTime<Utc>>,
        }
        let read = |text: &str| serde_json::from_str::<Holder>(text).unwrap().at.map(|at| at.to_rfc3339());
        for text in ["2026-03-14T15:09:00Z", "2026-03-14T15:09Z", "2026-03-14T15:09:00.000000", "2026-03-14 15:09:00"] {
            let document = format!(r#"{{"at":"{text}"}}"#);
            assert_eq!(read(&document).as_deref(), Some("2026-03-14T15:09:00+00:00"), "{text}");
        }
        for document in ["{}", r#"{"at":null}"#, r#"{"at":""}"#, r#"{"at":"soon"}"#] {
            assert_eq!(read(document), None, "{document}");
        }
    }
}
