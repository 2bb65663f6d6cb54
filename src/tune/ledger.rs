use std::ops::Range;

use crate::model::{Expected, Figures, LEAST_WATCHED_MINUTES, LiveFigures, Minute, WATCH_MINUTES, Worst};
use crate::queueing::MinuteOutcome;

/// Utilisation at which perfect foresight runs its instances.
const CLAIRVOYANT_UTILISATION: f64 = 0.85;

/// Minutes between the windows that are looked at.
const WATCHED_EVERY: usize = 5;

/// What a replay brought, minute by minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    start: Minute,
    capacity_per_second: f64,
    violation_price: f64,
    slo_ms: f64,
    minutes: Vec<MinuteOutcome>,
}

impl Ledger {
    /// Nothing played yet.
    pub fn new(start: Minute, capacity_per_second: f64, violation_price: f64, slo_ms: f64) -> Self {
        Self { start, capacity_per_second, violation_price, slo_ms, minutes: Vec::new() }
    }

    /// Takes in the next minute.
    pub fn push(&mut self, outcome: MinuteOutcome) {
        self.minutes.push(outcome);
    }

    /// First minute.
    pub fn start(&self) -> Minute {
        self.start
    }

    /// The minute after the last.
    pub fn end(&self) -> Minute {
        self.start + self.minutes.len() as i64
    }

    /// What happened in those minutes.
    pub fn outcomes(&self, range: &Range<Minute>) -> &[MinuteOutcome] {
        let index = |minute: Minute| ((minute - self.start).max(0) as usize).min(self.minutes.len());
        let (from, to) = (index(range.start), index(range.end));
        &self.minutes[from.min(to)..to]
    }

    /// Instances that were started in each minute: growth, since nothing else adds any.
    fn started(&self, range: &Range<Minute>) -> impl Iterator<Item = u32> + '_ {
        let first = ((range.start - self.start).max(0) as usize).min(self.minutes.len());
        let before = first.checked_sub(1).and_then(|index| self.minutes.get(index));
        let mut before = before.or(self.minutes.get(first)).map_or(0, |outcome| outcome.total);
        self.outcomes(range).iter().map(move |outcome| {
            let started = outcome.total.saturating_sub(before);
            before = outcome.total;
            started
        })
    }

    /// Paid and to be paid for late work, minute by minute, in minutes of an instance.
    fn spending(&self, range: &Range<Minute>) -> impl Iterator<Item = (f64, f64)> + '_ {
        let minute_of_work = 60.0 * self.capacity_per_second;
        self.outcomes(range).iter().zip(self.started(range)).map(move |(outcome, started)| {
            let late = (outcome.late + outcome.lost) / minute_of_work;
            (f64::from(outcome.total) + f64::from(started), self.violation_price * late)
        })
    }

    /// Instance-minutes that perfect foresight pays.
    pub(super) fn clairvoyant(&self, range: &Range<Minute>) -> f64 {
        let per_instance = 60.0 * self.capacity_per_second * CLAIRVOYANT_UTILISATION;
        self.outcomes(range).iter().map(|outcome| (outcome.arrived / per_instance).ceil().max(1.0)).sum()
    }

    /// How it went.
    pub fn figures(&self, range: &Range<Minute>) -> Figures {
        let (paid, late) = self.spending(range).fold((0.0, 0.0), |sum, minute| (sum.0 + minute.0, sum.1 + minute.1));
        let outcomes = self.outcomes(range);
        let arrived: f64 = outcomes.iter().map(|outcome| outcome.arrived).sum();
        let in_slo = 1.0 - outcomes.iter().map(|outcome| outcome.late).sum::<f64>() / arrived.max(f64::MIN_POSITIVE);
        let actions = outcomes.windows(2).filter(|pair| pair[0].total != pair[1].total).count();
        Figures {
            j: (paid + late) / self.clairvoyant(range).max(f64::MIN_POSITIVE),
            cost_hours: paid / 60.0,
            in_slo,
            actions: u32::try_from(actions).unwrap_or(u32::MAX),
        }
    }

    /// Cost and violations of each stretch of `minutes`, in instance-minutes. What is left over at the end is left out.
    pub(super) fn blocks(&self, range: &Range<Minute>, minutes: usize) -> Vec<f64> {
        let spent: Vec<f64> = self.spending(range).map(|(paid, late)| paid + late).collect();
        spent.chunks_exact(minutes.max(1)).map(|block| block.iter().sum()).collect()
    }

    /// What of a minute can be measured live too.
    fn measured(&self, outcome: &MinuteOutcome) -> LiveFigures {
        let MinuteOutcome { total, serving, utilisation, latency_ms, .. } = *outcome;
        LiveFigures::minute(total, serving, utilisation, Some(latency_ms), self.slo_ms, self.violation_price)
    }

    /// The worst windows, whenever they begin, and the worst of their first minutes: what to expect at most.
    pub(super) fn expected(&self, range: &Range<Minute>) -> Expected {
        let measured: Vec<LiveFigures> = self.outcomes(range).iter().map(|outcome| self.measured(outcome)).collect();
        let (mut window, mut early) = (Worst::default(), Worst::default());
        for start in (0..measured.len()).step_by(WATCHED_EVERY) {
            let mut sum = LiveFigures::default();
            for minute in measured[start..].iter().take(WATCH_MINUTES as usize) {
                sum = sum.and(minute);
                if i64::from(sum.minutes) == WATCH_MINUTES {
                    window = window.or(&sum);
                } else if sum.minutes >= LEAST_WATCHED_MINUTES {
                    early = early.or(&sum);
                }
            }
        }
        Expected { window, early: Some(early) }
    }
}
