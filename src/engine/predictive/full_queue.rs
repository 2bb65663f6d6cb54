//! What a queue that is full hides: the work that it turns away is not seen.

use serde::{Deserialize, Serialize};

use crate::forecast::history::History;
use crate::model::Minute;

/// Minutes whose overloads say how much a full queue hides.
const OVERLOAD_MINUTES: u64 = 10_080;
/// So many of them are enough.
const ENOUGH_OVERLOADS: u32 = 10;
/// Growth a minute of the demand behind a queue that stays full ...
const GROWTH: f64 = 1.2;
/// ... up to this multiple of what is served.
const MOST: f64 = 4.0;
/// Minutes that instances may come late to a full queue before growth is taken to be blocked.
const MORE_PATIENCE_MINUTES: i64 = 3;

/// A queue that turns work away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FullQueue {
    /// The first and the newest of the minutes in a row that ended with it.
    first: Minute,
    newest: Minute,
    /// Since when so many instances serve, and no more.
    since: Minute,
    serving: u32,
}

impl FullQueue {
    /// A queue that is full at the end of `minute`, after another one that was.
    pub(super) fn next(before: Option<Self>, minute: Minute, serving: u32) -> Self {
        let begun = Self { first: minute, newest: minute, since: minute, serving };
        match before.filter(|before| before.newest == minute - 1) {
            None => begun,
            Some(before) if before.serving < serving => Self { first: before.first, ..begun },
            Some(before) => Self { newest: minute, ..before },
        }
    }

    /// Whether the group has not been able to follow for so long that nobody knows what is hidden, where instances that are
    /// asked for ought to serve in `patience_minutes`.
    pub(super) fn is_blocked(&self, patience_minutes: u32) -> bool {
        self.newest - self.since > i64::from(patience_minutes) + MORE_PATIENCE_MINUTES
    }

    /// What it probably hides, where the load is at `least` this: half of the way to the mean of what was seen above, as far
    /// as that was seen. While it stays full, the load is taken to grow. Where the group cannot follow, the guess is taken
    /// back as it came.
    pub(super) fn hidden_demand(&self, least: f64, history: &History, is_blocked: bool) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for age in 0..OVERLOAD_MINUTES {
            let Some(demand) = history.back(age) else { break };
            if demand > least {
                sum += demand;
                count += 1;
            }
        }
        let likely = if count >= ENOUGH_OVERLOADS {
            least + 0.5 * ((sum / f64::from(count)).clamp(least, MOST * least) - least)
        } else {
            1.1 * least
        };
        let before = history.back(0).filter(|_| self.first < self.newest).unwrap_or_default();
        let growth = if is_blocked { 1.0 / GROWTH } else { GROWTH };
        likely.max((before * growth).min(MOST * least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is guessed minute by minute of a queue that is full while so many instances serve ten instances' worth of load.
    fn guesses(serving: impl IntoIterator<Item = u32>) -> Vec<f64> {
        let (mut history, mut full) = (History::default(), None);
        let mut guess = |(minute, serving)| {
            let queue = FullQueue::next(full, Minute(minute), serving);
            full = Some(queue);
            let demand = queue.hidden_demand(10.0, &history, queue.is_blocked(2));
            history.push(demand as f32);
            demand
        };
        (0..).zip(serving).map(&mut guess).collect()
    }

    #[test]
    fn while_a_queue_stays_full_the_load_is_taken_to_grow() {
        let guesses = guesses([10, 12, 14, 16]);
        assert_eq!(guesses[0], 11.0);
        assert!(guesses.windows(2).all(|pair| (pair[1] / pair[0] - GROWTH).abs() < 1e-6), "{guesses:?}");
    }

    #[test]
    fn where_the_group_cannot_follow_the_guess_is_taken_back() {
        let guesses = guesses([10; 30]);
        let largest = guesses.iter().copied().fold(0.0, f64::max);
        assert_eq!(guesses.iter().position(|&guess| guess == largest), Some(5), "{guesses:?}");
        assert!(largest < 30.0 && guesses[29] < 20.0, "{guesses:?}");
    }
}
