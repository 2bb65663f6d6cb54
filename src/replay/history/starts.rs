use std::collections::VecDeque;

use crate::model::Minute;
use crate::records::HistoryMinute;

/// Starts from which a lead time is concluded.
const LEAST_STARTS: usize = 5;
/// An order not seen serving after so many minutes is forgotten.
const LONGEST_START_MINUTES: i64 = 120;

/// Minutes that half of the starts took from being asked for until they served; first asked, first served.
pub(super) fn usual_lead_minutes(minutes: &[HistoryMinute]) -> Option<u32> {
    let mut waiting: VecDeque<(Minute, u32)> = VecDeque::new();
    let mut took: Vec<u32> = Vec::new();
    let mut before: Option<(Minute, u32)> = None;
    for entry in minutes {
        let Some(pools) = entry.pools() else { continue };
        let serving: u32 = pools.values().map(|pool| pool.serving).sum();
        let starting: u32 = pools.values().map(|pool| pool.starting).sum();
        if let Some((minute, served)) = before
            && minute + 1 == entry.minute
        {
            let mut arrived = serving.saturating_sub(served);
            while arrived > 0
                && let Some((asked, count)) = waiting.front_mut()
            {
                let now = arrived.min(*count);
                took.extend(std::iter::repeat_n(u32::try_from(entry.minute - *asked).unwrap_or(0), now as usize));
                arrived -= now;
                *count -= now;
                if *count == 0 {
                    waiting.pop_front();
                }
            }
            let still: u32 = waiting.iter().map(|(_, count)| count).sum();
            match starting.checked_sub(still) {
                Some(0) => {}
                Some(asked) => waiting.push_back((entry.minute, asked)),
                None => cancel(&mut waiting, still - starting),
            }
        } else {
            // Across a gap nobody knows what was asked when.
            waiting.clear();
        }
        while waiting.front().is_some_and(|(asked, _)| entry.minute - *asked > LONGEST_START_MINUTES) {
            waiting.pop_front();
        }
        before = Some((entry.minute, serving));
    }
    if took.len() < LEAST_STARTS {
        return None;
    }
    took.sort_unstable();
    Some(took[took.len() / 2])
}

/// Forgets the newest orders.
fn cancel(waiting: &mut VecDeque<(Minute, u32)>, mut count: u32) {
    while count > 0
        && let Some((_, newest)) = waiting.back_mut()
    {
        let gone = count.min(*newest);
        *newest -= gone;
        count -= gone;
        if *newest == 0 {
            waiting.pop_back();
        }
    }
}
