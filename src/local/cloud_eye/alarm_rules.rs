//! Alarm rules through version 2 of the API.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::alarms::AlarmRule;
use super::super::errors::{ApiError, Service};
use super::super::metrics::Filter;
use super::super::region::Region;
use super::super::server::Routes;

const V2: Service = Service::CloudEyeV2;
/// How many values in a row a rule may ask for.
const COUNTS: [usize; 12] = [1, 2, 3, 4, 5, 10, 15, 30, 60, 90, 120, 180];

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/v2/{project_id}/alarms", get(list).post(create))
        .route("/v2/{project_id}/alarms/action", post(enable))
        .route("/v2/{project_id}/alarms/batch-delete", post(delete))
}

async fn create(State(region): State<Arc<Region>>, body: Bytes) -> Result<(StatusCode, Json<Value>), ApiError> {
    let rule: AlarmRule = V2.parse(&body)?;
    if rule.policies.is_empty() || rule.policies.len() > 50 || rule.name.is_empty() {
        return Err(V2.bad_request("a rule has a name and 1 to 50 policies"));
    }
    for policy in &rule.policies {
        let sound = [1, 300, 1_200, 3_600, 14_400, 86_400].contains(&policy.period)
            && COUNTS.contains(&policy.count)
            && Filter::parse(&policy.filter).is_some()
            && policy.is_broken_by(0.0).is_some();
        if !sound {
            return Err(V2.bad_request(format!(
                "the policy on {} has a period, count, filter or operator that is not known",
                policy.metric_name
            )));
        }
    }
    let mut state = region.lock();
    let id = format!("al{}", &state.identifiers.next("alarm").replace('-', "")[..22]);
    state.alarms.rules.insert(id.clone(), rule);
    Ok((StatusCode::CREATED, Json(json!({ "alarm_id": id }))))
}

#[derive(Deserialize)]
struct ListQuery {
    alarm_id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
}

async fn list(State(region): State<Arc<Region>>, Query(query): Query<ListQuery>) -> Json<Value> {
    let state = region.lock();
    let found: Vec<(&String, &AlarmRule)> = state
        .alarms
        .rules
        .iter()
        .filter(|(id, rule)| {
            query.alarm_id.as_ref().is_none_or(|wanted| wanted == *id)
                && query.name.as_ref().is_none_or(|wanted| rule.name.contains(wanted))
                && query.namespace.as_ref().is_none_or(|wanted| *wanted == rule.namespace)
        })
        .collect();
    let page = found.iter().skip(query.offset.unwrap_or(0)).take(query.limit.unwrap_or(10).min(100));
    let alarms: Vec<Value> = page.map(|(id, rule)| describe(id, rule)).collect();
    Json(json!({"alarms": alarms, "count": found.len()}))
}

fn describe(id: &str, rule: &AlarmRule) -> Value {
    let policies: Vec<Value> = rule
        .policies
        .iter()
        .map(|policy| {
            json!({
                "metric_name": policy.metric_name, "period": policy.period, "filter": policy.filter,
                "comparison_operator": policy.comparison_operator, "value": policy.value, "unit": policy.unit,
                "count": policy.count, "suppress_duration": policy.suppress_duration, "level": policy.level,
            })
        })
        .collect();
    let resources: Vec<Vec<Value>> = rule
        .resources
        .iter()
        .map(|resource| resource.iter().map(|each| json!({"name": each.name, "value": each.value})).collect())
        .collect();
    json!({
        "alarm_id": id, "name": rule.name, "description": rule.description, "namespace": rule.namespace,
        "type": rule.kind, "enabled": rule.enabled, "policies": policies, "resources": resources,
    })
}

#[derive(Deserialize)]
struct Named {
    alarm_ids: Vec<String>,
    #[serde(default)]
    alarm_enabled: bool,
}

async fn enable(State(region): State<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let named: Named = V2.parse(&body)?;
    let mut state = region.lock();
    let known: Vec<&String> = named.alarm_ids.iter().filter(|id| state.alarms.rules.contains_key(*id)).collect();
    for id in &known {
        if let Some(rule) = state.alarms.rules.get_mut(*id) {
            rule.enabled = named.alarm_enabled;
        }
    }
    Ok(Json(json!({ "alarm_ids": known })))
}

async fn delete(State(region): State<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let named: Named = V2.parse(&body)?;
    let mut state = region.lock();
    let deleted: Vec<&String> = named.alarm_ids.iter().filter(|id| state.alarms.rules.remove(*id).is_some()).collect();
    state.alarms.firing.retain(|(id, _, _), _| !deleted.contains(&id));
    Ok(Json(json!({ "alarm_ids": deleted })))
}
