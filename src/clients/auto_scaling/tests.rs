use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Planned, Server};

fn group() -> Value {
    json!({"scaling_group": {
        "networks": [{"id": "2daf6ba6-fb24-424a-b5b8-c554fab95f15"}],
        "available_zones": ["cn-north-4a", "cn-north-4b"],
        "detail": null,
        "scaling_group_name": "inference",
        "scaling_group_id": "77a7a397-7d2f-4e79-9da9-6a35e2709150",
        "scaling_group_status": "INSERVICE",
        "scaling_configuration_id": "1d281494-6085-4579-b817-c1f813be835f",
        "scaling_configuration_name": "gpu",
        "current_instance_number": 3,
        "desire_instance_number": 5,
        "min_instance_number": 1,
        "max_instance_number": 20,
        "cool_down_time": 300,
        "lbaas_listeners": [{"listener_id": "l", "pool_id": "p", "protocol_port": 80, "weight": 1}],
        "is_scaling": true,
        "something_new": {"from": "later"}
    }})
}

#[tokio::test]
async fn a_group_without_its_numbers_is_not_understood() {
    for number in ["desire_instance_number", "min_instance_number", "max_instance_number"] {
        let mut answer = group();
        answer["scaling_group"].as_object_mut().unwrap().remove(number);
        let server = Server::start([Planned::json(200, answer)]).await;
        let error = server.cloud().auto_scaling().group("g").await.unwrap_err();
        assert!(error.to_string().contains(number), "{error}");
    }
}

fn instance(id: Option<&str>, state: &str, health: &str) -> Value {
    json!({
        "instance_id": id,
        "instance_name": "as-config-TLZZ_W3DZ",
        "scaling_group_id": "g",
        "life_cycle_state": state,
        "health_status": health,
        "scaling_configuration_id": "c",
        "scaling_configuration_name": "gpu",
        "create_time": "2026-03-14T15:09:00Z",
        "protect_from_scaling_down": false
    })
}

fn page(instances: &[Value], total: usize) -> Planned {
    Planned::json(
        200,
        json!({"limit": 100, "scaling_group_instances": instances, "total_number": total, "start_number": 0}),
    )
}

fn refusal(code: &str) -> Planned {
    Planned::json(400, json!({"error": {"code": code, "message": "as the documents say"}}))
}

#[tokio::test]
async fn a_group_is_read() {
    let server = Server::start([Planned::json(200, group())]).await;
    let group = server.cloud().auto_scaling().group("77a7a397").await.unwrap();
    assert_eq!(server.lines(), ["GET /autoscaling-api/v1/project/scaling_group/77a7a397"]);
    assert_eq!((group.current, group.desired, group.min, group.max), (3, 5, 1, 20));
    assert_eq!((group.status, group.is_scaling), (GroupStatus::InService, true));
    assert_eq!(group.zones, ["cn-north-4a", "cn-north-4b"]);
    assert_eq!(group.listeners[0].pool_id, "p");
}

#[tokio::test]
async fn a_missing_group_is_told_apart() {
    let server = Server::start([refusal("AS.2007")]).await;
    assert!(server.cloud().auto_scaling().group("g").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn instances_come_in_pages_and_some_have_no_id_yet() {
    let ids: Vec<String> = (0..100).map(|number| format!("i-{number}")).collect();
    let mut first: Vec<Value> = ids.iter().map(|id| instance(Some(id), "INSERVICE", "NORMAL")).collect();
    first[99] = instance(None, "PENDING", "INITAILIZING");
    let second = [
        instance(Some("i-98"), "INSERVICE", "NORMAL"),
        instance(None, "PENDING_WAIT", "INITIALIZING"),
        instance(Some("i-100"), "HIBERNATING", "DREAMING"),
    ];
    let server = Server::start([page(&first, 103), page(&second, 103)]).await;
    let instances = server.cloud().auto_scaling().instances("g").await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /autoscaling-api/v1/project/scaling_group_instance/g/list?limit=100&start_number=0",
            "GET /autoscaling-api/v1/project/scaling_group_instance/g/list?limit=100&start_number=100",
        ]
    );
    assert_eq!(instances.len(), 102, "one was on both pages, two have no id");
    assert_eq!((instances[99].id.as_deref(), instances[99].state), (None, LifeCycleState::Pending));
    assert_eq!(instances[99].health, HealthStatus::Initializing, "in the misspelt form");
    assert_eq!(
        (instances[100].state, instances[100].health),
        (LifeCycleState::PendingWait, HealthStatus::Initializing)
    );
    assert_eq!((instances[101].state, instances[101].health), (LifeCycleState::Unknown, HealthStatus::Unknown));
    assert_eq!(instances[0].created_at.unwrap().to_rfc3339(), "2026-03-14T15:09:00+00:00");
}

#[tokio::test]
async fn an_empty_group_is_one_call() {
    let server = Server::start([page(&[], 0)]).await;
    assert_eq!(server.cloud().auto_scaling().instances("g").await.unwrap(), []);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_unchanged_number_is_a_success() {
    let accepted = Planned::json(200, json!({"scaling_group_id": "g"}));
    let server = Server::start([accepted, refusal("AS.2028"), refusal("AS.2005")]).await;
    let auto_scaling = server.cloud().auto_scaling();
    assert_eq!(auto_scaling.set_desired("g", 7).await.unwrap(), DesiredNumber::Accepted);
    assert_eq!(auto_scaling.set_desired("g", 7).await.unwrap(), DesiredNumber::Unchanged);
    assert_eq!(auto_scaling.set_desired("g", 700).await.unwrap_err().code(), Some("AS.2005"));
    assert_eq!(server.received()[0].line(), "PUT /autoscaling-api/v1/project/scaling_group/g");
    assert_eq!(server.received()[0].json(), json!({"desire_instance_number": 7}));
}

#[tokio::test]
async fn a_locked_group_is_tried_again() {
    let server = Server::start([refusal("AS.0003"), Planned::json(200, json!({"scaling_group_id": "g"}))]).await;
    assert_eq!(server.cloud().auto_scaling().set_desired("g", 2).await.unwrap(), DesiredNumber::Accepted);
}

#[tokio::test]
async fn hooks_are_listed_and_completed() {
    let server = Server::start([
        Planned::json(
            200,
            json!({"instance_hanging_info": [{
                "lifecycle_hook_name": "drain", "lifecycle_action_key": "key-1", "instance_id": "i-1",
                "scaling_group_id": "g", "lifecycle_hook_status": "HANGING", "timeout": "2026-03-14T16:09:00Z",
                "default_result": "ABANDON"
            }]}),
        ),
        Planned::json(
            200,
            json!({"lifecycle_hooks": [{
                "lifecycle_hook_name": "drain", "lifecycle_hook_type": "INSTANCE_TERMINATING",
                "default_result": "ABANDON", "default_timeout": 3600, "notification_topic_urn": "urn:smn:x"
            }]}),
        ),
        Planned::text(204, ""),
    ])
    .await;
    let auto_scaling = server.cloud().auto_scaling();
    let hanging = auto_scaling.hanging_instances("g").await.unwrap();
    assert_eq!((hanging[0].action_key.as_str(), hanging[0].status.as_str()), ("key-1", "HANGING"));
    assert_eq!(auto_scaling.lifecycle_hooks("g").await.unwrap()[0].kind, "INSTANCE_TERMINATING");
    auto_scaling.complete_hook("g", "key-1", HookResult::Continue).await.unwrap();
    assert_eq!(server.lines()[2], "PUT /autoscaling-api/v1/project/scaling_instance_hook/g/callback");
    assert_eq!(
        server.received()[2].json(),
        json!({"lifecycle_action_key": "key-1", "lifecycle_action_result": "CONTINUE"})
    );
}
