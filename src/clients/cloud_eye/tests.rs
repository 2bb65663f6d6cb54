use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::clients::testing::{Planned, Server};

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_489_600, 0).unwrap()
}

fn cpu(instance: &str) -> Metric {
    Metric::new("AGT.ECS", "cpu_usage", [("instance_id", instance)])
}

/// A series as the API gives it, one value a minute.
fn series(metric: &Metric, values: &[f64]) -> Value {
    let points: Vec<Value> = values
        .iter()
        .zip(0_i64..)
        .map(|(value, minute)| json!({"average": value, "timestamp": (noon() + TimeDelta::minutes(minute)).timestamp_millis()}))
        .collect();
    let mut series = serde_json::to_value(metric).unwrap();
    series["unit"] = json!("%");
    series["datapoints"] = json!(points);
    series
}

async fn ask(server: &Server, metrics: &[Metric], minutes: i64) -> Result<Vec<Vec<Point>>, ClientError> {
    let cloud_eye = server.cloud().cloud_eye();
    cloud_eye.query(metrics, noon(), noon() + TimeDelta::minutes(minutes), 60, Filter::Average).await
}

#[tokio::test]
async fn a_hundred_instances_are_one_call() {
    let metrics: Vec<Metric> = (0..100).map(|number| cpu(&format!("i-{number}"))).collect();
    let answer: Vec<Value> = metrics.iter().map(|metric| series(metric, &[40.0, 41.0])).collect();
    let server = Server::start([Planned::json(200, json!({"metrics": answer}))]).await;
    let points = ask(&server, &metrics, 15).await.unwrap();
    assert_eq!(server.lines(), ["POST /V1.0/project/batch-query-metric-data"]);
    let body = server.received()[0].json();
    assert_eq!(body["period"], "60", "a text, as the API wants it");
    assert_eq!((&body["filter"], &body["from"]), (&json!("average"), &json!(noon().timestamp_millis())));
    assert_eq!(
        body["metrics"][7],
        json!({"namespace": "AGT.ECS", "metric_name": "cpu_usage", "dimensions": [{"name": "instance_id", "value": "i-7"}]})
    );
    assert_eq!(points.len(), 100);
    assert_eq!(points[7][1], Point { start: noon() + TimeDelta::minutes(1), value: 41.0 });
}

#[tokio::test]
async fn series_are_told_apart_whatever_their_order() {
    let disk = Metric::new("AGT.ECS", "disk_usedPercent", [("instance_id", "i-1"), ("mount_point", "/")]);
    let turned = Metric::new("AGT.ECS", "disk_usedPercent", [("mount_point", "/"), ("instance_id", "i-1")]);
    let unasked = cpu("i-9");
    let answer =
        [series(&unasked, &[9.0]), series(&turned, &[70.0]), series(&cpu("i-2"), &[2.0]), series(&cpu("i-1"), &[1.0])];
    let server = Server::start([Planned::json(200, json!({"metrics": answer}))]).await;
    let points = ask(&server, &[cpu("i-1"), cpu("i-2"), cpu("i-3"), disk], 5).await.unwrap();
    let values: Vec<Vec<f64>> = points.iter().map(|points| points.iter().map(|point| point.value).collect()).collect();
    assert_eq!(values, [vec![1.0], vec![2.0], vec![], vec![70.0]]);
}

#[tokio::test]
async fn missing_values_are_missing_and_points_are_in_order() {
    let mut answer = series(&cpu("i-1"), &[1.0, 2.0, 3.0]);
    answer["datapoints"].as_array_mut().unwrap().reverse();
    answer["datapoints"][1] = json!({"max": 2.0, "timestamp": noon().timestamp_millis()});
    let empty = json!({"namespace": "AGT.ECS", "metric_name": "cpu_usage", "dimensions": [{"name": "instance_id", "value": "i-2"}], "datapoints": null});
    let server = Server::start([Planned::json(200, json!({"metrics": [answer, empty]}))]).await;
    let points = ask(&server, &[cpu("i-1"), cpu("i-2")], 5).await.unwrap();
    assert_eq!(points[0].iter().map(|point| point.value).collect::<Vec<_>>(), [1.0, 3.0]);
    assert!(points[1].is_empty());
}

#[tokio::test]
async fn no_call_asks_for_more_than_the_api_gives() {
    let server = Server::start([Planned::json(200, json!({"metrics": []}))]).await;
    let metrics: Vec<Metric> = (0..1100).map(|number| cpu(&format!("i-{number}"))).collect();
    assert_eq!(ask(&server, &metrics, 2).await.unwrap().len(), 1100);
    assert_eq!(asked_at_once(&server), [100, 500, 500], "500 series");

    let server = Server::start([Planned::json(200, json!({"metrics": []}))]).await;
    ask(&server, &metrics[..60], 59).await.unwrap();
    assert_eq!(asked_at_once(&server), [10, 50], "3000 points: 60 a series");

    let server = Server::start([Planned::json(200, json!({"metrics": []}))]).await;
    ask(&server, &metrics[..2], 60 * 24 * 30).await.unwrap();
    assert_eq!(asked_at_once(&server), [1, 1], "one series is not split");
}

#[tokio::test]
async fn a_refused_batch_is_asked_for_in_tens() {
    let too_many = json!({"http_code": 400, "message": {"code": "ces.0014", "details": "too many metrics"}});
    let server =
        Server::start([Planned::json(400, too_many.clone()), Planned::json(200, json!({"metrics": []}))]).await;
    let metrics: Vec<Metric> = (0..25).map(|number| cpu(&format!("i-{number}"))).collect();
    assert_eq!(ask(&server, &metrics, 5).await.unwrap().len(), 25);
    assert_eq!(asked_at_once(&server), [5, 10, 10, 25]);

    let server = Server::start([Planned::json(400, too_many)]).await;
    assert_eq!(ask(&server, &metrics[..10], 5).await.unwrap_err().code(), Some("ces.0014"));
    assert_eq!(server.received().len(), 1, "what is refused by tens is refused");
}

/// Sizes of the batches that were asked for, sorted: they are under way at once.
fn asked_at_once(server: &Server) -> Vec<usize> {
    let size = |body: Value| body["metrics"].as_array().unwrap().len();
    let mut sizes: Vec<usize> = server.received().iter().map(|request| size(request.json())).collect();
    sizes.sort_unstable();
    sizes
}

#[tokio::test]
async fn metrics_are_listed_by_pages() {
    let full: Vec<Metric> = (0..LIST_PAGE).map(|number| cpu(&format!("i-{number}"))).collect();
    let server = Server::start([
        Planned::json(200, json!({"metrics": full, "meta_data": {"count": 1000, "marker": "next", "total": 1001}})),
        Planned::json(
            200,
            json!({"metrics": [cpu("last")], "meta_data": {"count": 1, "marker": "end", "total": 1001}}),
        ),
    ])
    .await;
    let metrics = server.cloud().cloud_eye().list("AGT.ECS", Some(("instance_id", "i"))).await.unwrap();
    assert_eq!(metrics.len(), 1001);
    assert_eq!(
        server.lines(),
        [
            "GET /V1.0/project/metrics?dim.0=instance_id%2Ci&limit=1000&namespace=AGT.ECS",
            "GET /V1.0/project/metrics?dim.0=instance_id%2Ci&limit=1000&namespace=AGT.ECS&start=next",
        ]
    );
}

#[tokio::test]
async fn values_of_our_own_are_written_in_the_form_of_the_api() {
    let server = Server::start([Planned::text(201, "")]).await;
    let value = |value| CustomValue {
        metric: Metric::new("FLEXUS.AUTOSCALER", "target", [("group", "inference")]),
        ttl: 172_800,
        at: noon(),
        value,
        unit: Some("count".to_owned()),
    };
    server.cloud().cloud_eye().write(&[value(7.0), value(f64::NAN)]).await.unwrap();
    assert_eq!(server.lines(), ["POST /V1.0/project/metric-data"]);
    assert_eq!(
        server.received()[0].json(),
        json!([{
            "metric": {"namespace": "FLEXUS.AUTOSCALER", "metric_name": "target", "dimensions": [{"name": "group", "value": "inference"}]},
            "ttl": 172_800, "collect_time": noon().timestamp_millis(), "type": "float", "value": 7.0, "unit": "count"
        }])
    );
    server.cloud().cloud_eye().write(&[value(f64::INFINITY)]).await.unwrap();
    assert_eq!(server.received().len(), 1, "nothing to write is no call");
}
