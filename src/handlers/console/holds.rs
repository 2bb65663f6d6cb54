use axum::Json;
use axum::extract::Path;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decisions::read_all;
use super::routes::{Document, Parameters};
use super::{Desk, Problem};
use crate::model::{Group, Hold, Order};
use crate::records::{Happening, Record, SCHEMA_VERSION};
use crate::state::{LONGEST_RECORD_WINDOW, Snapshot, StoreError, keys, records_since, write_record};

/// Who writes these records, as their names tell.
const SOURCE: &str = "console";
/// An order lasts no longer: one that is forgotten shall not bind for ever.
const LONGEST_HOLD: TimeDelta = LONGEST_RECORD_WINDOW;
/// Longest name of a person and longest reason, in characters.
const LONGEST_TEXT: usize = 200;

/// An order that was given.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Held {
    /// The order as it will be obeyed from the next evaluation on.
    hold: Hold,
    /// Name of the record that keeps it.
    record: String,
}

/// Who lifts the orders.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftQuery {
    /// Who lifts them.
    who: String,
}

/// All orders were lifted.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Lifted {
    /// The orders that are lifted from the next evaluation on.
    lifted: Vec<Hold>,
    /// Name of the record that keeps it.
    record: String,
}

pub(super) async fn hold(
    desk: Desk,
    Path(group): Path<String>,
    Document(hold): Document<Hold>,
) -> Result<Json<Held>, Problem> {
    let group = desk.group(&group)?;
    validate(&desk, group, &hold)?;
    let record = write(&desk, group, Happening::Hold(hold.clone())).await?;
    Ok(Json(Held { hold, record }))
}

pub(super) async fn lift(
    desk: Desk,
    Path(group): Path<String>,
    Parameters(query): Parameters<LiftQuery>,
) -> Result<Json<Lifted>, Problem> {
    let group = desk.group(&group)?;
    if let Some(detail) = bad_text(&query.who) {
        return Err(Problem::bad_request(format!("who: {detail}")));
    }
    let snapshot = super::groups::find(&desk, group).await.unwrap_or_default();
    let lifted = in_force(&desk, group, snapshot.as_ref()).await?;
    let record = write(&desk, group, Happening::Lift { who: query.who }).await?;
    Ok(Json(Lifted { lifted, record }))
}

/// The orders in force: those that the snapshot knows, and those given and lifted since it was written.
pub(super) async fn in_force(desk: &Desk, group: &Group, snapshot: Option<&Snapshot>) -> Result<Vec<Hold>, StoreError> {
    let since = snapshot.map_or(desk.now - LONGEST_RECORD_WINDOW, |snapshot| snapshot.unfolded_since(desk.now));
    let mut names = records_since(&desk.store, &group.name, since, desk.deadline).await?;
    names.retain(|name| {
        keys::source_of_record(name) == Some(SOURCE) && snapshot.is_none_or(|snapshot| !snapshot.folded.contains(name))
    });
    let mut holds = snapshot.map(|snapshot| snapshot.holds.clone()).unwrap_or_default();
    for named in read_all(desk, group, names).await? {
        match named.record.what {
            Happening::Hold(hold) => holds.push(hold),
            Happening::Lift { .. } => holds.clear(),
            _ => {}
        }
    }
    holds.retain(|hold| hold.is_active(desk.now));
    Ok(holds)
}

fn validate(desk: &Desk, group: &Group, hold: &Hold) -> Result<(), Problem> {
    for (pointer, text) in [("/who", &hold.who), ("/why", &hold.why)] {
        if let Some(detail) = bad_text(text) {
            return Err(Problem::invalid(pointer, detail));
        }
    }
    if hold.until <= desk.now {
        return Err(Problem::invalid("/until", format!("it has passed: now is {}", desk.now.to_rfc3339())));
    }
    if hold.until > desk.now + LONGEST_HOLD {
        return Err(Problem::invalid("/until", format!("an order lasts at most {} days", LONGEST_HOLD.num_days())));
    }
    let (pointer, number) = match hold.order {
        Order::PauseAll | Order::PauseIn | Order::PauseOut => return Ok(()),
        Order::Pin(number) => ("/order/pin", number),
        Order::Floor(number) => ("/order/floor", number),
    };
    let limits = group.scaling.min_instances..=group.scaling.max_instances;
    if limits.contains(&number) {
        return Ok(());
    }
    let (min, max) = limits.into_inner();
    Err(Problem::invalid(pointer, format!("the group's limits are {min} to {max}; they win over an order")))
}

pub(super) fn bad_text(text: &str) -> Option<String> {
    let length = text.chars().count();
    let fits = !text.trim().is_empty() && length <= LONGEST_TEXT && !text.chars().any(char::is_control);
    (!fits).then(|| format!("expected 1 to {LONGEST_TEXT} characters on one line"))
}

async fn write(desk: &Desk, group: &Group, what: Happening) -> Result<String, StoreError> {
    let record = Record {
        schema: SCHEMA_VERSION,
        // Orders of one second are obeyed in the order of their names, so these must sort as they were given.
        id: Uuid::now_v7().simple().to_string(),
        group: group.name.clone(),
        time: desk.now,
        what,
    };
    write_record(&desk.store, &record, SOURCE, desk.deadline).await
}
