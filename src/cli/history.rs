//! `history`: a group's past, as files for other tools.

mod table;

use std::io::Write;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use tokio::time::Instant;

use super::stored::{CHOOSE_A_PERIOD, PATIENCE, Period, StoredGroup, wait_for};
use super::{CliError, print};
use crate::handlers::history::{Compaction, RECORDS_KEPT_DAYS, compact};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write a group's minutes, signals and decisions as a table or as JSON Lines.
    Export(ExportArguments),
    /// Fold a group's new records into its history, a file a day, and move old records into the archive.
    Compact(CompactArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    stored: StoredGroup,
    #[command(flatten)]
    period: Period,
    /// `csv`: one row a minute. `jsonl`: one document a line, with everything.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct CompactArguments {
    #[command(flatten)]
    stored: StoredGroup,
    /// Days that records are kept under their own keys; not fewer than orders of people may be in force.
    #[arg(long, value_name = "N", default_value_t = RECORDS_KEPT_DAYS, value_parser = clap::value_parser!(u32).range(i64::from(RECORDS_KEPT_DAYS)..=400))]
    keep_days: u32,
    /// Look at every day that has records, not only at the newest: makes torn and lost files anew.
    #[arg(long)]
    all: bool,
    /// What counts as now. Default: the time of the newest record.
    #[arg(long, value_name = "TIME")]
    now: Option<DateTime<Utc>>,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Csv,
    /// JSON Lines.
    Jsonl,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Export(arguments) => export(arguments),
        Command::Compact(arguments) => fold(arguments),
    }
}

fn export(arguments: &ExportArguments) -> Result<(), CliError> {
    let (_, past) = arguments.stored.read(&arguments.period, None, CHOOSE_A_PERIOD)?;
    let mut bytes = Vec::new();
    match arguments.format {
        Format::Csv => table::write(&mut bytes, &past.minutes).map_err(CliError::failed)?,
        Format::Jsonl => {
            for entry in &past.minutes {
                serde_json::to_writer(&mut bytes, entry).map_err(CliError::failed)?;
                bytes.push(b'\n');
            }
        }
    }
    match &arguments.out {
        Some(path) => std::fs::File::create(path)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display()))),
        None => print(&String::from_utf8(bytes).map_err(CliError::failed)?),
    }
}

fn fold(arguments: &CompactArguments) -> Result<(), CliError> {
    let how = Compaction { keep_records_days: arguments.keep_days, all: arguments.all };
    let compacted = wait_for(async {
        let stored = arguments.stored.open().await?;
        let newest = stored.newest().await?;
        let now = arguments.now.or(newest).unwrap_or_else(Utc::now);
        compact(&stored.store, &stored.name, now, how, Instant::now() + PATIENCE).await.map_err(CliError::failed)
    })?;
    print(&(serde_json::to_string_pretty(&compacted).map_err(CliError::failed)? + "\n"))?;
    if compacted.is_unfinished {
        return Err(CliError::Failed("not everything was done in time; run it again".to_owned()));
    }
    Ok(())
}
