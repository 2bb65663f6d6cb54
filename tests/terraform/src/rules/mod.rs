//! What neither the schema nor the provider's documents hold in a form that a machine reads: shapes inside JSON
//! arguments, numbers that belong together, and what the API or this project refuses.

mod event_data;
mod groups;
mod identity;

use std::path::Path;

use crate::{
    constraints::error,
    protocol::{Diagnostic, Selector},
    schema::SchemaError,
    value::Value,
};

/// The rules.
#[derive(Debug)]
pub struct Rules {
    triggers: event_data::Triggers,
}

impl Rules {
    /// Reads `fgs-trigger-event-data.json`; the other rules are code.
    ///
    /// # Errors
    /// When the file cannot be read or has another form.
    pub fn read(folder: &Path) -> Result<Self, SchemaError> {
        Ok(Self { triggers: event_data::Triggers::read(folder)? })
    }

    /// What is wrong with a resource.
    pub fn check(&self, type_name: &str, config: &Value) -> Vec<Diagnostic> {
        let mut found = Findings::default();
        match type_name {
            "huaweicloud_fgs_function_trigger" => self.triggers.check(config, &mut found),
            "huaweicloud_fgs_function" => functions(config, &mut found),
            "huaweicloud_as_group" => groups::scaling_group(config, &mut found),
            "huaweicloud_as_configuration" => groups::configuration(config, &mut found),
            "huaweicloud_ces_alarmrule" => alarm(config, &mut found),
            "huaweicloud_identity_role" => identity::role(config, &mut found),
            "huaweicloud_identity_agency" => identity::agency(config, &mut found),
            "huaweicloud_obs_bucket" => bucket(config, &mut found),
            _ => {}
        }
        found.0
    }
}

/// Collects what is wrong.
#[derive(Default)]
struct Findings(Vec<Diagnostic>);

impl Findings {
    fn add(&mut self, argument: &str, summary: impl Into<String>) {
        self.0.push(error(&[Selector::Name(argument.to_owned())], summary));
    }
}

/// The smaller of the two documented limits on a function's variables (4096 characters on one page, "2 KB" and 20 items
/// in the error codes FSS.1017 and FSS.1018).
const VARIABLES_BYTES: usize = 2048;
const VARIABLES: usize = 20;

fn functions(config: &Value, found: &mut Findings) {
    for name in ["user_data", "encrypted_user_data"] {
        let Some(text) = config.get(name).as_text() else { continue };
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(variables) => {
                if variables.values().any(|value| !value.is_string()) {
                    found.add(name, "variables must be text");
                }
                if variables.len() > VARIABLES || text.len() > VARIABLES_BYTES {
                    found.add(name, format!("more than {VARIABLES} variables or {VARIABLES_BYTES} bytes"));
                }
            }
            Err(reason) => found.add(name, format!("must be a flat JSON map: {reason}")),
        }
    }
    let newer = ["max_instance_num", "concurrency_num", "lts_custom_tag"];
    let version = config.get("functiongraph_version");
    if newer.iter().any(|name| config.get(name).is_given())
        && *version != Value::Unknown
        && version.as_text() != Some("v2")
    {
        found.add("functiongraph_version", format!("must be v2 for {}", newer.join(", ")));
    }
    let runs_in_vpc = config.get("vpc_id").is_given();
    if runs_in_vpc && !config.get("agency").is_given() && !config.get("xrole").is_given() {
        found.add("agency", "a function in a VPC needs a configuration agency with VPC rights");
    }
}

fn alarm(config: &Value, found: &mut Findings) {
    for condition in config.get("condition").items() {
        if condition.get("value").as_number() == Some(0.0) {
            found.add("condition", "value 0 is dropped from the request; say \"< 1\" or \"> 0.001\"");
        }
    }
    let (alarm, ok) = (config.get("alarm_actions"), config.get("ok_actions"));
    if alarm.is_given() && ok.is_given() && alarm.is_known() && ok.is_known() && alarm != ok {
        found.add("ok_actions", "must name the same targets as alarm_actions");
    }
    for actions in [alarm, ok] {
        for action in actions.items() {
            let targets = action.get("notification_list");
            if action.get("type").as_text() == Some("notification") && targets.is_known() && !targets.is_given() {
                found.add("alarm_actions", "a notification needs a topic");
            }
        }
    }
}

fn bucket(config: &Value, found: &mut Findings) {
    let prefixes: Vec<&str> =
        config.get("lifecycle_rule").items().iter().filter_map(|rule| rule.get("prefix").as_text()).collect();
    for (index, prefix) in prefixes.iter().enumerate() {
        let overlaps = |other: &&str| other.starts_with(prefix) || prefix.starts_with(*other);
        if prefixes[index + 1..].iter().any(overlaps) {
            found.add("lifecycle_rule", format!("the prefix {prefix} and another one contain each other"));
        }
    }
    if config.get("policy").is_given() && config.get("acl").as_text().is_some_and(|acl| acl.starts_with("public")) {
        found.add("acl", "a public bucket");
    }
}
