//! OpenTelemetry's protocol over HTTP, as JSON: numbers to any collector.
//! Source: the OTLP specification 1.x, <https://opentelemetry.io/docs/specs/otlp/#otlphttp>, and its protocol buffers in
//! their JSON mapping (names in lower camel case, 64-bit integers as text).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure, Refusal};
use super::foreign;
use super::http::Transport;

const OPERATION: &str = "export metrics";
/// Where metrics go, below the address of the collector.
const METRICS_PATH: [&str; 2] = ["v1", "metrics"];

/// A number at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge<'a> {
    /// Its name, with dots.
    pub name: &'a str,
    /// Its unit by the Unified Code for Units of Measure, as OpenTelemetry has it: `ms`, `%`, `1`.
    pub unit: &'a str,
    /// What it is.
    pub description: &'a str,
    /// The number.
    pub value: f64,
}

/// What a collector says to what it took.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exported {
    partial_success: Option<PartialSuccess>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    /// A 64-bit integer: text, or a number from collectors that are not strict.
    rejected_data_points: Value,
    error_message: String,
}

impl PartialSuccess {
    fn has_rejected(&self) -> bool {
        !matches!(self.rejected_data_points.to_string().trim_matches('"'), "0" | "null" | "")
    }
}

/// Sends numbers that hold at a moment, each with these attributes. Not tried again unless surely refused.
///
/// # Errors
/// If the collector refuses all or some of them, or does not answer.
pub async fn export(
    transport: &Transport,
    collector: &Url,
    bearer: Option<&Secret>,
    attributes: &[(&str, &str)],
    at: DateTime<Utc>,
    gauges: &[Gauge<'_>],
) -> Result<(), ClientError> {
    let subject = foreign::without_login(collector).0.to_string();
    let fail = |failure| ClientError::new(OPERATION, &subject, failure);
    let mut url = collector.clone();
    url.path_segments_mut()
        .map_err(|()| fail(Failure::Invalid("the address cannot have a path".to_owned())))?
        .pop_if_empty()
        .extend(METRICS_PATH);
    let document = document(attributes, at, gauges);
    let answer = foreign::post_json(transport, OPERATION, &subject, &url, bearer, &document).await?;
    // Whoever answers success with something else has taken it all the same.
    let exported: Exported = serde_json::from_slice(&answer.body).unwrap_or_default();
    match exported.partial_success {
        Some(partial) if partial.has_rejected() => Err(fail(Failure::Refused(Refusal {
            status: answer.status,
            message: format!("rejected {} numbers: {}", partial.rejected_data_points, partial.error_message),
            ..Refusal::default()
        }))),
        _ => Ok(()),
    }
}

fn document(attributes: &[(&str, &str)], at: DateTime<Utc>, gauges: &[Gauge<'_>]) -> Value {
    let nanoseconds = at.timestamp_nanos_opt().unwrap_or_default().to_string();
    let point_attributes = pairs(attributes);
    let metrics: Vec<Value> = gauges
        .iter()
        .map(|gauge| {
            json!({
                "name": gauge.name,
                "unit": gauge.unit,
                "description": gauge.description,
                "gauge": {"dataPoints": [
                    {"timeUnixNano": nanoseconds, "asDouble": gauge.value, "attributes": point_attributes},
                ]},
            })
        })
        .collect();
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    json!({"resourceMetrics": [{
        "resource": {"attributes": pairs(&[("service.name", name), ("service.version", version)])},
        "scopeMetrics": [{"scope": {"name": name, "version": version}, "metrics": metrics}],
    }]})
}

fn pairs(attributes: &[(&str, &str)]) -> Vec<Value> {
    attributes.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clients::testing::{Planned, Server, transport};

    const TARGET: Gauge<'_> = Gauge { name: "autoscaler.target", unit: "1", description: "Instances.", value: 7.0 };

    async fn exported(server: &Server, path: &str) -> Result<(), ClientError> {
        let token = Secret::new("made-up");
        let collector = server.url.join(path).unwrap();
        let at = DateTime::from_timestamp(1_790_000_000, 5).unwrap();
        let transport = transport(Duration::from_secs(20));
        export(&transport, &collector, Some(&token), &[("group", "web")], at, &[TARGET]).await
    }

    #[tokio::test]
    async fn a_number_goes_out_with_its_time_and_attributes() {
        for path in ["/", "/otlp", "/otlp/"] {
            let server = Server::start([Planned::json(200, json!({}))]).await;
            exported(&server, path).await.unwrap();
            let received = server.received();
            assert_eq!(received[0].header("authorization"), Some("Bearer made-up"));
            assert_eq!(received[0].path, format!("{}/v1/metrics", path.trim_end_matches('/')));
            let document: Value = serde_json::from_slice(&received[0].body).unwrap();
            let metric = &document["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
            assert_eq!(metric["name"], "autoscaler.target");
            let point = json!({
                "timeUnixNano": "1790000000000000005", "asDouble": 7.0,
                "attributes": [{"key": "group", "value": {"stringValue": "web"}}],
            });
            assert_eq!(metric["gauge"]["dataPoints"], json!([point]));
        }
    }

    #[tokio::test]
    async fn what_a_collector_rejects_in_part_is_an_error_and_an_empty_answer_is_none() {
        let partly = json!({"partialSuccess": {"rejectedDataPoints": "1", "errorMessage": "too old"}});
        let server = Server::start([Planned::json(200, partly)]).await;
        let error = exported(&server, "/").await.unwrap_err().to_string();
        assert!(error.contains("rejected") && error.contains("too old") && !error.contains("made-up"), "{error}");
        let none = json!({"partialSuccess": {"rejectedDataPoints": "0", "errorMessage": "a warning"}});
        for answer in [Planned::json(200, none), Planned::text(200, "")] {
            exported(&Server::start([answer]).await, "/").await.unwrap();
        }
    }
}
