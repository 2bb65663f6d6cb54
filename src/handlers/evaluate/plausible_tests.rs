use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::config::Config;

const CPU: usize = 0;
const QUEUE: usize = 2;
const RATE: usize = 3;

fn group() -> Group {
    let bundled = include_bytes!("../../cli/local/demo.json");
    Config::parse(bundled).expect("the bundled configuration").groups.remove(0)
}

fn snapshot(group: &Group) -> Snapshot {
    let names = group.signals.iter().map(|signal| signal.name.clone()).collect();
    Snapshot::empty(DateTime::UNIX_EPOCH, names)
}

/// Eight instances, each worth ten requests a second, under this load; what they report is `told`.
fn sample(minute: i64, rate: f64, told: impl Fn(&mut Vec<Option<f64>>)) -> Sample {
    let mut values = vec![Some(rate / 80.0 * 100.0), Some(500.0 + rate), Some(0.0), Some(rate)];
    told(&mut values);
    Sample { minute: Minute(minute), serving: Some(8), total: Some(8), values }
}

/// Shows the samples one by one, as evaluations do; gives the last doubts and the last sample as the engine sees it.
fn shown(snapshot: &mut Snapshot, group: &Group, samples: impl IntoIterator<Item = Sample>) -> (Vec<String>, Sample) {
    let mut last = None;
    for sample in samples {
        snapshot.recent.push_back(sample.clone());
        let mut new = [sample];
        let doubts = sift(snapshot, group, &mut new);
        let [sample] = new;
        last = Some((doubts, sample));
    }
    last.expect("at least one sample")
}

/// A load that is never the same twice.
fn load(minute: i64) -> f64 {
    40.0 + 10.0 * (minute as f64 / 7.0).sin()
}

fn learnt(group: &Group) -> Snapshot {
    let mut snapshot = snapshot(group);
    let (doubts, _) = shown(&mut snapshot, group, (0..30).map(|minute| sample(minute, load(minute), |_| {})));
    assert_eq!(doubts, Vec::<String>::new());
    snapshot
}

#[test]
fn utilisation_that_is_zero_beside_a_rate_is_doubted_and_not_shown() {
    let group = group();
    let (doubts, shown) = shown(&mut snapshot(&group), &group, [sample(0, 40.0, |values| values[CPU] = Some(0.0))]);
    assert_eq!(doubts, ["cpu is zero while requests is 40"]);
    assert_eq!((shown.values[CPU], shown.values[RATE]), (None, Some(40.0)));
}

#[test]
fn a_rate_that_is_zero_beside_busy_instances_is_doubted_and_beside_idle_ones_is_not() {
    let group = group();
    let zero_rate = |load: f64| sample(0, load, |values| values[RATE] = Some(0.0));
    let (doubts, shown_sample) = shown(&mut snapshot(&group), &group, [zero_rate(40.0)]);
    assert_eq!(doubts, ["requests is zero while cpu is 50 %"]);
    assert_eq!(shown_sample.values[RATE], None);
    assert_eq!(shown(&mut snapshot(&group), &group, [zero_rate(4.0)]).0, Vec::<String>::new());
}

#[test]
fn a_load_that_is_gone_on_every_processor_at_once_is_doubted_for_as_long_as_it_is_remembered() {
    let group = group();
    let nothing = |minute| sample(minute, 0.0, |values| values[1] = Some(0.0));
    let (doubts, shown_sample) = shown(&mut learnt(&group), &group, (30..50).map(nothing));
    assert_eq!(doubts, ["cpu is zero, which no running instance is"]);
    assert_eq!((shown_sample.values[CPU], shown_sample.values[RATE]), (None, None));
    assert_eq!(shown(&mut snapshot(&group), &group, (0..50).map(nothing)).0, Vec::<String>::new());
}

#[test]
fn signals_that_no_longer_go_together_are_doubted_and_the_one_that_claims_more_is_shown() {
    let group = group();
    for (factor, hidden, kept) in [(0.4, CPU, RATE), (1.9, RATE, CPU)] {
        let wrong =
            |minute| sample(minute, load(minute), |values| values[CPU] = values[CPU].map(|value| value * factor));
        let (doubts, sample) = shown(&mut learnt(&group), &group, (30..40).map(wrong));
        assert!(doubts[0].contains("do not go together"), "{doubts:?}");
        assert!(sample.values[hidden].is_none() && sample.values[kept].is_some());
    }
}

#[test]
fn a_relation_that_has_held_for_six_hours_is_believed() {
    let group = group();
    let faster = |minute| sample(minute, load(minute), |values| values[CPU] = values[CPU].map(|value| value / 2.0));
    let mut snapshot = learnt(&group);
    assert!(!shown(&mut snapshot, &group, (30..380).map(faster)).0.is_empty());
    assert_eq!(shown(&mut snapshot, &group, (380..400).map(faster)).0, Vec::<String>::new());
}

#[test]
fn a_rate_that_no_group_of_this_size_could_be_sent_is_not_shown() {
    let group = group();
    for utilisation in [Some(40.0), Some(100.0), None] {
        let absurd = sample(30, 40.0, |values| (values[CPU], values[RATE]) = (utilisation, Some(1e12)));
        let (doubts, seen) = shown(&mut learnt(&group), &group, [absurd]);
        assert!(doubts[0].contains("more than 100 times"), "{doubts:?}");
        assert_eq!((seen.values[CPU], seen.values[RATE]), (utilisation, None));
    }
    let flood = sample(30, 40.0, |values| (values[CPU], values[RATE]) = (Some(100.0), Some(2_000.0)));
    assert_eq!(shown(&mut learnt(&group), &group, [flood]).1.values[RATE], Some(2_000.0));
}

#[test]
fn a_queue_that_could_not_be_worked_off_in_a_day_is_not_shown() {
    let group = group();
    let absurd = sample(30, 40.0, |values| values[QUEUE] = Some(1e12));
    let (doubts, seen) = shown(&mut learnt(&group), &group, [absurd]);
    assert!(doubts[0].contains("work off in a day"), "{doubts:?}");
    assert_eq!(seen.values[QUEUE], None);
    let long = sample(30, 40.0, |values| values[QUEUE] = Some(50_000.0));
    assert_eq!(shown(&mut learnt(&group), &group, [long]).1.values[QUEUE], Some(50_000.0));
}

#[test]
fn a_number_that_cannot_be_is_doubted_and_not_shown() {
    let group = group();
    for (index, value) in [(CPU, 1e12), (CPU, -1.0), (1, 1e12), (1, f64::NAN), (2, -3.0), (RATE, -1.0)] {
        let odd = sample(30, 40.0, |values| values[index] = Some(value));
        let (doubts, seen) = shown(&mut learnt(&group), &group, [odd]);
        assert!(doubts[0].contains("cannot be"), "{doubts:?}");
        assert_eq!(seen.values.iter().filter(|value| value.is_none()).count(), 1, "{seen:?}");
        assert_eq!(seen.values[index], None);
    }
}

#[test]
fn what_stands_still_while_the_other_moves_is_doubted() {
    let group = group();
    for stuck in [CPU, RATE] {
        let still = |minute| sample(minute, load(minute), |values| values[stuck] = Some(45.0));
        let (doubts, sample) = shown(&mut learnt(&group), &group, (30..38).map(still));
        assert!(doubts[0].contains("stands still"), "{doubts:?}");
        assert_eq!(sample.values[stuck], None);
    }
}

#[test]
fn a_group_whose_signals_all_stop_moving_is_doubted_and_a_full_one_is_not() {
    let group = group();
    let still = |minute| sample(minute, 40.0, |_| {});
    let mut snapshot = learnt(&group);
    let (doubts, seen) = shown(&mut snapshot, &group, (30..150).map(still));
    assert!(doubts[0].contains("no signal has moved"), "for as long as it lasts: {doubts:?}");
    assert!(seen.values.iter().all(Option::is_none), "and nothing is learnt from it");
    assert_eq!(shown(&mut snapshot, &group, [sample(150, 41.0, |_| {})]).0, Vec::<String>::new());
    let full = |minute| sample(minute, 80.0, |values| values[1] = Some(900.0 + minute as f64));
    assert_eq!(shown(&mut learnt(&group), &group, (30..45).map(full)).0, Vec::<String>::new());
}

#[test]
fn a_stuck_utilisation_does_not_claim_more_with_every_instance_that_is_added() {
    let group = group();
    let stuck = |minute: i64| Sample {
        serving: Some(if minute < 34 { 8 } else { 16 }),
        values: vec![Some(70.0), Some(500.0 + minute as f64), Some(0.0), Some(56.0)],
        ..sample(minute, 56.0, |_| {})
    };
    let mut snapshot = learnt(&group);
    shown(&mut snapshot, &group, (30..34).map(stuck));
    for minute in 34..45 {
        let (doubts, seen) = shown(&mut snapshot, &group, [stuck(minute)]);
        assert!(!doubts.is_empty(), "{minute}");
        assert_eq!((seen.values[CPU], seen.values[RATE]), (None, None), "{minute}: {doubts:?}");
    }
}

#[test]
fn a_load_that_has_always_stood_still_is_believed() {
    let group = group();
    let steps = |minute| sample(minute, if minute < 20 { 60.0 } else { 40.0 }, |_| {});
    assert_eq!(shown(&mut snapshot(&group), &group, (0..55).map(steps)).0, Vec::<String>::new());
}

proptest! {
    /// Requests that cost half as much or half more than usual, instances that come and go: no contradiction.
    #[test]
    fn an_honest_group_is_never_doubted(
        minutes in proptest::collection::vec((1.0f64..70.0, 0.85f64..1.15, 4u32..12), 1..80),
    ) {
        let group = group();
        let mut snapshot = snapshot(&group);
        let honest = minutes.iter().enumerate().map(|(minute, &(rate, cost, serving))| {
            let utilisation = (rate * cost / (10.0 * f64::from(serving))).min(1.0) * 100.0;
            let served = rate.min(10.0 * f64::from(serving) / cost);
            let values = vec![Some(utilisation), Some(500.0 + rate), Some(0.0), Some(served)];
            Sample { minute: Minute(minute as i64), serving: Some(serving), total: Some(serving), values }
        });
        for sample in honest {
            let (doubts, seen) = shown(&mut snapshot, &group, [sample.clone()]);
            prop_assert!(doubts.is_empty(), "{doubts:?}");
            prop_assert_eq!(seen, sample);
        }
    }
}

/// As [`sample`], of more instances and with an upside-down utilisation, which rises with every instance.
fn upside_down(minute: i64, serving: u32, latency_ms: f64) -> Sample {
    let mut sample = sample(minute, load(minute), |_| {});
    let truth = load(minute) / f64::from(serving * 10) * 100.0;
    sample.serving = Some(serving);
    (sample.values[CPU], sample.values[1]) = (Some(100.0 - truth), Some(latency_ms));
    sample
}

#[test]
fn a_utilisation_that_claims_more_with_every_instance_is_bounded_while_nobody_waits() {
    let group = group();
    let mut snapshot = learnt(&group);
    shown(&mut snapshot, &group, [sample(30, load(30), |values| values[CPU] = Some(80.0))]);
    for (minute, serving) in (31..).zip([8, 8, 16, 40, 200, 1000]) {
        let (doubts, seen) = shown(&mut snapshot, &group, [upside_down(minute, serving, 500.0)]);
        let busy = seen.values[CPU].expect("what claims more is shown") / 100.0 * f64::from(serving);
        assert!(busy < 10.0, "{busy} of {serving} instances are taken to be busy, eight would do");
        assert!(!doubts.is_empty());
    }
}

#[test]
fn a_utilisation_that_claims_more_is_shown_as_it_is_while_requests_wait() {
    let group = group();
    let mut snapshot = learnt(&group);
    for (minute, serving) in (30..).zip([8, 16, 40]) {
        let told = upside_down(minute, serving, 2500.0);
        let (_, seen) = shown(&mut snapshot, &group, [told.clone()]);
        assert_eq!(seen.values[CPU], told.values[CPU]);
    }
}

#[test]
fn signals_that_stand_still_on_every_instance_claim_nothing_when_others_join() {
    let group = group();
    let mut snapshot = learnt(&group);
    for (minute, serving) in (30..).zip([8, 8, 8, 10, 10, 14, 14, 20, 20, 20, 20, 28, 28]) {
        let mut stuck = sample(minute, 60.0, |_| {});
        stuck.serving = Some(serving);
        // Others join with values of their own.
        stuck.values[CPU] = Some(75.0 + f64::from(serving) / 100.0);
        let (_, seen) = shown(&mut snapshot, &group, [stuck]);
        let busy = seen.values[CPU].unwrap_or_default() / 100.0 * f64::from(serving);
        assert!(busy < 10.0, "{busy} of {serving} instances are taken to be busy, six are");
    }
}
