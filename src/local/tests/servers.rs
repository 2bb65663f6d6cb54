//! ECS, ELB and the small services.

use serde_json::{Value, json};

use super::*;
use crate::model::{Purchase, Tag};

/// A region with one workload on tagged servers, two of them serving, each 10 work units a second, lead 2 minutes.
async fn tagged(needs_member: bool) -> Cloud {
    let pool = TaggedSettings {
        tag: Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() },
        initial: 2,
        purchase: Purchase::OnDemand,
        flavor: "x1.2u.4g".to_owned(),
        needs_member,
    };
    let workload = WorkloadSettings {
        name: "inference".to_owned(),
        model: ServiceModel::new(10.0, 120),
        pools: vec![PoolSettings::Tagged(pool)],
    };
    let secrets = [("deepseek".to_owned(), "sk-demo".to_owned())].into();
    Cloud::start(RegionSettings { workloads: vec![workload], secrets, ..RegionSettings::default() }).await
}

fn order(count: u32, flavor: &str, zone: Option<&str>, extend: Value) -> Value {
    json!({"server": {
        "name": "inference-spot", "flavorRef": flavor, "imageRef": "image", "vpcid": "vpc",
        "nics": [{"subnet_id": "subnet"}], "root_volume": {"volumetype": "GPSSD", "size": 40},
        "count": count, "availability_zone": zone, "extendparam": extend,
        "server_tags": [{"key": "flexus_type", "value": "auto_scaling"}],
    }})
}

impl Cloud {
    async fn order(&self, body: Value) -> (u16, Value) {
        self.call("POST", "/v1/{project_id}/cloudservers", Some(body)).await
    }

    async fn job(&self, id: &Value) -> Value {
        let path = format!("/v1/{{project_id}}/jobs/{}", id.as_str().unwrap());
        self.call("GET", &path, None).await.1
    }

    async fn tagged_ids(&self) -> Vec<String> {
        let query = json!({
            "action": "filter", "limit": "100", "offset": "0",
            "tags": [{"key": "flexus_type", "values": ["auto_scaling"]}],
        });
        let (_, answer) =
            self.call("POST", "/v1/{project_id}/cloudservers/resource_instances/action", Some(query)).await;
        let resources = answer["resources"].as_array().unwrap();
        resources.iter().map(|resource| resource["resource_id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn ordered_servers_are_built_in_a_minute_and_serve_after_the_lead_time() {
    let cloud = tagged(false).await;
    let (status, created) = cloud.order(order(2, "x1.2u.4g", None, json!({}))).await;
    assert_eq!(status, 200, "{created}");
    assert_eq!(created["serverIds"].as_array().unwrap().len(), 2);
    assert_eq!(cloud.job(&created["job_id"]).await["status"], "RUNNING");
    assert_eq!(cloud.tagged_ids().await.len(), 4);
    let path = format!("/v1/{{project_id}}/cloudservers/{}", created["serverIds"][0].as_str().unwrap());
    assert_eq!(cloud.call("GET", &path, None).await.1["server"]["status"], "BUILD");

    let serving: Vec<u32> = (0..3).map(|_| cloud.region.play_minute(&[5.0])[0].outcome.serving).collect();
    assert_eq!(serving, [2, 2, 4]);
    let server = cloud.call("GET", &path, None).await.1["server"].clone();
    assert_eq!((server["status"].as_str(), server["metadata"]["charging_mode"].as_str()), (Some("ACTIVE"), Some("0")));
    let job = cloud.job(&created["job_id"]).await;
    assert_eq!((job["status"].as_str(), job["entities"]["sub_jobs_total"].as_u64()), (Some("SUCCESS"), Some(2)));

    let doomed = json!({"servers": [{"id": created["serverIds"][0]}]});
    assert_eq!(cloud.call("POST", "/v1/{project_id}/cloudservers/delete", Some(doomed)).await.0, 200);
    assert_eq!(cloud.region.play_minute(&[5.0])[0].outcome.serving, 3);
    assert_eq!(cloud.call("GET", &path, None).await.0, 404);
}

#[tokio::test]
async fn the_same_order_with_the_same_token_is_carried_out_once() {
    let cloud = tagged(false).await;
    let body = order(1, "x1.2u.4g", None, json!({}));
    let token = "11111111-2222-3333-4444-555555555555";
    let first = cloud.call_with("POST", "/v1/{project_id}/cloudservers", Some(body.clone()), token).await;
    let second = cloud.call_with("POST", "/v1/{project_id}/cloudservers", Some(body), token).await;
    assert_eq!(first, second);
    assert_eq!(cloud.tagged_ids().await.len(), 3);
    let other = order(2, "x1.2u.4g", None, json!({}));
    let (_, refused) = cloud.call_with("POST", "/v1/{project_id}/cloudservers", Some(other), token).await;
    assert_eq!(refused["error"]["code"], "Ecs.0122");
}

#[tokio::test]
async fn orders_are_refused_as_the_cloud_refuses_them() {
    let cloud = tagged(false).await;
    let code = |answer: (u16, Value)| answer.1["error"]["code"].as_str().unwrap_or("").to_owned();
    let spot = json!({"marketType": "spot"});
    assert_eq!(code(cloud.order(order(1, "z9", None, json!({}))).await), "Ecs.0029");
    assert_eq!(code(cloud.order(order(101, "x1.2u.4g", None, json!({}))).await), "Ecs.0913");
    assert_eq!(code(cloud.order(order(1, "x1.2u.4g", None, spot.clone())).await), "Ecs.0018");
    let low = json!({"marketType": "spot", "spotPrice": "0.01"});
    assert_eq!(code(cloud.order(order(1, "c7.large.2", None, low)).await), "Ecs.0703");
    let zone = cloud.region.settings().zones[0].clone();
    cloud.region.set_sold_out("c7.large.2", &zone, true);
    assert_eq!(code(cloud.order(order(1, "c7.large.2", Some(&zone), json!({}))).await), "Ecs.0018");
    assert_eq!(cloud.order(order(1, "c7.large.2", None, json!({}))).await.0, 200);
    let path = format!(
        "/v1/{{project_id}}/cloudservers/flavor-sell-policies?availability_zone_id={zone}&flavor_id=c7.large.2&sell_mode=postPaid"
    );
    assert_eq!(cloud.call("GET", &path, None).await.1["sell_policies"][0]["sell_status"], "sellout");
}

#[tokio::test]
async fn spot_servers_are_limited_and_taken_back_with_notice() {
    let cloud = tagged(false).await;
    let zones = cloud.region.settings().zones.clone();
    for zone in &zones {
        cloud.region.set_spot_capacity(zone, 0);
    }
    cloud.region.set_spot_capacity(&zones[1], 3);
    let spot = json!({"marketType": "spot"});
    let (_, created) = cloud.order(order(4, "c7.large.2", None, spot)).await;
    cloud.region.play_minute(&[5.0]);
    let job = cloud.job(&created["job_id"]).await;
    assert_eq!(job["status"], "FAIL");
    let parts = job["entities"]["sub_jobs"].as_array().unwrap();
    let failed: Vec<&Value> = parts.iter().filter(|part| part["status"] == "FAIL").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["error_code"], "Ecs.0319");
    assert_eq!(cloud.region.play_minute(&[5.0])[0].spot, 3);

    cloud.region.set_spot_capacity(&zones[1], 1);
    let events = cloud.region.take_events();
    let taken: Vec<&str> = events.iter().map(|event| event.event["cts"]["resource_id"].as_str().unwrap()).collect();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], created["serverIds"][2].as_str().unwrap());
    let doomed = json!({"servers": [{"id": taken[0]}]});
    let (_, refused) = cloud.call("POST", "/v1/{project_id}/cloudservers/delete", Some(doomed)).await;
    assert_eq!(refused["error"]["code"], "Ecs.0100");
    let spot: Vec<u32> = (0..6).map(|_| cloud.region.play_minute(&[5.0])[0].spot).collect();
    assert_eq!(spot, [3, 3, 3, 3, 3, 1]);
    assert!(cloud.region.take_events().is_empty());
}

#[tokio::test]
async fn a_server_behind_a_load_balancer_serves_once_it_is_a_member_with_weight() {
    let cloud = tagged(true).await;
    let (_, created) = cloud.order(order(1, "x1.2u.4g", None, json!({}))).await;
    let serving = |cloud: &Cloud| cloud.region.play_minute(&[5.0])[0].outcome.serving;
    assert_eq!([serving(&cloud), serving(&cloud), serving(&cloud)], [2, 2, 2]);
    let path = format!("/v1/{{project_id}}/cloudservers/{}", created["serverIds"][0].as_str().unwrap());
    let address = cloud.call("GET", &path, None).await.1["server"]["addresses"]["demo-vpc"][0]["addr"].clone();
    let pool = cloud.region.settings().workloads[0].load_balancer_pool_id();
    let members = format!("/v3/{{project_id}}/elb/pools/{pool}/members");
    let member = json!({"member": {"address": address, "protocol_port": 80, "weight": 1}});
    let (status, added) = cloud.call("POST", &members, Some(member.clone())).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!(serving(&cloud), 3);
    assert_eq!(cloud.call("POST", &members, Some(member)).await.0, 409);
    let one = format!("{members}/{}", added["member"]["id"].as_str().unwrap());
    assert_eq!(cloud.call("PUT", &one, Some(json!({"member": {"weight": 0}}))).await.0, 200);
    assert_eq!(serving(&cloud), 2);
    assert_eq!(cloud.call("DELETE", &one, None).await.0, 204);
    let (_, listed) = cloud.call("GET", &members, None).await;
    assert_eq!(listed["members"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_group_that_loses_a_spot_server_starts_another() {
    let mut workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 60), 3, 1, 10);
    if let PoolSettings::AutoScaling(group) = &mut workload.pools[0] {
        group.purchase = Purchase::Spot;
        group.flavor = "c7.large.2".to_owned();
    }
    let settings = RegionSettings { workloads: vec![workload], reclaim_notice_minutes: 0, ..RegionSettings::default() };
    let cloud = Cloud::start(settings).await;
    let zones = cloud.region.settings().zones.clone();
    cloud.region.set_spot_capacity(&zones[0], 0);
    assert_eq!(cloud.show_group().await["current_instance_number"], 2);
    assert_eq!(cloud.region.take_events().len(), 1);
    cloud.region.play_minute(&[5.0]);
    assert_eq!(states(&cloud.instances().await), ["INSERVICE", "INSERVICE", "PENDING"]);
    cloud.region.play_minute(&[5.0]);
    assert_eq!(cloud.show_group().await["current_instance_number"], 3);
}

#[tokio::test]
async fn the_small_services_answer() {
    let cloud = tagged(false).await;
    let (_, secret) = cloud.call("GET", "/v1/{project_id}/secrets/deepseek/versions/latest", None).await;
    assert_eq!(secret["version"]["secret_string"], "sk-demo");
    let (_, projects) = cloud.call("GET", "/v3/projects?name=cn-north-4", None).await;
    assert_eq!(projects["projects"][0]["id"], cloud.region.settings().project_id.as_str());
    let topic = "urn:smn:cn-north-4:project:people";
    let message = json!({"subject": "scaled", "message": "to three"});
    let path = format!("/v2/{{project_id}}/notifications/topics/{topic}/publish");
    assert_eq!(cloud.call("POST", &path, Some(message)).await.0, 200);
    assert_eq!(cloud.region.take_messages()[0].message, "to three");
    let (_, limits) = cloud.call("GET", "/v1/{project_id}/cloudservers/limits", None).await;
    assert_eq!(limits["absolute"]["totalInstancesUsed"], 2);
    let (_, page) = cloud.call("GET", "/v1/{project_id}/cloudservers/detail?limit=1&offset=2", None).await;
    assert_eq!((page["count"].as_u64(), page["servers"].as_array().unwrap().len()), (Some(2), 1));
}

#[tokio::test]
async fn a_reclaim_is_told_to_the_topics_of_key_event_notifications() {
    let cloud = tagged(false).await;
    let topic = "urn:smn:cn-north-4:project:reclaims";
    let notification = json!({
        "notification_name": "reclaims", "operation_type": "customized", "topic_id": topic,
        "operations": [{"service_type": "ECS", "resource_type": "server", "trace_names": ["interruptServer"]}],
    });
    assert_eq!(cloud.call("POST", "/v3/{project_id}/notifications", Some(notification)).await.0, 201);
    let (_, listed) = cloud.call("GET", "/v3/{project_id}/notifications/smn", None).await;
    assert_eq!(listed["notifications"][0]["status"], "enabled");
    let (_, created) = cloud.order(order(1, "c7.large.2", None, json!({"marketType": "spot"}))).await;
    for zone in cloud.region.settings().zones.clone() {
        cloud.region.set_spot_capacity(&zone, 0);
    }
    let events = cloud.region.take_events();
    let told = events.iter().find(|event| event.trigger == EventTrigger::Topic(topic.to_owned())).unwrap();
    let message = told.event["record"][0]["smn"]["message"].as_str().unwrap();
    assert!(message.contains(created["serverIds"][0].as_str().unwrap()));
}

#[tokio::test]
async fn an_invocation_reaches_the_function_of_its_urn() {
    let cloud = tagged(false).await;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let function = Arc::new(RuntimeApi::start("evaluate", None, address).await.unwrap());
    cloud.region.attach(Arc::clone(&function));
    let urn = "urn:fss:cn-north-4:project:function:default:evaluate:latest";
    let path = format!("/v2/{{project_id}}/fgs/functions/{urn}/invocations-async");
    let (status, answer) = cloud.call("POST", &path, Some(json!({"action": "evaluate"}))).await;
    assert_eq!(status, 202);
    let poll = format!("http://{}/v1/runtime/invocation/request", function.address());
    let polled = cloud.client.get(poll).send().await.unwrap();
    assert_eq!(polled.headers()["x-cff-request-id"], answer["request_id"].as_str().unwrap());
    assert_eq!(polled.text().await.unwrap(), r#"{"action":"evaluate"}"#);
    let path = path.replace("evaluate:latest", "nothing:latest");
    assert_eq!(cloud.call("POST", &path, Some(json!({}))).await.1["error_code"], "FSS.1051");
}

#[tokio::test]
async fn a_launch_can_come_late_or_never() {
    let cloud = Cloud::with_group(1).await;
    let table = FaultTable::new().launches(START..START + 1, 1.0, LaunchFault::NeverReady).launches(
        START + 1..START + 2,
        1.0,
        LaunchFault::Late(3),
    );
    cloud.region.set_faults(Arc::new(table));
    cloud.set_desired(2).await;
    cloud.region.play_minute(&[5.0]);
    cloud.set_desired(3).await;
    let serving: Vec<u32> = (0..7).map(|_| cloud.region.play_minute(&[5.0])[0].outcome.serving).collect();
    assert_eq!(serving, [1, 1, 1, 1, 1, 2, 2]);
}

#[tokio::test]
async fn what_was_added_by_hand_outlives_the_group_s_shrinking() {
    let cloud = Cloud::with_group(2).await;
    let id = cloud.instances().await[0]["instance_id"].clone();
    let action = |action: &str| json!({"instances_id": [id], "action": action});
    assert_eq!(cloud.act(action("REMOVE")).await.0, 204);
    assert_eq!(cloud.act(action("ADD")).await.0, 204);
    assert_eq!(cloud.instances().await[0]["scaling_configuration_name"], "MANNUAL_ADD");
    assert_eq!(cloud.set_desired(1).await.0, 200);
    let path = format!("/v1/{{project_id}}/cloudservers/{}", id.as_str().unwrap());
    assert_eq!(cloud.call("GET", &path, None).await.1["server"]["status"], "ACTIVE");
    let played = cloud.region.play_minute(&[5.0])[0].outcome;
    assert_eq!((played.serving, played.total), (1, 2));
}
