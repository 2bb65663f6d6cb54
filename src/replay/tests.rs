//! What holds for every load and every policy.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Arena, Contestant, Player, Settings, Trace, View};
use crate::model::Minute;
use crate::queueing::{MinuteOutcome, ServiceModel, SimulatedGroup};

/// Asks for the same numbers whatever it sees, over and over.
#[derive(Debug)]
struct Script {
    numbers: Vec<u32>,
    next: usize,
}

impl Player for Script {
    fn decide(&mut self, _: &View) -> u32 {
        self.next += 1;
        self.numbers[(self.next - 1) % self.numbers.len()]
    }
}

fn trace(load: Vec<f64>) -> Trace {
    Trace { name: "random".to_owned(), start: Minute(0), load, interpolated: 0 }
}

/// Loads of an instance's capacity of 10: idle, busy, and far too much.
fn loads() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![Just(0.0), 0.0..60.0, 60.0..600.0], 2..120)
}

fn numbers() -> impl Strategy<Value = Vec<u32>> {
    vec(prop_oneof![1u32..12, 1u32..60], 1..20)
}

fn settings(lead_seconds: u32) -> Settings {
    Settings { lead_seconds, capacity: Some(10.0), ..Settings::default() }
}

proptest! {
    #[test]
    fn work_is_served_or_lost_or_waits(load in loads(), numbers in numbers(), lead in 0u32..400) {
        let trace = trace(load);
        let settings = settings(lead);
        let (mut arrived, mut served, mut lost, mut queue) = (0.0, 0.0, 0.0, 0.0);
        let watch = |_: Minute, outcome: &MinuteOutcome| {
            arrived += outcome.arrived;
            served += outcome.served;
            lost += outcome.lost;
            queue = outcome.queue;
        };
        let row = Arena::new(&trace, &settings).play_and_watch(&mut Script { numbers, next: 0 }, watch);
        prop_assert!((arrived - served - lost - queue).abs() <= 1e-9 * arrived.max(1.0));
        prop_assert!((0.0..=1.0).contains(&row.in_slo) && (0.0..=1.0 + 1e-12).contains(&row.lost));
    }

    #[test]
    fn more_capacity_never_raises_latency(load in loads(), serving in 1u32..40, more in 1u32..10) {
        let model = ServiceModel::new(10.0, 120);
        let (mut small, mut large) = (SimulatedGroup::new(model, serving), SimulatedGroup::new(model, serving + more));
        for (minute, load) in (0..).zip(load) {
            let (small, large) = (small.play(minute, load), large.play(minute, load));
            prop_assert!(large.latency_ms <= small.latency_ms + 1e-9);
            prop_assert!(large.late <= small.late + 1e-9 && large.lost <= small.lost + 1e-9);
        }
    }

    #[test]
    fn the_clairvoyant_is_a_lower_bound_for_who_stays_under_its_utilisation(load in loads(), slack in 0u32..4) {
        prop_assume!(load.iter().sum::<f64>() > 0.0);
        // Capacity that knows the next minutes and needs no time to start.
        let numbers = load[1..].iter().map(|load| (load / 10.0 / 0.85).ceil().max(1.0) as u32 + slack).collect();
        let trace = trace(load);
        let settings = settings(0);
        let arena = Arena::new(&trace, &settings);
        let mut highest: f64 = 0.0;
        let row = arena.play_and_watch(&mut Script { numbers, next: 0 }, |_, outcome| highest = highest.max(outcome.utilisation));
        if highest <= 85.0 {
            prop_assert!(row.rel >= 1.0, "{}", row.rel);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_replay_is_the_same_to_the_bit(load in loads(), lead in 0u32..400) {
        prop_assume!(load.iter().sum::<f64>() > 0.0);
        let trace = trace(load);
        let settings = settings(lead);
        let arena = Arena::new(&trace, &settings);
        for contestant in Contestant::all(&[20.0]) {
            let (first, second) = (contestant.play(&arena), contestant.play(&arena));
            prop_assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&second).unwrap());
        }
    }
}

#[test]
fn a_policy_sees_a_minute_only_after_its_delay() {
    struct Watcher(Vec<(i64, Option<i64>)>);
    impl Player for Watcher {
        fn decide(&mut self, view: &View) -> u32 {
            self.0.push((view.now.0, view.newest.map(|(minute, _)| minute.0)));
            view.capacity.total()
        }
    }
    let trace = trace(vec![10.0; 5]);
    let mut watcher = Watcher(Vec::new());
    Arena::new(&trace, &settings(120)).play(&mut watcher);
    assert_eq!(watcher.0, [(1, None), (2, Some(0)), (3, Some(1)), (4, Some(2))]);
}

#[test]
fn the_figures_of_a_small_case_are_those_worked_out_by_hand() {
    // Load 12 on instances of 10: two to begin with (12 / 10 / 0.6), three asked for at minute 1, one at minute 3.
    let trace = trace(vec![12.0; 4]);
    let settings = Settings { lead_seconds: 60, ..settings(60) };
    let row = Arena::new(&trace, &settings).play(&mut Script { numbers: vec![3, 3, 2], next: 0 });
    // 2 + 3 + 3 + 2 instance-minutes and one start; the clairvoyant has two for four minutes.
    assert!((row.cost_hours - 11.0 / 60.0).abs() < 1e-12 && (row.rel - 11.0 / 8.0).abs() < 1e-12);
    assert_eq!((row.actions, row.flips, row.starts), (2, 1, 1));
    // 60 % of two instances in three minutes, 40 % of three in one.
    assert!((row.utilisation - 55.0).abs() < 1e-9, "{}", row.utilisation);
    // The share of a minute's work that waits longer than the 1.5 s that the service level leaves.
    let late = |n: f64, rho: f64| rho.powf((2.0 * (n + 1.0)).sqrt() - 1.0) * (-1.5 * n * (1.0 - rho) / 0.5).exp();
    let expected = 1.0 - (3.0 * late(2.0, 0.6) + late(3.0, 0.4)) / 4.0;
    assert!((row.in_slo - expected).abs() < 1e-12 && row.lost == 0.0, "{}", row.in_slo);
    // W = 4 minutes of 1.2 instances; J = rel + k (1 - in_slo) 4.8 / 8.
    let expected = row.rel + 20.0 * (1.0 - row.in_slo) * 4.8 / 8.0;
    assert!((row.j.at(20.0).unwrap() - expected).abs() < 1e-9);
}
