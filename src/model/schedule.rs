use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A known time of more load: a sale, a holiday, office hours. It only ever raises.
///
/// It starts once (`at`) or again and again (`cron`), and asks for a number of instances, a multiple of the usual load, or
/// both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Name, unique within the group.
    pub name: String,
    /// When it starts, once: `2026-12-18T20:00:00+08:00`, or `2026-12-18T20:00` in `time_zone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<StartTime>,
    /// When it starts, again and again, in `time_zone`: minute, hour, day of the month, month, day of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<CronPattern>,
    /// IANA time zone, `Asia/Shanghai` and the like. Needed by `cron`, and by an `at` without an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZone>,
    /// How long it lasts, in minutes.
    pub duration_minutes: u32,
    /// At least so many instances serve from its start to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_instances: Option<u32>,
    /// The load is expected to be so many times what it usually is at that time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_multiple: Option<f64>,
}

/// One time that a schedule takes place, in the clock time of its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Occurrence {
    /// When it starts.
    pub start: DateTime<FixedOffset>,
    /// When it is over.
    pub end: DateTime<FixedOffset>,
}

impl Occurrence {
    /// Whether it has started and is not over.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.start <= time && time < self.end
    }
}

impl Schedule {
    /// The last occurrence that starts at `until` or before. Of several that overlap it is the one that lasts longest.
    pub fn last(&self, until: DateTime<Utc>) -> Option<Occurrence> {
        match (&self.at, &self.cron) {
            (Some(at), _) => {
                at.instant(self.zone()).filter(|start| *start <= until).map(|start| self.occurrence(start))
            }
            (None, Some(cron)) => {
                let until = until.with_timezone(&self.zone());
                cron.0.find_previous_occurrence(&until, true).ok().map(|start| self.occurrence(start.fixed_offset()))
            }
            (None, None) => None,
        }
    }

    /// The first occurrence that starts after `time`.
    pub fn next(&self, time: DateTime<Utc>) -> Option<Occurrence> {
        match (&self.at, &self.cron) {
            (Some(at), _) => at.instant(self.zone()).filter(|start| *start > time).map(|start| self.occurrence(start)),
            (None, Some(cron)) => {
                let time = time.with_timezone(&self.zone());
                cron.0.find_next_occurrence(&time, false).ok().map(|start| self.occurrence(start.fixed_offset()))
            }
            (None, None) => None,
        }
    }

    /// The occurrence that is not over at `time` and has started by `until`.
    pub fn between(&self, time: DateTime<Utc>, until: DateTime<Utc>) -> Option<Occurrence> {
        self.last(until).filter(|occurrence| occurrence.end > time)
    }

    fn zone(&self) -> Tz {
        self.time_zone.map_or(Tz::UTC, |zone| zone.0)
    }

    fn occurrence(&self, start: DateTime<FixedOffset>) -> Occurrence {
        Occurrence { start, end: start + TimeDelta::minutes(i64::from(self.duration_minutes)) }
    }
}

/// When something starts, as a person writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum StartTime {
    /// An instant: `2026-12-18T20:00:00+08:00`.
    Instant(DateTime<FixedOffset>),
    /// A clock time of the schedule's zone: `2026-12-18T20:00`.
    Local(NaiveDateTime),
}

impl StartTime {
    /// The instant in that zone; the earlier one where clocks go back. `None` for a time that clocks skip.
    pub fn instant(self, zone: Tz) -> Option<DateTime<FixedOffset>> {
        match self {
            Self::Instant(instant) => Some(instant),
            Self::Local(local) => match zone.from_local_datetime(&local) {
                MappedLocalTime::Single(time) | MappedLocalTime::Ambiguous(time, _) => Some(time.fixed_offset()),
                MappedLocalTime::None => None,
            },
        }
    }
}

impl TryFrom<String> for StartTime {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        let local = || ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].map(|form| NaiveDateTime::parse_from_str(&text, form));
        if let Ok(instant) = DateTime::parse_from_rfc3339(&text) {
            return Ok(Self::Instant(instant));
        }
        local().into_iter().find_map(Result::ok).map(Self::Local).ok_or(ScheduleError::StartTime(text))
    }
}

impl From<StartTime> for String {
    fn from(time: StartTime) -> Self {
        match time {
            StartTime::Instant(instant) => instant.to_rfc3339(),
            StartTime::Local(local) => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
        }
    }
}

/// A cron pattern of five fields: minute, hour, day of the month (`L`: the last), month, day of the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct CronPattern(Box<Cron>);

impl FromStr for CronPattern {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let refused = |why: String| ScheduleError::Cron { text: text.to_owned(), why };
        let cron = parser.parse(text).map_err(|error| refused(error.to_string()))?;
        match cron.find_next_occurrence(&DateTime::UNIX_EPOCH, true) {
            Ok(_) => Ok(Self(Box::new(cron))),
            Err(_) => Err(refused("no day is ever like that".to_owned())),
        }
    }
}

impl TryFrom<String> for CronPattern {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse()
    }
}

impl From<CronPattern> for String {
    fn from(pattern: CronPattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone(Tz);

impl TimeZone {
    /// Its rules.
    pub fn rules(self) -> Tz {
        self.0
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name())
    }
}

impl TryFrom<String> for TimeZone {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        text.parse().map(Self).map_err(|_| ScheduleError::TimeZone(text))
    }
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> Self {
        zone.to_string()
    }
}

/// Why a part of a schedule cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Not a time.
    #[error("`{0}` is no time; write 2026-12-18T20:00:00+08:00, or 2026-12-18T20:00 with a time_zone")]
    StartTime(String),
    /// Not a cron pattern.
    #[error(
        "`{text}` is no cron pattern ({why}); write minute, hour, day of the month, month and day of the week: 0 20 18 * *"
    )]
    Cron {
        /// What was written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a time zone.
    #[error("`{0}` is no IANA time zone; write Asia/Shanghai, Europe/Berlin or UTC")]
    TimeZone(String),
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
