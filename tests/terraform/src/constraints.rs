//! What a schema cannot say: `huaweicloud-constraints.json`, one entry an argument under its dotted path.
//!
//! Checked are the rules of the real provider (closed lists, ranges, JSON, arguments that exclude or need each other)
//! and, stricter than it, what its documents call required, the lists that were read over by a person, and documented
//! ranges: what the API would refuse after half an apply. The real provider skips the rules of a block that holds a
//! value not known yet; here only the unknown argument itself is passed over.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use crate::{
    protocol::{AttributePath, Diagnostic, Selector, Step},
    schema::{Block, SchemaError, read_json},
    value::Value,
};

/// The rules of all resources and data sources.
#[derive(Debug, Deserialize)]
pub struct Constraints {
    resources: BTreeMap<String, Arguments>,
    data_sources: BTreeMap<String, Arguments>,
}

/// The rules of one resource or data source, by dotted path.
#[derive(Debug, Deserialize)]
pub struct Arguments {
    arguments: BTreeMap<String, Rule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    conflicts_with: Vec<String>,
    exactly_one_of: Vec<String>,
    at_least_one_of: Vec<String>,
    required_with: Vec<String>,
    validator: Option<Validator>,
    element_validator: Option<Validator>,
    max_items: Option<usize>,
    min_items: Option<usize>,
    tag: Tag,
    reviewed_values: Vec<serde_json::Value>,
    open_list: bool,
    documented: serde_json::Value,
    documented_range: Option<(f64, f64)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Validator {
    allowed: Vec<serde_json::Value>,
    range: Option<(f64, f64)>,
    json: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    #[serde(alias = "Required")]
    required: bool,
}

impl Constraints {
    /// Reads `huaweicloud-constraints.json`.
    ///
    /// # Errors
    /// When the file cannot be read or has another form.
    pub fn read(folder: &Path) -> Result<Self, SchemaError> {
        read_json(folder, "huaweicloud-constraints.json")
    }

    /// The rules of a resource.
    pub fn resource(&self, type_name: &str) -> Option<&Arguments> {
        self.resources.get(type_name)
    }

    /// The rules of a data source.
    pub fn data_source(&self, type_name: &str) -> Option<&Arguments> {
        self.data_sources.get(type_name)
    }
}

/// What is wrong with a body, given its schema and rules.
pub fn check(block: &Block, arguments: Option<&Arguments>, config: &Value) -> Vec<Diagnostic> {
    let mut check = Check { arguments, root: config, found: Vec::new() };
    if config.get("id").is_given() && block.attributes.get("id").is_some_and(|id| id.computed) {
        check.report(&[Selector::Name("id".to_owned())], "id is decided by the provider and can't be set");
    }
    check.body(block, "", &mut Vec::new(), config);
    check.found
}

/// An error about an argument.
pub fn error(path: &[Selector], summary: impl Into<String>) -> Diagnostic {
    let steps = path.iter().map(|selector| Step { selector: Some(selector.clone()) }).collect();
    Diagnostic { severity: 1, summary: summary.into(), detail: String::new(), attribute: Some(AttributePath { steps }) }
}

struct Check<'a> {
    arguments: Option<&'a Arguments>,
    root: &'a Value,
    found: Vec<Diagnostic>,
}

impl<'a> Check<'a> {
    fn report(&mut self, path: &[Selector], summary: impl Into<String>) {
        self.found.push(error(path, summary));
    }

    fn body(&mut self, block: &Block, prefix: &str, path: &mut Vec<Selector>, body: &'a Value) {
        for (name, attribute) in &block.attributes {
            path.push(Selector::Name(name.clone()));
            if attribute.is_read_only() && body.get(name).is_given() {
                self.report(path, format!("{prefix}{name} is decided by the provider and can't be set"));
            }
            self.argument(prefix, name, path, body);
            path.pop();
        }
        for (name, nested) in &block.block_types {
            path.push(Selector::Name(name.clone()));
            self.argument(prefix, name, path, body);
            for (index, item) in body.get(name).items().iter().enumerate() {
                path.push(Selector::Index(i64::try_from(index).unwrap_or_default()));
                self.body(&nested.block, &format!("{prefix}{name}."), path, item);
                path.pop();
            }
            path.pop();
        }
    }

    fn argument(&mut self, prefix: &str, name: &str, path: &[Selector], body: &'a Value) {
        let key = format!("{prefix}{name}");
        let Some(rule) = self.arguments.and_then(|arguments| arguments.arguments.get(&key)) else { return };
        let value = body.get(name);
        self.relations(rule, prefix, &key, path, body, value);
        if !value.is_given() {
            return;
        }
        if let Value::List(items) = value {
            if rule.max_items.is_some_and(|most| items.len() > most) {
                self.report(path, format!("{key} has {} elements, more than allowed", items.len()));
            }
            if rule.min_items.is_some_and(|least| items.len() < least) {
                self.report(path, format!("{key} has {} elements, fewer than needed", items.len()));
            }
            for item in items {
                self.content(&key, path, item, rule.element_validator.as_ref());
                self.listed(rule, &key, path, item);
            }
        } else {
            self.content(&key, path, value, rule.validator.as_ref());
            self.listed(rule, &key, path, value);
            if let (Some(range), Some(number)) = (rule.documented_range, value.as_number()) {
                self.range(&key, path, number, range);
            }
        }
    }

    /// Arguments that exclude or need each other.
    fn relations(&mut self, rule: &Rule, prefix: &str, key: &str, path: &[Selector], body: &'a Value, value: &Value) {
        // A mark of the provider's authors; it also stands where another argument may be given instead.
        let replaced = !rule.exactly_one_of.is_empty()
            || rule.conflicts_with.iter().any(|other| self.sibling(prefix, body, other).is_given());
        if rule.tag.required && rule.documented == "required" && !replaced && !value.is_given() {
            self.report(path, format!("{key} is missing; the schema lets it go, the API doesn't"));
        }
        if value.is_given() && *value != Value::Unknown {
            for other in &rule.conflicts_with {
                let sibling = self.sibling(prefix, body, other);
                if sibling.is_given() && *sibling != Value::Unknown {
                    self.report(path, format!("{key} and {other} exclude each other"));
                }
            }
        }
        if value.is_given() {
            for other in &rule.required_with {
                if !self.sibling(prefix, body, other).is_given() {
                    self.report(path, format!("{key} needs {other} beside it"));
                }
            }
        }
        if !rule.exactly_one_of.is_empty() {
            let alternatives = self.alternatives(&rule.exactly_one_of, prefix, key, body);
            let certain = alternatives.iter().filter(|other| other.is_given() && ***other != Value::Unknown).count();
            let possible = alternatives.iter().filter(|other| other.is_given()).count();
            if certain > 1 || possible == 0 {
                self.report(path, format!("{key}: exactly one of {} must be given", rule.exactly_one_of.join(", ")));
            }
        }
        if !rule.at_least_one_of.is_empty() {
            let alternatives = self.alternatives(&rule.at_least_one_of, prefix, key, body);
            if !alternatives.iter().any(|other| other.is_given()) {
                self.report(path, format!("{key}: one of {} must be given", rule.at_least_one_of.join(", ")));
            }
        }
    }

    /// The values of a list of alternatives, the argument itself among them, each once.
    fn alternatives(&self, others: &[String], prefix: &str, key: &str, body: &'a Value) -> Vec<&'a Value> {
        let mut names: Vec<String> = others.iter().map(|other| without_indices(other)).collect();
        names.push(key.to_owned());
        names.sort();
        names.dedup();
        names.iter().map(|name| self.sibling(prefix, body, name)).collect()
    }

    /// The value of another argument: in the same body where its path says so, else from the root, by first elements.
    fn sibling(&self, prefix: &str, body: &'a Value, other: &str) -> &'a Value {
        let plain = without_indices(other);
        if let Some(name) = plain.strip_prefix(prefix).filter(|name| !name.contains('.')) {
            return body.get(name);
        }
        plain.split('.').fold(self.root, |value, name| match value {
            Value::List(items) => items.first().unwrap_or(&Value::Null).get(name),
            value => value.get(name),
        })
    }

    fn content(&mut self, key: &str, path: &[Selector], value: &Value, validator: Option<&Validator>) {
        let Some(validator) = validator else { return };
        if *value == Value::Unknown {
            return;
        }
        if !validator.allowed.is_empty() && !is_one_of(value, &validator.allowed) {
            self.report(path, format!("{key} must be one of {}", list(&validator.allowed)));
        }
        if let (Some(range), Some(number)) = (validator.range, value.as_number()) {
            self.range(key, path, number, range);
        }
        if validator.json
            && let Some(text) = value.as_text()
            && let Err(reason) = serde_json::from_str::<serde::de::IgnoredAny>(text)
        {
            self.report(path, format!("{key} is not JSON: {reason}"));
        }
    }

    fn listed(&mut self, rule: &Rule, key: &str, path: &[Selector], value: &Value) {
        let checkable = matches!(value, Value::Text(_) | Value::Number(_));
        if checkable && !rule.open_list && !rule.reviewed_values.is_empty() && !is_one_of(value, &rule.reviewed_values)
        {
            self.report(path, format!("{key} must be one of {}, say the documents", list(&rule.reviewed_values)));
        }
    }

    fn range(&mut self, key: &str, path: &[Selector], number: f64, (least, most): (f64, f64)) {
        if !(least..=most).contains(&number) {
            self.report(path, format!("{key} is {number}, outside {least} to {most}"));
        }
    }
}

fn without_indices(path: &str) -> String {
    path.split('.').filter(|part| part.parse::<usize>().is_err()).collect::<Vec<_>>().join(".")
}

fn is_one_of(value: &Value, allowed: &[serde_json::Value]) -> bool {
    allowed.iter().any(|candidate| match (value, candidate) {
        (Value::Text(text), serde_json::Value::String(candidate)) => text == candidate,
        (Value::Number(_) | Value::Text(_), serde_json::Value::Number(candidate)) => {
            value.as_number() == candidate.as_f64()
        }
        _ => false,
    })
}

fn list(values: &[serde_json::Value]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
