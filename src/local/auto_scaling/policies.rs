//! Policies of a group, version 1.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::region::Region;
use super::super::scaling_policy::{Idle, PolicyKind, PolicyOrder, ScalingPolicy};
use super::{AS, Page, group, time};

fn describe(policy: &ScalingPolicy) -> Value {
    let order = &policy.order;
    json!({
        "scaling_policy_id": policy.id,
        "scaling_policy_name": order.scaling_policy_name,
        "scaling_group_id": order.scaling_group_id,
        "scaling_policy_type": order.scaling_policy_type,
        "policy_status": if policy.paused { "PAUSED" } else { "INSERVICE" },
        "alarm_id": order.alarm_id,
        "scheduled_policy": order.scheduled_policy,
        "scaling_policy_action": order.scaling_policy_action,
        "cool_down_time": order.cool_down_time,
        "create_time": time(policy.created),
    })
}

fn no_such_policy(id: &str) -> ApiError {
    AS.error(404, "AS.3007", format!("The AS policy does not exist: {id}"))
}

pub(super) async fn create(Extract(region): Extract<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let order: PolicyOrder = AS.parse(&body)?;
    if order.scaling_policy_type == PolicyKind::Alarm && order.alarm_id.is_none() {
        return Err(AS.bad_request("a policy of type ALARM has an alarm_id"));
    }
    if !(0..=86_400).contains(&order.cool_down_time.unwrap_or(0)) {
        return Err(AS.bad_request("cool_down_time is 0 to 86400 seconds"));
    }
    let mut state = region.lock();
    group(&state, &order.scaling_group_id)?;
    let id = state.identifiers.next("scaling_policy");
    let policy = ScalingPolicy { id: id.clone(), created: state.now, paused: false, order };
    state.policies.insert(id.clone(), policy);
    Ok(Json(json!({ "scaling_policy_id": id })))
}

/// The policies of the group of the path.
pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    group(&state, &id)?;
    let all = state.policies.values().filter(|policy| policy.order.scaling_group_id == id).map(describe).collect();
    page.of("scaling_policies", all)
}

pub(super) async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let policy = state.policies.get(&id).ok_or_else(|| no_such_policy(&id))?;
    Ok(Json(json!({"scaling_policy": describe(policy)})))
}

pub(super) async fn delete(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let removed = region.lock().policies.remove(&id);
    removed.map(|_| StatusCode::NO_CONTENT).ok_or_else(|| no_such_policy(&id))
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
    let Action { action } = AS.parse(&body)?;
    let mut state = region.lock();
    let policy = state.policies.get_mut(&id).ok_or_else(|| no_such_policy(&id))?;
    match action.as_str() {
        "pause" => policy.paused = true,
        "resume" => policy.paused = false,
        "execute" => state.execute_policy(&id, false).map_err(|idle| match idle {
            Idle::NoPolicy => no_such_policy(&id),
            Idle::NotInService => AS.error(400, "AS.2033", "The AS group is not in service"),
            Idle::Scaling => AS.error(400, "AS.0034", "The AS group is executing a policy or scaling"),
            Idle::CoolingDown => AS.error(400, "AS.0026", "The AS group is in its cooldown"),
        })?,
        other => return Err(AS.bad_request(format!("the action is execute, resume or pause, not {other}"))),
    }
    Ok(StatusCode::NO_CONTENT)
}
