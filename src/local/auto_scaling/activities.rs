//! The activity log of a group, version 2.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State as Extract};
use serde_json::{Value, json};

use super::super::activity::{Activity, ActivityKind, Touched};
use super::super::errors::ApiError;
use super::super::instance::Phase;
use super::super::region::Region;
use super::super::state::State;
use super::{Page, group, time};

pub(super) async fn list(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let all = group(&state, &id)?.activities.iter().map(|activity| describe(&state, activity)).collect();
    page.of("scaling_activity_log", all)
}

fn list_of(touched: &[Touched]) -> Vec<Value> {
    touched.iter().map(|each| json!({"instance_id": each.id, "instance_name": each.name})).collect()
}

/// An activity is under way while something that it started has not come up.
fn describe(state: &State, activity: &Activity) -> Value {
    let starting = |touched: &Touched| {
        let phase = state.instances.get(&touched.key).map(|instance| instance.phase);
        matches!(phase, Some(Phase::Starting | Phase::StartingHeld))
    };
    let ready = activity.added.iter().filter_map(|each| state.instances.get(&each.key)).map(|it| it.ready_at).max();
    let end = if activity.added.iter().any(starting) { None } else { Some(ready.unwrap_or(activity.start)) };
    let standby = activity.kind == ActivityKind::EnterStandby;
    let removed = list_of(&activity.removed);
    json!({
        "id": activity.id,
        "status": if end.is_some() { "SUCCESS" } else { "DOING" },
        "type": activity.kind.name(),
        "start_time": time(activity.start),
        "end_time": end.map(time),
        "instance_value": activity.before,
        "desire_value": activity.desired,
        "scaling_value": activity.added.len() + activity.removed.len(),
        "instance_added_list": list_of(&activity.added),
        "instance_removed_list": if standby { Vec::new() } else { removed.clone() },
        "instance_deleted_list": [],
        "instance_failed_list": [],
        "instance_standby_list": if standby { removed } else { Vec::new() },
        "description": "",
    })
}
