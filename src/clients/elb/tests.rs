use serde_json::json;

use super::*;
use crate::clients::testing::{Planned, Server};

#[tokio::test]
async fn members_are_listed_by_pages() {
    let member = json!({"id": "m-1", "address": "192.168.0.7", "protocol_port": 80, "weight": 0, "operating_status": "ONLINE",
        "subnet_cidr_id": "s", "status": [], "instance_id": null});
    let many: Vec<_> = (0..PAGE).map(|_| member.clone()).collect();
    let server = Server::start([
        Planned::json(200, json!({"members": many, "page_info": {"next_marker": "m-1", "current_count": PAGE}})),
        Planned::json(200, json!({"members": [member], "page_info": {"current_count": 1}})),
    ])
    .await;
    let members = server.cloud().elb().members("pool").await.unwrap();
    assert_eq!(members.len(), PAGE + 1);
    assert_eq!((members[0].address.as_str(), members[0].weight), ("192.168.0.7", 0));
    let path = "GET /v3/project/elb/pools/pool/members";
    assert_eq!(server.lines(), [format!("{path}?limit=2000"), format!("{path}?limit=2000&marker=m-1")]);
}

#[tokio::test]
async fn a_member_is_added_drained_and_removed() {
    let server = Server::start([
        Planned::json(
            201,
            json!({"member": {"id": "m-1", "address": "192.168.0.7", "protocol_port": 80, "weight": 1}}),
        ),
        Planned::json(
            200,
            json!({"member": {"id": "m-1", "address": "192.168.0.7", "protocol_port": 80, "weight": 0}}),
        ),
        Planned::text(204, ""),
        Planned::json(404, json!({"error_code": "ELB.8902", "error_msg": "member not found", "request_id": "r"})),
    ])
    .await;
    let elb = server.cloud().elb();
    let new = NewMember {
        name: "i-1".to_owned(),
        address: "192.168.0.7".to_owned(),
        protocol_port: 80,
        subnet_cidr_id: None,
        weight: 1,
    };
    let member = elb.add_member("pool", &new).await.unwrap();
    elb.set_weight("pool", &member.id, 0).await.unwrap();
    elb.remove_member("pool", &member.id).await.unwrap();
    elb.remove_member("pool", &member.id).await.expect("one that is gone is removed");
    let path = "/v3/project/elb/pools/pool/members";
    let lines = server.lines();
    assert_eq!(lines[..2], [format!("POST {path}"), format!("PUT {path}/m-1")]);
    assert_eq!(lines[2], format!("DELETE {path}/m-1"));
    let received = server.received();
    assert_eq!(
        received[0].json(),
        json!({"member": {"name": "i-1", "address": "192.168.0.7", "protocol_port": 80, "weight": 1}})
    );
    assert_eq!(received[1].json(), json!({"member": {"weight": 0}}));
}

#[tokio::test]
async fn many_members_are_changed_by_few_calls() {
    let server = Server::start([Planned::json(200, json!({"members": [], "request_id": "r"}))]).await;
    let elb = server.cloud().elb();
    let member = |number: usize| NewMember {
        name: format!("i-{number}"),
        address: format!("192.168.0.{number}"),
        protocol_port: 8000,
        subnet_cidr_id: Some("subnet".to_owned()),
        weight: 1,
    };
    let members: Vec<NewMember> = (0..150).map(member).collect();
    let ids: Vec<String> = (0..150).map(|number| format!("m-{number}")).collect();
    elb.add_members("pool", &members).await.unwrap();
    elb.set_weights("pool", &ids, 0).await.unwrap();
    elb.remove_members("pool", &ids).await.unwrap();
    let path = "POST /v3/project/elb/pools/pool/members";
    let expected = ["batch-add", "batch-update", "batch-delete"].map(|action| format!("{path}/{action}"));
    assert_eq!(server.lines(), expected.iter().flat_map(|line| [line.clone(), line.clone()]).collect::<Vec<_>>());
    let received = server.received();
    assert_eq!(
        received[1].json()["members"][0],
        json!({"name": "i-100", "address": "192.168.0.100", "protocol_port": 8000, "subnet_cidr_id": "subnet", "weight": 1})
    );
    assert_eq!(received[2].json()["members"][1], json!({"id": "m-1", "weight": 0}));
    assert_eq!(
        received[5].json(),
        json!({"members": (100..150).map(|n| json!({"id": format!("m-{n}")})).collect::<Vec<_>>()})
    );
}
