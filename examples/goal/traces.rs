//! Which recorded loads are played, and which days of them.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use flexus_autoscaler::cli::trace::read_trace;
use flexus_autoscaler::replay::{Trace, Window};

/// A choice of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Set {
    /// The eight that the goal names.
    Headline,
    /// All others that last a day or more.
    Others,
    /// The first, third, fifth ... of the others, in the order of their names: settings are chosen on these.
    Tuning,
    /// The second, fourth, sixth ... of the others: settings are only reported on these.
    Report,
    /// Other days of two headline traces, for a report too.
    Windows,
}

impl Set {
    /// As it is written on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Headline => "headline",
            Self::Others => "others",
            Self::Tuning => "tuning",
            Self::Report => "report",
            Self::Windows => "windows",
        }
    }
}

/// File, first day, and days that are played.
type Cut = (&'static str, usize, Option<usize>);

const HEADLINE: [Cut; 8] = [
    ("llm_azure_code_2024.csv", 0, None),
    ("llm_burstgpt_days_1_4.csv", 0, None),
    ("web_worldcup98_first_part.csv.gz", 36, Some(10)),
    ("web_nasa_1995.csv.gz", 0, Some(14)),
    ("app_load_daily_spikes.csv", 0, None),
    ("app_load_holiday.csv", 0, None),
    ("llm_tenant_daily.csv", 0, None),
    ("vm_asg_cluster.csv", 0, Some(14)),
];

const WINDOWS: [Cut; 4] = [
    ("web_worldcup98_first_part.csv.gz", 10, Some(10)),
    ("web_worldcup98_first_part.csv.gz", 24, Some(10)),
    ("web_nasa_1995.csv.gz", 36, Some(14)),
    ("vm_asg_cluster.csv", 28, Some(14)),
];

const MINUTES_OF_A_DAY: usize = 1440;

/// The traces of a set, cut to `days` at most, whose names contain one of `only`.
pub(super) fn cut_traces(folder: &Path, set: Set, only: &[String], days: Option<usize>) -> Vec<Trace> {
    let traces: Vec<Trace> = match set {
        Set::Headline => named(folder, &HEADLINE, days),
        Set::Windows => named(folder, &WINDOWS, days),
        Set::Others => others(folder, days),
        Set::Tuning => others(folder, days).into_iter().step_by(2).collect(),
        Set::Report => others(folder, days).into_iter().skip(1).step_by(2).collect(),
    };
    let asked = |trace: &Trace| only.is_empty() || only.iter().any(|part| trace.name.contains(part.as_str()));
    traces.into_iter().filter(asked).collect()
}

fn named(folder: &Path, cuts: &[Cut], days: Option<usize>) -> Vec<Trace> {
    let fewer = |own: Option<usize>| own.into_iter().chain(days).min();
    cuts.iter().filter_map(|&(file, from_day, own)| read(&folder.join(file), from_day, fewer(own))).collect()
}

/// Recorded loads in the folder beside the headline traces: no spot capacity, no single requests.
fn others(folder: &Path, days: Option<usize>) -> Vec<Trace> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        (name.ends_with(".csv") || name.ends_with(".csv.gz"))
            && !name.starts_with("spot_")
            && !name.contains(".requests.")
            && name != "manifest.csv"
            && HEADLINE.iter().all(|(headline, _, _)| *headline != name)
    });
    files.sort();
    let traces = files.iter().filter_map(|file| read(file, 0, days));
    traces.filter(|trace| trace.minutes() >= MINUTES_OF_A_DAY - 10).collect()
}

fn read(path: &Path, from_day: usize, days: Option<usize>) -> Option<Trace> {
    let window = Window { from_day, days };
    let trace = read_trace(path, None, window).inspect_err(|error| eprintln!("left out: {error}")).ok()?;
    let name = if from_day > 0 { format!("{} day {from_day}", trace.name) } else { trace.name };
    Some(Trace { name, ..trace })
}
