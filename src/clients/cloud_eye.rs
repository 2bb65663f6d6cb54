//! Cloud Eye (CES): metrics of everything in the cloud, and our own.

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::api::{Api, Request};
use super::error::ClientError;
use super::wire::null_as_default;

/// Most series in one batch query.
const MOST_SERIES: usize = 500;
/// Most points in the answer of one batch query. Of a larger one the API silently drops the oldest.
const MOST_POINTS: usize = 3000;
/// Most series in one batch query where the larger number is refused: another edition of the documents says ten.
const FEWER_SERIES: usize = 10;
/// Batch queries under way at once.
const CONCURRENCY: usize = 4;
/// Metrics listed at once; the API's limit.
const LIST_PAGE: usize = 1000;
/// Most pages of listed metrics that are read.
const LIST_PAGES: usize = 20;
/// Values written at once, well below the limit of 512 kB.
const WRITE_PAGE: usize = 500;

/// The Cloud Eye API.
#[derive(Clone, Debug)]
pub struct CloudEye(pub(super) Api);

/// What one series measures.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Metric {
    /// `AGT.ECS`, `SYS.ELB` and the like.
    pub namespace: String,
    /// The metric's name in that namespace.
    pub metric_name: String,
    /// The resource that is measured, by one to four dimensions.
    #[serde(default, deserialize_with = "null_as_default")]
    pub dimensions: Vec<Dimension>,
}

/// One dimension of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dimension {
    /// `instance_id` and the like.
    pub name: String,
    /// The resource's id.
    pub value: String,
}

impl Metric {
    /// A metric of the resource that these dimensions name.
    pub fn new<'a>(
        namespace: &str,
        metric_name: &str,
        dimensions: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let own = |(name, value): (&str, &str)| Dimension { name: name.to_owned(), value: value.to_owned() };
        Self {
            namespace: namespace.to_owned(),
            metric_name: metric_name.to_owned(),
            dimensions: dimensions.into_iter().map(own).collect(),
        }
    }

    /// The same whatever the order of the dimensions.
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.dimensions.sort();
        sorted
    }
}

/// How the raw values within a period become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Their mean.
    Average,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Their sum.
    Sum,
}

/// One value of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Start of the period that the value describes.
    pub start: DateTime<Utc>,
    /// The value, in the metric's unit. Always finite.
    pub value: f64,
}

/// A value of our own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CustomValue {
    /// What it measures. The namespace is `service.item`, its first part not `SYS`, `AGT` or `SRE`.
    pub metric: Metric,
    /// Seconds that it is kept, at most 604 800.
    pub ttl: u32,
    /// When it was measured: within the last three days.
    #[serde(rename = "collect_time", with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// The value.
    pub value: f64,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl CloudEye {
    /// Values of many series at once, one vector a metric in the order of `metrics`, oldest point first. A series without
    /// values is empty: that is normal for a new instance, a dead agent, or a load balancer without traffic.
    ///
    /// Points lie at the start of their period, and `from` is rounded down to a period by the API. The number of calls
    /// grows only where the API's limits are exceeded: 500 series or 3000 points a call.
    ///
    /// # Errors
    /// If the API refuses or does not answer; then none of the series is given.
    pub async fn query(
        &self,
        metrics: &[Metric],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        period_seconds: u32,
        filter: Filter,
    ) -> Result<Vec<Vec<Point>>, ClientError> {
        let window = Window { from, to, period_seconds, filter };
        let chunks = stream::iter(metrics.chunks(window.most_series())).map(|chunk| self.query_or_split(chunk, window));
        let series: Vec<Vec<Vec<Point>>> = chunks.buffered(CONCURRENCY).try_collect().await?;
        Ok(series.into_iter().flatten().collect())
    }

    async fn query_or_split(&self, metrics: &[Metric], window: Window) -> Result<Vec<Vec<Point>>, ClientError> {
        match self.query_once(metrics, window).await {
            Err(error) if error.status() == Some(400) && metrics.len() > FEWER_SERIES => {
                tracing::warn!(%error, series = metrics.len(), "batch query refused, asking for fewer series at once");
                let parts = stream::iter(metrics.chunks(FEWER_SERIES)).map(|part| self.query_once(part, window));
                let series: Vec<Vec<Vec<Point>>> = parts.buffered(CONCURRENCY).try_collect().await?;
                Ok(series.into_iter().flatten().collect())
            }
            result => result,
        }
    }

    async fn query_once(&self, metrics: &[Metric], window: Window) -> Result<Vec<Vec<Point>>, ClientError> {
        #[derive(Serialize)]
        struct Query<'a> {
            metrics: &'a [Metric],
            from: i64,
            to: i64,
            period: String,
            filter: Filter,
        }
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default, deserialize_with = "null_as_default")]
            metrics: Vec<Series>,
        }
        let query = Query {
            metrics,
            from: window.from.timestamp_millis(),
            to: window.to.timestamp_millis(),
            period: window.period_seconds.to_string(),
            filter: window.filter,
        };
        let subject = match metrics {
            [one] => format!("{} {}", one.namespace, one.metric_name),
            _ => format!("of {} series", metrics.len()),
        };
        let request =
            Request::post("query metric data", &subject, self.path("V1.0", "batch-query-metric-data")).json(&query);
        let mut answer: Vec<(Metric, Vec<Point>)> = self
            .0
            .call::<Answer>(request)
            .await?
            .metrics
            .into_iter()
            .map(|series| series.points(window.filter))
            .collect();
        answer.sort_by(|(left, _), (right, _)| left.cmp(right));
        let points = metrics.iter().map(|metric| {
            let found = answer.binary_search_by(|(known, _)| known.cmp(&metric.sorted()));
            found.map(|index| answer[index].1.clone()).unwrap_or_default()
        });
        Ok(points.collect())
    }

    /// The metrics that there are of a namespace, and of one resource if a dimension is given.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn list(&self, namespace: &str, dimension: Option<(&str, &str)>) -> Result<Vec<Metric>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default, deserialize_with = "null_as_default")]
            metrics: Vec<Metric>,
            #[serde(default, deserialize_with = "null_as_default")]
            meta_data: MetaData,
        }
        #[derive(Default, Deserialize)]
        struct MetaData {
            #[serde(default, deserialize_with = "null_as_default")]
            marker: String,
        }
        let mut metrics = Vec::new();
        let mut marker = String::new();
        for _ in 0..LIST_PAGES {
            let mut request = Request::get("list metrics of", namespace, self.path("V1.0", "metrics"))
                .query("namespace", namespace)
                .query("limit", LIST_PAGE);
            if let Some((name, value)) = dimension {
                request = request.query("dim.0", format!("{name},{value}"));
            }
            if !marker.is_empty() {
                request = request.query("start", &marker);
            }
            let page: Page = self.0.call(request).await?;
            let is_last = page.metrics.len() < LIST_PAGE || page.meta_data.marker == marker;
            marker = page.meta_data.marker;
            metrics.extend(page.metrics);
            if is_last || marker.is_empty() {
                break;
            }
        }
        Ok(metrics)
    }

    /// Writes values of our own. A value that is not finite cannot be written and is passed over.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn write(&self, values: &[CustomValue]) -> Result<(), ClientError> {
        let values: Vec<Written<'_>> = values
            .iter()
            .filter(|value| value.value.is_finite())
            .map(|value| Written { kind: "float", value })
            .collect();
        for page in values.chunks(WRITE_PAGE) {
            let request = Request::post("write metric data", "", self.path("V1.0", "metric-data")).json(&page);
            self.0.call_unit(request).await?;
        }
        Ok(())
    }

    fn path(&self, version: &str, rest: &str) -> String {
        format!("/{version}/{}/{rest}", self.0.project())
    }
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    value: &'a CustomValue,
}

#[derive(Clone, Copy)]
struct Window {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    period_seconds: u32,
    filter: Filter,
}

impl Window {
    /// Series that one call may ask for: raw values count as one a minute.
    fn most_series(&self) -> usize {
        let period = if self.period_seconds <= 1 { 60 } else { i64::from(self.period_seconds) };
        // `from` is rounded down to a period, which adds one.
        let points = (self.to - self.from).num_seconds().max(0) / period + 1;
        (MOST_POINTS / usize::try_from(points).unwrap_or(usize::MAX).max(1)).clamp(1, MOST_SERIES)
    }
}

#[derive(Deserialize)]
struct Series {
    #[serde(flatten)]
    metric: Metric,
    #[serde(default, deserialize_with = "null_as_default")]
    datapoints: Vec<DataPoint>,
}

/// The value stands under the name of the filter.
#[derive(Deserialize)]
struct DataPoint {
    timestamp: i64,
    average: Option<f64>,
    max: Option<f64>,
    min: Option<f64>,
    sum: Option<f64>,
}

impl Series {
    fn points(self, filter: Filter) -> (Metric, Vec<Point>) {
        let point = |point: &DataPoint| {
            let value = match filter {
                Filter::Average => point.average,
                Filter::Max => point.max,
                Filter::Min => point.min,
                Filter::Sum => point.sum,
            };
            let value = value.filter(|value| value.is_finite())?;
            Some(Point { start: DateTime::from_timestamp_millis(point.timestamp)?, value })
        };
        let mut points: Vec<Point> = self.datapoints.iter().filter_map(point).collect();
        points.sort_by_key(|point| point.start);
        (self.metric.sorted(), points)
    }
}

#[cfg(test)]
mod tests;
