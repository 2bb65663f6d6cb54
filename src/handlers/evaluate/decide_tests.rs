use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::fleet::{FleetError, View};
use crate::handlers::evaluate::group::{note_counts, pool_views};
use crate::model::{EngineKind, SignalKind};
use crate::records::{Raise, explain};

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

fn pool_of(serving: u32) -> PoolView {
    let capacity = Capacity { serving, starting: 0 };
    PoolView { capacity, most: 100, going: 0, failure: None }
}

fn situation<'a>(group: &'a Group, samples: Vec<Sample>) -> Situation<'a> {
    Situation {
        group,
        now: now(),
        pools: vec![pool_of(8)],
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
fn metrics_that_are_always_late_may_shrink_when_they_come_and_not_in_between() {
    let group = group();
    let mut snapshot = snapshot(&group);
    let mut doubts = |minutes_late: i64, samples: Vec<Sample>| {
        let late = Situation { now: now() + TimeDelta::minutes(minutes_late), ..situation(&group, samples) };
        decide(&mut snapshot, late).guardrail_inputs.doubts
    };
    assert_eq!(doubts(2, idle_minutes(&group)), Vec::<String>::new());
    assert_eq!(doubts(3, Vec::new())[0], "cpu is 5 minutes old");
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

/// Two on demand stand in for spot servers that serve by now.
fn with_stand_ins(group: &mut Group) -> (Snapshot, Vec<PoolView>) {
    let config = Config::parse(include_bytes!("../../cli/local/demo-spot.json")).expect("a bundled configuration");
    group.pools = config.groups[0].pools.clone();
    group.purchase = config.groups[0].purchase.clone();
    let mut snapshot = snapshot(group);
    snapshot.hedge = Some(Hedge { target: 8, planned: 10 });
    let pool = pool_of;
    (snapshot, vec![pool(4), pool(6)])
}

#[test]
fn a_budget_counts_where_it_pays_for_fewer_than_the_maximum() {
    let mut group = group();
    let price = group.pools[0].price_per_hour;
    let affordable = |group: &Group| decided(group, situation(group, Vec::new())).guardrail_inputs.affordable;
    assert_eq!(affordable(&group), None);
    for (budget, expected) in [(10.5, Some(10)), (1e6, None), (0.5, Some(group.scaling.min_instances))] {
        group.purchase.budget_per_hour = Some(budget * price);
        assert_eq!(affordable(&group), expected, "for {budget} instances");
    }
}

#[test]
fn people_are_told_which_limit_a_group_is_at() {
    let mut group = group();
    let told = |group: &Group| {
        let decision = decided(group, situation(group, Vec::new()));
        let news = crate::handlers::evaluate::tell::news(&decision, &[], None, now());
        news.into_iter()
            .filter(|news| news.subject == "the maximum is reached")
            .map(|news| news.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&group), [""; 0]);
    group.scaling.max_instances = 8;
    assert_eq!(told(&group), ["The group is at its maximum, 8 instances, and may need more."]);
    group.purchase.budget_per_hour = Some(5.5 * group.pools[0].price_per_hour);
    assert_eq!(told(&group), ["The group is at the most that its budget pays for, 5 instances, and may need more."]);
}

#[test]
fn a_group_that_is_evaluated_every_five_minutes_knows_how_many_carried_the_load_in_between() {
    let mut group = group();
    group.scaling.check_interval = 300;
    let mut snapshot = snapshot(&group);
    for round in 0..3 {
        let newest = NEWEST + 5 * round;
        // Values of a source that tells the newest minutes only, and not of how many instances.
        let samples = (newest - 3..=newest).map(|minute| Sample {
            minute: Minute(minute),
            serving: None,
            total: None,
            ..idle_minutes(&group).remove(0)
        });
        let now = (Minute(newest) + 1).start();
        snapshot.counts.note(Minute::containing(now), Capacity { serving: 8, starting: 0 });
        let decision = decide(&mut snapshot, Situation { now, ..situation(&group, samples.collect()) });
        let serving: Vec<Option<u32>> = decision.seen.samples.iter().map(|sample| sample.serving).collect();
        assert_eq!(serving, if round == 0 { [None; 4] } else { [Some(8); 4] });
    }
}

#[test]
fn between_two_looks_those_that_have_reported_count() {
    let group = group();
    let mut snapshot = snapshot(&group);
    for (minute, serving) in [(0, 4), (5, 6)] {
        snapshot.counts.note(Minute(NEWEST - 5 + minute), Capacity { serving, starting: 0 });
    }
    let samples = [(4, Some(4)), (3, Some(3)), (2, Some(9)), (1, None)].map(|(age, serving)| Sample {
        minute: Minute(NEWEST - age),
        serving,
        total: None,
        ..idle_minutes(&group).remove(0)
    });
    let decision = decide(&mut snapshot, situation(&group, samples.to_vec()));
    let seen: Vec<_> = decision.seen.samples.iter().map(|sample| sample.serving).collect();
    assert_eq!(seen, [Some(4), Some(4), Some(6), Some(6)]);
}

#[test]
fn instances_that_shall_go_count_for_the_load_as_long_as_they_carry_it() {
    let group = group();
    let mut snapshot = snapshot(&group);
    let mut seen = Vec::new();
    for (minute, in_service) in [(0, 8), (1, 8), (2, 5), (3, 5)] {
        let sample =
            Sample { minute: Minute(NEWEST + minute), serving: None, total: None, ..idle_minutes(&group).remove(0) };
        let now = (Minute(NEWEST + minute) + 1).start();
        let serving = (0..in_service).map(|number| format!("i-{number}")).collect();
        let views = [Ok(View { serving, ..View::in_a_test(Capacity { serving: 5, starting: 0 }, 0, 100) })];
        note_counts(&mut snapshot, &group, &views, now);
        let pools = pool_views(&group, &snapshot, &views, now);
        let decision = decide(&mut snapshot, Situation { now, pools, ..situation(&group, vec![sample]) });
        seen.extend(decision.seen.samples.iter().map(|sample| sample.serving));
    }
    assert_eq!(seen, [None, Some(8), Some(8), Some(5)]);
}

#[test]
fn people_are_told_when_one_signal_keeps_a_group_from_shrinking_for_long() {
    let group = group();
    let mut snapshot = snapshot(&group);
    let told: Vec<String> = (0..14)
        .flat_map(|minute| {
            let mut sample = Sample { minute: Minute(NEWEST + minute), ..idle_minutes(&group).remove(0) };
            // The first signal comes once, and never again but for the twelfth minute, when all is well.
            sample.values[0] = sample.values[0].filter(|_| minute == 12);
            let now = now() + TimeDelta::minutes(minute);
            let decision = decide(&mut snapshot, Situation { now, ..situation(&group, vec![sample]) });
            let news = crate::handlers::evaluate::tell::news(&decision, &[], snapshot.doubted_since, now);
            news.into_iter().map(move |news| format!("{minute} {}: {}", news.subject, news.text))
        })
        .collect();
    let since = now().format("%Y-%m-%d %H:%M UTC");
    let expected = format!(
        "11 nothing can be removed: Nothing has been removed since {since}, for now because:\ncpu has no value yet."
    );
    assert_eq!(told, [expected]);
}

#[test]
fn growth_is_planned_in_pools_that_can_be_asked() {
    let mut group = group();
    let (mut snapshot, _) = with_stand_ins(&mut group);
    let spot = snapshot.fleets.entry(group.pools[1].name.clone()).or_default();
    spot.capacity = Some(Capacity { serving: 6, starting: 0 });
    let silent = FleetError::NotInService { group: "spot".to_owned(), status: "PAUSED".to_owned(), mend: "resume it" };
    let views = [Ok(View::in_a_test(Capacity { serving: 4, starting: 0 }, 0, 100)), Err(silent)];
    snapshot.raises.push(Raise {
        target: 15,
        until: now() + TimeDelta::minutes(5),
        source: "alarm".to_owned(),
        cause: "message".to_owned(),
        why: "an alarm".to_owned(),
    });
    let mut situation = situation(&group, Vec::new());
    situation.pools = pool_views(&group, &snapshot, &views, now());
    let decision = decide(&mut snapshot, situation);
    assert_eq!(decision.plan.iter().map(|part| part.target).collect::<Vec<_>>(), [9, 6]);
}

#[test]
fn what_stands_in_leaves_when_it_is_needed_no_more_and_not_in_doubt() {
    let mut group = group();
    let (remembered, pools) = with_stand_ins(&mut group);
    let plan = |samples: Vec<Sample>, order: Option<u32>| {
        let mut snapshot = remembered.clone();
        snapshot.holds.extend(order.map(|count| crate::model::Hold {
            order: crate::model::Order::Pin(count),
            who: "li".to_owned(),
            why: "test".to_owned(),
            until: now() + TimeDelta::hours(1),
        }));
        let decision = decide(&mut snapshot, Situation { pools: pools.clone(), ..situation(&group, samples) });
        decision.plan.iter().map(|part| part.target).collect::<Vec<u32>>()
    };
    assert_eq!(plan(idle_minutes(&group), Some(8)), [2, 6]);
    assert_eq!(plan(Vec::new(), None), [4, 6], "nothing is known of the load");
    assert_eq!(plan(Vec::new(), Some(5)), [2, 3], "a person says so");
}

fn with_a_sale_in(minutes: i64, engine: EngineKind) -> Group {
    let mut group = group();
    group.policy.engine = engine;
    let start = (now() + TimeDelta::minutes(minutes)).to_rfc3339();
    let sale = serde_json::json!({"name": "sale", "at": start, "duration_minutes": 60, "min_instances": 12});
    group.schedules = vec![serde_json::from_value(sale).expect("a schedule")];
    group
}

#[test]
fn a_known_event_is_met_by_every_engine_before_it_starts_and_the_record_says_so() {
    for engine in [EngineKind::Predictive, EngineKind::TargetTracking, EngineKind::WeightedScore] {
        let group = with_a_sale_in(3, engine);
        let decision = decided(&group, situation(&group, idle_minutes(&group)));
        assert_eq!(decision.target, 12, "{engine:?}");
        assert_eq!(decision.guardrails.last().map(|step| step.rule), Some(guardrails::Rule::Schedule));
        let told = explain::sentences(&decision).join(" ");
        assert!(told.contains("A known event: ") && told.contains("schedule sale asks for at least 12 from"), "{told}");
        let text = serde_json::to_string(&decision).expect("a decision is serialisable");
        let record: Decision = serde_json::from_str(&text).expect("what was written can be read");
        explain::check(&record).expect("it follows from its own record");

        let group = with_a_sale_in(4, engine);
        let decision = decided(&group, situation(&group, idle_minutes(&group)));
        assert!(decision.target <= 8, "a later decision still comes in time for it");
    }
}

#[test]
fn a_person_and_the_largest_number_win_over_a_known_event() {
    let mut group = with_a_sale_in(0, EngineKind::TargetTracking);
    let mut snapshot = snapshot(&group);
    let until = now() + TimeDelta::hours(1);
    let order = crate::model::Order::Pin(3);
    snapshot.holds = vec![crate::model::Hold { order, who: "li".to_owned(), why: "test".to_owned(), until }];
    assert_eq!(decide(&mut snapshot, situation(&group, idle_minutes(&group))).target, 3);
    group.scaling.max_instances = 10;
    assert_eq!(decided(&group, situation(&group, idle_minutes(&group))).target, 10);
}

#[test]
fn the_usual_load_is_remembered_whatever_the_engine() {
    let group = group();
    let mut snapshot = snapshot(&group);
    decide(&mut snapshot, situation(&group, idle_minutes(&group)));
    assert!((snapshot.usual.of_days(7) - 0.12 * 8.0).abs() < 1e-12, "eight instances, 12 % busy");
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
