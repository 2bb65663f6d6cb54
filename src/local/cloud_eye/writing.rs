//! Writing custom metrics.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::super::custom_metrics::CustomPoint;
use super::super::errors::ApiError;
use super::super::region::Region;
use super::{CES, DAY_MS, Dimension, MINUTE_MS, MetricName, dimensions};

#[derive(Deserialize)]
struct WrittenPoint {
    metric: MetricName,
    ttl: i64,
    collect_time: i64,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    value: f64,
    #[serde(default)]
    unit: String,
}

/// Takes in custom points; all of them or none.
pub(super) async fn write(State(region): State<Arc<Region>>, body: Bytes) -> Result<StatusCode, ApiError> {
    let written: Vec<WrittenPoint> = CES.parse(&body)?;
    if written.is_empty() {
        return Err(CES.error(400, "ces.0001", "The request content cannot be empty"));
    }
    let mut state = region.lock();
    let now_ms = state.now.0 * MINUTE_MS;
    for point in &written {
        let metric = &point.metric;
        if ["SYS.", "AGT.", "SRE."].iter().any(|reserved| metric.namespace.starts_with(reserved)) {
            return Err(CES.error(403, "ces.0009", format!("{} is not a custom namespace", metric.namespace)));
        }
        if !is_custom_namespace(&metric.namespace) || !is_name(&metric.metric_name, 96) {
            let message = format!("bad namespace or metric name: {} {}", metric.namespace, metric.metric_name);
            return Err(CES.bad_request(message));
        }
        let named = |dimension: &Dimension| is_name(&dimension.name, 32) && (1..=256).contains(&dimension.value.len());
        if !(1..=4).contains(&metric.dimensions.len()) || !metric.dimensions.iter().all(named) {
            return Err(CES.bad_request(format!("bad dimensions of {}", metric.metric_name)));
        }
        if !(1..=604_800).contains(&point.ttl) {
            return Err(CES.bad_request(format!("ttl is 1 to 604800 seconds, not {}", point.ttl)));
        }
        if !(now_ms - 3 * DAY_MS + 10_000..=now_ms + 590_000).contains(&point.collect_time) {
            return Err(CES.bad_request(format!("collect_time {} is too far from now", point.collect_time)));
        }
    }
    for point in written {
        let dimensions = dimensions(&point.metric.dimensions);
        state.custom_metrics.write(CustomPoint {
            namespace: point.metric.namespace,
            metric: point.metric.metric_name,
            dimensions,
            unit: point.unit,
            integer: point.kind.as_deref() == Some("int"),
            time_ms: point.collect_time,
            value: point.value,
            keep_from_ms: now_ms - point.ttl * 1_000,
        });
    }
    Ok(StatusCode::CREATED)
}

/// `service.item`, 3 to 32 characters, each part a name.
fn is_custom_namespace(text: &str) -> bool {
    let part = |text: &str| is_name(text, 32) && !text.contains('-');
    (3..=32).contains(&text.len()) && text.split_once('.').is_some_and(|(service, item)| part(service) && part(item))
}

fn is_name(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|each| each.is_ascii_alphanumeric() || each == '_' || each == '-')
}
