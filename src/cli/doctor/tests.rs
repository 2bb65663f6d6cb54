//! The doctor in the local region: green when all is well, red for each thing that is broken.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::local::store::{Store as LocalStore, StoreSettings};
use crate::local::{
    Call, Fault, Faults, MetricRead, PoolSettings, Region, RegionSettings, ServerHandle, TaggedSettings,
    WorkloadSettings, serve,
};
use crate::model::{Minute, Purchase, Tag};
use crate::queueing::ServiceModel;

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BUCKET: &str = "states";
/// Minutes that have been played before the doctor comes.
const PLAYED: i64 = 45;

/// A region with an Auto Scaling pool and a spot pool behind a load balancer, its store, and their configuration.
struct Ward {
    region: Arc<Region>,
    server: ServerHandle,
    store: LocalStore,
    folder: TempDir,
}

impl Ward {
    async fn open() -> Self {
        let mut workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 120), 2, 1, 10);
        workload.pools.push(PoolSettings::Tagged(TaggedSettings {
            tag: tag(),
            initial: 2,
            purchase: Purchase::Spot,
            flavor: "c7.large.2".to_owned(),
            needs_member: false,
        }));
        let settings = RegionSettings {
            start: Minute::containing(Utc::now()) + -PLAYED,
            workloads: vec![workload],
            secrets: BTreeMap::from([("deepseek".to_owned(), "not-a-key".to_owned())]),
            ..RegionSettings::default()
        };
        let region = Arc::new(Region::new(settings));
        for _ in 0..PLAYED {
            region.play_minute(&[20.0]);
        }
        let server = serve(Arc::clone(&region), HERE).await.expect("a port");
        let store = StoreSettings {
            buckets: vec![BUCKET.to_owned()],
            keys: vec![region.settings().user.clone()],
            conditional_put: false,
            directory: None,
        };
        let store = LocalStore::serve(store, HERE).await.expect("a port");
        let ward = Self { region, server, store, folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(ward.config(), ward.document().to_string()).expect("a file");
        ward
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    fn document(&self) -> serde_json::Value {
        let settings = self.region.settings();
        let workload = &settings.workloads[0];
        let url = self.server.url();
        let endpoints: BTreeMap<&str, &str> = ["as", "ecs", "ces", "smn", "elb", "functiongraph", "csms", "iam", "cts"]
            .map(|api| (api, url.as_str()))
            .into();
        json!({
            "region": settings.region,
            "project_id": settings.project_id,
            "endpoints": endpoints,
            "publish_metrics": true,
            "deepseek": {"mode": "propose", "api_key": {"csms": "deepseek"}},
            "notify": {"topic_urn": "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:notices"},
            "groups": [{
                "name": "inference",
                "scaling": {"min_instances": 1, "max_instances": 10},
                "pools": [
                    {"name": "base", "purchase": "on_demand", "price_per_hour": 0.66, "fleet": {"as_group": {
                        "scaling_group_id": workload.scaling_group_ids().next().expect("a group"),
                    }}},
                    {"name": "spot", "purchase": "spot", "price_per_hour": 0.24, "fleet": {"ecs": {
                        "tag": tag(),
                        "load_balancer_pool_id": workload.load_balancer_pool_id(),
                        "instance_template": {
                            "flavors": ["c7.large.2"], "image_id": "image", "vpc_id": "vpc", "subnet_id": "subnet",
                            "protocol_port": 80,
                        },
                    }}},
                ],
                "signals": [
                    {
                        "name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                        "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}},
                    },
                    {
                        "name": "requests", "kind": "rate_per_second",
                        "source": {"cloud_eye": {"namespace": "SYS.ELB", "metric": "mb_l7_qps", "dimensions": {
                            "lbaas_instance_id": workload.load_balancer_id(),
                        }}},
                    },
                ],
            }],
        })
    }

    fn arguments(&self) -> Arguments {
        Arguments {
            config: Some(self.config()),
            store: Some(format!("obs://{BUCKET}/autoscaler")),
            store_endpoint: Some(self.store.url()),
            region: None,
            acting: true,
            own_systems: true,
            evaluate_urn: Some(
                "urn:fss:cn-north-4:0123456789abcdef0123456789abcdef:function:default:evaluate".to_owned(),
            ),
            format: Format::Table,
        }
    }

    async fn examine(&self) -> Report {
        self.examine_with(self.region.settings().user.clone()).await
    }

    async fn examine_with(&self, credentials: Credentials) -> Report {
        examine(&self.arguments(), credentials).await.expect("something to look at")
    }
}

fn tag() -> Tag {
    Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() }
}

fn red(report: &Report) -> Vec<String> {
    let red = report.checks.iter().filter(|check| check.outcome == Outcome::Red);
    red.map(|check| format!("{}: {}: {} ({:?})", check.area, check.check, check.detail, check.mend)).collect()
}

#[tokio::test]
async fn every_line_is_green_when_all_is_well() {
    let ward = Ward::open().await;
    let before = ward.region.capacity(0);
    let report = ward.examine().await;
    let not_green: Vec<_> = report.checks.iter().filter(|check| check.outcome != Outcome::Green).collect();
    assert!(not_green.is_empty(), "{not_green:#?}");
    assert!(report.checks.len() > 30, "{}", report.table());
    assert_eq!(ward.region.capacity(0), before, "nothing was changed");
    assert!(ward.store.keys(BUCKET, "").is_empty(), "nothing was left in the store");
    assert!(!report.table().contains("not-a-key"), "a secret was shown");
}

#[derive(Debug)]
struct Forbidden(crate::local::Service, String);

impl Faults for Forbidden {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        (call.service == self.0 && call.operation == self.1).then(|| Fault::Error {
            status: 403,
            code: "Pdp.0001".to_owned(),
            message: "Policy doesn't allow this action".to_owned(),
        })
    }
}

#[tokio::test]
async fn each_permission_that_is_missing_makes_a_line_red_that_says_what_to_allow() {
    let ward = Ward::open().await;
    ward.examine().await;
    let calls = ward.region.calls();
    let operations: Vec<_> = calls.iter().map(|(service, operation, _)| (service, operation.to_owned())).collect();
    assert!(operations.len() > 20, "{operations:?}");
    for (service, operation) in operations {
        ward.region.set_faults(Arc::new(Forbidden(service, operation.clone())));
        let report = ward.examine().await;
        let lines = red(&report);
        assert!(lines.iter().any(|line| line.contains("allow ")), "{service:?} {operation}: {lines:?}");
    }
}

#[tokio::test]
async fn rights_are_asked_for_what_the_configuration_needs_and_for_nothing_else() {
    let ward = Ward::open().await;
    let mut document = ward.document();
    document["publish_metrics"] = false.into();
    // An Auto Scaling group behind a load balancer: what leaves it drains there.
    document["groups"][0]["pools"].as_array_mut().expect("pools").truncate(1);
    std::fs::write(ward.config(), document.to_string()).expect("a file");
    let report = ward.examine().await;
    assert_eq!(report.count(Outcome::Red), 0, "{}", report.table());
    let rights: Vec<_> = report
        .checks
        .iter()
        .filter(|check| check.check.starts_with("may ") && check.outcome == Outcome::Green)
        .map(|check| check.check.as_str())
        .collect();
    let expected =
        ["may set the number", "may complete hooks", "may set weights", "may publish", "may invoke evaluate"];
    assert_eq!(rights, expected, "{}", report.table());
}

#[tokio::test]
async fn keys_that_are_wrong_make_every_api_red() {
    let ward = Ward::open().await;
    let report = ward.examine_with(Credentials::new("DEMOACCESSKEY0000001", "another-secret", None)).await;
    assert!(report.count(Outcome::Red) > 10, "{}", report.table());
    assert!(red(&report).iter().any(|line| line.starts_with("store: ")), "{}", report.table());
    assert!(red(&report).iter().any(|line| line.contains("the secret key")), "{}", report.table());
}

#[derive(Debug)]
struct Silent;

impl Faults for Silent {
    fn on_point(&self, read: &MetricRead<'_>, value: f64) -> Option<f64> {
        (read.namespace != "AGT.ECS").then_some(value)
    }
}

#[tokio::test]
async fn a_metric_that_does_not_arrive_is_red_and_names_the_agent() {
    let ward = Ward::open().await;
    ward.region.set_faults(Arc::new(Silent));
    let lines = red(&ward.examine().await);
    assert!(
        matches!(lines.as_slice(), [line] if line.contains("inference: cpu") && line.contains("agent")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_metric_that_is_misspelt_is_red_and_the_names_that_there_are_are_shown() {
    let ward = Ward::open().await;
    let mut document = ward.document();
    document["groups"][0]["signals"][1]["source"]["cloud_eye"]["metric"] = "mb_l7_qqs".into();
    std::fs::write(ward.config(), document.to_string()).expect("a file");
    let lines = red(&ward.examine().await);
    assert!(
        matches!(lines.as_slice(), [line] if line.contains("mb_l7_qqs") && line.contains("mb_l7_qps")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_system_of_ones_own_that_does_not_answer_is_red_only_where_it_is_looked_at() {
    let ward = Ward::open().await;
    let mut document = ward.document();
    let queue = json!({
        "name": "queue", "kind": "queue_length", "scale_out": 100, "scale_in": 10,
        "source": {"redis": {"url": "redis://127.0.0.1:1/0", "list": "queue"}},
    });
    document["groups"][0]["signals"].as_array_mut().expect("signals").push(queue);
    std::fs::write(ward.config(), document.to_string()).expect("a file");
    let lines = red(&ward.examine().await);
    assert!(matches!(lines.as_slice(), [line] if line.contains("inference: queue")), "{lines:?}");

    let arguments = Arguments { own_systems: false, ..ward.arguments() };
    let report = examine(&arguments, ward.region.settings().user.clone()).await.expect("something to look at");
    assert_eq!(report.count(Outcome::Red), 0, "{}", report.table());
}

#[tokio::test]
async fn a_project_of_another_region_is_red() {
    let ward = Ward::open().await;
    let text = ward.document().to_string().replace("cn-north-4\",\"signals", "x");
    let text = text.replace("\"region\":\"cn-north-4\"", "\"region\":\"cn-east-3\"");
    std::fs::write(ward.config(), text).expect("a file");
    let lines = red(&ward.examine().await);
    assert!(lines.iter().any(|line| line.contains("region and project fit")), "{lines:?}");
}

#[tokio::test]
async fn groups_that_only_observe_are_not_asked_for_the_rights_of_acting() {
    let ward = Ward::open().await;
    let arguments = Arguments { acting: false, ..ward.arguments() };
    let report = examine(&arguments, ward.region.settings().user.clone()).await.expect("something to look at");
    assert_eq!(report.count(Outcome::Red), 0, "{}", report.table());
    assert!(!report.checks.iter().any(|check| check.check == "may set the number"));
    let members = report.checks.iter().find(|check| check.check == "inference/base: members").expect("a line");
    assert_eq!(members.outcome, Outcome::Skipped, "only what acts drains there");
}

#[tokio::test]
async fn a_store_that_honours_conditions_is_told_from_one_that_ignores_them() {
    for (conditional_put, word) in [(true, "honoured"), (false, "ignored")] {
        let keys = Credentials::new("KEY", "secret", None);
        let settings = StoreSettings {
            buckets: vec![BUCKET.to_owned()],
            keys: vec![keys.clone()],
            conditional_put,
            directory: None,
        };
        let local = LocalStore::serve(settings, HERE).await.expect("a port");
        let location =
            StoreLocation::parse("obs://states/a", Some(&local.url()), Some("cn-north-4")).expect("an address");
        let plain = Store::open(&location, Some(&keys)).expect("a store");
        let conditional = Store::open_with_conditions(&location, Some(&keys)).expect("a store");
        let mut report = Report::default();
        store::examine(&mut report, &plain, &conditional, "probe").await;
        let line = report.checks.iter().find(|check| check.check == "conditional write").expect("a line");
        assert!(line.detail.starts_with(word), "{line:?}");
        assert_eq!(report.count(Outcome::Red), 0, "{}", report.table());
        assert!(local.keys(BUCKET, "").is_empty());
    }
}

#[tokio::test]
async fn the_configuration_of_the_store_is_taken_where_no_file_is_named() {
    let ward = Ward::open().await;
    ward.store.put(BUCKET, "autoscaler/config.json", ward.document().to_string()).expect("a bucket");
    let arguments = Arguments { config: None, region: Some("cn-north-4".to_owned()), ..ward.arguments() };
    let report = examine(&arguments, ward.region.settings().user.clone()).await.expect("something to look at");
    assert_eq!(report.count(Outcome::Red), 0, "{}", report.table());
}
