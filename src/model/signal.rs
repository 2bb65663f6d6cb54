use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// One measured quantity of a group, where it comes from, and what it means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Name, unique within the group.
    pub name: String,
    /// Kind, and with it the unit.
    pub kind: SignalKind,
    /// Where the values come from.
    pub source: SignalSource,
    /// Above this the group wants to grow. Optional on a `rate_per_second`, which then feeds demand only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out: Option<f64>,
    /// Below this the group may shrink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in: Option<f64>,
    /// How long a threshold must hold, in seconds.
    #[serde(default = "one_minute_seconds")]
    pub duration: u32,
    /// Share in the weighted score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl Signal {
    /// How long a threshold must hold, in whole minutes, at least one.
    pub fn duration_minutes(&self) -> u32 {
        self.duration.div_ceil(60).max(1)
    }

    /// Minutes between two values of this signal.
    pub fn period_minutes(&self) -> u32 {
        match &self.source {
            SignalSource::CloudEye(source) => source.period_seconds().div_ceil(60).max(1),
            SignalSource::Prometheus(_) | SignalSource::Redis(_) | SignalSource::HttpJson(_) => 1,
        }
    }
}

fn one_minute_seconds() -> u32 {
    60
}

/// What a signal measures. The unit follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Per cent of what an instance can do, averaged over the serving instances: CPU, memory, GPU.
    Utilisation,
    /// Response time in milliseconds.
    LatencyMs,
    /// Items waiting, summed over the group.
    QueueLength,
    /// Per cent of something else: error rate.
    Percent,
    /// Work per second, summed over the group: the load that was served.
    RatePerSecond,
}

/// Where a signal's values come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalSource {
    /// A Cloud Eye metric.
    CloudEye(CloudEyeSource),
    /// An instant query on anything that speaks the Prometheus HTTP API.
    Prometheus(PrometheusSource),
    /// The length of a Redis / DCS structure.
    Redis(RedisSource),
    /// A number in a JSON document behind HTTP.
    HttpJson(HttpJsonSource),
}

/// A Cloud Eye metric: of each instance, or of one resource named by its dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudEyeSource {
    /// `AGT.ECS`, `SYS.ECS`, `SYS.AS`, `SYS.ELB`, or a custom one.
    pub namespace: String,
    /// The metric's name in that namespace.
    pub metric: String,
    /// `instance`: queried for every instance and averaged (utilisation, latency, per cent) or summed (the rest).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// Fixed dimensions, for metrics of one resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// Seconds between two values. Default: 300 for `SYS.ECS` and `SYS.AS`, else 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<u32>,
    /// Multiplies every value, for metrics in another unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

impl CloudEyeSource {
    /// Seconds between two values of this metric.
    pub fn period_seconds(&self) -> u32 {
        self.period.unwrap_or(match self.namespace.as_str() {
            "SYS.ECS" | "SYS.AS" => 300,
            _ => 60,
        })
    }
}

/// What a metric is counted per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// One series an instance, under the dimension `instance_id`.
    Instance,
}

/// An instant query on a Prometheus-compatible server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSource {
    /// Base address; `/api/v1/query` is appended.
    pub url: Url,
    /// A query that yields one number.
    pub query: String,
    /// Sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<SecretSource>,
}

/// The length of a Redis structure. Exactly one of the keys is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisSource {
    /// `redis://host:port/db`.
    pub url: Url,
    /// Key of a list (`LLEN`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// Key of a stream (`XLEN`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Key of a sorted set (`ZCARD`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorted_set: Option<String>,
    /// Password, if not part of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
}

/// A number in a JSON document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpJsonSource {
    /// Address of the document, fetched by GET.
    pub url: Url,
    /// JSON pointer (RFC 6901) to the number.
    pub pointer: String,
    /// Sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<SecretSource>,
}

/// Where a secret is found. The configuration itself never holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// Name of an environment variable (encrypted function variables count as such).
    Env(String),
    /// Name of a secret in the cloud's secret store (CSMS), latest version.
    Csms(String),
}
