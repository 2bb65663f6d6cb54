//! `report`: a week of a group for people.

use std::path::PathBuf;

use chrono::{TimeDelta, Utc};
use clap::ValueEnum;
use tokio::time::Instant;

use super::cost::TermArguments;
use super::stored::{CHOOSE_A_PERIOD, PATIENCE, Period, StoredGroup, wait_for};
use super::{CliError, print};
use crate::cost::weekly::{Language, WeeklyReport, weekly_report_text};
use crate::state::history;

const WEEK: TimeDelta = TimeDelta::days(7);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    stored: StoredGroup,
    #[command(flatten)]
    period: Period,
    /// The seven days before the newest record, beside the seven days before them. This is what is done without --from.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    weekly: bool,
    #[command(flatten)]
    terms: TermArguments,
    /// The language: `en` or `zh`.
    #[arg(long, value_name = "en|zh", default_value = "en")]
    lang: Language,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// File to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For editors and chats.
    Markdown,
    /// One self-contained page for a browser.
    Html,
    /// As it is sent in a message.
    Text,
    /// The figures, as one JSON document.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (open, past) = arguments.stored.read(&arguments.period, Some(WEEK), CHOOSE_A_PERIOD)?;
    let first = past.minutes.first().map_or_else(Utc::now, |entry| entry.minute.start());
    let length = past.minutes.last().map_or(WEEK, |last| (last.minute + 1).start() - first);
    let deadline = Instant::now() + PATIENCE;
    let before = wait_for(async {
        let read = history::read(&open.store, &open.name, first - length, first, false, deadline).await;
        read.map_err(CliError::failed)
    })?;
    let report = WeeklyReport::of(open.configured()?, &past.minutes, &before.minutes, &arguments.terms.terms());
    let report = report.map_err(CliError::failed)?;
    let text = match arguments.format {
        Format::Markdown => report.markdown(arguments.lang),
        Format::Html => report.html(arguments.lang),
        Format::Text => {
            let (subject, text) = weekly_report_text(&report, arguments.lang);
            format!("{subject}\n\n{text}")
        }
        Format::Json => serde_json::to_string_pretty(&report).map_err(CliError::failed)? + "\n",
    };
    match &arguments.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display()))),
        None => print(&text),
    }
}
