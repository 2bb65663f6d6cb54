//! `explain RECORD.json`: a decision as a person would tell it.

use std::path::PathBuf;

use super::{CliError, print, read_file};
use crate::engine::explain::{check, sentences};
use crate::model::{Happening, Record};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A record of a decision, as it lies in the store under groups/<group>/records/.
    record: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let name = arguments.record.display();
    let record: Record = serde_json::from_slice(&read_file(&arguments.record)?)
        .map_err(|error| CliError::Input(format!("{name}: not a record: {error}")))?;
    let mut told =
        format!("{} at {}, record {}\n", record.group, record.time.format("%Y-%m-%d %H:%M:%S UTC"), record.id);
    let Happening::Decision(decision) = &record.what else {
        let what = serde_json::to_string_pretty(&record.what).map_err(CliError::failed)?;
        return print(&format!("{told}{what}\n"));
    };
    for sentence in sentences(decision) {
        told += &format!("  {sentence}\n");
    }
    print(&told)?;
    match check(decision) {
        Ok(()) => print("Decided again from this record alone: the same number.\n"),
        Err(difference) => Err(CliError::Failed(format!("{name}: {difference}"))),
    }
}
