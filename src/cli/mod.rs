//! The command line: one module a subcommand.

mod config;
mod cost;
mod doctor;
mod explain;
mod history;
mod invoke;
mod local;
mod numbers;
pub mod replay;
mod report;
mod shell;
mod stored;
mod terminal;
pub mod trace;
mod tune;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The thing asked for failed. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Wrong usage or input. Exit code 2.
    #[error("{0}")]
    Input(String),
}

impl CliError {
    /// The thing asked for failed.
    pub fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// The input cannot be used.
    pub fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Input(_) => ExitCode::from(2),
        }
    }
}

/// Keeps a group of Huawei Cloud instances at the cheapest size that still holds its service level.
///
/// Without a command it plays a bundled day of load against a local region, account and key not needed.
#[derive(Debug, Parser)]
#[command(name = "flexus-autoscaler", bin_name = "flexus-autoscaler", version, about, long_about, after_help = EXIT_CODES)]
struct Arguments {
    /// Print results and errors only: no progress, no running commentary.
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage or input.\n\
    Results go to standard output, all else to standard error. NO_COLOR=1 switches colours off.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a trace through the real function against a region on this machine.
    Local(local::Arguments),
    /// Look at every API, right and metric that a configuration needs, and at the store.
    Doctor(doctor::Arguments),
    /// Run one function once, with the credentials of the environment.
    Invoke(invoke::Arguments),
    /// Tell a decision as a person would, and check that it follows from its record.
    Explain(explain::Arguments),
    /// Play policies over recorded load and compare what they cost and how they served.
    Replay(replay::ReplayArgs),
    /// A group's past: one-minute samples and decisions, kept a file a day.
    #[command(subcommand)]
    History(history::Command),
    /// Versions of a group's policy: what replay says of each, what happened to it, and what a person orders.
    #[command(subcommand)]
    Tune(tune::Command),
    /// What a group has cost, what of it was wasted, and what would be cheaper.
    Cost(cost::Arguments),
    /// A week of a group for people: money, service, decisions, events, recommendations.
    Report(report::Arguments),
    /// Check a configuration file, or print the JSON Schema of it.
    #[command(subcommand)]
    Config(config::Command),
    /// Print completions for a shell: `flexus-autoscaler completions bash > /etc/bash_completion.d/flexus-autoscaler`.
    Completions(shell::Completions),
    /// Print the manual page: `flexus-autoscaler man > flexus-autoscaler.1`.
    Man,
}

/// Runs the command line of this process. Exit codes: 0 done, 1 the thing asked for failed, 2 wrong usage or input.
pub fn main() -> ExitCode {
    let matches = numbers::allow_negative(Arguments::command()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if arguments.quiet {
        terminal::be_quiet();
    }
    let done = match arguments.command {
        Some(Command::Local(arguments)) => local::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Invoke(arguments)) => invoke::run(&arguments),
        Some(Command::Explain(arguments)) => explain::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::History(command)) => history::run(&command),
        Some(Command::Tune(command)) => tune::run(&command),
        Some(Command::Cost(arguments)) => cost::run(&arguments),
        Some(Command::Report(arguments)) => report::run(&arguments),
        Some(Command::Config(command)) => config::run(&command),
        Some(Command::Completions(arguments)) => shell::completions(&arguments),
        Some(Command::Man) => shell::manual(),
        None => local::run(&local::Arguments::demo()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flexus-autoscaler: {error}");
            error.exit_code()
        }
    }
}

/// Reads a file that a user named.
fn read_file(path: &std::path::Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::Input(format!("{}: {error}", path.display())))
}

/// Prints to standard output. A reader that has gone away is no error.
fn print(text: &str) -> Result<(), CliError> {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::failed(error)),
        _ => Ok(()),
    }
}
