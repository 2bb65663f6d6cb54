//! Ordering, deleting, starting and stopping servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::errors::ApiError;
use super::super::instance::{InstanceKey, Launch, Phase};
use super::super::jobs::{Job, Part};
use super::super::region::Region;
use super::super::settings::{FlavorSettings, PoolSettings, TaggedSettings};
use super::super::state::State;
use super::{ECS, no_such_server};
use crate::model::{Purchase, Tag};

/// Most servers of one order, and most tags of a server.
const ORDER_LIMIT: u32 = 100;
const TAG_LIMIT: usize = 10;

#[derive(Deserialize)]
struct Order {
    #[serde(default)]
    dry_run: bool,
    server: NewServer,
}

#[derive(Deserialize)]
struct NewServer {
    name: String,
    #[serde(rename = "flavorRef")]
    flavor: String,
    #[serde(rename = "imageRef")]
    _image: String,
    #[serde(rename = "vpcid")]
    _vpc: String,
    nics: Vec<Value>,
    #[serde(rename = "root_volume")]
    _root_volume: Value,
    count: Option<u32>,
    availability_zone: Option<String>,
    #[serde(default)]
    extendparam: ExtendParam,
    #[serde(default)]
    server_tags: Vec<Tag>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Default, Deserialize)]
struct ExtendParam {
    #[serde(rename = "marketType")]
    market_type: Option<String>,
    #[serde(rename = "spotPrice")]
    spot_price: Option<String>,
}

/// Orders servers. With the same `X-Client-Token` the same order is carried out once.
///
/// A flavor that no zone sells is refused at once; where a zone runs out in the middle of an order, the job's part for
/// that server fails, and its id means nothing.
pub(super) async fn create(
    Extract(region): Extract<Arc<Region>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let order: Order = ECS.parse(&body)?;
    let mut state = region.lock();
    let token = headers.get("x-client-token").and_then(|token| token.to_str().ok());
    if let Some(token) = token {
        if Uuid::parse_str(token).is_err() {
            return Err(ECS.error(400, "Ecs.0123", format!("The client token is not a UUID: {token}")));
        }
        match state.jobs.orders.get(token) {
            Some((sent, answer)) if sent[..] == body[..] => return Ok(Json(answer.clone()).into_response()),
            Some(_) => return Err(ECS.error(400, "Ecs.0122", "The client token was used with other parameters")),
            None => {}
        }
    }
    let plan = Plan::new(&state, &order.server)?;
    if order.dry_run {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let answer = plan.carry_out(&mut state);
    if let Some(token) = token {
        state.jobs.orders.insert(token.to_owned(), (body.to_vec(), answer.clone()));
    }
    Ok(Json(answer).into_response())
}

/// An order that can be carried out.
struct Plan<'a> {
    server: &'a NewServer,
    count: u32,
    purchase: Purchase,
    tags: BTreeMap<String, String>,
}

impl<'a> Plan<'a> {
    fn new(state: &State, server: &'a NewServer) -> Result<Self, ApiError> {
        let count = server.count.unwrap_or(1);
        if !(1..=ORDER_LIMIT).contains(&count) {
            return Err(ECS.error(400, "Ecs.0913", format!("count is 1 to {ORDER_LIMIT}, not {count}")));
        }
        if server.name.is_empty() || server.name.len() > 64 || server.nics.is_empty() {
            return Err(ECS.bad_request("a server has a name of at most 64 characters, and a network"));
        }
        let flavor = state.settings.flavors.get(&server.flavor);
        let flavor = flavor
            .ok_or_else(|| ECS.error(400, "Ecs.0029", format!("The flavor does not exist: {}", server.flavor)))?;
        let purchase = purchase(&server.extendparam, &server.flavor, flavor)?;
        let written = server.tags.iter().filter_map(|text| text.split_once(['.', '=']));
        let tags: BTreeMap<String, String> = server
            .server_tags
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .chain(written.map(|(key, value)| (key.to_owned(), value.to_owned())))
            .collect();
        if tags.len() > TAG_LIMIT {
            return Err(ECS.bad_request(format!("a server has at most {TAG_LIMIT} tags")));
        }
        let present = state.instances.values().filter(|instance| instance.phase != Phase::Ended).count() as u32;
        if present.saturating_add(count) > state.settings.server_quota {
            return Err(ECS.error(400, "Ecs.0001", "The quota of servers is used up"));
        }
        if let Some(zone) = &server.availability_zone
            && !state.settings.zones.contains(zone)
        {
            return Err(ECS.bad_request(format!("The zone does not exist: {zone}")));
        }
        let sold_out = |zone: &&String| state.market.sold_out.contains(&(server.flavor.clone(), (*zone).clone()));
        let mut zones = state
            .settings
            .zones
            .iter()
            .filter(|zone| server.availability_zone.as_ref().is_none_or(|asked| asked == *zone));
        if zones.all(|zone| sold_out(&zone)) {
            return Err(ECS.error(400, "Ecs.0018", format!("The flavor is sold out: {}", server.flavor)));
        }
        Ok(Self { server, count, purchase, tags })
    }

    fn carry_out(&self, state: &mut State) -> Value {
        let job_id = state.identifiers.next("job");
        let pool = pool_of(state, &self.tags);
        let mut parts = Vec::new();
        for number in 1..=self.count {
            let zone = state.zone_for(&self.server.flavor, self.purchase, self.server.availability_zone.as_deref());
            let part_id = state.identifiers.next("job");
            let Some(zone) = zone else {
                let reason = format!("Not enough capacity for the flavor {}", self.server.flavor);
                let server_id = state.identifiers.next("server");
                parts.push(Part { job_id: part_id, server_id, failure: Some(("Ecs.0319", reason)) });
                continue;
            };
            let name = match self.count {
                1 => self.server.name.clone(),
                _ => format!("{}-{number:04}", self.server.name),
            };
            let launch = Launch {
                name,
                workload: pool.as_ref().map(|(workload, _)| *workload),
                scaling_group: None,
                flavor: self.server.flavor.clone(),
                zone,
                purchase: self.purchase,
                tags: self.tags.clone(),
                joins_by_itself: pool.as_ref().is_some_and(|(_, pool)| !pool.needs_member),
            };
            let key = state.launch(launch);
            let server_id = state.instances[&key].id.clone();
            parts.push(Part { job_id: part_id, server_id, failure: None });
        }
        let server_ids: Vec<&str> = parts.iter().map(|part| part.server_id.as_str()).collect();
        let answer = json!({"job_id": job_id, "serverIds": server_ids});
        state.jobs.insert(job_id, Job { kind: "createServer", begun: state.now, parts });
        state.settle();
        answer
    }
}

fn purchase(extend: &ExtendParam, name: &str, flavor: &FlavorSettings) -> Result<Purchase, ApiError> {
    match extend.market_type.as_deref() {
        None | Some("") => Ok(Purchase::OnDemand),
        Some("spot") => {
            let Some(market) = flavor.spot_price_per_hour else {
                return Err(ECS.error(400, "Ecs.0018", format!("The flavor is not sold as spot: {name}")));
            };
            let bid = extend.spot_price.as_deref().filter(|bid| !bid.is_empty());
            let bid = bid.map(|bid| bid.parse::<f64>().map_err(|_| ECS.bad_request("spotPrice is not a number")));
            match bid.transpose()? {
                Some(bid) if bid < market => {
                    Err(ECS.error(400, "Ecs.0703", format!("The bid {bid} is below the market price {market}")))
                }
                _ => Ok(Purchase::Spot),
            }
        }
        Some(other) => Err(ECS.bad_request(format!("marketType is spot, not {other}"))),
    }
}

/// The workload and pool whose tag is among these.
fn pool_of(state: &State, tags: &BTreeMap<String, String>) -> Option<(usize, TaggedSettings)> {
    state.workloads.iter().enumerate().find_map(|(index, workload)| {
        workload.settings.pools.iter().find_map(|pool| match pool {
            PoolSettings::Tagged(tagged) if tags.get(&tagged.tag.key) == Some(&tagged.tag.value) => {
                Some((index, tagged.clone()))
            }
            _ => None,
        })
    })
}

#[derive(Deserialize)]
struct Named {
    servers: Vec<Id>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// Keys of live servers, or an error that names the first that isn't one.
fn keys(state: &State, servers: &[Id]) -> Result<Vec<InstanceKey>, ApiError> {
    servers
        .iter()
        .map(|server| state.live_instance(&server.id).map(|(key, _)| key).ok_or_else(|| no_such_server(&server.id)))
        .collect()
}

/// Enters one phase or another with all these servers, as a job.
fn as_job(state: &mut State, kind: &'static str, keys: Vec<InstanceKey>, phase: Phase) -> Json<Value> {
    let job_id = state.identifiers.next("job");
    let mut parts = Vec::new();
    for key in keys {
        let server_id = state.instances[&key].id.clone();
        parts.push(Part { job_id: state.identifiers.next("job"), server_id, failure: None });
        state.enter(key, phase);
    }
    state.jobs.insert(job_id.clone(), Job { kind, begun: state.now, parts });
    Json(json!({ "job_id": job_id }))
}

/// Deletes servers. One that is being taken back cannot be deleted any more.
pub(super) async fn delete(Extract(region): Extract<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let named: Named = ECS.parse(&body)?;
    let mut state = region.lock();
    let keys = keys(&state, &named.servers)?;
    if let Some(leaving) = keys.iter().filter_map(|key| state.instances.get(key)).find(|it| it.reclaim_at.is_some()) {
        return Err(ECS.error(400, "Ecs.0100", format!("The server is being reclaimed: {}", leaving.id)));
    }
    // An Auto Scaling group that loses a server behind its back starts another one.
    Ok(as_job(&mut state, "deleteServer", keys, Phase::Ended))
}

#[derive(Deserialize)]
enum Action {
    #[serde(rename = "os-start")]
    Start(Named),
    #[serde(rename = "os-stop")]
    Stop(Named),
}

pub(super) async fn act(Extract(region): Extract<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let action: Action = ECS.parse(&body)?;
    let mut state = region.lock();
    match action {
        Action::Stop(named) => {
            let keys = keys(&state, &named.servers)?;
            Ok(as_job(&mut state, "stopServer", keys, Phase::Stopped))
        }
        Action::Start(named) => {
            let keys = keys(&state, &named.servers)?;
            let now = state.now;
            for key in &keys {
                let workload = state.instances[key].workload;
                let lead = workload.map_or(1, |index| state.workloads[index].settings.model.lead_minutes);
                if let Some(instance) = state.instances.get_mut(key) {
                    instance.ready_at = now + lead;
                }
            }
            Ok(as_job(&mut state, "startServer", keys, Phase::Starting))
        }
    }
}
