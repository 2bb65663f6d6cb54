use super::*;
use crate::model::{Capacity, Sample};
use crate::replay::standard_signals;

struct Case {
    engine: TargetTracking,
    signals: Vec<Signal>,
}

impl Case {
    fn at(target: f64) -> Self {
        let signals = standard_signals();
        let policy = Policy { target_utilisation: target, ..Policy::default() };
        Self { engine: TargetTracking::new(&policy, &signals), signals }
    }

    /// Shows one reading and decides two minutes later.
    fn decide(&mut self, minute: i64, utilisation: Option<f64>, capacity: Capacity) -> Proposal {
        self.decide_at(minute + 2, Some((minute, utilisation, capacity.serving)), capacity)
    }

    /// Decides on what has come, if anything has: the minute, its value, and the instances that it was measured on.
    fn decide_at(&mut self, now: i64, came: Option<(i64, Option<f64>, u32)>, capacity: Capacity) -> Proposal {
        let sample = |(minute, utilisation, serving)| {
            let mut values = vec![None; self.signals.len()];
            values[0] = utilisation;
            Sample { minute: Minute(minute), serving: Some(serving), total: None, values }
        };
        let samples: Vec<Sample> = came.map(sample).into_iter().collect();
        self.engine.decide(&Observation {
            now: Minute(now),
            signals: &self.signals,
            samples: &samples,
            capacity,
            stand_ins: 0,
            min_instances: 1,
            max_instances: 50,
            lead_minutes: 2,
            delay_minutes: 1,
            cooldown_seconds: 300,
        })
    }

    fn targets(&mut self, utilisation: &[Option<f64>], capacity: Capacity) -> Vec<u32> {
        (0..).zip(utilisation).map(|(minute, value)| self.decide(minute, *value, capacity).target).collect()
    }
}

const TEN: Capacity = Capacity { serving: 10, starting: 0 };

#[test]
fn three_minutes_over_the_target_grow_the_group_in_proportion() {
    assert_eq!(Case::at(60.0).targets(&[Some(90.0); 3], TEN), [10, 10, 15]);
}

#[test]
fn capacity_on_its_way_is_counted() {
    let capacity = Capacity { serving: 10, starting: 4 };
    assert_eq!(Case::at(60.0).targets(&[Some(90.0); 3], capacity)[2], 15);
    let capacity = Capacity { serving: 10, starting: 8 };
    assert_eq!(Case::at(60.0).targets(&[Some(90.0); 3], capacity)[2], 18);
}

#[test]
fn a_quarter_of_an_hour_under_nine_tenths_shrinks_it_by_the_highest_of_them() {
    let mut utilisation = vec![Some(30.0); 15];
    utilisation[4] = Some(40.0);
    let targets = Case::at(60.0).targets(&utilisation, TEN);
    assert_eq!(targets[..14], [10; 14]);
    assert_eq!(targets[14], 7);
}

#[test]
fn between_nine_tenths_of_the_target_and_the_target_nothing_happens() {
    assert_eq!(Case::at(60.0).targets(&[Some(57.0); 30], TEN), [10; 30]);
}

#[test]
fn a_gap_keeps_the_group_from_shrinking_and_not_from_growing() {
    let mut low = vec![Some(30.0); 15];
    low[7] = None;
    assert_eq!(Case::at(60.0).targets(&low, TEN), [10; 15]);
    assert_eq!(Case::at(60.0).targets(&[Some(90.0), None, Some(90.0)], TEN)[2], 15);
}

#[test]
fn without_a_fresh_value_the_group_keeps_its_size() {
    let mut case = Case::at(60.0);
    case.targets(&[Some(90.0); 3], TEN);
    assert_eq!(case.decide(3, None, TEN).target, 10);
}

#[test]
fn evidence_gives_the_same_number_after_a_round_trip_through_json() {
    let mut case = Case::at(60.0);
    for minute in 0..40 {
        let proposal = case.decide(minute, Some((minute * 17 % 100) as f64 + 0.1), TEN);
        let text = serde_json::to_string(&proposal.evidence).unwrap();
        let evidence: Evidence = serde_json::from_str(&text).unwrap();
        assert_eq!(evidence, proposal.evidence);
        assert_eq!(evidence.target(), proposal.target);
        assert!(!evidence.sentences().is_empty());
    }
}

#[test]
fn a_reading_that_has_just_come_may_be_a_little_late() {
    let mut case = Case::at(60.0);
    let late = |case: &mut Case, minute: i64, minutes_late: i64, is_there: bool| {
        let came = is_there.then_some((minute, Some(90.0), 10));
        case.decide_at(minute + 2 + minutes_late, came, TEN).target
    };
    let each: Vec<u32> = (0..3).map(|minute| late(&mut case, minute, 2, true)).collect();
    assert_eq!(each, [10, 10, 15]);
    assert_eq!(late(&mut case, 2, 3, false), 10, "nothing has come since");
    assert_eq!(late(&mut case, 3, 3, true), 10, "too late");
}

#[test]
fn a_reading_counts_for_the_instances_that_it_was_measured_on() {
    let mut case = Case::at(60.0);
    let mut decide = |minute: i64, value: f64, measured_on: u32, serving: u32| {
        let capacity = Capacity { serving, starting: 0 };
        case.decide_at(minute + 2, Some((minute, Some(value), measured_on)), capacity).target
    };
    let growing: Vec<u32> = (0..3).map(|minute| decide(minute, 90.0, 10, 10)).collect();
    assert_eq!(growing, [10, 10, 15]);
    assert_eq!(decide(3, 90.0, 10, 15), 15, "the load is still the same");
    let shrinking: Vec<u32> = (4..19).map(|minute| decide(minute, 20.0, 15, 15)).collect();
    assert_eq!(shrinking[14], 5);
    assert_eq!(decide(19, 20.0, 15, 5), 5, "and still the same");
}
