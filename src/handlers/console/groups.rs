use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decisions::{DecisionSummary, Named};
use super::routes::{Api, Parameters};
use super::{Desk, Problem, decisions, holds, shown};
use crate::functiongraph::events::{Action, Evaluation};
use crate::model::{EngineKind, Group, Hold, Mode, Occurrence, Pool, Purchase, Sample, Schedule};
use crate::records::{Happening, Loss, Raise};
use crate::state::{Found, Snapshot, read_snapshot};

/// Groups that are read at the same time.
const AT_ONCE: usize = 16;
const GROUPS_A_PAGE: usize = 50;
const MOST_GROUPS_A_PAGE: usize = 200;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Only what comes after this group, in the order of the configuration.
    after: Option<String>,
    /// At most so many, 1 to 200; 50 without it.
    limit: Option<usize>,
}

/// How groups stand.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct GroupList {
    /// What counts as now.
    now: DateTime<Utc>,
    /// One entry a group, in the order of the configuration.
    groups: Vec<GroupSummary>,
    /// Send this as `after` for the next page.
    next: Option<String>,
}

/// How a group stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct GroupSummary {
    name: String,
    mode: Mode,
    engine: EngineKind,
    min_instances: u32,
    max_instances: u32,
    /// Orders of people in force.
    holds: Vec<Hold>,
    /// The last decision.
    last_decision: Option<DecisionSummary>,
    /// When it was last evaluated.
    evaluated: Option<DateTime<Utc>>,
    /// Why nothing is known, if so.
    problem: Option<String>,
}

/// Everything that is known of a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct GroupDetail {
    /// What counts as now.
    now: DateTime<Utc>,
    /// How it stands.
    #[serde(flatten)]
    summary: GroupSummary,
    /// How it is configured, without logins in addresses and without start-up scripts.
    config: Group,
    /// The same under the version of the policy that decides.
    in_force: Group,
    /// What each pool has and shall have, in the order of the configuration.
    pools: Vec<PoolNow>,
    /// Version of the policy in force.
    policy: Option<String>,
    /// Calls of alarms and reclaims for more, in force.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    raises: Vec<Raise>,
    /// When each schedule is on: now, or the next time. Those that are over are left out.
    schedules: Vec<Upcoming>,
    /// Spot instances taken away lately.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    losses: Vec<Loss>,
    /// Minutes until a new instance serves, as measured; as configured before five starts were seen.
    lead_minutes: u32,
    /// What was measured lately, oldest first.
    recent: Vec<Measured>,
}

/// What a pool has and shall have, as of the last decision.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct PoolNow {
    pool: String,
    purchase: Purchase,
    /// Instances that served.
    serving: u32,
    /// Instances on their way.
    starting: u32,
    /// How many it shall have; null without a decision.
    target: Option<u32>,
    /// Why so many.
    why: Option<String>,
    /// In the account's currency.
    price_per_hour: f64,
}

/// When a schedule is on.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Upcoming {
    /// The schedule's name.
    schedule: String,
    /// Whether it is on now.
    is_on: bool,
    #[serde(flatten)]
    occurrence: Occurrence,
}

impl Upcoming {
    fn of(group: &Group, now: DateTime<Utc>) -> Vec<Self> {
        let upcoming = |schedule: &Schedule| {
            let occurrence = schedule.between(now, now).or_else(|| schedule.next(now))?;
            Some(Self { schedule: schedule.name.clone(), is_on: occurrence.contains(now), occurrence })
        };
        group.schedules.iter().filter_map(upcoming).collect()
    }
}

/// One minute's values, in the order of the configuration's signals.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Measured {
    /// When.
    time: DateTime<Utc>,
    /// Instances that served.
    serving: Option<u32>,
    /// One value a signal; what is missing is null.
    values: Vec<Option<f64>>,
}

impl From<&Sample> for Measured {
    fn from(sample: &Sample) -> Self {
        Self { time: sample.minute.start(), serving: sample.serving, values: sample.values.clone() }
    }
}

/// How to evaluate.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EvaluateQuery {
    /// Decide and record, change nothing.
    #[serde(default)]
    dry_run: bool,
}

/// An evaluation that was asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Asked {
    group: String,
    dry_run: bool,
    /// Id of the request. Its decision will be the newest of the group, with this in its trigger.
    request_id: String,
}

pub(super) async fn list(desk: Desk, Parameters(page): Parameters<Page>) -> Result<Json<GroupList>, Problem> {
    let limit = page.limit.unwrap_or(GROUPS_A_PAGE);
    if !(1..=MOST_GROUPS_A_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {MOST_GROUPS_A_PAGE}")));
    }
    let all = &desk.config.groups;
    let start = match &page.after {
        None => 0,
        Some(name) => all.iter().position(|group| &group.name == name).ok_or_else(|| Problem::unknown_group(name))? + 1,
    };
    let end = all.len().min(start + limit);
    let standing: Vec<_> = all[start..end].iter().map(|group| stand(&desk, group)).collect();
    let groups = stream::iter(standing).buffered(AT_ONCE).collect().await;
    let next = (end < all.len()).then(|| all[end - 1].name.clone());
    Ok(Json(GroupList { now: desk.now, groups, next }))
}

pub(super) async fn show(desk: Desk, Path(name): Path<String>) -> Result<Json<GroupDetail>, Problem> {
    let group = desk.group(&name)?;
    let found = find(&desk, group).await;
    let (summary, latest) = summarise(&desk, group, found.as_ref().map(Option::as_ref).map_err(Clone::clone)).await;
    // Of a group without a snapshot nothing is known: an empty one says so.
    let snapshot = found.ok().flatten().unwrap_or_else(|| Snapshot::empty(desk.now, Vec::new()));
    Ok(Json(GroupDetail {
        now: desk.now,
        summary,
        config: shown::without_secrets(group),
        in_force: shown::without_secrets(&snapshot.policies.in_force(group)),
        pools: pools(group, latest.as_ref()),
        lead_minutes: snapshot.lead_minutes(&group.scaling),
        recent: measured(&snapshot, group),
        policy: Some(snapshot.policy).filter(|policy| !policy.is_empty()),
        raises: snapshot.raises.into_iter().filter(|raise| desk.now < raise.until).collect(),
        schedules: Upcoming::of(group, desk.now),
        losses: snapshot.losses,
    }))
}

pub(super) async fn evaluate(
    State(api): State<Api>,
    desk: Desk,
    Path(name): Path<String>,
    Parameters(query): Parameters<EvaluateQuery>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    desk.group(&name)?;
    let request =
        Evaluation { action: Action::Evaluate, groups: vec![name.clone()], time: None, dry_run: query.dry_run };
    let request_id = api.evaluate(&request).await.map_err(Problem::failed)?;
    Ok((StatusCode::ACCEPTED, Json(Asked { group: name, dry_run: query.dry_run, request_id })))
}

/// The snapshot, none if there is none yet, or why it can't be read.
pub(super) async fn find(desk: &Desk, group: &Group) -> Result<Option<Snapshot>, String> {
    match read_snapshot(&desk.store, &group.name, desk.deadline).await {
        Ok(Found::Whole(snapshot)) => Ok(Some(*snapshot)),
        Ok(Found::Nothing) => Ok(None),
        Ok(Found::Torn(reason)) => Err(format!("the snapshot is torn and will be written anew: {reason}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The last samples, where they are of the signals that are configured now.
pub(super) fn measured(snapshot: &Snapshot, group: &Group) -> Vec<Measured> {
    let same = snapshot.signals.iter().eq(group.signals.iter().map(|signal| &signal.name));
    snapshot.recent.iter().filter(|_| same).map(Measured::from).collect()
}

async fn stand(desk: &Desk, group: &Group) -> GroupSummary {
    let found = find(desk, group).await;
    summarise(desk, group, found.as_ref().map(Option::as_ref).map_err(Clone::clone)).await.0
}

fn pools(group: &Group, latest: Option<&Named>) -> Vec<PoolNow> {
    let decision = latest.and_then(|latest| match &latest.record.what {
        Happening::Decision(decision) => Some(decision),
        _ => None,
    });
    let now = |pool: &Pool| {
        let capacity = decision.and_then(|decision| decision.seen.pools.get(&pool.name)).copied().unwrap_or_default();
        let plan = decision.and_then(|decision| decision.plan.iter().find(|plan| plan.pool == pool.name));
        PoolNow {
            pool: pool.name.clone(),
            purchase: pool.purchase,
            serving: capacity.serving,
            starting: capacity.starting,
            target: plan.map(|plan| plan.target),
            why: plan.map(|plan| plan.why.clone()),
            price_per_hour: pool.price_per_hour,
        }
    };
    group.pools.iter().map(now).collect()
}

/// How a group stands, and the record of its last decision.
async fn summarise(
    desk: &Desk,
    group: &Group,
    found: Result<Option<&Snapshot>, String>,
) -> (GroupSummary, Option<Named>) {
    let mut summary = GroupSummary {
        name: group.name.clone(),
        mode: group.mode,
        engine: group.policy.engine,
        min_instances: group.scaling.min_instances,
        max_instances: group.scaling.max_instances,
        holds: Vec::new(),
        last_decision: None,
        evaluated: None,
        problem: None,
    };
    let snapshot = match found {
        Ok(Some(snapshot)) => Some(snapshot),
        Ok(None) => {
            summary.problem = Some("it has not been evaluated yet".to_owned());
            None
        }
        Err(problem) => {
            summary.problem = Some(problem);
            None
        }
    };
    let mut last = None;
    if let Some(snapshot) = snapshot {
        summary.evaluated = Some(snapshot.written);
        summary.engine = snapshot.policies.in_force(group).policy.engine;
        match decisions::latest(desk, group, snapshot).await {
            Ok(latest) => {
                summary.last_decision = latest.as_ref().and_then(DecisionSummary::of);
                last = latest;
            }
            Err(error) => summary.problem = Some(error.to_string()),
        }
    }
    match holds::in_force(desk, group, snapshot).await {
        Ok(holds) => summary.holds = holds,
        Err(error) => summary.problem = Some(error.to_string()),
    }
    (summary, last)
}
