use chrono::DateTime;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::clients::testing::{Planned, Server};
use crate::model::Signal;

const UNKNOWN: Serving<'static> = &|_| None;
const NEWEST: Minute = Minute(29_558_160);

fn window(minutes: i64) -> RangeInclusive<Minute> {
    NEWEST - (minutes - 1)..=NEWEST
}

fn group(signals: Value) -> Group {
    let signals: Vec<Signal> = serde_json::from_value(signals).unwrap();
    let pool = json!({"name": "base", "purchase": "on_demand", "price_per_hour": 1.0, "fleet": {"as_group": {"scaling_group_id": "g"}}});
    let mut group: Group =
        serde_json::from_value(json!({"name": "inference", "pools": [pool], "signals": []})).unwrap();
    group.signals = signals;
    group
}

fn cpu() -> Value {
    json!({"name": "cpu", "kind": "utilisation",
        "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}})
}

fn latency() -> Value {
    json!({"name": "response_time", "kind": "latency_ms", "source": {"cloud_eye":
        {"namespace": "SYS.ELB", "metric": "m17_l7_upstream_rt", "dimensions": {"lbaas_instance_id": "lb"}, "scale": 1000.0}}})
}

/// What Cloud Eye says of one series: a value for each of these minutes before the newest.
fn series(namespace: &str, metric: &str, dimension: (&str, &str), values: &[(i64, f64)]) -> Value {
    let point =
        |&(age, value): &(i64, f64)| json!({"average": value, "timestamp": (NEWEST - age).start().timestamp_millis()});
    json!({
        "namespace": namespace, "metric_name": metric, "unit": "%",
        "dimensions": [{"name": dimension.0, "value": dimension.1}],
        "datapoints": values.iter().map(point).collect::<Vec<_>>()
    })
}

fn cpu_of(instance: &str, values: &[(i64, f64)]) -> Value {
    series("AGT.ECS", "cpu_usage", ("instance_id", instance), values)
}

fn metrics(series: &[Value]) -> Planned {
    Planned::json(200, json!({ "metrics": series }))
}

fn instances(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("i-{number}")).collect()
}

fn problems(observed: &Observed) -> Vec<&str> {
    observed.problems.iter().map(|problem| problem.signal.as_str()).collect()
}

#[tokio::test]
async fn signals_of_one_period_are_one_call_and_become_samples() {
    let lb = series("SYS.ELB", "m17_l7_upstream_rt", ("lbaas_instance_id", "lb"), &[(2, 0.25), (1, 0.5)]);
    let answer = [cpu_of("i-1", &[(2, 40.0), (1, 50.0)]), cpu_of("i-2", &[(2, 60.0), (1, 90.0)]), lb];
    let server = Server::start([metrics(&answer)]).await;
    let observed = observe(&server.cloud(), &group(json!([cpu(), latency()])), &instances(2), UNKNOWN, window(3)).await;
    assert_eq!(server.received().len(), 1);
    let body = server.received()[0].json();
    assert_eq!((body["period"].as_str(), body["metrics"].as_array().map(Vec::len)), (Some("60"), Some(3)));
    assert_eq!(body["to"], (NEWEST + 1).start().timestamp_millis());
    let sample = |age: i64, values: [f64; 2]| Sample {
        minute: NEWEST - age,
        serving: Some(2),
        total: None,
        values: values.map(Some).to_vec(),
    };
    assert_eq!(
        observed.samples,
        [sample(2, [50.0, 250.0]), sample(1, [70.0, 500.0])],
        "the newest minute is not there yet"
    );
    assert_eq!(observed.problems, []);
}

#[tokio::test]
async fn periods_are_asked_for_apart() {
    let slow = json!({"name": "memory", "kind": "utilisation", "source": {"cloud_eye":
        {"namespace": "SYS.ECS", "metric": "mem_util", "per": "instance"}}});
    let server = Server::start([metrics(&[])]).await;
    observe(&server.cloud(), &group(json!([cpu(), slow, latency()])), &instances(2), UNKNOWN, window(2)).await;
    let mut periods: Vec<String> =
        server.received().iter().map(|request| request.json()["period"].as_str().unwrap().to_owned()).collect();
    periods.sort();
    assert_eq!(periods, ["300", "60"]);
}

#[tokio::test]
async fn a_value_of_five_minutes_stands_until_the_next_is_due() {
    let slow = json!([{"name": "cpu", "kind": "utilisation", "source": {"cloud_eye":
        {"namespace": "SYS.AS", "metric": "cpu_util", "dimensions": {"AutoScalingGroup": "g"}}}}]);
    let answer = series("SYS.AS", "cpu_util", ("AutoScalingGroup", "g"), &[(8, 40.0)]);
    let server = Server::start([metrics(&[answer])]).await;
    let observed = observe(&server.cloud(), &group(slow), &instances(1), UNKNOWN, window(3)).await;
    let values: Vec<Option<f64>> = observed.samples.iter().map(|sample| sample.values[0]).collect();
    assert_eq!(values, [Some(40.0); 3]);
    assert_eq!(observed.samples[0].serving, None, "one series of the group counts nobody");
}

#[tokio::test]
async fn a_utilisation_of_five_minutes_is_that_of_those_who_carry_the_load_now() {
    let slow = json!([{"name": "cpu", "kind": "utilisation", "source": {"cloud_eye":
        {"namespace": "SYS.AS", "metric": "cpu_util", "dimensions": {"AutoScalingGroup": "g"}, "period": 300}}}]);
    let of = |values: &[(i64, f64)]| [series("SYS.AS", "cpu_util", ("AutoScalingGroup", "g"), values)];
    // Of five minutes in which nine served; thirteen do since two minutes, and then three.
    let serving = |minute: Minute| match NEWEST - minute {
        3.. => Some(9),
        1..=2 => Some(13),
        0 => Some(3),
        _ => None,
    };
    let server = Server::start([metrics(&of(&[(8, 65.0)]))]).await;
    let observed = observe(&server.cloud(), &group(slow), &[], &serving, window(5)).await;
    let values: Vec<f64> = observed.samples.iter().filter_map(|sample| sample.values[0]).collect();
    assert_eq!(values, [65.0, 65.0, 45.0, 45.0, 100.0], "65 x 9 / 13; no more than always");
}

#[tokio::test]
async fn a_signal_that_is_refused_does_not_take_the_others_with_it() {
    let refused =
        Planned::json(400, json!({"http_code": 400, "message": {"code": "ces.0013", "details": "bad dimension"}}));
    let server = Server::start([refused.clone(), refused]).await;
    let observed = observe(&server.cloud(), &group(json!([cpu(), latency()])), &instances(1), UNKNOWN, window(2)).await;
    assert_eq!(server.received().len(), 3, "together, then each alone");
    assert_eq!(problems(&observed), ["cpu", "response_time"]);
    assert!(observed.problems[0].why.contains("bad dimension"), "{observed:?}");
    assert_eq!(observed.samples, []);
}

#[tokio::test]
async fn without_instances_there_is_nothing_per_instance_and_it_is_said() {
    let server = Server::start([metrics(&[])]).await;
    let observed = observe(&server.cloud(), &group(json!([cpu()])), &[], UNKNOWN, window(2)).await;
    assert_eq!(problems(&observed), ["cpu"]);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_minute_that_only_some_reported_is_named() {
    let answer =
        [cpu_of("i-1", &[(2, 40.0), (1, 50.0)]), cpu_of("i-2", &[(2, 60.0), (1, 90.0)]), cpu_of("i-3", &[(2, 80.0)])];
    let server = Server::start([metrics(&answer)]).await;
    let observed = observe(&server.cloud(), &group(json!([cpu()])), &instances(3), UNKNOWN, window(3)).await;
    let seen: Vec<(Option<f64>, Option<u32>)> =
        observed.samples.iter().map(|sample| (sample.values[0], sample.serving)).collect();
    assert_eq!(seen, [(Some(60.0), Some(3)), (Some(70.0), Some(2))]);
    assert_eq!(observed.problems[0].why, format!("2 of 3 instances have reported {}", NEWEST - 1));
}

fn prometheus(url: &url::Url) -> Value {
    json!({"name": "errors", "kind": "percent", "source": {"prometheus": {"url": url, "query": "errors"}}})
}

#[tokio::test]
async fn a_value_of_now_stands_where_cloud_eye_is_late() {
    let vector = json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0.0, "2.5"]}]}});
    let own = Server::start([Planned::json(200, vector)]).await;
    let server = Server::start([metrics(&[cpu_of("i-1", &[(1, 50.0)])])]).await;
    let observed =
        observe(&server.cloud(), &group(json!([cpu(), prometheus(&own.url)])), &instances(1), UNKNOWN, window(30))
            .await;
    let seen: Vec<(i64, &[Option<f64>])> =
        observed.samples.iter().map(|sample| (NEWEST - sample.minute, sample.values.as_slice())).collect();
    assert_eq!(
        seen,
        [
            (3, [None, Some(2.5)].as_slice()),
            (2, [None, Some(2.5)].as_slice()),
            (1, [Some(50.0), Some(2.5)].as_slice()),
            (0, [None, Some(2.5)].as_slice()),
        ],
        "and no further back"
    );
    let end = (NEWEST + 1).start().timestamp();
    assert_eq!(own.received()[0].query, format!("query=errors&time={end}.000"));
}

#[tokio::test]
async fn a_source_that_is_down_or_has_nothing_is_named_and_the_others_are_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = url::Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let empty = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
    let own = Server::start([Planned::json(200, empty)]).await;
    let json = Server::start([Planned::json(200, json!({"queue": {"length": 7}}))]).await;
    let redis = closed.as_str().replace("http://", "redis://");
    let signals = json!([
        prometheus(&closed),
        prometheus(&own.url),
        {"name": "queue", "kind": "queue_length", "source": {"http_json": {"url": json.url, "pointer": "/queue/length"}}},
        {"name": "list", "kind": "queue_length", "source": {"redis": {"url": redis, "list": "jobs"}}},
        {"name": "secret", "kind": "queue_length",
            "source": {"http_json": {"url": json.url, "pointer": "", "bearer_token": {"env": "TOKEN"}}}},
    ]);
    let server = Server::start([metrics(&[])]).await;
    let observed = observe(&server.cloud(), &group(signals), &instances(1), UNKNOWN, window(1)).await;
    assert_eq!(observed.samples[0].values, [None, None, Some(7.0), None, None]);
    assert_eq!(problems(&observed), ["errors", "errors", "list", "secret"]);
    assert!(observed.problems[0].why.contains("no connection"), "{observed:?}");
    assert!(observed.problems[1].why.contains("no value"), "{observed:?}");
    assert!(observed.problems[3].why.contains("TOKEN is not set"), "{observed:?}");
    assert!(server.received().is_empty(), "Cloud Eye was not needed");
}

#[test]
fn the_newest_minute_is_a_real_one() {
    assert_eq!(NEWEST.start(), DateTime::from_timestamp(1_773_489_600, 0).unwrap());
}
