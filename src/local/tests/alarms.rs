//! Alarm rules.

use serde_json::{Value, json};

use super::*;

const TOPIC: &str = "urn:smn:cn-north-4:project:alarms";

impl Cloud {
    async fn add_rule(&self, policy: Value) -> String {
        let notify = json!([{"type": "notification", "notification_list": [TOPIC]}]);
        let rule = json!({
            "name": "cpu-high", "namespace": "AGT.ECS", "type": "ALL_INSTANCE",
            "resources": [[{"name": "instance_id"}]], "policies": [policy],
            "alarm_notifications": notify, "ok_notifications": notify,
            "enabled": true, "notification_enabled": true,
        });
        let (status, answer) = self.call("POST", "/v2/{project_id}/alarms", Some(rule)).await;
        assert_eq!(status, 201, "{answer}");
        answer["alarm_id"].as_str().unwrap().to_owned()
    }

    /// Statuses of the alarms that are told after each of these loads.
    fn told(&self, loads: &[f64]) -> Vec<Vec<Value>> {
        let messages = |load: &f64| {
            self.region.play_minute(&[*load]);
            let events = self.region.take_events().into_iter();
            events
                .map(|event| {
                    serde_json::from_str(event.event["record"][0]["smn"]["message"].as_str().unwrap()).unwrap()
                })
                .collect()
        };
        loads.iter().map(messages).collect()
    }
}

fn policy(count: u32, suppress_duration: u32) -> Value {
    json!({
        "metric_name": "cpu_usage", "period": 1, "filter": "average", "comparison_operator": ">=", "value": 80,
        "unit": "%", "count": count, "suppress_duration": suppress_duration, "level": 2,
    })
}

#[tokio::test]
async fn an_alarm_is_told_when_it_starts_and_when_it_ends() {
    let cloud = Cloud::with_group(1).await;
    let id = cloud.add_rule(policy(2, 0)).await;
    let told = cloud.told(&[9.0, 9.0, 9.0, 9.0, 2.0, 2.0, 2.0, 2.0]);
    let statuses: Vec<Vec<&str>> = told
        .iter()
        .map(|messages| messages.iter().map(|message| message["alarm_status"].as_str().unwrap()).collect())
        .collect();
    let nothing: Vec<&str> = Vec::new();
    let expected = [&nothing, &nothing, &vec!["alarm"], &nothing, &nothing, &vec!["ok"], &nothing, &nothing];
    assert_eq!(statuses.iter().collect::<Vec<_>>(), expected);
    let alarm = &told[2][0];
    assert_eq!(alarm["alarm_id"], id.as_str());
    assert_eq!(alarm["alarmValue"].as_array().unwrap().len(), 2);
    assert_eq!(alarm["alarmValue"][1]["time"], (START.0 + 1) * 60_000);
    let instance = cloud.instances().await[0]["instance_id"].as_str().unwrap().to_owned();
    assert_eq!(alarm["dimension"], format!("instance_id:{instance}"));
    assert_eq!(alarm["template_variable"]["IsAlarm"], true);
}

#[tokio::test]
async fn an_alarm_is_told_again_after_its_pause() {
    let cloud = Cloud::with_group(1).await;
    cloud.add_rule(policy(1, 300)).await;
    let told = cloud.told(&[9.0; 9]);
    let counts: Vec<usize> = told.iter().map(Vec::len).collect();
    assert_eq!(counts, [0, 1, 0, 0, 0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_rule_that_is_switched_off_or_gone_tells_nothing() {
    let cloud = Cloud::with_group(1).await;
    let id = cloud.add_rule(policy(1, 300)).await;
    let off = json!({"alarm_ids": [id], "alarm_enabled": false});
    assert_eq!(cloud.call("POST", "/v2/{project_id}/alarms/action", Some(off)).await.0, 200);
    assert!(cloud.told(&[9.0; 4]).iter().all(Vec::is_empty));
    let (_, listed) = cloud.call("GET", "/v2/{project_id}/alarms", None).await;
    assert_eq!((listed["count"].as_u64(), listed["alarms"][0]["enabled"].as_bool()), (Some(1), Some(false)));
    let gone = json!({"alarm_ids": [id]});
    assert_eq!(cloud.call("POST", "/v2/{project_id}/alarms/batch-delete", Some(gone)).await.0, 200);
    assert_eq!(cloud.call("GET", "/v2/{project_id}/alarms", None).await.1["count"], 0);
}

#[tokio::test]
async fn a_rule_with_an_unknown_operator_is_refused() {
    let cloud = Cloud::with_group(1).await;
    let mut policy = policy(1, 0);
    policy["comparison_operator"] = json!("about");
    let rule = json!({"name": "odd", "namespace": "AGT.ECS", "type": "ALL_INSTANCE", "policies": [policy]});
    let (status, answer) = cloud.call("POST", "/v2/{project_id}/alarms", Some(rule)).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("ces.0014")));
}
