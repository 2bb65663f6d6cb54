//! How long instances take to start.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::Minute;

/// Starts that are remembered for the lead time.
const STARTS_REMEMBERED: usize = 30;
/// Orders not seen ready after so many minutes are given up.
const LONGEST_START_MINUTES: i64 = 120;
/// Minutes that a start may take longer than others do before it is late.
const GRACE_MINUTES: i64 = 3;
/// A start that takes so many times as long as others do is overdue ...
const OVERDUE_LEADS: i64 = 3;
/// ... after so many minutes at least.
const LEAST_PATIENCE_MINUTES: i64 = 10;

/// How long instances take from being asked for until they serve.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartTimes {
    /// Asked for and not yet seen serving: minute and count, oldest first.
    pub waiting: VecDeque<(Minute, u32)>,
    /// Minutes of the last starts, oldest first.
    pub minutes: VecDeque<u32>,
    /// Whether what is waited for was held up by the cloud: when it comes one day, it is not a start that took so long.
    #[serde(default)]
    pub blocked: bool,
}

/// Which of the orders comes first.
#[derive(Clone, Copy, Debug)]
enum End {
    Oldest,
    Newest,
}

impl StartTimes {
    /// `count` instances were asked for.
    pub fn asked(&mut self, minute: Minute, count: u32) {
        if count > 0 {
            self.blocked &= !self.waiting.is_empty();
            self.waiting.push_back((minute, count));
        }
    }

    /// `count` instances more than before serve.
    pub fn ready(&mut self, minute: Minute, count: u32) {
        let orders = self.take(count, End::Oldest);
        if !self.blocked {
            self.minutes.extend(orders.into_iter().map(|asked| u32::try_from(minute - asked).unwrap_or(0)));
        }
        while self.minutes.len() > STARTS_REMEMBERED {
            self.minutes.pop_front();
        }
    }

    /// `count` instances were given up before they served, the newest first.
    pub fn cancelled(&mut self, count: u32) {
        self.take(count, End::Newest);
    }

    /// Whether the first that is waited for is late, where starts take `lead_minutes`.
    pub fn are_late(&self, now: Minute, lead_minutes: u32) -> bool {
        self.waiting.front().is_some_and(|(asked, _)| now - *asked > i64::from(lead_minutes) + GRACE_MINUTES)
    }

    /// Instances that should have come long ago, and for how many minutes the first of them has been waited for, where
    /// starts take `lead_minutes`.
    pub fn overdue(&self, now: Minute, lead_minutes: u32) -> Option<(u32, i64)> {
        let patience = (OVERDUE_LEADS * i64::from(lead_minutes)).max(LEAST_PATIENCE_MINUTES);
        let overdue = || self.waiting.iter().filter(|(asked, _)| now - *asked > patience);
        let first = overdue().next()?;
        Some((overdue().map(|(_, count)| count).sum(), now - first.0))
    }

    /// Only so many are on their way: what is waited for beyond that was sold out, failed, or came unseen, the oldest
    /// first. Measured against a later arrival it would pass for a start that took an hour.
    pub fn only_on_their_way(&mut self, count: u32) {
        let waiting: u32 = self.waiting.iter().map(|(_, waiting)| waiting).sum();
        self.take(waiting.saturating_sub(count), End::Oldest);
    }

    /// Waits for `count` instances less, those of the order at one end first. Gives the minutes of the orders concerned.
    fn take(&mut self, mut count: u32, first: End) -> Vec<Minute> {
        let mut orders = Vec::new();
        while count > 0 {
            let order = match first {
                End::Oldest => self.waiting.front_mut(),
                End::Newest => self.waiting.back_mut(),
            };
            let Some((asked, waiting)) = order else { break };
            let taken = count.min(*waiting);
            count -= taken;
            orders.push(*asked);
            *waiting -= taken;
            if *waiting == 0 {
                match first {
                    End::Oldest => self.waiting.pop_front(),
                    End::Newest => self.waiting.pop_back(),
                };
            }
        }
        orders
    }

    /// Forgets orders that were never seen ready.
    pub fn forget_before(&mut self, minute: Minute) {
        while self.waiting.front().is_some_and(|(asked, _)| minute - *asked > LONGEST_START_MINUTES) {
            self.waiting.pop_front();
        }
    }

    /// Minutes that nine starts in ten take, once five were seen.
    pub fn ninetieth_percentile_minutes(&self) -> Option<u32> {
        if self.minutes.len() < 5 {
            return None;
        }
        let mut sorted: Vec<u32> = self.minutes.iter().copied().collect();
        sorted.sort_unstable();
        Some(sorted[(sorted.len() * 9).div_ceil(10) - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lead_time_is_measured_from_the_groups_own_starts() {
        let mut starts = StartTimes::default();
        for start in 0..5 {
            starts.asked(Minute(start * 10), 1);
            starts.ready(Minute(start * 10 + 2 + start % 2), 1);
        }
        assert_eq!(starts.ninetieth_percentile_minutes(), Some(3));
        assert!(starts.waiting.is_empty());
    }

    #[test]
    fn an_order_that_came_to_nothing_is_not_measured_by_the_next_arrival() {
        let mut starts = StartTimes::default();
        starts.asked(Minute(0), 2);
        // One was sold out.
        starts.only_on_their_way(1);
        starts.ready(Minute(2), 1);
        starts.only_on_their_way(0);
        starts.asked(Minute(50), 1);
        starts.only_on_their_way(1);
        starts.ready(Minute(53), 1);
        assert_eq!(starts.minutes, [2, 3]);
    }

    #[test]
    fn a_start_that_was_cancelled_is_not_measured() {
        let mut starts = StartTimes::default();
        starts.asked(Minute(0), 2);
        starts.asked(Minute(1), 2);
        starts.cancelled(3);
        starts.ready(Minute(4), 5);
        assert_eq!(starts.minutes, [4]);
    }

    #[test]
    fn what_is_waited_for_three_times_as_long_as_a_start_takes_is_overdue() {
        let mut starts = StartTimes::default();
        starts.asked(Minute(0), 2);
        starts.asked(Minute(10), 3);
        assert_eq!(starts.overdue(Minute(10), 2), None);
        assert_eq!(starts.overdue(Minute(11), 2), Some((2, 11)));
        assert_eq!(starts.overdue(Minute(21), 2), Some((5, 21)));
        assert_eq!(starts.overdue(Minute(21), 8), None);
    }

    #[test]
    fn what_the_cloud_could_not_give_is_no_slow_start() {
        let mut starts = StartTimes::default();
        starts.asked(Minute(0), 2);
        assert!(!starts.are_late(Minute(5), 2) && starts.are_late(Minute(6), 2));
        starts.blocked = true;
        starts.asked(Minute(10), 1);
        starts.ready(Minute(30), 3);
        assert!(starts.minutes.is_empty());
        starts.asked(Minute(40), 1);
        starts.ready(Minute(42), 1);
        assert_eq!(starts.minutes, [2]);
    }
}
