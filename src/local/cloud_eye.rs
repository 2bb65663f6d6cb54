//! Cloud Eye (CES): reading metrics in both versions of the API, writing custom ones, and alarm rules.

mod alarm_rules;
mod writing;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{ApiError, Service};
use super::faults::MetricRead;
use super::metrics::{Dimensions, Filter};
use super::region::Region;
use super::server::Routes;
use super::state::State as Memory;

const CES: Service = Service::CloudEye;
/// Most metrics of one batch.
const BATCH_LIMIT: usize = 500;
/// Most points of one answer; a longer window is silently cut at its start.
const POINT_LIMIT: i64 = 3_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/V1.0/{project_id}/batch-query-metric-data", post(batch_query))
        .route("/V1.0/{project_id}/metric-data", get(show).post(writing::write))
        .route("/V1.0/{project_id}/metrics", get(list))
}

pub(super) fn routes_v2() -> Routes {
    alarm_rules::routes().route("/v2/{project_id}/batch-query-metric-data", post(query_namespace))
}

#[derive(Deserialize)]
struct BatchQuery {
    metrics: Vec<MetricName>,
    from: i64,
    to: i64,
    period: Value,
    filter: String,
}

#[derive(Deserialize)]
struct MetricName {
    namespace: String,
    metric_name: String,
    dimensions: Vec<Dimension>,
}

#[derive(Deserialize)]
struct Dimension {
    name: String,
    value: String,
}

fn dimensions(given: &[Dimension]) -> Dimensions {
    given.iter().map(|dimension| (dimension.name.clone(), dimension.value.clone())).collect()
}

fn dimensions_json(dimensions: &Dimensions) -> Vec<Value> {
    dimensions.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// When, in what periods, and how rolled up a query wants its points.
#[derive(Clone, Copy)]
struct Window {
    from_ms: i64,
    to_ms: i64,
    period_seconds: i64,
    filter: Filter,
}

impl Window {
    fn new(from_ms: i64, to_ms: i64, period: i64, filter: &str, metrics: usize, now_ms: i64) -> Result<Self, ApiError> {
        if from_ms >= to_ms {
            return Err(CES.bad_request(format!("from must be before to: {from_ms}, {to_ms}")));
        }
        let look_back_ms = match period {
            1 | 60 => 4 * 3_600_000,
            300 => DAY_MS,
            1_200 => 3 * DAY_MS,
            3_600 => 10 * DAY_MS,
            14_400 => 30 * DAY_MS,
            86_400 => 180 * DAY_MS,
            _ => return Err(CES.bad_request(format!("period {period} is not supported"))),
        };
        let filter =
            Filter::parse(filter).ok_or_else(|| CES.bad_request(format!("filter {filter} is not supported")))?;
        let each_ms = period.max(60) * 1_000;
        let fits_ms = POINT_LIMIT / (metrics.max(1) as i64) * each_ms;
        let from_ms = from_ms.max(now_ms - look_back_ms).max(to_ms.saturating_sub(fits_ms));
        Ok(Self { from_ms, to_ms, period_seconds: period, filter })
    }
}

/// Reads points at one instant, with what goes wrong on the way.
struct Reader<'a>(&'a Memory);

impl Reader<'_> {
    /// Points of a series and its unit; nothing if there is no such series.
    fn read(&self, namespace: &str, metric: &str, dimensions: &Dimensions, window: Window) -> (Vec<(i64, f64)>, &str) {
        let Some(series) = self.0.series(namespace, metric, dimensions) else {
            return (Vec::new(), "");
        };
        let Window { from_ms, to_ms, period_seconds, filter } = window;
        let now = self.0.now;
        let resource = dimensions.values().next().map_or("", String::as_str);
        let points = series
            .rolled_up((from_ms, to_ms), self.0.newest_visible(), period_seconds, filter)
            .into_iter()
            .filter_map(|(time_ms, value)| {
                let read = MetricRead { namespace, metric, resource, time_ms, now };
                Some((time_ms, self.0.faults.on_point(&read, value)?))
            })
            .collect();
        (points, series.unit)
    }
}

async fn batch_query(State(region): State<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let query: BatchQuery = CES.parse(&body)?;
    if query.metrics.is_empty() || query.metrics.len() > BATCH_LIMIT {
        return Err(CES.bad_request(format!("a batch has 1 to {BATCH_LIMIT} metrics")));
    }
    // The documents want a string here; a number is understood as well.
    let period = match &query.period {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    let period = period.ok_or_else(|| CES.bad_request("period is not a number"))?;
    let reader = Reader(&region.lock());
    let now_ms = reader.0.now.0 * MINUTE_MS;
    let window = Window::new(query.from, query.to, period, &query.filter, query.metrics.len(), now_ms)?;
    let metrics: Vec<Value> = query
        .metrics
        .iter()
        .map(|metric| {
            let dimensions = dimensions(&metric.dimensions);
            let (points, unit) = reader.read(&metric.namespace, &metric.metric_name, &dimensions, window);
            let points: Vec<Value> =
                points.iter().map(|(time, value)| json!({(&query.filter): value, "timestamp": time})).collect();
            json!({
                "namespace": metric.namespace,
                "metric_name": metric.metric_name,
                "dimensions": dimensions_json(&dimensions),
                "unit": unit,
                "datapoints": points,
            })
        })
        .collect();
    Ok(Json(json!({"metrics": metrics})))
}

/// Query parameters as they come: `dim.0` and the like aren't known by name.
type Pairs = Query<Vec<(String, String)>>;

fn parameter<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn required<'a>(pairs: &'a [(String, String)], name: &str) -> Result<&'a str, ApiError> {
    parameter(pairs, name).ok_or_else(|| CES.bad_request(format!("the parameter {name} is missing")))
}

fn number(pairs: &[(String, String)], name: &str) -> Result<i64, ApiError> {
    required(pairs, name)?.parse().map_err(|_| CES.bad_request(format!("the parameter {name} is not a number")))
}

fn dimension_parameters(pairs: &[(String, String)]) -> Result<Dimensions, ApiError> {
    (0..4)
        .filter_map(|number| parameter(pairs, &format!("dim.{number}")))
        .map(|text| {
            let (name, value) =
                text.split_once(',').ok_or_else(|| CES.bad_request(format!("a dimension is name,value: {text}")))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

async fn show(State(region): State<Arc<Region>>, Query(pairs): Pairs) -> Result<Json<Value>, ApiError> {
    let (namespace, metric) = (required(&pairs, "namespace")?, required(&pairs, "metric_name")?);
    let filter = required(&pairs, "filter")?;
    let dimensions = dimension_parameters(&pairs)?;
    let reader = Reader(&region.lock());
    let now_ms = reader.0.now.0 * MINUTE_MS;
    let (from, to, period) = (number(&pairs, "from")?, number(&pairs, "to")?, number(&pairs, "period")?);
    let window = Window::new(from, to, period, filter, 1, now_ms)?;
    let (points, unit) = reader.read(namespace, metric, &dimensions, window);
    let points: Vec<Value> =
        points.iter().map(|(time, value)| json!({filter: value, "timestamp": time, "unit": unit})).collect();
    Ok(Json(json!({"datapoints": points, "metric_name": metric})))
}

async fn list(State(region): State<Arc<Region>>, Query(pairs): Pairs) -> Result<Json<Value>, ApiError> {
    let limit = match parameter(&pairs, "limit") {
        Some(_) => number(&pairs, "limit")?.clamp(1, 1_000) as usize,
        None => 1_000,
    };
    let wanted = dimension_parameters(&pairs)?;
    let name = |series: &(String, String, Dimensions, String)| {
        let dimensions: Vec<String> = series.2.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        format!("{}.{}.{}", series.0, series.1, dimensions.join(","))
    };
    let mut found = region.lock().all_series();
    found.retain(|series| {
        parameter(&pairs, "namespace").is_none_or(|namespace| namespace == series.0)
            && parameter(&pairs, "metric_name").is_none_or(|metric| metric == series.1)
            && wanted.iter().all(|(name, value)| series.2.get(name) == Some(value))
    });
    found.sort_by_cached_key(name);
    if parameter(&pairs, "order") == Some("desc") {
        found.reverse();
    }
    let total = found.len();
    let start = match parameter(&pairs, "start") {
        Some(marker) => found.iter().position(|series| name(series) == marker).map_or(total, |index| index + 1),
        None => 0,
    };
    let page = found.get(start..(start + limit).min(total)).unwrap_or_default();
    let marker = page.last().map(name).unwrap_or_default();
    let metrics: Vec<Value> = page
        .iter()
        .map(|(namespace, metric, dimensions, unit)| {
            let dimensions = dimensions_json(dimensions);
            json!({"namespace": namespace, "metric_name": metric, "dimensions": dimensions, "unit": unit})
        })
        .collect();
    Ok(Json(json!({"metrics": metrics, "meta_data": {"count": page.len(), "total": total, "marker": marker}})))
}

#[derive(Deserialize)]
struct NamespaceQuery {
    namespace: String,
    metric_name: String,
    metric_dimension: String,
    from: i64,
    to: i64,
    #[serde(default = "default_page")]
    limit: usize,
    #[serde(default)]
    offset: usize,
}

fn default_page() -> usize {
    100
}

/// One metric of all resources, in a window of at most five minutes.
async fn query_namespace(State(region): State<Arc<Region>>, body: Bytes) -> Result<Json<Value>, ApiError> {
    const V2: Service = Service::CloudEyeV2;
    let query: NamespaceQuery = V2.parse(&body)?;
    if query.from >= query.to || query.to - query.from > 5 * MINUTE_MS {
        return Err(V2.bad_request("the window is at most five minutes"));
    }
    if !(1..=1_000).contains(&query.limit) {
        return Err(V2.bad_request("limit is 1 to 1000"));
    }
    let reader = Reader(&region.lock());
    let window = Window { from_ms: query.from, to_ms: query.to, period_seconds: 1, filter: Filter::Average };
    let mut found = Vec::new();
    for (namespace, metric, dimensions, _) in reader.0.all_series() {
        let asked_for = namespace == query.namespace
            && metric == query.metric_name
            && dimensions.keys().eq(query.metric_dimension.split(','));
        if !asked_for {
            continue;
        }
        let (points, unit) = reader.read(&namespace, &metric, &dimensions, window);
        let named: Vec<Value> = dimensions
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value, "origin_value": value}))
            .collect();
        found.extend(
            points
                .into_iter()
                .map(|(time, value)| json!({"dimensions": named, "timestamp": time, "value": value, "unit": unit})),
        );
    }
    let page: Vec<Value> = found.into_iter().skip(query.offset).take(query.limit).collect();
    Ok(Json(json!({
        "namespace": query.namespace,
        "metric_name": query.metric_name,
        "metric_dimension": query.metric_dimension,
        "data_points": page,
    })))
}
