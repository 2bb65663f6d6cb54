use std::collections::BTreeMap;

use crate::model::{CloudEyeSource, Minute, Per, Sample, Signal, SignalKind, SignalSource};
use crate::queueing::MinuteOutcome;

/// Memory use of an idle instance, in per cent.
const IDLE_MEMORY_PERCENT: f64 = 45.0;
/// Per cent of memory for each per cent of CPU.
const MEMORY_PER_CPU: f64 = 0.25;

/// What can be seen of a group in one minute. The offered load cannot: a full queue hides it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Per cent of the serving instances' capacity that was used.
    pub utilisation: f64,
    /// Work served per second.
    pub served_per_second: f64,
    /// Work waiting at the end of the minute.
    pub queue: f64,
    /// Mean latency of the work that arrived, in milliseconds.
    pub latency_ms: f64,
    /// Instances that served.
    pub serving: u32,
    /// Instances that served or were starting.
    pub total: u32,
}

impl From<&MinuteOutcome> for Metrics {
    fn from(outcome: &MinuteOutcome) -> Self {
        Self {
            utilisation: outcome.utilisation,
            served_per_second: outcome.served_per_second(),
            queue: outcome.queue,
            latency_ms: outcome.latency_ms,
            serving: outcome.serving,
            total: outcome.total,
        }
    }
}

impl Metrics {
    /// Memory use of the instances in per cent, modelled after the CPU's.
    pub fn memory(&self) -> f64 {
        IDLE_MEMORY_PERCENT + MEMORY_PER_CPU * self.utilisation
    }

    /// The sample that fits [`standard_signals`].
    pub fn sample(&self, minute: Minute) -> Sample {
        Sample {
            minute,
            serving: Some(self.serving),
            total: Some(self.total),
            values: vec![
                Some(self.utilisation),
                Some(self.memory()),
                Some(self.latency_ms),
                Some(self.queue),
                Some(self.served_per_second),
            ],
        }
    }
}

/// What a group's metrics say of a minute: the sample that fits [`standard_signals`].
pub fn sample(minute: Minute, outcome: &MinuteOutcome) -> Sample {
    Metrics::from(outcome).sample(minute)
}

/// The signals of a simulated group, with the founding article's thresholds and weights: `cpu`, `memory`,
/// `response_time`, `queue`, and `requests`, the served work per second, which has no thresholds.
///
/// [`Metrics::sample`] fills them in this order.
pub fn standard_signals() -> Vec<Signal> {
    use SignalKind::{LatencyMs, QueueLength, RatePerSecond, Utilisation};
    let instance = |metric| cloud_eye("AGT.ECS", metric, Some(Per::Instance));
    let group = |metric| cloud_eye("CUSTOM.GROUP", metric, None);
    vec![
        signal("cpu", Utilisation, instance("cpu_usage"), Some((70.0, 30.0, 0.30))),
        signal("memory", Utilisation, instance("mem_usedPercent"), Some((80.0, 40.0, 0.25))),
        signal("response_time", LatencyMs, group("response_time"), Some((2000.0, 500.0, 0.25))),
        signal("queue", QueueLength, group("queue_length"), Some((100.0, 50.0, 0.15))),
        signal("requests", RatePerSecond, group("requests"), None),
    ]
}

fn signal(name: &str, kind: SignalKind, source: SignalSource, thresholds: Option<(f64, f64, f64)>) -> Signal {
    Signal {
        name: name.to_owned(),
        kind,
        source,
        scale_out: thresholds.map(|(out, _, _)| out),
        scale_in: thresholds.map(|(_, scale_in, _)| scale_in),
        duration: 60,
        weight: thresholds.map(|(_, _, weight)| weight),
    }
}

fn cloud_eye(namespace: &str, metric: &str, per: Option<Per>) -> SignalSource {
    SignalSource::CloudEye(CloudEyeSource {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        per,
        dimensions: BTreeMap::new(),
        period: Some(60),
        scale: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_a_value_for_every_signal() {
        let outcome = MinuteOutcome { utilisation: 60.0, served: 600.0, queue: 3.0, ..MinuteOutcome::default() };
        let sample = sample(Minute(7), &outcome);
        assert_eq!(sample.values.len(), standard_signals().len());
        assert_eq!(sample.values, [Some(60.0), Some(60.0), Some(0.0), Some(3.0), Some(10.0)]);
    }

    #[test]
    fn the_weights_and_the_trend_add_up_to_one() {
        let weights: f64 = standard_signals().iter().filter_map(|signal| signal.weight).sum();
        assert!((weights + 0.05 - 1.0).abs() < 1e-12);
    }
}
