//! A group's past from end to end: hours are played, compacted, exported, replayed, accounted and reported by the command.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .args(arguments)
        .env_remove("AUTOSCALER_STORE")
        .output()
        .expect("the command starts")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).expect("standard output holds one JSON document")
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {path} in {value}"))
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let rows = report["policies"].as_array().expect("rows");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name}"))
}

#[test]
fn what_was_played_can_be_exported_replayed_accounted_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("state");
    let store = store.to_str().unwrap();
    let played = json(&run(&["local", "--hours", "3", "--out", store, "--format", "json"]));

    let compacted = json(&run(&["history", "compact", "--store", store]));
    assert_eq!((number(&compacted, "/records"), &compacted["is_unfinished"]), (179.0, &Value::Bool(false)));
    let again = json(&run(&["history", "compact", "--store", store]));
    assert_eq!((number(&again, "/records"), again["days"].as_array().map(Vec::len)), (0.0, Some(0)));
    assert!(Path::new(store).join("autoscaler/groups/inference/history").is_dir());

    let newest = text(&run(&["explain", "--store", store]));
    assert!(newest.starts_with("inference at 2026-03-02 02:59:") && newest.contains("the same number"), "{newest}");
    let at = ["explain", "--store", store, "--at", "2026-03-02T01:30:30Z", "--format", "json"];
    let before = json(&run(&at));
    assert!(before["time"].as_str().is_some_and(|time| time.starts_with("2026-03-02T01:30:")), "{before}");

    let lines = text(&run(&["history", "export", "--store", store, "--format", "jsonl"]));
    let minutes: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(minutes.len(), 180);
    let table = text(&run(&["history", "export", "--store", store]));
    assert_eq!(table.lines().count(), 181);
    assert!(table.starts_with("time,serving,total,cpu,queue,requests,response_time,current,"), "{}", &table[..80]);
    let hour =
        ["history", "export", "--store", store, "--from", "2026-03-02T01:00:00Z", "--to", "2026-03-02T02:00:00Z"];
    assert_eq!(text(&run(&hour)).lines().count(), 61);

    let arguments = ["replay", "--history", store, "--policy", "actual,own,static_one", "--format", "json"];
    let replayed = json(&run(&arguments));
    let (actual, own) = (row(&replayed, "actual"), row(&replayed, "own"));
    let played_hours = number(&played, "/result/cost_hours");
    assert!((number(actual, "/cost_hours") / played_hours - 1.0).abs() < 0.02, "{actual} and {played_hours} h");
    assert!((number(actual, "/in_slo") - number(&played, "/result/in_slo")).abs() < 1e-3, "{actual} and {played}");
    assert!((number(own, "/cost_hours") / played_hours - 1.0).abs() < 0.1, "the same policy again: {own}");
    assert!(number(actual, "/money") > 0.0 && number(actual, "/late_work") >= 0.0);
    assert!(number(row(&replayed, "static_one"), "/money") < number(actual, "/money"));

    for command in ["explain", "cost", "report"] {
        let output = run(&[command, "--store", store, "--group", "nobody"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("no group nobody; there are: inference"), "{said}");
    }
    let output = run(&["cost", "--store", store, "--to", "2026-01-02"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("from 2025-12-26T00:00Z to 2026-01-02T00:00Z; --from and --to choose"), "{said}");

    let cost = json(&run(&["cost", "--store", store, "--format", "json"]));
    let bill = number(&cost, "/bill/amount");
    assert!((bill - number(&cost, "/spent")).abs() < 1e-6);
    // The evaluations reckon from the first decision to the last, what there is after each for the time before it.
    assert!((number(&cost, "/bill/estimate") / bill - 1.0).abs() < 0.01, "{}", cost["bill"]);
    assert!(number(&cost, "/waste/amount") < number(&cost, "/spent"));

    let english = text(&run(&["report", "--weekly", "--store", store]));
    assert!(english.starts_with("# inference: 2026-03-02 00:00 to 2026-03-02 02:58 UTC"), "{english}");
    let page = text(&run(&["report", "--store", store, "--lang", "zh", "--format", "html"]));
    assert!(page.contains("<html lang=\"zh-CN\">") && page.contains("建议"));
}

#[test]
fn a_wrong_store_group_or_time_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        said
    };
    let missing = folder.path().join("nowhere");
    assert!(said(&["cost", "--store", missing.to_str().unwrap()]).contains("there is no such directory"));
    assert!(said(&["cost", "--store", empty]).contains("name a group (--group) or a file (--config)"));
    assert!(said(&["replay", "--policy", "actual"]).contains("the policy `actual` needs --history"));
    assert!(said(&["replay", "--group", "inference"]).contains("--group needs --config or --history"));
    let yesterday = run(&["explain", "--at", "yesterday", "--store", empty]);
    assert_eq!(yesterday.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&yesterday.stderr).contains("a date or a time is needed"));
    let output = run(&["history", "export", "--store", empty, "--group", "inference"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("knows nothing of group inference yet"));
}

#[test]
fn a_configurations_own_policy_is_played_over_any_trace_with_money() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/local/demo.json"), &config).unwrap();
    let config = config.to_str().unwrap();
    let report = json(&run(&["replay", "--config", config, "--policy", "own,hpa@60", "--format", "json"]));
    let own = row(&report, "own");
    let money = number(own, "/cost_hours") * 0.66;
    assert!((number(own, "/money") - money).abs() < 1e-9);
    let table = text(&run(&["replay", "--config", config, "--policy", "own"]));
    assert!(table.contains("an instance-hour costs 0.6600") && table.contains("money"), "{table}");
}
