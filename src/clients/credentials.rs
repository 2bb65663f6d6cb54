//! Keys that sign requests. Everything secret is redacted in `Debug` and has no `Display`, no serde.

use std::fmt;

/// A text that never shows itself in logs, errors or records.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends or signs with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// A key pair of the cloud; with a security token if it is a temporary one, as agencies hand out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Names the key (AK). Sent in the clear with every request, so it may be logged.
    pub access_key: String,
    /// Signs (SK).
    pub secret_key: Secret,
    /// Belongs to a temporary key and is sent with it.
    pub security_token: Option<Secret>,
}

/// Credentials that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no cloud credentials: {0} is not set; set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or give the function an agency"
)]
pub struct MissingCredentials(pub &'static str);

impl Credentials {
    /// Credentials from their parts. An empty token counts as none.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<String>, security_token: Option<String>) -> Self {
        Self {
            access_key: access_key.into(),
            secret_key: Secret::new(secret_key),
            security_token: security_token.filter(|token| !token.is_empty()).map(Secret::new),
        }
    }

    /// Credentials from the variables that the official SDKs read: `HUAWEICLOUD_SDK_AK`, `HUAWEICLOUD_SDK_SK` and, with
    /// temporary keys, `HUAWEICLOUD_SDK_SECURITY_TOKEN`. `lookup` gives the value of a variable.
    ///
    /// # Errors
    /// Names the variable that is unset or empty.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, MissingCredentials> {
        let required =
            |name: &'static str| lookup(name).filter(|value| !value.is_empty()).ok_or(MissingCredentials(name));
        Ok(Self::new(
            required("HUAWEICLOUD_SDK_AK")?,
            required("HUAWEICLOUD_SDK_SK")?,
            lookup("HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        ))
    }

    /// `text` without this secret key and token. The gateway's answer to a wrong signature quotes the request's headers.
    pub fn redact(&self, text: &str) -> String {
        let secrets = [Some(&self.secret_key), self.security_token.as_ref()];
        redact(text, secrets.into_iter().flatten())
    }
}

/// `text` with every one of `secrets` blotted out.
pub fn redact<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let secrets = secrets.into_iter().map(Secret::expose).filter(|secret| !secret.is_empty());
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown_by_debug() {
        let credentials = Credentials::new("AK", "a-secret-key", Some("a-token".to_owned()));
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AK"));
        assert!(!shown.contains("a-secret-key") && !shown.contains("a-token"), "{shown}");
    }

    #[test]
    fn variables_of_the_official_sdks_are_read() {
        let credentials = Credentials::from_variables(|name| match name {
            "HUAWEICLOUD_SDK_AK" => Some("AK".to_owned()),
            "HUAWEICLOUD_SDK_SK" => Some("SK".to_owned()),
            "HUAWEICLOUD_SDK_SECURITY_TOKEN" => Some(String::new()),
            _ => None,
        })
        .unwrap();
        assert_eq!(credentials.access_key, "AK");
        assert_eq!(credentials.secret_key.expose(), "SK");
        assert!(credentials.security_token.is_none(), "an empty token is none");
    }

    #[test]
    fn the_variable_that_is_missing_is_named() {
        let error = Credentials::from_variables(|name| (name == "HUAWEICLOUD_SDK_AK").then(|| "AK".to_owned()));
        assert_eq!(error.unwrap_err(), MissingCredentials("HUAWEICLOUD_SDK_SK"));
    }

    #[test]
    fn a_quoted_token_is_blotted_out() {
        let credentials = Credentials::new("AK", "SK-0", Some("tok/en==".to_owned()));
        let text = credentials.redact("verify aksk signature fail, x-security-token:tok/en==|SK-0");
        assert_eq!(text, "verify aksk signature fail, x-security-token:[redacted]|[redacted]");
    }
}
