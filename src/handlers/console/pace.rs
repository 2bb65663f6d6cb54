use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Requests at once that a page with a person before it never makes.
const BURST: f64 = 120.0;
/// Requests a second that are answered in the long run.
const PER_SECOND: f64 = 10.0;

/// How many requests one process answers: a bucket that holds a burst and fills up again.
#[derive(Debug)]
pub(super) struct Pace(Mutex<(f64, Instant)>);

impl Pace {
    pub(super) fn new() -> Self {
        Self(Mutex::new((BURST, Instant::now())))
    }

    /// Lets a request pass, or says how long to wait.
    pub(super) fn pass(&self) -> Result<(), Duration> {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *bucket;
        let now = Instant::now();
        let left = (left + (now - since).as_secs_f64() * PER_SECOND).min(BURST);
        let passes = left >= 1.0;
        *bucket = (if passes { left - 1.0 } else { left }, now);
        if passes { Ok(()) } else { Err(Duration::from_secs_f64((1.0 - left) / PER_SECOND)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_then_ten_a_second() {
        let pace = Pace::new();
        assert_eq!((0..200).filter(|_| pace.pass().is_ok()).count(), 120);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((0..200).filter(|_| pace.pass().is_ok()).count(), 30);
        assert!(pace.pass().unwrap_err() <= Duration::from_millis(100));
    }
}
