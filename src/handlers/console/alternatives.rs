use axum::Json;
use axum::extract::Path;
use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Serialize;

use super::decisions::read_all;
use super::{Desk, Problem};
use crate::model::{EngineKind, Minute};
use crate::records::{DECISIONS_SHOWN, Decision, Happening, alternatives};
use crate::state::keys::{self, is_decision};
use crate::state::records_since;

/// How far back the decisions lie that engines are shown.
const WINDOW: TimeDelta = TimeDelta::hours(3);

/// What engines other than the one that decided would have asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Alternatives {
    /// The decision.
    decision: String,
    /// How many instances it asked for.
    target: u32,
    /// Decisions whose readings were shown, this one included.
    shown: usize,
    /// One entry an engine.
    alternatives: Vec<Alternative>,
}

/// What one engine would have asked for, from the same readings and the same fleet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Alternative {
    engine: EngineKind,
    /// Before guardrails.
    proposed: u32,
    /// After guardrails.
    target: u32,
    /// Why, in sentences.
    told: Vec<String>,
}

pub(super) async fn show(desk: Desk, Path(id): Path<String>) -> Result<Json<Alternatives>, Problem> {
    let unknown = || Problem::unknown_decision(&id);
    let (group, name) = id.split_once('.').ok_or_else(unknown)?;
    let group = desk.config.group(group).ok_or_else(unknown)?;
    let name = format!("{name}.json");
    let time = keys::time_of_record(&name).ok_or_else(unknown)?;
    let mut names = records_since(&desk.store, &group.name, time - WINDOW, desk.deadline).await?;
    names.retain(|other| is_decision(other) && *other <= name);
    if names.last() != Some(&name) {
        return Err(unknown());
    }
    let shown = names.split_off(names.len().saturating_sub(DECISIONS_SHOWN));
    let records = read_all(&desk, group, shown).await?;
    let decisions: Vec<(Minute, &Decision)> = records
        .iter()
        .filter_map(|named| match &named.record.what {
            Happening::Decision(decision) => Some((Minute::containing(named.record.time), decision.as_ref())),
            _ => None,
        })
        .collect();
    let target = decisions.last().ok_or_else(unknown)?.1.target;
    let alternatives = alternatives(group, &decisions).into_iter().map(|other| Alternative {
        engine: other.engine,
        proposed: other.proposed,
        target: other.target,
        told: other.sentences,
    });
    Ok(Json(Alternatives { decision: id, target, shown: decisions.len(), alternatives: alternatives.collect() }))
}
