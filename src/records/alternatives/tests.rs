use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::Mode;
use crate::records::{Seen, SignalValue, Trigger};

fn group(engine: &str) -> Group {
    serde_json::from_value(serde_json::json!({
        "name": "inference",
        "scaling": {"min_instances": 1, "max_instances": 40},
        "pools": [{"name": "base", "purchase": "on_demand", "price_per_hour": 0.6,
                   "fleet": {"as_group": {"scaling_group_id": "a"}}}],
        "signals": [{"name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30, "weight": 1.0,
                     "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}}],
        "policy": {"engine": engine, "target_utilisation": 50},
    }))
    .unwrap()
}

/// A decision at minute `at` that saw this utilisation, two minutes old, of so many instances.
fn decision(group: &Group, at: i64, cpu: f64, serving: u32, evidence: Evidence) -> Decision {
    let newest = Minute(at - 2);
    let proposed = evidence.target();
    Decision {
        trigger: Trigger { kind: "timer".to_owned(), request_id: String::new() },
        mode: Mode::Act,
        dry_run: false,
        policy: "config".to_owned(),
        seen: Seen {
            pools: BTreeMap::from([("base".to_owned(), Capacity { serving, starting: 0 })]),
            newest: Some(newest),
            signals: BTreeMap::from([("cpu".to_owned(), SignalValue { value: cpu, minute: newest })]),
            missing: BTreeMap::new(),
            lead_minutes: 2,
            signal_names: vec!["cpu".to_owned()],
            samples: vec![Sample {
                minute: newest,
                serving: Some(serving),
                total: Some(serving),
                values: vec![Some(cpu)],
            }],
        },
        proposal: Proposal { target: proposed, evidence },
        guardrail_inputs: guardrails::Inputs::between(
            group.scaling.min_instances,
            group.scaling.max_instances,
            proposed,
            serving,
        ),
        guardrails: Vec::new(),
        target: proposed,
        plan: Vec::new(),
        actions: Vec::new(),
        left: BTreeMap::new(),
        shadow: None,
        spent: None,
        problems: Vec::new(),
        http_calls: 0,
        duration_ms: 0,
    }
}

fn asked(group: &Group, decisions: &[Decision]) -> Vec<(EngineKind, u32)> {
    let timed: Vec<_> = (1000..).map(Minute).zip(decisions).collect();
    alternatives(group, &timed).into_iter().map(|other| (other.engine, other.target)).collect()
}

#[test]
fn engines_that_remember_minutes_are_asked_from_records_alone() {
    let group = group("predictive");
    let hot: Vec<_> = (1000..1020).map(|at| decision(&group, at, 90.0, 10, Evidence::Nothing { kept: 10 })).collect();
    // 10 x 90 / 50 for target tracking; the score of 20 / 25 over the threshold adds two fifths of ten.
    assert_eq!(asked(&group, &hot), [(EngineKind::TargetTracking, 18), (EngineKind::WeightedScore, 14)]);
}

#[test]
fn values_are_found_by_their_signals_names_whatever_the_order_was() {
    let group = group("predictive");
    let mut seen = decision(&group, 1000, 90.0, 10, Evidence::Nothing { kept: 10 });
    seen.seen.signal_names = vec!["gone".to_owned(), "cpu".to_owned()];
    seen.seen.samples[0].values = vec![Some(1.0), Some(90.0)];
    assert_eq!(samples(&group, &seen)[0].values, [Some(90.0)]);
    seen.seen.signal_names = vec!["gone".to_owned()];
    assert_eq!(samples(&group, &seen)[0].values, [None]);
}

/// What the engine was shown that decided live.
fn observation<'a>(group: &'a Group, at: i64, samples: &'a [Sample], record: &Decision) -> Observation<'a> {
    Observation {
        now: Minute(at),
        signals: &group.signals,
        samples,
        capacity: capacity(record),
        stand_ins: 0,
        min_instances: 1,
        max_instances: 40,
        lead_minutes: 2,
        delay_minutes: 1,
        cooldown_seconds: 0,
    }
}

#[test]
fn the_engine_that_decided_is_not_asked_again() {
    let group = group("target_tracking");
    let mut engine = EngineState::new(&group.policy, &group.signals);
    let seen = decision(&group, 1000, 90.0, 10, Evidence::Nothing { kept: 10 });
    let proposal = engine.decide(&observation(&group, 1000, &samples(&group, &seen), &seen));
    let decided = decision(&group, 1000, 90.0, 10, proposal.evidence);
    let engines: Vec<_> = asked(&group, &[decided]).into_iter().map(|(engine, _)| engine).collect();
    assert_eq!(engines, [EngineKind::WeightedScore]);
}

#[test]
fn guardrails_bind_every_engine() {
    let group = group("predictive");
    let mut hot: Vec<_> =
        (1000..1020).map(|at| decision(&group, at, 90.0, 10, Evidence::Nothing { kept: 10 })).collect();
    hot[19].guardrail_inputs.orders = vec![crate::model::Order::Pin(7)];
    assert!(asked(&group, &hot).iter().all(|(_, target)| *target == 7));
    assert_eq!(asked(&group, &[]), []);
}

proptest! {
    /// What target tracking decided live follows again from the records of the decisions before.
    #[test]
    fn an_engine_asked_from_records_answers_as_the_one_that_decided(
        cpu in prop::collection::vec(5.0f64..100.0, 16..DECISIONS_SHOWN), serving in 1u32..30,
    ) {
        let tracking = group("target_tracking");
        let mut engine = EngineState::new(&tracking.policy, &tracking.signals);
        let mut live = Vec::new();
        let mut records = Vec::new();
        for (at, value) in (1000..).zip(&cpu) {
            let record = decision(&tracking, at, *value, serving, Evidence::Nothing { kept: serving });
            live.push(engine.decide(&observation(&tracking, at, &samples(&tracking, &record), &record)).target);
            records.push(record);
        }
        let timed: Vec<_> = (1000..).map(Minute).zip(&records).collect();
        let asked = alternatives(&group("predictive"), &timed);
        prop_assert_eq!(asked[0].proposed, *live.last().unwrap());
    }
}
