use serde_json::{Value, json};

use super::*;

fn document() -> Value {
    serde_json::from_str(include_str!("../../tests/fixtures/config/inference.json")).expect("the fixture is JSON")
}

fn parse(document: &Value) -> Result<Config, ConfigError> {
    Config::parse(document.to_string().as_bytes())
}

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut document = document();
    change(&mut document);
    parse(&document).expect_err("it should be refused").to_string()
}

#[test]
fn the_documented_example_is_accepted_and_survives_a_round_trip() {
    let config = parse(&document()).unwrap();
    let again = Config::parse(&serde_json::to_vec(&config).unwrap()).unwrap();
    assert_eq!(config, again);
}

#[test]
fn an_unknown_key_is_named_with_its_path() {
    let said = refusal(|document| document["groups"][0]["scaling"]["max_instnces"] = json!(5));
    assert!(said.contains("groups[0].scaling.max_instnces"), "{said}");
    assert!(said.contains("unknown field `max_instnces`"), "{said}");
    assert!(said.contains("max_instances"), "the mend is named: {said}");
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_path() {
    let said = refusal(|document| document["groups"][0]["signals"][0]["scale_out"] = json!("seventy"));
    assert!(said.starts_with("config: groups[0].signals[0].scale_out: invalid type"), "{said}");
}

#[test]
fn limits_that_do_not_fit_together_are_named() {
    let said = refusal(|document| document["groups"][0]["scaling"]["min_instances"] = json!(30));
    assert_eq!(said, "config: groups[0].scaling.min_instances: is 30, above max_instances 20");
}

#[test]
fn thresholds_the_wrong_way_round_are_named() {
    let said = refusal(|document| document["groups"][0]["signals"][0]["scale_in"] = json!(80));
    assert_eq!(said, "config: groups[0].signals[0].scale_in: is 80, not below scale_out 70");
}

#[test]
fn every_problem_is_named_not_only_the_first() {
    let said = refusal(|document| {
        document["groups"][0]["scaling"]["check_interval"] = json!(61);
        document["groups"][0]["policy"]["violation_price"] = json!(-1);
    });
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn two_pools_of_one_fleet_are_refused() {
    let said = refusal(|document| {
        let pools = document["groups"][0]["pools"].as_array_mut().unwrap();
        let mut twin = pools[0].clone();
        twin["name"] = json!("twin");
        pools.push(twin);
    });
    assert!(said.contains("groups[0].pools[2].fleet: is used by another pool"), "{said}");
}

#[test]
fn something_after_the_document_is_refused() {
    let text = format!("{} {{}}", document());
    assert!(Config::parse(text.as_bytes()).unwrap_err().to_string().contains("something follows the document"));
}

#[test]
fn text_that_is_no_json_is_refused_in_one_line() {
    let said = Config::parse(b"{\"region\": ").unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn the_schema_accepts_what_the_parser_accepts() {
    let schema = Config::schema();
    assert_eq!(schema["additionalProperties"], json!(false));
    assert!(schema["properties"]["groups"].is_object());
}

#[test]
fn only_listed_topics_are_believed_and_by_default_the_own_one() {
    let mut notify = Notify { topic_urn: Some("urn:a".into()), accept_topics: None };
    assert!(notify.accepts("urn:a") && !notify.accepts("urn:b"));
    notify.accept_topics = Some(vec!["urn:b".into()]);
    assert!(!notify.accepts("urn:a") && notify.accepts("urn:b"));
}

fn schedules(schedules: Value) -> String {
    refusal(|document| document["groups"][0]["schedules"] = schedules)
}

#[test]
fn a_schedule_is_accepted_and_survives_a_round_trip() {
    let mut document = document();
    document["groups"][0]["schedules"] = json!([
        {"name": "sale", "at": "2026-12-18T20:00:00+08:00", "time_zone": "Asia/Shanghai", "duration_minutes": 120, "expected_multiple": 3.0, "min_instances": 8},
        {"name": "office", "cron": "0 8 * * 1-5", "time_zone": "Asia/Shanghai", "duration_minutes": 600, "min_instances": 4}
    ]);
    let config = parse(&document).unwrap();
    assert_eq!(Config::parse(&serde_json::to_vec(&config).unwrap()).unwrap(), config);
}

#[test]
fn a_schedule_that_makes_no_sense_is_named_with_its_path_and_the_mend() {
    let one = |fields: Value| {
        let mut schedule = json!({"name": "sale", "cron": "0 20 18 * *", "time_zone": "Asia/Shanghai", "duration_minutes": 120, "min_instances": 8});
        for (key, value) in fields.as_object().unwrap() {
            schedule[key] = value.clone();
        }
        schedules(json!([schedule]))
    };
    let at = |field: &str| format!("config: groups[0].schedules[0]{field}: ");
    for (fields, path, mend) in [
        (json!({"at": "2026-12-18T20:00:00+08:00"}), "", "needs either at or cron"),
        (json!({"cron": null}), "", "needs either at or cron"),
        (json!({"time_zone": null}), ".time_zone", "is missing; name the zone"),
        (json!({"time_zone": "Peking"}), ".time_zone", "`Peking` is no IANA time zone; write Asia/Shanghai"),
        (json!({"cron": "0 20 32 * *"}), ".cron", "write minute, hour, day of the month"),
        (json!({"cron": null, "at": "20:00"}), ".at", "`20:00` is no time; write 2026-12-18T20:00:00+08:00"),
        (
            json!({"cron": null, "at": "2027-03-28T02:30", "time_zone": "Europe/Berlin"}),
            ".at",
            "clocks of Europe/Berlin skip",
        ),
        (json!({"cron": null, "at": "2026-12-18T20:00:00+09:00"}), ".at", "has another offset than Asia/Shanghai"),
        (json!({"duration_minutes": 0}), ".duration_minutes", "must be 1 to 44640"),
        (json!({"min_instances": null}), "", "asks for nothing; give min_instances"),
        (json!({"min_instances": 21}), ".min_instances", "must be 1 to the group's max_instances, 20"),
        (json!({"expected_multiple": 0.5}), ".expected_multiple", "must be above 1"),
        (json!({"name": "a sale"}), ".name", "must be 1 to 64 letters"),
        (json!({"durations": 5}), ".durations", "unknown field `durations`"),
    ] {
        let said = one(fields.clone());
        assert!(said.starts_with(&at(path)) && said.contains(mend), "{fields}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
