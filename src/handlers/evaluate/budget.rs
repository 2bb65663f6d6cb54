//! Shares out the time of an invocation, so that whatever hangs there is time left to record the decision.

use std::time::Duration;

use tokio::time::Instant;

/// Most time that is kept for writing state.
const MOST_FOR_RECORDING: Duration = Duration::from_secs(6);

/// The time that is left of an invocation, less what recording needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    until: Instant,
}

impl Budget {
    /// Begins now. A quarter of the time, at most six seconds, is kept for recording.
    pub(super) fn begin(deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        Self { until: deadline - MOST_FOR_RECORDING.min(left / 4) }
    }

    /// How long a stage may take that leaves the rest to those after it.
    pub(super) fn share(self, share: f64) -> Duration {
        self.until.saturating_duration_since(Instant::now()).mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stages_that_use_up_their_shares_leave_time_to_record() {
        let deadline = Instant::now() + Duration::from_secs(40);
        let budget = Budget::begin(deadline);
        for share in [0.4, 0.5, 1.0] {
            tokio::time::sleep(budget.share(share)).await;
        }
        assert!(deadline - Instant::now() >= Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_invocation_has_no_time_but_is_no_error() {
        let budget = Budget::begin(Instant::now());
        assert_eq!(budget.share(1.0), Duration::ZERO);
    }
}
