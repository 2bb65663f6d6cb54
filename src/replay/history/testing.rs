//! Pasts for tests: what a group's history has of a load that was played.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::model::{Group, Minute, Mode, Purchase, SignalKind};
use crate::queueing::MinuteOutcome;
use crate::records::{HistoryMinute, Measured, PaidCapacity, PastDecision};
use crate::replay::{Arena, Contestant, Row, Settings, Trace, Window, demo_trace};

pub(crate) fn group() -> Group {
    let config = Config::parse(include_bytes!("../../cli/local/demo.json")).expect("the bundled configuration is good");
    config.groups[0].clone()
}

/// What the group's history has of a minute that was played.
pub(crate) fn entry(group: &Group, minute: Minute, outcome: &MinuteOutcome) -> HistoryMinute {
    let value = |kind| match kind {
        SignalKind::Utilisation => outcome.utilisation,
        SignalKind::LatencyMs => outcome.latency_ms,
        SignalKind::QueueLength => outcome.queue,
        SignalKind::RatePerSecond => outcome.served_per_second(),
        SignalKind::Percent => 0.0,
    };
    let mut entry = HistoryMinute::empty(minute);
    entry.measured = Measured {
        serving: Some(outcome.serving),
        total: Some(outcome.total),
        signals: group.signals.iter().map(|signal| (signal.name.clone(), value(signal.kind))).collect(),
        taken_in_by: Some("r".to_owned()),
    };
    let pool = PaidCapacity {
        serving: outcome.serving,
        starting: outcome.total - outcome.serving,
        purchase: Purchase::OnDemand,
        price_per_hour: 0.66,
    };
    entry.decisions.push(PastDecision {
        record: minute.to_string(),
        time: minute.start(),
        trigger: "timer".to_owned(),
        mode: Mode::Act,
        dry_run: false,
        policy: "config".to_owned(),
        current: outcome.total,
        proposed: outcome.total,
        target: outcome.total,
        guardrails: Vec::new(),
        lead_minutes: 9,
        demand: None,
        missing: Vec::new(),
        problems: Vec::new(),
        pools: BTreeMap::from([("base".to_owned(), pool)]),
        spent: None,
        http_calls: 5,
        duration_ms: 20,
    });
    entry
}

/// The bundled day as a policy lived through it, the trace itself, and how the policy did.
pub(crate) fn lived(name: &str) -> (Vec<HistoryMinute>, Trace, Row) {
    let group = group();
    let trace = demo_trace(Window::default()).unwrap();
    let settings = Settings { lead_seconds: 180, ..Settings::default() };
    let arena = Arena::new(&trace, &settings);
    let mut minutes = Vec::new();
    let contestant: Contestant = name.parse().unwrap();
    let row = contestant.play_and_watch(&arena, |minute, outcome| minutes.push(entry(&group, minute, outcome)));
    (minutes, trace, row)
}
