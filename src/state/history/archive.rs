//! Records that are old enough go into one file a day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::day_file::{LineWriter, read_lines};
use super::fold::AT_ONCE;
use super::midnight;
use crate::records::{Happening, Record, SCHEMA_VERSION};
use crate::state::{Store, StoreError, keys, read_record};

/// A record in the archive.
#[derive(Debug, Deserialize)]
struct Archived {
    /// Its name under `records`.
    name: String,
    record: Record,
}

/// The same, being written.
#[derive(Debug, Serialize)]
struct ArchivedRef<'a> {
    schema: u32,
    name: &'a str,
    record: &'a Record,
}

/// A day's records in the archive, by their names under `records`.
pub(super) async fn archived(
    store: &Store,
    group: &str,
    day: NaiveDate,
    deadline: Instant,
) -> Result<BTreeMap<String, Record>, StoreError> {
    let key = keys::archive(group, day);
    let Some(bytes) = store.get(&key, deadline).await? else { return Ok(BTreeMap::new()) };
    let read = read_lines::<Archived>(&key, &bytes)?;
    Ok(read.lines.into_iter().map(|line| (line.name, line.record)).collect())
}

/// Moves the records of a day that history `has` into the archive: they are written there first and then deleted, as far as
/// there is time. Returns how many were deleted.
///
/// # Errors
/// When the store fails, or something was written by a newer version of this program.
pub async fn retire_day(
    store: &Store,
    group: &str,
    day: NaiveDate,
    has: &BTreeSet<String>,
    deadline: Instant,
) -> Result<usize, StoreError> {
    let (from, until) = (keys::record_time(midnight(day)), keys::record_time(midnight(day + Days::new(1))));
    let folder = keys::records(group);
    let names = store.names_between(&folder, &from, Some(&until), deadline).await?;
    let names: Vec<String> = names.into_iter().filter(|name| has.contains(name)).collect();
    if names.is_empty() {
        return Ok(0);
    }
    let key = keys::archive(group, day);
    let mut archive = archived(store, group, day, deadline).await?;
    let missing: Vec<&String> = names.iter().filter(|name| !archive.contains_key(*name)).collect();
    if !missing.is_empty() {
        let read: Vec<_> = stream::iter(missing)
            .map(|name| async move { (name.clone(), read_record(store, group, name, deadline).await) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (name, record) in read {
            match record {
                Ok(Some(record)) => drop(archive.insert(name, record)),
                // Somebody else is moving this day, and what is gone from here is in an archive that was not read.
                Ok(None) => return Ok(0),
                // One that is torn is in history no more than here; it stays where it is.
                Err(error) => drop(unless_fatal(error)?),
            }
        }
        // What somebody else has archived since is kept.
        for (name, record) in archived(store, group, day, deadline).await? {
            archive.entry(name).or_insert(record);
        }
        let mut lines = LineWriter::new();
        for (name, record) in &archive {
            lines.push(&key, &ArchivedRef { schema: SCHEMA_VERSION, name, record })?;
        }
        store.put(&key, lines.finish(&key)?, deadline).await?;
    }
    let mut deleted = 0;
    let mut deletions = stream::iter(names.iter().filter(|name| archive.contains_key(*name)))
        .map(|name| {
            let key = format!("{folder}/{name}");
            async move { store.delete(&key, deadline).await }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = deletions.next().await {
        match done {
            Ok(()) => deleted += 1,
            // The rest goes the next time.
            Err(StoreError::Late { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(deleted)
}

/// The newest decision up to a time, not older than a day, from where records lie or from the archive.
///
/// # Errors
/// When the store fails, or it was written by a newer version of this program.
pub async fn last_decision(
    store: &Store,
    group: &str,
    at: DateTime<Utc>,
    deadline: Instant,
) -> Result<Option<Record>, StoreError> {
    let is_decision = |record: &Record| matches!(record.what, Happening::Decision(_));
    let (from, until) = (keys::record_time(at - TimeDelta::days(1)), keys::record_time(at + TimeDelta::seconds(1)));
    let names = store.names_between(&keys::records(group), &from, Some(&until), deadline).await?;
    for name in names.iter().rev() {
        let record = read_record(store, group, name, deadline).await.or_else(unless_fatal)?;
        if let Some(record) = record.filter(is_decision) {
            return Ok(Some(record));
        }
    }
    let today = at.date_naive();
    for day in [Some(today), today.pred_opt()].into_iter().flatten() {
        let archive = archived(store, group, day, deadline).await?;
        let mut earlier = archive.into_iter().rev().filter(|(name, _)| (&from..&until).contains(&name));
        if let Some((_, record)) = earlier.find(|(_, record)| is_decision(record)) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn unless_fatal(error: StoreError) -> Result<Option<Record>, StoreError> {
    match error {
        StoreError::Malformed { .. } => Ok(None),
        error => Err(error),
    }
}
