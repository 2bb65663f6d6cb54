//! What must survive between invocations, on an object store: snapshot, records, history, policy versions.
//!
//! `evaluate` alone writes a group's snapshot; everyone else adds records under keys of their own, which the next
//! evaluation folds in. Nothing here hangs on a lock.

mod coverage;
pub mod history;
pub mod keys;
mod location;
pub mod policies;
mod policy_memory;
mod snapshot;
mod starts;
mod store;

use chrono::{DateTime, TimeDelta, Utc};
pub use coverage::Coverage;
pub use location::{BucketLocation, LocationError, StoreLocation};
pub use policy_memory::{PolicyMemory, ShadowMemory};
use serde::Deserialize;
use serde::de::DeserializeOwned;
pub use snapshot::{Counts, Excess, Exhaustion, FleetMemory, Job, Relation, Snapshot};
pub use starts::StartTimes;
pub use store::{LARGEST_OBJECT_BYTES, LONGEST_LISTING, Store, StoreError};
use tokio::time::Instant;

use crate::records::{Record, SCHEMA_VERSION};

/// How far back new records are looked for: late events carry older times.
pub const RECORD_WINDOW: TimeDelta = TimeDelta::minutes(15);
/// How far back records are looked for when nothing else tells what is in force, and the longest that an order of a person
/// lasts. Older records go into the archive.
pub const LONGEST_RECORD_WINDOW: TimeDelta = TimeDelta::days(14);

/// A snapshot as it was found.
#[derive(Debug)]
pub enum Found {
    /// It is there.
    Whole(Box<Snapshot>),
    /// There is none: a new group, or someone deleted it.
    Nothing,
    /// It cannot be read, and why. It will be written anew.
    Torn(String),
}

/// Reads a group's snapshot.
///
/// # Errors
/// When the store fails, or the snapshot was written by a newer version of this program.
pub async fn read_snapshot(store: &Store, group: &str, deadline: Instant) -> Result<Found, StoreError> {
    let key = keys::snapshot(group);
    let Some(bytes) = store.get(&key, deadline).await? else { return Ok(Found::Nothing) };
    match parse::<Snapshot>(&key, &bytes) {
        Ok(snapshot) => Ok(Found::Whole(Box::new(snapshot))),
        Err(error) if error.must_not_overwrite() => Err(error),
        Err(error) => Ok(Found::Torn(error.to_string())),
    }
}

/// Writes a group's snapshot. Only `evaluate` may.
///
/// # Errors
/// When the store fails.
pub async fn write_snapshot(
    store: &Store,
    group: &str,
    snapshot: &Snapshot,
    deadline: Instant,
) -> Result<(), StoreError> {
    let key = keys::snapshot(group);
    let bytes = to_json(&key, snapshot)?;
    store.put(&key, bytes, deadline).await
}

/// Names of the group's records that are not older than the window.
///
/// # Errors
/// When the store fails.
pub async fn recent_records(
    store: &Store,
    group: &str,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Vec<String>, StoreError> {
    records_since(store, group, now - RECORD_WINDOW, deadline).await
}

/// Names of the group's records that are not older than `since`, in order, however many listings that takes: the newest must
/// not be missing.
///
/// # Errors
/// When the store fails.
pub async fn records_since(
    store: &Store,
    group: &str,
    since: DateTime<Utc>,
    deadline: Instant,
) -> Result<Vec<String>, StoreError> {
    records_between(store, group, since, None, deadline).await
}

/// The same of those that are older than `before`, too.
///
/// # Errors
/// When the store fails.
pub async fn records_between(
    store: &Store,
    group: &str,
    since: DateTime<Utc>,
    before: Option<DateTime<Utc>>,
    deadline: Instant,
) -> Result<Vec<String>, StoreError> {
    let (folder, before) = (keys::records(group), before.map(keys::record_time));
    let mut names = store.names_between(&folder, &keys::record_time(since), before.as_deref(), deadline).await?;
    let mut listed = names.len();
    while listed >= LONGEST_LISTING
        && let Some(last) = names.last()
    {
        let more = store.names_between(&folder, last, before.as_deref(), deadline).await?;
        listed = more.len();
        names.extend(more);
    }
    Ok(names)
}

/// Reads one record. `None` where there is none.
///
/// # Errors
/// When the store fails, or the record is torn or of a newer version.
pub async fn read_record(
    store: &Store,
    group: &str,
    name: &str,
    deadline: Instant,
) -> Result<Option<Record>, StoreError> {
    let key = format!("{}/{name}", keys::records(group));
    match store.get(&key, deadline).await? {
        Some(bytes) => parse(&key, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Writes a record under a key of its own and returns its name.
///
/// # Errors
/// When the store fails.
pub async fn write_record(
    store: &Store,
    record: &Record,
    source: &str,
    deadline: Instant,
) -> Result<String, StoreError> {
    let name = keys::record_name(record, source);
    let key = format!("{}/{name}", keys::records(&record.group));
    let bytes = to_json(&key, record)?;
    store.put(&key, bytes, deadline).await?;
    Ok(name)
}

fn to_json<T: serde::Serialize>(key: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Malformed { key: key.to_owned(), reason: error.to_string() })
}

/// Reads an object that carries a schema version. The version is looked at first: what is newer is never guessed at.
fn parse<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let malformed = |error: serde_json::Error| StoreError::Malformed { key: key.to_owned(), reason: error.to_string() };
    let Versioned { schema } = serde_json::from_slice(bytes).map_err(malformed)?;
    if schema > SCHEMA_VERSION {
        return Err(StoreError::Newer { key: key.to_owned(), found: schema, known: SCHEMA_VERSION });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;
    use crate::records::Happening;

    fn store() -> (Store, Instant) {
        (Store::new(Arc::new(InMemory::new()), Path::from("team")), Instant::now() + Duration::from_secs(5))
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    #[tokio::test]
    async fn a_snapshot_comes_back_as_it_was_written() {
        let (store, deadline) = store();
        assert!(matches!(read_snapshot(&store, "a", deadline).await.unwrap(), Found::Nothing));
        let snapshot = Snapshot::empty(now(), vec!["cpu".to_owned()]);
        write_snapshot(&store, "a", &snapshot, deadline).await.unwrap();
        match read_snapshot(&store, "a", deadline).await.unwrap() {
            Found::Whole(read) => assert_eq!(*read, snapshot),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_torn_snapshot_is_told_apart_from_a_newer_one() {
        let (store, deadline) = store();
        store.put("groups/a/snapshot.json", "{\"schema\":1,\"writ", deadline).await.unwrap();
        assert!(matches!(read_snapshot(&store, "a", deadline).await.unwrap(), Found::Torn(_)));
        store.put("groups/a/snapshot.json", "{\"schema\":99}", deadline).await.unwrap();
        let error = read_snapshot(&store, "a", deadline).await.unwrap_err();
        assert!(error.must_not_overwrite() && error.to_string().contains("schema 99 is newer"), "{error}");
    }

    #[tokio::test]
    async fn records_are_found_in_a_window_of_time() {
        let (store, deadline) = store();
        let mut names = Vec::new();
        for minutes in [20, 10, 0] {
            let record = Record {
                schema: SCHEMA_VERSION,
                id: format!("r{minutes}"),
                group: "a".to_owned(),
                time: now() - TimeDelta::minutes(minutes),
                what: Happening::Lift { who: "ada".to_owned() },
            };
            names.push(write_record(&store, &record, "console", deadline).await.unwrap());
            let read = read_record(&store, "a", names.last().unwrap(), deadline).await.unwrap();
            assert_eq!(read, Some(record));
        }
        assert_eq!(recent_records(&store, "a", now(), deadline).await.unwrap(), names[1..]);
    }
}
