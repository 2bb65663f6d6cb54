//! Which object lies where.

use chrono::{DateTime, NaiveDate, Utc};

use crate::records::Record;

/// The folder of all groups.
pub const GROUPS: &str = "groups";

/// `groups/<group>/snapshot.json`.
pub fn snapshot(group: &str) -> String {
    format!("groups/{group}/snapshot.json")
}

/// `groups/<group>/records`: the folder of a group's records.
pub fn records(group: &str) -> String {
    format!("groups/{group}/records")
}

/// `<time>-<source>-<id>.json`: a record's name in its folder. Names sort by time.
pub fn record_name(record: &Record, source: &str) -> String {
    format!("{}-{source}-{}.json", record_time(record.time), record.id)
}

/// How a time starts a record's name.
pub fn record_time(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// The time at which a record's name starts.
pub fn time_of_record(name: &str) -> Option<DateTime<Utc>> {
    let stamp = name.split('-').next()?;
    chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc())
}

/// Who wrote a record, as its name tells: the function, or `console` for orders of people.
pub fn source_of_record(name: &str) -> Option<&str> {
    name.split('-').nth(1)
}

/// Whether a record's name is that of a decision.
pub fn is_decision(name: &str) -> bool {
    source_of_record(name) == Some("evaluate")
}

/// `groups/<group>/history`: the folder of a group's past, a file a day.
pub fn history_days(group: &str) -> String {
    format!("groups/{group}/history")
}

/// `groups/<group>/history/<yyyy-mm-dd>.jsonl.gz`: a day of samples and decisions.
pub fn history(group: &str, day: NaiveDate) -> String {
    format!("{}/{day}.jsonl.gz", history_days(group))
}

/// `groups/<group>/archive/<yyyy-mm-dd>.jsonl.gz`: the whole records of a day that do not lie under `records` any more.
pub fn archive(group: &str, day: NaiveDate) -> String {
    format!("groups/{group}/archive/{day}.jsonl.gz")
}

/// `groups/<group>/reports/<yyyy-mm-dd>.html`: the report of the week that began on that Monday.
pub fn weekly_report(group: &str, monday: NaiveDate) -> String {
    format!("groups/{group}/reports/{monday}.html")
}

/// The day of a file of history.
pub fn day_of_history(name: &str) -> Option<NaiveDate> {
    name.strip_suffix(".jsonl.gz")?.parse().ok()
}

/// `groups/<group>/policies`: the folder of a group's policy versions.
pub fn policies(group: &str) -> String {
    format!("groups/{group}/policies")
}

/// `groups/<group>/policies/active.json`: which versions are in force. `tune` alone writes it.
pub fn course(group: &str) -> String {
    format!("{}/active.json", policies(group))
}

/// `groups/<group>/policies/<version>.json`: a version of the policy.
pub fn policy_version(group: &str, version: &str) -> String {
    format!("{}/{version}.json", policies(group))
}

/// `groups/<group>/policies/changes`: the folder of what happened to versions.
pub fn policy_changes(group: &str) -> String {
    format!("{}/changes", policies(group))
}

/// `groups/<group>/policies/advice`: the folder of what the adviser was asked and said.
pub fn advice(group: &str) -> String {
    format!("{}/advice", policies(group))
}

/// `groups/<group>/models/<version>.json`: the engine of a version, fitted to the group's past.
pub fn model(group: &str, version: &str) -> String {
    format!("groups/{group}/models/{version}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_records_name_tells_its_time() {
        let time = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let name = format!("{}-evaluate-0a1b.json", record_time(time));
        assert_eq!(time_of_record(&name), Some(time));
        assert_eq!(time_of_record("notes.txt"), None);
    }
}
