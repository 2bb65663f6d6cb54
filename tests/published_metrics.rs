//! Decisions as custom metrics of Cloud Eye: one call an evaluation more, and only where it is asked for.
#![cfg(feature = "local")]

use std::time::Duration;

use flexus_autoscaler::clients::cloud_eye::{Filter, Metric};
use flexus_autoscaler::clients::{Cloud, Proxies, Transport, client};
use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{Play, PlaySettings};
use flexus_autoscaler::model::Endpoints;
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use tokio::time::Instant;

const MINUTES: usize = 150;

/// Plays a morning, and gives what was published of these metrics, and the calls that an evaluation took.
async fn played(publish: bool, names: &[&str]) -> (Vec<Vec<f64>>, f64) {
    let mut config = Config::parse(include_bytes!("../src/cli/local/demo.json")).expect("a good configuration");
    config.publish_metrics = publish;
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.drain(..420);
    trace.load.truncate(MINUTES);
    let circumstances = Settings::default();
    let settings =
        PlaySettings { config, trace, circumstances, directory: None, spot_trace: None, alarms: false, port: None };
    let mut play = Play::start(settings).await.expect("a stage");
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
