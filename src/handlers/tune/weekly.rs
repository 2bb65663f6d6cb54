//! The weekly report: made by the first run of a week, of the seven days before it.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use tokio::time::Instant;

use crate::config::Language;
use crate::cost::Terms;
use crate::cost::weekly::{self, WeeklyReport, weekly_report_text};
use crate::model::Group;
use crate::state::{Store, StoreError, history};

const WEEK: TimeDelta = TimeDelta::days(7);

/// Whether a week has begun since the last report.
pub(super) fn is_due(last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    last < now && last.iso_week() != now.iso_week()
}

/// The report's subject and text. `None` where too little is known of the week.
///
/// # Errors
/// When the store fails.
pub(super) async fn report(
    store: &Store,
    group: &Group,
    language: Language,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<Option<(String, String)>, StoreError> {
    let week = history::read(store, &group.name, now - WEEK, now, true, deadline).await?;
    let before = history::read(store, &group.name, now - WEEK - WEEK, now - WEEK, false, deadline).await?;
    let language = match language {
        Language::En => weekly::Language::En,
        Language::Zh => weekly::Language::Zh,
    };
    let report = WeeklyReport::of(group, &week.minutes, &before.minutes, &Terms::default());
    Ok(report.ok().map(|report| weekly_report_text(&report, language)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_report_is_due_once_a_week_with_the_first_run_of_it() {
        let sunday = at("2026-03-01T23:30:00Z");
        assert!(!is_due(sunday, at("2026-03-01T23:59:00Z")));
        assert!(is_due(sunday, at("2026-03-02T00:30:00Z")));
        assert!(!is_due(at("2026-03-02T00:30:00Z"), at("2026-03-08T23:30:00Z")));
        assert!(!is_due(at("2026-03-09T00:30:00Z"), sunday), "a clock that went back is no new week");
    }
}
