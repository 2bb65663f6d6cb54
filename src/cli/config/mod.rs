//! `config check FILE`, `config schema`.

use std::path::PathBuf;

use super::{CliError, print, read_file};
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read a configuration as the functions would, and name every place that is wrong.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print the JSON Schema of the configuration.
    Schema,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::Check { file } => {
            let config = Config::parse(&read_file(file)?)
                .map_err(|error| CliError::Input(format!("{}:\n{error}", file.display())))?;
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
            print(&told)
        }
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&Config::schema()).map_err(CliError::failed)?;
            print(&format!("{schema}\n"))
        }
    }
}
