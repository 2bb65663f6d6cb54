//! What is needed of four more services: messages (SMN), secrets (CSMS), identity (IAM) and traces (CTS).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::errors::{ApiError, REQUEST_ID, Service};
use super::events::PublishedMessage;
use super::region::Region;
use super::server::Routes;

const SMN: Service = Service::Smn;
const CSMS: Service = Service::Csms;
const CTS: Service = Service::Cts;
/// Longest subject and message in bytes.
const LONGEST_SUBJECT: usize = 512;
const LONGEST_MESSAGE: usize = 256 << 10;

/// Simple Message Notification: published messages are kept for [`Region::take_messages`].
pub(super) fn messages() -> Routes {
    Routes::new().route("/v2/{project_id}/notifications/topics/{topic_urn}/publish", post(publish))
}

#[derive(Deserialize)]
struct Publish {
    #[serde(default)]
    subject: Option<String>,
    message: String,
}

async fn publish(
    State(region): State<Arc<Region>>,
    Path((_, topic_urn)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let publish: Publish = SMN.parse(&body)?;
    let subject = publish.subject.unwrap_or_default();
    if !topic_urn.starts_with("urn:smn:") {
        return Err(SMN.error(404, "SMN.00011004", format!("Topic not found: {topic_urn}")));
    }
    if subject.len() > LONGEST_SUBJECT || publish.message.is_empty() || publish.message.len() > LONGEST_MESSAGE {
        return Err(SMN.bad_request("a subject has at most 512 bytes, a message 1 byte to 256 KB"));
    }
    let mut state = region.lock();
    let message_id = state.identifiers.next("message").replace('-', "");
    let message = PublishedMessage { minute: state.now, topic_urn, subject, message: publish.message };
    state.outbox.messages.push(message);
    Ok(Json(json!({"message_id": message_id, "request_id": REQUEST_ID})))
}

/// Cloud Secret Management Service: the secrets of the region's settings, each in one version.
pub(super) fn secrets() -> Routes {
    Routes::new().route("/v1/{project_id}/secrets/{secret_name}/versions/{version_id}", get(secret))
}

async fn secret(
    State(region): State<Arc<Region>>,
    Path((_, name, version)): Path<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let text = region.settings().secrets.get(&name).filter(|_| version == "latest" || version == "v1");
    let text = text.ok_or_else(|| CSMS.error(404, "CSM.0404", format!("The secret does not exist: {name}")))?;
    let created_ms = region.settings().start.0 * 60_000;
    let metadata = json!({
        "id": "v1", "secret_name": name, "create_time": created_ms, "kms_key_id": "demo-key",
        "version_stages": ["SYSCURRENT"],
    });
    Ok(Json(json!({"version": {"version_metadata": metadata, "secret_string": text}})))
}

/// Identity and Access Management: the one project and account.
pub(super) fn identity() -> Routes {
    Routes::new().route("/v3/projects", get(projects)).route("/v3/auth/domains", get(domains))
}

#[derive(Deserialize)]
struct ProjectQuery {
    name: Option<String>,
}

async fn projects(State(region): State<Arc<Region>>, Query(query): Query<ProjectQuery>) -> Json<Value> {
    let settings = region.settings();
    let known = query.name.is_none_or(|name| name == settings.region);
    let project = json!({
        "id": settings.project_id, "name": settings.region, "domain_id": "demo", "parent_id": "demo",
        "enabled": true, "is_domain": false, "description": "", "links": {"self": ""},
    });
    let projects = if known { vec![project] } else { Vec::new() };
    Json(json!({"projects": projects, "links": {"self": "", "next": null, "previous": null}}))
}

async fn domains() -> Json<Value> {
    let domain = json!({"id": "demo", "name": "demo", "enabled": true, "description": "", "links": {"self": ""}});
    Json(json!({"domains": [domain], "links": {"self": "", "next": null, "previous": null}}))
}

/// Cloud Trace Service: key-event notifications.
pub(super) fn traces() -> Routes {
    Routes::new()
        .route("/v3/{project_id}/notifications", post(create_notification))
        .route("/v3/{project_id}/notifications/{notification_type}", get(notifications))
}

async fn create_notification(
    State(region): State<Arc<Region>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut notification: Value = CTS.parse(&body)?;
    if notification["notification_name"].as_str().is_none() || notification["operation_type"].as_str().is_none() {
        return Err(CTS.bad_request("a notification has a name and a type of operation"));
    }
    let mut state = region.lock();
    notification["notification_id"] = json!(state.identifiers.next("notification"));
    notification["notification_type"] = json!("smn");
    notification["status"] = json!("enabled");
    notification["create_time"] = json!(state.now.0 * 60_000);
    state.outbox.notifications.push(notification.clone());
    Ok((StatusCode::CREATED, Json(notification)))
}

async fn notifications(State(region): State<Arc<Region>>) -> Json<Value> {
    Json(json!({"notifications": region.lock().outbox.notifications}))
}
