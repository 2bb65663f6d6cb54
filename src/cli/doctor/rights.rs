//! What a right is called, and how to find out whether it is there without changing anything.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::clients::{ClientError, Failure};

use super::report::Report;

/// An id that nothing has.
pub(super) const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The table that the policies are made of.
const TABLE: &str = include_str!("../../../infra/permissions.json");

#[derive(Deserialize)]
struct Table {
    permissions: Vec<Permission>,
}

#[derive(Deserialize)]
struct Permission {
    operations: Vec<String>,
    actions: BTreeSet<String>,
}

/// The IAM actions that an operation of a client needs.
pub(super) fn actions(operation: &str) -> BTreeSet<String> {
    let table: Table = serde_json::from_str(TABLE).unwrap_or(Table { permissions: Vec::new() });
    let needs = |permission: &Permission| permission.operations.iter().any(|known| known == operation);
    table.permissions.into_iter().filter(needs).flat_map(|permission| permission.actions).collect()
}

/// What to do about a call that failed.
pub(super) fn mend(error: &ClientError) -> String {
    match (&error.failure, error.status()) {
        (_, Some(401)) => "the access key, the secret key or the token is wrong or has expired".to_owned(),
        (_, Some(403)) => {
            let actions = actions(error.operation);
            let names = actions.iter().map(String::as_str).collect::<Vec<_>>().join(" or ");
            if names.is_empty() { "a permission is missing".to_owned() } else { format!("allow {names}") }
        }
        (_, Some(429)) => "too much was asked at once; try again".to_owned(),
        (_, Some(404)) if error.code().is_some_and(|code| code.starts_with("APIG")) => {
            "there is no such API at this address; look at endpoints in the configuration".to_owned()
        }
        (Failure::Unreachable(_) | Failure::TimedOut(_) | Failure::Broken(_), _) => {
            "no way to the API: look at the network, a proxy, and endpoints in the configuration".to_owned()
        }
        _ => String::new(),
    }
}

impl Report {
    /// A call that reads: green with what was seen, or red. Returns what was read.
    pub(super) fn read<T>(
        &mut self,
        area: &'static str,
        check: impl Into<String>,
        result: Result<T, ClientError>,
        seen: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.green(area, check, seen(&value));
                Some(value)
            }
            Err(error) => {
                self.red(area, check, error.to_string(), mend(&error));
                None
            }
        }
    }

    /// A change was asked of something that does not exist. Whoever lacks the right is told so; whoever has it is told
    /// that there is no such thing. That services look at the right first is what is assumed here.
    pub(super) fn right<T>(&mut self, area: &'static str, check: impl Into<String>, result: Result<T, ClientError>) {
        match result {
            Ok(_) => self.green(area, check, "allowed"),
            Err(error) => {
                let gateway = error.code().is_some_and(|code| code.starts_with("APIG"));
                let about_the_thing =
                    matches!(error.status(), Some(400..500)) && !error.is_auth() && !error.is_throttled() && !gateway;
                if about_the_thing {
                    let code = error.code().unwrap_or("no code");
                    self.green(area, check, format!("allowed: asked of nothing, refused with {code} only"));
                } else {
                    self.red(area, check, error.to_string(), mend(&error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actions_of_an_operation_come_from_the_table_of_permissions() {
        assert_eq!(actions("set desired number of AS group"), BTreeSet::from(["as:groups:update".to_owned()]));
        assert!(actions("no such operation").is_empty());
    }
}
