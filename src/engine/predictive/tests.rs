use proptest::prelude::*;

use super::*;
use crate::model::{Capacity, Minute};
use crate::queueing::{MinuteOutcome, SimulatedGroup};
use crate::replay::{sample, standard_signals};

/// A group under a load, with the engine at its helm, metrics two minutes late.
struct Helm {
    engine: Predictive,
    group: SimulatedGroup,
    signals: Vec<Signal>,
    waiting: Vec<Sample>,
    lead: u32,
    /// What the cloud gives it at most.
    most: u32,
    minute: i64,
    targets: Vec<u32>,
    newest: MinuteOutcome,
}

const DELAY: i64 = 1;

impl Helm {
    fn new(price: f64, capacity: f64, serving: u32) -> Self {
        Self {
            engine: Predictive::new(&Policy { violation_price: price, ..Policy::default() }),
            group: SimulatedGroup::new(ServiceModel::new(capacity, 120), serving),
            signals: standard_signals(),
            waiting: Vec::new(),
            lead: 2,
            most: u32::MAX,
            minute: 28_000_000,
            targets: Vec::new(),
            newest: MinuteOutcome::default(),
        }
    }

    fn decide(&mut self, samples: &[Sample]) -> Proposal {
        self.engine.decide(&Observation {
            now: Minute(self.minute),
            signals: &self.signals,
            samples,
            capacity: Capacity { serving: self.group.serving(), starting: self.group.starting() },
            stand_ins: 0,
            min_instances: 1,
            max_instances: 10_000,
            lead_minutes: self.lead,
            delay_minutes: DELAY as u32,
            cooldown_seconds: 300,
        })
    }

    /// One minute: decides from what is visible, then lives through `load`. `seen` false: its metrics never arrive.
    fn step(&mut self, load: f64, seen: bool) -> Proposal {
        self.group.make_ready(self.minute);
        let due = self.minute - 1 - DELAY;
        let samples: Vec<Sample> = self.waiting.extract_if(.., |sample| sample.minute.0 <= due).collect();
        let proposal = self.decide(&samples);
        self.targets.push(proposal.target);
        self.group.scale_to(self.minute, proposal.target.min(self.most));
        let outcome = self.group.play(self.minute, load);
        self.newest = outcome;
        if seen {
            self.waiting.push(sample(Minute(self.minute), &outcome));
        }
        self.minute += 1;
        proposal
    }
}

/// A daily wave with some unrest, in work per second of instances that serve ten.
fn wave(minute: i64) -> f64 {
    let day = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
    let unrest = (minute as f64 * 0.7).sin() * (minute as f64 * 0.131).cos();
    70.0 + 30.0 * day + 6.0 * unrest
}

fn evidence(proposal: &Proposal) -> &PredictiveEvidence {
    match &proposal.evidence {
        Evidence::Predictive(evidence) => evidence,
        other => panic!("expected predictive evidence, got {other:?}"),
    }
}

#[test]
fn nothing_is_removed_before_enough_was_seen() {
    let mut helm = Helm::new(20.0, 10.0, 30);
    for minute in 0..35 {
        helm.step(20.0 + f64::from(minute % 2), true);
    }
    assert!(helm.targets.iter().all(|&target| target == 30));
    for _ in 0..60 {
        helm.step(20.0, true);
    }
    assert!(helm.targets.last().is_some_and(|&target| target < 10));
}

#[test]
fn the_first_minutes_are_met_at_sixty_per_cent() {
    let mut helm = Helm::new(20.0, 10.0, 4);
    for _ in 0..6 {
        helm.step(38.0, true);
    }
    assert_eq!(helm.targets.last(), Some(&7));
}

#[test]
fn a_decision_follows_from_its_record_bit_for_bit() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..3000 {
        let proposal = helm.step(wave(minute), minute % 97 != 5);
        if minute % 37 == 0 {
            let text = serde_json::to_string(&proposal).expect("a proposal is serialisable");
            let record: Proposal = serde_json::from_str(&text).expect("what was written can be read");
            assert_eq!(record, proposal);
            assert_eq!(record.evidence.target(), proposal.target);
            assert!(!record.evidence.sentences().is_empty());
            assert!(text.len() < 12_000, "{} bytes", text.len());
        }
    }
}

#[test]
fn decisions_go_on_bit_for_bit_after_a_save_and_a_load() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    let mut resumed: Option<Helm> = None;
    for minute in 0..11_500 {
        if minute == 11_000 {
            let text = serde_json::to_string(&helm.engine).expect("the state is serialisable");
            assert!(text.len() < 1_000_000, "{} bytes", text.len());
            let engine: Predictive = serde_json::from_str(&text).expect("what was written can be read");
            assert_eq!(serde_json::to_string(&engine).expect("the state is serialisable"), text);
            let group = helm.group.clone();
            let (waiting, signals) = (helm.waiting.clone(), helm.signals.clone());
            resumed = Some(Helm {
                most: u32::MAX,
                engine,
                group,
                signals,
                waiting,
                lead: 2,
                minute: helm.minute,
                targets: Vec::new(),
                newest: MinuteOutcome::default(),
            });
        }
        let proposal = helm.step(wave(minute), true);
        if let Some(resumed) = &mut resumed {
            assert_eq!(resumed.step(wave(minute), true), proposal);
        }
    }
}

#[test]
fn a_minute_decided_twice_changes_nothing() {
    let (mut once, mut twice) = (Helm::new(20.0, 10.0, 12), Helm::new(20.0, 10.0, 12));
    for minute in 0..2000 {
        let expected = once.step(wave(minute), true);
        assert_eq!(twice.step(wave(minute), true).target, expected.target);
        twice.minute -= 1;
        twice.decide(&[]);
        twice.minute += 1;
    }
    assert_eq!(once.engine, twice.engine);
}

#[test]
fn someone_else_changing_the_group_is_reckoned_with() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..2000 {
        helm.step(wave(minute), true);
    }
    let before = helm.targets[1999];
    helm.group.scale_to(helm.minute, 2);
    let proposal = helm.step(wave(2000), true);
    assert_eq!(evidence(&proposal).before, 2);
    assert!(proposal.target + 2 >= before, "{} after {before}", proposal.target);
}

#[test]
fn lead_and_delay_may_change_while_it_runs() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..4000 {
        helm.lead = [2, 5, 0, 90][(minute / 1000) as usize];
        let proposal = helm.step(wave(minute), true);
        assert!((5..40).contains(&proposal.target), "{} at {minute}", proposal.target);
    }
}

#[test]
fn the_price_may_change_while_it_runs() {
    let mut helm = Helm::new(5.0, 10.0, 12);
    for minute in 0..3000 {
        helm.step(wave(minute), true);
    }
    let policy = Policy { violation_price: 500.0, ..Policy::default() };
    let known = helm.engine.forecast.clone();
    assert!(helm.engine.adapt(&policy));
    assert_eq!(helm.engine.forecast, known);
    let cheap: u32 = helm.targets[1560..].iter().sum();
    let from = helm.targets.len();
    for minute in 3000..4440 {
        helm.step(wave(minute), true);
    }
    let dear: u32 = helm.targets[from..].iter().sum();
    assert!(dear > cheap, "{dear} {cheap}");
}

#[test]
fn damaged_state_starts_anew_and_keeps_what_runs() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..500 {
        helm.step(wave(minute), true);
    }
    let mut state = serde_json::to_value(&helm.engine).expect("the state is serialisable");
    state["bank"]["cost"] = serde_json::Value::from("");
    helm.engine = serde_json::from_value(state).expect("the form is right");
    let running = helm.group.total();
    assert!(helm.step(wave(500), true).target >= running);
}

#[test]
fn slow_requests_on_idle_instances_keep_the_group_from_shrinking() {
    let mut helm = Helm::new(20.0, 10.0, 40);
    for _ in 0..35 {
        helm.step(30.0, true);
    }
    let serving = helm.group.serving();
    for offset in 0..10 {
        let values = vec![Some(20.0), Some(50.0), Some(9000.0), Some(0.0), Some(80.0)];
        let minute = Minute(helm.minute - 2);
        let slow = Sample { minute, serving: Some(serving), total: Some(serving), values };
        let proposal = helm.decide(std::slice::from_ref(&slow));
        assert!(proposal.target >= serving, "{} at {offset}", proposal.target);
        helm.minute += 1;
    }
}

#[test]
fn another_utilisation_over_its_threshold_asks_for_more() {
    let mut helm = Helm::new(20.0, 10.0, 10);
    for _ in 0..60 {
        helm.step(70.0, true);
    }
    let serving = helm.group.serving();
    let values = vec![Some(60.0), Some(96.0), Some(500.0), Some(0.0), Some(f64::from(serving) * 6.0)];
    let sample = Sample { minute: Minute(helm.minute - 2), serving: Some(serving), total: Some(serving), values };
    let proposal = helm.decide(&[sample]);
    assert!(proposal.target >= (f64::from(serving) * 96.0 / 80.0).ceil() as u32);
    assert_eq!(evidence(&proposal).floors[0].signal, "memory");
}

#[test]
fn utilisation_alone_is_enough() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..3000 {
        for sample in &mut helm.waiting {
            sample.values[2..].fill(None);
        }
        let proposal = helm.step(wave(minute), true);
        assert!((5..20).contains(&proposal.target), "{} at {minute}", proposal.target);
    }
    assert!(
        helm.engine.demand.capacity(None).is_some_and(|capacity| (capacity - 10.0).abs() < 1e-9) || {
            // Rates were taken away before they were shown.
            helm.engine.demand.capacity(None).is_none()
        }
    );
}

#[test]
fn groups_of_a_thousand_are_sized_as_finely_as_small_ones() {
    for scale in [0.1, 1.0, 100.0] {
        let mut helm = Helm::new(20.0, 10.0, (12.0 * scale) as u32 + 1);
        let mut used = 0.0;
        for minute in 0..3000 {
            let load = wave(minute) * scale;
            let target = helm.step(load, true).target;
            if minute >= 1500 {
                used += load / 10.0 / f64::from(target) / 1500.0;
            }
        }
        let least = if scale < 1.0 { 0.3 } else { 0.75 };
        assert!((least..0.99).contains(&used), "{used} at {scale}");
    }
}

/// Share of work in time on the last of three days, in a group that shows only `shown` of its utilisation.
fn in_time_with(shown: f64, latency_is_seen: bool) -> (f64, f64) {
    let mut helm = Helm::new(20.0, 10.0, 12);
    let (mut late, mut arrived) = (0.0, 0.0);
    for minute in 0..4320 {
        for sample in helm.waiting.iter_mut().filter(|sample| sample.minute.0 == helm.minute - 1) {
            sample.values[0] = sample.values[0].map(|utilisation| utilisation * shown);
            sample.values[2] = sample.values[2].filter(|_| latency_is_seen);
        }
        helm.step(wave(minute), true);
        if minute >= 2880 {
            late += helm.newest.late;
            arrived += helm.newest.arrived;
        }
    }
    (1.0 - late / arrived, helm.engine.knee.share())
}

#[test]
fn a_group_that_is_slow_at_seventy_per_cent_gets_what_it_needs() {
    let (in_time, knee) = in_time_with(0.7, true);
    assert!(in_time > 0.95 && (0.6..0.85).contains(&knee), "{in_time} {knee}");
}

#[test]
fn without_latencies_and_where_the_model_holds_no_knee_is_learnt() {
    assert_eq!(in_time_with(0.7, false).1, 1.0);
    assert_eq!(in_time_with(1.0, true).1, 1.0);
}

#[test]
fn the_same_plan_in_other_units() {
    let (mut one, mut other) = (Helm::new(20.0, 10.0, 12), Helm::new(20.0, 10_000.0, 12));
    for minute in 0..3000 {
        let target = one.step(wave(minute), true).target;
        assert_eq!(other.step(wave(minute) * 1000.0, true).target, target, "at {minute}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn missing_minutes_never_lower(gaps in prop::collection::vec((200i64..1800, 1i64..40), 1..4)) {
        let mut helm = Helm::new(20.0, 10.0, 12);
        for minute in 0..1900 {
            let seen = !gaps.iter().any(|&(from, length)| (from..from + length).contains(&minute));
            let before = helm.group.total();
            let proposal = helm.step(wave(minute), seen);
            let newest = evidence_newest(&proposal);
            if newest.is_none_or(|newest| newest < Minute(helm.minute - 1 - 1 - DELAY)) {
                prop_assert!(proposal.target >= before, "{} after {before} at {minute}", proposal.target);
            }
        }
    }

    #[test]
    fn a_larger_price_never_buys_less(demands in prop::collection::vec((0.01f64..1.0, 0.0f64..200.0), 1..30), price in 0.5f64..200.0) {
        let (table, expected) = expected(demands, 1.0);
        prop_assert!(table.cheapest(&expected, price, 0) <= table.cheapest(&expected, price * 1.5, 0));
    }

    #[test]
    fn more_demand_never_buys_less(demands in prop::collection::vec((0.01f64..1.0, 0.0f64..200.0), 1..30), price in 1.5f64..200.0, more in 1.1f64..3.0) {
        let (table, less) = expected(demands.clone(), 1.0);
        let (_, larger) = expected(demands, more);
        prop_assert!(table.cheapest(&larger, price, 0) >= table.cheapest(&less, price, 0));
    }
}

#[test]
fn a_burst_that_nobody_forecast_is_met_in_one_step() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..3000 {
        helm.step(wave(minute), true);
    }
    let total = helm.group.total();
    // The first minutes of the burst become visible one by one; the queue shows what is not served yet.
    let steps: Vec<u32> = (3000..3004).map(|minute| helm.step(2.0 * wave(minute), true).target).collect();
    let needed = (2.0 * wave(3000) / 10.0).ceil() as u32;
    assert!(steps[1] <= total + 2, "nothing was visible yet: {steps:?} after {total}");
    assert!(steps[2] >= needed, "{steps:?} after {total}, needed {needed}");
}

#[test]
fn a_group_that_could_not_grow_does_not_learn_a_load_that_never_was() {
    let [free, blocked] = [false, true].map(|is_blocked| {
        let mut helm = Helm::new(20.0, 10.0, 12);
        for minute in 0..3000 {
            helm.step(wave(minute), true);
        }
        for minute in 3000..3040 {
            helm.most = if is_blocked { 12 } else { u32::MAX };
            helm.step(2.0 * wave(minute), true);
        }
        helm.most = u32::MAX;
        (3040..3100).map(|minute| helm.step(wave(minute), true).target).collect::<Vec<u32>>()
    });
    let is_near = |(&blocked, &free): (&u32, &u32)| f64::from(blocked) <= 1.5 * f64::from(free) + 2.0;
    assert!(blocked[0] > 12, "it still asks for more: {blocked:?}");
    assert!(blocked.iter().zip(&free).all(is_near), "{blocked:?} instead of {free:?}");
}

#[test]
fn lost_state_never_lowers_and_is_sound_from_the_first_minute() {
    let mut helm = Helm::new(20.0, 10.0, 12);
    for minute in 0..2000 {
        helm.step(wave(minute), true);
    }
    helm.engine = Predictive::new(&Policy { violation_price: 20.0, ..Policy::default() });
    for minute in 2000..2036 {
        let before = helm.group.total();
        let proposal = helm.step(wave(minute), true);
        assert!(proposal.target >= before, "{} after {before} at {minute}", proposal.target);
        assert!(f64::from(proposal.target) * 10.0 >= wave(minute), "{} at {minute}", proposal.target);
    }
}

#[test]
fn a_larger_price_never_buys_less_from_the_same_history() {
    let targets = [2.0, 5.0, 20.0, 100.0, 500.0].map(|price| {
        let mut helm = Helm::new(20.0, 10.0, 12);
        for minute in 0..2000 {
            helm.step(wave(minute), true);
        }
        assert!(helm.engine.adapt(&Policy { violation_price: price, ..Policy::default() }));
        helm.group.scale_to(helm.minute, 1);
        helm.step(wave(2000), true).target
    });
    assert!(targets.is_sorted(), "{targets:?}");
}

#[test]
fn more_demand_never_gets_less() {
    let targets = [0.2, 0.5, 0.8, 1.0, 1.3, 2.0, 5.0].map(|more| {
        let mut helm = Helm::new(20.0, 10.0, 12);
        for minute in 0..2000 {
            helm.step(wave(minute), true);
        }
        for minute in 2000..2003 {
            helm.step(more * wave(minute), true);
        }
        helm.targets[2002]
    });
    assert!(targets.is_sorted(), "{targets:?}");
}

fn evidence_newest(proposal: &Proposal) -> Option<Minute> {
    match &proposal.evidence {
        Evidence::Predictive(evidence) => Some(evidence.newest),
        _ => None,
    }
}

fn expected(mut demands: Vec<(f64, f64)>, factor: f64) -> (LateTable, ExpectedLate) {
    demands.sort_by(|a, b| a.1.total_cmp(&b.1));
    let total: f64 = demands.iter().map(|demand| demand.0).sum();
    let (table, mut expected) = (LateTable::new(0.5, 2.0), ExpectedLate::default());
    for (weight, demand) in demands {
        table.add(sizing::row_of(demand * factor), (weight / total) as f32, &mut expected);
    }
    expected.finish();
    (table, expected)
}
