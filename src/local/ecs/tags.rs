//! Tags of servers, and finding servers by them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::instance::{Instance, Phase};
use super::super::region::Region;
use super::{ECS, no_such_server};
use crate::model::Tag;

#[derive(Deserialize)]
struct TagQuery {
    action: String,
    limit: Option<String>,
    offset: Option<String>,
    #[serde(default)]
    tags: Vec<Values>,
    #[serde(default)]
    not_tags: Vec<Values>,
    #[serde(default)]
    matches: Vec<Tag>,
}

/// Any of the values; none means that the key alone counts.
#[derive(Deserialize)]
struct Values {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

impl Values {
    fn fit(&self, instance: &Instance) -> bool {
        let Some(value) = instance.tags.get(&self.key) else {
            return false;
        };
        self.values.is_empty() || self.values.contains(value)
    }
}

pub(super) async fn query(Extract(region): Extract<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let query: TagQuery = ECS.parse(&body)?;
    // Numbers come as text here.
    let number = |text: &Option<String>, default: usize| match text {
        Some(text) => text.parse().map_err(|_| ECS.bad_request(format!("not a number: {text}"))),
        None => Ok(default),
    };
    let (limit, offset) = (number(&query.limit, 1_000)?, number(&query.offset, 0)?);
    if !(1..=1_000).contains(&limit) {
        return Err(ECS.bad_request("limit is 1 to 1000"));
    }
    let state = region.lock();
    let found: Vec<&Instance> = state
        .instances
        .values()
        .filter(|instance| instance.phase != Phase::Ended)
        .filter(|instance| query.tags.iter().all(|values| values.fit(instance)))
        .filter(|instance| !query.not_tags.iter().any(|values| values.fit(instance)))
        .filter(|instance| {
            query.matches.iter().all(|each| each.key != "resource_name" || instance.name.contains(&each.value))
        })
        .collect();
    if query.action == "count" {
        return Ok(Json(json!({"total_count": found.len()})));
    }
    let resources: Vec<Value> = found
        .iter()
        .skip(offset)
        .take(limit)
        .map(|instance| {
            json!({
                "resource_id": instance.id,
                "resource_name": instance.name,
                "resource_detail": "",
                "tags": describe(instance),
            })
        })
        .collect();
    Ok(Json(json!({"resources": resources, "total_count": found.len()})))
}

fn describe(instance: &Instance) -> Vec<Value> {
    instance.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

pub(super) async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let (_, instance) = state.live_instance(&id).ok_or_else(|| no_such_server(&id))?;
    Ok(Json(json!({"tags": describe(instance)})))
}

#[derive(Deserialize)]
struct TagAction {
    action: String,
    tags: Vec<OptionalTag>,
}

/// A tag to be deleted may lack its value.
#[derive(Deserialize)]
struct OptionalTag {
    key: String,
    #[serde(default)]
    value: String,
}

pub(super) async fn act(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let action: TagAction = ECS.parse(&body)?;
    let mut state = region.lock();
    let (key, _) = state.live_instance(&id).ok_or_else(|| no_such_server(&id))?;
    let instance = state.instances.get_mut(&key).ok_or_else(|| no_such_server(&id))?;
    for tag in action.tags {
        match action.action.as_str() {
            "create" => drop(instance.tags.insert(tag.key, tag.value)),
            "delete" => drop(instance.tags.remove(&tag.key)),
            other => return Err(ECS.bad_request(format!("the action is create or delete, not {other}"))),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
