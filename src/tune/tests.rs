use std::collections::BTreeSet;

use super::gate::Gate;
use super::*;
use crate::model::{
    Author, Comparison, EngineKind, Expected, Group, Minute, Policy, PolicyEvidence, PolicyVersion, Pool, Purchase,
    PurchaseMix, Scaling, Tunables,
};
use crate::records::SCHEMA_VERSION;
use crate::replay::{Arena, EnginePlayer, Trace, standard_signals};

/// A group as the founding article has it.
pub(crate) fn group() -> Group {
    Group {
        name: "inference".to_owned(),
        mode: crate::model::Mode::Act,
        scaling: Scaling { max_instances: 200, cooldown_period: Some(300), ..Scaling::default() },
        pools: vec![Pool {
            name: "base".to_owned(),
            purchase: Purchase::OnDemand,
            price_per_hour: 0.66,
            fleet: crate::model::FleetSource::AsGroup(crate::model::AsGroupSource {
                scaling_group_id: "6f2cbbcd-5a3e-4e0d-8f1f-0c6c6a0c7a11".to_owned(),
            }),
            min_instances: 0,
            max_instances: None,
        }],
        signals: standard_signals(),
        policy: Policy { engine: EngineKind::WeightedScore, bottleneck: false, ..Policy::default() },
        purchase: PurchaseMix::default(),
        schedules: Vec::new(),
    }
}

/// A version that passed, of the basis `basis`.
pub(crate) fn version_named(version: &str) -> PolicyVersion {
    let compared = Comparison::default();
    PolicyVersion {
        schema: SCHEMA_VERSION,
        version: version.to_owned(),
        group: "inference".to_owned(),
        created: chrono::DateTime::UNIX_EPOCH,
        parent: "config".to_owned(),
        basis: "basis".to_owned(),
        author: Author::Search,
        why: String::new(),
        tunables: Tunables::of(&group()),
        changes: Vec::new(),
        evidence: PolicyEvidence {
            from: Minute(0),
            held_out_from: Minute(0),
            until: Minute(0),
            violation_price: 20.0,
            training: compared,
            held_out: compared,
            days: Vec::new(),
            saved_at_least: 0.1,
            confidence: 0.95,
            seed: 1,
            stress: Vec::new(),
            not_replayed: Vec::new(),
            expected: Expected::default(),
            passed: true,
            objections: Vec::new(),
        },
    }
}

/// Days of a load that swings between a third and the full of `peak`, with what `shape` makes of it.
pub(crate) fn days(count: usize, peak: f64, shape: impl Fn(usize, f64) -> f64) -> Trace {
    let load = (0..count * 1440).map(|minute| {
        let angle = minute as f64 / 1440.0 * std::f64::consts::TAU;
        let noise = 1.0 + 0.03 * ((minute * 7919 % 97) as f64 / 48.0 - 1.0);
        shape(minute, peak * (2.0 - angle.cos()) / 3.0 * noise)
    });
    Trace { name: "days".to_owned(), start: Minute(29_000_160), load: load.collect(), interpolated: 0 }
}

pub(super) fn ground(trace: Trace) -> Ground {
    Ground::new(&group(), trace, 10.0, 2)
}

fn article() -> Tunables {
    Tunables::of(&group())
}

fn judged(ground: &Ground, after: &Tunables) -> PolicyEvidence {
    let gate = Gate::new(ground, &article(), 1, 7).expect("days enough");
    gate.judge(after, &mut || true).expect("time enough").0
}

fn tracking(target_utilisation: f64) -> Tunables {
    Tunables { engine: EngineKind::TargetTracking, target_utilisation, cooldown_period: None, ..article() }
}

/// Rushes of twenty minutes, every three hours from a day on.
fn rushes_from(day: usize) -> impl Fn(usize, f64) -> f64 {
    move |minute, load| if minute / 1440 >= day && minute % 180 < 20 { load * 3.0 } else { load }
}

/// Thresholds at the very end of their bounds: cheap as long as nothing happens.
fn poison() -> Tunables {
    let mut tunables = article();
    for (name, out, scale_in) in
        [("cpu", 90.0, 40.0), ("memory", 95.0, 50.0), ("response_time", 5000.0, 1000.0), ("queue", 200.0, 100.0)]
    {
        let thresholds = tunables.signals.get_mut(name).expect("a signal of the article");
        (thresholds.scale_out, thresholds.scale_in, thresholds.duration) = (Some(out), Some(scale_in), 900);
    }
    tunables.cooldown_period = Some(1800);
    tunables
}

#[test]
fn what_is_better_on_days_that_it_was_not_chosen_on_passes() {
    let ground = ground(days(6, 120.0, rushes_from(0)));
    let gate = Gate::new(&ground, &poison(), 1, 7).expect("days enough");
    let evidence = gate.judge(&tracking(50.0), &mut || true).expect("time enough").0;
    assert!(evidence.passed, "{:?}", evidence.objections);
    assert!(evidence.held_out.after.j < evidence.held_out.before.j);
    assert_eq!((evidence.days.len(), evidence.stress.len()), (2, 5));
    assert!(evidence.expected.window.price_of_work > 1.0);
}

#[test]
fn a_poisoned_policy_that_looks_good_on_the_training_days_is_stopped_by_the_held_out_ones() {
    let before = tracking(55.0);
    let poisoned = tracking(84.0);
    let gate = |ground: &Ground| {
        let gate = Gate::new(ground, &before, 1, 7).expect("days enough");
        gate.judge(&poisoned, &mut || true).expect("time enough").0
    };
    let evidence = gate(&ground(days(6, 120.0, rushes_from(4))));
    assert!(evidence.training.after.j < evidence.training.before.j, "it looks good: {:?}", evidence.training);
    assert!(!evidence.passed && evidence.stress.is_empty(), "stopped before anything else: {:?}", evidence.objections);
}

#[test]
fn where_the_held_out_days_are_as_calm_as_the_others_the_days_that_go_wrong_tell() {
    let calm = ground(days(6, 120.0, |_, load| load));
    let gate = Gate::new(&calm, &tracking(45.0), 1, 7).expect("days enough");
    let evidence = gate.judge(&tracking(72.0), &mut || true).expect("time enough").0;
    assert!(evidence.held_out.after.j < evidence.held_out.before.j, "{:?}", evidence.held_out);
    assert!(evidence.objections.iter().any(|why| why.starts_with("burst")), "{:?}", evidence.objections);
    assert!(!evidence.passed);
}

#[test]
fn thresholds_at_the_end_of_their_bounds_do_not_pass() {
    assert!(!judged(&ground(days(6, 120.0, rushes_from(0))), &poison()).passed);
}

#[test]
fn a_day_of_load_is_too_little_to_judge_on() {
    let ground = ground(days(1, 120.0, |_, load| load));
    assert!(Gate::new(&ground, &article(), 1, 7).is_none());
    assert!(round(&ground, &article(), Vec::new(), &BTreeSet::new(), 7, &mut || true).judged.is_empty());
}

#[test]
fn what_there_is_no_time_for_does_not_pass() {
    let ground = ground(days(3, 120.0, |_, load| load));
    let mut replays = 20;
    let round = round(&ground, &article(), Vec::new(), &BTreeSet::new(), 7, &mut || {
        replays -= 1;
        replays >= 0
    });
    assert!(round.best().is_none() && !round.not_judged.is_empty());
}

#[test]
fn a_search_finds_something_better_within_the_bounds_and_the_same_again_from_the_same_seed() {
    let ground = ground(days(2, 120.0, rushes_from(0)));
    let range = ground.trace.start..ground.end();
    let cost = |tunables: &Tunables| ground.play(tunables).figures(&range).j;
    let parameters = space::parameters(&group(), EngineKind::WeightedScore);
    let found = |seed| {
        let effort = Effort { random: 20, most: 50, seed };
        search(&group(), &article(), &parameters, effort, cost, &mut || true)
    };
    let (best, score) = found(3);
    assert!(score < cost(&article()), "{score}");
    assert_eq!(space::check(&best, &group()), Ok(()));
    for parameter in &parameters {
        let value = parameter.of(&best).expect("a value");
        let is_weight = parameter.name.ends_with("weight");
        assert!(is_weight || (parameter.least..=parameter.most).contains(&value), "{} {value}", parameter.name);
    }
    assert_eq!((best, score), found(3));
}

#[test]
fn a_replayed_group_does_what_its_engine_alone_does_where_no_guardrail_speaks() {
    let trace = days(2, 120.0, |_, load| load);
    let ground = ground(trace.clone());
    let arena = Arena::new(&trace, &ground.settings);
    let tunables = tracking(60.0);
    let group = tunables.applied_to(&group());
    let alone = arena.play(&mut EnginePlayer::new(&group.policy));
    let whole = arena.play(&mut ground.player(&tunables));
    assert!((whole.cost_hours / alone.cost_hours - 1.0).abs() < 0.02, "{whole:?} {alone:?}");
    let figures = ground.play(&tunables).figures(&(trace.start..ground.end()));
    assert!((figures.cost_hours - whole.cost_hours).abs() < 1e-6, "{figures:?}");
    assert!((figures.j - whole.j.at(20.0).expect("J(20)")).abs() < 1e-6, "{figures:?}");
    assert!((figures.in_slo - whole.in_slo).abs() < 1e-9);
}

#[test]
fn known_events_ask_for_their_instances_in_a_replay_too() {
    let mut ground = ground(days(2, 120.0, |_, load| load));
    let sale = serde_json::json!({
        "name": "sale", "cron": "0 0 * * *", "time_zone": "UTC", "duration_minutes": 60, "min_instances": 40,
    });
    ground.group.schedules = vec![serde_json::from_value(sale).expect("a schedule")];
    let arena = Arena::new(&ground.trace, &ground.settings);
    let mut player = ground.player(&tracking(60.0));
    let mut serving = Vec::new();
    arena.play_and_watch(&mut player, |_, outcome| serving.push(outcome.serving));
    let midnight = 1440..1500;
    assert!(serving[midnight.clone()].iter().all(|&serving| serving >= 40), "{:?}", &serving[midnight]);
    assert!(serving[1380..1430].iter().chain(&serving[1620..1680]).all(|&serving| serving < 40));
}
