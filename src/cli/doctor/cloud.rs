//! The cloud's APIs, and the rights to them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clients::Cloud;
use crate::clients::auto_scaling::{GroupStatus, HookResult, LifeCycleState};
use crate::clients::ecs::NewServers;
use crate::clients::elb::NewMember;
use crate::config::Config;
use crate::fleet::first_order;
use crate::model::{
    AsGroupSource, EcsSource, FleetSource, Group, Minute, Mode, Pool, Purchase, SecretSource, SignalSource, Tag,
};

use super::metrics;
use super::report::Report;
use super::rights::NOBODY;

const AS: &str = "auto scaling";
const ECS: &str = "ecs";
const ELB: &str = "elb";

/// What is examined beside the configuration.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Rights that only acting needs are examined although groups only observe.
    pub(super) as_if_acting: bool,
    /// Prometheus, Redis and HTTP sources are read too.
    pub(super) own_systems: bool,
    /// The function `evaluate`.
    pub(super) evaluate_urn: Option<String>,
    pub(super) now: DateTime<Utc>,
}

pub(super) async fn examine(report: &mut Report, cloud: &Cloud, config: &Config, scope: &Scope) {
    project(report, cloud).await;
    for group in &config.groups {
        let acts = scope.as_if_acting || group.mode == Mode::Act;
        let mut instances = Vec::new();
        for pool in &group.pools {
            instances.extend(self::pool(report, cloud, group, pool, acts).await);
        }
        metrics::examine(report, cloud, group, &instances, scope.now).await;
        metrics::examine_own_systems(report, cloud, group, scope.own_systems, Minute::containing(scope.now)).await;
    }
    rights_by_fleet(report, cloud, config, scope).await;
    if config.publish_metrics {
        metrics::right_to_write(report, cloud, scope.now).await;
    } else {
        report.skipped(
            metrics::AREA,
            "may write metrics",
            "publish_metrics is not set: no decision is told as metrics",
        );
    }
    secrets(report, cloud, config).await;
    messages(report, cloud, config).await;
    reclaims(report, cloud, config).await;
    function(report, cloud, scope).await;
}

async fn project(report: &mut Report, cloud: &Cloud) {
    let region = cloud.region();
    let found = cloud.iam().projects(region).await;
    let seen = |_: &Vec<_>| format!("asked for {region}");
    if let Some(projects) = report.read("iam", "project of the region", found, seen) {
        let ids: Vec<&str> = projects.iter().map(|project| project.id.as_str()).collect();
        let fits = ids.contains(&cloud.project_id());
        let known = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        let seen = format!("{region} has {known}; the configuration says {}", cloud.project_id());
        report.must("iam", "region and project fit", fits, seen, "set project_id to that of the region");
    }
}

/// Returns the ids of the pool's serving instances.
async fn pool(report: &mut Report, cloud: &Cloud, group: &Group, pool: &Pool, acts: bool) -> Vec<String> {
    let name = format!("{}/{}", group.name, pool.name);
    let ids = match &pool.fleet {
        FleetSource::AsGroup(source) => scaling_group(report, cloud, &name, source, (group, pool), acts).await,
        FleetSource::Ecs(source) => tagged_servers(report, cloud, &name, source, pool, acts).await,
    };
    if !ids.is_empty() {
        let asked = ids.len();
        let seen = |servers: &Vec<_>| format!("{} of {asked} servers", servers.len());
        report.read(ECS, format!("{name}: servers"), cloud.ecs().servers(&ids).await, seen);
    }
    if let Some(id) = ids.first() {
        let seen = |_: &_| id.clone();
        report.read(ECS, format!("{name}: one server"), cloud.ecs().server(id).await, seen);
    }
    ids
}

async fn scaling_group(
    report: &mut Report,
    cloud: &Cloud,
    name: &str,
    source: &AsGroupSource,
    (group, pool): (&Group, &Pool),
    acts: bool,
) -> Vec<String> {
    let api = cloud.auto_scaling();
    let id = &source.scaling_group_id;
    let shown = report.read(AS, format!("{name}: group"), api.group(id).await, |found| {
        format!("{}: {} of {} to {} instances", found.name, found.desired, found.min, found.max)
    });
    if let Some(found) = &shown {
        let scales = found.status == GroupStatus::InService;
        let seen = format!("status {:?}", found.status);
        report.must(AS, format!("{name}: scales"), scales, seen, "enable the AS group; a paused one takes no number");
        let most = pool.max_instances.unwrap_or(group.scaling.max_instances);
        let fits = found.min <= pool.min_instances.max(group.scaling.min_instances) && found.max >= most;
        let seen = format!("the AS group allows {} to {}, the pool at most {most}", found.min, found.max);
        report.must(AS, format!("{name}: limits fit"), fits, seen, "widen the AS group's limits to those of the pool");
    }
    for listener in shown.iter().flat_map(|found| &found.listeners) {
        if acts {
            members(report, cloud, name, &listener.pool_id).await;
        } else {
            report.skipped(ELB, format!("{name}: members"), "the group only observes; --acting looks all the same");
        }
    }
    let hooks = api.lifecycle_hooks(id).await;
    report.read(AS, format!("{name}: lifecycle hooks"), hooks, |hooks| format!("{}", hooks.len()));
    let hanging = api.hanging_instances(id).await;
    report.read(AS, format!("{name}: hanging instances"), hanging, |hanging| format!("{}", hanging.len()));
    let listed = api.instances(id).await;
    let instances = report.read(AS, format!("{name}: instances"), listed, |all| format!("{}", all.len()));
    let serving = instances.into_iter().flatten().filter(|instance| instance.state == LifeCycleState::InService);
    serving.filter_map(|instance| instance.id).collect()
}

async fn tagged_servers(
    report: &mut Report,
    cloud: &Cloud,
    name: &str,
    source: &EcsSource,
    pool: &Pool,
    acts: bool,
) -> Vec<String> {
    let api = cloud.ecs();
    let tag = format!("{}={}", source.tag.key, source.tag.value);
    let found = api.servers_with_tag(&source.tag).await;
    let servers = report
        .read(ECS, format!("{name}: servers by tag"), found, |servers| format!("{} with {tag}", servers.len()))
        .unwrap_or_default();
    if pool.purchase == Purchase::Spot {
        for flavor in &source.instance_template.flavors {
            let check = format!("{name}: {flavor} as spot");
            let policies = api.sell_policies(flavor, "spot").await;
            let zones = |policies: &Vec<crate::clients::ecs::SellPolicy>| {
                let zones: Vec<&str> =
                    policies.iter().filter(|policy| policy.is_available()).map(|policy| policy.zone.as_str()).collect();
                if zones.is_empty() { "sold out everywhere just now".to_owned() } else { zones.join(", ") }
            };
            report.read(ECS, check, policies, zones);
        }
    }
    let quotas = api.limits().await;
    report.read(ECS, format!("{name}: quota"), quotas, |limits| {
        format!("{} of {} servers used", limits.instances_used, limits.instances)
    });
    let check = format!("{name}: an order would be accepted");
    if acts {
        let order = NewServers { name: "doctor-dry-run".to_owned(), ..first_order(pool, source) };
        report.read(ECS, check, api.check_create(&order).await, |()| format!("dry run of one {}", order.flavor_id));
    } else {
        report.skipped(ECS, check, "the group only observes; --acting looks all the same");
    }
    if let Some(id) = &source.load_balancer_pool_id {
        members(report, cloud, name, id).await;
    }
    servers.into_iter().map(|server| server.id).collect()
}

async fn members(report: &mut Report, cloud: &Cloud, name: &str, balancer: &str) {
    let members = cloud.elb().members(balancer).await;
    report.read(ELB, format!("{name}: members"), members, |members| format!("{} in pool {balancer}", members.len()));
}

/// The rights to change fleets, asked of what does not exist.
async fn rights_by_fleet(report: &mut Report, cloud: &Cloud, config: &Config, scope: &Scope) {
    let acting: Vec<&Group> =
        config.groups.iter().filter(|group| scope.as_if_acting || group.mode == Mode::Act).collect();
    if acting.is_empty() {
        report.skipped("rights", "to change fleets", "every group only observes; --acting looks all the same");
        return;
    }
    let pools = || acting.iter().flat_map(|group| &group.pools);
    if pools().any(|pool| matches!(pool.fleet, FleetSource::AsGroup(_))) {
        let api = cloud.auto_scaling();
        report.right(AS, "may set the number", api.set_desired(NOBODY, 0).await);
        let key = Uuid::nil().to_string();
        report.right(AS, "may complete hooks", api.complete_hook(NOBODY, &key, HookResult::Continue).await);
    }
    if pools().any(|pool| matches!(pool.fleet, FleetSource::Ecs(_))) {
        report.right(ECS, "may delete servers", cloud.ecs().delete(&[NOBODY.to_owned()]).await);
        let tag = Tag { key: "doctor".to_owned(), value: "probe".to_owned() };
        report.right(ECS, "may tag servers", cloud.ecs().set_tags(NOBODY, &[tag]).await);
    }
    let api = cloud.elb();
    let (mut joins, mut drains) = (false, false);
    for pool in pools() {
        match &pool.fleet {
            FleetSource::Ecs(source) => joins |= source.load_balancer_pool_id.is_some(),
            FleetSource::AsGroup(source) if !drains => {
                // That it cannot be shown has a line of its own.
                let group = cloud.auto_scaling().group(&source.scaling_group_id).await;
                drains = group.is_ok_and(|group| !group.listeners.is_empty());
            }
            FleetSource::AsGroup(_) => {}
        }
    }
    if joins || drains {
        report.right(ELB, "may set weights", api.set_weight(NOBODY, NOBODY, 0).await);
    }
    if joins {
        let member = NewMember {
            name: "doctor-probe".to_owned(),
            address: "192.0.2.1".to_owned(),
            protocol_port: 1,
            subnet_cidr_id: None,
            weight: 0,
        };
        report.right(ELB, "may add members", api.add_member(NOBODY, &member).await);
        report.right(ELB, "may remove members", api.remove_member(NOBODY, NOBODY).await);
    }
}

async fn secrets(report: &mut Report, cloud: &Cloud, config: &Config) {
    let signals = config.groups.iter().flat_map(|group| &group.signals).filter_map(|signal| match &signal.source {
        SignalSource::Prometheus(source) => source.bearer_token.as_ref(),
        SignalSource::HttpJson(source) => source.bearer_token.as_ref(),
        SignalSource::Redis(source) => source.password.as_ref(),
        SignalSource::CloudEye(_) => None,
    });
    let names: BTreeSet<&str> = signals
        .chain(&config.deepseek.api_key)
        .chain(config.otlp.as_ref().and_then(|otlp| otlp.bearer_token.as_ref()))
        .filter_map(|source| match source {
            SecretSource::Csms(name) => Some(name.as_str()),
            SecretSource::Env(_) => None,
        })
        .collect();
    for name in names {
        // What it holds is never shown.
        report.read("csms", name, cloud.csms().secret(name).await, |_| "can be read".to_owned());
    }
}

async fn messages(report: &mut Report, cloud: &Cloud, config: &Config) {
    match &config.notify.topic_urn {
        Some(topic) => {
            let nowhere = format!("{topic}-{NOBODY}");
            let sent = cloud.smn().publish(&nowhere, "doctor", "Nobody reads this.").await;
            report.right("smn", "may publish", sent);
        }
        None => report.skipped("smn", "may publish", "notify.topic_urn is not set: nobody is told anything"),
    }
}

async fn reclaims(report: &mut Report, cloud: &Cloud, config: &Config) {
    let spot = config.groups.iter().flat_map(|group| &group.pools).any(|pool| pool.purchase == Purchase::Spot);
    if !spot {
        report.skipped("cts", "spot reclaims are told", "no pool is spot");
        return;
    }
    let listed = cloud.cts().notifications().await;
    let told = |notifications: &Vec<crate::clients::cts::Notification>| {
        let names: Vec<&str> = notifications
            .iter()
            .filter(|notification| notification.tells_reclaims())
            .map(|notification| notification.name.as_str())
            .collect();
        if names.is_empty() {
            "by no key-event notification; the CTS trigger of reclaim must do".to_owned()
        } else {
            format!("by {}", names.join(", "))
        }
    };
    report.read("cts", "spot reclaims are told", listed, told);
}

async fn function(report: &mut Report, cloud: &Cloud, scope: &Scope) {
    let check = "may invoke evaluate";
    let Some(urn) = &scope.evaluate_urn else {
        report.skipped("functiongraph", check, "--evaluate-urn names the function; needed for shards and the console");
        return;
    };
    // A version that does not exist, so that nothing runs.
    let parts: Vec<&str> = urn.split(':').take(7).collect();
    let nothing = format!("{}:doctor-{}", parts.join(":"), &NOBODY[..8]);
    let event = serde_json::json!({"action": "evaluate", "groups": [], "dry_run": true});
    report.right("functiongraph", check, cloud.function_graph().invoke_async(&nothing, &event).await);
}
