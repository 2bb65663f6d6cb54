//! Minutes as rows.

use std::collections::BTreeSet;
use std::io::Write;

use crate::records::HistoryMinute;

/// Writes one row a minute: what was measured, then what the minute's last decision was, then what each pool had.
pub(super) fn write(output: impl Write, minutes: &[HistoryMinute]) -> csv::Result<()> {
    let signals: BTreeSet<&String> = minutes.iter().flat_map(|entry| entry.measured.signals.keys()).collect();
    let pools: BTreeSet<&String> =
        minutes.iter().flat_map(|entry| &entry.decisions).flat_map(|decision| decision.pools.keys()).collect();
    let mut table = csv::Writer::from_writer(output);
    let mut header: Vec<String> = ["time", "serving", "total"].map(str::to_owned).to_vec();
    header.extend(signals.iter().map(|name| (*name).clone()));
    header.extend(["current", "proposed", "target", "policy", "guardrails", "demand", "per_hour"].map(str::to_owned));
    for pool in &pools {
        header.extend(["serving", "starting"].map(|what| format!("{pool}_{what}")));
    }
    header.push("events".to_owned());
    table.write_record(&header)?;
    for entry in minutes {
        table.write_record(row(entry, &signals, &pools))?;
    }
    table.flush()?;
    Ok(())
}

fn row(entry: &HistoryMinute, signals: &BTreeSet<&String>, pools: &BTreeSet<&String>) -> Vec<String> {
    let measured = &entry.measured;
    let decision = entry.decisions.last();
    let mut row = vec![entry.minute.start().format("%Y-%m-%dT%H:%M:%SZ").to_string()];
    row.extend([cell(measured.serving), cell(measured.total)]);
    row.extend(signals.iter().map(|name| cell(measured.signals.get(*name))));
    row.extend([
        cell(decision.map(|decision| decision.current)),
        cell(decision.map(|decision| decision.proposed)),
        cell(decision.map(|decision| decision.target)),
        cell(decision.map(|decision| &decision.policy)),
        decision.map_or_else(String::new, |decision| {
            let names = decision.guardrails.iter().filter_map(|rule| serde_json::to_value(rule).ok());
            names.filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
        }),
        cell(decision.and_then(|decision| decision.demand)),
        cell(entry.pools().map(|pools| pools.values().map(|pool| pool.per_hour()).sum::<f64>())),
    ]);
    for pool in pools {
        let had = entry.pools().and_then(|pools| pools.get(*pool));
        row.extend([cell(had.map(|pool| pool.serving)), cell(had.map(|pool| pool.starting))]);
    }
    let event = |event: &crate::records::PastEvent| {
        let what = serde_json::to_value(&event.what).ok();
        what.and_then(|what| what.get("kind")?.as_str().map(str::to_owned)).unwrap_or_default()
    };
    row.push(entry.events.iter().map(event).collect::<Vec<_>>().join(" "));
    row
}

/// What is missing is empty, never zero.
fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
