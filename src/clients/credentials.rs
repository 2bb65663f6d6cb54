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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_secret() {
        let credentials = Credentials {
            access_key: "AK".to_owned(),
            secret_key: Secret::new("very-secret-key"),
            security_token: Some(Secret::new("very-secret-token")),
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("AK") && !shown.contains("very-secret"), "{shown}");
    }
}
