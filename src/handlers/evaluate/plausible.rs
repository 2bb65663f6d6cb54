//! Whether what a group's signals say can be true together.
//!
//! Utilisation and request rate tell of the same load. Where one of them is zero, stands still, or is half of what the other
//! has always meant, one of the two is wrong, and nothing tells which. Then nothing is removed, and the one that claims
//! less is not shown to the engine: too much is the cheaper mistake.

use crate::model::{Group, Minute, Sample, Signal, SignalKind, SignalSource};
use crate::state::{Relation, Snapshot};

/// Samples after which the usual relation of rate and utilisation is known.
const LEARNT_AFTER: u32 = 10;
/// Weight of a new sample in the usual relation, once it is known.
const WEIGHT: f64 = 0.05;
/// How many times more or less than usual is still the same relation: requests differ from hour to hour.
const TOLERANCE: f64 = 1.5;
/// A relation that has held for so long is the new one: another version of the service was deployed.
const BELIEVED_AFTER_MINUTES: i64 = 360;
/// Under this utilisation an instance's own housekeeping hides the load.
const LEAST_UTILISATION: f64 = 0.05;
/// Above this utilisation somebody must have sent requests.
const BUSY_UTILISATION: f64 = 0.2;
/// A full group's utilisation may stand still.
const FULL_UTILISATION: f64 = 0.98;
/// Samples in which a signal that measures something moves by at least a little ...
const STILL_SAMPLES: usize = 3;
/// ... while the other one moves by more than this share ...
const MOVES_BY: f64 = 0.03;
/// ... or in which at least one signal of several does: three times the same to the last digit, of all of them at once,
/// happens to nothing that is measured.
const ALL_STILL_SAMPLES: usize = 3;
/// Movements after which a signal is known to move.
const KNOWN_MOVEMENTS: usize = 10;

/// A share of more than this many per cent is a mistake. Rounding and odd units stay below it.
const MOST_PER_CENT: f64 = 200.0;
/// No request has waited for longer than a day.
const LONGEST_MS: f64 = 86_400_000.0;
/// More work a second than this many times what all instances could do is no load but a mistake.
const ABSURD_MULTIPLE: f64 = 100.0;

/// What the two signals of one minute say.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Load {
    /// Share of the capacity that is used, 0 to 1.
    utilisation: f64,
    /// Work per second.
    rate: f64,
    serving: f64,
}

/// Which signals cannot be believed, and why.
#[derive(Clone, Debug, PartialEq)]
struct Contradiction {
    /// Positions of those that claim too little.
    hidden: Vec<usize>,
    why: String,
}

impl Load {
    fn is_busy(&self) -> bool {
        self.utilisation >= LEAST_UTILISATION
    }

    fn is_nothing(&self) -> bool {
        self.utilisation <= 0.0 && self.rate <= 0.0
    }
}

/// Positions of the two signals among the group's, where it has both and both come every minute.
struct Pair {
    utilisation: usize,
    rate: usize,
    /// Whether it is the utilisation of processors, which an operating system never leaves wholly idle.
    is_processor: bool,
}

impl Pair {
    fn of(group: &Group) -> Option<Self> {
        let (utilisation, signal) = group.load_signal()?;
        let every_minute = |signal: &Signal| signal.period_minutes() == 1;
        let is_rate = |signal: &&Signal| signal.kind == SignalKind::RatePerSecond && every_minute(signal);
        let rate = group.signals.iter().position(|signal| is_rate(&signal))?;
        let is_processor =
            matches!(&signal.source, SignalSource::CloudEye(source) if source.metric.to_lowercase().contains("cpu"));
        (signal.kind == SignalKind::Utilisation && every_minute(signal)).then_some(Self {
            utilisation,
            rate,
            is_processor,
        })
    }

    fn load(&self, sample: &Sample) -> Option<Load> {
        let value = |index: usize| sample.values.get(index).copied().flatten().filter(|value| value.is_finite());
        let load = Load {
            utilisation: value(self.utilisation)? / 100.0,
            rate: value(self.rate)?,
            serving: f64::from(sample.serving?),
        };
        (load.serving > 0.0).then_some(load)
    }
}

/// Takes what can not be believed out of the new samples, and says what is doubtful about the newest one.
pub(super) fn sift(snapshot: &mut Snapshot, group: &Group, new: &mut [Sample]) -> Vec<String> {
    let mut impossible = None;
    for sample in new.iter_mut() {
        for (signal, value) in group.signals.iter().zip(&mut sample.values) {
            if let Some(told) = value.take_if(|value| cannot_be(signal.kind, *value)) {
                impossible = Some(format!("{} is {told:.0}, which it cannot be", signal.name));
            }
        }
    }
    let mut doubt = None;
    if let Some(pair) = Pair::of(group) {
        let first_new = snapshot.recent.len().saturating_sub(new.len());
        for (offset, sample) in new.iter_mut().enumerate() {
            if let Some(found) = absurd(&pair, group, sample, snapshot.relation) {
                found.hidden.iter().for_each(|index| sample.values[*index] = None);
                doubt = Some(found);
                continue;
            }
            let Some(load) = pair.load(sample) else { continue };
            let until = (first_new + offset + 1).min(snapshot.recent.len());
            let before = snapshot.recent.range(until.saturating_sub(STILL_SAMPLES)..until);
            let lately: Vec<Load> = before.filter_map(|sample| pair.load(sample)).collect();
            let was_busy = snapshot.recent.iter().filter_map(|sample| pair.load(sample)).any(|load| load.is_busy());
            let found = if load.is_nothing() && was_busy && pair.is_processor {
                Some(Contradiction {
                    hidden: vec![pair.utilisation, pair.rate],
                    why: format!("{} is zero, which no running instance is", name(group, pair.utilisation)),
                })
            } else {
                contradiction(&pair, group, load, &lately, &mut snapshot.relation, sample.minute)
            };
            if let Some(found) = &found {
                found.hidden.iter().for_each(|index| sample.values[*index] = None);
            }
            doubt = found;
        }
        if new.is_empty() && snapshot.relation.is_some_and(|relation| relation.broken_since.is_some()) {
            doubt = Some(Contradiction { hidden: Vec::new(), why: usual(group, &pair) });
        }
    }
    snapshot.frozen = all_stand_still(snapshot, group);
    if snapshot.frozen {
        // An engine that is shown them learns a load that is always the same, and keeps no reserve for another one.
        new.iter_mut().for_each(|sample| sample.values.fill(None));
    }
    let standing = snapshot.frozen.then(|| format!("no signal has moved at all for {ALL_STILL_SAMPLES} minutes"));
    doubt.map(|found| found.why).into_iter().chain(impossible).chain(standing).collect()
}

fn name(group: &Group, index: usize) -> &str {
    &group.signals[index].name
}

fn usual(group: &Group, pair: &Pair) -> String {
    format!(
        "{} and {} do not go together as they used to: one of them is wrong",
        name(group, pair.utilisation),
        name(group, pair.rate)
    )
}

/// A number that no signal of that kind can have.
fn cannot_be(kind: SignalKind, value: f64) -> bool {
    let most = match kind {
        SignalKind::Utilisation | SignalKind::Percent => MOST_PER_CENT,
        SignalKind::LatencyMs => LONGEST_MS,
        SignalKind::QueueLength | SignalKind::RatePerSecond => f64::MAX,
    };
    !(0.0..=most).contains(&value)
}

/// A rate that no group of this size could ever be sent, or a queue that it could not work off in a day, whatever the
/// utilisation beside it says, or if it says nothing.
fn absurd(pair: &Pair, group: &Group, sample: &Sample, relation: Option<Relation>) -> Option<Contradiction> {
    let known = relation.filter(|relation| relation.samples >= LEARNT_AFTER)?;
    let capacity = known.work_per_second * f64::from(sample.serving?.max(1));
    let most = |signal: &Signal| match signal.kind {
        SignalKind::RatePerSecond => ABSURD_MULTIPLE * capacity,
        SignalKind::QueueLength => LONGEST_MS / 1000.0 * capacity,
        SignalKind::Utilisation | SignalKind::Percent | SignalKind::LatencyMs => f64::INFINITY,
    };
    let is_beyond = |index: &usize| sample.values[*index].is_some_and(|value| value > most(&group.signals[*index]));
    let queues = group.signals.iter().enumerate().filter(|(_, signal)| signal.kind == SignalKind::QueueLength);
    let hidden: Vec<usize> =
        std::iter::once(pair.rate).chain(queues.map(|(index, _)| index)).filter(is_beyond).collect();
    let first = *hidden.first()?;
    let (told, signal) = (sample.values[first].unwrap_or_default(), name(group, first));
    let why = match group.signals[first].kind {
        SignalKind::QueueLength => format!("{signal} is {told:.0}, more than all instances could work off in a day"),
        _ => format!("{signal} is {told:.0}, more than {ABSURD_MULTIPLE} times what all instances can do"),
    };
    Some(Contradiction { hidden, why })
}

/// What speaks against this minute, given those before it. Learns the usual relation from what is sound.
fn contradiction(
    pair: &Pair,
    group: &Group,
    load: Load,
    lately: &[Load],
    relation: &mut Option<Relation>,
    minute: Minute,
) -> Option<Contradiction> {
    let (utilisation, rate) = (name(group, pair.utilisation), name(group, pair.rate));
    let against = |index, why| Some(Contradiction { hidden: vec![index], why });
    if load.utilisation <= 0.0 && load.rate > 0.0 {
        return against(pair.utilisation, format!("{utilisation} is zero while {rate} is {}", load.rate));
    }
    if load.rate <= 0.0 {
        let busy = load.utilisation >= BUSY_UTILISATION;
        let why = || format!("{rate} is zero while {utilisation} is {:.0} %", load.utilisation * 100.0);
        return if busy { against(pair.rate, why()) } else { None };
    }
    let still = |of: fn(&Load) -> f64| lately.windows(2).all(|pair| of(&pair[0]) == of(&pair[1]));
    let moves = |of: fn(&Load) -> f64| {
        let least = lately.iter().map(of).fold(f64::INFINITY, f64::min);
        lately.iter().map(of).fold(0.0, f64::max) > least * (1.0 + MOVES_BY)
    };
    let work = |load: &Load| load.utilisation * load.serving;
    let claims_less = |usual: f64| if load.rate / usual < work(&load) { pair.rate } else { pair.utilisation };
    let per_busy = load.rate / work(&load);
    let known = relation.filter(|known| known.samples >= LEARNT_AFTER);
    let may_be_stuck = lately.len() >= STILL_SAMPLES && load.utilisation < FULL_UTILISATION;
    // A utilisation that stays the same while instances are added claims ever more: neither of the two is shown.
    let both = |why| Some(Contradiction { hidden: vec![pair.utilisation, pair.rate], why });
    let both_are_still = may_be_stuck && still(|load| load.utilisation) && still(|load| load.rate);
    if both_are_still && moves(|load| load.serving) {
        return both(format!("{utilisation} and {rate} stand still while the number of instances changes"));
    }
    if may_be_stuck {
        let stuck = if still(|load| load.utilisation) && moves(|load| load.rate / load.serving) {
            Some((pair.utilisation, utilisation))
        } else if still(|load| load.rate) && moves(|load| load.utilisation * load.serving) {
            Some((pair.rate, rate))
        } else {
            None
        };
        if let Some((index, stuck)) = stuck {
            return against(index, format!("{stuck} stands still while the other signal moves"));
        }
    }
    if load.utilisation < LEAST_UTILISATION {
        return None;
    }
    let Some(usual_work) = known.map(|known| known.work_per_second) else {
        let samples = relation.map_or(0, |relation| relation.samples);
        let before = relation.map_or(0.0, |relation| relation.work_per_second);
        let mean = (before * f64::from(samples) + per_busy) / f64::from(samples + 1);
        *relation = Some(Relation { work_per_second: mean, samples: samples + 1, broken_since: None });
        return None;
    };
    let known = relation.as_mut()?;
    if per_busy <= usual_work * TOLERANCE && per_busy * TOLERANCE >= usual_work {
        known.work_per_second += WEIGHT * (per_busy - usual_work);
        known.broken_since = None;
        return None;
    }
    let since = *known.broken_since.get_or_insert(minute);
    if minute - since > BELIEVED_AFTER_MINUTES {
        *known = Relation { work_per_second: per_busy, samples: LEARNT_AFTER, broken_since: None };
        return None;
    }
    if both_are_still { both(usual(group, pair)) } else { against(claims_less(usual_work), usual(group, pair)) }
}

/// Whether everything that comes every minute and is not zero has been the same to the last digit for some minutes, though
/// it has always moved before, and there are at least two such signals.
fn all_stand_still(snapshot: &Snapshot, group: &Group) -> bool {
    let Some(before) = snapshot.recent.len().checked_sub(ALL_STILL_SAMPLES) else { return false };
    let mut standing = 0;
    for (index, signal) in group.signals.iter().enumerate() {
        let value = |sample: &Sample| sample.values.get(index).copied().flatten();
        let Some(first) = snapshot.recent.get(before).and_then(value) else { continue };
        if signal.period_minutes() > 1 || first == 0.0 {
            continue;
        }
        if snapshot.recent.range(before..).any(|sample| value(sample) != Some(first)) {
            return false;
        }
        let earlier: Vec<f64> = snapshot.recent.range(..before).filter_map(value).collect();
        let moved = earlier.windows(2).filter(|pair| pair[0] != pair[1]).count();
        standing += usize::from(snapshot.frozen || moved >= KNOWN_MOVEMENTS && 5 * moved >= 4 * (earlier.len() - 1));
    }
    standing >= 2
}

#[cfg(test)]
mod tests {
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
    fn shown(
        snapshot: &mut Snapshot,
        group: &Group,
        samples: impl IntoIterator<Item = Sample>,
    ) -> (Vec<String>, Sample) {
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
}
