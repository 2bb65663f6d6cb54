use std::collections::BTreeMap;

use super::group::MinuteOutcome;
use crate::model::{CloudEyeSource, Minute, Per, Sample, Signal, SignalKind, SignalSource};

/// Memory use of an idle instance, in per cent.
const IDLE_MEMORY_PERCENT: f64 = 45.0;
/// Per cent of memory for each per cent of CPU.
const MEMORY_PER_CPU: f64 = 0.25;

/// The signals of a simulated group, with the founding article's thresholds and weights: `cpu`, `memory`,
/// `response_time`, `queue`, and `requests`, the served work per second, which has no thresholds.
///
/// [`sample`] fills them in this order.
pub fn standard_signals() -> Vec<Signal> {
    use SignalKind::{LatencyMs, QueueLength, RatePerSecond, Utilisation};
    let group = |metric| cloud_eye("CUSTOM.GROUP", metric, None);
    vec![
        signal("cpu", Utilisation, cloud_eye("AGT.ECS", "cpu_usage", Some(Per::Instance)), Some((70.0, 30.0, 0.30))),
        signal(
            "memory",
            Utilisation,
            cloud_eye("AGT.ECS", "mem_usedPercent", Some(Per::Instance)),
            Some((80.0, 40.0, 0.25)),
        ),
        signal("response_time", LatencyMs, group("response_time"), Some((2000.0, 500.0, 0.25))),
        signal("queue", QueueLength, group("queue_length"), Some((100.0, 50.0, 0.15))),
        signal("requests", RatePerSecond, group("requests"), None),
    ]
}

/// What a group's metrics say of a minute: the sample that fits [`standard_signals`].
pub fn sample(minute: Minute, outcome: &MinuteOutcome) -> Sample {
    Sample {
        minute,
        serving: Some(outcome.serving),
        total: Some(outcome.total),
        values: vec![
            Some(outcome.utilisation),
            Some(IDLE_MEMORY_PERCENT + MEMORY_PER_CPU * outcome.utilisation),
            Some(outcome.latency_ms),
            Some(outcome.queue),
            Some(outcome.served_per_second()),
        ],
    }
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
