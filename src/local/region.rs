//! The region as its driver sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Capacity, Minute};

use super::calls::Calls;
use super::faults::{Faults, NoFaults};
use super::instance::Phase;
use super::settings::RegionSettings;
use super::state::{PlayedMinute, State};

/// The region: its memory, its clock, and what its driver may do with them.
///
/// The clock stands at the start of a minute t. Whatever the APIs are asked now is answered for that instant: the newest
/// metrics are those of t - 1 - delay, and an instance asked for now serves from t + lead. [`Region::play_minute`] then
/// lets the minute pass under a load.
#[derive(Debug)]
pub struct Region {
    settings: RegionSettings,
    state: Mutex<State>,
    faults: Mutex<Arc<dyn Faults>>,
}

impl Region {
    /// A region in which no minute has passed.
    pub fn new(settings: RegionSettings) -> Self {
        Self { state: Mutex::new(State::new(settings.clone())), faults: Mutex::new(Arc::new(NoFaults)), settings }
    }

    /// What it is made of.
    pub fn settings(&self) -> &RegionSettings {
        &self.settings
    }

    /// The minute at whose start the clock stands.
    pub fn now(&self) -> Minute {
        self.lock().now
    }

    /// Plays the minute that the clock shows, under one load (in work per second) for each workload of the settings, and
    /// moves the clock to the next minute. A workload without a load has none.
    pub fn play_minute(&self, loads_per_second: &[f64]) -> Vec<PlayedMinute> {
        let mut state = self.lock();
        let mut loads = loads_per_second.to_vec();
        loads.resize(state.workloads.len(), 0.0);
        state.play(&loads)
    }

    /// What happened to a workload so far, minute by minute; nothing if there is no such workload.
    pub fn outcomes(&self, workload: usize) -> Vec<PlayedMinute> {
        self.lock().workloads.get(workload).map(|workload| workload.played.clone()).unwrap_or_default()
    }

    /// What a workload has at this instant.
    pub fn capacity(&self, workload: usize) -> Capacity {
        let state = self.lock();
        let mut capacity = Capacity::default();
        let members = state.workloads.get(workload).into_iter().flat_map(|workload| &workload.members);
        for instance in members.filter_map(|key| state.instances.get(key)) {
            match instance.phase {
                Phase::Serving => capacity.serving += 1,
                Phase::Starting | Phase::StartingHeld => capacity.starting += 1,
                _ => {}
            }
        }
        capacity
    }

    /// How often each operation was called.
    pub fn calls(&self) -> Calls {
        self.lock().calls.clone()
    }

    /// From now on `faults` decides what goes wrong.
    pub fn set_faults(&self, faults: Arc<dyn Faults>) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    pub(super) fn faults(&self) -> Arc<dyn Faults> {
        Arc::clone(&self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The region's memory. A handler that panicked has left it as it was between two statements: good enough to go on.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
