use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decisions::{self, Named, public_id};
use super::routes::Parameters;
use super::{Desk, Problem};
use crate::engine::predictive::Expected;
use crate::engine::{Evidence, PredictiveEvidence};
use crate::model::{Capacity, Group};
use crate::records::{Decision, Happening};
use crate::state::keys::{self, is_decision};
use crate::state::{StoreError, records_since};

const POINTS: usize = 240;
const MOST_POINTS: usize = 1000;
const DEFAULT_HOURS: i64 = 6;
const LONGEST: TimeDelta = TimeDelta::days(7);
/// Records that are read at the same time.
const AT_ONCE: usize = 32;

/// Which stretch of time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    /// From here on, at most seven days before `until`; six hours before it without.
    since: Option<DateTime<Utc>>,
    /// Up to here; now without it.
    until: Option<DateTime<Utc>>,
    /// At most so many points, 2 to 1000; 240 without it.
    points: Option<usize>,
}

/// A group over time, as its decisions saw it, oldest first. Long stretches are thinned to every n-th decision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Series {
    group: String,
    /// What counts as now.
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    /// Decisions in this stretch.
    decisions: usize,
    /// Every so many-th of them is a point, the newest always.
    every: usize,
    /// Names of the signals, in the order of a point's values.
    signals: Vec<String>,
    points: Vec<Point>,
    /// What the newest point's decision expects, nearest first. Only `predictive` expects anything.
    expected: Vec<Band>,
    /// What the stretch cost, reckoned from the points.
    cost: StretchCost,
    /// Records that could not be read, and why.
    problems: Vec<String>,
}

/// What one decision saw and decided.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Point {
    /// For `/api/decisions/{decision}`.
    decision: String,
    time: DateTime<Utc>,
    /// Instances that served.
    serving: u32,
    /// Instances on their way.
    starting: u32,
    /// How many there should be; null for a dry run.
    target: Option<u32>,
    /// The newest value of each signal, in the signal's unit.
    values: Vec<Option<f64>>,
    /// Load in instances' worth, where the engine measures it, and the minute that it is of.
    demand: Option<Demand>,
    /// What was expected for the time at which an instance asked for now would serve.
    forecast: Option<Band>,
    /// Money per hour.
    per_hour: f64,
}

/// Load of a minute.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct Demand {
    time: DateTime<Utc>,
    /// In instances' worth.
    instances: f64,
}

/// What is expected at a time, in instances' worth: the quantiles 10 %, 50 %, 90 % and 99 %.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct Band {
    time: DateTime<Utc>,
    low: f64,
    middle: f64,
    high: f64,
    highest: f64,
}

/// What a stretch cost, in the account's currency.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub(super) struct StretchCost {
    /// From the first point to the last.
    hours: f64,
    spent: f64,
    /// Had all of these instances been on demand. Null without a pool on demand to take a price from.
    on_demand: Option<f64>,
    /// Had the most instances of this stretch run on demand all the time.
    peak: Option<f64>,
}

pub(super) async fn series(
    desk: Desk,
    Path(name): Path<String>,
    Parameters(stretch): Parameters<Stretch>,
) -> Result<Json<Series>, Problem> {
    let group = desk.group(&name)?;
    let limit = stretch.points.unwrap_or(POINTS);
    if !(2..=MOST_POINTS).contains(&limit) {
        return Err(Problem::bad_request(format!("points is 2 to {MOST_POINTS}")));
    }
    let until = stretch.until.unwrap_or(desk.now);
    let since = stretch.since.unwrap_or(until - TimeDelta::hours(DEFAULT_HOURS));
    if since >= until || until - since > LONGEST {
        return Err(Problem::bad_request(format!("since is before until, by at most {} days", LONGEST.num_days())));
    }
    let mut names = records_since(&desk.store, &group.name, since, desk.deadline).await?;
    names.retain(|name| is_decision(name) && keys::time_of_record(name).is_some_and(|time| time <= until));
    let decisions = names.len();
    let every = decisions.div_ceil(limit).max(1);
    let chosen: Vec<String> = names.into_iter().rev().step_by(every).collect();

    let (mut points, mut expected, mut problems) = (Vec::new(), None, Vec::new());
    let mut records =
        stream::iter(chosen).map(|name| async { decisions::read(&desk, group, name).await }).buffered(AT_ONCE);
    while let Some(read) = records.next().await {
        let named = match read {
            Ok(named) => named,
            Err(error @ (StoreError::Malformed { .. } | StoreError::Newer { .. })) => {
                problems.push(error.to_string());
                None
            }
            Err(error) => return Err(error.into()),
        };
        let Some(named) = named else { continue };
        let Happening::Decision(decision) = &named.record.what else { continue };
        expected.get_or_insert_with(|| predicted(decision).map(bands).unwrap_or_default());
        points.push(Point::of(group, &named, decision));
    }
    drop(records);
    points.reverse();
    Ok(Json(Series {
        group: group.name.clone(),
        now: desk.now,
        since,
        until,
        decisions,
        every,
        signals: group.signals.iter().map(|signal| signal.name.clone()).collect(),
        cost: StretchCost::of(group, &points),
        points,
        expected: expected.unwrap_or_default(),
        problems,
    }))
}

impl Point {
    fn of(group: &Group, named: &Named, decision: &Decision) -> Self {
        let pools = &decision.seen.pools;
        let value = |name: &String| decision.seen.signals.get(name).map(|value| value.value);
        let evidence = predicted(decision);
        Self {
            decision: public_id(&named.record.group, &named.name),
            time: named.record.time,
            serving: pools.values().map(|pool| pool.serving).sum(),
            starting: pools.values().map(|pool| pool.starting).sum(),
            target: (!decision.dry_run).then_some(decision.target),
            values: group.signals.iter().map(|signal| value(&signal.name)).collect(),
            demand: evidence
                .map(|evidence| Demand { time: evidence.newest.start(), instances: evidence.newest_demand }),
            forecast: evidence.and_then(|evidence| evidence.expected_at(decision.seen.lead_minutes)).map(Band::from),
            per_hour: per_hour(group, pools),
        }
    }
}

impl StretchCost {
    /// What ran at one point is taken to have run until the next.
    fn of(group: &Group, points: &[Point]) -> Self {
        let hours = |from: &Point, to: &Point| (to.time - from.time).num_seconds() as f64 / 3600.0;
        let total = |point: &Point| f64::from(point.serving + point.starting);
        let steps = || points.windows(2).map(|pair| (&pair[0], hours(&pair[0], &pair[1])));
        let price = group.on_demand_price_per_hour();
        let all_hours: f64 = steps().map(|(_, hours)| hours).sum();
        let most = points.iter().map(total).fold(0.0, f64::max);
        Self {
            hours: all_hours,
            spent: steps().map(|(point, hours)| point.per_hour * hours).sum(),
            on_demand: price.map(|price| steps().map(|(point, hours)| price * total(point) * hours).sum()),
            peak: price.map(|price| price * most * all_hours),
        }
    }
}

fn per_hour(group: &Group, pools: &BTreeMap<String, Capacity>) -> f64 {
    let price = |pool: &crate::model::Pool| {
        let instances = pools.get(&pool.name).map_or(0, |capacity| capacity.total());
        f64::from(instances) * pool.price_per_hour
    };
    group.pools.iter().map(price).sum()
}

fn predicted(decision: &Decision) -> Option<&PredictiveEvidence> {
    match &decision.proposal.evidence {
        Evidence::Predictive(evidence) => Some(evidence),
        _ => None,
    }
}

impl From<Expected> for Band {
    fn from(Expected { minute, low, middle, high, highest }: Expected) -> Self {
        Self { time: minute.start(), low, middle, high, highest }
    }
}

fn bands(evidence: &PredictiveEvidence) -> Vec<Band> {
    evidence.expected().into_iter().map(Band::from).collect()
}
