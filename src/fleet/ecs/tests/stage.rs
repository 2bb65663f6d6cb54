//! A served region with one pool of tagged servers, and a fleet that drives it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;

use crate::clients::ecs::Server;
use crate::clients::{Cloud, testing};
use crate::fleet::{self, FleetError, View};
use crate::local::{
    Call, Fault, Faults, PoolSettings, Region, RegionSettings, ServerHandle, TaggedSettings, WorkloadSettings, serve,
};
use crate::model::{Endpoints, FleetSource, Minute, Pool, Purchase, Tag};
use crate::queueing::ServiceModel;
use crate::state::FleetMemory;

pub(super) const ZONES: [&str; 3] = ["cn-north-4a", "cn-north-4b", "cn-north-4c"];
pub(super) const FLAVOR: &str = "c7.large.2";
pub(super) const OTHER_FLAVOR: &str = "c7.xlarge.2";
/// The operation of listing by tag, as the region names it.
const TAG_QUERY: &str = "POST /v1/{project_id}/cloudservers/resource_instances/action";

pub(super) struct Stage {
    pub(super) region: Arc<Region>,
    pub(super) cloud: Cloud,
    pub(super) memory: FleetMemory,
    pool: Pool,
    _server: ServerHandle,
}

impl Stage {
    /// Spot servers in three zones, none yet; lead time two minutes. `template` is laid over the pool's template.
    pub(super) async fn new(template: Value) -> Self {
        let mut stage = Self::start(false, 100_000).await;
        stage.template(template);
        stage
    }

    pub(super) async fn with_quota(servers: u32) -> Self {
        Self::start(false, servers).await
    }

    pub(super) async fn behind_balancer() -> Self {
        Self::start(true, 100_000).await
    }

    pub(super) async fn start(needs_member: bool, server_quota: u32) -> Self {
        let tag = Tag { key: "pool".to_owned(), value: "inference-spot".to_owned() };
        let tagged = TaggedSettings {
            tag: tag.clone(),
            initial: 0,
            purchase: Purchase::Spot,
            flavor: FLAVOR.to_owned(),
            needs_member,
        };
        let workload = WorkloadSettings {
            name: "inference".to_owned(),
            model: ServiceModel::new(10.0, 120),
            pools: vec![PoolSettings::Tagged(tagged)],
        };
        let balancer = needs_member.then(|| workload.load_balancer_pool_id());
        let settings = RegionSettings {
            start: Minute(29_000_000),
            server_quota,
            workloads: vec![workload],
            ..RegionSettings::default()
        };
        let region = Arc::new(Region::new(settings));
        let server = serve(Arc::clone(&region), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let url = Some(Url::parse(&server.url()).unwrap());
        let endpoints = Endpoints { ecs: url.clone(), elb: url, ..Endpoints::default() };
        let settings = region.settings();
        let transport = testing::transport(Duration::from_secs(60));
        let cloud =
            Cloud::new(&settings.region, &settings.project_id, &endpoints, settings.agency.clone(), transport).unwrap();
        let pool = json!({
            "name": "spot", "purchase": "spot", "price_per_hour": 0.24,
            "fleet": {"ecs": {
                "tag": tag, "zones": ZONES, "load_balancer_pool_id": balancer,
                "instance_template": {
                    "flavors": [FLAVOR], "image_id": "image", "vpc_id": "vpc", "subnet_id": "subnet",
                    "protocol_port": 80, "tags": {"team": "ml"},
                },
            }},
        });
        let pool = serde_json::from_value(pool).unwrap();
        Self { region, cloud, memory: FleetMemory::default(), pool, _server: server }
    }

    /// Lays other values over the template.
    pub(super) fn template(&mut self, overlay: Value) {
        let FleetSource::Ecs(source) = &mut self.pool.fleet else { panic!("the pool is of tagged servers") };
        let mut template = serde_json::to_value(&source.instance_template).unwrap();
        for (name, value) in overlay.as_object().unwrap() {
            template[name] = value.clone();
        }
        source.instance_template = serde_json::from_value(template).unwrap();
    }

    fn now(&self) -> DateTime<Utc> {
        self.region.now().start()
    }

    pub(super) async fn try_look(&mut self) -> Result<View, FleetError> {
        let now = self.now();
        fleet::look(&self.cloud, &self.pool, &mut self.memory, now).await
    }

    pub(super) async fn look(&mut self) -> View {
        self.try_look().await.unwrap()
    }

    /// One evaluation that wants `target` servers, as the evaluate function does it. Gives what it saw before.
    pub(super) async fn set(&mut self, target: u32) -> Result<View, FleetError> {
        let (view, now) = (self.look().await, self.now());
        let target = target.max(view.least);
        let scaled = if target == view.capacity.total() {
            Ok(())
        } else {
            fleet::scale(&self.cloud, &self.pool, &mut self.memory, &view, target, now).await
        };
        fleet::finish(&self.cloud, &self.pool, &mut self.memory, &view, now).await?;
        scaled.map(|()| view)
    }

    /// Asks for a number, as whoever has seen that before does it.
    pub(super) async fn scale(&self, memory: &mut FleetMemory, seen: &View, target: u32) {
        fleet::scale(&self.cloud, &self.pool, memory, seen, target, self.now()).await.unwrap();
    }

    /// Evaluations until that many servers serve.
    pub(super) async fn serve(&mut self, target: u32) {
        for _ in 0..5 {
            self.set(target).await.unwrap();
            self.play(1);
        }
        assert_eq!(self.set(target).await.unwrap().capacity.serving, target);
    }

    pub(super) fn play(&self, minutes: usize) {
        for _ in 0..minutes {
            self.region.play_minute(&[5.0]);
        }
    }

    /// All servers that carry the tag, in the order of their making.
    pub(super) async fn servers(&self) -> Vec<Server> {
        let FleetSource::Ecs(source) = &self.pool.fleet else { panic!("the pool is of tagged servers") };
        let ids: Vec<String> =
            self.cloud.ecs().servers_with_tag(&source.tag).await.unwrap().into_iter().map(|server| server.id).collect();
        self.cloud.ecs().servers(&ids).await.unwrap()
    }

    /// Their ids, sorted.
    pub(super) async fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.servers().await.into_iter().map(|server| server.id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) async fn by_zone(&self) -> [usize; 3] {
        let servers = self.servers().await;
        ZONES.map(|zone| servers.iter().filter(|server| server.zone == zone).count())
    }

    /// The members' weights, by server.
    pub(super) async fn weights(&self) -> BTreeMap<String, u32> {
        let pool = self.region.settings().workloads[0].load_balancer_pool_id();
        let members = self.cloud.elb().members(&pool).await.unwrap();
        members.into_iter().map(|member| (member.instance_id.unwrap(), member.weight)).collect()
    }

    /// How many orders of servers were sent.
    pub(super) fn orders(&self) -> u64 {
        let calls = self.region.calls();
        let orders = calls.iter().filter(|(_, operation, _)| *operation == "POST /v1/{project_id}/cloudservers");
        orders.map(|(_, _, count)| count).sum()
    }
}

/// Shows by tag only what was there before.
#[derive(Debug)]
pub(super) struct LaggingTags(String);

impl LaggingTags {
    pub(super) fn new(servers: &[Server]) -> Self {
        let resources: Vec<Value> = servers
            .iter()
            .map(|server| json!({"resource_id": server.id, "resource_name": server.name, "tags": []}))
            .collect();
        Self(json!({"resources": resources, "total_count": resources.len()}).to_string())
    }
}

impl Faults for LaggingTags {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        (call.operation == TAG_QUERY).then(|| Fault::Garbage(self.0.clone()))
    }
}

/// Refuses everything.
#[derive(Debug)]
pub(super) struct Refused;

impl Faults for Refused {
    fn on_call(&self, _: &Call<'_>) -> Option<Fault> {
        Some(Fault::Error { status: 503, code: "Ecs.0002".to_owned(), message: "down".to_owned() })
    }
}
