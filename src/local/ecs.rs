//! Elastic Cloud Server (ECS): orders, deletions, listings, tags, what can be bought.

mod order;
mod servers;
mod stock;
mod tags;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::routing::{get, post};
use serde_json::Value;

use super::errors::{ApiError, Service};
use super::region::Region;
use super::server::Routes;

const ECS: Service = Service::Ecs;

pub(super) fn routes() -> Routes {
    const V1: &str = "/v1/{project_id}/cloudservers";
    const V1_1: &str = "/v1.1/{project_id}/cloudservers";
    Routes::new()
        .route(V1, post(order::create))
        .route(V1_1, post(order::create))
        .route(&format!("{V1}/delete"), post(order::delete))
        .route(&format!("{V1}/action"), post(order::act))
        .route(&format!("{V1}/detail"), get(servers::list))
        .route(&format!("{V1_1}/detail"), get(servers::list_v1_1))
        .route(&format!("{V1}/{{server_id}}"), get(servers::show))
        .route(&format!("{V1}/resource_instances/action"), post(tags::query))
        .route(&format!("{V1}/{{server_id}}/tags/action"), post(tags::act))
        .route(&format!("{V1}/{{server_id}}/tags"), get(tags::show))
        .route(&format!("{V1}/flavors"), get(stock::flavors))
        .route(&format!("{V1}/flavor-sell-policies"), get(stock::sell_policies))
        .route(&format!("{V1}/limits"), get(stock::limits))
        .route("/v1/{project_id}/jobs/{job_id}", get(job))
}

async fn job(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let found = state.jobs.describe(&id, state.now);
    found.map(Json).ok_or_else(|| ECS.error(404, "Ecs.0010", format!("The job does not exist: {id}")))
}

fn no_such_server(id: &str) -> ApiError {
    ECS.error(404, "Ecs.0114", format!("The server does not exist: {id}"))
}
