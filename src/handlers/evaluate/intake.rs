//! Takes samples into the snapshot and says which of them the engine is to be shown now.
//!
//! Sources publish at different times. A minute is shown once, when all the signals that have been coming lately are there,
//! or when it is too old to wait for the rest; and never out of order.

use crate::model::{Minute, Sample, Signal};
use crate::state::Snapshot;

/// Samples that the snapshot keeps for people and for signals of long periods.
const RECENT_SAMPLES: usize = 60;
/// Samples back in which a signal counts as coming lately.
const LATELY: usize = 10;
/// Minutes to wait for the rest of a minute, beyond the usual delay.
const PATIENCE_MINUTES: i64 = 2;

/// Minutes of metrics that are asked for when nothing is known yet, and at most after a gap.
const LONGEST_LOOK_BACK_MINUTES: i64 = 30;

/// From which minute on metrics are asked for, up to `newest`: those that were not shown yet. While a signal is away, also
/// some that were: when it comes again it comes late, and must be seen to be waited for.
pub(super) fn oldest_asked(snapshot: &Snapshot, signals: &[Signal], newest: Minute, delay_minutes: u32) -> Minute {
    let oldest = newest - LONGEST_LOOK_BACK_MINUTES + 1;
    let from = snapshot.seen_until.map_or(oldest, |seen| seen + 1).min(newest);
    let comes = |signal: &Signal| {
        let index = snapshot.signals.iter().position(|name| *name == signal.name);
        index.is_some_and(|index| has_come_lately(snapshot, index))
    };
    let again = if signals.iter().all(comes) { 0 } else { i64::from(delay_minutes) + PATIENCE_MINUTES };
    (from - again).max(oldest)
}

fn has_come_lately(snapshot: &Snapshot, signal: usize) -> bool {
    let newest = snapshot.recent.iter().rev().take(LATELY);
    newest.into_iter().any(|sample| sample.values.get(signal).copied().flatten().is_some())
}

/// Merges `samples` into the snapshot's recent ones and returns those to show to the engine, oldest first.
pub(super) fn take_in(
    snapshot: &mut Snapshot,
    signals: &[Signal],
    samples: Vec<Sample>,
    now: Minute,
    delay_minutes: u32,
) -> Vec<Sample> {
    remap(snapshot, signals);
    let oldest_wanted = snapshot.seen_until.map_or(Minute(i64::MIN), |seen| seen + 1);
    let expected: Vec<bool> = signals
        .iter()
        .enumerate()
        .map(|(index, signal)| {
            let has = |sample: &Sample| sample.values[index].is_some();
            // What comes less often than once a minute is not waited for.
            signal.period_minutes() == 1 && (samples.iter().any(has) || has_come_lately(snapshot, index))
        })
        .collect();
    let mut shown = Vec::new();
    let mut fresh: Vec<Sample> =
        samples.into_iter().filter(|sample| sample.minute >= oldest_wanted && sample.minute < now).collect();
    fresh.sort_by_key(|sample| sample.minute);
    for mut sample in fresh {
        let has_any = sample.values.iter().any(Option::is_some);
        let complete = sample.values.iter().zip(&expected).all(|(value, expected)| value.is_some() || !expected);
        let waited = now - sample.minute > i64::from(delay_minutes) + PATIENCE_MINUTES;
        if !has_any {
            // Nothing is known of that minute; a later one may be.
            continue;
        }
        if !complete && !waited {
            break;
        }
        // The fleet's own count is exact; instances that have gone since report no more. Between two looks those that have
        // reported count, and without reports rather too many than too few.
        if let Some((least, most)) = snapshot.counts.within(sample.minute) {
            let serving = sample.serving.map_or(most.serving, |reported| reported.clamp(least.serving, most.serving));
            sample.serving = Some(serving);
            sample.total = Some(most.total().max(serving));
        }
        snapshot.seen_until = Some(sample.minute);
        snapshot.recent.push_back(sample.clone());
        shown.push(sample);
    }
    while snapshot.recent.len() > RECENT_SAMPLES {
        snapshot.recent.pop_front();
    }
    shown
}

/// Brings remembered samples into the order of the signals as they are configured now.
fn remap(snapshot: &mut Snapshot, signals: &[Signal]) {
    let names: Vec<String> = signals.iter().map(|signal| signal.name.clone()).collect();
    if snapshot.signals == names && snapshot.recent.iter().all(|sample| sample.values.len() == names.len()) {
        return;
    }
    let position = |name: &String| snapshot.signals.iter().position(|known| known == name);
    let positions: Vec<Option<usize>> = names.iter().map(position).collect();
    for sample in &mut snapshot.recent {
        let value = |position: &Option<usize>| position.and_then(|index| sample.values.get(index).copied().flatten());
        sample.values = positions.iter().map(value).collect();
    }
    snapshot.signals = names;
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::replay::standard_signals;

    fn sample(minute: i64, values: [Option<f64>; 2]) -> Sample {
        Sample { minute: Minute(minute), serving: Some(3), total: Some(3), values: values.to_vec() }
    }

    fn snapshot() -> (Snapshot, Vec<Signal>) {
        let signals = standard_signals()[..2].to_vec();
        let names = signals.iter().map(|signal| signal.name.clone()).collect();
        (Snapshot::empty(DateTime::UNIX_EPOCH, names), signals)
    }

    fn minutes(samples: &[Sample]) -> Vec<i64> {
        samples.iter().map(|sample| sample.minute.0).collect()
    }

    #[test]
    fn a_signal_that_was_away_is_seen_again_though_it_comes_later_than_the_others() {
        let (mut snapshot, signals) = snapshot();
        let mut shown_with_first = Vec::new();
        for now in 1..60 {
            let from = oldest_asked(&snapshot, &signals, Minute(now - 1), 1);
            // The second is there at once. The first comes two minutes later, and is away for a quarter of an hour.
            let is_there = |minute: i64| minute <= now - 3 && !(20..35).contains(&minute);
            let samples =
                (from.0.max(0)..now).map(|minute| sample(minute, [is_there(minute).then_some(1.0), Some(1.0)]));
            let shown = take_in(&mut snapshot, &signals, samples.collect(), Minute(now), 1);
            shown_with_first
                .extend(shown.iter().filter(|sample| sample.values[0].is_some()).map(|sample| sample.minute.0));
        }
        let missed: Vec<i64> =
            (0..57).filter(|minute| !(20..35).contains(minute) && !shown_with_first.contains(minute)).collect();
        assert!(missed.len() <= 4 && missed.iter().all(|minute| *minute < 40), "{missed:?}");
        let newest = snapshot.seen_until.expect("something was seen");
        assert_eq!(oldest_asked(&snapshot, &signals, Minute(59), 1), newest + 1, "nothing is asked for twice");
    }

    #[test]
    fn a_minute_is_shown_once() {
        let (mut snapshot, signals) = snapshot();
        let seen = vec![sample(1, [Some(1.0); 2]), sample(2, [Some(1.0); 2])];
        assert_eq!(minutes(&take_in(&mut snapshot, &signals, seen.clone(), Minute(4), 1)), [1, 2]);
        assert_eq!(minutes(&take_in(&mut snapshot, &signals, seen, Minute(5), 1)), [0; 0]);
    }

    #[test]
    fn a_minute_waits_for_a_signal_that_has_been_coming_but_not_for_ever() {
        let (mut snapshot, signals) = snapshot();
        take_in(&mut snapshot, &signals, vec![sample(1, [Some(1.0); 2])], Minute(3), 1);
        let half = || vec![sample(2, [Some(1.0), None]), sample(3, [Some(1.0); 2])];
        assert_eq!(minutes(&take_in(&mut snapshot, &signals, half(), Minute(4), 1)), [0; 0]);
        assert_eq!(minutes(&take_in(&mut snapshot, &signals, half(), Minute(6), 1)), [2, 3]);
    }

    #[test]
    fn a_minute_of_which_nothing_is_known_is_passed_over_not_taken_for_zero() {
        let (mut snapshot, signals) = snapshot();
        let gap = vec![sample(1, [Some(1.0); 2]), sample(2, [None; 2]), sample(3, [Some(1.0); 2])];
        assert_eq!(minutes(&take_in(&mut snapshot, &signals, gap, Minute(5), 1)), [1, 3]);
    }

    #[test]
    fn remembered_values_follow_their_names_when_signals_change() {
        let (mut snapshot, signals) = snapshot();
        take_in(&mut snapshot, &signals, vec![sample(1, [Some(1.0), Some(2.0)])], Minute(3), 1);
        let swapped = [signals[1].clone(), standard_signals()[2].clone(), signals[0].clone()];
        take_in(&mut snapshot, &swapped, Vec::new(), Minute(4), 1);
        assert_eq!(snapshot.recent[0].values, [Some(2.0), None, Some(1.0)]);
    }
}
