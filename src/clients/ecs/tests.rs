use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Planned, Server as Mock};

fn order() -> NewServers {
    NewServers {
        name: "inference-spot-0001".to_owned(),
        count: 2,
        flavor_id: "x1.2u.4g".to_owned(),
        image_id: "image".to_owned(),
        vpc_id: "vpc".to_owned(),
        subnet_id: "subnet".to_owned(),
        security_group_id: Some("group".to_owned()),
        key_pair_name: None,
        user_data: Some("#!/bin/sh\n".to_owned()),
        root_volume_type: "GPSSD".to_owned(),
        root_volume_size_gib: 40,
        zone: Some("cn-north-4a".to_owned()),
        spot: Some(Spot { price_per_hour: Some(0.5), interruption_policy: None }),
        tags: vec![tag()],
    }
}

fn tag() -> Tag {
    Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() }
}

#[tokio::test]
async fn an_order_has_the_form_of_the_api() {
    let server = Mock::start([Planned::json(200, json!({"job_id": "j-1", "serverIds": ["s-1", "s-2"]}))]).await;
    let token = Uuid::from_u128(7);
    let created = server.cloud().ecs().create(&order(), token).await.unwrap();
    assert_eq!(created, Created { job_id: "j-1".to_owned(), server_ids: vec!["s-1".to_owned(), "s-2".to_owned()] });
    let received = &server.received()[0];
    assert_eq!(received.line(), "POST /v1/project/cloudservers");
    assert_eq!(received.header("x-client-token"), Some("00000000-0000-0000-0000-000000000007"));
    assert_eq!(
        received.json(),
        json!({"server": {
            "name": "inference-spot-0001", "count": 2, "flavorRef": "x1.2u.4g", "imageRef": "image", "vpcid": "vpc",
            "nics": [{"subnet_id": "subnet"}], "security_groups": [{"id": "group"}], "user_data": "IyEvYmluL3NoCg==",
            "root_volume": {"volumetype": "GPSSD", "size": 40}, "availability_zone": "cn-north-4a",
            "extendparam": {"chargingMode": 0, "marketType": "spot", "spotPrice": "0.5"},
            "server_tags": [{"key": "flexus_type", "value": "auto_scaling"}]
        }})
    );
}

#[tokio::test]
async fn what_is_not_given_is_not_sent() {
    let server = Mock::start([Planned::json(202, Value::Null)]).await;
    let order =
        NewServers { security_group_id: None, user_data: None, zone: None, spot: None, tags: Vec::new(), ..order() };
    server.cloud().ecs().check_create(&order).await.unwrap();
    let body = server.received()[0].json();
    assert_eq!(body["dry_run"], true);
    assert_eq!(body["server"]["extendparam"], json!({"chargingMode": 0}));
    let mut names: Vec<&String> = body["server"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["count", "extendparam", "flavorRef", "imageRef", "name", "nics", "root_volume", "vpcid"]);
}

#[tokio::test]
async fn an_order_is_sent_again_with_the_same_token() {
    let server = Mock::start([Planned::text(500, ""), Planned::json(200, json!({"job_id": "j-1"}))]).await;
    let created = server.cloud().ecs().create(&order(), Uuid::from_u128(7)).await.unwrap();
    assert!(created.server_ids.is_empty());
    let tokens: Vec<Option<String>> =
        server.received().iter().map(|request| request.header("x-client-token").map(str::to_owned)).collect();
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn a_deletion_leaves_no_disk_and_no_address_behind() {
    let server = Mock::start([Planned::json(200, json!({"job_id": "j-2"}))]).await;
    assert_eq!(server.cloud().ecs().delete(&["s-1".to_owned()]).await.unwrap(), "j-2");
    assert_eq!(server.lines(), ["POST /v1/project/cloudservers/delete"]);
    assert_eq!(
        server.received()[0].json(),
        json!({"servers": [{"id": "s-1"}], "delete_publicip": true, "delete_volume": true})
    );
}

#[tokio::test]
async fn tagged_servers_come_in_pages_counted_by_text() {
    let resource = |number: usize| {
        json!({"resource_id": format!("s-{number:04}"), "resource_name": "n", "resource_detail": "",
        "tags": [tag(), {"key": "sys", "value": null, "something_new": true}]})
    };
    let first: Vec<Value> = (0..PAGE).map(resource).collect();
    let second = [resource(PAGE - 1), resource(PAGE)];
    let server = Mock::start([
        Planned::json(200, json!({"resources": first, "total_count": PAGE + 2})),
        Planned::json(200, json!({"resources": second, "total_count": PAGE + 2})),
    ])
    .await;
    let servers = server.cloud().ecs().servers_with_tag(&tag()).await.unwrap();
    assert_eq!(servers.len(), PAGE + 1, "one was on both pages");
    let received = server.received();
    assert_eq!(received[0].line(), "POST /v1/project/cloudservers/resource_instances/action");
    assert_eq!(
        received[1].json(),
        json!({"action": "filter", "limit": "1000", "offset": "1000", "tags": [{"key": "flexus_type", "values": ["auto_scaling"]}]})
    );
}

fn server(id: &str) -> Value {
    json!({
        "id": id, "name": "inference", "status": "ACTIVE", "OS-EXT-STS:task_state": null,
        "OS-EXT-AZ:availability_zone": "cn-north-4a", "created": "2026-03-14T15:09:00Z",
        "OS-SRV-USG:launched_at": "2026-03-14T15:09:41.000000", "flavor": {"id": "x1.2u.4g", "vcpus": "2"},
        "metadata": {"charging_mode": "2"}, "tags": ["flexus_type=auto_scaling", "__type_baremetal"],
        "addresses": {"vpc": [
            {"addr": "121.36.0.1", "version": "4", "OS-EXT-IPS:type": "floating"},
            {"addr": "192.168.0.7", "version": "4", "OS-EXT-IPS:type": "fixed"}
        ]}
    })
}

#[tokio::test]
async fn a_server_is_read() {
    let mock = Mock::start([
        Planned::json(200, json!({"server": server("s-1")})),
        Planned::json(404, json!({"error": {"code": "Ecs.0114", "message": "no such server"}})),
    ])
    .await;
    let ecs = mock.cloud().ecs();
    let server = ecs.server("s-1").await.unwrap();
    assert_eq!(
        (server.status, server.zone.as_str(), server.flavor_id()),
        (ServerStatus::Active, "cn-north-4a", "x1.2u.4g")
    );
    assert_eq!((server.is_spot(), server.private_address()), (Some(true), Some("192.168.0.7")));
    assert_eq!((server.tag("flexus_type"), server.tag("flexus")), (Some("auto_scaling"), None));
    assert_eq!(server.launched_at.unwrap().to_rfc3339(), "2026-03-14T15:09:41+00:00");
    assert!(!server.is_leaving());
    assert!(ecs.server("s-2").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn many_servers_are_asked_for_by_the_hundred() {
    let mock = Mock::start([Planned::json(200, json!({"count": 1, "servers": [server("s-1")]}))]).await;
    let ids: Vec<String> = (0..150).map(|number| format!("s-{number}")).collect();
    assert_eq!(mock.cloud().ecs().servers(&ids).await.unwrap().len(), 2);
    assert_eq!(mock.received().len(), 2);
    assert!(
        mock.lines()[1]
            .starts_with("GET /v1/project/cloudservers/detail?limit=1000&offset=1&server_id=s-100%2Cs-101%2C")
    );
    assert!(mock.cloud().ecs().servers(&[]).await.unwrap().is_empty());
    assert_eq!(mock.received().len(), 2, "no ids, no call");
}

#[tokio::test]
async fn a_job_tells_each_server_of_a_batch() {
    let batch = json!({
        "job_id": "j-1", "job_type": "createServer", "status": "SUCCESS", "error_code": null, "fail_reason": null,
        "entities": {"sub_jobs_total": 2, "sub_jobs": [
            {"job_id": "j-1-1", "status": "SUCCESS", "entities": {"server_id": "s-1"}},
            {"job_id": "j-1-2", "status": "FAIL", "error_code": "Ecs.0319", "fail_reason": "no capacity", "entities": {"errorcode_message": "x"}}
        ]}
    });
    let single = json!({"job_id": "j-2", "status": "RUNNING", "entities": {"server_id": "s-3"}});
    let failed =
        json!({"job_id": "j-3", "status": "FAIL", "error_code": "Ecs.0219", "fail_reason": "no", "entities": {}});
    let mock = Mock::start([batch, single, failed].map(|job| Planned::json(200, job))).await;
    let ecs = mock.cloud().ecs();
    let batch = ecs.job("j-1").await.unwrap();
    assert_eq!((batch.status, batch.servers.len()), (JobStatus::Success, 2));
    assert_eq!(batch.servers[0].server_id.as_deref(), Some("s-1"));
    assert_eq!(batch.servers[1].error_code.as_deref(), Some("Ecs.0319"), "success as a whole may be failure in parts");
    let single = ecs.job("j-2").await.unwrap();
    assert!(!single.status.is_final() && single.servers[0].server_id.as_deref() == Some("s-3"));
    let failed = ecs.job("j-3").await.unwrap();
    assert_eq!((failed.status, failed.error_code.as_deref()), (JobStatus::Fail, Some("Ecs.0219")));
}

#[tokio::test]
async fn sell_policies_are_read_by_pages() {
    let policy = |id: usize, status: &str| json!({"id": id, "flavor_id": "c7.large.2", "sell_status": status, "availability_zone_id": "cn-north-4a", "sell_mode": "spot", "spot_options": {"interruption_policy": "immediate"}});
    let full: Vec<Value> = (1..=PAGE).map(|id| policy(id, "available")).collect();
    let mock = Mock::start([
        Planned::json(200, json!({"sell_policies": full, "count": PAGE})),
        Planned::json(200, json!({"sell_policies": [policy(PAGE + 1, "sellout")], "count": 1})),
    ])
    .await;
    let policies = mock.cloud().ecs().sell_policies("c7.large.2", "spot").await.unwrap();
    assert_eq!(policies.len(), PAGE + 1);
    assert!(policies[0].is_available() && !policies[PAGE].is_available());
    let path = "GET /v1/project/cloudservers/flavor-sell-policies?flavor_id=c7.large.2&limit=1000";
    assert_eq!(mock.lines(), [format!("{path}&sell_mode=spot"), format!("{path}&marker=1000&sell_mode=spot")]);
}

#[tokio::test]
async fn quotas_are_read_where_the_region_tells_them() {
    let absolute = json!({"maxTotalInstances": 200, "totalInstancesUsed": 7, "maxTotalCores": -1, "totalCoresUsed": 14,
        "maxTotalRAMSize": 51200, "totalRAMUsed": 28672, "maxImageMeta": 128});
    let mock = Mock::start([Planned::json(200, json!({"absolute": absolute}))]).await;
    let limits = mock.cloud().ecs().limits().await.unwrap();
    assert_eq!((limits.instances, limits.instances_used, limits.cores), (200, 7, -1));
    assert_eq!(limits.spot_instances, None);
}

#[tokio::test]
async fn tags_are_set() {
    let mock = Mock::start([Planned::text(204, "")]).await;
    let ecs = mock.cloud().ecs();
    ecs.set_tags("s-1", &[tag()]).await.unwrap();
    assert_eq!(mock.lines(), ["POST /v1/project/cloudservers/s-1/tags/action"]);
    let tags = json!([{"key": "flexus_type", "value": "auto_scaling"}]);
    assert_eq!(mock.received()[0].json(), json!({"action": "create", "tags": tags}));
}
