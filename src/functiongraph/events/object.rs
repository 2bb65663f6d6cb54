use chrono::{DateTime, Utc};
use serde_json::Value;

use super::lenient;

/// An object of a bucket was written or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectEvent {
    /// `ObjectCreated:Put` and the like.
    pub name: Option<String>,
    /// When it happened.
    pub time: Option<DateTime<Utc>>,
    /// The bucket.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
    /// Its size in bytes.
    pub size_bytes: Option<f64>,
}

impl ObjectEvent {
    /// Reads an element of `Records`. `None` without bucket or key.
    pub(super) fn from_record(record: &Value) -> Option<Self> {
        let s3 = lenient::field(record, "s3").or_else(|| lenient::field(record, "obs"))?;
        let object = lenient::field(s3, "object")?;
        Some(Self {
            name: lenient::text(record, "eventName"),
            time: lenient::time(record, "eventTime"),
            bucket: lenient::text(lenient::field(s3, "bucket")?, "name")?,
            key: decode(&lenient::text(object, "key")?),
            size_bytes: lenient::number(object, "size"),
        })
    }
}

/// Undoes the encoding of a key, which is that of a form's field.
fn decode(key: &str) -> String {
    let field = format!("k={}", key.replace('&', "%26"));
    url::form_urlencoded::parse(field.as_bytes()).next().map(|(_, key)| key.into_owned()).unwrap_or_default()
}
