//! Decisions as custom metrics of Cloud Eye, and as OpenTelemetry's at a collector: one call an evaluation more for each,
//! and only where it is asked for.
#![cfg(feature = "local")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use flexus_autoscaler::clients::cloud_eye::{Filter, Metric};
use flexus_autoscaler::clients::{Cloud, Proxies, Transport, client};
use flexus_autoscaler::config::{Config, Otlp};
use flexus_autoscaler::local::play::{Play, PlaySettings};
use flexus_autoscaler::model::Endpoints;
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;

const MINUTES: usize = 150;

fn config() -> Config {
    Config::parse(include_bytes!("../src/cli/local/demo.json")).expect("a good configuration")
}

fn morning(config: Config, minutes: usize) -> PlaySettings {
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.drain(..420);
    trace.load.truncate(minutes);
    PlaySettings::new(config, trace, Settings::default())
}

/// Plays a morning, and gives what was published of these metrics, and the calls that an evaluation took.
async fn played(publish: bool, names: &[&str]) -> (Vec<Vec<f64>>, f64) {
    let config = Config { publish_metrics: publish, ..config() };
    let mut play = Play::start(morning(config, MINUTES)).await.expect("a stage");
    let start = play.region().now().start();
    while play.step().await.is_some() {}

    let region = play.region().settings();
    let endpoints = Endpoints { ces: play.region_url().parse().ok(), ..Endpoints::default() };
    let transport = Transport::new(client(Proxies::None).unwrap(), Instant::now() + Duration::from_secs(60));
    let cloud = Cloud::new(&region.region, &region.project_id, &endpoints, region.agency.clone(), transport).unwrap();
    let metric = |name: &&str| Metric::new("AUTOSCALER.GROUP", name, [("group", "inference")]);
    let metrics: Vec<Metric> = names.iter().map(metric).collect();
    let end = play.region().now().start();
    let series = cloud.cloud_eye().query(&metrics, start, end, 60, Filter::Average).await.unwrap();
    let calls = play.http_calls_per_invocation();
    play.stop().await;
    (series.into_iter().map(|points| points.into_iter().map(|point| point.value).collect()).collect(), calls)
}

#[tokio::test]
async fn each_decision_is_published_with_its_forecast_and_what_it_costs() {
    let names = ["target", "serving", "load", "forecast_p10", "forecast_p99", "cost_per_hour", "forecast_coverage"];
    let (published, calls) = played(true, &names).await;
    let [target, serving, load, low, highest, cost, coverage] = &published[..] else { panic!("{published:?}") };
    assert!(target.len() > MINUTES - 5 && serving.len() == target.len(), "{} of {MINUTES}", target.len());
    assert!(load.len() > MINUTES / 2 && low.iter().zip(highest).all(|(low, highest)| low < highest));
    for (instances, price) in serving.iter().zip(cost) {
        assert!(*price >= instances * 0.66 - 0.01, "what serves is paid for: {instances} at {price}");
    }
    assert!(!coverage.is_empty() && coverage.iter().all(|percent| (0.0..=100.0).contains(percent)), "{coverage:?}");
    assert!(calls < 7.5, "{calls} calls an evaluation");
}

#[tokio::test]
async fn nothing_is_published_unless_it_is_asked_for() {
    let (published, calls) = played(false, &["target", "spent"]).await;
    assert_eq!(published, [Vec::<f64>::new(), Vec::new()]);
    assert!(calls < 6.5, "{calls} calls an evaluation");
}

#[tokio::test]
async fn a_collector_is_told_each_decision_once() {
    let received: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&received);
    let take = async move |Json(document): Json<Value>| kept.lock().unwrap().push(document);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/otlp", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().route("/otlp/v1/metrics", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let config = Config { otlp: Some(Otlp { url, bearer_token: None }), ..config() };
    let mut play = Play::start(morning(config, 10)).await.expect("a stage");
    let mut targets = Vec::new();
    while let Some(step) = play.step().await {
        targets.extend(step.answer.and_then(|answer| answer["decided"][0]["target"].as_f64()));
    }
    play.stop().await;
    let told = received.lock().unwrap();
    let metrics = |document: &Value| document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].clone();
    let told: Vec<f64> = told
        .iter()
        .filter_map(|document| {
            let metrics = metrics(document);
            let target = metrics.as_array()?.iter().find(|metric| metric["name"] == "autoscaler.target")?;
            target["gauge"]["dataPoints"][0]["asDouble"].as_f64()
        })
        .collect();
    assert!(targets.len() >= 9 && told == targets, "{told:?} {targets:?}");
}

#[tokio::test]
async fn a_collector_that_is_down_stops_nothing() {
    let url = "http://127.0.0.1:9/".parse().unwrap();
    let config = Config { otlp: Some(Otlp { url, bearer_token: None }), ..config() };
    let mut play = Play::start(morning(config, 5)).await.expect("a stage");
    while play.step().await.is_some() {}
    assert_eq!(play.invocations().failed, 0);
    play.stop().await;
}
