//! Whether what a group's signals say can be true together.
//!
//! Utilisation and request rate tell of the same load. Where one of them is zero, stands still, or is half of what the other
//! has always meant, one of the two is wrong, and nothing tells which. Then nothing is removed, and the one that claims
//! less is not shown to the engine: too much is the cheaper mistake. It has a bound: a utilisation that claims ever more
//! with every instance that is added, while nobody waits, is shown no larger than it was when that began.

use crate::model::{Group, Minute, Sample, Signal, SignalKind, SignalSource};
use crate::state::{Excess, Relation, Snapshot};

/// Samples after which the usual relation of rate and utilisation is known.
const LEARNT_AFTER: u32 = 10;
/// Weight of a new sample in the usual relation, once it is known.
const WEIGHT: f64 = 0.05;
/// How many times more or less than usual is still the same relation: requests differ from hour to hour.
const TOLERANCE: f64 = 1.5;
/// Only what is closer than this is learnt from: a lie within the tolerance must not become what is usual.
const LEARNS_WITHIN: f64 = 1.2;
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
/// A mean over instances that all stand still moves by no more than this share when others join them.
const BARELY_MOVES_BY: f64 = 0.01;
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
    /// The largest utilisation that may be shown, if it is bounded.
    most_utilisation: Option<f64>,
    why: String,
}

impl Contradiction {
    fn hiding(hidden: Vec<usize>, why: String) -> Self {
        Self { hidden, most_utilisation: None, why }
    }

    /// Takes what cannot be believed out of a sample.
    fn sift(&self, pair: &Pair, sample: &mut Sample) {
        self.hidden.iter().for_each(|index| sample.values[*index] = None);
        if let (Some(most), Some(told)) = (self.most_utilisation, &mut sample.values[pair.utilisation]) {
            *told = told.min(most * 100.0);
        }
    }
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
                found.sift(&pair, sample);
                doubt = Some(found);
                continue;
            }
            let Some(load) = pair.load(sample) else { continue };
            let until = (first_new + offset + 1).min(snapshot.recent.len());
            let before = snapshot.recent.range(until.saturating_sub(STILL_SAMPLES)..until);
            let lately: Vec<Load> = before.filter_map(|sample| pair.load(sample)).collect();
            let was_busy = snapshot.recent.iter().filter_map(|sample| pair.load(sample)).any(|load| load.is_busy());
            let found = if load.is_nothing() && was_busy && pair.is_processor {
                let why = format!("{} is zero, which no running instance is", name(group, pair.utilisation));
                Some(Contradiction::hiding(vec![pair.utilisation, pair.rate], why))
            } else {
                let nobody_waits = nobody_waits(group, sample, load);
                contradiction(&pair, group, load, &lately, &mut snapshot.relation, (sample.minute, nobody_waits))
            };
            if let Some(found) = &found {
                found.sift(&pair, sample);
            }
            doubt = found;
        }
        if new.is_empty() && snapshot.relation.is_some_and(|relation| relation.broken_since.is_some()) {
            doubt = Some(Contradiction::hiding(Vec::new(), usual(group, &pair)));
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
    Some(Contradiction::hiding(hidden, why))
}

/// Whether latencies and queues say that the group does well: at least one of them does, and none says otherwise.
fn nobody_waits(group: &Group, sample: &Sample, load: Load) -> bool {
    let is_well = |(signal, value): (&Signal, &Option<f64>)| match signal.kind {
        SignalKind::LatencyMs => Some((*value)? <= group.policy.slo_ms),
        // Less than a second's work waits.
        SignalKind::QueueLength => Some((*value)? <= load.rate),
        SignalKind::Utilisation | SignalKind::Percent | SignalKind::RatePerSecond => None,
    };
    let told: Vec<bool> = group.signals.iter().zip(&sample.values).filter_map(is_well).collect();
    !told.is_empty() && told.into_iter().all(|is_well| is_well)
}

/// What speaks against this minute, given those before it. Learns the usual relation from what is sound.
fn contradiction(
    pair: &Pair,
    group: &Group,
    load: Load,
    lately: &[Load],
    relation: &mut Option<Relation>,
    (minute, nobody_waits): (Minute, bool),
) -> Option<Contradiction> {
    let (utilisation, rate) = (name(group, pair.utilisation), name(group, pair.rate));
    let against = |index, why| Some(Contradiction::hiding(vec![index], why));
    if load.utilisation <= 0.0 && load.rate > 0.0 {
        return against(pair.utilisation, format!("{utilisation} is zero while {rate} is {}", load.rate));
    }
    if load.rate <= 0.0 {
        let busy = load.utilisation >= BUSY_UTILISATION;
        let why = || format!("{rate} is zero while {utilisation} is {:.0} %", load.utilisation * 100.0);
        return if busy { against(pair.rate, why()) } else { None };
    }
    let still = |of: fn(&Load) -> f64| lately.windows(2).all(|pair| of(&pair[0]) == of(&pair[1]));
    let moves_by = |share: f64, of: fn(&Load) -> f64| {
        let least = lately.iter().map(of).fold(f64::INFINITY, f64::min);
        lately.iter().map(of).fold(0.0, f64::max) > least * (1.0 + share)
    };
    let moves = |of: fn(&Load) -> f64| moves_by(MOVES_BY, of);
    let work = |load: &Load| load.utilisation * load.serving;
    let claims_less = |usual: f64| if load.rate / usual < work(&load) { pair.rate } else { pair.utilisation };
    let per_busy = load.rate / work(&load);
    let known = relation.filter(|known| known.samples >= LEARNT_AFTER);
    let may_be_stuck = lately.len() >= STILL_SAMPLES && load.utilisation < FULL_UTILISATION;
    // A utilisation that stays the same while instances are added claims ever more: neither of the two is shown.
    let both = |why| Some(Contradiction::hiding(vec![pair.utilisation, pair.rate], why));
    let both_are_still = may_be_stuck && !moves_by(BARELY_MOVES_BY, |load| load.utilisation) && still(|load| load.rate);
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
        *relation = Some(Relation { work_per_second: mean, samples: samples + 1, broken_since: None, excess: None });
        return None;
    };
    let known = relation.as_mut()?;
    let is_within = |times: f64| per_busy <= usual_work * times && per_busy * times >= usual_work;
    if is_within(TOLERANCE) {
        if is_within(LEARNS_WITHIN) {
            known.work_per_second += WEIGHT * (per_busy - usual_work);
        }
        (known.broken_since, known.excess) = (None, None);
        return None;
    }
    let since = *known.broken_since.get_or_insert(minute);
    if minute - since > BELIEVED_AFTER_MINUTES {
        *known = Relation { work_per_second: per_busy, samples: LEARNT_AFTER, broken_since: None, excess: None };
        return None;
    }
    if both_are_still {
        return both(usual(group, pair));
    }
    let hidden = claims_less(usual_work);
    let most_utilisation = (hidden == pair.rate).then(|| {
        let excess = known.excess.get_or_insert(Excess { serving: load.serving, work_per_second: per_busy });
        if load.serving <= excess.serving {
            excess.work_per_second = excess.work_per_second.min(per_busy);
        }
        load.rate / excess.work_per_second.min(usual_work) / load.serving
    });
    Some(Contradiction {
        most_utilisation: most_utilisation.filter(|_| nobody_waits),
        ..Contradiction::hiding(vec![hidden], usual(group, pair))
    })
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
#[path = "plausible_tests.rs"]
mod tests;
