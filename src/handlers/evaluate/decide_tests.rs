use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::engine::explain;
use crate::model::SignalKind;

const NEWEST: i64 = 29_540_200;

fn group() -> Group {
    let config = Config::parse(include_bytes!("../../cli/local/demo.json")).expect("the bundled configuration is good");
    let mut group = config.groups[0].clone();
    group.policy.engine = EngineKind::TargetTracking;
    group
}

fn now() -> DateTime<Utc> {
    (Minute(NEWEST) + 2).start()
}

/// Twenty minutes in which eight instances had little to do.
fn idle_minutes(group: &Group) -> Vec<Sample> {
    let values = |signal: &crate::model::Signal| match signal.kind {
        SignalKind::Utilisation => Some(12.0),
        SignalKind::LatencyMs => Some(500.0),
        _ => Some(0.0),
    };
    (NEWEST - 19..=NEWEST)
        .map(|minute| Sample {
            minute: Minute(minute),
            serving: Some(8),
            total: Some(8),
            values: group.signals.iter().map(values).collect(),
        })
        .collect()
}

fn situation<'a>(group: &'a Group, samples: Vec<Sample>) -> Situation<'a> {
    Situation {
        group,
        now: now(),
        pools: vec![PoolView { capacity: Capacity { serving: 8, starting: 0 }, most: 100, failure: None }],
        samples,
        signal_problems: BTreeMap::new(),
        trigger: Trigger { kind: "timer".to_owned(), request_id: "r".to_owned() },
        dry_run: false,
        problems: Vec::new(),
        doubts: Vec::new(),
    }
}

fn snapshot(group: &Group) -> Snapshot {
    Snapshot::empty(now(), group.signals.iter().map(|signal| signal.name.clone()).collect())
}

fn decided(group: &Group, situation: Situation<'_>) -> Decision {
    let decision = decide(&mut snapshot(group), situation);
    explain::check(&decision).expect("it follows from its own record");
    decision
}

#[test]
fn an_idle_group_with_fresh_and_complete_metrics_shrinks() {
    let group = group();
    let decision = decided(&group, situation(&group, idle_minutes(&group)));
    assert!(decision.target < 8, "{:?}", explain::sentences(&decision));
}

#[test]
fn without_any_metrics_nothing_is_removed_and_every_signal_is_named() {
    let group = group();
    let decision = decided(&group, situation(&group, Vec::new()));
    assert_eq!(decision.target, 8);
    assert_eq!(decision.seen.missing.len(), group.signals.len());
}

#[test]
fn metrics_that_have_stopped_coming_remove_nothing() {
    let group = group();
    let late = Situation { now: now() + TimeDelta::minutes(30), ..situation(&group, idle_minutes(&group)) };
    let decision = decided(&group, late);
    assert_eq!(decision.target, 8);
    assert!(decision.seen.missing["cpu"].contains("minutes old"), "{:?}", decision.seen.missing);
}

#[test]
fn idle_processors_beside_slow_answers_are_an_outage_and_remove_nothing() {
    let group = group();
    let mut samples = idle_minutes(&group);
    for sample in &mut samples {
        sample.values[1] = Some(9_000.0);
    }
    let decision = decided(&group, situation(&group, samples));
    assert_eq!(decision.target, 8);
    assert!(decision.guardrail_inputs.doubts.iter().any(|doubt| doubt.contains("response_time")));
}

#[test]
fn a_fleet_that_cannot_be_asked_is_not_shrunk() {
    let group = group();
    let mut situation = situation(&group, idle_minutes(&group));
    situation.pools[0].failure = Some("no answer in the time left".to_owned());
    let decision = decided(&group, situation);
    assert_eq!(decision.target, 8);
    assert!(decision.problems[0].contains("no answer in the time left"));
}

proptest! {
    #[test]
    fn whatever_is_missing_nothing_is_removed(lost in proptest::collection::vec(any::<bool>(), 20), signal in 0usize..4) {
        let group = group();
        let mut samples = idle_minutes(&group);
        for (sample, lost) in samples.iter_mut().zip(&lost) {
            if *lost { sample.values[signal] = None; }
        }
        // The newest six minutes of one signal are gone: more than its grace.
        for sample in samples.iter_mut().rev().take(6) { sample.values[signal] = None; }
        let decision = decided(&group, situation(&group, samples));
        prop_assert!(decision.target >= 8, "{:?}", explain::sentences(&decision));
    }
}
