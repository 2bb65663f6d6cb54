//! Experts: settings of one policy that run in shadow, each in its own simulated group, and vote with a weight that falls
//! with what they cost.

use serde::{Deserialize, Serialize};

use super::evidence::Vote;
use super::outlook::View;
use crate::forecast::packed;
use crate::model::Minute;
use crate::queueing::{ServiceModel, play_minute};

/// Pairs of multipliers of the violation price: at the first an instance is bought, at the second it is kept.
const CAUTIONS: [(f64, f64); 7] =
    [(0.25, 0.25), (0.25, 1.0), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0), (1.0, 2.0), (2.0, 2.0)];
/// Decisions over which the count that is worth keeping is held.
const HOLDS: [u32; 4] = [1, 3, 8, 20];
/// The longest of them.
const LONGEST_HOLD: usize = 20;
/// The multipliers that occur.
pub(super) const MULTIPLIERS: [f64; 4] = [0.25, 0.5, 1.0, 2.0];
/// Minutes that are remembered of every expert: lead and delay of up to an hour.
const REMEMBERED: usize = 64;
/// Share of the shadow costs that a minute leaves: a half-life of 10 000 minutes.
const FADE: f64 = 0.999_930_687_684_153_6;
/// An expert that has cost more than the cheapest by this share counts the e-th part of it ...
const TOLERANCE: f64 = 0.015;
/// ... and none at all beyond this many times the share.
const FURTHEST: f64 = 6.0;
/// Shares are of this cost at least, in instance-minutes of a group with a mean demand of [`PRIOR_DEMAND`].
const LEAST_COST: f64 = 3000.0;
/// What must be outweighed by costs before an expert at a distance of 1 is followed, in instance-minutes ...
const PRIOR_COST: f64 = 120.0;
/// ... of a group with this mean demand, in instances ...
const PRIOR_DEMAND: f64 = 7.2;
/// ... at this price or less; at higher ones it grows with the price.
const PRIOR_PRICE: f64 = 20.0;

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expert {
    /// How it sees what is to come.
    pub(super) view: View,
    /// Index into [`MULTIPLIERS`] at which it buys.
    pub(super) buy: u8,
    /// Index into [`MULTIPLIERS`] at which it keeps.
    pub(super) keep: u8,
    /// Decisions over which it holds what is worth keeping.
    pub(super) hold: u32,
}

impl Expert {
    fn new(view: View, (buy, keep): (f64, f64), hold: u32) -> Self {
        let index =
            |multiplier: f64| MULTIPLIERS.iter().position(|&known| known == multiplier).unwrap_or_default() as u8;
        Self { view, buy: index(buy), keep: index(keep), hold }
    }

    /// Distance from the setting that is best on the whole.
    fn distance(&self) -> f64 {
        let (buy, keep) = (MULTIPLIERS[usize::from(self.buy)], MULTIPLIERS[usize::from(self.keep)]);
        let kind = match self.view {
            View::Additive => 0.0,
            View::Multiplicative => 0.3,
            View::TimeOfDay | View::Blend => 2.0,
            View::Reactive60 | View::Reactive40 => 5.0,
            View::DayMaximum | View::ThreeDayMaximum | View::WeekMaximum => 6.0,
        };
        let caution = (buy / 1.4).ln().abs() + (keep / 1.4).ln().abs();
        caution + kind + 0.15 * (f64::from(self.hold) / 5.0).ln().abs()
    }
}

/// All settings.
fn experts() -> Vec<Expert> {
    let mut all = Vec::new();
    let mut add = |view, cautions: &[(f64, f64)], holds: &[u32]| {
        for &caution in cautions {
            all.extend(holds.iter().map(|&hold| Expert::new(view, caution, hold)));
        }
    };
    add(View::Additive, &CAUTIONS, &HOLDS);
    add(View::Multiplicative, &CAUTIONS, &HOLDS);
    add(View::TimeOfDay, &[(1.0, 1.0), (0.5, 1.0), (2.0, 2.0)], &[1, 8]);
    add(View::Blend, &[(0.5, 0.5), (1.0, 1.0), (0.5, 1.0), (1.0, 2.0), (2.0, 2.0)], &[1, 8]);
    for view in [View::DayMaximum, View::ThreeDayMaximum, View::WeekMaximum] {
        add(view, &[(1.0, 1.0)], &[1]);
    }
    for view in [View::Reactive60, View::Reactive40] {
        add(view, &[(1.0, 1.0)], &[5]);
    }
    all
}

/// The experts, and what follows from them alone.
#[derive(Clone, Debug, PartialEq)]
struct Roster {
    experts: Vec<Expert>,
    /// [`Expert::distance`] of each.
    distances: Vec<f64>,
    /// At which of [`MULTIPLIERS`] experts of each view buy or keep.
    used: [[bool; MULTIPLIERS.len()]; View::ALL.len()],
}

impl Default for Roster {
    fn default() -> Self {
        let experts = experts();
        let mut used = [[false; MULTIPLIERS.len()]; View::ALL.len()];
        for expert in &experts {
            let used = &mut used[expert.view as usize];
            used[usize::from(expert.buy)] = true;
            used[usize::from(expert.keep)] = true;
        }
        Self { distances: experts.iter().map(Expert::distance).collect(), experts, used }
    }
}

/// What one sizing concluded by each view: counts worth buying at each multiplier.
pub(super) type Sizes = [[u32; MULTIPLIERS.len()]; View::ALL.len()];

/// The experts and their shadow groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bank {
    price: f64,
    #[serde(skip)]
    roster: Roster,
    lead: usize,
    started: bool,
    prior_share: f64,
    #[serde(with = "packed")]
    cost: Vec<f64>,
    #[serde(with = "packed")]
    queue: Vec<f64>,
    /// What each expert asked for, one row an expert, one slot a minute.
    #[serde(with = "packed")]
    asked: Vec<u32>,
    /// Sizes of the last minutes by view and multiplier, one slot a minute.
    #[serde(with = "packed")]
    worth: Vec<u32>,
    newest: Option<Minute>,
}

impl Bank {
    /// A bank at `price` for groups whose instances start in `lead` minutes.
    pub(super) fn new(price: f64, lead: u32) -> Self {
        let roster = Roster::default();
        let count = roster.experts.len();
        Self {
            price,
            roster,
            lead: (lead as usize).min(REMEMBERED - 2),
            started: false,
            prior_share: 1.0,
            cost: vec![0.0; count],
            queue: vec![0.0; count],
            asked: vec![0; count * REMEMBERED],
            worth: vec![0; View::ALL.len() * MULTIPLIERS.len() * REMEMBERED],
            newest: None,
        }
    }

    /// At which of [`MULTIPLIERS`] an expert with that view buys or keeps.
    pub(super) fn used(&self, view: View) -> [bool; MULTIPLIERS.len()] {
        self.roster.used[view as usize]
    }

    /// Minutes in which instances are taken to start.
    pub(super) fn lead(&self) -> u32 {
        self.lead as u32
    }

    /// Reckons with another lead time from now on.
    pub(super) fn set_lead(&mut self, lead: u32) {
        self.lead = (lead as usize).min(REMEMBERED - 2);
    }

    /// True if the parts have their sizes, as they do unless the state was damaged.
    pub(super) fn is_sound(&self) -> bool {
        let count = self.roster.experts.len();
        self.lead <= REMEMBERED - 2
            && self.cost.len() == count
            && self.queue.len() == count
            && self.asked.len() == count * REMEMBERED
            && self.worth.len() == View::ALL.len() * MULTIPLIERS.len() * REMEMBERED
            && self.cost.iter().chain(&self.queue).all(|number| number.is_finite())
    }

    /// Up to `now`, what was asked for in minutes without a decision stays as it was. Comes before [`Self::score`] and
    /// [`Self::decide`], which look back on those minutes.
    pub(super) fn stand_still(&mut self, now: Minute) {
        let Some(newest) = self.newest else { return };
        for missed in 1..=(now - newest).min(REMEMBERED as i64 - 1) {
            let (from, to) = (slot(newest + missed - 1), slot(newest + missed));
            for row in self.asked.chunks_exact_mut(REMEMBERED).chain(self.worth.chunks_exact_mut(REMEMBERED)) {
                row[to] = row[from];
            }
        }
        self.newest = Some(newest.max(now));
    }

    /// Lets every expert serve the demand of `minute`, in instances, with what it had asked for by then.
    pub(super) fn score(&mut self, model: &ServiceModel, minute: Minute, demand: f64) {
        if !self.started {
            return;
        }
        self.prior_share *= FADE;
        // Experts with as many instances and as long a queue fare alike: instances and queue before, violations and queue after.
        let mut known = [(u32::MAX, 0.0, 0.0, 0.0); 32];
        for (expert, (cost, queue)) in self.cost.iter_mut().zip(&mut self.queue).enumerate() {
            let row = &self.asked[expert * REMEMBERED..(expert + 1) * REMEMBERED];
            let at = |minute: Minute| row[slot(minute)];
            // An instance serves once it has been asked for without a break for the lead time.
            let serving = (0..=self.lead as i64).map(|age| at(minute - age)).min().unwrap_or_default();
            let (asked, before) = (at(minute), at(minute - 1));
            let memo = &mut known[serving as usize % 32];
            if (memo.0, memo.1) != (serving, *queue) {
                let before = *queue;
                let outcome = play_minute(model, serving, queue, demand);
                *memo = (serving, before, (outcome.late + outcome.lost) / 60.0, *queue);
            }
            let violated = memo.2;
            *queue = memo.3;
            *cost = *cost * FADE + f64::from(asked) + f64::from(asked.saturating_sub(before)) + self.price * violated;
        }
    }

    /// Lets every expert decide for `now`, after `total` instances at the first decision.
    pub(super) fn decide(&mut self, now: Minute, total: u32, sizes: &Sizes, limits: (u32, u32)) {
        if self.newest.is_some_and(|newest| now < newest) {
            return;
        }
        if !self.started {
            self.started = true;
            self.asked.fill(total);
            self.worth.fill(0);
        }
        self.newest = Some(now);
        for (at, &size) in sizes.iter().flatten().enumerate() {
            self.worth[at * REMEMBERED + slot(now)] = size;
        }
        // The largest count worth keeping over the last decisions, by view, multiplier and how many decisions.
        let mut held = [[0; LONGEST_HOLD]; View::ALL.len() * MULTIPLIERS.len()];
        let used = self.roster.used.as_flattened();
        let rows = held.iter_mut().zip(self.worth.chunks_exact(REMEMBERED)).zip(used);
        for ((held, row), _) in rows.filter(|(_, used)| **used) {
            let mut largest = 0;
            for (age, held) in (0i64..).zip(held) {
                largest = row[slot(now - age)].max(largest);
                *held = largest;
            }
        }
        for (at, expert) in self.roster.experts.iter().enumerate() {
            let before = self.asked[at * REMEMBERED + slot(now - 1)];
            let row = expert.view as usize * MULTIPLIERS.len();
            let keep = held[row + usize::from(expert.keep)][expert.hold as usize - 1];
            let wanted = band(before, sizes[expert.view as usize][usize::from(expert.buy)], keep);
            self.asked[at * REMEMBERED + slot(now)] = wanted.clamp(limits.0, limits.1);
        }
    }

    /// What the experts want at the decision for `now`, each weighted by what it has cost so far.
    pub(super) fn votes(&self, now: Minute, mean: f64) -> Vec<Vote> {
        let Roster { experts, distances, .. } = &self.roster;
        let unit = mean / PRIOR_DEMAND * self.prior_share;
        let prior = PRIOR_COST * (self.price / PRIOR_PRICE).max(1.0);
        let cost = |at: usize| self.cost[at] + unit * (prior * distances[at]);
        let least = (0..experts.len()).map(cost).fold(f64::INFINITY, f64::min);
        let tolerated = TOLERANCE * least.max(unit * LEAST_COST).max(f64::MIN_POSITIVE);
        let vote = |(at, expert): (usize, &Expert)| {
            let worse = (cost(at) - least) / tolerated;
            (worse <= FURTHEST).then(|| Vote {
                view: expert.view,
                buy_multiplier: MULTIPLIERS[usize::from(expert.buy)],
                keep_multiplier: MULTIPLIERS[usize::from(expert.keep)],
                hold: expert.hold,
                // Single precision is enough, and short in the record.
                weight: (-worse).exp() as f32,
                wanted: self.asked[at * REMEMBERED + slot(now)],
            })
        };
        let mut votes = Vec::with_capacity(experts.len());
        votes.extend(experts.iter().enumerate().filter_map(vote));
        votes
    }
}

fn slot(minute: Minute) -> usize {
    minute.0.rem_euclid(REMEMBERED as i64) as usize
}

/// Buys at once what is worth buying, and gives back only what is not worth keeping.
fn band(asked: u32, buy: u32, keep: u32) -> u32 {
    if buy > asked { buy } else { asked.min(keep.max(buy)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_stands_while_nothing_is_decided() {
        let model = ServiceModel { capacity_per_second: 1.0, service_seconds: 0.5, slo_seconds: 2.0, lead_minutes: 0 };
        let mut bank = Bank::new(20.0, 2);
        let decide = |bank: &mut Bank, now: i64, size: u32| {
            bank.decide(Minute(now), 5, &[[size; MULTIPLIERS.len()]; View::ALL.len()], (1, 100));
        };
        for now in 0..100 {
            decide(&mut bank, now, 5);
        }
        for now in 100..110 {
            decide(&mut bank, now, 20);
        }
        bank.stand_still(Minute(130));
        let before = bank.cost.clone();
        bank.score(&model, Minute(125), 10.0);
        for (before, after) in before.into_iter().zip(&bank.cost) {
            let paid = after - before * FADE;
            assert!((19.99..20.1).contains(&paid), "twenty stood and none was late, and it cost {paid}");
        }
    }
}
