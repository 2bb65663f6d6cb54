//! `explain`: a decision as a person would tell it, from a file or from the store.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::Instant;

use super::stored::{PATIENCE, StoredGroup, point_in_time, wait_for};
use super::{CliError, print, read_file};
use crate::records::explain::{check, sentences};
use crate::records::{Happening, Record, SCHEMA_VERSION};
use crate::state::history::last_decision;

#[derive(Debug, clap::Args)]
#[command(mut_arg("store", |store| store.required(false).default_value("").hide_default_value(true)))]
pub(super) struct Arguments {
    /// A record of a decision, as it lies in the store under groups/<group>/records/.
    record: Option<PathBuf>,
    #[command(flatten)]
    stored: StoredGroup,
    /// The newest decision up to then, with a store: a date or a time (`2026-03-01T08:00:00Z`), in UTC. Default: the newest.
    #[arg(long, value_name = "TIME", requires = "store", value_parser = point_in_time)]
    at: Option<DateTime<Utc>>,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Sentences for people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let record = match &arguments.record {
        Some(path) => from_file(path)?,
        None if arguments.stored.store.is_empty() => {
            return Err(CliError::input(
                "name the file of a record, or with --store (or AUTOSCALER_STORE) the store whose newest decision is told",
            ));
        }
        None => from_store(&arguments.stored, arguments.at)?,
    };
    let name = &record.id;
    let Happening::Decision(decision) = &record.what else {
        return print(&other(arguments.format, &record)?);
    };
    let told = sentences(decision);
    let contradiction = check(decision).err();
    match arguments.format {
        Format::Json => {
            let document = json!({
                "group": record.group, "time": record.time, "id": record.id, "told": told, "contradiction": contradiction,
            });
            print(&format!("{document:#}\n"))?;
        }
        Format::Text => {
            let mut text = heading(&record);
            told.iter().for_each(|sentence| text += &format!("  {sentence}\n"));
            if contradiction.is_none() {
                text += "Decided again from this record alone: the same number.\n";
            }
            print(&text)?;
        }
    }
    match contradiction {
        None => Ok(()),
        Some(difference) => Err(CliError::Failed(format!("record {name}: {difference}"))),
    }
}

#[derive(serde::Deserialize)]
struct Versioned {
    schema: u32,
}

fn from_file(path: &Path) -> Result<Record, CliError> {
    let bytes = read_file(path)?;
    // What is newer is never guessed at, as in the functions.
    if let Ok(Versioned { schema }) = serde_json::from_slice(&bytes)
        && schema > SCHEMA_VERSION
    {
        return Err(CliError::Input(format!(
            "{}: schema {schema} is newer than {SCHEMA_VERSION}; use the newer version of this program",
            path.display()
        )));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        CliError::Input(format!(
            "{}: not a record: {error}; records lie under groups/<group>/records/ of the store, and of the directory of `local --out`",
            path.display()
        ))
    })
}

fn from_store(stored: &StoredGroup, at: Option<DateTime<Utc>>) -> Result<Record, CliError> {
    wait_for(async {
        let open = stored.open().await?;
        let nothing = |when: String| {
            CliError::Failed(format!("{} knows no decision of group {} {when}", stored.store, open.name))
        };
        let at = match at {
            Some(at) => at,
            None => open.newest().await?.ok_or_else(|| nothing("yet".to_owned()))?,
        };
        let found =
            last_decision(&open.store, &open.name, at, Instant::now() + PATIENCE).await.map_err(CliError::failed)?;
        found.ok_or_else(|| nothing(format!("in the day up to {at}")))
    })
}

fn heading(record: &Record) -> String {
    format!("{} at {}, record {}\n", record.group, record.time.format("%Y-%m-%d %H:%M:%S UTC"), record.id)
}

/// A record of something else than a decision is shown as it is.
fn other(format: Format, record: &Record) -> Result<String, CliError> {
    let (heading, text) = match format {
        Format::Text => (heading(record), serde_json::to_string_pretty(&record.what)),
        Format::Json => (String::new(), serde_json::to_string_pretty(record)),
    };
    Ok(format!("{heading}{}\n", text.map_err(CliError::failed)?))
}
