//! Elastic Load Balance (ELB): members of a workload's pool, and their share of its traffic.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{ApiError, REQUEST_ID, Service};
use super::identifiers::identifier;
use super::instance::{Instance, InstanceKey, Phase};
use super::region::Region;
use super::server::Routes;
use super::state::State;

const ELB: Service = Service::Elb;

pub(super) fn routes() -> Routes {
    const MEMBERS: &str = "/v3/{project_id}/elb/pools/{pool_id}/members";
    Routes::new()
        .route(MEMBERS, get(list).post(create))
        .route(&format!("{MEMBERS}/{{member_id}}"), put(update).get(show).delete(remove))
        .route(&format!("{MEMBERS}/batch-add"), post(create_many))
        .route(&format!("{MEMBERS}/batch-update"), post(update_many))
        .route(&format!("{MEMBERS}/batch-delete"), post(remove_many))
}

/// The workload of that pool.
fn workload(state: &State, pool: &str) -> Result<usize, ApiError> {
    let found = state.workloads.iter().position(|workload| workload.load_balancer_pool_id == pool);
    found.ok_or_else(|| ELB.error(404, "ELB.8904", format!("The pool does not exist: {pool}")))
}

fn member_id(instance: &Instance) -> String {
    identifier(&["member", &instance.id])
}

/// Members of a pool: what has a share of its traffic. What joins by itself does so when it runs.
fn members(state: &State, workload: usize) -> impl Iterator<Item = (InstanceKey, &Instance)> {
    state.workloads[workload].members.iter().filter_map(|&key| Some((key, state.instances.get(&key)?))).filter(
        |(_, instance)| instance.weight.is_some() && (instance.phase != Phase::Starting || !instance.joins_by_itself),
    )
}

fn find(state: &State, pool: &str, id: &str) -> Result<InstanceKey, ApiError> {
    let found = members(state, workload(state, pool)?).find(|(_, instance)| member_id(instance) == id);
    found.map(|(key, _)| key).ok_or_else(|| ELB.error(404, "ELB.8904", format!("The member does not exist: {id}")))
}

fn describe(state: &State, key: InstanceKey, instance: &Instance) -> Value {
    let status = match instance.phase {
        Phase::Serving | Phase::Drained => "ONLINE",
        Phase::Starting | Phase::StartingHeld => "INITIAL",
        _ => "OFFLINE",
    };
    json!({
        "id": member_id(instance),
        "name": instance.name,
        "address": Instance::address(key),
        "protocol_port": 80,
        "weight": instance.weight,
        "operating_status": status,
        "status": [],
        "instance_id": instance.id,
        "member_type": "instance",
        "availability_zone": instance.zone,
        "project_id": state.settings.project_id,
        "admin_state_up": true,
        "ip_version": "v4",
    })
}

#[derive(Deserialize)]
struct ListQuery {
    limit: Option<usize>,
    marker: Option<String>,
    address: Option<String>,
}

async fn list(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let limit = query.limit.unwrap_or(2_000);
    if limit > 2_000 {
        return Err(ELB.bad_request("limit is 0 to 2000"));
    }
    let state = region.lock();
    let found: Vec<(InstanceKey, &Instance)> = members(&state, workload(&state, &pool)?)
        .filter(|&(key, _)| query.address.as_ref().is_none_or(|address| *address == Instance::address(key)))
        .collect();
    let start = match &query.marker {
        Some(marker) => found.iter().position(|(_, it)| member_id(it) == *marker).map_or(found.len(), |at| at + 1),
        None => 0,
    };
    let page: Vec<(InstanceKey, &Instance)> = found[start..].iter().take(limit).copied().collect();
    let next = page.last().filter(|_| start + page.len() < found.len()).map(|(_, instance)| member_id(instance));
    let shown: Vec<Value> = page.iter().map(|&(key, instance)| describe(&state, key, instance)).collect();
    let page_info = json!({"current_count": shown.len(), "next_marker": next, "previous_marker": query.marker});
    Ok(Json(json!({"members": shown, "page_info": page_info, "request_id": REQUEST_ID})))
}

#[derive(Deserialize)]
struct Wrapped<T> {
    member: T,
}

#[derive(Deserialize)]
struct NewMember {
    address: String,
    weight: Option<u32>,
}

#[derive(Deserialize)]
struct Weight {
    weight: Option<u32>,
}

fn checked(weight: Option<u32>) -> Result<Option<u32>, ApiError> {
    match weight {
        Some(weight) if weight > 100 => Err(ELB.bad_request(format!("weight is 0 to 100, not {weight}"))),
        weight => Ok(weight),
    }
}

/// Makes the server of an address a member.
async fn create(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool)): Path<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Wrapped { member } = ELB.parse::<Wrapped<NewMember>>(&body)?;
    let shown = add(&mut region.lock(), &pool, &member)?;
    Ok((StatusCode::CREATED, Json(json!({"member": shown, "request_id": REQUEST_ID}))))
}

async fn create_many(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool)): Path<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let Several { members } = ELB.parse::<Several<NewMember>>(&body)?;
    let mut state = region.lock();
    let shown: Vec<Value> = members.iter().map(|member| add(&mut state, &pool, member)).collect::<Result<_, _>>()?;
    Ok((StatusCode::CREATED, Json(json!({"members": shown, "request_id": REQUEST_ID}))))
}

fn add(state: &mut State, pool: &str, member: &NewMember) -> Result<Value, ApiError> {
    let weight = checked(member.weight)?.unwrap_or(1);
    let workload = workload(state, pool)?;
    let found = state.workloads[workload].members.iter().copied().find(|&key| Instance::address(key) == member.address);
    let Some(key) = found else {
        return Err(ELB.bad_request(format!("No server of this pool's service has the address {}", member.address)));
    };
    if state.instances.get(&key).is_some_and(|instance| instance.weight.is_some()) {
        return Err(ELB.error(409, "ELB.8907", format!("The pool has the address already: {}", member.address)));
    }
    state.set_weight(key, Some(weight));
    Ok(describe(state, key, &state.instances[&key]))
}

async fn show(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool, id)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let state = region.lock();
    let key = find(&state, &pool, &id)?;
    Ok(Json(json!({"member": describe(&state, key, &state.instances[&key]), "request_id": REQUEST_ID})))
}

async fn update(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool, id)): Path<(String, String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let Wrapped { member } = ELB.parse::<Wrapped<Weight>>(&body)?;
    let mut state = region.lock();
    let key = find(&state, &pool, &id)?;
    if let Some(weight) = checked(member.weight)? {
        state.set_weight(key, Some(weight));
    }
    Ok(Json(json!({"member": describe(&state, key, &state.instances[&key]), "request_id": REQUEST_ID})))
}

#[derive(Deserialize)]
struct Several<T> {
    members: Vec<T>,
}

#[derive(Deserialize)]
struct UpdateOne {
    id: String,
    weight: Option<u32>,
}

async fn update_many(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let updates = ELB.parse::<Several<UpdateOne>>(&body)?;
    let mut state = region.lock();
    let mut shown = Vec::new();
    for update in updates.members {
        let key = find(&state, &pool, &update.id)?;
        if let Some(weight) = checked(update.weight)? {
            state.set_weight(key, Some(weight));
        }
        shown.push(describe(&state, key, &state.instances[&key]));
    }
    Ok(Json(json!({"members": shown, "request_id": REQUEST_ID})))
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

async fn remove_many(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let doomed = ELB.parse::<Several<Named>>(&body)?;
    let mut state = region.lock();
    let mut shown = Vec::new();
    for Named { id } in doomed.members {
        let key = find(&state, &pool, &id)?;
        state.set_weight(key, None);
        shown.push(json!({"id": id, "ret_status": "successful"}));
    }
    Ok(Json(json!({"members": shown, "request_id": REQUEST_ID})))
}

async fn remove(
    Extract(region): Extract<Arc<Region>>,
    Path((_, pool, id)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    let mut state = region.lock();
    let key = find(&state, &pool, &id)?;
    state.set_weight(key, None);
    Ok(StatusCode::NO_CONTENT)
}
