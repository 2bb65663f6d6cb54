use std::time::Duration;

use serde_json::json;

use super::*;
use crate::clients::testing::{Planned, Server, transport};

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_773_489_600_500).unwrap()
}

fn vector(values: &[&str]) -> Value {
    let series: Vec<Value> =
        values.iter().map(|value| json!({"metric": {}, "value": [1_773_489_600.5, value]})).collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": series}})
}

async fn query(answer: Planned) -> Result<Option<f64>, ClientError> {
    let server = Server::start([answer]).await;
    Prometheus::new(transport(Duration::from_secs(20)), &server.url, None).query("up", time()).await
}

#[tokio::test]
async fn a_query_is_asked_for_a_time_below_the_base_address() {
    let server = Server::start([Planned::json(200, vector(&["12.5"]))]).await;
    let base = server.url.join("/v1/project/").unwrap();
    let prometheus = Prometheus::new(transport(Duration::from_secs(20)), &base, Some(Secret::new("access-code")));
    let value = prometheus.query("sum(rate(http_requests_total{code=~\"5..\"}[1m]))", time()).await.unwrap();
    assert_eq!(value, Some(12.5));
    let received = &server.received()[0];
    assert_eq!(received.path, "/v1/project/api/v1/query");
    assert_eq!(
        received.query,
        "query=sum%28rate%28http_requests_total%7Bcode%3D~%225..%22%7D%5B1m%5D%29%29&time=1773489600.500"
    );
    assert_eq!(received.header("authorization"), Some("Bearer access-code"));
}

#[tokio::test]
async fn a_password_in_the_address_is_sent_and_not_told() {
    let server = Server::start([Planned::text(401, "user:pass word is wrong")]).await;
    let mut base = server.url.clone();
    base.set_username("user").unwrap();
    base.set_password(Some("pass word")).unwrap();
    let error = Prometheus::new(transport(Duration::from_secs(20)), &base, None).query("up", time()).await.unwrap_err();
    assert_eq!(server.received()[0].header("authorization"), Some("Basic dXNlcjpwYXNzIHdvcmQ="));
    assert!(error.is_auth() && !format!("{error:?}").contains("pass"), "{error:?}");
}

#[tokio::test]
async fn no_series_and_no_number_are_missing() {
    assert_eq!(query(Planned::json(200, vector(&[]))).await.unwrap(), None);
    for value in ["NaN", "+Inf", "-Inf"] {
        assert_eq!(query(Planned::json(200, vector(&[value]))).await.unwrap(), None, "{value}");
    }
    let scalar =
        json!({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "3e2"]}, "warnings": ["partial"]});
    assert_eq!(query(Planned::json(200, scalar)).await.unwrap(), Some(300.0));
}

#[tokio::test]
async fn what_is_not_one_number_is_told_with_the_mend() {
    let told = async |answer| query(Planned::json(200, answer)).await.unwrap_err().to_string();
    let error = told(vector(&["1", "2"])).await;
    assert_eq!(
        error,
        "query Prometheus for up: the answer cannot be read: the query gives 2 series; make them one, by `sum(...)` for instance"
    );
    let matrix = json!({"status": "success", "data": {"resultType": "matrix", "result": []}});
    assert!(told(matrix).await.contains("leave out the `[...]`"));
    assert!(told(vector(&["many"])).await.contains("\"many\" is not a number"));
    assert!(told(json!({"status": "success"})).await.contains("missing field `data`"));
}

#[tokio::test]
async fn a_wrong_query_is_told_in_the_words_of_the_server() {
    let answer =
        json!({"status": "error", "errorType": "bad_data", "error": "1:4: parse error: unexpected end of input"});
    let error = query(Planned::json(400, answer)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "query Prometheus for up: HTTP 400 bad_data: 1:4: parse error: unexpected end of input"
    );
}
