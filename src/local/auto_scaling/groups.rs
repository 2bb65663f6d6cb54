//! Groups: list, show, update, enable and disable.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::instance::Phase;
use super::super::region::Region;
use super::super::scaling_group::{ScalingGroup, TerminatePolicy};
use super::super::state::State;
use super::{AS, Page, group, no_such_group, time};

#[derive(Deserialize)]
pub(super) struct ListQuery {
    scaling_group_name: Option<String>,
    scaling_configuration_id: Option<String>,
    scaling_group_status: Option<String>,
}

pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Query(query): Query<ListQuery>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let ListQuery { scaling_group_name, scaling_configuration_id, scaling_group_status } = &query;
    let found = state
        .groups
        .values()
        .filter(|group| scaling_group_name.as_ref().is_none_or(|name| group.settings.name.contains(name)))
        .filter(|group| scaling_configuration_id.as_ref().is_none_or(|id| *id == group.configuration_id))
        .filter(|group| scaling_group_status.as_ref().is_none_or(|status| status == status_name(group)))
        .map(|group| describe(&state, group))
        .collect();
    page.of("scaling_groups", found)
}

pub(super) async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    Ok(Json(json!({"scaling_group": describe(&state, group(&state, &id)?)})))
}

fn status_name(group: &ScalingGroup) -> &'static str {
    if group.paused { "PAUSED" } else { "INSERVICE" }
}

/// A group as the API shows it. `current_instance_number` leaves out what is still joining; a group is scaling while
/// something joins or leaves.
fn describe(state: &State, group: &ScalingGroup) -> Value {
    let (mut joined, mut moving) = (0, 0);
    for (_, instance) in group.members(&state.instances) {
        match instance.phase {
            Phase::Starting | Phase::StartingHeld => moving += 1,
            Phase::EndingHeld => {
                moving += 1;
                joined += 1;
            }
            _ => joined += 1,
        }
    }
    let settings = &group.settings;
    let workload = &state.workloads[group.workload];
    json!({
        "scaling_group_id": settings.id,
        "scaling_group_name": settings.name,
        "scaling_group_status": status_name(group),
        "scaling_configuration_id": group.configuration_id,
        "scaling_configuration_name": group.configuration_name(),
        "current_instance_number": joined,
        "desire_instance_number": group.desired,
        "min_instance_number": settings.min_instances,
        "max_instance_number": settings.max_instances,
        "cool_down_time": settings.cool_down_seconds,
        "lb_listener_id": null,
        "lbaas_listeners": [{
            "pool_id": workload.load_balancer_pool_id,
            "protocol_port": 80,
            "weight": 1,
            "protocol_version": "ipv4",
        }],
        "available_zones": state.settings.zones,
        "networks": [{"id": "demo-subnet"}],
        "security_groups": [{"id": "demo-security-group"}],
        "create_time": time(group.created),
        "vpc_id": "demo-vpc",
        "detail": state.shortage(group),
        "is_scaling": moving > 0,
        "health_periodic_audit_method": "ELB_AUDIT",
        "health_periodic_audit_time": 5,
        "health_periodic_audit_grace_period": 600,
        "instance_terminate_policy": group.terminate_policy.name(),
        "notifications": [],
        "delete_publicip": false,
        "delete_volume": false,
        "enterprise_project_id": "0",
        "activity_type": if moving > 0 { Some("NORMAL") } else { None },
        "multi_az_priority_policy": "EQUILIBRIUM_DISTRIBUTE",
        "description": group.description,
        "tags": [],
    })
}

#[derive(Default, Deserialize)]
struct Update {
    scaling_group_name: Option<String>,
    desire_instance_number: Option<i64>,
    min_instance_number: Option<i64>,
    max_instance_number: Option<i64>,
    cool_down_time: Option<i64>,
    instance_terminate_policy: Option<String>,
    scaling_configuration_id: Option<String>,
    description: Option<String>,
}

impl Update {
    /// Whether nothing but the number of instances is named.
    fn is_number_only(&self) -> bool {
        self.scaling_group_name.is_none()
            && self.min_instance_number.is_none()
            && self.max_instance_number.is_none()
            && self.cool_down_time.is_none()
            && self.instance_terminate_policy.is_none()
            && self.scaling_configuration_id.is_none()
            && self.description.is_none()
    }
}

/// Changes a group. Setting the number of instances takes effect whether or not the group is in its cooldown, which binds
/// alarm policies only.
pub(super) async fn update(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let update: Update = AS.parse(&body)?;
    let mut state = region.lock();
    let wanted = check(&state, group(&state, &id)?, &update)?;
    let policy = update.instance_terminate_policy.as_deref().map(|name| {
        TerminatePolicy::parse(name)
            .ok_or_else(|| AS.bad_request(format!("instance_terminate_policy {name} is not known")))
    });
    let policy = policy.transpose()?;
    let group = state.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
    let settings = &mut group.settings;
    if let Some(name) = update.scaling_group_name {
        settings.name = name;
    }
    if let Some(min) = update.min_instance_number {
        settings.min_instances = min as u32;
    }
    if let Some(max) = update.max_instance_number {
        settings.max_instances = max as u32;
    }
    if let Some(seconds) = update.cool_down_time {
        settings.cool_down_seconds = seconds as u32;
    }
    if let Some(policy) = policy {
        group.terminate_policy = policy;
    }
    if let Some(configuration) = update.scaling_configuration_id {
        group.configuration_id = configuration;
    }
    if let Some(description) = update.description {
        group.description = description;
    }
    if let Some(wanted) = wanted {
        state.set_desired(&id, wanted);
    }
    Ok(Json(json!({"scaling_group_id": id})))
}

/// The number of instances to go to, if it changes; or why the update is refused.
fn check(state: &State, group: &ScalingGroup, update: &Update) -> Result<Option<u32>, ApiError> {
    let settings = &group.settings;
    let min = update.min_instance_number.unwrap_or(i64::from(settings.min_instances));
    let max = update.max_instance_number.unwrap_or(i64::from(settings.max_instances));
    let wanted = update.desire_instance_number.unwrap_or(i64::from(group.desired));
    if !(0..=86_400).contains(&update.cool_down_time.unwrap_or(0)) {
        return Err(AS.bad_request("cool_down_time is 0 to 86400 seconds"));
    }
    if min < 0 || max > i64::from(u32::MAX) || !(min..=max).contains(&wanted) {
        let message = format!("The expected number of instances {wanted} is not within {min} and {max}");
        return Err(AS.error(400, "AS.2005", message));
    }
    if update.desire_instance_number.is_none() {
        return Ok(None);
    }
    let wanted = wanted as u32;
    if wanted == group.desired {
        return if update.is_number_only() {
            Err(AS.error(400, "AS.2028", format!("The expected number of instances is {wanted} already")))
        } else {
            Ok(None)
        };
    }
    if group.paused {
        return Err(AS.error(400, "AS.2033", format!("The AS group {} is not in service", settings.id)));
    }
    let protected = group.members(&state.instances).filter(|(_, instance)| instance.protected).count();
    if (wanted as usize) < protected {
        let message = format!("{wanted} instances are fewer than the {protected} that are protected");
        return Err(AS.error(400, "AS.2010", message));
    }
    Ok(Some(wanted))
}

#[derive(Deserialize)]
struct Action {
    action: String,
}

pub(super) async fn act(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let action: Action = AS.parse(&body)?;
    let mut state = region.lock();
    let group = state.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
    group.paused = match action.action.as_str() {
        "resume" => false,
        "pause" => true,
        other => return Err(AS.bad_request(format!("the action is resume or pause, not {other}"))),
    };
    Ok(StatusCode::NO_CONTENT)
}
