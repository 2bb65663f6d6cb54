use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::engine::guardrails::{Inputs, apply};
use crate::model::{Order, Policy};
use crate::replay::{Arena, EnginePlayer, Row, Settings, Trace, standard_signals};

/// Eight in the evening of the eighteenth in Shanghai.
const SALE: &str = "2026-12-18T12:00:00Z";

fn schedule(fields: Value) -> Schedule {
    let mut document = json!({"name": "sale", "duration_minutes": 120});
    document.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    serde_json::from_value(document).expect("a schedule")
}

fn sale() -> Schedule {
    schedule(json!({"cron": "0 20 18 * *", "time_zone": "Asia/Shanghai", "min_instances": 8}))
}

fn after_start(minutes: i64) -> DateTime<Utc> {
    SALE.parse::<DateTime<Utc>>().expect("a time") + TimeDelta::minutes(minutes)
}

fn circumstances(now: DateTime<Utc>, usual: &HourlyMaxima) -> Circumstances<'_> {
    Circumstances {
        now,
        lead_minutes: 5,
        interval_minutes: 1,
        current: 2,
        max_instances: 20,
        max_step_out: None,
        utilisation: 80.0,
        usual,
    }
}

/// Instances asked for so many minutes after the start of the sale.
fn asked(schedules: &[Schedule], minutes: i64) -> u32 {
    let usual = HourlyMaxima::default();
    let calls = calls(schedules, &circumstances(after_start(minutes), &usual));
    calls.iter().map(ScheduledCall::instances).max().unwrap_or_default()
}

#[test]
fn what_is_asked_for_serves_when_the_event_starts_and_until_it_is_over() {
    let sale = [sale()];
    assert_eq!([-7, -6, -1, 0, 119, 120].map(|minutes| asked(&sale, minutes)), [0, 8, 8, 8, 8, 0]);
}

#[test]
fn a_growth_by_small_steps_begins_earlier() {
    let usual = HourlyMaxima::default();
    let due = |minutes| {
        let stepwise = Circumstances { max_step_out: Some(2), ..circumstances(after_start(minutes), &usual) };
        !calls(&[sale()], &stepwise).is_empty()
    };
    assert_eq!([-9, -8, -1].map(due), [false, true, true], "from two to eight are three steps");
}

#[test]
fn of_events_that_overlap_the_largest_counts() {
    let evening = schedule(
        json!({"cron": "0 18 * * *", "time_zone": "Asia/Shanghai", "duration_minutes": 180, "min_instances": 5}),
    );
    let both = [sale(), evening];
    assert_eq!([-20, -6, 30, 59, 60, 100].map(|minutes| asked(&both, minutes)), [5, 8, 8, 8, 8, 8]);
}

#[test]
fn what_is_over_asks_for_nothing() {
    let once = [schedule(json!({"at": "2025-12-18T20:00:00+08:00", "min_instances": 8}))];
    assert_eq!(asked(&once, 0), 0);
}

fn sample(minute: Minute, utilisation: f64) -> Sample {
    Sample { minute, serving: Some(10), total: Some(10), values: vec![Some(utilisation)] }
}

#[test]
fn a_multiple_is_that_of_the_usual_load_at_that_hour_of_the_day() {
    let sale = schedule(json!({"at": "2026-12-18T20:00:00+08:00", "expected_multiple": 3}));
    let signals = standard_signals();
    let mut usual = HourlyMaxima::default();
    let first = Minute::containing(after_start(-3 * 1440));
    for minute in 0..2880 {
        let busy = if (0..60).contains(&(minute % 1440)) { 40.0 } else { 20.0 };
        learn(&mut usual, &[], Some((0, &signals[0])), &sample(first + minute, busy));
    }
    let instances = |minutes| {
        let calls = calls(std::slice::from_ref(&sale), &circumstances(after_start(minutes), &usual));
        calls.iter().map(ScheduledCall::instances).max()
    };
    assert_eq!(instances(0), Some(15), "3 x 4 busy instances at 80 %");
    assert_eq!(instances(65), Some(8), "3 x 2");
    let why = calls(&[sale], &circumstances(after_start(0), &usual))[0].why();
    assert_eq!(
        why,
        "schedule sale expects 3 times the usual 4.0 instances' worth of load from 20:00 on 2026-12-18 (+08:00), which takes 15 at 80 %"
    );
}

#[test]
fn an_event_of_every_day_does_not_grow_by_its_own_multiple() {
    let daily =
        [schedule(json!({"cron": "0 12 * * *", "time_zone": "UTC", "duration_minutes": 60, "expected_multiple": 3}))];
    let signals = standard_signals();
    let mut usual = HourlyMaxima::default();
    let first = Minute::containing(after_start(-6 * 1440));
    for minute in 0..5 * 1440 {
        let busy = if minute % 1440 < 60 { 60.0 } else { 20.0 };
        learn(&mut usual, &daily, Some((0, &signals[0])), &sample(first + minute, busy));
    }
    let call = &calls(&daily, &circumstances(after_start(0), &usual))[0];
    assert_eq!(call.expected.map(|expected| (expected.usual * 1e6).round() / 1e6), Some(2.0));
}

#[test]
fn what_is_missing_is_not_learnt() {
    let signals = standard_signals();
    let mut usual = HourlyMaxima::default();
    let known = sample(Minute(0), 50.0);
    for odd in [
        Sample { values: vec![None], ..known.clone() },
        Sample { values: vec![Some(f64::NAN)], ..known.clone() },
        Sample { serving: None, ..known.clone() },
    ] {
        learn(&mut usual, &[], Some((0, &signals[0])), &odd);
    }
    learn(&mut usual, &[], None, &known);
    assert_eq!(usual, HourlyMaxima::default());
}

/// Three days of a daily wave, and four times as much for an hour on the last evening.
fn trace_with_a_sale() -> Trace {
    let start = Minute::containing(after_start(-(2 * 1440 + 720)));
    let sale = 2 * 1440 + 720;
    let load = (0..3 * 1440)
        .map(|minute| {
            let wave = 60.0 + 20.0 * (f64::from(minute) / 1440.0 * std::f64::consts::TAU).sin();
            if (sale..sale + 60).contains(&minute) { 4.0 * wave } else { wave }
        })
        .collect();
    Trace { name: "sale".to_owned(), start, load, interpolated: 0 }
}

fn played(engine: EngineKind, schedules: &[Schedule]) -> Row {
    let trace = trace_with_a_sale();
    let settings = Settings { lead_seconds: 300, capacity: Some(10.0), ..Settings::default() };
    let policy = Policy { engine, ..Policy::default() };
    let mut player = EnginePlayer::new(&policy).with_schedules(&policy, schedules.to_vec());
    Arena::new(&trace, &settings).play(&mut player)
}

#[test]
fn a_sale_that_was_told_beforehand_is_served_by_every_engine() {
    let told = [schedule(json!({"at": "2026-12-18T20:00:00+08:00", "duration_minutes": 60, "expected_multiple": 4}))];
    for engine in [EngineKind::Predictive, EngineKind::TargetTracking, EngineKind::WeightedScore] {
        let (without, with) = (played(engine, &[]), played(engine, &told));
        assert!(with.in_slo > without.in_slo + 0.005, "{engine:?}: {} with, {} without", with.in_slo, without.in_slo);
        assert!(with.cost_hours < 1.1 * without.cost_hours, "{engine:?}: {} {}", with.cost_hours, without.cost_hours);
    }
}

proptest! {
    #[test]
    fn a_schedule_never_lowers_a_target(
        proposed in 0u32..60, current in 0u32..60, least in 0u32..10, more in 0u32..50, floors in prop::collection::vec((0u32..80, prop::option::of(0.0f64..30.0)), 0..4),
        step_out in prop::option::of(1u32..10), step_in in prop::option::of(1u32..10), doubtful: bool, raise in prop::option::of(0u32..80),
        order in prop::option::of(prop_oneof![Just(Order::PauseAll), Just(Order::PauseIn), Just(Order::PauseOut), (0u32..60).prop_map(Order::Pin), (0u32..60).prop_map(Order::Floor)]),
    ) {
        let start = after_start(0).fixed_offset();
        let call = |(floor, usual): &(u32, Option<f64>)| ScheduledCall {
            schedule: "sale".to_owned(),
            start,
            end: start,
            min_instances: Some(*floor),
            expected: usual.map(|usual| ExpectedLoad { multiple: 2.0, usual, utilisation: 60.0 }),
        };
        let without = Inputs {
            max_step_out: step_out,
            max_step_in: step_in,
            doubts: doubtful.then(|| "stale".to_owned()).into_iter().collect(),
            raises: raise.map(|target| (target, "alarm".to_owned())).into_iter().collect(),
            orders: order.into_iter().collect(),
            ..Inputs::between(least, least + more, proposed, current)
        };
        let with = Inputs { schedules: floors.iter().map(call).collect(), ..without.clone() };
        let (target, _) = apply(&with);
        prop_assert!(target >= apply(&without).0);
        prop_assert!(target <= least + more);
        if let Some(Order::Pin(number)) = order {
            prop_assert_eq!(target, number.clamp(least, least + more));
        }
        let kept: Inputs = serde_json::from_str(&serde_json::to_string(&with).expect("it is serialisable")).expect("it can be read");
        prop_assert_eq!(apply(&kept), apply(&with));
    }
}
