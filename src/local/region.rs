//! The region as its driver sees it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clients::Credentials;
use crate::model::{Capacity, Minute};

use super::calls::Calls;
use super::events::{PublishedMessage, RegionEvent};
use super::faults::Faults;
use super::instance::Phase;
use super::runtime_api::RuntimeApi;
use super::settings::RegionSettings;
use super::spot_trace::SpotTrace;
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
    functions: Mutex<BTreeMap<String, Arc<RuntimeApi>>>,
}

impl Region {
    /// A region in which no minute has passed.
    pub fn new(settings: RegionSettings) -> Self {
        Self { state: Mutex::new(State::new(settings.clone())), functions: Mutex::default(), settings }
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

    /// Sets how many spot servers a zone has room for. What is over is given notice: see [`Region::take_events`].
    pub fn set_spot_capacity(&self, zone: &str, capacity: u32) {
        self.lock().set_spot_capacity(zone, capacity);
    }

    /// Sets the room for spot servers to what a trace says of the minute that the clock shows; its start is `from`.
    pub fn follow_spot_trace(&self, trace: &SpotTrace, from: Minute) {
        self.lock().follow(trace, from);
    }

    /// Says whether a flavor is sold out in a zone.
    pub fn set_sold_out(&self, flavor: &str, zone: &str, sold_out: bool) {
        let place = (flavor.to_owned(), zone.to_owned());
        let mut state = self.lock();
        if sold_out {
            state.market.sold_out.insert(place);
        } else {
            state.market.sold_out.remove(&place);
        }
    }

    /// Events for functions since this was asked last: reclaims, alarms, lifecycle hooks.
    pub fn take_events(&self) -> Vec<RegionEvent> {
        std::mem::take(&mut self.lock().outbox.events)
    }

    /// Messages that were published to topics since this was asked last.
    pub fn take_messages(&self) -> Vec<PublishedMessage> {
        std::mem::take(&mut self.lock().outbox.messages)
    }

    /// How often each operation was called.
    pub fn calls(&self) -> Calls {
        self.lock().calls.clone()
    }

    /// Lets FunctionGraph's invocations reach a function, under the name of its runtime API.
    pub fn attach(&self, function: Arc<RuntimeApi>) {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        functions.insert(function.function().to_owned(), function);
    }

    pub(super) fn function(&self, name: &str) -> Option<Arc<RuntimeApi>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// From now on these keys are let in and no others: credentials expire, or are replaced.
    pub fn set_keys(&self, keys: Vec<Credentials>) {
        self.lock().keys_let_in = keys;
    }

    /// From now on `faults` decides what goes wrong.
    pub fn set_faults(&self, faults: Arc<dyn Faults>) {
        self.lock().faults = faults;
    }

    /// The region's memory. A handler that panicked has left it as it was between two statements: good enough to go on.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
