//! What of a week is worth knowing.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Group, Order, SignalKind};
use crate::records::{Happening, HistoryMinute};

/// Slow minutes after each other that are worth a word.
const LONG_SLOWNESS_MINUTES: usize = 5;
/// Minutes of which nothing is known that are worth a word.
const LONG_SILENCE_MINUTES: i64 = 10;
/// Losses within so many minutes are one.
const ONE_LOSS_MINUTES: i64 = 15;
/// Most that is told.
const MOST: usize = 40;

/// Something worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notable {
    /// When it began.
    pub time: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub what: NotableKind,
}

/// What is worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotableKind {
    /// Response times were over the objective.
    Slow {
        /// For how long.
        minutes: usize,
        /// The slowest minute's mean.
        worst_ms: f64,
    },
    /// Spot instances were taken away.
    SpotLoss {
        /// How many.
        instances: usize,
    },
    /// A person gave an order.
    Order {
        /// What.
        order: Order,
        /// Who.
        who: String,
    },
    /// An alarm or a reclaim called for more.
    Call {
        /// Who called.
        source: String,
        /// For how many instances.
        target: u32,
    },
    /// Nothing is known of some minutes.
    Silence {
        /// How many.
        minutes: i64,
    },
    /// Another version of the policy took over.
    Policy {
        /// Which one did before.
        from: String,
        /// Which one does now.
        to: String,
    },
}

/// Whether a minute's measured response time was over the objective.
pub(super) fn is_slow(group: &Group, entry: &HistoryMinute) -> bool {
    latency(group, entry).is_some_and(|latency| latency > group.policy.slo_ms)
}

fn latency(group: &Group, entry: &HistoryMinute) -> Option<f64> {
    let signal = group.signals.iter().find(|signal| signal.kind == SignalKind::LatencyMs)?;
    entry.measured.signals.get(&signal.name).copied()
}

/// Oldest first; of too many, those that people did and those that lasted longest.
pub(super) fn notable(group: &Group, minutes: &[HistoryMinute]) -> Vec<Notable> {
    let mut found = slow_spells(group, minutes);
    found.extend(silences(minutes));
    found.extend(policies(minutes));
    found.extend(happenings(minutes));
    if found.len() > MOST {
        found.sort_by_key(|notable| std::cmp::Reverse(weight(&notable.what)));
        found.truncate(MOST);
    }
    found.sort_by_key(|notable| notable.time);
    found
}

fn weight(what: &NotableKind) -> i64 {
    match what {
        NotableKind::Order { .. } | NotableKind::Policy { .. } => i64::MAX,
        NotableKind::SpotLoss { instances } => 30 * *instances as i64,
        NotableKind::Slow { minutes, .. } => *minutes as i64,
        NotableKind::Silence { minutes } => *minutes,
        NotableKind::Call { .. } => 1,
    }
}

fn slow_spells(group: &Group, minutes: &[HistoryMinute]) -> Vec<Notable> {
    let mut found = Vec::new();
    for spell in minutes.chunk_by(|a, b| is_slow(group, a) == is_slow(group, b)) {
        let Some(first) = spell.first().filter(|first| is_slow(group, first)) else { continue };
        if spell.len() >= LONG_SLOWNESS_MINUTES {
            let worst_ms = spell.iter().filter_map(|entry| latency(group, entry)).fold(0.0, f64::max);
            let what = NotableKind::Slow { minutes: spell.len(), worst_ms };
            found.push(Notable { time: first.minute.start(), what });
        }
    }
    found
}

fn silences(minutes: &[HistoryMinute]) -> impl Iterator<Item = Notable> {
    minutes.windows(2).filter_map(|pair| {
        let [before, after] = pair else { return None };
        let silent = after.minute - before.minute - 1;
        let what = NotableKind::Silence { minutes: silent };
        (silent >= LONG_SILENCE_MINUTES).then(|| Notable { time: (before.minute + 1).start(), what })
    })
}

fn policies(minutes: &[HistoryMinute]) -> Vec<Notable> {
    let decisions: Vec<_> = minutes.iter().flat_map(|entry| &entry.decisions).collect();
    let changed = decisions.windows(2).filter(|pair| pair[0].policy != pair[1].policy);
    changed
        .map(|pair| Notable {
            time: pair[1].time,
            what: NotableKind::Policy { from: pair[0].policy.clone(), to: pair[1].policy.clone() },
        })
        .collect()
}

fn happenings(minutes: &[HistoryMinute]) -> Vec<Notable> {
    let mut found: Vec<Notable> = Vec::new();
    let mut lost: Vec<&str> = Vec::new();
    let mut called: Vec<&str> = Vec::new();
    for event in minutes.iter().flat_map(|entry| &entry.events) {
        let what = match &event.what {
            Happening::Hold(hold) => NotableKind::Order { order: hold.order, who: hold.who.clone() },
            // The same cause told twice is one call.
            Happening::Raise(raise) if !called.contains(&raise.cause.as_str()) => {
                called.push(&raise.cause);
                NotableKind::Call { source: raise.source.clone(), target: raise.target }
            }
            Happening::Loss(loss) if !lost.contains(&loss.instance.as_str()) => {
                lost.push(&loss.instance);
                let last = found.iter_mut().rev().find_map(|notable| match &mut notable.what {
                    NotableKind::SpotLoss { instances } => Some((notable.time, instances)),
                    _ => None,
                });
                if let Some((time, instances)) = last
                    && (event.time - time).num_minutes() <= ONE_LOSS_MINUTES
                {
                    *instances += 1;
                    continue;
                }
                NotableKind::SpotLoss { instances: 1 }
            }
            _ => continue,
        };
        found.push(Notable { time: event.time, what });
    }
    found
}
