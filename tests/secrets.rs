//! Secrets are planted wherever a function can get hold of one; then everything goes well and everything goes wrong. No
//! log line, record, answer, error or message may show one of them.
#![cfg(feature = "local")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flexus_autoscaler::clients::Credentials;
use flexus_autoscaler::functiongraph::{Environment, Invocation, Service};
use flexus_autoscaler::handlers::{alarm, console, evaluate, reclaim, tune};
use flexus_autoscaler::local::{
    Fault, FaultTable, NoFaults, Region, RegionSettings, ServerHandle, WorkloadSettings, serve,
};
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::queueing::ServiceModel;
use flexus_autoscaler::records::HistoryMinute;
use flexus_autoscaler::state::{Store, history};
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tracing_subscriber::fmt::MakeWriter;

const SECRET_KEY: &str = "planted-secret-key-7c1f";
const TOKEN: &str = "planted-security-token-0b9d";
const CONSOLE_TOKEN: &str = "planted-console-token-44aa";
const BEARER: &str = "planted-bearer-token-51c2";
const STORED: &str = "planted-stored-secret-e07b";
const PASSWORD: &str = "planted-redis-password-93ef";
const IN_ADDRESS: &str = "planted-password-in-address-2d6a";
const ADVISER_KEY: &str = "planted-adviser-key-a3c8";
const PLANTED: [&str; 8] = [SECRET_KEY, TOKEN, CONSOLE_TOKEN, BEARER, STORED, PASSWORD, IN_ADDRESS, ADVISER_KEY];
/// Time of an invocation, short: some of them hang.
const PATIENCE: Duration = Duration::from_secs(4);
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Everything that comes out of the functions.
#[derive(Clone, Default)]
struct Outputs(Arc<Mutex<Vec<u8>>>);

impl Outputs {
    fn add(&self, text: impl AsRef<[u8]>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(text.as_ref());
        all.push(b'\n');
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Outputs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outputs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A user's system that refuses everyone and quotes what it was sent.
async fn indiscreet() -> SocketAddr {
    let quote = async |request: Request| (StatusCode::UNAUTHORIZED, format!("refused: {:?}", request.headers()));
    let listener = tokio::net::TcpListener::bind(ANYWHERE).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(quote)).await });
    address
}

struct Stage {
    region: Arc<Region>,
    _server: ServerHandle,
    directory: tempfile::TempDir,
    environment: Environment,
    outputs: Outputs,
}

impl Stage {
    async fn set(outputs: Outputs) -> Self {
        let workload = WorkloadSettings::on_auto_scaling("inference", ServiceModel::new(10.0, 120), 4, 1, 40);
        let region = Arc::new(Region::new(RegionSettings {
            agency: Credentials::new("PLANTEDACCESSKEY0001", SECRET_KEY, Some(TOKEN.to_owned())),
            start: Minute(29_540_160),
            workloads: vec![workload],
            secrets: [("bearer".to_owned(), STORED.to_owned())].into(),
            ..RegionSettings::default()
        }));
        let server = serve(Arc::clone(&region), ANYWHERE).await.expect("a port");
        let directory = tempfile::tempdir().expect("a folder");
        let document = config(&region, &server.url(), indiscreet().await).to_string();
        std::fs::write(directory.path().join("config.json"), document).expect("a file");
        let environment = Environment::from_variables([
            ("AUTOSCALER_STORE", format!("file://{}", directory.path().display())),
            ("AUTOSCALER_CLOCK", "event".to_owned()),
            ("AUTOSCALER_CONSOLE_TOKEN", CONSOLE_TOKEN.to_owned()),
            ("PROMETHEUS_TOKEN", BEARER.to_owned()),
            ("REDIS_PASSWORD", PASSWORD.to_owned()),
            ("DEEPSEEK_API_KEY", ADVISER_KEY.to_owned()),
            ("HUAWEICLOUD_SDK_AK", "PLANTEDACCESSKEY0001".to_owned()),
            ("HUAWEICLOUD_SDK_SK", SECRET_KEY.to_owned()),
            ("HUAWEICLOUD_SDK_SECURITY_TOKEN", TOKEN.to_owned()),
        ])
        .expect("an environment");
        outputs.add(format!("{environment:?}"));
        Self { region, _server: server, directory, environment, outputs }
    }

    async fn invoke<S>(&self, service: S, event: Value, patience: Duration)
    where
        S: Service<Invocation>,
        S::Response: serde::Serialize,
        S::Error: std::fmt::Display + std::fmt::Debug,
    {
        let invocation = Invocation {
            event: event.to_string().into(),
            request_id: "request-1".to_owned(),
            invoke_type: Default::default(),
            credentials: Some(self.region.settings().agency.clone()),
            deadline: tokio::time::Instant::now() + patience,
        };
        self.outputs.add(format!("{:?}", invocation.credentials));
        match service.oneshot(invocation).await {
            Ok(answer) => self.outputs.add(serde_json::to_vec(&answer).expect("JSON")),
            Err(error) => self.outputs.add(format!("{error} {error:?}")),
        }
    }

    /// Writes the days before this one, so that there is something to tune on.
    async fn live_through(&self, days: i64) {
        let files = LocalFileSystem::new_with_prefix(self.directory.path()).expect("a folder");
        let store = Store::new(Arc::new(files), Default::default());
        let today = self.region.now();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        for day in 1..=days {
            let start = today - day * 1440;
            let minutes = (0..1440).map(|minute| {
                let mut entry = HistoryMinute::empty(start + minute);
                entry.measured.serving = Some(4);
                entry.measured.total = Some(4);
                entry.measured.taken_in_by = Some("test".to_owned());
                entry.measured.signals = [("cpu".to_owned(), 50.0 + 20.0 * (minute as f64 / 200.0).sin())].into();
                (entry.minute, entry)
            });
            let date = start.start().date_naive();
            history::write_day(&store, "inference", date, &minutes.collect(), deadline).await.expect("written");
        }
    }

    /// Has the group tuned: the adviser is asked.
    async fn tune(&self) {
        let time = self.region.now().start().to_rfc3339();
        let event = json!({"action": "tune", "groups": ["inference"], "time": time});
        self.invoke(tune::service(&self.environment), event, Duration::from_secs(60)).await;
    }

    /// Wakes every function once.
    async fn wake_all(&self) {
        let now = self.region.now().start();
        let (environment, time) = (&self.environment, now.to_rfc3339());
        let timer = json!({"version": "v1.0", "time": time, "trigger_type": "TIMER", "user_event": ""});
        self.invoke(evaluate::service(environment), timer, PATIENCE).await;
        let alarm = json!({
            "message_type": "alarm", "alarm_id": "al1", "alarm_name": "cpu", "alarm_status": "alarm",
            "time": now.timestamp_millis(), "namespace": "SYS.AS", "metric_name": "cpu_usage", "value": 70,
            "dimension": format!("AutoScalingGroup:{}", self.scaling_group()),
            "alarmValue": [{"time": now.timestamp_millis(), "value": 97.0}],
        });
        let smn = json!({"record": [{"smn": {
            "topic_urn": "urn:smn:cn-north-4:p:people", "message_id": format!("m-{}", now.timestamp()),
            "message": alarm.to_string(), "timestamp": time, "type": "notification",
        }, "event_source": "smn"}]});
        self.invoke(alarm::service(environment), smn, PATIENCE).await;
        let reclaim: Value = serde_json::from_str(include_str!("../events/reclaim-cts.json")).expect("JSON");
        self.invoke(reclaim::service(environment), reclaim, PATIENCE).await;
        for token in [CONSOLE_TOKEN, BEARER] {
            for (method, path) in [
                ("GET", "/api/groups"),
                ("GET", "/api/groups/inference"),
                ("GET", "/api/groups/inference/decisions"),
                ("GET", "/api/groups/inference/forecast"),
                ("GET", "/api/openapi.json"),
                ("PUT", "/api/groups/inference/hold"),
                ("DELETE", "/api/groups/inference/hold"),
                ("POST", "/api/groups/inference/evaluate"),
            ] {
                let headers = json!({"authorization": format!("Bearer {token}"), "content-type": "application/json"});
                let event = json!({
                    "httpMethod": method, "path": path, "headers": headers, "queryStringParameters": {},
                    "body": "{}", "isBase64Encoded": false, "requestContext": {"requestId": "r"},
                });
                self.invoke(console::service(environment), event, PATIENCE).await;
            }
        }
    }

    fn scaling_group(&self) -> String {
        self.region.settings().workloads[0].scaling_group_ids().next().expect("a group").to_owned()
    }

    /// Everything that lies in the store but the configuration, which a person has written.
    fn collect_store(&self) {
        let mut folders = vec![self.directory.path().to_owned()];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.file_name().is_none_or(|name| name != "config.json") {
                    self.outputs.add(std::fs::read(path).expect("a file"));
                    files += 1;
                }
            }
        }
        assert!(files > 2, "records and a snapshot were written");
        for message in self.region.take_messages() {
            self.outputs.add(format!("{message:?}"));
        }
    }
}

fn config(region: &Region, url: &str, indiscreet: SocketAddr) -> Value {
    let settings = region.settings();
    let group = settings.workloads[0].scaling_group_ids().next();
    let secret = |name: &str| json!({"env": name});
    let signal = |name: &str, source: Value| json!({"name": name, "kind": "queue_length", "scale_out": 100, "scale_in": 50, "source": source});
    let base = format!("http://{indiscreet}");
    json!({
        "region": settings.region, "project_id": settings.project_id,
        "endpoints": {"as": url, "ecs": url, "ces": url, "smn": url, "elb": url, "csms": url, "functiongraph": url},
        "notify": {"topic_urn": "urn:smn:cn-north-4:p:people"},
        "deepseek": {"mode": "apply", "api_url": base, "api_key": secret("DEEPSEEK_API_KEY")},
        "groups": [{
            "name": "inference", "mode": "act", "scaling": {"min_instances": 1, "max_instances": 20},
            "pools": [{"name": "base", "purchase": "on_demand", "price_per_hour": 0.66,
                       "fleet": {"as_group": {"scaling_group_id": group}}}],
            "signals": [
                {"name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                 "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}},
                signal("prometheus", json!({"prometheus": {"url": base, "query": "up", "bearer_token": secret("PROMETHEUS_TOKEN")}})),
                signal("http", json!({"http_json": {"url": format!("{base}/queue"), "pointer": "/n", "bearer_token": {"csms": "bearer"}}})),
                signal("address", json!({"http_json": {"url": format!("http://user:{IN_ADDRESS}@{indiscreet}/"), "pointer": "/n"}})),
                signal("redis", json!({"redis": {"url": format!("redis://{indiscreet}"), "list": "q", "password": secret("REDIS_PASSWORD")}})),
                signal("redis2", json!({"redis": {"url": format!("redis://u:{IN_ADDRESS}@127.0.0.1:1"), "list": "q"}})),
            ],
            "policy": {"engine": "target_tracking"},
        }],
    })
}

/// A refusal that quotes the request, as the gateway in front of the cloud's APIs does.
fn quoting() -> Fault {
    let message = format!("canonical request: x-security-token:{TOKEN}|host:as");
    Fault::Error { status: 401, code: "APIGW.0301".to_owned(), message }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_output_of_a_full_run_shows_a_secret() {
    let outputs = Outputs::default();
    tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(outputs.clone()).init();
    let stage = Stage::set(outputs.clone()).await;
    for minute in 0..8 {
        stage.region.play_minute(&[25.0 + f64::from(minute)]);
        stage.wake_all().await;
    }
    let faults = [quoting(), Fault::Truncated, Fault::Garbage(format!("{{\"token\": \"{TOKEN}\"")), Fault::Hang];
    for fault in faults {
        let now = stage.region.now();
        let table = FaultTable::new().calls(now..now + 2, None, "", 1.0, fault);
        stage.region.set_faults(Arc::new(table));
        stage.wake_all().await;
        stage.region.play_minute(&[60.0]);
    }
    stage.region.set_faults(Arc::new(NoFaults));
    stage.wake_all().await;
    stage.live_through(3).await;
    stage.tune().await;
    stage.collect_store();
    let text = outputs.text();
    assert!(text.len() > 100_000, "there is something to look through");
    assert!(text.contains("does not accept the key"), "the adviser was asked, and refused");
    // Whoever sees how a login is sent can read it.
    let logins = ["user", "u", ""].map(|user| BASE64_STANDARD.encode(format!("{user}:{IN_ADDRESS}")));
    for planted in PLANTED.into_iter().chain(logins.iter().map(String::as_str)) {
        if let Some(place) = text.find(planted) {
            let around = &text[text.floor_char_boundary(place.saturating_sub(600))..];
            panic!("{planted} is shown: {}", &around[..around.floor_char_boundary(700)]);
        }
    }
}
