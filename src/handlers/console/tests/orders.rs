//! Orders that people give to groups.

use super::*;

#[tokio::test]
async fn an_order_is_recorded_and_shown_at_once_and_lifted_again() {
    let fake = evaluated().await;
    let hold = json!({"order": {"pin": 6}, "who": "ada", "why": "sale", "until": "2026-01-08T09:45:00Z"});
    let (status, _, body) = send(open(&fake), request("PUT", "/api/groups/inference/hold", hold.to_string())).await;
    assert_eq!((status, &body["hold"]), (StatusCode::OK, &hold));
    let record = body["record"].as_str().unwrap();
    assert!(record.starts_with("20260108T084500Z-console-"), "{record}");

    let holds = async || fetch(&fake, "/api/groups").await["groups"][0]["holds"].clone();
    assert_eq!(holds().await[1], hold);

    let (status, _, body) = send(open(&fake), request("DELETE", "/api/groups/inference/hold?who=ada", "")).await;
    assert_eq!((status, body["lifted"].as_array().unwrap().len()), (StatusCode::OK, 2));
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_with_its_place() {
    let fake = backend();
    let hold = |change: Value| {
        let mut hold = json!({"order": "pause_in", "who": "ada", "why": "sale", "until": "2026-01-08T09:45:00Z"});
        hold.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        request("PUT", "/api/groups/inference/hold", hold.to_string())
    };
    for (change, pointer) in [
        (json!({"who": " "}), "/who"),
        (json!({"why": "x".repeat(201)}), "/why"),
        (json!({"why": "two\nlines"}), "/why"),
        (json!({"until": "2026-01-08T08:45:00Z"}), "/until"),
        (json!({"until": "2026-03-08T08:45:00Z"}), "/until"),
        (json!({"until": "tomorrow"}), "/until"),
        (json!({"order": {"pin": 21}}), "/order/pin"),
        (json!({"order": {"floor": 1}}), "/order/floor"),
        (json!({"order": {"floor": -1}}), "/order/floor"),
        (json!({"order": "stop"}), "/order"),
        (json!({"reason": "typo"}), "/reason"),
    ] {
        let problem = refused(&fake, hold(change), StatusCode::UNPROCESSABLE_ENTITY, "invalid").await;
        assert_eq!(problem["pointer"], pointer, "{problem}");
    }
    let put = |body: &str| request("PUT", "/api/groups/inference/hold", body.to_owned());
    for body in ["", "{", "{} {}"] {
        let refusal = send(open(&fake), put(body)).await;
        assert!(refusal.0.is_client_error(), "{refusal:?}");
    }
    refused(&fake, put(&" ".repeat(20_000)), StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
    let anonymous = request("DELETE", "/api/groups/inference/hold", "");
    refused(&fake, anonymous, StatusCode::BAD_REQUEST, "bad-request").await;
    let names = fake.store.names_after("groups/inference/records", "", soon()).await.unwrap();
    assert_eq!(names, [""; 0], "a refused order was recorded");
}

#[tokio::test]
async fn orders_of_the_same_second_count_in_the_order_in_which_they_were_given() {
    let fake = backend();
    let hold = json!({"order": {"pin": 6}, "who": "ada", "why": "sale", "until": "2026-01-08T09:45:00Z"}).to_string();
    let holds = async || fetch(&fake, "/api/groups").await["groups"][0]["holds"].as_array().map(Vec::len);
    for _ in 0..8 {
        send(open(&fake), request("PUT", "/api/groups/inference/hold", hold.clone())).await;
        assert_eq!(holds().await, Some(1));
        send(open(&fake), request("DELETE", "/api/groups/inference/hold?who=ada", "")).await;
        assert_eq!(holds().await, Some(0));
    }
}

#[tokio::test]
async fn an_order_is_shown_however_long_nothing_has_evaluated() {
    let fake = backend();
    record(&fake, "h1", 120, "console", Happening::Hold(floor(5, 60))).await;
    let holds = async || fetch(&fake, "/api/groups").await["groups"][0]["holds"].as_array().map(Vec::len);
    assert_eq!(holds().await, Some(1), "there is no snapshot");
    let written = now() - TimeDelta::minutes(115);
    let last_decision = Some("20260108T065000Z-evaluate-r1.json".to_owned());
    let snapshot = Snapshot { last_decision, ..Snapshot::empty(written, vec!["cpu".to_owned()]) };
    write_snapshot(&fake.store, "inference", &snapshot, soon()).await.unwrap();
    assert_eq!(holds().await, Some(1), "the snapshot is two hours old, and the order is not folded in");
}
