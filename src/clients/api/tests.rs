use serde_json::json;

use super::*;
use crate::clients::testing::{self, ACCESS_KEY, Planned, Received, SECRET_KEY, Server, TOKEN};

fn verified(request: &Received) -> Result<(), signing::Refusal> {
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let signable = Signable {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &headers,
        body: &request.body,
    };
    signing::verify(&signable, |access_key| (access_key == ACCESS_KEY).then(testing::credentials), Utc::now())
}

#[tokio::test]
async fn every_try_carries_a_valid_signature() {
    let throttled = json!({"error": {"code": "Common.0024", "message": "exceeds flow over limit"}});
    let server = Server::start([Planned::json(202, throttled), Planned::json(200, json!({"ok": true}))]).await;
    let api = server.cloud().auto_scaling().0;
    let request = Request::post("do", "it", "/v1/project/urn:smn:x/act".to_owned())
        .query("b", "two words")
        .query("a", "1,2")
        .header("x-client-token", "token-1".to_owned())
        .json(&json!({"text": "自动"}));
    let answer: serde_json::Value = api.call(request).await.unwrap();
    assert_eq!(answer, json!({"ok": true}));

    let received = server.received();
    assert_eq!(received.len(), 2, "an error in an answer of success was retried");
    for request in &received {
        assert_eq!(request.line(), "POST /v1/project/urn:smn:x/act?a=1%2C2&b=two%20words");
        assert_eq!(request.header("x-project-id"), Some("project"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("x-client-token"), Some("token-1"));
        assert_eq!(verified(request), Ok(()));
    }
}

#[tokio::test]
async fn an_endpoint_may_lie_below_a_path() {
    let server = Server::start([Planned::json(200, json!({}))]).await;
    let mut api = server.cloud().auto_scaling().0;
    api.base = Arc::new(server.url.join("/regions/one/").unwrap());
    api.call_unit(Request::get("get", "", "/v1/x".to_owned())).await.unwrap();
    assert_eq!(server.lines(), ["GET /regions/one/v1/x"]);
    assert_eq!(verified(&server.received()[0]), Ok(()));
}

#[tokio::test]
async fn a_gateway_that_quotes_the_token_does_not_bring_it_into_the_error() {
    let quoted = format!("verify aksk signature fail: GET|x-security-token:{TOKEN}|{SECRET_KEY}");
    let server = Server::start([Planned::json(401, json!({"error_code": "APIGW.0301", "error_msg": quoted}))]).await;
    let error = server.cloud().auto_scaling().group("g").await.unwrap_err();
    assert!(error.is_auth());
    let told = format!("{error} {error:?}");
    assert!(told.contains("[redacted]") && !told.contains(TOKEN) && !told.contains(SECRET_KEY), "{told}");
}

#[tokio::test]
async fn an_answer_of_another_form_is_an_error_and_not_repeated() {
    let server = Server::start([Planned::text(200, "<html>login</html>")]).await;
    let error = server.cloud().auto_scaling().group("g").await.unwrap_err();
    assert!(
        error.to_string().starts_with("show AS group g: the answer cannot be read: HTTP 200 with 18 bytes"),
        "{error}"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_body_that_the_gateway_would_refuse_is_not_sent() {
    let server = Server::start([Planned::text(200, "")]).await;
    let api = server.cloud().auto_scaling().0;
    let request = Request::post("send", "", "/v1/x".to_owned()).json(&"x".repeat(LARGEST_BODY));
    let error = api.call_unit(request).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Invalid(_)), "{error}");
    assert!(server.received().is_empty());
}
