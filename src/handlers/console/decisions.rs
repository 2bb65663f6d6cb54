use axum::Json;
use axum::extract::Path;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::routes::Parameters;
use super::{Desk, Problem};
use crate::engine::guardrails;
use crate::model::{Group, Mode};
use crate::records::{Decision, Happening, Record, explain};
use crate::state::keys::is_decision;
use crate::state::{LONGEST_RECORD_WINDOW, Snapshot, StoreError, keys, read_record, records_between};

/// Records that are read at the same time.
const AT_ONCE: usize = 16;
const DECISIONS_A_PAGE: usize = 60;
const MOST_DECISIONS_A_PAGE: usize = 500;
/// How far back is looked without `since`, until there are enough: as long as records are kept, at most.
const HOURS_BACK: [i64; 4] = [3, 12, 48, LONGEST_RECORD_WINDOW.num_hours()];

/// Which decisions.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    /// Not older than this. Without it as far back as a page takes.
    since: Option<DateTime<Utc>>,
    /// Older than this. Without it the newest.
    before: Option<DateTime<Utc>>,
    /// At most so many, 1 to 500; 60 without it.
    limit: Option<usize>,
}

/// Decisions, newest first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct DecisionList {
    decisions: Vec<DecisionSummary>,
    /// Send this as `before` for the next page.
    next: Option<DateTime<Utc>>,
    /// Records that could not be read, and why.
    problems: Vec<String>,
}

/// A decision in a line.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct DecisionSummary {
    /// For `/api/decisions/{decision}`.
    id: String,
    time: DateTime<Utc>,
    /// What woke the evaluation.
    trigger: String,
    /// Id of the request that asked for it.
    request_id: String,
    mode: Mode,
    dry_run: bool,
    /// How many instances there were, serving and starting.
    current: u32,
    /// How many the engine wanted.
    proposed: u32,
    /// What guardrails made of it: one entry for each that changed the number.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    guardrails: Vec<guardrails::Step>,
    /// How many there shall be.
    target: u32,
    /// Of those, how many served.
    serving: u32,
    /// The decision in one sentence.
    headline: String,
    /// The same with its weightiest reason.
    why: String,
    /// What went wrong on the way, in words.
    problems: Vec<String>,
}

/// A decision with every reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct DecisionDetail {
    /// The decision in a line.
    #[serde(flatten)]
    summary: DecisionSummary,
    /// The group.
    group: String,
    /// The decision in sentences, most important first.
    told: Vec<String>,
    /// Where the record contradicts itself; null if the same number follows from it again.
    contradiction: Option<String>,
    /// The record as it is kept.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    decision: Decision,
}

/// A record under its name.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) record: Record,
}

impl DecisionSummary {
    /// `None` if the record is not of a decision.
    pub(super) fn of(named: &Named) -> Option<Self> {
        let Happening::Decision(decision) = &named.record.what else { return None };
        Some(Self {
            id: public_id(&named.record.group, &named.name),
            time: named.record.time,
            trigger: decision.trigger.kind.clone(),
            request_id: decision.trigger.request_id.clone(),
            mode: decision.mode,
            dry_run: decision.dry_run,
            current: decision.guardrail_inputs.current,
            proposed: decision.proposal.target,
            guardrails: decision.guardrails.clone(),
            target: decision.target,
            serving: decision.seen.pools.values().map(|pool| pool.serving).sum(),
            headline: explain::headline(decision),
            why: explain::summary(decision),
            problems: decision.problems.clone(),
        })
    }
}

/// Names of the decisions of that time.
async fn decisions_within(
    desk: &Desk,
    group: &Group,
    since: DateTime<Utc>,
    before: Option<DateTime<Utc>>,
) -> Result<Vec<String>, StoreError> {
    let mut names = records_between(&desk.store, &group.name, since, before, desk.deadline).await?;
    names.retain(|name| is_decision(name));
    Ok(names)
}

pub(super) async fn list(
    desk: Desk,
    Path(group): Path<String>,
    Parameters(window): Parameters<Window>,
) -> Result<Json<DecisionList>, Problem> {
    let group = desk.group(&group)?;
    let limit = window.limit.unwrap_or(DECISIONS_A_PAGE);
    if !(1..=MOST_DECISIONS_A_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is 1 to {MOST_DECISIONS_A_PAGE}")));
    }
    let end = window.before.unwrap_or(desk.now);
    let mut names = Vec::new();
    match window.since {
        Some(since) => names = decisions_within(&desk, group, since, window.before).await?,
        // As far back as it takes, and no farther: most groups decide every minute.
        None => {
            for hours in HOURS_BACK {
                names = decisions_within(&desk, group, end - TimeDelta::hours(hours), window.before).await?;
                if names.len() > limit {
                    break;
                }
            }
        }
    }
    let more = names.len() > limit;
    let page = names.split_off(names.len().saturating_sub(limit));
    let next = page.first().filter(|_| more).and_then(|name| keys::time_of_record(name));

    let mut list = DecisionList { decisions: Vec::new(), next, problems: Vec::new() };
    let mut records =
        stream::iter(page.into_iter().rev()).map(|name| async { read(&desk, group, name).await }).buffered(AT_ONCE);
    while let Some(read) = records.next().await {
        match read {
            Ok(named) => list.decisions.extend(named.as_ref().and_then(DecisionSummary::of)),
            Err(error @ (StoreError::Malformed { .. } | StoreError::Newer { .. })) => {
                list.problems.push(error.to_string())
            }
            Err(error) => return Err(error.into()),
        }
    }
    drop(records);
    Ok(Json(list))
}

pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Json<DecisionDetail>, Problem> {
    let unknown = || Problem::unknown_decision(&id);
    let (group, name) = id.split_once('.').ok_or_else(unknown)?;
    let group = desk.config.group(group).ok_or_else(unknown)?;
    let named = read(&desk, group, format!("{name}.json")).await?.ok_or_else(unknown)?;
    let summary = DecisionSummary::of(&named).ok_or_else(unknown)?;
    let Happening::Decision(decision) = named.record.what else { return Err(unknown()) };
    Ok(Json(DecisionDetail {
        summary,
        group: named.record.group,
        told: explain::sentences(&decision),
        contradiction: explain::check(&decision).err(),
        decision: *decision,
    }))
}

/// The last decision that the snapshot knows of.
pub(super) async fn latest(desk: &Desk, group: &Group, snapshot: &Snapshot) -> Result<Option<Named>, StoreError> {
    match &snapshot.last_decision {
        Some(name) => read(desk, group, name.clone()).await,
        None => Ok(None),
    }
}

/// The records of those names that are there.
pub(super) async fn read_all(desk: &Desk, group: &Group, names: Vec<String>) -> Result<Vec<Named>, StoreError> {
    let records = stream::iter(names).map(|name| read(desk, group, name)).buffered(AT_ONCE);
    records.try_filter_map(async |named| Ok(named)).try_collect().await
}

pub(super) async fn read(desk: &Desk, group: &Group, name: String) -> Result<Option<Named>, StoreError> {
    let record = read_record(&desk.store, &group.name, &name, desk.deadline).await?;
    Ok(record.map(|record| Named { name, record }))
}

/// `<group>.<record name without its ending>`: what finds a decision without asking every group. Names of groups hold no
/// dot.
pub(super) fn public_id(group: &str, record_name: &str) -> String {
    format!("{group}.{}", record_name.strip_suffix(".json").unwrap_or(record_name))
}
