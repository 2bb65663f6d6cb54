//! Who may call: the signature of a request, or the key of the language model.

use axum::body::Bytes;
use axum::http::request::Parts;
use chrono::Utc;

use crate::clients::Credentials;
use crate::clients::signing::{Refusal, Signable, verify};

use super::errors::Service;

/// Refuses a request that isn't signed with one of the region's keys. The time of signing is that of the system's clock:
/// a signature knows no virtual time.
pub(super) fn check(service: Service, parts: &Parts, body: &Bytes, keys: &[Credentials]) -> Result<(), Refusal> {
    if service == Service::DeepSeek {
        return Ok(());
    }
    let headers: Vec<(&str, &str)> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let request = Signable {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
    };
    let lookup = |key: &str| keys.iter().find(|known| known.access_key == key).cloned();
    verify(&request, lookup, Utc::now())
}
