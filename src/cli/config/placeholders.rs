//! What a good configuration still has from an example.

use serde_json::Value;

use crate::config::Problem;

/// Stands where an id of the user's belongs.
pub(super) const PLACEHOLDER: &str = "REPLACE";
/// What a host of an example ends with: nobody can own it.
const EXAMPLE_HOSTS: [&str; 4] = [".example", "example.com", "example.org", "example.net"];

/// Every place that is of the right form and was not filled in.
pub(super) fn unfilled(document: &[u8]) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Ok(document) = serde_json::from_slice::<Value>(document) {
        if document["groups"].as_array().is_some_and(Vec::is_empty) {
            found.push(Problem {
                path: "groups".to_owned(),
                message: "is empty; the functions have nothing to do until there is a group".to_owned(),
            });
        }
        walk(&document, "", &mut found);
    }
    found
}

fn walk(value: &Value, path: &str, found: &mut Vec<Problem>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                walk(field, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), found);
            }
        }
        Value::String(text) => {
            if let Some(message) = left_over(text) {
                found.push(Problem { path: path.to_owned(), message });
            }
        }
        _ => {}
    }
}

/// What is wrong with a text that was not filled in.
fn left_over(text: &str) -> Option<String> {
    if ["…", "..."].contains(&text.trim()) || text.contains(PLACEHOLDER) {
        return Some(format!("is `{text}`, a placeholder; put your own value there"));
    }
    let url = url::Url::parse(text).ok()?;
    let host = url.host_str()?;
    let is_example = EXAMPLE_HOSTS.iter().any(|example| host.ends_with(example));
    is_example.then(|| format!("is at {host}, the host of an example; put your own there"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_filled_in_is_named_with_its_place() {
        let document = json!({"groups": [{"signals": [
            {"source": {"cloud_eye": {"dimensions": {"lbaas_instance_id": "…"}}}},
            {"source": {"cloud_eye": {"dimensions": {"AutoScalingGroup": "REPLACE"}}}},
            {"source": {"prometheus": {"url": "http://prometheus.example:9090", "query": "up"}}},
            {"source": {"prometheus": {"url": "http://10.0.0.9:9090", "query": "up"}}},
        ]}]});
        let told: Vec<String> = unfilled(document.to_string().as_bytes()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "groups[0].signals[0].source.cloud_eye.dimensions.lbaas_instance_id: is `…`, a placeholder; put your own value there",
                "groups[0].signals[1].source.cloud_eye.dimensions.AutoScalingGroup: is `REPLACE`, a placeholder; put your own value there",
                "groups[0].signals[2].source.prometheus.url: is at prometheus.example, the host of an example; put your own there",
            ]
        );
        assert_eq!(unfilled(b"{\"groups\": []}").len(), 1);
    }
}
