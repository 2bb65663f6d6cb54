//! `explain RECORD.json`: a decision as a person would tell it.

use std::path::PathBuf;

use serde_json::json;

use super::{CliError, print, read_file};
use crate::engine::explain::{check, sentences};
use crate::model::{Happening, Record};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A record of a decision, as it lies in the store under groups/<group>/records/.
    record: PathBuf,
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
    let name = arguments.record.display();
    let record: Record = serde_json::from_slice(&read_file(&arguments.record)?).map_err(|error| {
        CliError::Input(format!(
            "{name}: not a record: {error}; records lie under groups/<group>/records/ of the store, and of the directory of `local --out`"
        ))
    })?;
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
        Some(difference) => Err(CliError::Failed(format!("{name}: {difference}"))),
    }
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
