//! The instances of a group.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::errors::ApiError;
use super::super::instance::{Instance, Phase};
use super::super::region::Region;
use super::super::scaling_group::ScalingGroup;
use super::super::state::State;
use super::{Page, group, time};

#[derive(Deserialize)]
pub(super) struct ListQuery {
    life_cycle_state: Option<String>,
    health_status: Option<String>,
    protect_from_scaling_down: Option<bool>,
}

pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let group = group(&state, &id)?;
    let found = group
        .members(&state.instances)
        .map(|(_, instance)| instance)
        .filter(|instance| query.life_cycle_state.as_ref().is_none_or(|wanted| wanted == instance.life_cycle_state()))
        .filter(|instance| query.health_status.as_ref().is_none_or(|wanted| wanted == health_status(instance)))
        .filter(|instance| query.protect_from_scaling_down.is_none_or(|wanted| wanted == instance.protected))
        .map(|instance| describe(&state, group, instance))
        .collect();
    page.of("scaling_group_instances", found)
}

fn health_status(instance: &Instance) -> &'static str {
    match instance.phase {
        Phase::Starting | Phase::StartingHeld => "INITIALIZING",
        _ if instance.healthy => "NORMAL",
        _ => "ERROR",
    }
}

/// An instance as a member of its group. In its first minute it has no id yet.
fn describe(state: &State, group: &ScalingGroup, instance: &Instance) -> Value {
    let id = if instance.phase == Phase::Starting && instance.asked == state.now { None } else { Some(&instance.id) };
    let (configuration, configuration_id) = if instance.added_by_hand {
        ("MANNUAL_ADD".to_owned(), None)
    } else {
        (group.configuration_name(), Some(&group.configuration_id))
    };
    json!({
        "instance_id": id,
        "instance_name": instance.name,
        "scaling_group_id": group.settings.id,
        "scaling_group_name": group.settings.name,
        "life_cycle_state": instance.life_cycle_state(),
        "health_status": health_status(instance),
        "scaling_configuration_name": configuration,
        "scaling_configuration_id": configuration_id,
        "create_time": time(instance.asked),
        "protect_from_scaling_down": instance.protected,
    })
}
