//! What a candidate must pass before anything follows from it: better than the policy in force on days that it was not
//! chosen on, by more than noise, and no worse on days that go wrong.

use std::ops::Range;

use super::ground::Ground;
use super::ledger::Ledger;
use super::random::Random;
use super::stress::stress;
use crate::engine::EngineState;
use crate::model::{Comparison, Minute, PolicyEvidence, StressResult, Tunables};

const DAY_MINUTES: i64 = 1440;
/// Minutes of one block of the bootstrap: longer than what a decision's effects last.
const BLOCK_MINUTES: usize = 120;
/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;
/// Confidence that a round as a whole does not let pass what is no better; shared between its candidates.
const ROUND_CONFIDENCE: f64 = 0.95;
/// What must be saved at least, as a share of J: less is not worth a change.
const LEAST_SAVING: f64 = 0.01;
/// J that a candidate may be above that of the policy in force on any held-out day.
const MOST_WORSE_DAY: f64 = 1.15;
/// Share of the work that a candidate may leave out of its service level beyond the policy in force.
const MOST_LATE: f64 = 0.005;
/// Least days of load: one to choose on, one to be judged on.
const LEAST_DAYS: i64 = 2;
/// Share of the held-out minutes, and of a day to choose on, that must lie in no long gap. A group may have no load at night
/// and then tell none.
const LEAST_MEASURED: f64 = 0.5;

/// Which minutes candidates are chosen on, and which they are judged on: the last third of the days, at least one. `None`
/// where there is too little load for both.
pub fn held_out_from(ground: &Ground) -> Option<Minute> {
    let days = (ground.end() - ground.trace.start) / DAY_MINUTES;
    (days >= LEAST_DAYS).then(|| ground.end() - (days / 3).max(1) * DAY_MINUTES)
}

/// Why those days cannot carry a judgement, if too much of them was never measured: what is interpolated has no bursts.
pub fn unmeasured(ground: &Ground, held_out_from: Minute, gaps: &[Range<Minute>]) -> Option<String> {
    let measured = |from: Minute, until: Minute| {
        let missing = |gap: &Range<Minute>| (gap.end.min(until) - gap.start.max(from)).max(0);
        until - from - gaps.iter().map(missing).sum::<i64>()
    };
    let (start, end) = (ground.trace.start, ground.end());
    let held_out = end - held_out_from;
    let (trained, judged) = (measured(start, held_out_from), measured(held_out_from, end));
    let least = |minutes: i64| (minutes as f64 * LEAST_MEASURED) as i64;
    (trained < least(DAY_MINUTES) || judged < least(held_out)).then(|| {
        format!(
            "too much of the load was not measured to judge candidates on: known are {trained} of {} minutes to choose on, \
             and {judged} of {held_out} to judge on",
            held_out_from - start
        )
    })
}

/// The policy in force, played once for all candidates of a round.
#[derive(Debug)]
pub struct Gate<'a> {
    ground: &'a Ground,
    training: Ground,
    held_out_from: Minute,
    before: Tunables,
    before_ledger: Ledger,
    /// Candidates that share a round's confidence.
    candidates: usize,
    seed: u64,
}

impl<'a> Gate<'a> {
    /// Plays the policy in force. `None` where there is too little load to judge on.
    pub fn new(ground: &'a Ground, before: &Tunables, candidates: usize, seed: u64) -> Option<Self> {
        let held_out_from = held_out_from(ground)?;
        let before_ledger = ground.play(before);
        let training = ground.until(held_out_from);
        Some(Self { ground, training, held_out_from, before: before.clone(), before_ledger, candidates, seed })
    }

    /// Judges a candidate. `None` when time ran out: what is not judged does not pass.
    /// Gives the candidate's engine too, fitted to all of the load.
    pub fn judge(
        &self,
        after: &Tunables,
        may_go_on: &mut dyn FnMut() -> bool,
    ) -> Option<(PolicyEvidence, EngineState)> {
        if !may_go_on() {
            return None;
        }
        let mut player = self.ground.player(after);
        let after_ledger = self.ground.play_with(&mut player, &[]);
        let held_out = self.held_out_from..self.ground.end();
        let training = self.ground.trace.start..self.held_out_from;
        let confidence = 1.0 - (1.0 - ROUND_CONFIDENCE) / self.candidates.max(1) as f64;
        let blocks =
            (self.before_ledger.blocks(&held_out, BLOCK_MINUTES), after_ledger.blocks(&held_out, BLOCK_MINUTES));
        let mut evidence = PolicyEvidence {
            from: self.ground.trace.start,
            held_out_from: self.held_out_from,
            until: self.ground.end(),
            violation_price: self.ground.group.policy.violation_price,
            training: self.compare(&after_ledger, &training),
            held_out: self.compare(&after_ledger, &held_out),
            days: days(&held_out).map(|day| self.compare(&after_ledger, &day)).collect(),
            saved_at_least: saved_at_least(&blocks.0, &blocks.1, confidence, self.seed),
            confidence,
            seed: self.seed,
            stress: Vec::new(),
            not_replayed: self.ground.not_replayed(),
            expected: after_ledger.expected(&held_out),
            passed: false,
            objections: Vec::new(),
        };
        evidence.objections = objections(&evidence);
        // Days that go wrong take the longest, and change nothing for whom the ordinary ones have stopped.
        if evidence.objections.is_empty() {
            evidence.stress = stress(&self.training, &self.before, after, may_go_on)?;
            evidence.objections = stress_objections(&evidence.stress);
        }
        evidence.passed = evidence.objections.is_empty();
        Some((evidence, player.engine().clone()))
    }

    fn compare(&self, after: &Ledger, range: &Range<Minute>) -> Comparison {
        Comparison {
            from: range.start,
            minutes: u32::try_from(range.end - range.start).unwrap_or_default(),
            before: self.before_ledger.figures(range),
            after: after.figures(range),
        }
    }
}

fn days(range: &Range<Minute>) -> impl Iterator<Item = Range<Minute>> + use<> {
    let (start, count) = (range.start, (range.end - range.start) / DAY_MINUTES);
    (0..count).map(move |day| start + day * DAY_MINUTES..start + (day + 1) * DAY_MINUTES)
}

fn objections(evidence: &PolicyEvidence) -> Vec<String> {
    let mut objections = Vec::new();
    // Not a number saves nothing.
    let saves_enough = evidence.saved_at_least >= LEAST_SAVING;
    if !saves_enough {
        objections.push(format!(
            "on the held-out days it saves {:.1} % of J, and at {:.1} % confidence at least {:.1} %; 1 % is needed",
            (1.0 - evidence.held_out.after.j / evidence.held_out.before.j.max(f64::MIN_POSITIVE)) * 100.0,
            evidence.confidence * 100.0,
            evidence.saved_at_least * 100.0
        ));
    }
    if evidence.held_out.after.in_slo < evidence.held_out.before.in_slo - MOST_LATE {
        objections.push(format!(
            "on the held-out days {:.2} % of the work is in its service level, now {:.2} %",
            evidence.held_out.after.in_slo * 100.0,
            evidence.held_out.before.in_slo * 100.0
        ));
    }
    for day in evidence.days.iter().filter(|day| day.after.j > day.before.j * MOST_WORSE_DAY) {
        objections.push(format!("on {} J is {:.2} instead of {:.2}", day.from, day.after.j, day.before.j));
    }
    objections
}

fn stress_objections(results: &[StressResult]) -> Vec<String> {
    let objection = |result: &StressResult| {
        let Comparison { before, after, .. } = result.comparison;
        format!(
            "{}: J {:.2} instead of {:.2}, {:.2} % in its service level instead of {:.2} %",
            result.name,
            after.j,
            before.j,
            after.in_slo * 100.0,
            before.in_slo * 100.0
        )
    };
    results.iter().filter(|result| !result.passed).map(objection).collect()
}

/// The share that is saved at least, at that confidence: circular block bootstrap (Politis and
/// Romano 1992), both policies over the same blocks.
fn saved_at_least(before: &[f64], after: &[f64], confidence: f64, seed: u64) -> f64 {
    /// Blocks that stay together: what one part of the day brings, the next one continues.
    const TOGETHER: usize = 2;
    let count = before.len().min(after.len());
    if count == 0 {
        return f64::NEG_INFINITY;
    }
    let mut random = Random::new(seed);
    let mut saved: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut sum_before, mut sum_after) = (0.0, 0.0);
            for _ in 0..count.div_ceil(TOGETHER) {
                let first = random.below(count);
                for index in (first..first + TOGETHER).map(|index| index % count) {
                    sum_before += before[index];
                    sum_after += after[index];
                }
            }
            1.0 - sum_after / f64::max(sum_before, f64::MIN_POSITIVE)
        })
        .collect();
    saved.sort_unstable_by(f64::total_cmp);
    saved[((1.0 - confidence) * RESAMPLES as f64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_better_in_every_block_is_better_for_sure_and_noise_is_not() {
        let before: Vec<f64> = (0..24).map(|block| 100.0 + f64::from(block % 5)).collect();
        let better: Vec<f64> = before.iter().map(|money| money * 0.8).collect();
        let saved = saved_at_least(&before, &better, 0.95, 1);
        assert!((saved - 0.2).abs() < 1e-9, "{saved}");
        let luck = |block: usize| if (block / 3).is_multiple_of(2) { 0.7 } else { 1.28 };
        let noise: Vec<f64> = before.iter().enumerate().map(|(block, money)| money * luck(block)).collect();
        assert!(saved_at_least(&before, &noise, 0.95, 1) < 0.0);
    }

    #[test]
    fn a_saving_that_one_lucky_block_makes_does_not_pass_for_certain() {
        let mut before = vec![100.0; 24];
        let mut after = vec![101.0; 24];
        before[7] = 1000.0;
        after[7] = 100.0;
        let total = 1.0 - after.iter().sum::<f64>() / before.iter().sum::<f64>();
        assert!(total > 0.2);
        assert!(saved_at_least(&before, &after, 0.95, 1) < 0.01);
    }

    #[test]
    fn without_a_block_nothing_is_saved() {
        assert_eq!(saved_at_least(&[], &[], 0.95, 1), f64::NEG_INFINITY);
    }

    #[test]
    fn days_that_were_hardly_measured_carry_no_judgement() {
        let ground = crate::tune::tests::ground(crate::tune::tests::days(6, 100.0, |_, load| load));
        let split = held_out_from(&ground).unwrap();
        let gap = |from: i64, until: i64| ground.trace.start + from..ground.trace.start + until;
        assert_eq!(split, ground.trace.start + 4 * 1440);
        assert_eq!(unmeasured(&ground, split, &[]), None);
        assert_eq!(unmeasured(&ground, split, &[gap(100, 4000), gap(7000, 7200)]), None, "a day and more is known");
        let why = unmeasured(&ground, split, &[gap(5700, 8600)]).unwrap();
        assert!(why.ends_with("known are 5700 of 5760 minutes to choose on, and 40 of 2880 to judge on"), "{why}");
        assert!(unmeasured(&ground, split, &[gap(10, 5500)]).is_some(), "too little to choose on");
        let nights: Vec<_> = (0..6).map(|day| gap(day * 1440, day * 1440 + 480)).collect();
        assert_eq!(unmeasured(&ground, split, &nights), None);
    }
}
