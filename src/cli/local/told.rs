//! What `local` tells, to people and to programs.

use std::path::Path;
use std::time::Duration;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::local::play::{BUCKET, CONSOLE_TOKEN, Play, PlayedStep};
use crate::model::Purchase;
use crate::replay::Settings;

pub(super) fn opening(name: &str, minutes: usize, circumstances: &Settings, play: &Play) -> String {
    let mut told = format!(
        "Playing {name}: {minutes} minutes, an instance serves {} s after it is asked for, metrics come {} min late.\n\
         Each minute a timer event wakes the function `evaluate` over HTTP; the region answers at {}, its store at {}.\n",
        circumstances.lead_seconds,
        circumstances.delay_minutes,
        play.region_url(),
        play.store_url(),
    );
    told += &console(play);
    told + "\n"
}

fn console(play: &Play) -> String {
    play.console_url().map_or_else(String::new, |url| format!("console page: {url}/ with the token {CONSOLE_TOKEN}\n"))
}

/// One line for a decision that changes something.
pub(super) fn change(step: &PlayedStep) -> Option<String> {
    let verdict = step.answer.as_ref()?["decided"].get(0)?;
    let (current, target) = (verdict["current"].as_u64()?, verdict["target"].as_u64()?);
    if current == target {
        return None;
    }
    let time = verdict["time"].as_str().and_then(|time| time.get(..16)).unwrap_or_default().replace('T', " ");
    let why = verdict["why"].as_str().unwrap_or_default();
    Some(format!("{time}  load {:>8.1}/s  {current:>4} -> {target:<4}  {why}\n", step.load_per_second))
}

/// What a run of `tune` came to, if there was one and it brought anything new.
pub(super) fn tuning(step: &PlayedStep) -> Option<String> {
    let outcome = step.tuned.as_ref()?["tuned"].get(0)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = |name: &str| outcome[name].as_array().cloned().unwrap_or_default();
    if entries("judged").is_empty() && entries("steps").is_empty() {
        return None;
    }
    let mut told = format!("tune: {} decides\n", text(&outcome["active"]));
    for judged in entries("judged") {
        let number = |name: &str| judged[name].as_f64().unwrap_or_default();
        told += &format!(
            "  {}: J {:.3} instead of {:.3} on held-out days, {}\n",
            text(&judged["version"]),
            number("j"),
            number("j_before"),
            if judged["passed"] == true { "passes" } else { "does not pass" },
        );
    }
    for step in entries("steps") {
        told += &format!("  {} -> {}: {}\n", text(&step["version"]), text(&step["standing"]), text(&step["why"]));
    }
    for note in entries("notes") {
        told += &format!("  {}\n", text(&note));
    }
    Some(told)
}

pub(super) fn summary(play: &Play, out: Option<&Path>) -> String {
    let row = play.row();
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "policy", "cost h", "rel", "in SLO %", "lost %", "p95 ms", "p99 ms", "actions", "flips", "J(5)", "J(20)",
        "J(100)",
    ]);
    let score = |price| row.j.at(price).map_or_else(String::new, |score| format!("{score:.3}"));
    table.add_row([
        row.name.clone(),
        format!("{:.1}", row.cost_hours),
        format!("{:.3}", row.rel),
        format!("{:.2}", row.in_slo * 100.0),
        format!("{:.2}", row.lost * 100.0),
        format!("{:.0}", row.p95_ms),
        format!("{:.0}", row.p99_ms),
        row.actions.to_string(),
        row.flips.to_string(),
        score(5.0),
        score(20.0),
        score(100.0),
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let invocations = play.invocations();
    let mut told = format!(
        "\n{table}\n\
         rel: cost as a multiple of what perfect foresight pays. J(k): rel + k times the late work; lower is better.\n\
         {} invocations, {} failed, {:.2} HTTP calls each, {:.1} ms (p50) and {:.1} ms (p99) in the handler\n",
        invocations.count,
        invocations.failed,
        play.http_calls_per_invocation(),
        percentile_ms(&invocations.durations, 0.5),
        percentile_ms(&invocations.durations, 0.99),
    );
    told += &woken(play);
    for error in &invocations.errors {
        told += &format!("failed: {error}\n");
    }
    if let Some(out) = out {
        let records = out.join(BUCKET).join("groups");
        told += &format!("Snapshot and records: {}\n", records.display());
    }
    told
}

/// What woke functions besides the timer, where anything did.
fn woken(play: &Play) -> String {
    let woken = play.woken();
    let mut told = String::new();
    if woken.alarms > 0 {
        told += &format!("{} alarms fired; {} of them ordered more at once\n", woken.alarms, woken.raises);
    }
    if woken.reclaims > 0 {
        told += &format!(
            "{} spot servers were taken back; {} instances were ordered in their place at once\n",
            woken.reclaims, woken.replacements
        );
    }
    let row = play.row();
    let paid = play.paid_hours();
    let has_spot = play.group().pools.iter().any(|pool| pool.purchase == Purchase::Spot);
    if has_spot && (paid - row.cost_hours).abs() > 0.05 {
        told += &format!("With spot at its price that is what {paid:.1} hours of an on-demand instance cost\n");
    }
    told
}

pub(super) fn document(name: &str, minutes: usize, play: &Play) -> String {
    let invocations = play.invocations();
    let document = json!({
        "trace": name,
        "minutes": minutes,
        "result": serde_json::to_value(play.row()).unwrap_or(Value::Null),
        "invocations": invocations.count,
        "failed_invocations": invocations.failed,
        "woken": play.woken(),
        "paid_hours": play.paid_hours(),
        "http_calls_per_invocation": play.http_calls_per_invocation(),
        "handler_ms": {
            "p50": percentile_ms(&invocations.durations, 0.5),
            "p99": percentile_ms(&invocations.durations, 0.99),
        },
    });
    format!("{document:#}\n")
}

pub(super) fn addresses(play: &Play) -> String {
    let settings = play.region().settings();
    format!(
        "\nThe region stays up until you press Ctrl-C.\n\
         APIs (AS, ECS, CES, SMN, …): {}\n\
         object store, bucket {BUCKET}: {}\n\
         {}\
         region {}, project {}\n\
         Its clock stands at the end of the trace, {}: `--from`, `--to` and `--at` mean times of the trace.\n\n\
         In another shell, these let our own commands find it (`explain`, `cost`, `report`, `replay --history \"$AUTOSCALER_STORE\"`):\n\n\
         export AUTOSCALER_STORE=obs://{BUCKET}\n\
         export AUTOSCALER_STORE_ENDPOINT={}\n\
         export AUTOSCALER_REGION={}\n\
         export HUAWEICLOUD_SDK_AK={}\n\
         export HUAWEICLOUD_SDK_SK={}\n",
        play.region_url(),
        play.store_url(),
        console(play),
        settings.region,
        settings.project_id,
        play.region().now().start().format("%Y-%m-%dT%H:%M:%SZ"),
        play.store_url(),
        settings.region,
        settings.user.access_key,
        settings.user.secret_key.expose(),
    )
}

fn percentile_ms(durations: &[Duration], share: f64) -> f64 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).map_or(0.0, |duration| duration.as_secs_f64() * 1000.0)
}
