use axum::Json;
use axum::extract::Path;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::decisions::{latest, public_id};
use super::groups::{Measured, find, measured};
use super::{Desk, Problem};
use crate::model::{EngineKind, Group, Purchase};
use crate::records::Happening;
use crate::state::Snapshot;

/// What the last decision reckoned with, beside what was measured lately.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Forecast {
    group: String,
    /// What counts as now.
    now: DateTime<Utc>,
    /// The engine that decides.
    engine: EngineKind,
    /// The decision that this is of; null before the first.
    decision: Option<String>,
    /// When it was decided.
    decided: Option<DateTime<Utc>>,
    /// Minutes until a new instance serves, as it reckoned with.
    lead_minutes: Option<u32>,
    /// All that the engine concluded from, by its own kind (`engine`). Only `predictive` holds a forecast.
    evidence: Option<Value>,
    /// Names of the signals, in the order of the values.
    signals: Vec<String>,
    /// What was measured lately, oldest first.
    measured: Vec<Measured>,
}

/// What a group costs, in the account's currency.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Cost {
    group: String,
    /// What counts as now.
    now: DateTime<Utc>,
    /// Since the first evaluation.
    spent: f64,
    /// Per hour, as the fleet was at the last decision.
    per_hour: f64,
    /// Per hour, if all of these instances were on demand. Null if the group has no pool on demand to take a price from.
    on_demand_per_hour: Option<f64>,
    /// Per hour, if the group always had its most instances on demand.
    peak_per_hour: Option<f64>,
    /// Most money per hour, where there is a limit.
    budget_per_hour: Option<f64>,
    /// By pool, in the order of the configuration.
    pools: Vec<PoolCost>,
}

/// What a pool costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct PoolCost {
    pool: String,
    purchase: Purchase,
    /// Serving and starting.
    instances: u32,
    price_per_hour: f64,
    per_hour: f64,
}

pub(super) async fn forecast(desk: Desk, Path(name): Path<String>) -> Result<Json<Forecast>, Problem> {
    let group = desk.group(&name)?;
    let snapshot = snapshot_of(&desk, group).await?;
    let last = latest(&desk, group, &snapshot).await?;
    let decision = last.as_ref().and_then(|last| match &last.record.what {
        Happening::Decision(decision) => Some((public_id(&group.name, &last.name), last.record.time, decision)),
        _ => None,
    });
    Ok(Json(Forecast {
        group: group.name.clone(),
        now: desk.now,
        engine: snapshot.policies.in_force(group).policy.engine,
        decision: decision.as_ref().map(|(id, ..)| id.clone()),
        decided: decision.as_ref().map(|(_, time, _)| *time),
        lead_minutes: decision.as_ref().map(|(.., decision)| decision.seen.lead_minutes),
        evidence: decision.and_then(|(.., decision)| serde_json::to_value(&decision.proposal.evidence).ok()),
        signals: group.signals.iter().map(|signal| signal.name.clone()).collect(),
        measured: measured(&snapshot, group),
    }))
}

pub(super) async fn cost(desk: Desk, Path(name): Path<String>) -> Result<Json<Cost>, Problem> {
    let group = desk.group(&name)?;
    let snapshot = snapshot_of(&desk, group).await?;
    let last = latest(&desk, group, &snapshot).await?;
    let seen = last.as_ref().and_then(|last| match &last.record.what {
        Happening::Decision(decision) => Some(&decision.seen.pools),
        _ => None,
    });
    let pools: Vec<_> = group
        .pools
        .iter()
        .map(|pool| {
            let instances = seen.and_then(|pools| pools.get(&pool.name)).map_or(0, |capacity| capacity.total());
            PoolCost {
                pool: pool.name.clone(),
                purchase: pool.purchase,
                instances,
                price_per_hour: pool.price_per_hour,
                per_hour: f64::from(instances) * pool.price_per_hour,
            }
        })
        .collect();
    let instances: u32 = pools.iter().map(|pool| pool.instances).sum();
    let on_demand_price = group.on_demand_price_per_hour();
    Ok(Json(Cost {
        group: group.name.clone(),
        now: desk.now,
        spent: snapshot.spent,
        per_hour: pools.iter().map(|pool| pool.per_hour).sum(),
        on_demand_per_hour: on_demand_price.map(|price| price * f64::from(instances)),
        peak_per_hour: on_demand_price.map(|price| price * f64::from(group.scaling.max_instances)),
        budget_per_hour: group.purchase.budget_per_hour,
        pools,
    }))
}

/// The snapshot, or an empty one of a group that was not evaluated yet.
async fn snapshot_of(desk: &Desk, group: &Group) -> Result<Snapshot, Problem> {
    let found = find(desk, group).await.map_err(Problem::unreadable)?;
    Ok(found.unwrap_or_else(|| Snapshot::empty(desk.now, Vec::new())))
}
