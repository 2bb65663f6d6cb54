//! The founding article's threshold optimiser: thresholds by their effectiveness, 0.4 accuracy + 0.3 cost efficiency + 0.3
//! response speed. The article leaves the three open; here each is a share from 0 to 1 that a replay can tell.

use std::ops::Range;

use super::ledger::Ledger;
use crate::model::Minute;

const ACCURACY_WEIGHT: f64 = 0.4;
const COST_WEIGHT: f64 = 0.3;
const SPEED_WEIGHT: f64 = 0.3;
/// Utilisations in per cent between which a minute has the right number of instances.
const RIGHT_PERCENT: Range<f64> = 40.0..85.0;
/// Minutes of waiting for capacity at which half of the response speed is lost.
const SLOW_MINUTES: f64 = 3.0;
/// Utilisation in per cent from which on a group lacks instances.
const LACKING_PERCENT: f64 = 95.0;

/// How effective a policy was, from 0 to 1.
pub fn effectiveness(ledger: &Ledger, range: &Range<Minute>) -> f64 {
    let outcomes = ledger.outcomes(range);
    if outcomes.is_empty() {
        return 0.0;
    }
    let count = outcomes.len() as f64;
    // One instance alone cannot be fewer: it is the right number however little it does.
    let is_right = |outcome: &&crate::queueing::MinuteOutcome| {
        RIGHT_PERCENT.contains(&outcome.utilisation)
            || (outcome.serving == 1 && outcome.utilisation < RIGHT_PERCENT.start)
    };
    let accuracy = outcomes.iter().filter(is_right).count() as f64 / count;
    let paid: f64 = outcomes.iter().map(|outcome| f64::from(outcome.total)).sum();
    let cost_efficiency = (ledger.clairvoyant(range) / paid.max(1.0)).min(1.0);
    ACCURACY_WEIGHT * accuracy + COST_WEIGHT * cost_efficiency + SPEED_WEIGHT * response_speed(outcomes)
}

/// 1 where capacity never lacks; falls with the mean length of the stretches in which it does.
fn response_speed(outcomes: &[crate::queueing::MinuteOutcome]) -> f64 {
    let (mut minutes, mut stretches, mut lacked) = (0.0, 0.0, false);
    for outcome in outcomes {
        let lacks = outcome.utilisation >= LACKING_PERCENT || outcome.serving == 0;
        minutes += f64::from(u8::from(lacks));
        stretches += f64::from(u8::from(lacks && !lacked));
        lacked = lacks;
    }
    if stretches == 0.0 { 1.0 } else { SLOW_MINUTES / (SLOW_MINUTES + minutes / stretches) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queueing::MinuteOutcome;

    fn ledger(utilisations: &[f64], serving: u32) -> Ledger {
        let mut ledger = Ledger::new(Minute(0), 10.0, 20.0, 2000.0);
        for &utilisation in utilisations {
            let arrived = f64::from(serving) * 600.0 * utilisation / 100.0;
            ledger.push(MinuteOutcome { serving, total: serving, utilisation, arrived, ..MinuteOutcome::default() });
        }
        ledger
    }

    fn effective(utilisations: &[f64], serving: u32) -> f64 {
        effectiveness(&ledger(utilisations, serving), &(Minute(0)..Minute(utilisations.len() as i64)))
    }

    #[test]
    fn the_right_number_is_better_than_too_many_and_than_too_few() {
        let right = effective(&[75.0; 60], 10);
        assert!(right > 0.9 && right <= 1.0, "{right}");
        assert!(effective(&[20.0; 60], 10) < 0.5);
        assert!(effective(&[100.0; 60], 10) < right);
    }

    #[test]
    fn long_waits_for_capacity_count_more_than_short_ones() {
        let mut short = [75.0; 60];
        let mut long = short;
        [5, 15, 25, 35].iter().for_each(|minute| short[*minute] = 100.0);
        [5, 6, 7, 8].iter().for_each(|minute| long[*minute] = 100.0);
        assert!(effective(&short, 10) > effective(&long, 10));
    }
}
