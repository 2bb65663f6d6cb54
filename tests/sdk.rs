//! The official Python SDK and boto3, unmodified but for their endpoint, against the local region; OpenTelemetry's own
//! schema against what is exported.
//!
//! Needs Python 3 with `venv`; the packages of `tests/sdk/requirements.txt` are installed once into the target directory.
//! Where there is no Python the test says so and passes; with `CI` set it fails.

mod python;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::clients::otlp::{Gauge, export};
use flexus_autoscaler::clients::{Proxies, Transport, client, tls};
use flexus_autoscaler::local::store::{Store, StoreSettings};
use flexus_autoscaler::local::{
    PoolSettings, Region, RegionSettings, RuntimeApi, TaggedSettings, WorkloadSettings, serve,
};
use flexus_autoscaler::model::{Minute, Purchase, Tag};
use flexus_autoscaler::queueing::ServiceModel;
use serde_json::{Value, json};
use tokio::time::Instant;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BUCKET: &str = "autoscaler";

fn python() -> Option<PathBuf> {
    python::environment("sdk-venv", &Path::new(SCRIPTS).join("requirements.txt"))
}

/// A region with a group and a pool of tagged servers, each under a steady load.
fn region() -> Region {
    let model = ServiceModel::new(10.0, 120);
    let tagged = TaggedSettings {
        tag: Tag { key: "flexus_type".to_owned(), value: "auto_scaling".to_owned() },
        initial: 1,
        purchase: Purchase::OnDemand,
        flavor: "x1.2u.4g".to_owned(),
        needs_member: false,
    };
    let workloads = vec![
        WorkloadSettings::on_auto_scaling("inference", model, 3, 1, 20),
        WorkloadSettings { name: "batch".to_owned(), model, pools: vec![PoolSettings::Tagged(tagged)] },
    ];
    let secrets = [("deepseek".to_owned(), "sk-demo".to_owned())].into();
    Region::new(RegionSettings { start: Minute(29_000_000), workloads, secrets, ..RegionSettings::default() })
}

/// Runs one script against a region of its own; it says on its standard output when minutes shall pass.
async fn check(python: &Path, script: &str) {
    let region = Arc::new(region());
    let server = serve(Arc::clone(&region), ANYWHERE).await.expect("a free port");
    let settings = region.settings();
    let store = StoreSettings {
        buckets: vec![BUCKET.to_owned()],
        keys: vec![settings.agency.clone()],
        conditional_put: false,
        directory: None,
    };
    let store = Store::serve(store, ANYWHERE).await.expect("a free port");
    let function = Arc::new(RuntimeApi::start("echo", None, ANYWHERE).await.expect("a free port"));
    region.attach(Arc::clone(&function));
    let echo = tokio::spawn(answer_with_the_event(function.address()));
    let token = settings.agency.security_token.as_ref().expect("an agency has a token");
    let place = json!({
        "url": server.url(),
        "store_url": store.url(),
        "bucket": BUCKET,
        "project_id": settings.project_id,
        "access_key": settings.agency.access_key,
        "secret_key": settings.agency.secret_key.expose(),
        "security_token": token.expose(),
        "user_access_key": settings.user.access_key,
        "user_secret_key": settings.user.secret_key.expose(),
        "scaling_group_id": settings.workloads[0].scaling_group_ids().next(),
        "load_balancer_id": settings.workloads[0].load_balancer_id(),
        "load_balancer_pool_id": settings.workloads[1].load_balancer_pool_id(),
    });
    let mut child = Command::new(python)
        .arg(Path::new(SCRIPTS).join(script))
        .arg(place.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut answers = child.stdin.take().expect("a pipe");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let status = tokio::task::spawn_blocking(move || {
        for line in lines.map_while(Result::ok) {
            let minutes = line.strip_prefix("play ").and_then(|minutes| minutes.parse::<u32>().ok());
            for _ in 0..minutes.unwrap_or_else(|| panic!("{line}")) {
                region.play_minute(&[12.0, 3.0]);
            }
            writeln!(answers, "{}", region.now().0 * 60_000).expect("the script listens");
        }
        child.wait().expect("the script ends")
    });
    let status = status.await.expect("the script is heard");
    echo.abort();
    assert!(status.success(), "{script}: {status}");
}

/// A function that answers every event with itself.
async fn answer_with_the_event(runtime_api: SocketAddr) {
    let client = reqwest::Client::new();
    let base = format!("http://{runtime_api}/v1/runtime/invocation");
    loop {
        let Ok(polled) = client.get(format!("{base}/request")).send().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(id) = polled.headers().get("x-cff-request-id").and_then(|id| id.to_str().ok()) else {
            continue;
        };
        let address = format!("{base}/response/{id}");
        let event = polled.bytes().await.unwrap_or_default();
        let _ = client.post(address).body(event).send().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_work_with_the_region() {
    tls::install();
    let Some(python) = python() else { return };
    let mut scripts: Vec<String> = fs::read_dir(SCRIPTS)
        .expect("the scripts")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("check_"))
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    for script in scripts {
        check(&python, &script).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_reads_metrics_by_opentelemetrys_own_schema() {
    tls::install();
    let Some(python) = python() else { return };
    let mut child = Command::new(python)
        .arg(Path::new(SCRIPTS).join("collector.py"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let port = said.next().expect("a port");

    let transport = Transport::new(client(Proxies::None).unwrap(), Instant::now() + Duration::from_secs(30));
    let address = format!("http://127.0.0.1:{port}").parse().unwrap();
    let gauges = [
        Gauge { name: "autoscaler.target", unit: "1", description: "Instances.", value: 7.0 },
        Gauge { name: "autoscaler.decision_ms", unit: "ms", description: "Took.", value: 12.5 },
    ];
    let at = Minute(29_000_000).start();
    export(&transport, &address, None, &[("group", "web")], at, &gauges).await.expect("taken");

    let told: Value = serde_json::from_str(&said.next().expect("what was sent")).unwrap();
    let point = |name, unit, value| {
        json!({
            "service": "flexus-autoscaler", "name": name, "unit": unit, "value": value,
            "time_ns": 1_740_000_000_000_000_000_u64, "attributes": {"group": "web"},
        })
    };
    assert_eq!(told, json!([point("autoscaler.target", "1", 7.0), point("autoscaler.decision_ms", "ms", 12.5)]));
    assert!(child.wait().expect("it ends").success());
}
