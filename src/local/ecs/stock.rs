//! What can be bought: flavors, sell policies, quotas.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State as Extract};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::instance::Phase;
use super::super::region::Region;
use super::super::state::State;
use crate::model::Purchase;

/// Whether a flavor can be bought in a zone now.
fn is_available(state: &State, flavor: &str, zone: &str, purchase: Purchase) -> bool {
    state.zone_for(flavor, purchase, Some(zone)).is_some()
}

#[derive(Deserialize)]
pub(super) struct FlavorQuery {
    availability_zone: Option<String>,
}

pub(super) async fn flavors(Extract(region): Extract<Arc<Region>>, Query(query): Query<FlavorQuery>) -> Json<Value> {
    let state = region.lock();
    let asked = |zone: &&String| query.availability_zone.as_ref().is_none_or(|asked| asked == *zone);
    let zones: Vec<&String> = state.settings.zones.iter().filter(asked).collect();
    let flavors: Vec<Value> = state
        .settings
        .flavors
        .iter()
        .map(|(id, flavor)| {
            let by_zone = |purchase| {
                let texts: Vec<String> = zones
                    .iter()
                    .map(|zone| {
                        let open = is_available(&state, id, zone, purchase);
                        format!("{zone}({})", if open { "normal" } else { "sellout" })
                    })
                    .collect();
                texts.join(",")
            };
            let mut specs =
                json!({"cond:operation:status": "normal", "cond:operation:az": by_zone(Purchase::OnDemand)});
            if flavor.spot_price_per_hour.is_some() {
                specs["cond:spot:operation:status"] = json!("normal");
                specs["cond:spot:operation:az"] = json!(by_zone(Purchase::Spot));
            }
            if id.starts_with("x1") {
                specs["ecs:performancetype"] = json!("advanced_smb");
            }
            json!({
                "id": id, "name": id, "vcpus": flavor.vcpus.to_string(), "ram": flavor.memory_mib,
                "disk": "0", "os_extra_specs": specs,
            })
        })
        .collect();
    Json(json!({"flavors": flavors}))
}

#[derive(Deserialize)]
pub(super) struct PolicyQuery {
    flavor_id: Option<String>,
    sell_status: Option<String>,
    sell_mode: Option<String>,
    availability_zone_id: Option<String>,
    limit: Option<usize>,
    marker: Option<u64>,
}

pub(super) async fn sell_policies(
    Extract(region): Extract<Arc<Region>>,
    Query(query): Query<PolicyQuery>,
) -> Json<Value> {
    let state = region.lock();
    let wanted = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
    let mut policies = Vec::new();
    let mut id = 0u64;
    for (flavor, settings) in &state.settings.flavors {
        for zone in &state.settings.zones {
            for (mode, purchase) in [("postPaid", Purchase::OnDemand), ("spot", Purchase::Spot)] {
                id += 1;
                if purchase == Purchase::Spot && settings.spot_price_per_hour.is_none() {
                    continue;
                }
                let open = is_available(&state, flavor, zone, purchase);
                let status = if open { "available" } else { "sellout" };
                let asked_for = wanted(&query.flavor_id, flavor)
                    && wanted(&query.availability_zone_id, zone)
                    && wanted(&query.sell_mode, mode)
                    && wanted(&query.sell_status, status)
                    && query.marker.is_none_or(|marker| id > marker);
                if asked_for {
                    let mut policy = json!({
                        "id": id, "flavor_id": flavor, "sell_status": status, "availability_zone_id": zone,
                        "sell_mode": mode,
                    });
                    if purchase == Purchase::Spot {
                        policy["spot_options"] = json!({"interruption_policy": "immediate"});
                    }
                    policies.push(policy);
                }
            }
        }
    }
    let count = policies.len();
    policies.truncate(query.limit.unwrap_or(1_000).clamp(1, 1_000));
    Json(json!({"sell_policies": policies, "count": count}))
}

pub(super) async fn limits(Extract(region): Extract<Arc<Region>>) -> Json<Value> {
    let state = region.lock();
    let (mut servers, mut spot, mut cores, mut memory_mib) = (0u32, 0u32, 0u32, 0u32);
    for instance in state.instances.values().filter(|instance| instance.phase != Phase::Ended) {
        servers += 1;
        spot += u32::from(instance.purchase == Purchase::Spot);
        if let Some(flavor) = state.settings.flavors.get(&instance.flavor) {
            cores += flavor.vcpus;
            memory_mib += flavor.memory_mib;
        }
    }
    Json(json!({"absolute": {
        "maxTotalInstances": state.settings.server_quota,
        "totalInstancesUsed": servers,
        "maxTotalCores": -1,
        "totalCoresUsed": cores,
        "maxTotalRAMSize": -1,
        "totalRAMUsed": memory_mib,
        "maxTotalSpotInstances": state.settings.server_quota,
        "totalSpotInstancesUsed": spot,
        "maxServerMeta": 128, "maxImageMeta": 128, "maxPersonality": 5, "maxPersonalitySize": 1024,
        "limit_by_flavor": [],
    }}))
}
