//! A region with many groups, its store, and the runtime API of the function `evaluate`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::localise;
use flexus_autoscaler::local::store::{Store, StoreSettings};
use flexus_autoscaler::local::{Region, RegionSettings, RuntimeApi, ServerHandle, WorkloadSettings, serve};
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::queueing::ServiceModel;
use serde_json::{Value, json};

pub(super) const BUCKET: &str = "states";
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Work per second of one instance.
const CAPACITY_PER_SECOND: f64 = 10.0;
/// 2026-03-02 09:00 UTC.
const START: Minute = Minute(29_540_700);

pub(super) struct Stage {
    pub(super) region: Arc<Region>,
    pub(super) store: Store,
    pub(super) runtime_api: Arc<RuntimeApi>,
    _server: ServerHandle,
    instances: u32,
}

impl Stage {
    /// So many groups of so many instances each.
    pub(super) async fn set(groups: usize, instances: u32) -> Self {
        let names: Vec<String> = (1..=groups).map(|number| format!("group-{number:05}")).collect();
        let model = ServiceModel::new(CAPACITY_PER_SECOND, 120);
        let workload = |name: &String| WorkloadSettings::on_auto_scaling(name, model, instances, 1, 10_000);
        let workloads: Vec<WorkloadSettings> = names.iter().map(workload).collect();
        let region = Arc::new(Region::new(RegionSettings { start: START, workloads, ..RegionSettings::default() }));
        let server = serve(Arc::clone(&region), ANYWHERE).await.expect("a port");
        let settings = region.settings();
        let groups: Vec<Value> = settings.workloads.iter().map(group).collect();
        let document = json!({"region": settings.region, "project_id": settings.project_id, "groups": groups});
        let mut config = Config::parse(document.to_string().as_bytes()).expect("a good configuration");
        localise(&mut config, settings, &server.url());
        let store = StoreSettings {
            buckets: vec![BUCKET.to_owned()],
            keys: vec![settings.agency.clone()],
            conditional_put: false,
            directory: None,
        };
        let store = Store::serve(store, ANYWHERE).await.expect("a port");
        store.put(BUCKET, "config.json", serde_json::to_vec(&config).expect("JSON")).expect("a bucket");
        let keys = Some(settings.agency.clone());
        let runtime_api = Arc::new(RuntimeApi::start("evaluate", keys, ANYWHERE).await.expect("a port"));
        region.attach(Arc::clone(&runtime_api));
        Self { region, store, runtime_api, _server: server, instances }
    }

    /// What a process of the function finds in its environment.
    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let settings = self.region.settings();
        vec![
            ("RUNTIME_API_ADDR", self.runtime_api.address().to_string()),
            ("RUNTIME_TIMEOUT", "55".to_owned()),
            ("RUNTIME_PROJECT_ID", settings.project_id.clone()),
            ("RUNTIME_PACKAGE", "default".to_owned()),
            ("RUNTIME_FUNC_NAME", "evaluate".to_owned()),
            ("RUNTIME_FUNC_VERSION", "latest".to_owned()),
            ("AUTOSCALER_STORE", format!("obs://{BUCKET}")),
            ("AUTOSCALER_STORE_ENDPOINT", self.store.url()),
            ("AUTOSCALER_REGION", settings.region.clone()),
            ("AUTOSCALER_CLOCK", "event".to_owned()),
            ("AUTOSCALER_LOG", "warn".to_owned()),
        ]
    }

    /// Lets a minute pass, in which every group is used to six tenths and a little more or less than the one beside it.
    pub(super) fn pass(&self) {
        let minute = self.region.now() - START;
        let load = |group: usize| {
            let wave = 0.03 * ((minute as f64 + group as f64) / 5.0).sin();
            (0.6 + wave) * f64::from(self.instances) * CAPACITY_PER_SECOND
        };
        let loads: Vec<f64> = (0..self.region.settings().workloads.len()).map(load).collect();
        self.region.play_minute(&loads);
    }

    /// The timer's event of this minute.
    pub(super) fn tick(&self) -> String {
        let time = self.region.now().start().to_rfc3339();
        let (kind, name) = ("TIMER", "every-minute");
        json!({"version": "v1.0", "time": time, "trigger_type": kind, "trigger_name": name, "user_event": ""})
            .to_string()
    }
}

fn group(workload: &WorkloadSettings) -> Value {
    let balancer = json!({"lbaas_instance_id": workload.load_balancer_id()});
    let elb = |metric: &str| json!({"cloud_eye": {"namespace": "SYS.ELB", "metric": metric, "dimensions": balancer}});
    json!({
        "name": workload.name,
        "mode": "act",
        "scaling": {"min_instances": 1, "max_instances": 10_000},
        "pools": [{"name": "base", "purchase": "on_demand", "price_per_hour": 0.66,
                   "fleet": {"as_group": {"scaling_group_id": workload.scaling_group_ids().next()}}}],
        "signals": [
            {"name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
             "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}},
            {"name": "response_time", "kind": "latency_ms", "scale_out": 2000, "scale_in": 500, "source": elb("m17_l7_upstream_rt")},
            {"name": "requests", "kind": "rate_per_second", "source": elb("mb_l7_qps")},
        ],
    })
}

/// Nanoseconds for which a task of this system has run on a processor: `/proc/…/schedstat`, first field.
pub(super) fn cpu_nanoseconds(task: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{task}/schedstat")).unwrap_or_default();
    text.split_whitespace().next().and_then(|field| field.parse().ok()).unwrap_or_default()
}
