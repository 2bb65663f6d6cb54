//! How many instances are worth their money: the count with the least expected cost of instances and late work.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::forecast::packed;
use crate::queueing::{ServiceModel, play_minute};

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
/// Candidates that are added up at once.
const BLOCK: usize = 8;
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
    /// Adds an outcome that is not smaller than the last one added.
    pub fn push(&mut self, probability: f64, demand: f64) {
        self.push_row(probability as f32, row_of(demand));
    }

    /// As [`Self::push`], of a demand whose row is known.
    pub(super) fn push_row(&mut self, probability: f32, row: u16) {
        match (self.rows.last(), self.probabilities.last_mut()) {
            (Some(&last), Some(sum)) if last >= row => *sum += probability,
            _ => {
                self.rows.push(row);
                self.probabilities.push(probability);
            }
        }
    }

    /// Half the one and half the other.
    pub(super) fn blend(one: &Self, other: &Self) -> Self {
        let mut blend = Self::default();
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
            blend.rows.push(row);
            blend.probabilities.push(probability);
        }
        blend
    }

    /// Outcomes in ascending order: probability, and demand in instances.
    pub fn outcomes(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let outcomes = self.rows.iter().zip(&self.probabilities);
        outcomes.map(|(&row, &probability)| (f64::from(probability), demand_of(usize::from(row))))
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

    /// Visits the outcomes in ascending order: probability, and row of the demand.
    #[cfg(test)]
    pub(super) fn for_each(&self, mut visit: impl FnMut(f32, u16)) {
        self.rows.iter().zip(&self.probabilities).for_each(|(&row, &probability)| visit(probability, row));
    }
}

/// Rows are found by a demand's leading bits: a cell of equal ones is narrower than a step, so it holds one edge at most.
const CELL_BITS: u32 = 8;
const CELL_SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - CELL_BITS;

/// Row at the lower end of each cell, and the demand from which on the next row is meant.
fn cells() -> &'static [(u16, f64)] {
    static CELLS: OnceLock<Vec<(u16, f64)>> = OnceLock::new();
    CELLS.get_or_init(|| {
        let edge = |row: u16| LEAST_DEMAND * ((f64::from(row) + 0.5) * STEP).exp();
        let mut row = 0;
        let mut cell = |at: u64| {
            while edge(row) <= f64::from_bits(at << CELL_SHIFT) {
                row += 1;
            }
            (row, edge(row))
        };
        (cell_of(LEAST_DEMAND)..=cell_of(edge(ROWS as u16 - 1))).map(&mut cell).collect()
    })
}

fn cell_of(demand: f64) -> u64 {
    demand.to_bits() >> CELL_SHIFT
}

/// Row of a demand.
#[inline]
pub(super) fn row_of(demand: f64) -> u16 {
    if demand < LEAST_DEMAND {
        return 0;
    }
    let at = (cell_of(demand) - cell_of(LEAST_DEMAND)) as usize;
    cells().get(at).map_or(ROWS as u16 - 1, |&(row, edge)| (row + u16::from(demand >= edge)).min(ROWS as u16 - 1))
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
    demand: f64,
    first: usize,
    /// In blocks, the last of which is filled up with zeros: loops of a fixed length are quicker.
    late: Box<[[f32; BLOCK]]>,
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

    /// Adds an outcome: the demand of a row, with a probability.
    #[inline]
    pub(super) fn add(&self, row: u16, probability: f32, sums: &mut ExpectedLate) {
        let at = usize::from(sums.scaled(row)).min(ROWS - 1);
        let row = self.rows[at].get_or_init(|| self.compute_row(at));
        let ExpectedLate { late, whole, .. } = sums;
        let end = row.first + row.late.len() * BLOCK;
        if late.len() < end {
            late.resize(end, 0.0);
            whole.resize(end + 1, 0.0);
        }
        whole[row.first] += probability * row.demand as f32;
        let (sums, _) = late[row.first..end].as_chunks_mut::<BLOCK>();
        for (sums, late) in sums.iter_mut().zip(&row.late) {
            *sums = std::array::from_fn(|at| sums[at] + probability * late[at]);
        }
    }

    /// The candidate with the least cost of instances and late work, at `price` instance-minutes for a minute of late work
    /// of one instance; none before candidate `from` is looked at.
    pub(super) fn cheapest(&self, expected: &ExpectedLate, price: f64, from: usize) -> usize {
        let late = expected.late.get(from..).unwrap_or_default().iter().chain(std::iter::once(&0.0));
        let mut best = (f64::INFINITY, from);
        for ((at, &count), late) in self.counts.iter().enumerate().skip(from).zip(late) {
            let count = f64::from(count);
            if count >= best.0 {
                break;
            }
            let cost = count + price * f64::from(*late);
            if cost < best.0 {
                best = (cost, at);
            }
        }
        best.1
    }

    /// Instances of a candidate.
    pub(super) fn count(&self, candidate: usize) -> u32 {
        self.counts.get(candidate).copied().unwrap_or(MOST_COUNTS)
    }

    fn compute_row(&self, row: usize) -> LateRow {
        let demand = demand_of(row);
        let late_of = |at: usize| {
            let outcome = play_minute(&self.model, self.counts[at], &mut 0.0, demand);
            (outcome.late + outcome.lost) / 60.0
        };
        if demand == 0.0 {
            return LateRow { demand, first: 0, late: Box::default() };
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
        let mut below: Vec<f32> = below.into_iter().map(|late| late as f32).collect();
        below.resize(below.len().next_multiple_of(BLOCK), 0.0);
        let (blocks, _) = below.as_chunks::<BLOCK>();
        LateRow { demand, first, late: blocks.into() }
    }
}

/// Expected late work of one minute by candidate count, in instance-minutes, up to where it is zero. Outcomes are summed up
/// first ([`LateTable::add`]), and then [`finish`](Self::finish)ed.
#[derive(Clone, Debug)]
pub(super) struct ExpectedLate {
    late: Vec<f32>,
    /// Work that is late altogether with fewer instances than each candidate's.
    whole: Vec<f32>,
    /// Rows by which demands are more than they look, because instances do less than their utilisation says.
    more: i16,
}

impl Default for ExpectedLate {
    fn default() -> Self {
        Self { late: Vec::new(), whole: vec![0.0], more: 0 }
    }
}

impl ExpectedLate {
    /// Nothing is expected. What will be added is for instances that do `share` of what their utilisation says.
    pub(super) fn clear(&mut self, share: f64) {
        self.more = (-share.max(0.1).ln() * (1.0 / STEP)).round() as i16;
        self.late.clear();
        self.whole.clear();
        self.whole.push(0.0);
    }

    #[inline]
    fn scaled(&self, row: u16) -> u16 {
        if row == 0 { 0 } else { row.saturating_add_signed(self.more) }
    }

    /// Work that is late altogether is late with every smaller count.
    pub(super) fn finish(&mut self) {
        let mut beyond = 0.0;
        for (late, whole) in self.late.iter_mut().zip(&self.whole[1..]).rev() {
            beyond += whole;
            *late += beyond;
        }
    }

    /// Becomes what other sums come to.
    pub(super) fn finish_of(&mut self, sums: &Self) {
        self.late.clone_from(&sums.late);
        self.whole.clone_from(&sums.whole);
        self.finish();
    }

    /// Becomes what is expected if the one is as likely as the other.
    pub(super) fn blend(&mut self, [one, other]: [&Self; 2]) {
        let (short, long) = if one.late.len() < other.late.len() { (one, other) } else { (other, one) };
        self.late.clear();
        self.late.extend(short.late.iter().zip(&long.late).map(|(one, other)| 0.5 * (one + other)));
        self.late.extend(long.late[short.late.len()..].iter().map(|late| 0.5 * late));
    }
}
