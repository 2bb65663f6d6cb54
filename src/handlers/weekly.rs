//! The weekly report: made once a week, kept on the store as a page, and sent to people as a message.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use tokio::time::Instant;

use crate::clients::Cloud;
use crate::config;
use crate::cost::Terms;
use crate::cost::weekly::{Language, WeeklyReport, weekly_report_text};
use crate::handlers::messages::OWN_SUBJECT;
use crate::model::Group;
use crate::state::{Store, StoreError, history, keys};

const WEEK: TimeDelta = TimeDelta::days(7);
/// Hours after the end of a week from which its report is made: its last records are compacted then.
const SETTLED: TimeDelta = TimeDelta::hours(1);

impl From<config::Language> for Language {
    fn from(language: config::Language) -> Self {
        match language {
            config::Language::En => Self::En,
            config::Language::Zh => Self::Zh,
        }
    }
}

/// Makes the report of the last whole week, Monday to Sunday in UTC, unless there is one, and sends it where there is a
/// topic. Returns the key of the page if one was made. A week of which too little is known has none.
///
/// # Errors
/// When the store fails. What could not be sent is made and sent again the next time.
pub async fn report_week(
    store: &Store,
    cloud: &Cloud,
    topic_urn: Option<&str>,
    language: Language,
    group: &Group,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Option<String>, StoreError> {
    let monday = last_monday(now);
    let until = monday.and_time(NaiveTime::MIN).and_utc();
    let key = keys::weekly_report(&group.name, monday - Days::new(7));
    if now - until < SETTLED || store.get(&key, deadline).await?.is_some() {
        return Ok(None);
    }
    let read = |from, until| history::read(store, &group.name, from, until, false, deadline);
    let week = read(until - WEEK, until).await?;
    if week.minutes.is_empty() {
        return Ok(None);
    }
    let before = read(until - WEEK - WEEK, until - WEEK).await?;
    let Ok(report) = WeeklyReport::of(group, &week.minutes, &before.minutes, &Terms::default()) else {
        return Ok(None);
    };
    store.put(&key, report.html(language), deadline).await?;
    if let Some(topic_urn) = topic_urn {
        let (title, text) = weekly_report_text(&report, language);
        let subject = format!("{OWN_SUBJECT}: {title}");
        if let Err(error) = cloud.smn().publish(topic_urn, &subject, &text).await {
            tracing::warn!(group = group.name, %error, "the weekly report could not be sent");
            if !error.may_have_happened() {
                // Without the page the next invocation tries again.
                store.delete(&key, deadline).await?;
                return Ok(None);
            }
        }
    }
    Ok(Some(key))
}

/// The Monday that the week of `now` began with.
fn last_monday(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive().week(Weekday::Mon).first_day()
}

#[cfg(test)]
#[path = "weekly_tests.rs"]
mod tests;
