//! Metrics that were written through the API.

use std::collections::BTreeMap;

use super::metrics::Dimensions;

/// Series by namespace, metric and dimensions.
#[derive(Debug, Default)]
pub(super) struct CustomMetrics(BTreeMap<(String, String, Dimensions), CustomSeries>);

/// One written series.
#[derive(Clone, Debug, Default)]
pub(super) struct CustomSeries {
    pub(super) unit: String,
    pub(super) integer: bool,
    /// Values by time in milliseconds.
    pub(super) points: BTreeMap<i64, f64>,
}

/// One written value.
#[derive(Clone, Debug)]
pub(super) struct CustomPoint {
    pub(super) namespace: String,
    pub(super) metric: String,
    pub(super) dimensions: Dimensions,
    pub(super) unit: String,
    pub(super) integer: bool,
    pub(super) time_ms: i64,
    pub(super) value: f64,
    /// Points older than this are dropped.
    pub(super) keep_from_ms: i64,
}

impl CustomMetrics {
    pub(super) fn write(&mut self, point: CustomPoint) {
        let series = self.0.entry((point.namespace, point.metric, point.dimensions)).or_default();
        series.unit = point.unit;
        series.integer = point.integer;
        series.points.insert(point.time_ms, point.value);
        series.points = series.points.split_off(&point.keep_from_ms);
    }

    pub(super) fn series(&self, namespace: &str, metric: &str, dimensions: &Dimensions) -> Option<&CustomSeries> {
        self.0.get(&(namespace.to_owned(), metric.to_owned(), dimensions.clone()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (String, String, Dimensions, String)> {
        self.0.iter().map(|((namespace, metric, dimensions), series)| {
            (namespace.clone(), metric.clone(), dimensions.clone(), series.unit.clone())
        })
    }
}
