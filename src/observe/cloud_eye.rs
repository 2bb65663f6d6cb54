//! Signals from Cloud Eye: one batch query for all signals of a period, however many instances there are (up to the API's
//! own limit).

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use futures::future;

use super::combine::{Combine, SILENT_AFTER_MINUTES, combine};
use super::series::Series;
use super::{Gathered, Got, Serving};
use crate::clients::ClientError;
use crate::clients::cloud_eye::{CloudEye, Filter, Metric, Point};
use crate::model::{CloudEyeSource, Group, Minute, Signal, SignalKind, SignalSource};

const FULL_PERCENT: f64 = 100.0;

/// A signal and the metrics that it is made of.
struct Wanted<'a> {
    index: usize,
    signal: &'a Signal,
    source: &'a CloudEyeSource,
    metrics: Vec<Metric>,
}

type Answer = Result<Vec<Vec<Point>>, ClientError>;

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
    let queries = by_period.iter().map(|(period, wanted)| query_together(api, *period, wanted, &window));
    let answers = future::join_all(queries).await;
    let due = *window.end() - i64::from(group.scaling.delay_minutes());
    for ((period, wanted), answers) in by_period.iter().zip(answers) {
        for (wanted, answer) in wanted.iter().zip(answers) {
            match answer {
                Ok(points) => {
                    gathered.take(wanted.index, got(wanted, *period, &points, gathered.serving, &window, due))
                }
                Err(error) => gathered.fail(wanted.index, error),
            }
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

/// One answer a signal. A query that is refused because of one of them is asked again for each alone.
async fn query_together(
    api: &CloudEye,
    period: u32,
    wanted: &[Wanted<'_>],
    window: &RangeInclusive<Minute>,
) -> Vec<Answer> {
    let all: Vec<Metric> = wanted.iter().flat_map(|wanted| wanted.metrics.iter().cloned()).collect();
    match query(api, period, &all, window).await {
        Ok(points) => {
            let mut points = points.into_iter();
            wanted.iter().map(|wanted| Ok(points.by_ref().take(wanted.metrics.len()).collect())).collect()
        }
        Err(error) if wanted.len() > 1 && matches!(error.status(), Some(400 | 404)) => {
            future::join_all(wanted.iter().map(|wanted| query(api, period, &wanted.metrics, window))).await
        }
        Err(error) => wanted.iter().map(|_| Err(error.clone())).collect(),
    }
}

async fn query(api: &CloudEye, period: u32, metrics: &[Metric], window: &RangeInclusive<Minute>) -> Answer {
    let reach = reach(window, period);
    api.query(metrics, reach.start().start(), (*reach.end() + 1).start(), period, Filter::Average).await
}

/// The window, and as much before it as reaches into it: values of longer periods, and instances that reported lately.
fn reach(window: &RangeInclusive<Minute>, period: u32) -> RangeInclusive<Minute> {
    let before = SILENT_AFTER_MINUTES.max(if period > 60 { 2 * minutes(period) } else { 0 });
    *window.start() - before..=*window.end()
}

/// How busy those are that serve in `minute`, if they carry what others carried in `measured` at that utilisation.
fn share(serving: Serving<'_>, measured: Range<Minute>, minute: Minute, utilisation: f64) -> f64 {
    let then: Vec<u32> = (measured.start.0..measured.end.0).filter_map(|minute| serving(Minute(minute))).collect();
    let Some(now) = serving(minute).filter(|now| *now > 0 && !then.is_empty()) else { return utilisation };
    let then = f64::from(then.iter().sum::<u32>()) / then.len() as f64;
    // Nobody is busier than always; what is measured so is for others to doubt.
    (utilisation * then / f64::from(now)).min(utilisation.max(FULL_PERCENT))
}

fn minutes(period: u32) -> i64 {
    i64::from(period.div_ceil(60).max(1))
}

fn got(
    wanted: &Wanted<'_>,
    period: u32,
    points: &[Vec<Point>],
    serving: Serving<'_>,
    window: &RangeInclusive<Minute>,
    due: Minute,
) -> Got {
    let (scale, reach, period) = (wanted.source.scale.unwrap_or(1.0), reach(window, period), minutes(period));
    let is_shared = wanted.signal.kind == SignalKind::Utilisation && period > 1;
    let each = points.iter().map(|points| match is_shared {
        true => Series::of_periods(&reach, points, period, |start, minute, value| {
            share(serving, start..start + period, minute, value * scale)
        }),
        false => Series::of_points(&reach, points, period).scaled(scale),
    });
    let each: Vec<Series> = each.collect();
    if wanted.source.per.is_none() {
        return Got { series: each.into_iter().next(), ..Got::default() };
    }
    let how = match wanted.signal.kind {
        SignalKind::Utilisation | SignalKind::LatencyMs | SignalKind::Percent => Combine::Mean,
        SignalKind::QueueLength | SignalKind::RatePerSecond => Combine::Sum,
    };
    let combined = combine(window, due, &each, how);
    let reporters = (wanted.signal.kind == SignalKind::Utilisation).then_some(combined.reporters);
    Got { series: Some(combined.series), reporters: reporters.unwrap_or_default(), doubt: combined.doubt }
}
