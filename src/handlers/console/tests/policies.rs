//! Versions of a policy, and people's orders about them.

use super::*;

#[tokio::test]
async fn versions_are_listed_and_a_persons_order_is_kept_with_the_story_and_told_to_evaluate() {
    let fake = evaluated().await;
    let list = fetch(&fake, "/api/groups/inference/policies").await;
    assert_eq!((&list["active"], &list["versions"][0]["standing"]), (&json!("config"), &json!("proposed")), "{list}");
    let path = format!("/api/groups/inference/policies/{VERSION}");
    let wish = json!({"who": "ada", "why": "too nervous"}).to_string();
    let (status, _, answer) = send(open(&fake), request("POST", &format!("{path}/rollback"), wish.clone())).await;
    assert_eq!((status, &answer["change"]["what"]["ordered"]), (StatusCode::OK, &json!("roll_back")), "{answer}");
    let story = fetch(&fake, &path).await;
    assert_eq!(story["story"].as_array().map(Vec::len), Some(2), "{story}");
    let records = recent_records(&fake.store, "inference", now(), soon()).await.unwrap();
    assert!(records.iter().any(|name| name.contains("-policy-")), "{records:?}");

    let nobody = json!({"who": "", "why": "x"}).to_string();
    let problem = request("POST", &format!("{path}/approve"), nobody);
    assert_eq!(refused(&fake, problem, StatusCode::UNPROCESSABLE_ENTITY, "invalid").await["pointer"], "/who");
    for name in ["none", "..%2Factive", "a%2Fb"] {
        let unknown = request("POST", &format!("/api/groups/inference/policies/{name}/approve"), wish.clone());
        refused(&fake, unknown, StatusCode::NOT_FOUND, "unknown-version").await;
    }
    write_change(&fake.store, "inference", &became(Standing::RolledBack), "tune", soon()).await.unwrap();
    let past = request("POST", &format!("{path}/approve"), wish);
    refused(&fake, past, StatusCode::CONFLICT, "conflict").await;
}

#[tokio::test]
async fn only_a_version_that_waits_can_be_approved() {
    let fake = evaluated().await;
    write_change(&fake.store, "inference", &became(Standing::Shadow), "tune", soon()).await.unwrap();
    let wish = json!({"who": "ada", "why": "looks right"}).to_string();
    let path = format!("/api/groups/inference/policies/{VERSION}/approve");
    let problem = refused(&fake, request("POST", &path, wish), StatusCode::CONFLICT, "conflict").await;
    assert!(problem.to_string().contains("only one that is proposed can be approved"), "{problem}");
}

#[tokio::test]
async fn a_version_for_another_configuration_can_be_rejected_and_not_approved() {
    let fake = evaluated().await;
    write_version(&fake.store, &version_named(VERSION), soon()).await.unwrap();
    let wish = json!({"who": "ada", "why": "looks right"}).to_string();
    let path = |order: &str| format!("/api/groups/inference/policies/{VERSION}/{order}");
    let approve = request("POST", &path("approve"), wish.clone());
    let problem = refused(&fake, approve, StatusCode::CONFLICT, "conflict").await;
    assert!(problem.to_string().contains("has changed since"), "{problem}");
    let (status, _, body) = send(open(&fake), request("POST", &path("reject"), wish)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
}
