//! A group's past on the store: a file a day under `history/`, one line a minute, and the whole records of days long gone
//! under `archive/`. Both are gzipped JSON Lines that any tool reads.
//!
//! Files are made from records, and only from records: [`fold_day`] takes in those that a day's file does not have yet.
//! Doing it twice is doing it once; what was interrupted is taken up again; what comes late is taken in the next time. A
//! file that is torn or gone is made anew as far as its records are still there.

mod archive;
mod day_file;
mod fold;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use tokio::time::Instant;

pub use self::archive::{last_decision, retire_day};
use self::day_file::{LineWriter, read_lines};
pub use self::fold::{FoldedDay, fold_day};
use super::{LONGEST_LISTING, Store, StoreError, keys};
use crate::model::Minute;
use crate::records::HistoryMinute;

/// A day of a group's past.
#[derive(Clone, Debug, Default)]
pub struct HistoryDay {
    /// What is known, by minute.
    pub minutes: BTreeMap<Minute, HistoryMinute>,
    /// Why it may not be all that was there: the file is torn.
    pub torn: Option<String>,
}

/// A stretch of a group's past.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What is known, oldest first. A minute of which nothing is known is not there.
    pub minutes: Vec<HistoryMinute>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// The days that a group has files of, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn days(store: &Store, group: &str, deadline: Instant) -> Result<Vec<NaiveDate>, StoreError> {
    let names = store.names_after(&keys::history_days(group), "", deadline).await?;
    Ok(names.iter().filter_map(|name| keys::day_of_history(name)).collect())
}

/// Reads a day. `None` where there is no file of it.
///
/// # Errors
/// When the store fails, or a line was written by a newer version of this program.
pub async fn read_day(
    store: &Store,
    group: &str,
    day: NaiveDate,
    deadline: Instant,
) -> Result<Option<HistoryDay>, StoreError> {
    let key = keys::history(group, day);
    let Some(bytes) = store.get(&key, deadline).await? else { return Ok(None) };
    HistoryDay::of_file(&key, &bytes).map(Some)
}

/// Writes a day, over what is there. Only compaction may.
///
/// # Errors
/// When the store fails.
pub async fn write_day(
    store: &Store,
    group: &str,
    day: NaiveDate,
    minutes: &BTreeMap<Minute, HistoryMinute>,
    deadline: Instant,
) -> Result<(), StoreError> {
    let key = keys::history(group, day);
    let mut lines = LineWriter::new();
    for minute in minutes.values() {
        lines.push(&key, minute)?;
    }
    store.put(&key, lines.finish(&key)?, deadline).await
}

/// Reads what is known of the minutes from `from` on and before `until`, a day at a time. With `fresh`, records that were
/// not compacted yet are taken in as well; nothing is written.
///
/// # Errors
/// When the store fails, or something was written by a newer version of this program.
pub async fn read(
    store: &Store,
    group: &str,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    fresh: bool,
    deadline: Instant,
) -> Result<History, StoreError> {
    let wanted = Minute::containing(from)..Minute::containing(until);
    let files = days(store, group, deadline).await?;
    let unfolded = if fresh { days_of_records(store, group, files.last(), deadline).await? } else { BTreeSet::new() };
    let mut history = History::default();
    let mut found: BTreeMap<Minute, HistoryMinute> = BTreeMap::new();
    let all: BTreeSet<NaiveDate> = files.into_iter().chain(unfolded.iter().copied()).collect();
    // The first minutes of the day after tell of the last ones of a day.
    let last = if fresh { until + FoldedDay::LONGEST_LOOK_BACK } else { until };
    for day in all.range(from.date_naive()..=last.date_naive()) {
        let read = if unfolded.contains(day) {
            let folded = fold_day(store, group, *day, deadline).await?;
            if folded.is_unfinished {
                return Err(StoreError::Late { operation: "read", key: keys::history(group, *day) });
            }
            history.problems.extend(folded.problems);
            for entry in folded.earlier {
                found.entry(entry.minute).or_insert_with(|| HistoryMinute::empty(entry.minute)).merge(entry);
            }
            folded.day
        } else {
            read_day(store, group, *day, deadline).await?.unwrap_or_default()
        };
        history.problems.extend(read.torn);
        found.extend(read.minutes);
    }
    history.minutes = found.into_values().filter(|entry| wanted.contains(&entry.minute)).collect();
    Ok(history)
}

/// The groups that the store knows anything of.
///
/// # Errors
/// When the store fails.
pub async fn groups(store: &Store, deadline: Instant) -> Result<BTreeSet<String>, StoreError> {
    let mut groups = BTreeSet::new();
    let mut after = String::new();
    loop {
        let names = store.names_after(keys::GROUPS, &after, deadline).await?;
        let Some(last) = names.last() else { return Ok(groups) };
        // `0` comes right after `/`: all else of that group is passed over.
        after = format!("{last}0");
        groups.extend(names);
    }
}

/// When the newest thing happened that the store knows of a group: its newest record, or the end of its history.
///
/// # Errors
/// When the store fails, or something was written by a newer version of this program.
pub async fn newest(store: &Store, group: &str, deadline: Instant) -> Result<Option<DateTime<Utc>>, StoreError> {
    let files = days(store, group, deadline).await?;
    let mut after = files.last().map(|day| keys::record_time(midnight(*day))).unwrap_or_default();
    let mut newest = None;
    loop {
        let names = store.names_after(&keys::records(group), &after, deadline).await?;
        newest = names.iter().rev().find_map(|name| keys::time_of_record(name)).or(newest);
        match names.last() {
            Some(last) if names.len() >= LONGEST_LISTING => after.clone_from(last),
            _ => break,
        }
    }
    match (newest, files.last()) {
        (None, Some(day)) => {
            let last = read_day(store, group, *day, deadline).await?.unwrap_or_default();
            Ok(last.minutes.keys().next_back().map(|minute| (*minute + 1).start()))
        }
        (newest, _) => Ok(newest),
    }
}

/// The days whose records may not all be in a file: from the day before the newest file on.
async fn days_of_records(
    store: &Store,
    group: &str,
    newest_file: Option<&NaiveDate>,
    deadline: Instant,
) -> Result<BTreeSet<NaiveDate>, StoreError> {
    let mut after = newest_file.map(|day| keys::record_time(midnight(*day - Days::new(1)))).unwrap_or_default();
    let mut days = BTreeSet::new();
    loop {
        let names = store.names_after(&keys::records(group), &after, deadline).await?;
        days.extend(names.iter().filter_map(|name| Some(keys::time_of_record(name)?.date_naive())));
        match names.last() {
            Some(last) if names.len() >= LONGEST_LISTING => after.clone_from(last),
            _ => return Ok(days),
        }
    }
}

impl HistoryDay {
    /// Whatever can be read of a day's file. `key` is what errors call it.
    ///
    /// # Errors
    /// If a line was written by a newer version of this program.
    pub fn of_file(key: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let read = read_lines::<HistoryMinute>(key, bytes)?;
        let mut found = Self { minutes: BTreeMap::new(), torn: read.torn };
        for line in read.lines {
            found.take_in(line);
        }
        Ok(found)
    }

    /// Takes in an entry. Returns whether it told anything new.
    pub fn take_in(&mut self, entry: HistoryMinute) -> bool {
        let known = self.minutes.entry(entry.minute).or_insert_with(|| HistoryMinute::empty(entry.minute));
        let before = known.clone();
        known.merge(entry);
        *known != before
    }
}

/// The day that a minute lies in.
fn day_of(minute: Minute) -> NaiveDate {
    minute.start().date_naive()
}

/// When a day begins.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
