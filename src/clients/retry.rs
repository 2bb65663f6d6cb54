//! When to try again, and how long to wait before.

use std::time::Duration;

use tokio::time::Instant;

/// Whether a request may be sent again when it is not known if the first one was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Twice is once: reads, absolute targets, requests with a client token.
    Idempotent,
    /// Twice is twice: sent again only when the first one was surely refused.
    OnlyIfRefused,
}

/// Exponential back-off with full jitter: the n-th pause is drawn evenly from zero to `first * 2^n`, at most `longest`.
/// ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest first pause.
    pub first: Duration,
    /// Longest pause.
    pub longest: Duration,
    /// Most tries in all.
    pub tries: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), longest: Duration::from_secs(5), tries: 8 }
    }
}

impl Backoff {
    /// Pause after `failures` failed tries. `jitter` is from 0 to 1.
    fn pause(&self, failures: u32, jitter: f64) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries {
    backoff: Backoff,
    deadline: Instant,
    made: u32,
}

impl Tries {
    pub(super) fn new(backoff: Backoff, deadline: Instant) -> Self {
        Self { backoff, deadline, made: 0 }
    }

    /// Counts a try.
    pub(super) fn begin(&mut self) {
        self.made += 1;
    }

    /// Tries begun so far.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Waits before the next try, at least as long as the server asked for. An error, at once, if there shall be none.
    pub(super) async fn pause(&self, server_asks: Option<Duration>) -> Result<(), NoMoreTries> {
        if self.made >= self.backoff.tries {
            return Err(NoMoreTries::Enough);
        }
        let pause = self.backoff.pause(self.made, rand::random()).max(server_asks.unwrap_or_default());
        let next = Instant::now().checked_add(pause).filter(|next| *next < self.deadline).ok_or(NoMoreTries::NoTime)?;
        tokio::time::sleep_until(next).await;
        Ok(())
    }
}

/// Why a request is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoMoreTries {
    /// The next try would begin after the deadline.
    NoTime,
    /// It was tried often enough.
    Enough,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1), tries: 100 };

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<u128> = (1..=6).map(|failures| BACKOFF.pause(failures, 1.0).as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(BACKOFF.pause(5_000, 1.0), BACKOFF.longest);
        assert_eq!(BACKOFF.pause(3, 0.25), Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn tries_end_before_the_deadline_without_sleeping_into_it() {
        let start = Instant::now();
        let deadline = start + Duration::from_secs(10);
        let mut tries = Tries::new(BACKOFF, deadline);
        loop {
            tries.begin();
            if let Err(reason) = tries.pause(None).await {
                assert_eq!(reason, NoMoreTries::NoTime);
                break;
            }
            assert!(Instant::now() < deadline);
        }
        assert!(tries.made() > 10, "{}", tries.made());
        assert!(Instant::now() < deadline, "the rest of the time is left to the caller");
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_is_given_the_time_that_it_asks_for() {
        let start = Instant::now();
        let mut tries = Tries::new(BACKOFF, start + Duration::from_secs(10));
        tries.begin();
        assert_eq!(tries.pause(Some(Duration::from_secs(4))).await, Ok(()));
        assert!(Instant::now() >= start + Duration::from_secs(4));
        assert_eq!(tries.pause(Some(Duration::from_secs(7))).await, Err(NoMoreTries::NoTime), "more than there is");
        assert!(Instant::now() < start + Duration::from_secs(5), "and it did not wait for that");
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_counted() {
        let mut tries = Tries::new(Backoff { tries: 2, ..BACKOFF }, Instant::now() + Duration::from_secs(60));
        tries.begin();
        assert_eq!(tries.pause(None).await, Ok(()));
        tries.begin();
        assert_eq!(tries.pause(None).await, Err(NoMoreTries::Enough));
    }
}
