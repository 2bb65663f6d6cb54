//! The packaged function itself, as the platform starts it: `bootstrap` out of the zip, against the local region.
//!
//! `FLEXUS_PACKAGES` names the folder that `scripts/package.sh` has filled; without it there is nothing to look at. Needs
//! Python 3 to open the zip.
#![cfg(all(feature = "local", target_os = "linux", target_arch = "x86_64"))]

mod packages;

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::store::{Store, StoreSettings};
use flexus_autoscaler::local::{InvocationStatus, Region, RegionSettings, RuntimeApi, WorkloadSettings, serve};
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::queueing::ServiceModel;
use serde_json::{Value, json};

use self::packages::{PACKAGES, Running, unpack};

const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BUCKET: &str = "states";
/// Largest zip, as the packaging script holds it.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_packaged_evaluate_decides_and_leaves_a_record() {
    let Some(folder) = env::var_os(PACKAGES).map(PathBuf::from) else {
        eprintln!("skipped: {PACKAGES} is not set; run scripts/package.sh and set it to target/functions");
        return;
    };
    let zip = folder.join("evaluate.zip");
    let size = fs::metadata(&zip).unwrap_or_else(|error| panic!("{}: {error}", zip.display())).len();
    assert!(size <= MOST_BYTES, "{} has {size} bytes", zip.display());
    let scratch = tempfile::tempdir().expect("a folder");
    let bootstrap = unpack(&zip, scratch.path());

    let workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 120), 2, 1, 10);
    let region = Arc::new(Region::new(RegionSettings {
        start: Minute(29_000_000),
        workloads: vec![workload],
        ..RegionSettings::default()
    }));
    for _ in 0..30 {
        region.play_minute(&[30.0]);
    }
    let server = serve(Arc::clone(&region), HERE).await.expect("a port");
    let settings = region.settings();
    let store = StoreSettings {
        buckets: vec![BUCKET.to_owned()],
        keys: vec![settings.agency.clone()],
        conditional_put: false,
        directory: None,
    };
    let store = Store::serve(store, HERE).await.expect("a port");
    let config = config(&region, &server.url());
    store.put(BUCKET, "autoscaler/config.json", config.to_string()).expect("a bucket");
    let runtime = RuntimeApi::start("evaluate", Some(settings.agency.clone()), HERE).await.expect("a port");

    let _function = Running(
        Command::new(bootstrap)
            .env_clear()
            .env("RUNTIME_API_ADDR", runtime.address().to_string())
            .env("RUNTIME_TIMEOUT", "50")
            .env("RUNTIME_PROJECT_ID", &settings.project_id)
            .env("RUNTIME_PACKAGE", "default")
            .env("RUNTIME_FUNC_NAME", "evaluate")
            .env("RUNTIME_FUNC_VERSION", "latest")
            .env("RUNTIME_USERDATA", user_data(&store.url()).to_string())
            .spawn()
            .expect("a program that starts"),
    );
    let tick = json!({
        "version": "v1.0", "trigger_type": "TIMER", "trigger_name": "every-minute", "user_event": "",
        "time": region.now().start().to_rfc3339(),
    });
    let result = runtime.invoke(tick.to_string(), Duration::from_secs(50)).await;
    let InvocationStatus::Response(answer) = result.status else { panic!("{:?}", result.status) };
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["decided"].as_array().map(Vec::len), Some(1), "{answer}");
    let records = store.keys(BUCKET, "autoscaler/groups/inference/records/");
    assert_eq!(records.len(), 1, "{records:?}");
}

/// The variables as Terraform sets them, where a custom runtime may find them.
fn user_data(store: &str) -> Value {
    json!({
        "AUTOSCALER_STORE": format!("obs://{BUCKET}/autoscaler"),
        "AUTOSCALER_STORE_ENDPOINT": store,
        "AUTOSCALER_REGION": "cn-north-4",
        "AUTOSCALER_CLOCK": "event",
        "AUTOSCALER_LOG": "info",
    })
}

fn config(region: &Region, url: &str) -> Value {
    let settings = region.settings();
    let scaling_group_id = settings.workloads[0].scaling_group_ids().next().expect("a group");
    json!({
        "region": settings.region,
        "project_id": settings.project_id,
        "endpoints": {"as": url, "ces": url, "ecs": url, "smn": url},
        "groups": [{
            "name": "inference",
            "pools": [{
                "name": "base", "purchase": "on_demand", "price_per_hour": 0.66,
                "fleet": {"as_group": {"scaling_group_id": scaling_group_id}},
            }],
            "signals": [{
                "name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}},
            }],
        }],
    })
}
