//! Makes a configuration for the real cloud one for the local region: same group, same policy, other addresses and ids.

use std::collections::BTreeMap;

use url::Url;

use super::super::{AsGroupSettings, FlavorSettings, PoolSettings, RegionSettings, TaggedSettings, WorkloadSettings};
use crate::config::{AdviserMode, Config};
use crate::model::{CloudEyeSource, Endpoints, FleetSource, Group, Purchase, SecretSource, SignalKind, SignalSource};
use crate::queueing::ServiceModel;

/// One workload for each group, with the pools that the configuration names. The first pool has the instances that serve
/// at the start.
pub(super) fn workloads(config: &Config, model: ServiceModel, initial: u32) -> Vec<WorkloadSettings> {
    let workload = |group: &Group| {
        let initial = initial.clamp(group.scaling.min_instances, group.scaling.max_instances);
        let initials = std::iter::once(initial).chain(std::iter::repeat(0));
        let pools = group.pools.iter().zip(initials);
        let pool = |(pool, initial): (&crate::model::Pool, u32)| match &pool.fleet {
            FleetSource::AsGroup(source) => PoolSettings::AutoScaling(AsGroupSettings {
                id: source.scaling_group_id.clone(),
                name: pool.name.clone(),
                min_instances: pool.min_instances,
                max_instances: pool.max_instances.unwrap_or(group.scaling.max_instances),
                initial,
                purchase: pool.purchase,
                flavor: "c7.large.2".to_owned(),
                cool_down_seconds: 300,
            }),
            FleetSource::Ecs(source) => PoolSettings::Tagged(TaggedSettings {
                tag: source.tag.clone(),
                initial,
                purchase: pool.purchase,
                flavor: source.instance_template.flavors[0].clone(),
                needs_member: source.load_balancer_pool_id.is_some(),
            }),
        };
        WorkloadSettings { name: group.name.clone(), model, pools: pools.map(pool).collect() }
    };
    config.groups.iter().map(workload).collect()
}

/// Lets the region sell what the configuration buys, at its prices and in its zones; a spot trace brings its own zones.
pub(super) fn stock(settings: &mut RegionSettings, config: &Config, brings_zones: bool) {
    let mut zones: Vec<String> = Vec::new();
    for pool in config.groups.iter().flat_map(|group| &group.pools) {
        let FleetSource::Ecs(source) = &pool.fleet else { continue };
        zones.extend(source.zones.iter().cloned());
        for name in &source.instance_template.flavors {
            let price_per_hour = pool.price_per_hour;
            let unknown = FlavorSettings { vcpus: 2, memory_mib: 4_096, price_per_hour, spot_price_per_hour: None };
            let flavor = settings.flavors.entry(name.clone()).or_insert(unknown);
            match pool.purchase {
                Purchase::OnDemand => flavor.price_per_hour = price_per_hour,
                Purchase::Spot => flavor.spot_price_per_hour = Some(price_per_hour),
            }
        }
    }
    zones.sort_unstable();
    zones.dedup();
    if !zones.is_empty() && !brings_zones {
        settings.zones = zones;
    }
}

/// Points every API to the region, tagged servers to its zones and load balancer, and every signal to a metric that the region has: a load balancer's to that of the
/// group's own, a queue length to the demo namespace. A source outside of the cloud (Redis, Prometheus, HTTP) is replaced
/// by the region's metric of the same kind, or left out where it has none.
pub fn localise(config: &mut Config, region: &RegionSettings, url: &str) {
    let address = Url::parse(url).ok();
    config.endpoints = Endpoints {
        auto_scaling: address.clone(),
        ecs: address.clone(),
        ces: address.clone(),
        smn: address.clone(),
        elb: address.clone(),
        functiongraph: address.clone(),
        csms: address.clone(),
        iam: address.clone(),
        cts: address.clone(),
    };
    if let Some(address) = address.filter(|_| config.deepseek.mode != AdviserMode::Off) {
        config.deepseek.api_url = address;
        config.deepseek.api_key = Some(SecretSource::Env(super::ADVISER_KEY_VARIABLE.to_owned()));
    }
    for (group, workload) in config.groups.iter_mut().zip(&region.workloads) {
        for pool in &mut group.pools {
            let FleetSource::Ecs(source) = &mut pool.fleet else { continue };
            if source.zones.iter().any(|zone| !region.zones.contains(zone)) {
                source.zones.clone_from(&region.zones);
            }
            if let Some(id) = &mut source.load_balancer_pool_id {
                *id = workload.load_balancer_pool_id();
            }
        }
        group.signals.retain_mut(|signal| match local_source(&signal.source, signal.kind, workload) {
            Some(source) => {
                signal.source = source;
                true
            }
            None => false,
        });
    }
}

fn local_source(source: &SignalSource, kind: SignalKind, workload: &WorkloadSettings) -> Option<SignalSource> {
    let load_balancer = |metric: &str| one("SYS.ELB", metric, "lbaas_instance_id", &workload.load_balancer_id());
    match source {
        SignalSource::CloudEye(source) => {
            let mut source = source.clone();
            if let Some(id) = source.dimensions.get_mut("lbaas_instance_id") {
                *id = workload.load_balancer_id();
            }
            let first_group = workload.scaling_group_ids().next();
            if let Some((id, group)) = source.dimensions.get_mut("AutoScalingGroup").zip(first_group) {
                group.clone_into(id);
            }
            if source.namespace == super::super::DEMO_NAMESPACE {
                source.dimensions = BTreeMap::from([("service".to_owned(), workload.name.clone())]);
            }
            Some(SignalSource::CloudEye(source))
        }
        SignalSource::Prometheus(_) | SignalSource::Redis(_) | SignalSource::HttpJson(_) => match kind {
            SignalKind::QueueLength => {
                Some(one(super::super::DEMO_NAMESPACE, "queue_length", "service", &workload.name))
            }
            SignalKind::RatePerSecond => Some(load_balancer("mb_l7_qps")),
            SignalKind::LatencyMs => Some(load_balancer("m17_l7_upstream_rt")),
            SignalKind::Utilisation | SignalKind::Percent => None,
        },
    }
}

fn one(namespace: &str, metric: &str, dimension: &str, value: &str) -> SignalSource {
    SignalSource::CloudEye(CloudEyeSource {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        per: None,
        dimensions: BTreeMap::from([(dimension.to_owned(), value.to_owned())]),
        period: None,
        scale: None,
    })
}
