//! Keeps a group's past: folds records into a file a day, and moves those that are old into the archive.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Serialize;
use tokio::time::Instant;

use crate::records::HistoryMinute;
use crate::state::history::{self, FoldedDay, HistoryDay};
use crate::state::{LONGEST_RECORD_WINDOW, Store, StoreError, keys};

/// Days that records are kept under their own keys: those of orders are read again after a lost snapshot.
pub const RECORDS_KEPT_DAYS: u32 = LONGEST_RECORD_WINDOW.num_days() as u32;
/// Days back from the newest file of history in which late records are looked for.
const LATE_DAYS: u64 = 1;
/// Days back that are looked at, whatever a name in the store says.
const FURTHEST_DAYS: u64 = 400;

/// How to compact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Days that records are kept under their own keys; then they go into the archive. Not fewer than
    /// [`RECORDS_KEPT_DAYS`].
    pub keep_records_days: u32,
    /// Look at every day that has records, not only at the newest.
    pub all: bool,
}

impl Default for Compaction {
    fn default() -> Self {
        Self { keep_records_days: RECORDS_KEPT_DAYS, all: false }
    }
}

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Days whose files were written.
    pub days: Vec<NaiveDate>,
    /// Records taken in.
    pub records: usize,
    /// Records that went into the archive.
    pub archived: usize,
    /// Whether something is left for the next time.
    pub is_unfinished: bool,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Folds a group's new records into its history, oldest day first, then moves old records into the archive. Done twice, or
/// interrupted and done again, it comes to the same.
///
/// One at a time a group: whoever compacts writes the files of history.
///
/// # Errors
/// When the store fails, or something was written by a newer version of this program. Days done before stay done.
pub async fn compact(
    store: &Store,
    group: &str,
    now: DateTime<Utc>,
    how: Compaction,
    deadline: Instant,
) -> Result<Compacted, StoreError> {
    let mut compacted = Compacted::default();
    let mut day = first_day(store, group, now, how, deadline).await?;
    while day <= now.date_naive() {
        let folded = history::fold_day(store, group, day, deadline).await?;
        take_in(store, group, day, folded, &mut compacted, deadline).await?;
        if compacted.is_unfinished {
            return Ok(compacted);
        }
        day = day + Days::new(1);
    }
    retire(store, group, now, how, &mut compacted, deadline).await?;
    Ok(compacted)
}

/// Where to begin: a day before the newest file, or with the oldest record.
async fn first_day(
    store: &Store,
    group: &str,
    now: DateTime<Utc>,
    how: Compaction,
    deadline: Instant,
) -> Result<NaiveDate, StoreError> {
    let files = history::days(store, group, deadline).await?;
    let oldest = || oldest_record(store, group, now, deadline);
    let day = match (files.first(), files.last()) {
        (_, Some(newest)) if !how.all => *newest - Days::new(LATE_DAYS),
        (Some(first), _) => oldest().await?.map_or(*first, |oldest| oldest.date_naive().min(*first)),
        _ => oldest().await?.unwrap_or(now).date_naive(),
    };
    let today = now.date_naive();
    Ok(day.clamp(today - Days::new(FURTHEST_DAYS), today))
}

async fn oldest_record(
    store: &Store,
    group: &str,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let until = keys::record_time(now);
    let names = store.names_between(&keys::records(group), "", Some(&until), deadline).await?;
    Ok(names.iter().find_map(|name| keys::time_of_record(name)))
}

/// Writes what was folded: the day before first, so that no record counts as taken in before all that it tells is.
async fn take_in(
    store: &Store,
    group: &str,
    day: NaiveDate,
    folded: FoldedDay,
    compacted: &mut Compacted,
    deadline: Instant,
) -> Result<(), StoreError> {
    let mut earlier: BTreeMap<NaiveDate, Vec<HistoryMinute>> = BTreeMap::new();
    for entry in folded.earlier {
        earlier.entry(entry.minute.start().date_naive()).or_default().push(entry);
    }
    for (day, entries) in earlier {
        let mut known = history::read_day(store, group, day, deadline).await?.unwrap_or_default();
        let news = entries.into_iter().filter(|entry| known.take_in(entry.clone())).count();
        if news > 0 {
            write(store, group, day, &known, compacted, deadline).await?;
        }
    }
    if folded.has_changed {
        write(store, group, day, &folded.day, compacted, deadline).await?;
    }
    compacted.records += folded.new_records;
    compacted.problems.extend(folded.problems);
    compacted.problems.extend(folded.day.torn);
    compacted.is_unfinished = folded.is_unfinished;
    Ok(())
}

async fn write(
    store: &Store,
    group: &str,
    day: NaiveDate,
    content: &HistoryDay,
    compacted: &mut Compacted,
    deadline: Instant,
) -> Result<(), StoreError> {
    history::write_day(store, group, day, &content.minutes, deadline).await?;
    if !compacted.days.contains(&day) {
        compacted.days.push(day);
    }
    Ok(())
}

/// Moves the records of days long gone into the archive, after a last look for late ones.
async fn retire(
    store: &Store,
    group: &str,
    now: DateTime<Utc>,
    how: Compaction,
    compacted: &mut Compacted,
    deadline: Instant,
) -> Result<(), StoreError> {
    let first_kept = now.date_naive() - Days::new(u64::from(how.keep_records_days.max(RECORDS_KEPT_DAYS)));
    let until = format!("{}", first_kept.format("%Y%m%dT"));
    let names = store.names_between(&keys::records(group), "", Some(&until), deadline).await?;
    let days: BTreeSet<NaiveDate> =
        names.iter().filter_map(|name| Some(keys::time_of_record(name)?.date_naive())).collect();
    for day in days.into_iter().filter(|day| *day < first_kept) {
        let folded = history::fold_day(store, group, day, deadline).await?;
        take_in(store, group, day, folded, compacted, deadline).await?;
        if compacted.is_unfinished {
            break;
        }
        // What is deleted is what the store itself says it has.
        let kept = history::read_day(store, group, day, deadline).await?.unwrap_or_default();
        let has = kept.minutes.values().flat_map(HistoryMinute::records).map(str::to_owned).collect();
        let deleted = match history::retire_day(store, group, day, &has, deadline).await {
            Err(StoreError::Late { .. }) => {
                compacted.is_unfinished = true;
                break;
            }
            deleted => deleted?,
        };
        compacted.archived += deleted;
    }
    Ok(())
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
