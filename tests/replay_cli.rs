//! The `replay` command as a user runs it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Two days of a daily cycle at one value a minute.
fn write_trace(folder: &Path, name: &str, header: &str) -> PathBuf {
    let mut text = format!("{header}\n");
    let start = chrono::DateTime::from_timestamp(1_700_000_000 / 86_400 * 86_400, 0).unwrap();
    for minute in 0..2880 {
        let time = start + chrono::Duration::minutes(minute);
        let load = 50.0 + 30.0 * (minute as f64 / 1440.0 * std::f64::consts::TAU).sin() + (minute % 7) as f64;
        writeln!(text, "{},{load:.3}", time.format("%Y-%m-%dT%H:%M:%SZ")).unwrap();
    }
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn replay(arguments: &[&str], traces: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"))
        .arg("replay")
        .args(traces)
        .args(arguments)
        .output()
        .expect("the command starts")
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("standard output holds one JSON document")
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn one_trace_is_one_object_of_the_documented_form() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let report = json(&replay(&["--format", "json", "--policy", "hpa@60,static_one", "--lead", "300"], &[&trace]));
    let expected = [
        "cap",
        "clairvoyant_hours",
        "delay_min",
        "interpolated",
        "lead_s",
        "mean_instances",
        "minutes",
        "policies",
        "trace",
    ];
    assert_eq!(keys(&report), expected);
    assert_eq!((report["trace"].as_str(), report["minutes"].as_u64()), (Some("cycle"), Some(2880)));
    assert_eq!((report["lead_s"].as_u64(), report["mean_instances"].as_f64().map(f64::round)), (Some(300), Some(12.0)));
    let rows = report["policies"].as_array().unwrap();
    let expected = [
        "actions",
        "cost_hours",
        "engine",
        "flips",
        "in_slo",
        "j",
        "knob",
        "lost",
        "name",
        "p95_ms",
        "p99_ms",
        "rel",
        "starts",
        "utilisation",
    ];
    assert!(rows.iter().all(|row| keys(row) == expected && keys(&row["j"]) == ["100", "20", "5"]));
    assert_eq!((rows[0]["name"].as_str(), rows[0]["knob"].as_f64()), (Some("hpa@60"), Some(60.0)));
    assert_eq!((rows[1]["engine"].as_str(), &rows[1]["knob"]), (Some("static_one"), &Value::Null));
}

#[test]
fn several_traces_are_an_array_and_the_number_of_jobs_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_trace(folder.path(), "first.csv", "timestamp,load");
    let second = write_trace(folder.path(), "second.csv", "time,requests");
    let policies = "hpa,target_tracking,weighted_score";
    let one = replay(&["--format", "json", "--policy", policies, "--jobs", "1"], &[&first, &second]);
    let many = replay(&["--format", "json", "--policy", policies, "--jobs", "4"], &[&first, &second]);
    assert_eq!(json(&one).as_array().unwrap().len(), 2);
    assert_eq!(one.stdout, many.stdout);
}

#[test]
fn a_window_a_column_and_a_price_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let arguments = ["--format", "json", "--policy", "article", "--from-day", "1", "--days", "1", "--column", "load"];
    let report = json(&replay(&[&arguments[..], &["--violation-price", "50"]].concat(), &[&trace]));
    assert_eq!(report["minutes"].as_u64(), Some(1440));
    assert_eq!(keys(&report["policies"][0]["j"]), ["100", "20", "5", "50"]);
}

#[test]
fn of_several_columns_the_one_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let wide = folder.path().join("wide.csv");
    let text = std::fs::read_to_string(&trace).unwrap();
    let rows: String = text
        .lines()
        .enumerate()
        .map(|(row, line)| format!("{line},{}\n", if row == 0 { "cpu" } else { "7" }))
        .collect();
    std::fs::write(&wide, rows).unwrap();
    let guessed = replay(&["--policy", "static_one"], &[&wide]);
    let said = String::from_utf8(guessed.stderr).unwrap();
    assert!(said.contains("the load is column `load`; --column takes another: cpu"), "{said}");
    assert!(String::from_utf8(guessed.stdout).unwrap().starts_with("wide, column `load`: 2880 minutes"));
    let asked = replay(&["--policy", "static_one", "--column", "cpu", "--format", "json"], &[&wide]);
    assert!(asked.stderr.is_empty());
    assert_eq!(json(&asked)["column"], "cpu");
    let many = replay(&["--policy", "static_one", "--jobs", "512"], &[&trace]);
    assert!(many.status.success(), "more jobs than plays are no more threads");
}

#[test]
fn the_table_names_the_best_peer_of_every_price() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let output = replay(&["--policy", "static_peak,alarm_policy"], &[&trace]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("best peer in hindsight") && text.contains("J(100)"), "{text}");
    assert!(output.stderr.is_empty(), "no progress bar where nobody looks");
}

#[test]
fn bad_input_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let good = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let bad = folder.path().join("bad.csv");
    std::fs::write(&bad, "timestamp,load\n2024-05-10T00:00:00Z,1\n2024-05-10T00:01:00Z,lots\n").unwrap();
    let cases: [(&[&str], &Path, &str); 5] = [
        (&[], &bad, "row 3, column load: `lots` is no number"),
        (&["--policy", "hpb"], &good, "there is no policy `hpb`"),
        (&["--from-day", "9"], &good, "cycle has 2 days"),
        (&["--column", "cpu"], &good, "has no column `cpu`; it has load"),
        (&[], &folder.path().join("none.csv"), "cannot read trace"),
    ];
    for (arguments, trace, expected) in cases {
        let output = replay(arguments, &[trace]);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(output.stdout.is_empty());
    }
}

/// The browser named by `FLEXUS_CHROMIUM`, or one of the usual names.
fn browser() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("FLEXUS_CHROMIUM") {
        return Some(path.into());
    }
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

#[test]
fn a_browser_paints_the_page_from_the_data_in_it() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium found; FLEXUS_CHROMIUM may name one");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let page = folder.path().join("page.html");
    let arguments = ["--format", "html", "--policy", "hpa,static_peak,weighted_score", "--out", page.to_str().unwrap()];
    let output = replay(&arguments, &[&trace]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("file://{}#check", page.display()))
        .output()
        .expect("the browser starts");
    let document = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| -> Option<usize> {
        let (_, rest) = document.split_once(&format!("data-{name}=\""))?;
        rest.split_once('"')?.0.parse().ok()
    };
    assert_eq!(figure("charts"), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(figure("minutes"), Some(2880));
    assert_eq!((figure("dots"), figure("rows")), (Some(12), Some(12)));
    assert!(figure("series") >= Some(1));
    assert!(figure("painted") > Some(1000), "every chart has been painted");
}

#[test]
fn a_spot_trace_plays_every_way_to_buy() {
    let folder = tempfile::tempdir().unwrap();
    let trace = write_trace(folder.path(), "cycle.csv", "timestamp,load");
    let spot = folder.path().join("spot.csv");
    std::fs::write(&spot, "timestamp,zone,available_capacity\n2023-08-03T00:00:00Z,a,100\n2023-08-03T10:00:00Z,a,0\n")
        .unwrap();
    let spot = spot.to_str().unwrap();
    let report = json(&replay(&["--format", "json", "--policy", "hpa@60", "--spot-trace", spot], &[&trace]));
    let names: Vec<&str> =
        report["policies"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!((names.len(), names[0], names[5]), (6, "hpa@60+on_demand_only", "hpa@60+spot_hedge"));
    let cost = |index: usize| report["policies"][index]["cost_hours"].as_f64().unwrap();
    assert!(cost(5) < 0.5 * cost(0));
    let text = String::from_utf8(replay(&["--policy", "hpa@60", "--spot-trace", spot], &[&trace]).stdout).unwrap();
    assert!(text.contains("cheaper than on demand only"), "{text}");
}
