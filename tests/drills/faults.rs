//! Faults that a table of rows cannot express.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use flexus_autoscaler::local::store::{StoreFault, StoreFaults};
use flexus_autoscaler::local::{Fault, FaultTable, Faults, MetricRead, Region, Service};
use flexus_autoscaler::state::{RECORD_WINDOW, keys};

use super::drill::{Circumstances, Script};

/// A script in which calls of a service (all if `None`) whose operation contains a text fail in a share of the cases.
pub(super) fn calls(at: &Circumstances, service: Option<Service>, operation: &str, share: f64, fault: Fault) -> Script {
    let table = FaultTable::new().calls(at.during(), service, operation, share, fault);
    Script { calls: Some(Arc::new(table)), ..Script::default() }
}

/// An error answer in the service's own shape.
pub(super) fn error(status: u16, code: &str) -> Fault {
    Fault::Error { status, code: code.to_owned(), message: "a drill".to_owned() }
}

/// An answer that comes late, but in time.
pub(super) fn slow() -> Fault {
    Fault::Slow(Duration::from_millis(150))
}

/// What a page of a proxy looks like.
pub(super) fn page() -> Fault {
    Fault::Garbage("<html><body>502 Bad Gateway</body></html>".to_owned())
}

/// JSON of another form than the API's.
pub(super) fn other_json() -> Fault {
    Fault::Garbage(r#"{"metrics": {"cpu": "fine"}, "scaling_group": 7, "servers": "none"}"#.to_owned())
}

type Point = dyn Fn(&MetricRead<'_>, f64) -> Option<f64> + Send + Sync;

/// What becomes of the points of metrics while the fault lasts, by a rule.
pub(super) struct Points(Box<Point>, std::ops::Range<i64>);

impl fmt::Debug for Points {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Points")
    }
}

impl Faults for Points {
    fn on_point(&self, read: &MetricRead<'_>, value: f64) -> Option<f64> {
        if self.1.contains(&read.time_ms.div_euclid(60_000)) { (self.0)(read, value) } else { Some(value) }
    }
}

/// A script in which points measured during the fault become what `rule` says.
pub(super) fn points(
    at: &Circumstances,
    rule: impl Fn(&MetricRead<'_>, f64) -> Option<f64> + Send + Sync + 'static,
) -> Script {
    let during = at.begins.0..at.ends.0;
    Script { calls: Some(Arc::new(Points(Box::new(rule), during))), ..Script::default() }
}

/// Repeats, for each metric of each resource that is chosen, the first value that it had.
pub(super) fn stuck(chosen: fn(&MetricRead<'_>) -> bool) -> impl Fn(&MetricRead<'_>, f64) -> Option<f64> + Send + Sync {
    let first: Mutex<BTreeMap<(String, String), f64>> = Mutex::default();
    move |read, value| {
        if !chosen(read) {
            return Some(value);
        }
        let key = (read.metric.to_owned(), if is_cpu(read) { String::new() } else { read.resource.to_owned() });
        Some(*first.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(value))
    }
}

pub(super) fn is_cpu(read: &MetricRead<'_>) -> bool {
    read.metric == "cpu_usage"
}

pub(super) fn is_rate(read: &MetricRead<'_>) -> bool {
    read.metric == "mb_l7_qps"
}

/// A number that follows from a text alone.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Each time the same thing goes wrong with the requests to the store whose operation contains a text.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) operation: &'static str,
    pub(super) fault: StoreFault,
}

impl StoreFaults for Requests {
    fn on_request(&self, operation: &str, _key: &str) -> Option<StoreFault> {
        operation.contains(self.operation).then_some(self.fault)
    }
}

/// Records that others have written cannot be read.
#[derive(Debug)]
pub(super) struct UnreadCalls;

impl StoreFaults for UnreadCalls {
    fn on_request(&self, operation: &str, key: &str) -> Option<StoreFault> {
        let name = key.rsplit('/').next().unwrap_or_default();
        let is_call = key.contains("/records/") && !keys::is_decision(name);
        (operation == "GetObject" && is_call).then_some(StoreFault::SlowDown)
    }
}

/// A script in which requests to the store fail.
pub(super) fn requests(operation: &'static str, fault: StoreFault) -> Script {
    Script { store: Some(Arc::new(Requests { operation, fault })), ..Script::default() }
}

/// Listings know of what was written only after some minutes.
#[derive(Debug)]
pub(super) struct ListLag {
    pub(super) region: Arc<Region>,
    pub(super) minutes: i64,
}

impl StoreFaults for ListLag {
    fn hides(&self, key: &str) -> bool {
        assert!(TimeDelta::minutes(self.minutes) < RECORD_WINDOW);
        let name = key.rsplit('/').next().unwrap_or_default();
        let newest = self.region.now().start() - TimeDelta::minutes(self.minutes);
        keys::time_of_record(name).is_some_and(|written| written > newest)
    }
}
