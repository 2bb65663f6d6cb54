//! How many instances are worth their money: the count with the least expected cost of instances and late work.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::forecast::packed;
use crate::forecast::quick::Quick;
use crate::replay::group::{ServiceModel, play_minute};

/// Demands are told apart to this share.
const STEP: f64 = 0.005;
/// Demand of row 0, in instances; anything less is none.
const LEAST_DEMAND: f64 = 0.01;
/// Rows of the grid: up to 100 000 instances.
const ROWS: usize = 3225;
/// Above this late share the whole minute counts as late.
const ALL_LATE: f64 = 0.995;
/// Below this late share nothing does.
const NONE_LATE: f64 = 1e-5;
/// Every count up to this one is a candidate; beyond, steps of about 1/128.
const FINE_COUNTS: u32 = 128;
/// The largest candidate.
const MOST_COUNTS: u32 = 150_000;

/// A distribution of demand on a grid of half a per cent. Rows ascend; probabilities are single precision, so that what is
/// recorded is exactly what was decided from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DemandDistribution {
    #[serde(with = "packed")]
    rows: Vec<u16>,
    #[serde(with = "packed")]
    probabilities: Vec<f32>,
}

impl DemandDistribution {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.probabilities.clear();
    }

    /// Adds an outcome that is not smaller than the last one added.
    pub fn push(&mut self, probability: f64, demand: f64) {
        let row = row_of(demand);
        match self.rows.last() {
            Some(&last) if last >= row => {
                if let Some(sum) = self.probabilities.last_mut() {
                    *sum += probability as f32;
                }
            }
            _ => {
                self.rows.push(row);
                self.probabilities.push(probability as f32);
            }
        }
    }

    /// Becomes half the one and half the other.
    pub(super) fn blend(&mut self, one: &Self, other: &Self) {
        self.clear();
        let (mut at, mut beside) = (0, 0);
        loop {
            let row = match (one.rows.get(at), other.rows.get(beside)) {
                (Some(&left), Some(&right)) => left.min(right),
                (Some(&row), None) | (None, Some(&row)) => row,
                (None, None) => break,
            };
            let mut probability = 0.0;
            if one.rows.get(at) == Some(&row) {
                probability += 0.5 * one.probabilities[at];
                at += 1;
            }
            if other.rows.get(beside) == Some(&row) {
                probability += 0.5 * other.probabilities[beside];
                beside += 1;
            }
            self.rows.push(row);
            self.probabilities.push(probability);
        }
    }

    /// Outcomes in ascending order: probability, and demand in instances.
    pub fn outcomes(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.iter().map(|(row, probability)| (probability, demand_of(row)))
    }

    /// The demand that is not exceeded with probability `level`.
    pub fn quantile(&self, level: f64) -> f64 {
        let total: f64 = self.probabilities.iter().map(|&probability| f64::from(probability)).sum();
        let mut sum = 0.0;
        for (probability, demand) in self.outcomes() {
            sum += probability;
            if sum >= level * total {
                return demand;
            }
        }
        self.rows.last().map_or(0.0, |&row| demand_of(usize::from(row)))
    }

    fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.rows.iter().zip(&self.probabilities).map(|(&row, &probability)| (usize::from(row), f64::from(probability)))
    }
}

fn row_of(demand: f64) -> u16 {
    if demand < LEAST_DEMAND {
        return 0;
    }
    (Quick::tables().ln(demand * (1.0 / LEAST_DEMAND)) * (1.0 / STEP) + 0.5).min((ROWS - 1) as f64) as u16
}

fn demand_of(row: usize) -> f64 {
    static DEMANDS: OnceLock<Vec<f64>> = OnceLock::new();
    let compute = |row: usize| if row == 0 { 0.0 } else { LEAST_DEMAND * (row as f64 * STEP).exp() };
    DEMANDS.get_or_init(|| (0..ROWS).map(compute).collect()).get(row).copied().unwrap_or_default()
}

/// Late work of one minute for every demand and every count, computed when first asked for.
#[derive(Debug)]
pub(super) struct LateTable {
    model: ServiceModel,
    counts: Vec<u32>,
    rows: Vec<OnceLock<LateRow>>,
}

/// Late work of one demand, lost work counted once more. Candidates before `first` are late altogether, those beyond `late`
/// not at all.
#[derive(Clone, Debug)]
struct LateRow {
    first: usize,
    late: Box<[f64]>,
}

impl LateTable {
    /// A table for instances that answer in `service_seconds` and shall answer in `slo_seconds`.
    pub(super) fn new(service_seconds: f64, slo_seconds: f64) -> Self {
        let mut counts: Vec<u32> = (1..=FINE_COUNTS).collect();
        while let Some(&last) = counts.last()
            && last < MOST_COUNTS
        {
            counts.push(last + last.div_ceil(FINE_COUNTS));
        }
        let model = ServiceModel { capacity_per_second: 1.0, service_seconds, slo_seconds, lead_minutes: 0 };
        Self { model, counts, rows: (0..ROWS).map(|_| OnceLock::new()).collect() }
    }

    /// Expected late work of one minute, in instance-minutes, for each candidate count up to where it is zero.
    pub(super) fn expect(&self, demand: &DemandDistribution, expected: &mut ExpectedLate) {
        let ExpectedLate { late, whole } = expected;
        late.clear();
        whole.clear();
        whole.push(0.0);
        for (row, probability) in demand.iter() {
            let work = probability * demand_of(row);
            let row = self.rows[row].get_or_init(|| self.compute_row(row));
            let end = row.first + row.late.len();
            if late.len() < end {
                late.resize(end, 0.0);
                whole.resize(end + 1, 0.0);
            }
            whole[row.first] += work;
            for (sum, late) in late[row.first..end].iter_mut().zip(&row.late) {
                *sum += probability * late;
            }
        }
        let mut beyond = 0.0;
        for at in (0..late.len()).rev() {
            beyond += whole[at + 1];
            late[at] += beyond;
        }
    }

    /// The count with the least cost of instances and late work, at `price` instance-minutes for a minute of late work of
    /// one instance.
    pub(super) fn cheapest(&self, expected: &ExpectedLate, price: f64) -> u32 {
        let late = expected.late.iter().chain(std::iter::once(&0.0));
        let mut best = (f64::INFINITY, 1);
        for (&count, late) in self.counts.iter().zip(late) {
            let cost = f64::from(count) + price * late;
            if cost < best.0 {
                best = (cost, count);
            }
        }
        best.1
    }

    fn compute_row(&self, row: usize) -> LateRow {
        let demand = demand_of(row);
        let late_of = |at: usize| {
            let outcome = play_minute(&self.model, self.counts[at], &mut 0.0, demand);
            (outcome.late + outcome.lost) / 60.0
        };
        if demand == 0.0 {
            return LateRow { first: 0, late: Box::default() };
        }
        let middle = self.counts.partition_point(|&count| f64::from(count) < demand).min(self.counts.len() - 1);
        let mut first = middle;
        let mut below = Vec::new();
        while first > 0 {
            let late = late_of(first - 1);
            if late >= ALL_LATE * demand {
                break;
            }
            below.push(late);
            first -= 1;
        }
        below.reverse();
        for at in middle..self.counts.len() {
            let late = late_of(at);
            if late < NONE_LATE * demand {
                break;
            }
            below.push(late);
        }
        LateRow { first, late: below.into_boxed_slice() }
    }
}

/// Expected late work by candidate count: what [`LateTable::expect`] fills.
#[derive(Clone, Debug, Default)]
pub(super) struct ExpectedLate {
    late: Vec<f64>,
    whole: Vec<f64>,
}
