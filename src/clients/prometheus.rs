//! Instant queries on anything that speaks the Prometheus HTTP API: Prometheus itself, VictoriaMetrics, the cloud's AOM.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure, redacted};
use super::foreign;
use super::http::Transport;
use super::signing::query_string;

const OPERATION: &str = "query Prometheus for";

/// A server that speaks the Prometheus HTTP API.
#[derive(Clone, Debug)]
pub struct Prometheus {
    transport: Transport,
    base: Url,
    bearer: Option<Secret>,
}

impl Prometheus {
    /// The server at a base address, to which `/api/v1/query` is appended. An AOM access code is a `bearer`.
    pub fn new(transport: Transport, base: &Url, bearer: Option<Secret>) -> Self {
        Self { transport, base: base.clone(), bearer }
    }

    /// Value of a query at a time. `None` if there is no series, or none with a number: NaN and infinity are none.
    ///
    /// # Errors
    /// If the query gives several series, if it is refused, or if the server does not answer.
    pub async fn query(&self, query: &str, time: DateTime<Utc>) -> Result<Option<f64>, ClientError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/api/v1/query", self.base.path().trim_end_matches('/')));
        let seconds = format!("{}.{:03}", time.timestamp(), time.timestamp_subsec_millis());
        url.set_query(Some(&query_string(&[("query", query), ("time", &seconds)])));
        let answer = foreign::get(&self.transport, OPERATION, query, &url, self.bearer.as_ref()).await?;
        let login = foreign::without_login(&self.base).1;
        let secrets: Vec<&Secret> = self.bearer.iter().chain(login.iter().flat_map(foreign::Login::secrets)).collect();
        let unreadable = |reason: String| ClientError::new(OPERATION, query, Failure::unreadable(&reason, &secrets));
        let answer: Answer = serde_json::from_slice(&answer.body).map_err(|error| unreadable(error.to_string()))?;
        for warning in &answer.warnings {
            let warning = redacted(warning, &secrets);
            tracing::warn!(query, warning, "the answer of Prometheus may be partial");
        }
        single_value(answer.data).map_err(unreadable)
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: ResultKind,
    result: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResultKind {
    Vector,
    Scalar,
    Matrix,
    String,
}

#[derive(Deserialize)]
struct Series {
    /// Absent where a series is a native histogram.
    value: Option<TimeAndValue>,
}

/// Seconds, which do not matter here, and a number as text.
#[derive(Deserialize)]
struct TimeAndValue(IgnoredAny, String);

impl TimeAndValue {
    fn number(&self) -> Result<Option<f64>, String> {
        let number: f64 = self.1.parse().map_err(|_| format!("{:?} is not a number", self.1))?;
        Ok(Some(number).filter(|number| number.is_finite()))
    }
}

fn single_value(data: Data) -> Result<Option<f64>, String> {
    match data.kind {
        ResultKind::Scalar => parse::<TimeAndValue>(data.result)?.number(),
        ResultKind::Vector => match parse::<Vec<Series>>(data.result)?.as_slice() {
            [] => Ok(None),
            [Series { value: Some(value) }] => value.number(),
            [Series { value: None }] => Err("the query gives a histogram; take a quantile or a rate of it".to_owned()),
            several => {
                Err(format!("the query gives {} series; make them one, by `sum(...)` for instance", several.len()))
            }
        },
        ResultKind::Matrix => Err("the query gives a range of values; leave out the `[...]`".to_owned()),
        ResultKind::String => Err("the query gives a text".to_owned()),
    }
}

fn parse<T: DeserializeOwned>(result: Value) -> Result<T, String> {
    serde_json::from_value(result).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
