//! From records to the lines of a day.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{Days, NaiveDate, TimeDelta};
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::archive::archived;
use super::{HistoryDay, day_of, midnight, read_day};
use crate::records::{HistoryMinute, Record};
use crate::state::{Store, StoreError, keys, read_record};

/// Records that are read at the same time.
pub(super) const AT_ONCE: usize = 16;
/// Kept back to write what was read.
pub(super) const TIME_TO_WRITE: Duration = Duration::from_secs(3);

/// A day with the records taken in that its file did not have.
#[derive(Clone, Debug, Default)]
pub struct FoldedDay {
    /// The day.
    pub day: HistoryDay,
    /// What its records tell of the day before.
    pub earlier: Vec<HistoryMinute>,
    /// How many records were new.
    pub new_records: usize,
    /// Whether there is anything to write.
    pub has_changed: bool,
    /// Whether there was no time for all of it.
    pub is_unfinished: bool,
    /// Records that could not be read, and why.
    pub problems: Vec<String>,
}

/// Reads a day's file, and takes in the day's records that it does not have. Nothing is written.
///
/// # Errors
/// When the store fails, or something was written by a newer version of this program.
pub async fn fold_day(store: &Store, group: &str, day: NaiveDate, deadline: Instant) -> Result<FoldedDay, StoreError> {
    let found = read_day(store, group, day, deadline).await?;
    let is_whole = found.as_ref().is_some_and(|found| found.torn.is_none());
    let mut folded = FoldedDay { day: found.unwrap_or_default(), has_changed: false, ..FoldedDay::default() };
    // What the next day's decisions tell of this day was in the file, which is not to be had any more.
    let until = midnight(day + Days::new(1)) + if is_whole { TimeDelta::zero() } else { FoldedDay::LONGEST_LOOK_BACK };
    let names = store
        .names_between(
            &keys::records(group),
            &keys::record_time(midnight(day)),
            Some(&keys::record_time(until)),
            deadline,
        )
        .await?;
    let known: BTreeSet<String> =
        folded.day.minutes.values().flat_map(HistoryMinute::records).map(str::to_owned).collect();
    if !is_whole {
        for (name, record) in archived(store, group, day, deadline).await? {
            folded.take_in_record(day, &name, &record);
        }
        for (name, record) in archived(store, group, day + Days::new(1), deadline).await? {
            folded.take_in_record(day, &name, &record);
        }
    }
    let new: Vec<String> = names.into_iter().filter(|name| !known.contains(name)).collect();
    let stop = deadline.checked_sub(TIME_TO_WRITE).unwrap_or(deadline);
    let mut records = stream::iter(new)
        .map(|name| async move { (read_record(store, group, &name, stop).await, name) })
        .buffered(AT_ONCE);
    while let Some((read, name)) = records.next().await {
        match read {
            Ok(Some(record)) => {
                folded.new_records += usize::from(record.time.date_naive() == day);
                folded.take_in_record(day, &name, &record);
            }
            Ok(None) => {}
            Err(StoreError::Late { .. }) => {
                folded.is_unfinished = true;
                break;
            }
            Err(error @ StoreError::Malformed { .. }) => folded.problems.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    drop(records);
    folded.has_changed |= folded.day.torn.is_some() && !folded.day.minutes.is_empty();
    Ok(folded)
}

impl FoldedDay {
    /// Longest that a decision comes after a minute that it takes in.
    pub(super) const LONGEST_LOOK_BACK: TimeDelta = TimeDelta::minutes(60);

    fn take_in_record(&mut self, day: NaiveDate, name: &str, record: &Record) {
        for entry in HistoryMinute::of_record(name, record) {
            match day_of(entry.minute).cmp(&day) {
                Ordering::Equal => self.has_changed |= self.day.take_in(entry),
                Ordering::Less => self.earlier.push(entry),
                // Its own day takes it in.
                Ordering::Greater => {}
            }
        }
    }
}
