use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::Path;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::decisions::read_all;
use super::groups::find;
use super::{Desk, Problem};
use crate::model::{FleetSource, Group, Pool, Purchase};
use crate::records::{Happening, Loss};
use crate::state::{Snapshot, keys, records_since};

/// How far back losses are counted.
const WINDOW: TimeDelta = TimeDelta::hours(24);
/// Most records of losses that are read, the newest. A storm that is larger is counted as this many.
const MOST_RECORDS: usize = 500;

/// How spot instances fare: what was taken away and where nothing can be bought, by pool and zone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct SpotWeather {
    group: String,
    /// What counts as now.
    now: DateTime<Utc>,
    /// Losses are counted from here on.
    since: DateTime<Utc>,
    /// Spot pools, in the order of the configuration.
    pools: Vec<PoolWeather>,
}

/// How one spot pool fares.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct PoolWeather {
    pool: String,
    /// Zones that it uses or has lost instances in, sorted. `null` is a zone that is not known.
    zones: Vec<ZoneWeather>,
}

/// How one zone fares.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct ZoneWeather {
    zone: Option<String>,
    /// Instances that were taken away.
    losses: usize,
    /// Of those, how many are going now.
    going: usize,
    /// When the last one was announced.
    last_loss: Option<DateTime<Utc>>,
    /// Flavors that are left alone there for now, because they were sold out or taken away.
    left_alone: Vec<LeftAlone>,
}

/// A flavor that is left alone.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LeftAlone {
    /// Null if it is every flavor.
    flavor: Option<String>,
    until: DateTime<Utc>,
    /// For how long this time; twice as long each time.
    minutes: u32,
}

impl ZoneWeather {
    fn fair(zone: Option<String>) -> Self {
        Self { zone, losses: 0, going: 0, last_loss: None, left_alone: Vec::new() }
    }
}

pub(super) async fn weather(desk: Desk, Path(name): Path<String>) -> Result<Json<SpotWeather>, Problem> {
    let group = desk.group(&name)?;
    let since = desk.now - WINDOW;
    let spot: Vec<&Pool> = group.pools.iter().filter(|pool| pool.purchase == Purchase::Spot).collect();
    let (snapshot, losses) = if spot.is_empty() {
        (None, Vec::new())
    } else {
        let found = find(&desk, group).await.map_err(Problem::unreadable)?;
        (found, losses(&desk, group, since).await?)
    };
    let pools = spot
        .into_iter()
        .map(|pool| PoolWeather {
            pool: pool.name.clone(),
            zones: zones(pool, snapshot.as_ref(), &losses[..], desk.now),
        })
        .collect();
    Ok(Json(SpotWeather { group: group.name.clone(), now: desk.now, since, pools }))
}

/// Losses that were recorded, each instance once, with the time at which it was announced.
async fn losses(desk: &Desk, group: &Group, since: DateTime<Utc>) -> Result<Vec<(DateTime<Utc>, Loss)>, Problem> {
    let mut names = records_since(&desk.store, &group.name, since, desk.deadline).await?;
    names.retain(|name| keys::source_of_record(name) == Some("reclaim"));
    let newest = names.split_off(names.len().saturating_sub(MOST_RECORDS));
    let mut known = BTreeSet::new();
    let records = read_all(desk, group, newest).await?.into_iter().filter_map(|named| match named.record.what {
        Happening::Loss(loss) if known.insert(loss.instance.clone()) => Some((named.record.time, loss)),
        _ => None,
    });
    Ok(records.collect())
}

fn zones(
    pool: &Pool,
    snapshot: Option<&Snapshot>,
    losses: &[(DateTime<Utc>, Loss)],
    now: DateTime<Utc>,
) -> Vec<ZoneWeather> {
    let mut zones = BTreeMap::new();
    if let FleetSource::Ecs(source) = &pool.fleet {
        zones.extend(source.zones.iter().map(|name| (Some(name.clone()), ZoneWeather::fair(Some(name.clone())))));
    }
    for (time, loss) in losses.iter().filter(|(_, loss)| loss.pool == pool.name) {
        let zone = zones.entry(loss.zone.clone()).or_insert_with_key(|zone| ZoneWeather::fair(zone.clone()));
        zone.losses += 1;
        zone.going += usize::from(loss.ends.is_some_and(|ends| now < ends));
        zone.last_loss = zone.last_loss.max(Some(*time));
    }
    let exhausted = snapshot.and_then(|snapshot| snapshot.fleets.get(&pool.name)).map(|fleet| &fleet.exhausted);
    for (place, exhaustion) in exhausted.into_iter().flatten().filter(|(_, exhaustion)| now < exhaustion.until) {
        // `zone/flavor`; `*` stands for every place, and `any` for a zone that the cloud chooses.
        let (name, flavor) =
            place.split_once('/').map_or((place.as_str(), None), |(zone, flavor)| (zone, Some(flavor)));
        let name = Some(name).filter(|name| !["any", "*"].contains(name)).map(str::to_owned);
        let zone = zones.entry(name).or_insert_with_key(|zone| ZoneWeather::fair(zone.clone()));
        zone.left_alone.push(LeftAlone {
            flavor: flavor.map(str::to_owned),
            until: exhaustion.until,
            minutes: exhaustion.minutes,
        });
    }
    zones.into_values().collect()
}
