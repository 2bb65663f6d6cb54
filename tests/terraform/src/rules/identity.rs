//! Policies and agencies: global and regional actions apart, and never more than named actions.

use serde::Deserialize;

use super::Findings;
use crate::value::Value;

#[derive(Deserialize)]
struct Policy {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "Statement")]
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "Action")]
    action: Vec<String>,
}

pub(super) fn role(config: &Value, found: &mut Findings) {
    let Some(text) = config.get("policy").as_text() else { return };
    let policy: Policy = match serde_json::from_str(text) {
        Ok(policy) => policy,
        Err(reason) => {
            found.add("policy", format!("is no policy: {reason}"));
            return;
        }
    };
    if policy.version != "1.1" {
        found.add("policy", "a custom policy has Version 1.1");
    }
    if policy.statement.is_empty() {
        found.add("policy", "has no statement");
    }
    let global = match config.get("type").as_text() {
        Some("AX") => true,
        Some("XA") => false,
        _ => return,
    };
    for action in policy.statement.iter().flat_map(|statement| &statement.action) {
        let parts: Vec<&str> = action.split(':').collect();
        if parts.len() != 3 || parts.iter().any(|part| part.is_empty()) {
            found.add("policy", format!("{action} is not service:resource:operation"));
            continue;
        }
        if parts.iter().any(|part| part.contains('*')) {
            found.add("policy", format!("{action} is a wildcard; name the actions"));
        }
        if (parts[0].eq_ignore_ascii_case("obs")) != global {
            found.add("policy", format!("{action}: OBS belongs into an AX policy, all else into an XA one"));
        }
    }
}

pub(super) fn agency(config: &Value, found: &mut Findings) {
    let regional = config.get("project_role").items().iter().flat_map(|role| role.get("roles").items());
    let all = ["domain_roles", "all_resources_roles"].into_iter().flat_map(|name| config.get(name).items());
    for role in regional.chain(all).filter_map(Value::as_text) {
        if role.contains("FullAccess") || role.contains("Administrator") || role == "te_admin" {
            found.add("project_role", format!("{role} gives more than is needed"));
        }
    }
}
