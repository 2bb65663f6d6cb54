//! Counts how often a fault was really met: a drill in which nothing went wrong says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flexus_autoscaler::local::store::{StoreFault, StoreFaults};
use flexus_autoscaler::local::{Call, Fault, Faults, LaunchFault, LaunchRequest, MetricRead};

/// How often something went wrong. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Met(Arc<AtomicU64>);

impl Met {
    pub(super) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn times(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn noted<T>(&self, met: Option<T>) -> Option<T> {
        met.inspect(|_| self.note())
    }
}

/// The region's faults, counted.
#[derive(Debug)]
pub(super) struct Counted(pub(super) Arc<dyn Faults>, pub(super) Met);

impl Faults for Counted {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        self.1.noted(self.0.on_call(call))
    }

    fn on_point(&self, read: &MetricRead<'_>, value: f64) -> Option<f64> {
        let told = self.0.on_point(read, value);
        if told != Some(value) {
            self.1.note();
        }
        told
    }

    fn on_launch(&self, launch: &LaunchRequest<'_>) -> Option<LaunchFault> {
        self.1.noted(self.0.on_launch(launch))
    }
}

/// The store's faults, counted.
#[derive(Debug)]
pub(super) struct CountedStore(pub(super) Arc<dyn StoreFaults>, pub(super) Met);

impl StoreFaults for CountedStore {
    fn on_request(&self, operation: &str, key: &str) -> Option<StoreFault> {
        self.1.noted(self.0.on_request(operation, key))
    }

    fn hides(&self, key: &str) -> bool {
        let hides = self.0.hides(key);
        if hides {
            self.1.note();
        }
        hides
    }
}
