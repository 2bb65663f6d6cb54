//! Lifecycle hooks.

use serde_json::{Value, json};

use super::*;

const TOPIC: &str = "urn:smn:cn-north-4:project:hooks";

impl Cloud {
    async fn add_hook(&self, kind: &str, default_result: &str, timeout: i64) {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_lifecycle_hook/{}", self.group_id());
        let hook = json!({
            "lifecycle_hook_name": "wait", "lifecycle_hook_type": kind, "default_result": default_result,
            "default_timeout": timeout, "notification_topic_urn": TOPIC,
        });
        let (status, answer) = self.call("POST", &path, Some(hook)).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn answer_hook(&self, action_key: &Value, result: &str) -> u16 {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_instance_hook/{}/callback", self.group_id());
        let callback = json!({"lifecycle_action_key": action_key, "lifecycle_action_result": result});
        self.call("PUT", &path, Some(callback)).await.0
    }
}

fn hook_message(cloud: &Cloud) -> Value {
    let events = cloud.region.take_events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].trigger, EventTrigger::Topic(TOPIC.to_owned()));
    serde_json::from_str(events[0].event["record"][0]["smn"]["message"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_started_instance_waits_for_its_hook() {
    let cloud = Cloud::with_group(1).await;
    cloud.add_hook("INSTANCE_LAUNCHING", "ABANDON", 3_600).await;
    cloud.set_desired(2).await;
    cloud.region.play_minute(&[5.0]);
    cloud.region.play_minute(&[5.0]);
    assert_eq!(states(&cloud.instances().await), ["INSERVICE", "PENDING_WAIT"]);
    let message = hook_message(&cloud);
    assert_eq!(message["lifecycle_hook_type"], "INSTANCE_LAUNCHING");
    assert_eq!(cloud.answer_hook(&message["lifecycle_action_key"], "EXTEND").await, 204);
    assert_eq!(cloud.answer_hook(&message["lifecycle_action_key"], "CONTINUE").await, 204);
    assert_eq!(cloud.answer_hook(&message["lifecycle_action_key"], "CONTINUE").await, 400);
    assert_eq!(cloud.region.play_minute(&[5.0])[0].outcome.serving, 2);
}

#[tokio::test]
async fn an_ending_instance_waits_until_its_time_runs_out() {
    let cloud = Cloud::with_group(3).await;
    cloud.add_hook("INSTANCE_TERMINATING", "CONTINUE", 120).await;
    cloud.set_desired(2).await;
    assert_eq!(states(&cloud.instances().await), ["REMOVING_WAIT", "INSERVICE", "INSERVICE"]);
    let played = cloud.region.play_minute(&[5.0])[0].outcome;
    assert_eq!((played.serving, played.total), (2, 3));
    cloud.region.play_minute(&[5.0]);
    assert_eq!(states(&cloud.instances().await), ["INSERVICE", "INSERVICE"]);
}

#[tokio::test]
async fn an_abandoned_start_is_tried_again() {
    let cloud = Cloud::with_group(1).await;
    cloud.add_hook("INSTANCE_LAUNCHING", "CONTINUE", 3_600).await;
    cloud.set_desired(2).await;
    cloud.region.play_minute(&[5.0]);
    cloud.region.play_minute(&[5.0]);
    let message = hook_message(&cloud);
    cloud.answer_hook(&message["lifecycle_action_key"], "ABANDON").await;
    assert_eq!(states(&cloud.instances().await), ["INSERVICE"]);
    cloud.region.play_minute(&[5.0]);
    assert_eq!(states(&cloud.instances().await), ["INSERVICE", "PENDING"]);
}
