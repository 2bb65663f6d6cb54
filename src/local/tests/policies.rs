//! Auto Scaling's own policies, and what the cooldown binds.

use serde_json::{Value, json};

use super::*;

impl Cloud {
    async fn add_policy(&self, policy: Value) -> String {
        let (status, answer) = self.call("POST", "/autoscaling-api/v1/{project_id}/scaling_policy", Some(policy)).await;
        assert_eq!(status, 200, "{answer}");
        answer["scaling_policy_id"].as_str().unwrap().to_owned()
    }

    async fn execute(&self, policy: &str) -> (u16, Value) {
        let path = format!("/autoscaling-api/v1/{{project_id}}/scaling_policy/{policy}/action");
        self.call("POST", &path, Some(json!({"action": "execute"}))).await
    }

    async fn desired(&self) -> u64 {
        self.show_group().await["desire_instance_number"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn an_alarm_policy_rests_in_the_cooldown_and_a_set_number_does_not() {
    let cloud = Cloud::with_group(1).await;
    let rule = json!({
        "name": "cpu-high", "namespace": "SYS.ELB", "type": "MULTI_INSTANCE",
        "resources": [[{"name": "lbaas_instance_id", "value": load_balancer(&cloud)}]],
        "policies": [{
            "metric_name": "mb_l7_qps", "period": 1, "filter": "average", "comparison_operator": ">=", "value": 8,
            "count": 1, "suppress_duration": 300,
        }],
        "alarm_notifications": [{"type": "autoscaling", "notification_list": []}],
    });
    let (_, created) = cloud.call("POST", "/v2/{project_id}/alarms", Some(rule)).await;
    cloud
        .add_policy(json!({
            "scaling_policy_name": "out", "scaling_group_id": cloud.group_id(), "scaling_policy_type": "ALARM",
            "alarm_id": created["alarm_id"], "cool_down_time": 900,
            "scaling_policy_action": {"operation": "ADD", "instance_number": 1},
        }))
        .await;
    let mut numbers = Vec::new();
    for _ in 0..9 {
        cloud.region.play_minute(&[9.0]);
        numbers.push(cloud.desired().await);
    }
    // Told at the 2nd and the 7th minute; the second time falls into the cooldown.
    assert_eq!(numbers, [1, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(cloud.set_desired(3).await.0, 200);
}

#[tokio::test]
async fn a_policy_is_executed_by_hand_unless_the_group_is_scaling() {
    let cloud = Cloud::with_group(4).await;
    let out = cloud
        .add_policy(json!({
            "scaling_policy_name": "half", "scaling_group_id": cloud.group_id(), "scaling_policy_type": "SCHEDULED",
            "scheduled_policy": {"launch_time": "2030-01-01T00:00Z"},
            "scaling_policy_action": {"operation": "ADD", "instance_percentage": 50},
        }))
        .await;
    assert_eq!(cloud.execute(&out).await.0, 204);
    assert_eq!(cloud.desired().await, 6);
    assert_eq!(cloud.execute(&out).await.1["error"]["code"], "AS.0034");
    cloud.region.play_minute(&[5.0]);
    cloud.region.play_minute(&[5.0]);
    assert_eq!(cloud.execute(&out).await.0, 204);
    assert_eq!(cloud.desired().await, 9);
}
