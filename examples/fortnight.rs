//! What tuning is worth: a trace is played by a group that starts from the founding article's policy and tunes itself, and
//! by the same group left alone.
//!
//! `cargo run --release --example fortnight -- TRACE [LEAD SECONDS]`
//!
//! Ends with exit code 1 where tuning lowers J(20) by less than 30 %.

use std::path::Path;
use std::process::ExitCode;

use flexus_autoscaler::cli::trace::read_trace;
use flexus_autoscaler::config::Config;
use flexus_autoscaler::model::{EngineKind, Tunables};
use flexus_autoscaler::replay::{Arena, Settings, Window};
use flexus_autoscaler::tune::course::Patience;
use flexus_autoscaler::tune::{Ground, Tuned};

const LEAST_SAVING: f64 = 0.30;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("name a trace");
        return ExitCode::from(2);
    };
    let lead_seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(120);
    let trace = match read_trace(Path::new(&file), None, Window { from_day: 0, days: Some(14) }) {
        Ok(trace) => trace,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let mut group = match Config::parse(include_bytes!("../src/cli/local/article.json")) {
        Ok(config) => config.groups[0].clone(),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    assert_eq!(group.policy.engine, EngineKind::WeightedScore);
    group.scaling.lead_time_seconds = Some(lead_seconds);
    let settings = Settings { lead_seconds, prices: vec![20.0], ..Settings::default() };
    let arena = Arena::new(&trace, &settings);
    let ground = Ground::new(&group, trace.clone(), arena.capacity(), lead_seconds.div_ceil(60));
    let alone = arena.play(&mut ground.player(&Tunables::of(&group)));
    let patience = Patience { shadow_evaluations: 60, bake_hours: 24 };
    let mut tuned = Tuned::new(&group, patience, Box::new(|_, _| Vec::new()), 1);
    let with_tuning = arena.play(&mut tuned);
    for version in &tuned.told().versions {
        let evidence = &version.evidence;
        println!(
            "{}: {}\n  held out: J {:.3} instead of {:.3}, {:.2} % in its service level instead of {:.2} %, at least {:.1} % saved; stress {}",
            version.version,
            version.changes.join(", "),
            evidence.held_out.after.j,
            evidence.held_out.before.j,
            evidence.held_out.after.in_slo * 100.0,
            evidence.held_out.before.in_slo * 100.0,
            evidence.saved_at_least * 100.0,
            evidence
                .stress
                .iter()
                .map(|each| format!("{} {:.2}/{:.2}", each.name, each.comparison.after.j, each.comparison.before.j))
                .collect::<Vec<_>>()
                .join(", "),
        );
        for change in tuned.told().changes.iter().filter(|change| change.version == version.version) {
            println!("  {}: {:?}, {}", change.time, change.what, change.why);
        }
    }
    let (before, after) = (alone.j.at(20.0).unwrap_or(f64::NAN), with_tuning.j.at(20.0).unwrap_or(f64::NAN));
    let saving = 1.0 - after / before;
    println!(
        "{}, lead {lead_seconds} s: J(20) {before:.3} without tuning, {after:.3} with it: {:.1} % lower; in service level {:.2} % and {:.2} %",
        trace.name,
        saving * 100.0,
        alone.in_slo * 100.0,
        with_tuning.in_slo * 100.0
    );
    if saving >= LEAST_SAVING { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
