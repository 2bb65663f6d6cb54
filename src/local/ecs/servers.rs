//! Listing servers, and one server in detail.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::auto_scaling::time;
use super::super::errors::{ApiError, REQUEST_ID};
use super::super::instance::{Instance, InstanceKey, Phase};
use super::super::region::Region;
use super::super::state::State;
use super::{ECS, no_such_server};
use crate::model::Purchase;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<usize>,
    offset: Option<usize>,
    marker: Option<String>,
    tags: Option<String>,
    name: Option<String>,
    status: Option<String>,
    flavor: Option<String>,
    server_id: Option<String>,
    ip_eq: Option<String>,
    availability_zone_eq: Option<String>,
    charging_mode: Option<String>,
}

impl ListQuery {
    fn finds(&self, state: &State, key: InstanceKey, instance: &Instance) -> bool {
        let wanted = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
        instance.phase != Phase::Ended
            && self.name.as_ref().is_none_or(|name| instance.name.contains(name))
            && wanted(&self.status, instance.server_status(state.now))
            && wanted(&self.flavor, &instance.flavor)
            && wanted(&self.ip_eq, &Instance::address(key))
            && wanted(&self.availability_zone_eq, &instance.zone)
            && wanted(&self.charging_mode, charging_mode(instance))
            && self.server_id.as_ref().is_none_or(|ids| ids.split(',').any(|id| id == instance.id))
            && self.tags.as_ref().is_none_or(|tags| tags.split(',').all(|tag| has_tag(instance, tag)))
    }
}

/// `key=value`, `key.value` or a key alone: the form isn't documented clearly, so each is understood.
fn has_tag(instance: &Instance, text: &str) -> bool {
    match text.split_once(['=', '.']) {
        Some((key, value)) => instance.tags.get(key).is_some_and(|known| known == value),
        None => instance.tags.contains_key(text),
    }
}

/// `0` on demand, `2` spot.
fn charging_mode(instance: &Instance) -> &'static str {
    match instance.purchase {
        Purchase::OnDemand => "0",
        Purchase::Spot => "2",
    }
}

/// Version 1: pages are counted from one.
pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let (limit, page) = (query.limit.unwrap_or(25), query.offset.unwrap_or(1));
    if !(1..=1_000).contains(&limit) || page == 0 {
        return Err(ECS.bad_request("limit is 1 to 1000, and offset, a page number, at least 1"));
    }
    let state = region.lock();
    let found: Vec<(InstanceKey, &Instance)> =
        state.instances.iter().map(|(&key, it)| (key, it)).filter(|&(key, it)| query.finds(&state, key, it)).collect();
    let servers: Vec<Value> = found
        .iter()
        .skip((page - 1).saturating_mul(limit))
        .take(limit)
        .map(|&(key, instance)| describe(&state, key, instance))
        .collect();
    Ok(Json(json!({"servers": servers, "count": found.len(), "request_id": REQUEST_ID})))
}

/// Version 1.1: a page starts after a marker.
pub(super) async fn list_v1_1(
    Extract(region): Extract<Arc<Region>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(10..=100).contains(&limit) {
        return Err(ECS.bad_request("limit is 10 to 100"));
    }
    let state = region.lock();
    let after = match &query.marker {
        Some(marker) => state.instance(marker).map(|(key, _)| key).ok_or_else(|| no_such_server(marker))?,
        None => 0,
    };
    let servers: Vec<Value> = state
        .instances
        .range(after + 1..)
        .map(|(&key, instance)| (key, instance))
        .filter(|&(key, instance)| query.finds(&state, key, instance))
        .take(limit)
        .map(|(key, instance)| describe_v1_1(&state, key, instance))
        .collect();
    Ok(Json(json!({"servers": servers, "servers_links": [], "request_id": REQUEST_ID})))
}

pub(super) async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let (key, instance) = state.live_instance(&id).ok_or_else(|| no_such_server(&id))?;
    Ok(Json(json!({"server": describe(&state, key, instance)})))
}

fn flavor(state: &State, instance: &Instance) -> (u32, u32) {
    state.settings.flavors.get(&instance.flavor).map_or((0, 0), |flavor| (flavor.vcpus, flavor.memory_mib))
}

fn tag_texts(instance: &Instance) -> Vec<String> {
    instance.tags.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

fn launched(state: &State, instance: &Instance) -> Option<String> {
    (state.now > instance.asked).then(|| time(instance.asked + 1))
}

fn describe(state: &State, key: InstanceKey, instance: &Instance) -> Value {
    let (vcpus, memory_mib) = flavor(state, instance);
    let status = instance.server_status(state.now);
    json!({
        "id": instance.id,
        "name": instance.name,
        "status": status,
        "created": time(instance.asked),
        "updated": time(state.now),
        "tenant_id": state.settings.project_id,
        "flavor": {
            "id": instance.flavor, "name": instance.flavor,
            "vcpus": vcpus.to_string(), "ram": memory_mib.to_string(), "disk": "0",
        },
        "metadata": {"charging_mode": charging_mode(instance), "vpc_id": "demo-vpc"},
        "addresses": {"demo-vpc": [{
            "version": "4", "addr": Instance::address(key), "primary": true, "OS-EXT-IPS:type": "fixed",
        }]},
        "tags": tag_texts(instance),
        "sys_tags": [{"key": "_sys_enterprise_project_id", "value": "0"}],
        "enterprise_project_id": "0",
        "key_name": null,
        "locked": false,
        "image": {"id": "demo-image"},
        "security_groups": [{"id": "demo-security-group", "name": "demo"}],
        "OS-EXT-AZ:availability_zone": instance.zone,
        "OS-EXT-STS:task_state": if status == "BUILD" { Some("spawning") } else { None },
        "OS-EXT-STS:vm_state": status.to_lowercase(),
        "OS-EXT-STS:power_state": if status == "ACTIVE" { 1 } else { 0 },
        "OS-SRV-USG:launched_at": launched(state, instance),
        "OS-SRV-USG:terminated_at": null,
    })
}

fn describe_v1_1(state: &State, key: InstanceKey, instance: &Instance) -> Value {
    let (vcpus, memory_mib) = flavor(state, instance);
    let status = instance.server_status(state.now);
    let charge_mode = match instance.purchase {
        Purchase::OnDemand => "postPaid",
        Purchase::Spot => "spot",
    };
    json!({
        "id": instance.id,
        "name": instance.name,
        "status": status,
        "tenant_id": state.settings.project_id,
        "market_info": {"charge_mode": charge_mode},
        "availability_zone": instance.zone,
        "vm_state": status.to_lowercase(),
        "task_state": if status == "BUILD" { Some("spawning") } else { None },
        "power_state": if status == "ACTIVE" { 1 } else { 0 },
        "created": time(instance.asked),
        "updated": time(state.now),
        "launched_at": launched(state, instance),
        "in_recycle_bin": false,
        "metadata": {},
        "tags": tag_texts(instance),
        "addresses": {"demo-vpc": [{"version": "4", "addr": Instance::address(key), "type": "fixed"}]},
        "flavor": {"id": instance.flavor, "name": instance.flavor, "vcpus": vcpus, "ram": memory_mib},
    })
}
