//! Lifecycle hooks through the API.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::lifecycle_hooks::{Hook, HookKind, Verdict};
use super::super::region::Region;
use super::{AS, group, no_such_group, time};

/// Most hooks of a group.
const LIMIT: usize = 5;
/// Minutes by which EXTEND lengthens a wait.
const EXTENSION_MINUTES: i64 = 60;

#[derive(Deserialize)]
struct NewHook {
    lifecycle_hook_name: String,
    lifecycle_hook_type: String,
    default_result: Option<String>,
    default_timeout: Option<i64>,
    notification_topic_urn: String,
    notification_metadata: Option<String>,
}

fn describe(hook: &Hook) -> Value {
    json!({
        "lifecycle_hook_name": hook.name,
        "lifecycle_hook_type": hook.kind.name(),
        "default_result": hook.default_result.name(),
        "default_timeout": hook.timeout_seconds,
        "notification_topic_urn": hook.topic_urn,
        "notification_topic_name": hook.topic_urn.rsplit(':').next(),
        "notification_metadata": hook.metadata,
        "create_time": time(hook.created),
    })
}

pub(super) async fn create(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let new: NewHook = AS.parse(&body)?;
    let mut state = region.lock();
    let created = state.now;
    let group = state.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
    let kind = HookKind::parse(&new.lifecycle_hook_type)
        .ok_or_else(|| AS.bad_request(format!("lifecycle_hook_type {} is not known", new.lifecycle_hook_type)))?;
    let default_result = match &new.default_result {
        Some(name) => {
            Verdict::parse(name).ok_or_else(|| AS.bad_request(format!("default_result {name} is not known")))?
        }
        None => Verdict::Abandon,
    };
    let timeout_seconds = new.default_timeout.unwrap_or(3_600);
    if !(60..=86_400).contains(&timeout_seconds) {
        return Err(AS.bad_request("default_timeout is 60 to 86400 seconds"));
    }
    if group.hooks.len() == LIMIT || group.hooks.iter().any(|hook| hook.name == new.lifecycle_hook_name) {
        return Err(AS.bad_request(format!("a group has at most {LIMIT} hooks, each with its own name")));
    }
    let hook = Hook {
        name: new.lifecycle_hook_name,
        kind,
        default_result,
        timeout_seconds,
        topic_urn: new.notification_topic_urn,
        metadata: new.notification_metadata.unwrap_or_default(),
        created,
    };
    let shown = describe(&hook);
    group.hooks.push(hook);
    Ok(Json(shown))
}

pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let hooks: Vec<Value> = group(&state, &id)?.hooks.iter().map(describe).collect();
    Ok(Json(json!({ "lifecycle_hooks": hooks })))
}

fn no_such_hook(name: &str) -> ApiError {
    AS.error(404, "AS.6014", format!("The lifecycle hook does not exist: {name}"))
}

pub(super) async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id, name)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let hook = group(&state, &id)?.hooks.iter().find(|hook| hook.name == name);
    hook.map(describe).map(Json).ok_or_else(|| no_such_hook(&name))
}

pub(super) async fn delete(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id, name)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    let mut state = region.lock();
    let group = state.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
    let index = group.hooks.iter().position(|hook| hook.name == name).ok_or_else(|| no_such_hook(&name))?;
    group.hooks.remove(index);
    Ok(StatusCode::NO_CONTENT)
}

/// Instances that wait.
pub(super) async fn hanging(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let waiting: Vec<Value> = group(&state, &id)?
        .hanging
        .iter()
        .map(|hanging| {
            json!({
                "lifecycle_hook_name": hanging.hook,
                "lifecycle_action_key": hanging.action_key,
                "instance_id": state.instances.get(&hanging.key).map(|instance| &instance.id),
                "scaling_group_id": id,
                "lifecycle_hook_status": "HANGING",
                "timeout": time(hanging.until),
                "default_result": hanging.default_result.name(),
            })
        })
        .collect();
    Ok(Json(json!({ "instance_hanging_info": waiting })))
}

#[derive(Deserialize)]
struct Callback {
    lifecycle_action_key: Option<String>,
    instance_id: Option<String>,
    lifecycle_hook_name: Option<String>,
    lifecycle_action_result: String,
}

pub(super) async fn callback(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let callback: Callback = AS.parse(&body)?;
    let mut state = region.lock();
    let key = callback.instance_id.as_deref().and_then(|instance| state.instance(instance)).map(|(key, _)| key);
    let group = state.groups.get_mut(&id).ok_or_else(|| no_such_group(&id))?;
    let found = group.hanging.iter_mut().find(|hanging| match &callback.lifecycle_action_key {
        Some(wanted) => hanging.action_key == *wanted,
        None => Some(hanging.key) == key && callback.lifecycle_hook_name.as_deref() == Some(&hanging.hook),
    });
    let hanging = found.ok_or_else(|| AS.error(400, "AS.6019", "Nothing waits for this lifecycle action"))?;
    if callback.lifecycle_action_result == "EXTEND" {
        hanging.until = hanging.until + EXTENSION_MINUTES;
        return Ok(StatusCode::NO_CONTENT);
    }
    let action_key = hanging.action_key.clone();
    let verdict = Verdict::parse(&callback.lifecycle_action_result).ok_or_else(|| {
        AS.bad_request(format!("lifecycle_action_result {} is not known", callback.lifecycle_action_result))
    })?;
    state.answer_hook(&id, &action_key, verdict);
    Ok(StatusCode::NO_CONTENT)
}
