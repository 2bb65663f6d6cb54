//! What is kept can be read again, and says the same: whatever becomes of a document, if it can be read at all, then what is
//! written of it reads as the same.
#![cfg(feature = "local")]

use std::fmt::Debug;
use std::sync::LazyLock;

use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{BUCKET, Play, PlaySettings};
use flexus_autoscaler::model::{Advice, Course, Hold, PolicyChange, PolicyVersion, Tunables};
use flexus_autoscaler::records::Record;
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use flexus_autoscaler::state::Snapshot;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// What half an hour on a fleet with spot servers leaves in the store: a snapshot, and records.
static LEFT: LazyLock<(Value, Vec<Value>)> = LazyLock::new(|| {
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    executor.expect("an executor").block_on(async {
        let mut trace = demo_trace(Window::default()).expect("the bundled day");
        trace.load.drain(..300);
        trace.load.truncate(30);
        let document = include_bytes!("../src/cli/local/demo-spot.json");
        let settings =
            PlaySettings::new(Config::parse(document).expect("a good configuration"), trace, Settings::default());
        let mut play = Play::start(settings).await.expect("a stage");
        while play.step().await.is_some() {}
        let read = |key: &str| {
            let object = play.store().object(BUCKET, key).expect("an object");
            serde_json::from_slice::<Value>(&object.content).expect("JSON")
        };
        let records = play.store().keys(BUCKET, "groups/inference/records/").iter().map(|key| read(key)).collect();
        let left = (read("groups/inference/snapshot.json"), records);
        play.stop().await;
        left
    })
});

/// What may be put in the place of a part of a document.
fn anything() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => any::<f64>().prop_map(|number| Some(json!(number))),
        2 => (0u64..2000).prop_map(|number| Some(json!(number))),
        2 => any::<i64>().prop_map(|number| Some(json!(number))),
        3 => ".{0,40}".prop_map(|text| Some(json!(text))),
        2 => any::<i32>().prop_map(|seconds| {
            let time = chrono::DateTime::from_timestamp(i64::from(seconds), 0).unwrap_or_default();
            Some(json!(time.to_rfc3339()))
        }),
        1 => any::<bool>().prop_map(|yes| Some(json!(yes))),
        1 => Just(Some(Value::Null)),
        1 => Just(Some(json!([]))),
        1 => Just(Some(json!({}))),
        2 => Just(None),
    ]
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, Option<Value>)>> {
    prop::collection::vec((any::<prop::sample::Index>(), anything()), 0..4)
}

/// JSON pointers of all parts of a document but the whole.
fn places(document: &Value, at: &str, found: &mut Vec<String>) {
    let mut go = |key: &str, part: &Value| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(part, &place, found);
        found.push(place);
    };
    match document {
        Value::Object(fields) => fields.iter().for_each(|(key, part)| go(key, part)),
        Value::Array(parts) => parts.iter().enumerate().for_each(|(index, part)| go(&index.to_string(), part)),
        _ => {}
    }
}

/// A document with parts of it replaced or taken out.
fn changed(document: &Value, changes: &[(prop::sample::Index, Option<Value>)]) -> Value {
    let mut document = document.clone();
    for (index, change) in changes {
        let mut found = Vec::new();
        places(&document, "", &mut found);
        if found.is_empty() {
            break;
        }
        let place = index.get(&found);
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        match (change, document.pointer_mut(parent)) {
            (None, Some(Value::Object(fields))) => {
                fields.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            (Some(change), _) => {
                if let Some(part) = document.pointer_mut(place) {
                    *part = change.clone();
                }
            }
            _ => {}
        }
    }
    document
}

/// Reads a document, and gives it back if what is written of it reads as the same.
fn survives<T: DeserializeOwned + Serialize + PartialEq + Debug>(document: &Value) -> Result<Option<T>, TestCaseError> {
    let Ok(read) = T::deserialize(document) else { return Ok(None) };
    let written = serde_json::to_string(&read).map_err(|error| TestCaseError::fail(error.to_string()))?;
    match serde_json::from_str::<T>(&written) {
        Ok(again) => prop_assert_eq!(&again, &read),
        Err(error) => return Err(TestCaseError::fail(format!("{error}: {written}"))),
    }
    Ok(Some(read))
}

fn version() -> Value {
    let figures = json!({"j": 1.25, "cost_hours": 12.5, "in_slo": 0.9991, "actions": 7});
    let comparison = json!({"from": 29_000_000, "minutes": 1440, "before": figures, "after": figures});
    json!({
        "schema": 1, "version": "20260302T120000Z-search-0a1b2c3d", "group": "inference",
        "created": "2026-03-02T12:00:00Z", "parent": "config", "basis": "0123", "author": "search", "why": "cheaper",
        "tunables": tunables(), "changes": ["target_utilisation: 60 became 70"],
        "evidence": {
            "from": 28_990_000, "held_out_from": 29_000_000, "until": 29_001_440, "violation_price": 20.0,
            "training": comparison, "held_out": comparison, "days": [comparison], "saved_at_least": 0.02,
            "confidence": 0.95, "seed": 7, "stress": [{"name": "a rush", "comparison": comparison, "passed": true}],
            "not_replayed": ["error_rate"], "expected": {"price_of_work": 0.01, "late_share": 0.001},
            "passed": true, "objections": [],
        },
    })
}

fn tunables() -> Value {
    json!({
        "engine": "weighted_score", "target_utilisation": 60.0, "bottleneck": true, "cooldown_period": 300,
        "signals": {"cpu": {"scale_out": 70.0, "scale_in": 30.0, "duration": 300, "weight": 0.3}},
    })
}

fn advice() -> Value {
    json!({
        "schema": 1, "id": "a", "time": "2026-03-02T12:00:00Z", "question": "0123", "model": "m",
        "prompt_tokens": 1200, "completion_tokens": 300, "cost": 0.001, "answer": "{}", "refused": null,
        "heard": {
            "load_pattern": "periodic", "risks": ["a rush"], "notes": [],
            "forecast": [{"time": "2026-03-03T12:00:00Z", "load_per_second": 12.5}],
            "changes": [{"parameter": "cooldown_period", "before": 300.0, "asked": 900.0, "taken": 360.0, "reason": "r"}],
        },
    })
}

#[test]
fn the_documents_that_are_changed_here_are_good_ones() {
    fn is_whole<T: DeserializeOwned + Serialize + PartialEq + Debug>(document: &Value) -> bool {
        survives::<T>(document).is_ok_and(|read| read.is_some())
    }
    assert!(is_whole::<PolicyVersion>(&version()));
    assert!(is_whole::<Tunables>(&tunables()));
    assert!(is_whole::<Advice>(&advice()));
    assert!(is_whole::<Snapshot>(&LEFT.0));
    assert!(LEFT.1.len() >= 29, "{}", LEFT.1.len());
    assert!(LEFT.1.iter().all(is_whole::<Record>));
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2_000, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_configuration_that_is_accepted_is_accepted_as_it_is_written(changes in changes()) {
        for text in [include_str!("fixtures/config/inference.json"), include_str!("../src/cli/local/demo-spot.json")] {
            let document: Value = serde_json::from_str(text).unwrap();
            let document = changed(&document, &changes).to_string();
            match Config::parse(document.as_bytes()) {
                Ok(config) => {
                    let written = serde_json::to_vec(&config).unwrap();
                    prop_assert_eq!(Config::parse(&written).unwrap(), config);
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn a_snapshot_that_can_be_read_is_the_same_as_it_is_written(changes in changes()) {
        survives::<Snapshot>(&changed(&LEFT.0, &changes))?;
    }

    #[test]
    fn a_decision_that_can_be_read_is_the_same_as_it_is_written(
        which in any::<prop::sample::Index>(), changes in changes(),
    ) {
        survives::<Record>(&changed(which.get(&LEFT.1), &changes))?;
    }

    #[test]
    fn orders_calls_and_losses_are_the_same_as_they_are_written(
        who in ".{0,60}", why in ".{0,60}", count in any::<u32>(), seconds in any::<i32>(), changes in changes(),
    ) {
        let time = chrono::DateTime::from_timestamp(i64::from(seconds), 0).unwrap_or_default();
        let hold = |order: Value| json!({"order": order, "who": who, "why": why, "until": time});
        let orders = [json!("pause_all"), json!("pause_in"), json!("pause_out"), json!({"pin": count}), json!({"floor": count})];
        for order in orders {
            prop_assert!(survives::<Hold>(&hold(order.clone()))?.is_some());
            survives::<Hold>(&changed(&hold(order), &changes))?;
        }
        let what = [
            ("hold", hold(json!({"pin": count}))),
            ("lift", json!({"who": who})),
            ("raise", json!({"target": count, "until": time, "source": who, "cause": why, "why": why})),
            ("loss", json!({"pool": who, "instance": why, "zone": null, "flavor": who, "ends": time, "cause": why})),
            ("ignored", json!({"source": who, "why": why})),
            ("policy", json!({"version": who, "what": {"ordered": "approve"}, "who": who, "why": why})),
        ];
        for (kind, fields) in what {
            let mut record = json!({"schema": 1, "id": "r", "group": who, "time": time, "kind": kind});
            let Value::Object(fields) = fields else { unreachable!() };
            record.as_object_mut().unwrap().extend::<Map<String, Value>>(fields);
            survives::<Record>(&changed(&record, &changes))?;
            if kind != "policy" {
                prop_assert!(survives::<Record>(&record)?.is_some(), "{}", record);
            }
        }
    }

    #[test]
    fn versions_of_a_policy_and_their_story_are_the_same_as_they_are_written(
        who in ".{0,60}", seconds in any::<i32>(), changes in changes(),
    ) {
        survives::<PolicyVersion>(&changed(&version(), &changes))?;
        survives::<Advice>(&changed(&advice(), &changes))?;
        survives::<Tunables>(&changed(&tunables(), &changes))?;
        let time = chrono::DateTime::from_timestamp(i64::from(seconds), 0).unwrap_or_default();
        for what in [json!({"became": "canary"}), json!({"ordered": "roll_back"})] {
            let change = json!({"schema": 1, "id": who, "version": "v", "time": time, "what": what, "who": who, "why": who});
            prop_assert!(survives::<PolicyChange>(&change)?.is_some());
            survives::<PolicyChange>(&changed(&change, &changes))?;
        }
        let course = json!({"schema": 1, "written": time, "basis": who, "last_round": time,
            "active": {"version": who, "tunables": tunables(), "since": time, "watched_until": null,
                       "expected": {"price_of_work": 0.5, "late_share": 0.0}},
            "previous": null, "shadow": null});
        prop_assert!(survives::<Course>(&course)?.is_some());
        survives::<Course>(&changed(&course, &changes))?;
    }
}
