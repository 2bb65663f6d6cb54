use axum::Json;
use axum::extract::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::holds::bad_text;
use super::routes::Document;
use super::{Desk, Problem};
use crate::handlers::tune::{OrderError, Overview, VersionStory, Wanted, give_order, overview, story};
use crate::model::{PolicyChange, PolicyOrder};

/// Who orders, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Who.
    who: String,
    /// Why.
    why: String,
}

/// An order that was recorded.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Ordered {
    /// The order. One against a version is obeyed from the next evaluation on, an approval from the next run of `tune` on.
    change: PolicyChange,
}

pub(super) async fn list(desk: Desk, Path(group): Path<String>) -> Result<Json<Overview>, Problem> {
    let group = desk.group(&group)?;
    Ok(Json(overview(&desk.store, &group.name, desk.deadline).await?))
}

pub(super) async fn show(
    desk: Desk,
    Path((group, version)): Path<(String, String)>,
) -> Result<Json<VersionStory>, Problem> {
    let group = desk.group(&group)?;
    check_name(&version)?;
    let found = story(&desk.store, &group.name, &version, desk.deadline).await?;
    found.map(Json).ok_or_else(|| Problem::unknown_version(&version))
}

pub(super) async fn approve(
    desk: Desk,
    path: Path<(String, String)>,
    wish: Document<Wish>,
) -> Result<Json<Ordered>, Problem> {
    order(&desk, path, wish, PolicyOrder::Approve).await
}

pub(super) async fn reject(
    desk: Desk,
    path: Path<(String, String)>,
    wish: Document<Wish>,
) -> Result<Json<Ordered>, Problem> {
    order(&desk, path, wish, PolicyOrder::Reject).await
}

pub(super) async fn roll_back(
    desk: Desk,
    path: Path<(String, String)>,
    wish: Document<Wish>,
) -> Result<Json<Ordered>, Problem> {
    order(&desk, path, wish, PolicyOrder::RollBack).await
}

async fn order(
    desk: &Desk,
    Path((group, version)): Path<(String, String)>,
    Document(Wish { who, why }): Document<Wish>,
    order: PolicyOrder,
) -> Result<Json<Ordered>, Problem> {
    let group = desk.group(&group)?;
    check_name(&version)?;
    for (pointer, text) in [("/who", &who), ("/why", &why)] {
        if let Some(detail) = bad_text(text) {
            return Err(Problem::invalid(pointer, detail));
        }
    }
    let wanted = Wanted { group: &group.name, configured: Some(group), version: &version, order, who: &who, why: &why };
    match give_order(&desk.store, wanted, desk.now, desk.deadline).await {
        Ok(change) => Ok(Json(Ordered { change })),
        Err(OrderError::UnknownVersion(version)) => Err(Problem::unknown_version(&version)),
        Err(error @ (OrderError::Past { .. } | OrderError::NotWaiting { .. } | OrderError::Outdated(_))) => {
            Err(Problem::conflict(error.to_string()))
        }
        Err(OrderError::Store(error)) => Err(error.into()),
    }
}

/// A name becomes part of a key: nothing but what versions are named with.
fn check_name(version: &str) -> Result<(), Problem> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let fits = !version.is_empty() && version.len() <= 100 && version.chars().all(allowed);
    if fits { Ok(()) } else { Err(Problem::unknown_version(version)) }
}
