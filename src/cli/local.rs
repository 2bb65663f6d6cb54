//! `local`: a trace played through the real function against the local region, as fast as it goes.

mod told;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::numbers::count;
use super::trace::read_trace_and_column;
use super::{CliError, print, read_file, terminal};
use crate::config::{AdviserMode, Config};
use crate::local::play::{BUCKET, Play, PlaySettings, plausible_advice};
use crate::local::{ModelAnswer, SpotTrace};
use crate::model::Mode;
use crate::replay::{Settings, Trace, Window, demo_trace};

/// The group that is played when no configuration is given.
const DEMO_CONFIG: &[u8] = include_bytes!("local/demo.json");
/// The same group with a pool of spot servers beside.
const SPOT_CONFIG: &[u8] = include_bytes!("local/demo-spot.json");

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A CSV file with a time in the first column and the load in another. Default: a bundled day of AI inference.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// The column that holds the load, in work per second. Default: the one after the time; of a file of `history export`
    /// the signal that is the load.
    #[arg(long, value_name = "NAME", requires = "trace")]
    column: Option<String>,
    /// Skip so many days of the trace.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count)]
    from_day: usize,
    /// Play so many hours. Default: all that there are.
    #[arg(long, value_name = "N", value_parser = count)]
    hours: Option<usize>,
    /// Seconds from asking for an instance until it serves.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    lead: u32,
    /// A CSV file `timestamp,zone,available_capacity`: how many spot servers each zone has room for. What is over is
    /// reclaimed with five minutes' notice.
    #[arg(long, value_name = "FILE")]
    spot_trace: Option<PathBuf>,
    /// Let Cloud Eye's alarms wake the function `alarm`, by the rules that the Terraform module makes.
    #[arg(long)]
    alarms: bool,
    /// A configuration with one group, as for the real cloud; ids and addresses are replaced by the region's.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Leave configuration, snapshot and records in this directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Let the group tune itself: the function `tune` is woken once an hour, with a made-up adviser. What passes the gate
    /// takes effect unless the configuration says otherwise. Always on where the configuration asks for an adviser.
    #[arg(long)]
    tune: bool,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Serve the console page meanwhile, and keep everything up afterwards.
    #[arg(long)]
    serve: bool,
    /// Port of the region's APIs; the object store is on the next one, the console page on the one after.
    #[arg(long, value_name = "PORT", requires = "serve")]
    port: Option<u16>,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines and a table for people.
    Table,
    /// One JSON document.
    Json,
}

impl Arguments {
    /// What runs without any command.
    pub(super) fn demo() -> Self {
        Self {
            trace: None,
            column: None,
            from_day: 0,
            hours: None,
            lead: 120,
            spot_trace: None,
            alarms: false,
            config: None,
            out: None,
            tune: false,
            format: Format::Table,
            serve: false,
            port: None,
        }
    }

    fn trace(&self) -> Result<Trace, CliError> {
        let window = Window { from_day: self.from_day, days: None };
        let mut trace = match &self.trace {
            Some(path) => {
                let read = read_trace_and_column(path, self.column.as_deref(), window);
                let (trace, column) = read.map_err(CliError::input)?;
                column.tell(path);
                trace
            }
            None => demo_trace(window).map_err(CliError::input)?,
        };
        if let Some(hours) = self.hours {
            if hours == 0 {
                return Err(CliError::input("--hours must be at least 1"));
            }
            trace.load.truncate(hours.saturating_mul(60));
        }
        Ok(trace)
    }

    fn spot_trace(&self) -> Result<Option<SpotTrace>, CliError> {
        let Some(path) = &self.spot_trace else { return Ok(None) };
        let read = SpotTrace::read(read_file(path)?.as_slice());
        read.map(Some).map_err(|error| CliError::Input(format!("{}: {error}", path.display())))
    }

    fn config(&self) -> Result<Config, CliError> {
        let (name, document) = match &self.config {
            Some(path) => (path.display().to_string(), read_file(path)?),
            None if self.spot_trace.is_some() => ("the bundled spot configuration".to_owned(), SPOT_CONFIG.to_vec()),
            None => ("the bundled configuration".to_owned(), DEMO_CONFIG.to_vec()),
        };
        let config = Config::parse(&document).map_err(|error| CliError::Input(format!("{name}:\n{error}")))?;
        match config.groups.len() {
            1 => Ok(config),
            count => Err(CliError::Input(format!("{name}: local plays one group, and it has {count}"))),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (trace, mut config) = (arguments.trace()?, arguments.config()?);
    if arguments.tune && config.deepseek.mode == AdviserMode::Off {
        config.deepseek.mode = AdviserMode::Apply;
    }
    let group = &config.groups[0];
    if group.mode == Mode::Observe && !terminal::is_quiet() {
        eprintln!(
            "flexus-autoscaler: group {} observes: its fleet is not changed, and the result is that of a fleet that stays as it is; set \"mode\": \"act\" to play it",
            group.name
        );
    }
    let circumstances = Settings {
        lead_seconds: arguments.lead,
        delay_minutes: group.scaling.delay_minutes(),
        min_instances: group.scaling.min_instances,
        max_instances: group.scaling.max_instances,
        ..Settings::default()
    };
    let settings = PlaySettings {
        config,
        trace,
        circumstances,
        directory: arguments.out.clone(),
        spot_trace: arguments.spot_trace()?,
        alarms: arguments.alarms,
        port: arguments.port.or(arguments.serve.then_some(9000)),
    };
    if let Some(directory) = &arguments.out {
        refuse_a_past(directory)?;
    }
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::failed)?;
    executor.block_on(play(arguments, settings))
}

/// A play begins anew: what a group remembers of another one, whose clock went on to a later time, would be taken for its own.
fn refuse_a_past(directory: &Path) -> Result<(), CliError> {
    let groups = directory.join(BUCKET).join("groups");
    if !groups.exists() {
        return Ok(());
    }
    let (directory, groups) = (directory.display(), groups.display());
    Err(CliError::Input(format!(
        "--out {directory}: an earlier run has left its state in {groups}; remove that, or name another directory"
    )))
}

async fn play(arguments: &Arguments, settings: PlaySettings) -> Result<(), CliError> {
    let (name, minutes) = (settings.trace.name.clone(), settings.trace.minutes());
    let circumstances = settings.circumstances.clone();
    let tunes = settings.config.deepseek.mode != AdviserMode::Off;
    let places = Places { port: settings.port, directory: settings.directory.clone() };
    let mut play = Play::start(settings).await.map_err(|error| places.refused(&error))?;
    if arguments.serve {
        play.serve_console().await.map_err(|error| CliError::Failed(format!("console page: {error}")))?;
    }
    if tunes {
        let advice = plausible_advice(play.group()).to_string();
        play.region().script_model([], Some(ModelAnswer::Content(advice)));
        play.start_tuning().await.map_err(|error| CliError::Failed(format!("function tune: {error}")))?;
    }
    let is_table = arguments.format == Format::Table;
    let tells = is_table && !terminal::is_quiet();
    if tells {
        print(&told::opening(&name, minutes, &circumstances, &play))?;
    }
    let progress = terminal::bar(minutes, "minute");
    while let Some(step) = play.step().await {
        progress.inc(1);
        if tells && let Some(lines) = told::tuning(&step) {
            progress.suspend(|| print(&lines))?;
        }
        if tells && let Some(line) = told::change(&step) {
            progress.suspend(|| print(&line))?;
        }
    }
    progress.finish_and_clear();
    match arguments.format {
        Format::Table => print(&told::summary(&play, arguments.out.as_deref()))?,
        Format::Json => print(&told::document(&name, minutes, &play))?,
    }
    if arguments.serve {
        if is_table {
            print(&told::addresses(&play))?;
        } else {
            eprint!("{}", told::addresses(&play));
        }
        tokio::signal::ctrl_c().await.map_err(CliError::failed)?;
    }
    let failed = play.invocations().failed;
    play.stop().await;
    if failed > 0 { Err(CliError::Failed(format!("{failed} invocations failed"))) } else { Ok(()) }
}

/// What of this machine a region takes up.
struct Places {
    port: Option<u16>,
    directory: Option<PathBuf>,
}

impl Places {
    /// Says what could not be had, and how to mend it.
    fn refused(&self, error: &std::io::Error) -> CliError {
        match (self.port, &self.directory) {
            (Some(port), _) if error.kind() == ErrorKind::AddrInUse => CliError::Failed(format!(
                "port {port}, or one of the two after it, is in use; choose others with --port, or end what listens there"
            )),
            (_, Some(directory))
                if [
                    ErrorKind::NotFound,
                    ErrorKind::PermissionDenied,
                    ErrorKind::ReadOnlyFilesystem,
                    ErrorKind::AlreadyExists,
                    ErrorKind::NotADirectory,
                ]
                .contains(&error.kind()) =>
            {
                CliError::Failed(format!(
                    "--out {}: {error}; name a directory that can be written",
                    directory.display()
                ))
            }
            _ => CliError::Failed(format!("local region: {error}")),
        }
    }
}
