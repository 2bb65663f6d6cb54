//! Cloud Trace Service (CTS): whether spot reclaims are told to anyone.

use serde::Deserialize;

use super::api::{Api, Request};
use super::error::ClientError;
use super::wire::null_as_default;

/// The CTS API.
#[derive(Clone, Debug)]
pub struct Cts(pub(super) Api);

/// A key-event notification: which operations are told to which topic.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Notification {
    /// Its name.
    #[serde(rename = "notification_name", default, deserialize_with = "null_as_default")]
    pub name: String,
    /// `enabled` or `disabled`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub status: String,
    /// `complete` tells everything, `customized` the operations named.
    #[serde(default, deserialize_with = "null_as_default")]
    pub operation_type: String,
    /// Topic that is told.
    #[serde(rename = "topic_id", default)]
    pub topic_urn: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Operation {
    #[serde(default, deserialize_with = "null_as_default")]
    service_type: String,
    #[serde(default, deserialize_with = "null_as_default")]
    trace_names: Vec<String>,
}

impl Notification {
    /// Whether it tells when a spot server is about to be taken away.
    pub fn tells_reclaims(&self) -> bool {
        let names_it = |operation: &Operation| {
            operation.service_type == "ECS" && operation.trace_names.iter().any(|name| name == "interruptServer")
        };
        self.status == "enabled" && (self.operation_type == "complete" || self.operations.iter().any(names_it))
    }
}

impl Cts {
    /// All key-event notifications that go to SMN topics.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn notifications(&self) -> Result<Vec<Notification>, ClientError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default, deserialize_with = "null_as_default")]
            notifications: Vec<Notification>,
        }
        let path = format!("/v3/{}/notifications/smn", self.0.project());
        Ok(self.0.call::<Listed>(Request::get("list CTS notifications", "", path)).await?.notifications)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Planned, Server};

    #[tokio::test]
    async fn notifications_of_reclaims_are_recognised() {
        let notification = |status: &str, kind: &str, traces: &[&str]| {
            json!({"notification_name": "spot", "status": status, "operation_type": kind, "topic_id": "urn:smn:x",
                "operations": [{"service_type": "ECS", "resource_type": "server", "trace_names": traces}]})
        };
        let server = Server::start([Planned::json(
            200,
            json!({"notifications": [
                notification("enabled", "customized", &["interruptServer"]),
                notification("disabled", "customized", &["interruptServer"]),
                notification("enabled", "customized", &["createServer"]),
                notification("enabled", "complete", &[]),
            ]}),
        )])
        .await;
        let notifications = server.cloud().cts().notifications().await.unwrap();
        let told: Vec<bool> = notifications.iter().map(Notification::tells_reclaims).collect();
        assert_eq!(told, [true, false, false, true]);
        assert_eq!(server.lines(), ["GET /v3/project/notifications/smn"]);
    }
}
