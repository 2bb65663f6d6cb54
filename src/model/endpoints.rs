use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Addresses of the cloud's APIs. What is missing is the region's public address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// Auto Scaling.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub auto_scaling: Option<Url>,
    /// Elastic Cloud Server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecs: Option<Url>,
    /// Cloud Eye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ces: Option<Url>,
    /// Simple Message Notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smn: Option<Url>,
    /// Elastic Load Balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elb: Option<Url>,
    /// FunctionGraph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functiongraph: Option<Url>,
    /// Secret store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csms: Option<Url>,
    /// Identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<Url>,
    /// Cloud Trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cts: Option<Url>,
}
