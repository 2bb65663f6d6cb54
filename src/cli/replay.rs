//! `replay`: any policy on any trace, one honest table.

mod entrant;
mod stage;
mod table;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use self::entrant::Entrant;
use self::stage::Stage;
use super::numbers::{count, positive};
use super::trace::read_spot_market;
use super::{CliError, terminal};
use crate::replay::report::html::{self, Series, TracePage};
use crate::replay::spot::{Buyer, Purchasing, SpotTerms};
use crate::replay::{Arena, Contestant, Report, Row};

/// Play policies over recorded load and compare what they cost and how they served.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// CSV files, plain or gzipped: a time (ISO 8601, regular step) in the first column, load in work per second. Default:
    /// the bundled day.
    #[arg(value_name = "TRACE")]
    pub traces: Vec<PathBuf>,
    /// Policies to play: `all`, or a list of names, each with a knob of your choice or with all its usual ones. With
    /// --config or --history also `own`, the group's policy as it is configured, and with --history `actual`, what really
    /// ran.
    #[arg(long, value_name = "all|NAME[@KNOB],…", default_value = "all")]
    pub policy: String,
    /// Replay a group's own past from this store instead of a trace: obs://bucket/prefix, s3://bucket/prefix,
    /// file:///directory, or a directory that `local --out` has filled.
    #[arg(long, value_name = "STORE", conflicts_with_all = ["traces", "spot_trace", "column", "from_day", "capacity", "mean_instances"])]
    pub history: Option<String>,
    /// A configuration: its group's own policy is played as well, with its limits, lead time and price.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The group of the configuration or of the history. Default: the only one.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Address of the history's store where it is not the region's public one.
    #[arg(long, env = "AUTOSCALER_STORE_ENDPOINT", value_name = "URL")]
    pub store_endpoint: Option<String>,
    /// Region that the history's store is in.
    #[arg(long, env = "AUTOSCALER_REGION", value_name = "NAME")]
    pub region: Option<String>,
    /// Seconds from asking for an instance until it serves. Default: what the history or the configuration says, else 120.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub lead: Option<u32>,
    /// Minutes by which metrics arrive late. Default: what the configuration says, else 1.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(0..=1440))]
    pub delay: Option<u32>,
    /// Size the instances so that a perfectly elastic group at 60 % utilisation has this many on average.
    #[arg(long, value_name = "N", default_value_t = 12.0, conflicts_with = "capacity", value_parser = positive)]
    pub mean_instances: f64,
    /// Work per second that one instance serves.
    #[arg(long, value_name = "WORK", value_parser = positive)]
    pub capacity: Option<f64>,
    /// A further price of a violation to report J for, beside 5, 20 and 100.
    #[arg(long, value_name = "K", value_parser = positive)]
    pub violation_price: Option<f64>,
    /// First day to play, counted from 0 at the first row.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count)]
    pub from_day: usize,
    /// Days to play; of a history the last ones. Default: all of a trace, the last 28 of a history.
    #[arg(long, value_name = "N", value_parser = count)]
    pub days: Option<usize>,
    /// Column that holds the load. Default: the one after the time; of a file of `history export` the signal that is the
    /// load.
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// Play purchase options as well: a CSV of room for spot instances, `timestamp,zone,available_capacity`. `all` then
    /// means our predictive engine, bought in every way.
    #[arg(long, value_name = "FILE")]
    pub spot_trace: Option<PathBuf>,
    /// Price of a spot instance, on demand being 1.
    #[arg(long, value_name = "PRICE", default_value_t = 0.35, requires = "spot_trace", value_parser = positive)]
    pub spot_price: f64,
    /// Seconds from the notice of a reclaim until the spot instance is gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, requires = "spot_trace", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub spot_notice: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// File to write to instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replays that run at the same time, at most 512. Default: one a core.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=512))]
    pub jobs: u16,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Table,
    /// One JSON document: an object, or an array of them for several traces.
    Json,
    /// One self-contained page for a browser.
    Html,
}

/// Runs the command.
pub fn run(arguments: &ReplayArgs) -> Result<(), CliError> {
    if arguments.days == Some(0) {
        return Err(CliError::input("--days 0 leaves nothing to play"));
    }
    let stage = Stage::set(arguments)?;
    let settings = &stage.settings;
    // More threads than plays would only wait for work, and get in each other's way.
    let ways = if arguments.spot_trace.is_some() { Purchasing::ALL.len() } else { 1 };
    let plays = stage.traces.len() * stage.entrants.len() * ways;
    let jobs = usize::from(arguments.jobs).min(plays);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(CliError::failed)?;
    let arenas: Vec<Arena<'_>> = stage.traces.iter().map(|trace| Arena::new(trace, settings)).collect();
    let text = match &arguments.spot_trace {
        Some(path) => {
            if arguments.format == Format::Html {
                return Err(CliError::input(
                    "--format html shows no purchase options; use table or json with --spot-trace",
                ));
            }
            let market = read_spot_market(path).map_err(CliError::input)?;
            let terms = SpotTerms { market, price: arguments.spot_price, notice_seconds: arguments.spot_notice };
            let buyer = |sizing: Contestant| Purchasing::ALL.map(|purchasing| Buyer { sizing, purchasing });
            let buyers: Vec<Buyer> = stage.contestants().flat_map(buyer).collect();
            let reports = pool.install(|| play_all(&stage, &arenas, &buyers, |buyer, arena| buyer.play(arena, &terms)));
            match arguments.format {
                Format::Table => table::render_spot(&reports, &settings.prices, &terms),
                Format::Json | Format::Html => json(&reports)?,
            }
        }
        None => {
            let play = |entrant: &Entrant, arena: &Arena<'_>| entrant.play_and_watch(arena, &mut |_, _| {});
            let reports = pool.install(|| play_all(&stage, &arenas, &stage.entrants, play));
            let reports: Vec<Report> = match stage.price_per_hour {
                Some(price) => {
                    let priced = arenas.iter().zip(reports);
                    priced.map(|(arena, report)| report.in_money(arena, price, stage.known)).collect()
                }
                None => reports,
            };
            match arguments.format {
                Format::Table => table::render(&reports, &settings.prices),
                Format::Json => json(&reports)?,
                Format::Html => pool.install(|| page(&arenas, reports, &stage.entrants))?,
            }
        }
    };
    write(arguments, &text)
}

/// Plays everybody on every trace, as many at a time as there are threads; the rows come in the order of the contestants.
fn play_all<C: Sync>(
    stage: &Stage,
    arenas: &[Arena<'_>],
    contestants: &[C],
    play: impl Fn(&C, &Arena<'_>) -> Row + Sync,
) -> Vec<Report> {
    let progress = terminal::bar(arenas.len() * contestants.len(), "replay");
    let reports = arenas
        .par_iter()
        .zip(&stage.columns)
        .map(|(arena, column)| {
            let play = |contestant: &C| {
                let row = play(contestant, arena);
                progress.inc(1);
                row
            };
            let report = Report::new(arena, contestants.par_iter().map(play).collect());
            Report { column: column.clone(), ..report }
        })
        .collect();
    progress.finish_and_clear();
    reports
}

/// Plays once more what is worth a curve, and makes the page.
fn page(arenas: &[Arena<'_>], reports: Vec<Report>, entrants: &[Entrant]) -> Result<String, CliError> {
    let pages: Vec<TracePage> = arenas
        .iter()
        .zip(reports)
        .map(|(arena, report)| {
            let names = html::featured(&report, &arena.settings().prices);
            let of_name = |name: &String| entrants.iter().find(|entrant| entrant.name() == *name);
            let chosen: Vec<&Entrant> = names.iter().filter_map(of_name).collect();
            let record = |entrant: &&Entrant| Series::record(arena, |watch| entrant.play_and_watch(arena, watch));
            let series = chosen.par_iter().map(record).collect();
            TracePage::new(arena, report, series)
        })
        .collect();
    html::page(&pages).map_err(CliError::failed)
}

fn json(reports: &[Report]) -> Result<String, CliError> {
    let text = match reports {
        [report] => serde_json::to_string_pretty(report),
        reports => serde_json::to_string_pretty(reports),
    };
    text.map(|text| text + "\n").map_err(CliError::failed)
}

fn write(arguments: &ReplayArgs, text: &str) -> Result<(), CliError> {
    match &arguments.out {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", path.display()))),
        None => match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever reads has seen enough, as `head` does.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(|error| CliError::Failed(format!("cannot write to standard output: {error}"))),
        },
    }
}
