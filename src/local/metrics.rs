//! What the region measures of itself: which series there are, their raw points, and their roll-up into periods.

use std::collections::BTreeMap;

use crate::model::Minute;

use super::custom_metrics::CustomSeries;
use super::instance::{Instance, Phase};
use super::scaling_group::ScalingGroup;
use super::state::{PlayedMinute, State, Workload};

/// Namespace of what the region measures and the cloud has no metric for.
pub const DEMO_NAMESPACE: &str = "AUTOSCALER.DEMO";
const MINUTE_MS: i64 = 60_000;

/// Dimensions of a series: names and values.
pub(super) type Dimensions = BTreeMap<String, String>;

/// One measured quantity of one resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pub(super) unit: &'a str,
    /// Rolled-up values are whole numbers.
    integer: bool,
    source: Source<'a>,
    /// Minutes from one raw point to the next.
    step_minutes: i64,
}

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Instance(&'a Workload, &'a Instance, fn(&PlayedMinute) -> f64),
    Workload(&'a Workload, fn(&PlayedMinute) -> f64),
    Group(&'a Workload, &'a ScalingGroup),
    Custom(&'a CustomSeries),
}

fn cpu(played: &PlayedMinute) -> f64 {
    played.outcome.utilisation
}

/// Memory follows the CPU, as in the benchmark's model.
fn memory(played: &PlayedMinute) -> f64 {
    45.0 + 0.25 * played.outcome.utilisation
}

type Quantity = (&'static str, &'static str, fn(&PlayedMinute) -> f64);

/// Name, unit and value of the metrics of a load balancer. What is lost was refused by the balancer itself.
const LOAD_BALANCER: [Quantity; 6] = [
    ("mb_l7_qps", "Count/s", |played| played.outcome.served_per_second()),
    ("m14_l7_rt", "ms", |played| played.outcome.latency_ms),
    ("m17_l7_upstream_rt", "ms", |played| played.outcome.latency_ms),
    ("mf_l7_http_5xx", "Count/s", |played| played.outcome.lost / 60.0),
    ("m9_abnormal_servers", "Count", |_| 0.0),
    ("ma_normal_servers", "Count", |played| f64::from(played.outcome.serving)),
];
const AGENT: [Quantity; 2] = [("cpu_usage", "%", cpu), ("mem_usedPercent", "%", memory)];
/// Without the agent a KVM server reports its CPU, and no memory.
const SERVER: [Quantity; 1] = [("cpu_util", "%", cpu)];
const SCALING_GROUP: [Quantity; 4] =
    [("cpu_util", "%", cpu), ("mem_util", "%", memory), ("cpu_usage", "%", cpu), ("mem_usedPercent", "%", memory)];
const DEMO: [Quantity; 1] = [("queue_length", "Count", |played| played.outcome.queue)];

impl State {
    /// The newest minute whose values can be read.
    pub(super) fn newest_visible(&self) -> Minute {
        self.now - 1 - i64::from(self.settings.metric_delay_minutes)
    }

    /// The series of that name and those dimensions.
    pub(super) fn series(&self, namespace: &str, metric: &str, dimensions: &Dimensions) -> Option<Series<'_>> {
        let dimension = |name: &str| dimensions.get(name).map(String::as_str);
        let of = |table: &'static [Quantity]| table.iter().find(|(name, _, _)| *name == metric);
        let whole = |unit, step_minutes, source| Series { unit, integer: false, source, step_minutes };
        match namespace {
            "AGT.ECS" | "SYS.ECS" => {
                let (_, instance) = self.instance(dimension("instance_id")?)?;
                let workload = self.workloads.get(instance.workload?)?;
                let (table, step) = if namespace == "AGT.ECS" { (&AGENT[..], 1) } else { (&SERVER[..], 5) };
                let &(_, unit, value) = of(table)?;
                Some(whole(unit, step, Source::Instance(workload, instance, value)))
            }
            "SYS.AS" => {
                let group = self.groups.get(dimension("AutoScalingGroup")?)?;
                let workload = self.workloads.get(group.workload)?;
                if metric == "instance_num" {
                    let source = Source::Group(workload, group);
                    return Some(Series { unit: "count", integer: true, source, step_minutes: 5 });
                }
                let &(_, unit, value) = of(&SCALING_GROUP)?;
                Some(whole(unit, 5, Source::Workload(workload, value)))
            }
            "SYS.ELB" => {
                let id = dimension("lbaas_instance_id")?;
                let workload = self.workloads.iter().find(|workload| workload.load_balancer_id == id)?;
                let &(_, unit, value) = of(&LOAD_BALANCER)?;
                Some(whole(unit, 1, Source::Workload(workload, value)))
            }
            DEMO_NAMESPACE => {
                let name = dimension("service")?;
                let workload = self.workloads.iter().find(|workload| workload.settings.name == name)?;
                let &(_, unit, value) = of(&DEMO)?;
                Some(whole(unit, 1, Source::Workload(workload, value)))
            }
            _ => {
                let series = self.custom_metrics.series(namespace, metric, dimensions)?;
                let (unit, integer) = (series.unit.as_str(), series.integer);
                Some(Series { unit, integer, source: Source::Custom(series), step_minutes: 1 })
            }
        }
    }

    /// Every series that there is: namespace, metric, dimensions, unit.
    pub(super) fn all_series(&self) -> Vec<(String, String, Dimensions, String)> {
        let mut all = Vec::new();
        let mut add = |namespace: &str, table: &[Quantity], dimension: (&str, &str)| {
            for (metric, unit, _) in table {
                let dimensions = Dimensions::from([(dimension.0.to_owned(), dimension.1.to_owned())]);
                all.push((namespace.to_owned(), (*metric).to_owned(), dimensions, (*unit).to_owned()));
            }
        };
        for instance in self.instances.values().filter(|instance| instance.workload.is_some()) {
            if instance.phase != Phase::Starting {
                add("AGT.ECS", &AGENT, ("instance_id", &instance.id));
                add("SYS.ECS", &SERVER, ("instance_id", &instance.id));
            }
        }
        let instance_number: [Quantity; 1] = [("instance_num", "count", |_| 0.0)];
        for id in self.groups.keys() {
            add("SYS.AS", &SCALING_GROUP, ("AutoScalingGroup", id));
            add("SYS.AS", &instance_number, ("AutoScalingGroup", id));
        }
        for workload in &self.workloads {
            add("SYS.ELB", &LOAD_BALANCER, ("lbaas_instance_id", &workload.load_balancer_id));
            add(DEMO_NAMESPACE, &DEMO, ("service", &workload.settings.name));
        }
        all.extend(self.custom_metrics.iter());
        all.sort();
        all
    }
}

impl Series<'_> {
    /// Seconds from one raw point to the next.
    pub(super) fn step_seconds(&self) -> i64 {
        self.step_minutes * 60
    }

    /// Raw points from `from_ms` to `to_ms`, both included, up to the minute `newest`: time in milliseconds, value.
    ///
    /// A series with a step of five minutes has a point once all five have passed: the mean of those that were measured.
    pub(super) fn raw(&self, from_ms: i64, to_ms: i64, newest: Minute) -> Vec<(i64, f64)> {
        if let Source::Custom(series) = self.source {
            return series.points.range(from_ms..=to_ms).map(|(&time, &value)| (time, value)).collect();
        }
        let step = self.step_minutes;
        let first = Minute(round_up(from_ms, step * MINUTE_MS) / MINUTE_MS);
        let last = Minute(to_ms.div_euclid(MINUTE_MS)).min(newest - (step - 1));
        let mut points = Vec::new();
        let mut minute = first.max(Minute(self.first_played().0.div_euclid(step) * step));
        while minute <= last {
            let values: Vec<f64> = (0..step).filter_map(|offset| self.value(minute + offset)).collect();
            if !values.is_empty() {
                points.push((minute.0 * MINUTE_MS, mean(&values)));
            }
            minute = minute + step;
        }
        points
    }

    /// Points rolled up into periods that are over: the start of each period, and the filter's value.
    ///
    /// Whole numbers are cut to whole numbers, others to two decimals, as the cloud does after a roll-up. A period that is
    /// not longer than the raw step yields the raw points, uncut.
    pub(super) fn rolled_up(
        &self,
        (from_ms, to_ms): (i64, i64),
        newest: Minute,
        period_seconds: i64,
        filter: Filter,
    ) -> Vec<(i64, f64)> {
        let period_ms = period_seconds * 1000;
        if period_ms <= self.step_minutes * MINUTE_MS {
            return self.raw(from_ms, to_ms, newest);
        }
        let from_ms = from_ms.div_euclid(period_ms) * period_ms;
        let over_ms = match self.source {
            Source::Custom(_) => i64::MAX,
            _ => (newest.0 + 1) * MINUTE_MS,
        };
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (time, value) in self.raw(from_ms, to_ms.saturating_add(period_ms), newest) {
            periods.entry(time.div_euclid(period_ms) * period_ms).or_default().push(value);
        }
        let cut = |value: f64| if self.integer { value.trunc() } else { (value * 100.0).trunc() / 100.0 };
        periods
            .into_iter()
            .filter(|&(start, _)| start <= to_ms && start.saturating_add(period_ms) <= over_ms)
            .map(|(start, values)| (start, cut(filter.of(&values))))
            .collect()
    }

    fn value(&self, minute: Minute) -> Option<f64> {
        match self.source {
            Source::Instance(workload, instance, value) => {
                instance.served_in(minute).then(|| workload.at(minute).map(value)).flatten()
            }
            Source::Workload(workload, value) => workload.at(minute).map(value),
            Source::Group(workload, group) => {
                let first = workload.played.first()?.minute;
                group.serving_history.get(usize::try_from(minute - first).ok()?).map(|&count| f64::from(count))
            }
            Source::Custom(_) => None,
        }
    }

    fn first_played(&self) -> Minute {
        match self.source {
            Source::Instance(workload, _, _) | Source::Workload(workload, _) | Source::Group(workload, _) => {
                workload.played.first().map_or(Minute(i64::MAX / 2), |played| played.minute)
            }
            Source::Custom(_) => Minute(0),
        }
    }
}

/// How the points of a period become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Average,
    Max,
    Min,
    Sum,
    Variance,
}

impl Filter {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "average" => Self::Average,
            "max" => Self::Max,
            "min" => Self::Min,
            "sum" => Self::Sum,
            "variance" => Self::Variance,
            _ => return None,
        })
    }

    fn of(self, values: &[f64]) -> f64 {
        match self {
            Self::Average => mean(values),
            Self::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Sum => values.iter().sum(),
            Self::Variance => {
                let mean = mean(values);
                values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn round_up(value: i64, step: i64) -> i64 {
    value.saturating_add(step - 1).div_euclid(step) * step
}
