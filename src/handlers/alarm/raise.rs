//! How far an alarm raises. Pure.

use chrono::TimeDelta;

use crate::model::{Capacity, Group, Minute, Sample};
use crate::state::Snapshot;

/// Samples back in which a value that is missing now is still taken for the last known one.
const LATELY: usize = 10;
/// A raise lasts at least so long: then evaluations have seen what the alarm saw.
const SHORTEST_HOLD_MINUTES: u32 = 10;
/// Minutes beyond start-up and metric delay in which a raise shows in the metrics.
const SETTLING_MINUTES: u32 = 3;

/// A signal's value, by its position among the group's signals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) signal: usize,
    pub(super) value: f64,
}

/// The samples with what the alarms say as the newest: the last full minute, in which every other signal is as it was
/// last known. So it is in the minutes before, where a value has not come yet: the engine is shown minutes in order and
/// waits for whole ones, and an alarm must not wait behind them.
pub(super) fn overlay(
    mut samples: Vec<Sample>,
    readings: &[Reading],
    snapshot: &Snapshot,
    capacity: Capacity,
    now: Minute,
    signals: usize,
) -> Vec<Sample> {
    if readings.is_empty() {
        return samples;
    }
    let newest = now - 1;
    let remembered: Vec<&Sample> =
        snapshot.recent.iter().rev().take(LATELY).filter(|sample| sample.values.len() == signals).collect();
    let lately = |signal: usize| remembered.iter().find_map(|sample| sample.values[signal]);
    let mut last_known: Vec<Option<f64>> = (0..signals).map(lately).collect();
    samples.retain(|sample| sample.minute <= newest);
    samples.sort_by_key(|sample| sample.minute);
    for sample in &mut samples {
        for (value, last_known) in sample.values.iter_mut().zip(&mut last_known) {
            *value = value.or(*last_known);
            *last_known = *value;
        }
    }
    let mut values = last_known;
    for reading in readings {
        values[reading.signal] = Some(reading.value);
    }
    samples.retain(|sample| sample.minute < newest);
    let (serving, total) = (Some(capacity.serving), Some(capacity.total()));
    samples.push(Sample { minute: newest, serving, total, values });
    samples
}

/// How many instances an alarm asks for: what the engine and the guardrails make of it, never below what runs, and one
/// burst step above it at most.
pub(super) fn target(group: &Group, decided: u32, current: u32) -> u32 {
    decided.min(current.saturating_add(burst_step(group, current))).max(current)
}

/// The most that one alarm adds: what is configured, else half of what runs and at least two.
fn burst_step(group: &Group, current: u32) -> u32 {
    group.scaling.max_step_out.unwrap_or_else(|| current.div_ceil(2).max(2))
}

/// How long a raise stays in force.
pub(super) fn hold(lead_minutes: u32, group: &Group) -> TimeDelta {
    let seen_after = lead_minutes + group.scaling.delay_minutes() + SETTLING_MINUTES;
    TimeDelta::minutes(i64::from(seen_after.max(SHORTEST_HOLD_MINUTES)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::replay::standard_signals;

    fn group(max_step_out: Option<u32>) -> Group {
        let mut group: Group =
            serde_json::from_value(serde_json::json!({"name": "a", "pools": [], "signals": []})).unwrap();
        group.scaling.max_step_out = max_step_out;
        group
    }

    fn sample(minute: i64, values: [Option<f64>; 2]) -> Sample {
        Sample { minute: Minute(minute), serving: Some(3), total: Some(3), values: values.to_vec() }
    }

    fn snapshot(recent: Vec<Sample>) -> Snapshot {
        let names = standard_signals()[..2].iter().map(|signal| signal.name.clone()).collect();
        Snapshot { recent: recent.into(), ..Snapshot::empty(DateTime::UNIX_EPOCH, names) }
    }

    const CAPACITY: Capacity = Capacity { serving: 3, starting: 1 };

    #[test]
    fn an_alarms_value_is_the_newest_and_the_others_are_as_last_known() {
        let snapshot = snapshot(vec![sample(7, [Some(50.0), Some(900.0)])]);
        let reading = Reading { signal: 0, value: 97.0 };
        let seen = vec![sample(8, [Some(60.0), None])];
        let samples = overlay(seen.clone(), &[reading], &snapshot, CAPACITY, Minute(10), 2);
        assert_eq!(samples[0].values, [Some(60.0), Some(900.0)], "what has not come yet is not waited for");
        assert_eq!(samples[1].minute, Minute(9));
        assert_eq!(samples[1].values, [Some(97.0), Some(900.0)]);
        assert_eq!((samples[1].serving, samples[1].total), (Some(3), Some(4)));
    }

    #[test]
    fn a_sample_of_the_same_minute_keeps_what_the_alarm_does_not_say() {
        let seen = vec![sample(9, [Some(60.0), Some(700.0)])];
        let reading = Reading { signal: 0, value: 97.0 };
        let samples = overlay(seen, &[reading], &snapshot(Vec::new()), CAPACITY, Minute(10), 2);
        assert_eq!(samples.iter().map(|sample| sample.values.clone()).collect::<Vec<_>>(), [[Some(97.0), Some(700.0)]]);
    }

    #[test]
    fn what_was_never_known_stays_missing_and_an_alarm_without_a_value_adds_nothing() {
        let reading = Reading { signal: 1, value: 3000.0 };
        let samples = overlay(Vec::new(), &[reading], &snapshot(Vec::new()), CAPACITY, Minute(10), 2);
        assert_eq!(samples[0].values, [None, Some(3000.0)]);
        assert!(overlay(Vec::new(), &[], &snapshot(Vec::new()), CAPACITY, Minute(10), 2).is_empty());
    }

    #[test]
    fn a_burst_is_half_of_what_runs_unless_configured() {
        assert_eq!(target(&group(None), 20, 1), 3);
        assert_eq!(target(&group(None), 20, 8), 12);
        assert_eq!(target(&group(Some(1)), 20, 8), 9);
    }

    #[test]
    fn a_raise_outlasts_start_up_and_metric_delay() {
        assert_eq!(hold(2, &group(None)), TimeDelta::minutes(10));
        assert_eq!(hold(15, &group(None)), TimeDelta::minutes(19));
    }

    proptest! {
        #[test]
        fn an_alarm_never_asks_for_less_than_runs_nor_for_more_than_was_decided(decided in 0u32..100, current in 0u32..100) {
            let target = target(&group(None), decided, current);
            prop_assert!(target >= current && target <= decided.max(current));
        }
    }
}
