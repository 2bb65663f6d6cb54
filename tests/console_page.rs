//! The console page in a real browser, on a region in which hours of the bundled day were played.

mod browser;

use chrono::{DateTime, Utc};
use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{BUCKET, CONSOLE_TOKEN, Play, PlaySettings};
use flexus_autoscaler::model::{
    Author, Comparison, Expected, Figures, Group, Minute, PolicyChange, PolicyEvent, PolicyEvidence, PolicyVersion,
    Standing, Tunables, Worst, basis,
};
use flexus_autoscaler::records::SCHEMA_VERSION;
use flexus_autoscaler::replay::{Settings, Window, demo_trace};

fn settings() -> PlaySettings {
    let document = include_bytes!("../src/cli/local/demo.json");
    let config = Config::parse(document).expect("a good configuration");
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.drain(..300);
    trace.load.truncate(200);
    PlaySettings::new(config, trace, Settings::default())
}

/// A version that has passed the gate and waits for a person.
fn waiting(group: &Group, created: DateTime<Utc>) -> (PolicyVersion, PolicyChange) {
    let version = "20260302T030000Z-search-0a1b".to_owned();
    let figures = |j| Figures { j, cost_hours: 200.0 * j, in_slo: 0.995, actions: 90 };
    let day =
        Comparison { from: Minute::containing(created), minutes: 1440, before: figures(1.31), after: figures(1.25) };
    let evidence = PolicyEvidence {
        from: day.from,
        held_out_from: day.from,
        until: day.from + 1440,
        violation_price: 20.0,
        training: day,
        held_out: day,
        days: vec![day],
        saved_at_least: 0.021,
        confidence: 0.95,
        seed: 1,
        stress: Vec::new(),
        not_replayed: Vec::new(),
        expected: Expected { window: Worst { price_of_work: 1.4, late_share: 0.01 }, early: None },
        passed: true,
        objections: Vec::new(),
    };
    let change = PolicyChange {
        schema: SCHEMA_VERSION,
        id: "001-waiting".to_owned(),
        version: version.clone(),
        time: created,
        what: PolicyEvent::Became(Standing::Proposed),
        who: "tune".to_owned(),
        why: "it passed the gate and waits for a person".to_owned(),
    };
    let proposed = PolicyVersion {
        schema: SCHEMA_VERSION,
        version,
        group: group.name.clone(),
        created,
        parent: "config".to_owned(),
        basis: basis(group),
        author: Author::Search,
        why: "Fewer late requests in the morning.".to_owned(),
        tunables: Tunables { cooldown_period: Some(240), ..Tunables::of(group) },
        changes: vec!["cooldown_period 300 -> 240".to_owned()],
        evidence,
    };
    (proposed, change)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_why_and_gives_orders_in_both_languages() {
    let mut play = Play::start(settings()).await.expect("a stage");
    let address = play.serve_console().await.expect("a console");
    let Some(script) = browser::drive("console_page.mjs", &[address.as_ref(), CONSOLE_TOKEN.as_ref()]) else { return };
    while play.step().await.is_some() {}
    let stored = play.store().object(BUCKET, "config.json").expect("a configuration");
    let config = Config::parse(&stored.content).expect("a good one");
    let (version, change) = waiting(&config.groups[0], "2026-03-02T03:00:00Z".parse().expect("a time"));
    let put = |key: String, document: serde_json::Value| {
        let key = format!("groups/{}/policies/{key}.json", version.group);
        play.store().put(BUCKET, &key, document.to_string()).expect("written");
    };
    put(version.version.clone(), serde_json::json!(version));
    put(format!("changes/20260302T030000Z-tune-{}", change.id), serde_json::json!(change));
    let output = tokio::process::Command::from(script).kill_on_drop(true).output().await.expect("Node starts");
    play.stop().await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
