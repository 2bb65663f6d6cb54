//! What load was offered, in instances, from what is visible of a group.

use serde::{Deserialize, Serialize};

use super::Floor;
use crate::model::{Sample, Signal, SignalKind};

/// Busy to this share, a group may hide work.
const SATURATED: f64 = 0.98;
/// A queue of this many seconds of service is full: what it turns away is not seen.
const FULL_QUEUE_SECONDS: f64 = 0.98 * 30.0;
/// Capacities that are kept for the running median.
const KEPT_CAPACITIES: usize = 31;
/// Least utilisation from which a capacity is concluded.
const LEAST_UTILISATION: f64 = 0.05;

/// What one sample says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Demand {
    /// The load was this.
    Exactly(f64),
    /// Work was turned away: the load was at least this.
    AtLeast(f64),
}

/// Turns samples into demand in instances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct DemandEstimator {
    /// Work per second of one instance in the newest minutes that showed it.
    capacities: Vec<f64>,
    next: usize,
    /// Queue at the end of the sample before, with its minute.
    queue: Option<(i64, f64)>,
}

impl DemandEstimator {
    /// Work per second of one instance, as far as known. `told` wins over what was learnt.
    pub(crate) fn capacity(&self, told: Option<f64>) -> Option<f64> {
        told.or_else(|| {
            let mut known = [0.0; KEPT_CAPACITIES];
            let count = self.capacities.len().min(KEPT_CAPACITIES);
            let known = &mut known[..count];
            known.copy_from_slice(&self.capacities[..count]);
            (count > 0).then(|| *known.select_nth_unstable_by(count / 2, f64::total_cmp).1)
        })
    }

    /// What `sample` says, or nothing if it shows neither utilisation nor rate. An instance is saturated at `most` of its
    /// capacity.
    pub(crate) fn estimate(
        &mut self,
        signals: &[Signal],
        sample: &Sample,
        told: Option<f64>,
        target: Option<&str>,
        most: f64,
    ) -> Option<Demand> {
        let serving = f64::from(sample.serving?);
        if serving <= 0.0 {
            return None;
        }
        let value = |kind| first_of(signals, sample, kind, None);
        let utilisation = first_of(signals, sample, SignalKind::Utilisation, target).map(|per_cent| per_cent / 100.0);
        let rate = value(SignalKind::RatePerSecond);
        let queue = value(SignalKind::QueueLength);
        if let (Some(utilisation), Some(rate)) = (utilisation, rate)
            && utilisation >= LEAST_UTILISATION
            && rate > 0.0
        {
            self.learn_capacity(rate / (utilisation * serving));
        }
        let capacity = self.capacity(told);
        let served = match (rate, utilisation, capacity) {
            (Some(rate), _, Some(capacity)) => rate / capacity,
            (_, Some(utilisation), _) => utilisation * serving,
            _ => return None,
        };
        let grown = match (queue, self.queue, capacity) {
            (Some(queue), Some((minute, before)), Some(capacity)) if minute + 1 == sample.minute.0 => {
                (queue - before) / (60.0 * capacity)
            }
            _ => 0.0,
        };
        self.queue = queue.map(|queue| (sample.minute.0, queue));
        let demand = (served + grown).max(0.0);
        let full = match (queue, capacity) {
            (Some(queue), Some(capacity)) => queue >= FULL_QUEUE_SECONDS * serving * capacity,
            _ => utilisation.unwrap_or(served / serving) >= SATURATED * most,
        };
        Some(if full { Demand::AtLeast(demand) } else { Demand::Exactly(demand) })
    }

    fn learn_capacity(&mut self, capacity: f64) {
        if !capacity.is_finite() || capacity <= 0.0 {
            return;
        }
        if self.capacities.len() < KEPT_CAPACITIES {
            self.capacities.push(capacity);
        } else {
            self.capacities[self.next % KEPT_CAPACITIES] = capacity;
        }
        self.next = (self.next + 1) % KEPT_CAPACITIES;
    }
}

/// The first signal of a kind that has a value; `name` first, if given.
pub(super) fn first_of(signals: &[Signal], sample: &Sample, kind: SignalKind, name: Option<&str>) -> Option<f64> {
    let of_kind = || signals.iter().zip(&sample.values).filter(|(signal, _)| signal.kind == kind);
    let named = name.and_then(|name| of_kind().find(|(signal, _)| signal.name == name));
    named.or_else(|| of_kind().next()).and_then(|(_, value)| *value).filter(|value| value.is_finite() && *value >= 0.0)
}

/// Counts that the other utilisation signals need: each in proportion to what it is over its own threshold.
pub(super) fn floors(signals: &[Signal], sample: &Sample, target: Option<&str>) -> Vec<Floor> {
    let Some(serving) = sample.serving else { return Vec::new() };
    let utilisations =
        || signals.iter().zip(&sample.values).filter(|(signal, _)| signal.kind == SignalKind::Utilisation);
    let demanded = target
        .filter(|name| utilisations().any(|(signal, _)| signal.name == **name))
        .or_else(|| utilisations().next().map(|(signal, _)| signal.name.as_str()));
    utilisations()
        .filter(|(signal, _)| Some(signal.name.as_str()) != demanded)
        .filter_map(|(signal, value)| Some((signal, (*value)?, signal.scale_out?)))
        .filter(|(_, value, scale_out)| *scale_out > 0.0 && value > scale_out && value.is_finite())
        .map(|(signal, value, scale_out)| Floor {
            signal: signal.name.clone(),
            value,
            scale_out,
            instances: (f64::from(serving) * (value / scale_out).min(2.0)).ceil() as u32,
        })
        .collect()
}
