//! Faults by a table: what goes wrong when, and how often. The same table does the same in every run.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::Minute;

use super::errors::Service;
use super::faults::{Call, Fault, Faults, LaunchFault, LaunchRequest, MetricRead};

/// A table of faults. Of the rows that fit a call, a point or a launch, the first one strikes.
#[derive(Debug, Default)]
pub struct FaultTable {
    calls: Vec<CallRow>,
    points: Vec<PointRow>,
    launches: Vec<LaunchRow>,
}

#[derive(Debug)]
struct CallRow {
    during: Range<Minute>,
    service: Option<Service>,
    operation: String,
    chance: Chance,
    fault: Fault,
}

#[derive(Debug)]
struct PointRow {
    during: Range<Minute>,
    namespace: String,
    metric: String,
    fault: PointFault,
}

#[derive(Debug)]
struct LaunchRow {
    during: Range<Minute>,
    chance: Chance,
    fault: LaunchFault,
}

/// What goes wrong with a point of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PointFault {
    /// It is not there.
    Missing,
    /// It has this value.
    Fixed(f64),
    /// It is so many times what it should be.
    Scaled(f64),
    /// A per cent value is turned upside down.
    Inverted,
}

/// Strikes a share of the times, at places that follow from a seed.
#[derive(Debug)]
struct Chance {
    share: f64,
    seed: u64,
    asked: AtomicU64,
}

impl Chance {
    fn new(share: f64, seed: u64) -> Self {
        Self { share, seed, asked: AtomicU64::new(0) }
    }

    fn strikes(&self) -> bool {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let mut x = self.seed.wrapping_add(asked.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^= x >> 31;
        ((x >> 11) as f64) * 2f64.powi(-53) < self.share
    }
}

impl FaultTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls during these minutes, of one service or all, whose operation contains a text, fail in this share of cases.
    #[must_use]
    pub fn calls(
        mut self,
        during: Range<Minute>,
        service: Option<Service>,
        operation: &str,
        share: f64,
        fault: Fault,
    ) -> Self {
        let chance = Chance::new(share, self.calls.len() as u64);
        self.calls.push(CallRow { during, service, operation: operation.to_owned(), chance, fault });
        self
    }

    /// Points of these minutes (the points' own time), of a namespace and metric, are wrong. An empty text fits all.
    #[must_use]
    pub fn points(mut self, during: Range<Minute>, namespace: &str, metric: &str, fault: PointFault) -> Self {
        let (namespace, metric) = (namespace.to_owned(), metric.to_owned());
        self.points.push(PointRow { during, namespace, metric, fault });
        self
    }

    /// Instances asked for during these minutes fail to start as they should, in this share of cases.
    #[must_use]
    pub fn launches(mut self, during: Range<Minute>, share: f64, fault: LaunchFault) -> Self {
        let chance = Chance::new(share, 1_000 + self.launches.len() as u64);
        self.launches.push(LaunchRow { during, chance, fault });
        self
    }
}

impl Faults for FaultTable {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        let fits = |row: &&CallRow| {
            row.during.contains(&call.now)
                && row.service.is_none_or(|service| service == call.service)
                && call.operation.contains(&row.operation)
        };
        self.calls.iter().filter(fits).find(|row| row.chance.strikes()).map(|row| row.fault.clone())
    }

    fn on_point(&self, read: &MetricRead<'_>, value: f64) -> Option<f64> {
        let minute = Minute(read.time_ms.div_euclid(60_000));
        let fits = |row: &&PointRow| {
            let named = |name: &str, wanted: &str| wanted.is_empty() || name == wanted;
            row.during.contains(&minute) && named(read.namespace, &row.namespace) && named(read.metric, &row.metric)
        };
        match self.points.iter().find(fits).map(|row| row.fault) {
            None => Some(value),
            Some(PointFault::Missing) => None,
            Some(PointFault::Fixed(fixed)) => Some(fixed),
            Some(PointFault::Scaled(factor)) => Some(value * factor),
            Some(PointFault::Inverted) => Some(100.0 - value),
        }
    }

    fn on_launch(&self, launch: &LaunchRequest<'_>) -> Option<LaunchFault> {
        let fits = |row: &&LaunchRow| row.during.contains(&launch.now);
        self.launches.iter().filter(fits).find(|row| row.chance.strikes()).map(|row| row.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(now: i64) -> Call<'static> {
        Call { service: Service::Ecs, operation: "POST /v1/{project_id}/cloudservers", now: Minute(now) }
    }

    #[test]
    fn a_share_of_the_calls_is_struck_and_always_the_same_ones() {
        let table = || FaultTable::new().calls(Minute(0)..Minute(10), None, "cloudservers", 0.3, Fault::Truncated);
        let struck =
            |table: &FaultTable| -> Vec<bool> { (0..1_000).map(|_| table.on_call(&call(5)).is_some()).collect() };
        let first = struck(&table());
        assert_eq!(first, struck(&table()));
        let share = first.iter().filter(|struck| **struck).count();
        assert!((250..350).contains(&share), "{share}");
        assert_eq!(table().on_call(&call(10)), None);
    }

    #[test]
    fn a_point_is_judged_by_its_own_time() {
        let table = FaultTable::new().points(Minute(3)..Minute(5), "AGT.ECS", "", PointFault::Missing);
        let read = |minute: i64, namespace| MetricRead {
            namespace,
            metric: "cpu_usage",
            resource: "server-1",
            time_ms: minute * 60_000,
            now: Minute(9),
        };
        assert_eq!(table.on_point(&read(2, "AGT.ECS"), 7.0), Some(7.0));
        assert_eq!(table.on_point(&read(4, "AGT.ECS"), 7.0), None);
        assert_eq!(table.on_point(&read(4, "SYS.ECS"), 7.0), Some(7.0));
    }
}
