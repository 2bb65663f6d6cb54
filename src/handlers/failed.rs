//! Groups that an invocation could do nothing for.

use serde::Serialize;

/// A group for which nothing could be done, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The group.
    pub group: String,
    /// Why.
    pub error: String,
}

impl Failed {
    /// All of them in one line.
    pub(super) fn told(all: &[Self]) -> String {
        let each: Vec<_> = all.iter().map(|failed| format!("{}: {}", failed.group, failed.error)).collect();
        each.join("; ")
    }
}
