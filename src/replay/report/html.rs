//! One self-contained page: every script, style and figure is in it, nothing is fetched.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{Report, Row};
use crate::model::Minute;
use crate::queueing::MinuteOutcome;
use crate::replay::driver::Arena;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const CHART_STYLE: &str = include_str!("vendor/uPlot.min.css");
const CHART_SCRIPT: &str = include_str!("vendor/uPlot.iife.min.js");

/// Everything that the page shows of one trace.
#[derive(Debug, Serialize)]
pub struct TracePage {
    report: Report,
    prices: Vec<f64>,
    /// Seconds since the epoch of the first minute.
    start: i64,
    work_hours: f64,
    /// Response time that still counts as good, in seconds.
    slo_seconds: f64,
    /// Work per second, one a minute: 32-bit floats, little endian, in base64.
    load: String,
    series: Vec<Series>,
}

/// What one policy did minute by minute: 16-bit numbers, little endian, in base64.
#[derive(Debug, Serialize)]
pub struct Series {
    name: String,
    engine: String,
    serving: String,
    wait_ms: String,
    latency_ms: String,
}

impl Series {
    /// Plays somebody once more and keeps every minute of it.
    pub fn record(arena: &Arena<'_>, play: impl FnOnce(&mut dyn FnMut(Minute, &MinuteOutcome)) -> Row) -> Self {
        let minutes = arena.trace().minutes();
        let new = || Vec::with_capacity(2 * minutes);
        let (mut serving, mut wait_ms, mut latency_ms) = (new(), new(), new());
        let row = play(&mut |_: Minute, outcome: &MinuteOutcome| {
            let rate = f64::from(outcome.serving) * arena.capacity();
            let wait = if rate > 0.0 { outcome.queue / rate * 1000.0 } else { 0.0 };
            serving.extend(short(f64::from(outcome.serving)));
            wait_ms.extend(short(wait));
            latency_ms.extend(short(outcome.latency_ms));
        });
        Self {
            name: row.name,
            engine: row.engine,
            serving: STANDARD.encode(serving),
            wait_ms: STANDARD.encode(wait_ms),
            latency_ms: STANDARD.encode(latency_ms),
        }
    }
}

/// The policies worth a curve: what the group had and has, our engines and the best peer of every price, then the best knob of everybody else at the
/// middle price.
pub fn featured(report: &Report, prices: &[f64]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &String| {
        if !names.contains(name) {
            names.push(name.clone());
        }
    };
    report.policies.iter().filter(|row| !row.is_peer()).for_each(|row| add(&row.name));
    prices.iter().filter_map(|price| report.best_peer(*price)).for_each(|row| add(&row.name));
    let middle = prices.get(prices.len() / 2).copied().unwrap_or_default();
    let mut engines: Vec<&str> = Vec::new();
    for row in &report.policies {
        if engines.contains(&row.engine.as_str()) || !row.is_peer() {
            continue;
        }
        engines.push(&row.engine);
        let same = report.policies.iter().filter(|other| other.engine == row.engine);
        let best = same.filter_map(|other| Some((other, other.j.at(middle)?))).min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((best, _)) = best {
            add(&best.name);
        }
    }
    names
}

impl TracePage {
    /// Puts a report and its curves together.
    pub fn new(arena: &Arena<'_>, report: Report, series: Vec<Series>) -> Self {
        let load: Vec<u8> = arena.trace().load.iter().flat_map(|load| (*load as f32).to_le_bytes()).collect();
        Self {
            report,
            prices: arena.settings().prices.clone(),
            start: arena.trace().start.0 * 60,
            work_hours: arena.work_hours(),
            slo_seconds: arena.settings().slo_seconds,
            load: STANDARD.encode(load),
            series,
        }
    }
}

/// The whole page.
pub fn page(traces: &[TracePage]) -> Result<String, serde_json::Error> {
    // `</script>` in a trace's name must not end the element that holds the data.
    let data = serde_json::to_string(traces)?.replace('<', "\\u003c");
    let parts = [
        ("{{vendor_css}}", CHART_STYLE),
        ("{{css}}", STYLE),
        ("{{data}}", &data),
        ("{{vendor_js}}", CHART_SCRIPT),
        ("{{js}}", SCRIPT),
    ];
    // The parts stand in the page in this order; each is filled in once, so what a part holds is never searched.
    let mut page = String::with_capacity(PAGE.len() + data.len() + 100_000);
    let mut rest = PAGE;
    for (mark, part) in parts {
        let Some((before, after)) = rest.split_once(mark) else { continue };
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// Rounded to 16 bits, little endian.
fn short(value: f64) -> [u8; 2] {
    (value.round().clamp(0.0, f64::from(u16::MAX)) as u16).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Contestant, Settings, Trace, contest};

    #[test]
    fn the_page_holds_everything_and_fetches_nothing() {
        let load = (0..300).map(|minute| 10.0 + f64::from(minute % 60)).collect();
        let name = "</script><b>".to_owned();
        let trace = Trace { name, start: Minute(0), load, interpolated: 0 };
        let settings = Settings::default();
        let arena = Arena::new(&trace, &settings);
        let contestants = Contestant::all(&settings.prices);
        let report = contest(&arena, &contestants);
        let names = featured(&report, &settings.prices);
        assert!(names.contains(&report.best_peer(20.0).unwrap().name));
        let series: Vec<Series> = contestants
            .iter()
            .filter(|contestant| names.contains(&contestant.to_string()))
            .map(|contestant| Series::record(&arena, |watch| contestant.play_and_watch(&arena, watch)))
            .collect();
        assert_eq!(STANDARD.decode(&series[0].serving).unwrap().len(), 600);
        let page = page(&[TracePage::new(&arena, report, series)]).unwrap();
        assert!(!page.contains("{{") && !page.contains("</script><b>"));
        assert!(!page.contains("src=") && !page.contains("<link"), "nothing is loaded from elsewhere");
        assert_eq!(page.matches("</script>").count(), 3);
    }
}
