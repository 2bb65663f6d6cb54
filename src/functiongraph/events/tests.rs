//! Every sample in `events/`, and what is no event.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const INSTANCE: &str = "5a3f0c1e-7c1b-4a86-9f0e-0b7a2d9c4e11";

fn sample(name: &str) -> Event {
    let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    Event::parse(&std::fs::read(&path).unwrap()).unwrap()
}

fn at(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

fn notifications(name: &str) -> Vec<Notification> {
    match sample(name) {
        Event::Notifications(notifications) => notifications,
        other => panic!("{name} is {other:?}"),
    }
}

fn alarm(name: &str) -> Alarm {
    match notifications(name)[0].content() {
        Message::Alarm(alarm) => *alarm,
        other => panic!("{name} holds {other:?}"),
    }
}

fn dimension(name: &str, value: &str) -> std::collections::BTreeMap<String, String> {
    [(name.to_owned(), value.to_owned())].into()
}

#[test]
fn every_sample_is_read_by_one_of_these_tests() {
    let directory = format!("{}/events", env!("CARGO_MANIFEST_DIR"));
    let tests = include_str!("tests.rs");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "README.md" {
            continue;
        }
        let stem = name.strip_suffix(".json").unwrap_or_else(|| panic!("{name} is no JSON"));
        assert!(tests.contains(&format!("(\"{stem}\")")), "no test reads {name}");
        sample(stem);
    }
}

#[test]
fn a_timer_tells_its_time_with_an_offset_and_names_all_groups() {
    let Event::Timer(timer) = sample("timer") else { panic!() };
    assert_eq!(timer.name.as_deref(), Some("every-minute"));
    assert_eq!(timer.selection, Selection::default());
    assert_eq!(sample("timer").time(), at("2026-01-08T08:42:00Z"));
    assert_eq!(sample("timer").kind(), "timer");
}

#[test]
fn a_timers_user_event_may_name_groups() {
    let Event::Timer(timer) = sample("timer-groups") else { panic!() };
    assert_eq!(timer.selection.groups, ["inference"]);
}

#[test]
fn a_manual_event_is_read_strictly() {
    let Event::Evaluation(evaluation) = sample("manual-evaluate") else { panic!() };
    assert_eq!((evaluation.groups, evaluation.dry_run), (vec!["inference".to_owned()], true));
    assert_eq!(evaluation.time, at("2026-01-08T08:42:00Z"));

    assert_eq!(evaluation.action, Action::Evaluate);
    let Event::Evaluation(evaluation) = sample("tune-manual") else { panic!() };
    assert_eq!(evaluation.action, Action::Tune);

    let Ok(Event::Evaluation(evaluation)) = Event::parse(br#"{"action":"evaluate"}"#) else { panic!() };
    assert!(evaluation.groups.is_empty() && !evaluation.dry_run);

    for wrong in [
        r#"{"action":"evaluate","dryrun":true}"#,
        r#"{"action":"reboot"}"#,
        r#"{"action":"evaluate","groups":"inference"}"#,
        r#"{"action":"evaluate","time":"noon"}"#,
    ] {
        let error = Event::parse(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("the manual event is wrong: ") && error.contains(r#""dry_run": true"#), "{error}");
    }
}

#[test]
fn a_metric_alarm_has_rule_resource_and_value() {
    let [notification] = notifications("alarm-metric").try_into().unwrap();
    assert_eq!(notification.message_id.as_deref(), Some("7e2f4b6a8c0d4e1fa3b5c7d9e1f00001"));
    assert!(notification.topic_urn.unwrap().ends_with(":autoscaler-alarms"));
    assert_eq!(sample("alarm-metric").time(), at("2026-01-08T08:42:13Z"));

    let alarm = alarm("alarm-metric");
    assert_eq!(alarm.status, AlarmStatus::Alarm);
    assert_eq!(alarm.alarm_name.as_deref(), Some("inference-cpu-high"));
    assert_eq!((alarm.namespace.as_deref(), alarm.metric_name.as_deref()), (Some("AGT.ECS"), Some("cpu_usage")));
    assert_eq!(alarm.dimensions, dimension("instance_id", INSTANCE));
    assert_eq!((alarm.threshold, alarm.unit.as_deref(), alarm.period_seconds), (Some(80.0), Some("%"), Some(1.0)));
    assert_eq!(alarm.newest_value(), Some(AlarmValue { time: at("2026-01-08T08:42:00Z"), value: 97.08 }));
}

#[test]
fn a_recovery_is_an_alarm_with_status_ok() {
    let alarm = alarm("alarm-ok");
    assert_eq!((alarm.status, alarm.newest_value().unwrap().value), (AlarmStatus::Ok, 41.5));
}

#[test]
fn an_alarm_without_data_has_no_value() {
    let alarm = alarm("alarm-insufficient-data");
    assert_eq!((alarm.status, alarm.newest_value()), (AlarmStatus::InsufficientData, None));
}

#[test]
fn one_event_may_hold_several_messages() {
    let notifications = notifications("alarm-several-records");
    let resources: Vec<_> = notifications
        .iter()
        .map(|notification| match notification.content() {
            Message::Alarm(alarm) => alarm.dimensions.into_keys().next().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(resources, ["instance_id", "lbaas_instance_id"]);
    assert_eq!(sample("alarm-several-records").time(), at("2026-01-08T08:43:12Z"));
}

#[test]
fn an_alarm_may_be_of_a_scaling_group() {
    let alarm = alarm("alarm-as-group");
    assert_eq!(alarm.dimensions, dimension("AutoScalingGroup", "a1d5e8c3-6b24-4f79-9c0d-7e3f2b1a5d68"));
}

#[test]
fn an_event_alarm_needs_no_value() {
    let alarm = alarm("alarm-event");
    assert_eq!((alarm.status, alarm.values.len(), alarm.threshold), (AlarmStatus::Alarm, 0, None));
    assert_eq!((alarm.namespace.as_deref(), alarm.metric_name.as_deref()), (Some("EVENT.SYS"), Some("hostMayCrash")));
}

#[test]
fn a_replaced_template_is_a_text() {
    let [notification] = notifications("alarm-template-replaced").try_into().unwrap();
    assert_eq!(notification.content(), Message::Text);
    assert!(notification.message.contains("97.08%"));
}

#[test]
fn a_spot_interruption_comes_as_a_trace() {
    let Event::Trace(trace) = sample("reclaim-cts") else { panic!() };
    assert!(trace.is_spot_interruption());
    assert_eq!(trace.resource_id.as_deref(), Some(INSTANCE));
    assert_eq!(trace.time, at("2026-01-08T08:45:00Z"));
    assert_eq!(trace.request, json!({}));
}

#[test]
fn a_trace_may_have_texts_where_objects_and_numbers_are_documented() {
    let Event::Trace(trace) = sample("reclaim-cts-text") else { panic!() };
    assert!(trace.is_spot_interruption());
    assert_eq!(trace.time, at("2026-01-08T08:45:00Z"));
    assert_eq!((trace.request, trace.response), (json!({"server_id": INSTANCE}), Value::String(String::new())));
}

#[test]
fn a_spot_interruption_through_a_topic_is_a_text_with_the_instance_in_it() {
    let [notification] = notifications("reclaim-smn").try_into().unwrap();
    assert_eq!(notification.content(), Message::Text);
    assert!(notification.message.contains(INSTANCE));
}

#[test]
fn a_trace_inside_a_message_is_found() {
    let trace = json!({"trace_name": "interruptServer", "resource_id": INSTANCE});
    for message in [trace.to_string(), json!({"cts": trace}).to_string()] {
        let event = json!({"record": [{"event_source": "smn", "smn": {"message": message}}]});
        let Ok(Event::Notifications(notifications)) = Event::parse(event.to_string().as_bytes()) else { panic!() };
        let Message::Trace(trace) = notifications[0].content() else { panic!() };
        assert!(trace.is_spot_interruption());
    }
}

#[test]
fn another_operation_is_no_interruption() {
    let trace = |fields: Value| Trace::from_value(&fields).unwrap();
    assert!(!trace(json!({"trace_name": "deleteServer", "service_type": "ECS"})).is_spot_interruption());
    assert!(!trace(json!({"trace_name": "interruptServer", "service_type": "RDS"})).is_spot_interruption());
    assert!(trace(json!({"trace_name": "interruptServer", "service_type": "ecs"})).is_spot_interruption());
}

#[test]
fn a_lifecycle_hook_has_what_its_answer_needs() {
    let Message::LifecycleHook(hook) = notifications("reclaim-lifecycle-hook")[0].content() else { panic!() };
    assert_eq!(hook.transition, Transition::Terminating);
    assert_eq!(hook.action_key, "9d7c5b3a-1f2e-4d6c-8b0a-3e5f7d9c1b24");
    assert_eq!(hook.instance_id, "c8d91b42-3e57-4f0a-8a6d-51e2f7b09c33");
    assert_eq!(hook.scaling_group_id, "a1d5e8c3-6b24-4f79-9c0d-7e3f2b1a5d68");
    assert_eq!(hook.metadata.as_deref(), Some("inference"));
}

#[test]
fn a_gateway_request_has_the_rest_of_its_path_and_an_empty_body() {
    let Event::Gateway(request) = sample("console-groups") else { panic!() };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/api/groups"));
    assert_eq!(request.path_rest.as_deref(), Some("groups"));
    assert!(request.body.is_empty());
    assert_eq!(request.headers["authorization"], "Bearer example-token-of-the-console");
}

#[test]
fn a_gateway_request_has_its_query_decoded() {
    let Event::Gateway(request) = sample("console-decisions") else { panic!() };
    assert_eq!(request.query["since"], "2026-01-08T08:00:00Z");
}

#[test]
fn a_gateway_requests_body_is_decoded() {
    let Event::Gateway(request) = sample("console-hold") else { panic!() };
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["order"], json!({"floor": 4}));

    let plain = json!({"httpMethod": "put", "body": "{}", "isBase64Encoded": false, "headers": {"Accept": "a"}});
    let Ok(Event::Gateway(request)) = Event::parse(plain.to_string().as_bytes()) else { panic!() };
    assert_eq!((request.method.as_str(), &request.body[..], request.path.as_str()), ("PUT", &b"{}"[..], "/"));
    assert_eq!(request.headers["accept"], "a");
}

#[test]
fn an_object_event_has_its_key_decoded() {
    let Event::Objects(objects) = sample("obs-put") else { panic!() };
    assert_eq!((objects[0].bucket.as_str(), objects[0].key.as_str()), ("autoscaler-state", "prod/config.json"));
    assert_eq!(sample("obs-put").time(), at("2026-01-08T08:50:50.028Z"));
}

#[test]
fn what_is_no_event_is_told_what_was_expected() {
    let error = |event: &str| Event::parse(event.as_bytes()).unwrap_err().to_string();
    for (event, seen) in [
        ("{}", "it is an empty object"),
        (r#"{"key":"value"}"#, "it is an object with key"),
        (r#"{"record":[]}"#, "it is an object with record"),
        (r#"{"Records":[{}]}"#, "it is an object with Records"),
        (r#"{"trigger_type":"KAFKA"}"#, "it is an object with trigger_type"),
        ("[1]", "it is an array"),
        ("null", "it is null"),
        ("", "is not JSON"),
        ("timer", "is not JSON"),
    ] {
        let error = error(event);
        assert!(error.contains(seen) && error.contains("expected a timer event"), "{event}: {error}");
    }
}

#[test]
fn an_error_names_fields_and_never_their_values() {
    let event = json!({"password": "hunter2", "x".repeat(5000): 1});
    let error = Event::parse(event.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("password") && !error.contains("hunter2") && error.len() < 1000, "{error}");
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    let large = vec![b' '; MAX_EVENT_BYTES + 1];
    assert!(matches!(Event::parse(&large), Err(EventError::TooLarge { .. })));
    let deep = format!(r#"{{"cts":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(Event::parse(deep.as_bytes()), Err(EventError::NotJson(_))));
}

#[test]
fn a_user_event_that_is_free_text_is_refused_with_the_mend() {
    for (user_event, accepted) in [
        (json!(""), true),
        (json!("  "), true),
        (json!(null), true),
        (json!({"groups": ["a"]}), true),
        (json!("{}"), true),
        (json!("hello"), false),
        (json!(r#"{"group": "a"}"#), false),
        (json!(r#"{"groups": "a"}"#), false),
    ] {
        let event = json!({"trigger_type": "TIMER", "user_event": user_event}).to_string();
        match Event::parse(event.as_bytes()) {
            Ok(Event::Timer(_)) => assert!(accepted, "{event}"),
            Err(error) => {
                assert!(!accepted, "{event}");
                assert!(error.to_string().contains(r#"expected it empty or {"groups""#), "{error}");
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
}

/// Any JSON, with the names that events use.
fn json_of_event_names() -> impl Strategy<Value = Value> {
    let names = "record|Records|smn|s3|cts|trigger_type|user_event|message|alarm_id|alarm_status|alarmValue|dimension\
                 |httpMethod|body|isBase64Encoded|headers|trace_name|time|action|groups|bucket|object|key";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        "TIMER|alarm|\\PC{0,8}|\\{\"alarm_id\":1,\"alarm_status\":2\\}".prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((names, inner), 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_the_parser_panic(value in json_of_event_names()) {
        if let Ok(event) = Event::parse(value.to_string().as_bytes()) {
            event.time();
            if let Event::Notifications(notifications) = event {
                notifications.iter().for_each(|notification| drop(notification.content()));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::parse(&bytes);
    }

    #[test]
    fn a_field_that_is_unknown_changes_nothing(name in "[a-z]{12}", value in json_of_event_names()) {
        let path = format!("{}/events/alarm-metric.json", env!("CARGO_MANIFEST_DIR"));
        let mut event: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let plain = Event::parse(event.to_string().as_bytes()).unwrap();
        event[&name] = value.clone();
        event["record"][0]["smn"][&name] = value;
        prop_assert_eq!(plain, Event::parse(event.to_string().as_bytes()).unwrap());
    }
}
