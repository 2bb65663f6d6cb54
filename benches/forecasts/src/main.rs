//! How good the forecasts are, beside the naive ones and statistical packages: weighted quantile loss, coverage and scaled
//! error at 2, 5, 15 and 60 minutes and for the next 24 hours.
//!
//! `cargo run --release -p forecast-scores -- TRACE… [--from-day N] [--days N] [--origins N] [--out DIR]`
//!
//! `--out` leaves the minutes that were forecast, the origins and all scores there; `benches/forecasts/score.py` scores
//! packages from PyPI on the very same.

mod baselines;
mod contest;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use flexus_autoscaler::cli::trace::read_trace;
use flexus_autoscaler::replay::Window;
use rayon::prelude::*;

use self::contest::{Subject, score};

#[derive(Debug, Parser)]
#[command(about = "Scores the forecasts beside naive ones and statistical packages")]
struct Arguments {
    /// Recorded loads.
    #[arg(required = true)]
    traces: Vec<PathBuf>,
    /// First day, counted from 0.
    #[arg(long, default_value_t = 0)]
    from_day: usize,
    /// How many days.
    #[arg(long)]
    days: Option<usize>,
    /// Forecasts of each horizon, spread evenly.
    #[arg(long, default_value_t = 200)]
    origins: usize,
    /// Leave out what has to be fitted anew for each forecast.
    #[arg(long)]
    quick: bool,
    /// Leave minutes, origins and scores in this folder.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let window = Window { from_day: arguments.from_day, days: arguments.days };
    let read = |path: &PathBuf| {
        let trace = read_trace(path, None, window).inspect_err(|error| eprintln!("left out: {error}")).ok()?;
        let subject = Subject::new(&trace, arguments.origins);
        if subject.is_none() {
            eprintln!("left out: {} has less than five days", trace.name);
        }
        subject
    };
    let subjects: Vec<Subject> = arguments.traces.iter().filter_map(read).collect();
    let scores: Vec<_> = subjects.par_iter().map(|subject| score(subject, arguments.quick)).collect();
    for trace in &scores {
        report::print_trace(trace);
    }
    report::print_summary(&scores);
    if let Some(folder) = &arguments.out {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(failed)?;
        let text = |json: serde_json::Result<String>| json.map_err(|error| error.to_string());
        fs::write(folder.join("subjects.json"), text(serde_json::to_string(&subjects))?).map_err(failed)?;
        fs::write(folder.join("scores.json"), text(serde_json::to_string(&scores))?).map_err(failed)?;
    }
    Ok(())
}
