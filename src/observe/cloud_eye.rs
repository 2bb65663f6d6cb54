//! Signals from Cloud Eye: one batch query for all signals of a period, however many instances there are (up to the API's
//! own limit).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures::future;

use super::Gathered;
use super::series::Combine;
use crate::clients::ClientError;
use crate::clients::cloud_eye::{CloudEye, Filter, Metric, Point};
use crate::model::{CloudEyeSource, Group, Minute, Signal, SignalKind, SignalSource};

/// A signal and the metrics that it is made of.
struct Wanted<'a> {
    index: usize,
    signal: &'a Signal,
    source: &'a CloudEyeSource,
    metrics: Vec<Metric>,
}

pub(super) async fn read(
    api: &CloudEye,
    group: &Group,
    instances: &[String],
    window: RangeInclusive<Minute>,
    gathered: &mut Gathered<'_>,
) {
    let mut by_period: BTreeMap<u32, Vec<Wanted<'_>>> = BTreeMap::new();
    for (index, signal) in group.signals.iter().enumerate() {
        let SignalSource::CloudEye(source) = &signal.source else { continue };
        if source.per.is_some() && instances.is_empty() {
            gathered.fail(index, "no instance serves, so none reports it");
            continue;
        }
        let metrics = metrics(source, instances);
        by_period.entry(source.period_seconds()).or_default().push(Wanted { index, signal, source, metrics });
    }
    let queries = by_period.iter().map(|(period, wanted)| query(api, *period, wanted, &window));
    let answers = future::join_all(queries).await;
    for ((period, wanted), answer) in by_period.iter().zip(answers) {
        match answer {
            Ok(points) => {
                let mut points = points.into_iter();
                for wanted in wanted {
                    let series: Vec<Vec<Point>> = points.by_ref().take(wanted.metrics.len()).collect();
                    take_in(wanted, *period, &series, gathered);
                }
            }
            Err(error) => wanted.iter().for_each(|wanted| gathered.fail(wanted.index, &error)),
        }
    }
}

fn metrics(source: &CloudEyeSource, instances: &[String]) -> Vec<Metric> {
    let fixed = source.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    if source.per.is_none() {
        return vec![Metric::new(&source.namespace, &source.metric, fixed)];
    }
    instances
        .iter()
        .map(|id| {
            let own = std::iter::once(("instance_id", id.as_str()));
            Metric::new(&source.namespace, &source.metric, own.chain(fixed.clone()))
        })
        .collect()
}

async fn query(
    api: &CloudEye,
    period: u32,
    wanted: &[Wanted<'_>],
    window: &RangeInclusive<Minute>,
) -> Result<Vec<Vec<Point>>, ClientError> {
    let metrics: Vec<Metric> = wanted.iter().flat_map(|wanted| wanted.metrics.iter().cloned()).collect();
    // A value of a longer period that began earlier reaches into the window.
    let reach = if period > 60 { 2 * i64::from(period / 60) } else { 0 };
    let (from, to) = ((*window.start() - reach).start(), (*window.end() + 1).start());
    api.query(&metrics, from, to, period, Filter::Average).await
}

fn take_in(wanted: &Wanted<'_>, period: u32, all: &[Vec<Point>], gathered: &mut Gathered<'_>) {
    let combine = match wanted.signal.kind {
        SignalKind::Utilisation | SignalKind::LatencyMs | SignalKind::Percent => Combine::Mean,
        SignalKind::QueueLength | SignalKind::RatePerSecond => Combine::Sum,
    };
    let scale = wanted.source.scale.unwrap_or(1.0);
    let series = &mut gathered.series[wanted.index];
    for point in all.iter().flatten() {
        series.add(Minute::containing(point.start), i64::from(period.div_ceil(60)), point.value * scale, combine);
    }
    if wanted.source.per.is_some() {
        match combine {
            Combine::Sum => series.require(wanted.metrics.len()),
            Combine::Mean if wanted.signal.kind == SignalKind::Utilisation => series.count_reporters(),
            Combine::Mean => {}
        }
    }
}
