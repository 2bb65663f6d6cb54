use crate::model::Capacity;
use crate::queueing::{MinuteOutcome, SimulatedGroup};

/// What the driver plays on: instances of one purchase option, or of several.
pub(super) trait Fleet {
    /// Starts a minute: what is ready serves, what is taken back goes.
    fn begin(&mut self, minute: i64);

    /// What there is, as a policy sees it.
    fn capacity(&self) -> Capacity;

    /// Brings the fleet to `wanted` instances. Returns how many were started, and what their starts are charged, in
    /// minutes of an on-demand instance.
    fn scale_to(&mut self, minute: i64, wanted: u32) -> (u32, f64);

    /// Plays the minute. Returns what happened and what it costs, in minutes of an on-demand instance.
    fn play(&mut self, minute: i64, load_per_second: f64) -> (MinuteOutcome, f64);
}

impl Fleet for SimulatedGroup {
    fn begin(&mut self, minute: i64) {
        self.make_ready(minute);
    }

    fn capacity(&self) -> Capacity {
        Capacity { serving: self.serving(), starting: self.starting() }
    }

    fn scale_to(&mut self, minute: i64, wanted: u32) -> (u32, f64) {
        let started = SimulatedGroup::scale_to(self, minute, wanted);
        (started, f64::from(started))
    }

    fn play(&mut self, minute: i64, load_per_second: f64) -> (MinuteOutcome, f64) {
        let outcome = SimulatedGroup::play(self, minute, load_per_second);
        (outcome, f64::from(outcome.total))
    }
}
