use super::*;
use crate::model::{Capacity, Sample};
use crate::replay::standard_signals;

const CALM: [f64; 5] = [50.0, 60.0, 800.0, 70.0, 10.0];

fn policy(bottleneck: bool) -> Policy {
    Policy { bottleneck, ..Policy::default() }
}

fn signals(duration: u32) -> Vec<Signal> {
    standard_signals().into_iter().map(|signal| Signal { duration, ..signal }).collect()
}

/// Decides for minute 2, 3, ... on one sample each, the capacity following the decisions.
fn decide_all(
    engine: &mut WeightedScore,
    signals: &[Signal],
    samples: &[Vec<Option<f64>>],
    start: u32,
) -> Vec<Proposal> {
    let mut total = start;
    let mut proposals = Vec::new();
    for (minute, values) in (0..).zip(samples) {
        let sample =
            Sample { minute: Minute(minute), serving: Some(total), total: Some(total), values: values.clone() };
        let proposal = engine.decide(&Observation {
            now: Minute(minute + 2),
            signals,
            samples: &[sample],
            capacity: Capacity { serving: total, starting: 0 },
            stand_ins: 0,
            min_instances: 1,
            max_instances: 100,
            lead_minutes: 2,
            delay_minutes: 1,
            cooldown_seconds: 300,
        });
        total = proposal.target;
        proposals.push(proposal);
    }
    proposals
}

fn targets(samples: &[Vec<Option<f64>>], duration: u32, bottleneck: bool, start: u32) -> Vec<u32> {
    let signals = signals(duration);
    let mut engine = WeightedScore::new(&policy(bottleneck), &signals);
    decide_all(&mut engine, &signals, samples, start).iter().map(|proposal| proposal.target).collect()
}

fn all(values: [f64; 5]) -> Vec<Option<f64>> {
    values.map(Some).to_vec()
}

#[test]
fn between_its_thresholds_a_group_keeps_its_size() {
    assert_eq!(targets(&vec![all(CALM); 3], 60, true, 10), [10, 10, 10]);
}

#[test]
fn it_grows_by_half_of_the_score_and_then_rests_for_five_minutes() {
    // cpu 100 scores 1 (0.30), response time 4000 scores 1 (0.25), queue 200 scores 1 (0.15): 0.70, so int(10 * 0.35) = 3.
    let hot = all([100.0, 70.0, 4000.0, 200.0, 10.0]);
    assert_eq!(targets(&vec![hot; 7], 60, false, 10), [13, 13, 13, 13, 13, 17, 17]);
}

#[test]
fn it_shrinks_by_three_tenths_of_the_score_and_by_one_at_least() {
    // cpu 0 scores -1 (-0.30), an empty queue -1 (-0.15): -0.45, so int(20 * 0.45 * 0.3) = 2.
    let idle = all([0.0, 45.0, 500.0, 0.0, 0.0]);
    assert_eq!(targets(std::slice::from_ref(&idle), 60, false, 20), [18]);
    assert_eq!(targets(std::slice::from_ref(&idle), 60, false, 3), [2]);
    assert_eq!(targets(&[idle], 60, false, 1), [1]);
}

#[test]
fn a_single_saturated_signal_is_hidden_by_the_mean_and_decides_alone_with_the_option() {
    let cpu_only = all([100.0, 60.0, 800.0, 70.0, 10.0]);
    assert_eq!(targets(std::slice::from_ref(&cpu_only), 60, false, 10), [10]);
    assert_eq!(targets(&[cpu_only], 60, true, 10), [15]);
}

#[test]
fn a_threshold_must_hold_for_its_duration() {
    let hot = all([100.0, 70.0, 4000.0, 200.0, 10.0]);
    let mut samples = vec![hot.clone(); 2];
    samples.push(all(CALM));
    samples.extend(vec![hot; 3]);
    assert_eq!(targets(&samples, 180, true, 10), [10, 10, 10, 10, 10, 15]);
}

#[test]
fn what_is_missing_never_lowers() {
    let mut idle = all([0.0, 45.0, 500.0, 0.0, 0.0]);
    idle[2] = None;
    assert_eq!(targets(&[idle], 60, true, 20), [20]);
}

#[test]
fn a_gap_breaks_a_run_below_the_threshold() {
    let idle = all([0.0, 45.0, 500.0, 0.0, 0.0]);
    let samples = [idle.clone(), idle.clone(), vec![None; 5], idle.clone(), idle.clone(), idle];
    assert_eq!(targets(&samples, 180, true, 20), [20, 20, 20, 20, 20, 18]);
}

#[test]
fn the_trend_follows_the_slope_of_ten_values() {
    let rising = (0..10).map(|step| 10.0 * f64::from(step)).collect();
    assert!((trend(&rising) - 1f64.tanh()).abs() < 1e-12);
    assert_eq!(trend(&rising.iter().take(9).copied().collect()), 0.0);
}

#[test]
fn a_loss_that_nobody_asked_for_does_not_delay_the_answer_to_it() {
    let mut changes = Changes::default();
    changes.see(Minute(1), 10);
    changes.see(Minute(2), 6);
    assert_eq!(changes.rest_seconds(Minute(2), 300), 0);
    changes.ask(Minute(2), 9);
    changes.see(Minute(3), 9);
    assert_eq!(changes.rest_seconds(Minute(3), 300), 240);
}

#[test]
fn state_and_evidence_survive_a_round_trip_through_json_bit_for_bit() {
    let signals = signals(60);
    let mut engine = WeightedScore::new(&policy(true), &signals);
    let samples: Vec<_> =
        (0..30).map(|i| all([f64::from(i) * 3.7 % 101.0, 55.5, 31.0 * f64::from(i), 7.3, 0.1])).collect();
    for proposal in decide_all(&mut engine, &signals, &samples, 9) {
        let text = serde_json::to_string(&proposal.evidence).unwrap();
        let evidence: Evidence = serde_json::from_str(&text).unwrap();
        assert_eq!(evidence, proposal.evidence);
        assert_eq!(evidence.target(), proposal.target);
        assert!(evidence.sentences().len() >= 5);
    }
    let text = serde_json::to_string(&engine).unwrap();
    assert_eq!(serde_json::from_str::<WeightedScore>(&text).unwrap(), engine);
}

/// Decides on one sample, of two minutes ago.
fn decide(
    engine: &mut WeightedScore,
    minute: i64,
    values: [f64; 5],
    measured_on: u32,
    total: u32,
    cooldown_seconds: u32,
) -> u32 {
    let signals = signals(60);
    let sample = Sample { minute: Minute(minute), serving: Some(measured_on), total: None, values: all(values) };
    let observation = Observation {
        now: Minute(minute + 2),
        signals: &signals,
        samples: &[sample],
        capacity: Capacity { serving: measured_on.min(total), starting: total.saturating_sub(measured_on) },
        stand_ins: 0,
        min_instances: 1,
        max_instances: 100,
        lead_minutes: 6,
        delay_minutes: 1,
        cooldown_seconds,
    };
    engine.decide(&observation).target
}

#[test]
fn readings_from_before_a_change_do_not_make_it_once_more() {
    let hot = [100.0, 70.0, 4000.0, 200.0, 10.0];
    let idle = [0.0, 45.0, 500.0, 0.0, 0.0];
    let mut engine = WeightedScore::new(&policy(false), &signals(60));
    assert_eq!(decide(&mut engine, 0, hot, 10, 10, 0), 13);
    assert_eq!(decide(&mut engine, 1, hot, 10, 13, 0), 13);
    assert_eq!(decide(&mut engine, 2, hot, 13, 13, 0), 17, "thirteen were too few as well");
    assert_eq!(decide(&mut engine, 3, idle, 20, 20, 0), 18);
    assert_eq!(decide(&mut engine, 4, idle, 20, 18, 0), 18);
    assert_eq!(decide(&mut engine, 5, idle, 18, 18, 0), 16);
    assert_eq!(decide(&mut engine, 6, idle, 10, 16, 0), 14, "no more at once than the rule removes");
}

#[test]
fn what_stands_in_for_others_keeps_nobody_from_shrinking() {
    let idle = [0.0, 45.0, 500.0, 0.0, 0.0];
    let signals = signals(60);
    let sample = Sample { minute: Minute(0), serving: Some(12), total: None, values: all(idle) };
    let observation = Observation {
        now: Minute(2),
        signals: &signals,
        samples: &[sample],
        capacity: Capacity { serving: 10, starting: 0 },
        stand_ins: 2,
        min_instances: 1,
        max_instances: 100,
        lead_minutes: 6,
        delay_minutes: 1,
        cooldown_seconds: 0,
    };
    assert_eq!(WeightedScore::new(&policy(false), &signals).decide(&observation).target, 9);
}

#[test]
fn what_others_have_added_rests_shrinking_and_not_growth() {
    let hot = [100.0, 70.0, 4000.0, 200.0, 10.0];
    let idle = [0.0, 45.0, 500.0, 0.0, 0.0];
    let mut engine = WeightedScore::new(&policy(false), &signals(60));
    assert_eq!(decide(&mut engine, 0, CALM, 10, 10, 300), 10);
    assert_eq!(decide(&mut engine, 1, hot, 12, 12, 300), 16, "two came in place of two that are going");
    let mut engine = WeightedScore::new(&policy(false), &signals(60));
    assert_eq!(decide(&mut engine, 0, CALM, 20, 20, 300), 20);
    let shrinking: Vec<u32> = (1..8).map(|minute| decide(&mut engine, minute, idle, 22, 22, 300)).collect();
    assert_eq!(shrinking, [22, 22, 22, 22, 22, 20, 20]);
}

#[test]
fn processors_that_are_full_on_average_decide_alone() {
    for (cpu, grown) in [(94.0, 10), (98.0, 15)] {
        let values = all([cpu, 60.0, 1500.0, 70.0, 2.0]);
        assert_eq!(targets(&[values], 60, true, 10), [grown], "{cpu}");
    }
}
