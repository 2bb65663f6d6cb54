//! The table of the drills.

mod adviser;
mod calls;
mod fleet;
mod metrics;
mod state;
mod triggers;

use super::drill::Drill;

/// All drills, in the order of the documentation.
pub(super) fn drills() -> Vec<Drill> {
    [calls::drills(), metrics::drills(), fleet::drills(), state::drills(), triggers::drills(), adviser::drills()]
        .into_iter()
        .flatten()
        .collect()
}
