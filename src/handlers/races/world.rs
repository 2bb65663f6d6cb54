//! A region, a store and the functions on them, all in one process and on one clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::scheduler::Scheduler;
use super::store::RacingStore;
use crate::clients::http::Carrier;
use crate::clients::in_process::InProcess;
use crate::clients::{Credentials, Secret};
use crate::functiongraph::{Environment, Invocation};
use crate::handlers::console::AccessToken;
use crate::handlers::evaluate::Evaluate;
use crate::handlers::{Workplace, alarm, console, reclaim};
use crate::local::{
    AsGroupSettings, EventTrigger, PoolSettings, Region, RegionSettings, TaggedSettings, WorkloadSettings,
};
use crate::model::{Minute, Purchase, Tag};
use crate::queueing::ServiceModel;
use crate::state::{Found, Snapshot, Store, read_snapshot};

pub(in crate::handlers) const TOPIC: &str = "urn:smn:cn-north-4:project:alarms";
pub(in crate::handlers) const GROUP: &str = "inference";
pub(in crate::handlers) const MIN_INSTANCES: u32 = 2;
pub(in crate::handlers) const MAX_INSTANCES: u32 = 16;
/// Instances that serve at first, each for ten requests a second.
pub(in crate::handlers) const INITIAL: u32 = 8;
const TOKEN: &str = "a-token-of-the-stage";

/// What the group's pools are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::handlers) enum Fleets {
    /// Two Auto Scaling groups.
    AutoScaling,
    /// On-demand instances in an Auto Scaling group, tagged spot servers.
    Mixed,
    /// Tagged servers, both.
    Servers,
    /// Tagged servers behind a load balancer, both.
    Balanced,
}

/// A function and what wakes it.
#[derive(Clone, Debug)]
pub(in crate::handlers) enum Wake {
    /// `evaluate`, in one of two warm instances.
    Evaluate(usize),
    Alarm(Value),
    Reclaim(Value),
    Console(Value),
}

/// The stage.
#[derive(Debug)]
pub(in crate::handlers) struct World {
    pub(in crate::handlers) region: Arc<Region>,
    pub(in crate::handlers) store: RacingStore,
    pub(in crate::handlers) scheduler: Scheduler,
    fleets: Fleets,
    clock: Arc<Mutex<DateTime<Utc>>>,
    workplace: Workplace,
    evaluates: [Evaluate; 2],
    invocations: std::cell::Cell<u32>,
}

/// The region's APIs, each request a step.
#[derive(Clone, Debug)]
struct SteppedCloud {
    router: Router,
    scheduler: Scheduler,
}

#[async_trait]
impl InProcess for SteppedCloud {
    async fn answer(&self, request: reqwest::Request) -> (u16, Vec<u8>) {
        self.scheduler.turn().await;
        let url = request.url();
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut builder = axum::http::Request::builder().method(request.method().clone()).uri(target);
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        let Ok(response) = self.router.clone().oneshot(builder.body(Body::from(body)).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        self.scheduler.turn().await;
        (parts.status.as_u16(), body)
    }
}

fn tag(pool: &str) -> Tag {
    Tag { key: "pool".to_owned(), value: format!("inference-{pool}") }
}

/// A region for those fleets. Made once: it is reset for each case.
pub(in crate::handlers) fn region(fleets: Fleets) -> Arc<Region> {
    let pool = |name: &str, purchase, initial| match is_servers(fleets, purchase) {
        false => PoolSettings::AutoScaling(AsGroupSettings {
            id: format!("as-{name}"),
            name: format!("as-{name}"),
            min_instances: 0,
            max_instances: 100,
            initial,
            purchase,
            flavor: "c7.large.2".to_owned(),
            cool_down_seconds: 300,
        }),
        true => PoolSettings::Tagged(TaggedSettings {
            tag: tag(name),
            initial,
            purchase,
            flavor: "c7.large.2".to_owned(),
            needs_member: fleets == Fleets::Balanced,
        }),
    };
    let workload = WorkloadSettings {
        name: GROUP.to_owned(),
        model: ServiceModel::new(10.0, 120),
        pools: vec![pool("base", Purchase::OnDemand, 0), pool("spot", Purchase::Spot, INITIAL)],
    };
    let start = Minute::containing("2026-01-08T08:00:00Z".parse().unwrap());
    Arc::new(Region::new(RegionSettings { start, workloads: vec![workload], ..RegionSettings::default() }))
}

fn is_servers(fleets: Fleets, purchase: Purchase) -> bool {
    match fleets {
        Fleets::AutoScaling => false,
        Fleets::Mixed => purchase == Purchase::Spot,
        Fleets::Servers | Fleets::Balanced => true,
    }
}

fn config(region: &Region, fleets: Fleets, hedge: bool) -> Value {
    let url = "http://127.0.0.1:9";
    let pool = |name: &str, purchase, price: f64| {
        let fleet = match is_servers(fleets, purchase) {
            false => json!({"as_group": {"scaling_group_id": format!("as-{name}")}}),
            true => json!({"ecs": {
                "tag": tag(name), "zones": region.settings().zones,
                "load_balancer_pool_id": (fleets == Fleets::Balanced)
                    .then(|| region.settings().workloads[0].load_balancer_pool_id()),
                "instance_template": {
                    "flavors": ["c7.large.2"], "image_id": "i", "vpc_id": "v", "subnet_id": "s", "protocol_port": 80,
                },
            }}),
        };
        json!({"name": name, "purchase": purchase, "price_per_hour": price, "fleet": fleet})
    };
    json!({
        "region": region.settings().region, "project_id": region.settings().project_id,
        "endpoints": {"as": url, "ecs": url, "ces": url, "smn": url, "elb": url},
        "notify": {"topic_urn": "urn:smn:cn-north-4:project:people", "accept_topics": [TOPIC]},
        "groups": [{
            "name": GROUP, "mode": "act",
            "scaling":
                {"min_instances": MIN_INSTANCES, "max_instances": MAX_INSTANCES, "lead_time_seconds": 120},
            "pools": [pool("base", Purchase::OnDemand, 0.72), pool("spot", Purchase::Spot, 0.24)],
            "purchase": {"spot_hedge": hedge},
            "signals": [{
                "name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}},
            }],
            "policy": {"engine": "target_tracking"},
        }],
    })
}

impl World {
    pub(in crate::handlers) async fn new(region: &Arc<Region>, router: &Router, fleets: Fleets, hedge: bool) -> Self {
        region.reset();
        let scheduler = Scheduler::default();
        let store = RacingStore::new(scheduler.clone());
        let keys = region.settings().agency.clone();
        let Credentials { access_key, secret_key, security_token, .. } = keys;
        let environment = Environment::from_variables([
            ("AUTOSCALER_STORE", "file:///unused".to_owned()),
            ("HUAWEICLOUD_SDK_AK", access_key),
            ("HUAWEICLOUD_SDK_SK", secret_key.expose().to_owned()),
            ("HUAWEICLOUD_SDK_SECURITY_TOKEN", security_token.unwrap().expose().to_owned()),
        ])
        .unwrap();
        let objects = Store::new(Arc::new(store.clone()), Path::default());
        let soon = Instant::now() + Duration::from_secs(5);
        objects.put("config.json", config(region, fleets, hedge).to_string(), soon).await.unwrap();
        let cloud = SteppedCloud { router: router.clone(), scheduler: scheduler.clone() };
        let clock = Arc::new(Mutex::new(region.now().start()));
        let workplace = || {
            let carrier = Carrier::InProcess(Arc::new(cloud.clone()));
            Workplace::on_stage(&environment, objects.clone(), carrier, Arc::clone(&clock))
        };
        Self {
            evaluates: [Evaluate::at(workplace()), Evaluate::at(workplace())],
            workplace: workplace(),
            region: Arc::clone(region),
            store,
            scheduler,
            fleets,
            clock,
            invocations: std::cell::Cell::new(0),
        }
    }

    pub(in crate::handlers) fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().unwrap()
    }

    /// Lets a minute pass.
    pub(in crate::handlers) fn minute(&self, load_per_second: f64) {
        self.region.play_minute(&[load_per_second]);
        *self.clock.lock().unwrap() = self.region.now().start();
    }

    /// Instances by pool. Tagged servers that had their notice are counted only if `going` says so; the number of an Auto
    /// Scaling group holds them.
    pub(in crate::handlers) fn pools(&self, going: bool) -> [u32; 2] {
        [("base", Purchase::OnDemand), ("spot", Purchase::Spot)].map(|(pool, purchase)| {
            match is_servers(self.fleets, purchase) {
                false => self.region.desired(&format!("as-{pool}")),
                true => {
                    let held = self.region.held(&tag(pool));
                    held.staying + if going { held.going } else { 0 }
                }
            }
        })
    }

    pub(in crate::handlers) fn total(&self) -> u32 {
        self.pools(true).iter().sum()
    }

    /// A message of the alarm's topic.
    pub(in crate::handlers) fn alarm(&self, id: &str, value: u16) -> Value {
        let time = self.now().timestamp_millis() - 60_000;
        let message = json!({
            "message_type": "alarm", "alarm_id": "al1", "alarm_name": "autoscaler-inference-cpu",
            "alarm_status": "alarm", "time": time, "namespace": "SYS.AS", "metric_name": "cpu_usage",
            "dimension": "AutoScalingGroup:as-spot", "period": 1, "filter": "average", "comparison_operator": ">",
            "value": 70, "unit": "%", "count": 1, "alarmValue": [{"time": time, "value": value}],
        });
        json!({"record": [{"event_source": "smn", "smn": {
            "topic_urn": TOPIC, "timestamp": self.now().to_rfc3339(), "message_id": id, "message": message.to_string(),
        }}]})
    }

    /// Takes spot servers back, and gives the traces that tell of it.
    pub(in crate::handlers) fn lose(&self, zone: usize, count: u32) -> Vec<Value> {
        let zones = &self.region.settings().zones;
        self.region.take_back(&zones[zone % zones.len()], count);
        let events = self.region.take_events().into_iter();
        events.filter(|event| event.trigger == EventTrigger::Trace).map(|event| event.event).collect()
    }

    /// A request of a person.
    pub(in crate::handlers) fn request(&self, method: &str, query: Value, body: &Value) -> Value {
        json!({
            "httpMethod": method, "path": "/api/groups/inference/hold", "queryStringParameters": query,
            "headers": {"authorization": format!("Bearer {TOKEN}"), "content-type": "application/json"},
            "body": body.to_string(), "isBase64Encoded": false,
            "requestContext": {"apiId": "a", "requestId": "r", "stage": "RELEASE"},
        })
    }

    pub(in crate::handlers) fn order(&self, order: Value, minutes: i64) -> Value {
        let until = self.now() + TimeDelta::minutes(minutes);
        self.request("PUT", json!({}), &json!({"order": order, "who": "ada", "why": "sale", "until": until}))
    }

    /// Wakes a function and gives what it answered, or `None` if it failed.
    pub(in crate::handlers) async fn wake(&self, wake: Wake) -> Option<Value> {
        let timer =
            || json!({"version": "v1.0", "time": self.now().to_rfc3339(), "trigger_type": "TIMER", "user_event": ""});
        let answered = match wake {
            Wake::Evaluate(instance) => read(self.evaluates[instance].handle(self.invocation(&timer())).await),
            Wake::Alarm(event) => read(alarm::handle(&self.workplace, self.invocation(&event)).await),
            Wake::Reclaim(event) => read(reclaim::handle(&self.workplace, self.invocation(&event)).await),
            Wake::Console(event) => {
                let token = AccessToken::new(&Secret::new(TOKEN));
                read(console::handle(self.workplace.clone(), token, self.invocation(&event)).await)
            }
        };
        match answered {
            Ok(answer) => Some(answer),
            Err(error) => panic!("a function failed: {error}"),
        }
    }

    fn invocation(&self, event: &Value) -> Invocation {
        let number = self.invocations.get() + 1;
        self.invocations.set(number);
        Invocation {
            event: event.to_string().into(),
            request_id: format!("request-{number}"),
            invoke_type: Default::default(),
            credentials: None,
            deadline: Instant::now() + Duration::from_secs(50),
        }
    }

    pub(in crate::handlers) async fn snapshot(&self) -> Snapshot {
        let objects = Store::new(Arc::new(self.store.clone()), Path::default());
        match read_snapshot(&objects, GROUP, Instant::now() + Duration::from_secs(5)).await.unwrap() {
            Found::Whole(snapshot) => *snapshot,
            other => panic!("{other:?}"),
        }
    }
}

fn read<T: Serialize, E: std::fmt::Display>(result: Result<T, E>) -> Result<Value, String> {
    result.map(|answer| serde_json::to_value(answer).unwrap()).map_err(|error| error.to_string())
}
