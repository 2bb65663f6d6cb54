//! Versions of a group's policy on the store: each an object of its own that is never changed, and so is everything that
//! happens to one. `policies/active.json` says which are in force; `tune` alone writes it.

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Store, StoreError, keys, parse, to_json, write_record};
use crate::engine::EngineState;
use crate::model::{Advice, Course, Minute, PolicyChange, PolicyVersion};
use crate::records::{Happening, Record, SCHEMA_VERSION};

/// How far back the changes of versions are looked at. Older ones concern nobody that is still in question.
pub const CHANGES_WINDOW: TimeDelta = TimeDelta::days(60);
/// Objects that are read at the same time.
pub(crate) const AT_ONCE: usize = 16;
/// Who writes the records by which `evaluate` learns of people's orders.
const ORDER_SOURCE: &str = "policy";

/// Which versions are in force, as it was found.
#[derive(Clone, Debug, PartialEq)]
pub enum FoundCourse {
    /// It is there.
    Whole(Box<Course>),
    /// There is none.
    Nothing,
    /// It cannot be followed, and why: torn, or of a newer version of this program.
    Unusable {
        /// Why.
        why: String,
        /// Whether it must be left as it is.
        must_not_overwrite: bool,
    },
}

/// An engine fitted to a group's past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedModel {
    /// Version of the form.
    pub schema: u32,
    /// The first minute that it has not seen.
    pub until: Minute,
    /// The engine.
    pub engine: EngineState,
}

/// Reads which versions of a group's policy are in force.
///
/// # Errors
/// When the store fails.
pub async fn read_course(store: &Store, group: &str, deadline: Instant) -> Result<FoundCourse, StoreError> {
    let key = keys::course(group);
    let Some(bytes) = store.get(&key, deadline).await? else { return Ok(FoundCourse::Nothing) };
    Ok(match parse::<Course>(&key, &bytes) {
        Ok(course) => FoundCourse::Whole(Box::new(course)),
        Err(error) => FoundCourse::Unusable { must_not_overwrite: error.must_not_overwrite(), why: error.to_string() },
    })
}

/// Writes which versions are in force. Only `tune` may.
///
/// # Errors
/// When the store fails.
pub async fn write_course(store: &Store, group: &str, course: &Course, deadline: Instant) -> Result<(), StoreError> {
    let key = keys::course(group);
    store.put(&key, to_json(&key, course)?, deadline).await
}

/// Writes a version, once and for all.
///
/// # Errors
/// When the store fails.
pub async fn write_version(store: &Store, version: &PolicyVersion, deadline: Instant) -> Result<(), StoreError> {
    let key = keys::policy_version(&version.group, &version.version);
    store.put(&key, to_json(&key, version)?, deadline).await
}

/// Reads a version. `None` where there is none.
///
/// # Errors
/// When the store fails, or the object is torn or of a newer version of this program.
pub async fn read_version(
    store: &Store,
    group: &str,
    version: &str,
    deadline: Instant,
) -> Result<Option<PolicyVersion>, StoreError> {
    let key = keys::policy_version(group, version);
    match store.get(&key, deadline).await? {
        Some(bytes) => parse(&key, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Names of all versions, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn version_names(store: &Store, group: &str, deadline: Instant) -> Result<Vec<String>, StoreError> {
    let names = store.names_after(&keys::policies(group), "", deadline).await?;
    let name = |name: &String| name.strip_suffix(".json").filter(|name| *name != "active").map(str::to_owned);
    Ok(names.iter().filter_map(name).collect())
}

/// Records something that happened to a version.
///
/// # Errors
/// When the store fails.
pub async fn write_change(
    store: &Store,
    group: &str,
    change: &PolicyChange,
    source: &str,
    deadline: Instant,
) -> Result<(), StoreError> {
    let time = keys::record_time(change.time);
    let key = format!("{}/{time}-{source}-{}.json", keys::policy_changes(group), change.id);
    store.put(&key, to_json(&key, change)?, deadline).await
}

/// Records a person's order about a version: for its story, and for the next evaluation, which follows no version that a
/// person does not want.
///
/// # Errors
/// When the store fails. The order may be given again.
pub async fn write_order(
    store: &Store,
    group: &str,
    change: &PolicyChange,
    deadline: Instant,
) -> Result<(), StoreError> {
    write_change(store, group, change, ORDER_SOURCE, deadline).await?;
    let record = Record {
        schema: SCHEMA_VERSION,
        id: change.id.clone(),
        group: group.to_owned(),
        time: change.time,
        what: Happening::Policy(change.clone()),
    };
    write_record(store, &record, ORDER_SOURCE, deadline).await.map(|_| ())
}

/// What happened to versions since then, oldest first. What cannot be read is told beside.
///
/// # Errors
/// When the store fails.
pub async fn read_changes(
    store: &Store,
    group: &str,
    since: DateTime<Utc>,
    deadline: Instant,
) -> Result<(Vec<PolicyChange>, Vec<String>), StoreError> {
    let folder = keys::policy_changes(group);
    let names = store.names_after(&folder, &keys::record_time(since), deadline).await?;
    read_all(store, &folder, &names, deadline).await
}

/// Keeps the engine of a version, fitted to the group's past.
///
/// # Errors
/// When the store fails.
pub async fn write_model(
    store: &Store,
    group: &str,
    version: &str,
    model: &FittedModel,
    deadline: Instant,
) -> Result<(), StoreError> {
    let key = keys::model(group, version);
    store.put(&key, to_json(&key, model)?, deadline).await
}

/// Reads the engine of a version. `None` where there is none.
///
/// # Errors
/// When the store fails, or the object is torn or of a newer version of this program.
pub async fn read_model(
    store: &Store,
    group: &str,
    version: &str,
    deadline: Instant,
) -> Result<Option<FittedModel>, StoreError> {
    let key = keys::model(group, version);
    match store.get(&key, deadline).await? {
        Some(bytes) => parse(&key, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Keeps what the adviser was asked and said.
///
/// # Errors
/// When the store fails.
pub async fn write_advice(store: &Store, group: &str, advice: &Advice, deadline: Instant) -> Result<(), StoreError> {
    let key = format!("{}/{}-{}.json", keys::advice(group), keys::record_time(advice.time), advice.id);
    store.put(&key, to_json(&key, advice)?, deadline).await
}

/// What the adviser was asked and said since then, oldest first. What cannot be read is told beside.
///
/// # Errors
/// When the store fails.
pub async fn read_advice(
    store: &Store,
    group: &str,
    since: DateTime<Utc>,
    deadline: Instant,
) -> Result<(Vec<Advice>, Vec<String>), StoreError> {
    let folder = keys::advice(group);
    let names = store.names_after(&folder, &keys::record_time(since), deadline).await?;
    read_all(store, &folder, &names, deadline).await
}

async fn read_all<T: serde::de::DeserializeOwned>(
    store: &Store,
    folder: &str,
    names: &[String],
    deadline: Instant,
) -> Result<(Vec<T>, Vec<String>), StoreError> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let read = async |key: String| {
        let bytes = store.get(&key, deadline).await;
        (key, bytes)
    };
    let reads: Vec<_> = names.iter().map(|name| read(format!("{folder}/{name}"))).collect();
    let mut reads = stream::iter(reads).buffered(AT_ONCE);
    while let Some((key, bytes)) = reads.next().await {
        let Some(bytes) = bytes? else { continue };
        match parse(&key, &bytes) {
            Ok(value) => found.push(value),
            Err(error) => problems.push(error.to_string()),
        }
    }
    Ok((found, problems))
}
