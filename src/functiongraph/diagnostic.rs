use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest `errorMessage` in bytes. The rest is cut off: the caller reads a line, not a dump.
const LONGEST_MESSAGE: usize = 4096;

/// The only shape in which an error leaves a function: `{"errorType": "…", "errorMessage": "…"}`.
///
/// It is no [`Error`] itself, so that every error converts into it with `?`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// What kind of error: a type's name, stable enough to count by.
    pub error_type: String,
    /// What happened, to what, and how to mend it.
    pub error_message: String,
}

impl Diagnostic {
    /// An error of that type with that message, cut to a few kilobytes.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        let mut error_message = error_message.into();
        if error_message.len() > LONGEST_MESSAGE {
            error_message.truncate(error_message.floor_char_boundary(LONGEST_MESSAGE));
            error_message.push('…');
        }
        Self { error_type: error_type.into(), error_message }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.error_type, self.error_message)
    }
}

impl<E: Error> From<E> for Diagnostic {
    /// The error's type name (with its library, if it is called just `Error`) and its message, followed by those causes that the message does not quote already.
    fn from(error: E) -> Self {
        let path = std::any::type_name::<E>();
        let path = path.split('<').next().unwrap_or(path);
        let name = match (path.split_once("::"), path.rsplit_once("::")) {
            (Some((library, _)), Some((_, "Error"))) => format!("{library}::Error"),
            (_, Some((_, name))) => name.to_owned(),
            _ => path.to_owned(),
        };
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        Self::new(name, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading the store failed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner;

    #[test]
    fn an_error_keeps_its_type_and_its_causes() {
        let diagnostic = Diagnostic::from(Outer(Inner));
        assert_eq!(diagnostic, Diagnostic::new("Outer", "reading the store failed: connection refused"));
    }

    #[test]
    fn the_documented_field_names_are_used() {
        let json = serde_json::to_value(Diagnostic::new("Kind", "what")).unwrap();
        assert_eq!(json, serde_json::json!({"errorType": "Kind", "errorMessage": "what"}));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let diagnostic = Diagnostic::new("Kind", "ü".repeat(LONGEST_MESSAGE));
        assert!(diagnostic.error_message.len() <= LONGEST_MESSAGE + '…'.len_utf8());
        assert!(diagnostic.error_message.ends_with("ü…"));
    }
}
