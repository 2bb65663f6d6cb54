//! The rules that only this project knows, each on the smallest body that breaks it.

use std::path::PathBuf;

use terraform_checks::{rules::Rules, terraform::SCHEMA_VARIABLE, value::Value};

/// A body as terraform would send it. The text `(unknown)` stands for what is known only after an apply.
fn body(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().expect("a number")),
        serde_json::Value::String(text) if text == "(unknown)" => Value::Unknown,
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(body).collect()),
        serde_json::Value::Object(fields) => {
            Value::Map(fields.iter().map(|(name, field)| (name.clone(), body(field))).collect())
        }
    }
}

fn rules() -> Option<Rules> {
    let folder = std::env::var_os(SCHEMA_VARIABLE).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: needs {SCHEMA_VARIABLE}");
    }
    folder.map(|folder| Rules::read(&folder).expect("the shapes of triggers"))
}

fn policy(actions: &[&str]) -> String {
    serde_json::json!({"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": actions}]}).to_string()
}

#[test]
fn what_the_api_or_this_project_refuses_is_found() {
    let Some(rules) = rules() else { return };
    let many: serde_json::Map<String, serde_json::Value> =
        (0..21).map(|number| (format!("V{number}"), "x".into())).collect();
    for (type_name, json, word) in [
        ("identity_role", serde_json::json!({"type": "XA", "policy": policy(&["as:groups:*"])}), "wildcard"),
        ("identity_role", serde_json::json!({"type": "XA", "policy": policy(&["obs:object:GetObject"])}), "AX"),
        ("identity_role", serde_json::json!({"type": "AX", "policy": policy(&["as:groups:get"])}), "AX"),
        ("identity_role", serde_json::json!({"type": "XA", "policy": "[]"}), "no policy"),
        (
            "identity_agency",
            serde_json::json!({"project_role": [{"roles": ["ECS FullAccess"]}]}),
            "more than is needed",
        ),
        ("fgs_function", serde_json::json!({"user_data": "{\"A\": 1}"}), "must be text"),
        ("fgs_function", serde_json::json!({"user_data": serde_json::Value::from(many).to_string()}), "more than"),
        ("fgs_function", serde_json::json!({"max_instance_num": "1", "functiongraph_version": "v1"}), "must be v2"),
        ("fgs_function", serde_json::json!({"vpc_id": "(unknown)"}), "agency"),
        ("as_group", serde_json::json!({"min_instance_number": 1}), "above max"),
        ("as_group", serde_json::json!({"max_instance_number": 5, "desire_instance_number": 6}), "outside"),
        ("as_configuration", serde_json::json!({"instance_config": [{"disk": [{"disk_type": "DATA"}]}]}), "SYS"),
        ("ces_alarmrule", serde_json::json!({"condition": [{"value": 0}]}), "dropped"),
        (
            "obs_bucket",
            serde_json::json!({"lifecycle_rule": [{"prefix": "a/"}, {"prefix": "a/b/"}]}),
            "contain each other",
        ),
        (
            "fgs_function_trigger",
            serde_json::json!({"type": "TIMER", "event_data": "{\"name\":\"a\",\"schedule_type\":\"Rate\",\"schedule\":\"90m\"}"}),
            "no Rate schedule",
        ),
        (
            "fgs_function_trigger",
            serde_json::json!({"type": "CTS", "event_data": "{\"name\":\"a\",\"operations\":[\"ECS:server\"]}"}),
            "service:resource:operation",
        ),
    ] {
        let found = rules.check(&format!("huaweicloud_{type_name}"), &body(&json));
        let said: Vec<&str> = found.iter().map(|diagnostic| diagnostic.summary.as_str()).collect();
        assert!(said.iter().any(|summary| summary.contains(word)), "{type_name} {json}: {said:?}");
    }
}

#[test]
fn what_is_not_known_yet_is_passed_over() {
    let Some(rules) = rules() else { return };
    for (type_name, json) in [
        ("as_group", serde_json::json!({"min_instance_number": 3, "max_instance_number": "(unknown)"})),
        ("identity_role", serde_json::json!({"type": "XA", "policy": "(unknown)"})),
        ("fgs_function_trigger", serde_json::json!({"type": "SMN", "event_data": "(unknown)"})),
        ("fgs_function", serde_json::json!({"max_instance_num": "1", "functiongraph_version": "(unknown)"})),
        ("ces_alarmrule", serde_json::json!({"condition": [{"value": "(unknown)"}]})),
    ] {
        let found = rules.check(&format!("huaweicloud_{type_name}"), &body(&json));
        assert!(found.is_empty(), "{type_name} {json}: {found:?}");
    }
}
