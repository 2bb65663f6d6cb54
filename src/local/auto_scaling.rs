//! Auto Scaling (AS): groups, their instances, and what a person or a program may do to them.

mod activities;
mod batch;
mod groups;
mod hooks;
mod instances;
mod policies;

use axum::Json;
use axum::routing::{get, post, put};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use crate::model::Minute;

use super::errors::{ApiError, Service};
use super::scaling_group::ScalingGroup;
use super::server::Routes;
use super::state::State;

const AS: Service = Service::AutoScaling;

pub(super) fn routes() -> Routes {
    const GROUPS: &str = "/autoscaling-api/v1/{project_id}/scaling_group";
    const INSTANCES: &str = "/autoscaling-api/v1/{project_id}/scaling_group_instance/{id}";
    const POLICIES: &str = "/autoscaling-api/v1/{project_id}/scaling_policy";
    const HOOKS: &str = "/autoscaling-api/v1/{project_id}/scaling_lifecycle_hook/{scaling_group_id}";
    const HANGING: &str = "/autoscaling-api/v1/{project_id}/scaling_instance_hook/{scaling_group_id}";
    Routes::new()
        .route(GROUPS, get(groups::list))
        .route(&format!("{GROUPS}/{{scaling_group_id}}"), get(groups::show).put(groups::update))
        .route(&format!("{GROUPS}/{{scaling_group_id}}/action"), post(groups::act))
        .route(INSTANCES, axum::routing::delete(batch::remove_one))
        .route(&format!("{INSTANCES}/list"), get(instances::list))
        .route(&format!("{INSTANCES}/action"), post(batch::act))
        .route("/autoscaling-api/v2/{project_id}/scaling_activity_log/{scaling_group_id}", get(activities::list))
        .route(POLICIES, post(policies::create))
        .route(&format!("{POLICIES}/{{id}}"), get(policies::show).delete(policies::delete))
        .route(&format!("{POLICIES}/{{id}}/list"), get(policies::list))
        .route(&format!("{POLICIES}/{{id}}/action"), post(policies::act))
        .route(HOOKS, post(hooks::create))
        .route(&format!("{HOOKS}/list"), get(hooks::list))
        .route(&format!("{HOOKS}/{{hook_name}}"), get(hooks::show).delete(hooks::delete))
        .route(&format!("{HANGING}/list"), get(hooks::hanging))
        .route(&format!("{HANGING}/callback"), put(hooks::callback))
}

/// The answer to a group that there isn't: status 400, as the cloud has it.
fn no_such_group(id: &str) -> ApiError {
    AS.error(400, "AS.2007", format!("The AS group does not exist: {id}"))
}

fn group<'a>(state: &'a State, id: &str) -> Result<&'a ScalingGroup, ApiError> {
    state.groups.get(id).ok_or_else(|| no_such_group(id))
}

/// `YYYY-MM-DDThh:mm:ssZ`.
pub(super) fn time(minute: Minute) -> String {
    minute.start().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Where a page starts and how long it is, as query parameters.
#[derive(serde::Deserialize)]
struct Page {
    #[serde(default)]
    start_number: usize,
    #[serde(default = "default_limit")]
    limit: usize,
}

fn default_limit() -> usize {
    20
}

impl Page {
    /// The asked page of `all` under its name, beside the fields that describe it.
    fn of(&self, name: &str, all: Vec<Value>) -> Result<Json<Value>, ApiError> {
        if !(1..=100).contains(&self.limit) {
            return Err(AS.error(400, "AS.1001", format!("limit is 1 to 100, not {}", self.limit)));
        }
        let total = all.len();
        let page: Vec<_> = all.into_iter().skip(self.start_number).take(self.limit).collect();
        Ok(Json(json!({
            "total_number": total,
            "start_number": self.start_number,
            "limit": self.limit,
            name: page,
        })))
    }
}
