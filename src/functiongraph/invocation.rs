use bytes::Bytes;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::clients::Credentials;

/// One call of the function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The event as the trigger sent it.
    pub event: Bytes,
    /// The platform's id of this call.
    pub request_id: String,
    /// Whether someone waits for the answer.
    pub invoke_type: InvokeType,
    /// The agency's temporary credentials, sent anew with each invocation. Not to be kept for the next one.
    pub credentials: Option<Credentials>,
    /// When the handler shall have answered. The loop cuts it off shortly after, the platform kills it a little later.
    pub deadline: Instant,
}

/// Whether someone waits for the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvokeType {
    /// A caller waits.
    Sync,
    /// The platform queued the event; it may send it again after an error.
    Async,
    /// The platform did not say.
    #[default]
    Unknown,
}

impl InvokeType {
    pub(super) fn from_headers(headers: &HeaderMap) -> Self {
        match header(headers, "x-cff-invoke-type") {
            Some(value) if value.eq_ignore_ascii_case("sync") => Self::Sync,
            Some(value) if value.eq_ignore_ascii_case("async") => Self::Async,
            _ => Self::Unknown,
        }
    }
}

/// The agency's key pair. Both documented spellings are read: the `Security` pair is the maintained one, the custom
/// runtime's own page names only the other.
pub(super) fn credentials_from_headers(headers: &HeaderMap) -> Option<Credentials> {
    let pair = |access_key, secret_key| Some((header(headers, access_key)?, header(headers, secret_key)?));
    let (access_key, secret_key) = pair("x-cff-security-access-key", "x-cff-security-secret-key")
        .or_else(|| pair("x-cff-access-key", "x-cff-secret-key"))?;
    let security_token = header(headers, "x-cff-security-token").map(str::to_owned);
    Some(Credentials::new(access_key, secret_key, security_token))
}

/// A header's value, whatever the case of its name. An empty one counts as absent.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Secret;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_security_pair_is_preferred() {
        let headers = headers(&[
            ("X-CFF-Access-Key", "old"),
            ("X-CFF-Secret-Key", "old secret"),
            ("X-CFF-Security-Access-Key", "new"),
            ("X-CFF-Security-Secret-Key", "new secret"),
            ("X-CFF-Security-Token", "token"),
        ]);
        let credentials = credentials_from_headers(&headers).unwrap();
        assert_eq!(credentials.access_key, "new");
        assert_eq!(credentials.secret_key.expose(), "new secret");
        assert_eq!(credentials.security_token, Some(Secret::new("token")));
    }

    #[test]
    fn half_a_pair_is_no_pair() {
        let security_only = headers(&[("X-CFF-Security-Access-Key", "new"), ("X-CFF-Security-Secret-Key", "")]);
        assert_eq!(credentials_from_headers(&security_only), None);

        let mixed = headers(&[
            ("x-cff-security-access-key", "new"),
            ("X-Cff-Access-Key", "old"),
            ("X-Cff-Secret-Key", "old secret"),
        ]);
        assert_eq!(credentials_from_headers(&mixed).unwrap().access_key, "old");
    }

    #[test]
    fn the_invoke_type_may_be_missing() {
        assert_eq!(InvokeType::from_headers(&headers(&[])), InvokeType::Unknown);
        assert_eq!(InvokeType::from_headers(&headers(&[("X-CFF-Invoke-Type", "ASYNC")])), InvokeType::Async);
        assert_eq!(InvokeType::from_headers(&headers(&[("x-cff-invoke-type", "sync")])), InvokeType::Sync);
    }
}
