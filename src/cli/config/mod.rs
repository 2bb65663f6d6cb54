//! `config check FILE`, `config schema`, `config preset`.

mod placeholders;
mod preset;

use std::path::PathBuf;

use serde_json::json;

use super::{CliError, print, read_file};
use crate::config::{Config, Problem};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read a configuration as the functions would, and name every place that is wrong.
    Check {
        /// The file.
        file: PathBuf,
        /// What to print.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print signals that are ready to be put into a group.
    Preset(preset::Arguments),
    /// Print the JSON Schema of the configuration.
    Schema,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON document: what is wrong and where, and what was not filled in.
    Json,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Check { file, format: Format::Json } => check_for_programs(file),
        Command::Check { file, format: Format::Text } => {
            let document = read_file(file)?;
            let config =
                Config::parse(&document).map_err(|error| CliError::Input(format!("{}:\n{error}", file.display())))?;
            let mut told = format!("{}: good, {} group(s) in {}\n", file.display(), config.groups.len(), config.region);
            for group in &config.groups {
                let mode = match group.mode {
                    crate::model::Mode::Observe => "observe: decides and records, changes nothing",
                    crate::model::Mode::Act => "act: carries decisions out",
                };
                told += &format!(
                    "  {}: {} to {} instances, {} pool(s), {} signal(s), {mode}\n",
                    group.name,
                    group.scaling.min_instances,
                    group.scaling.max_instances,
                    group.pools.len(),
                    group.signals.len(),
                );
            }
            for warning in placeholders::unfilled(&document) {
                told += &format!("  warning: {warning}\n");
            }
            print(&told)
        }
        Command::Preset(arguments) => preset::run(arguments),
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&Config::schema()).map_err(CliError::failed)?;
            print(&format!("{schema}\n"))
        }
    }
}

fn check_for_programs(file: &std::path::Path) -> Result<(), CliError> {
    let document = read_file(file)?;
    let problems = Config::parse(&document).err().map(|error| error.problems).unwrap_or_default();
    let told = |problems: &[Problem]| -> Vec<_> {
        problems.iter().map(|problem| json!({"path": problem.path, "message": problem.message})).collect()
    };
    let warnings = placeholders::unfilled(&document);
    print(&format!("{:#}\n", json!({"file": file, "problems": told(&problems), "warnings": told(&warnings)})))?;
    match problems.len() {
        0 => Ok(()),
        count => Err(CliError::Input(format!("{}: {count} problem(s)", file.display()))),
    }
}
