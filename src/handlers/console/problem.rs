use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use tracing::error;

use crate::functiongraph::Diagnostic;
use crate::state::StoreError;

/// An error answer: problem details as in RFC 9457, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Which kind: a URN that stays the same.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened here, and how to mend it.
    detail: String,
    /// The place in the request's body that is wrong, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:problem-type:flexus-autoscaler:{kind}");
        Self { kind, title, status: status.as_u16(), detail: detail.into(), pointer: None }
    }

    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not authorized", detail)
    }

    pub(super) fn closed(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "closed", "The console is closed", detail)
    }

    /// The answer to a request too many, with the time to wait.
    pub(super) fn too_many(wait: Duration) -> Response {
        let seconds = wait.as_secs_f64().ceil().max(1.0);
        let detail = format!("try again in {seconds} s");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail);
        let mut response = problem.into_response();
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    pub(super) fn no_route(path: &str) -> Self {
        let detail = format!("{path} is no path of this API; /api/openapi.json tells them all");
        Self::new(StatusCode::NOT_FOUND, "no-such-path", "No such path", detail)
    }

    pub(super) fn wrong_method(method: &str, path: &str) -> Self {
        let detail = format!("{path} does not take {method}; the Allow header names what it takes");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Wrong method", detail)
    }

    pub(super) fn unknown_group(name: &str) -> Self {
        let detail = format!("the configuration has no group `{name}`; /api/groups lists them");
        Self::new(StatusCode::NOT_FOUND, "unknown-group", "Unknown group", detail)
    }

    pub(super) fn unknown_decision(id: &str) -> Self {
        let detail = format!("there is no decision `{id}`; /api/groups/{{group}}/decisions lists them");
        Self::new(StatusCode::NOT_FOUND, "unknown-decision", "Unknown decision", detail)
    }

    pub(super) fn unknown_version(name: &str) -> Self {
        let detail = format!("there is no version `{name}` of the policy; /api/groups/{{group}}/policies lists them");
        Self::new(StatusCode::NOT_FOUND, "unknown-version", "Unknown version", detail)
    }

    /// What is asked for is no longer possible.
    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Not possible as things stand", detail)
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request is wrong", detail)
    }

    pub(super) fn too_large(limit_bytes: usize) -> Self {
        let detail = format!("a body has at most {limit_bytes} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    /// A body of the right form that makes no sense at `pointer`.
    pub(super) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request makes no sense", detail);
        Self { pointer: Some(pointer.to_owned()), ..problem }
    }

    pub(super) fn unreadable(detail: String) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unreadable", "State can't be read", detail)
    }

    /// Something beneath the console failed. The caller is told what, since callers are its operators.
    pub(super) fn failed(diagnostic: Diagnostic) -> Self {
        error!(error_type = diagnostic.error_type, error_message = diagnostic.error_message, "request failed");
        Self::new(StatusCode::BAD_GATEWAY, "failed", "Something beneath failed", diagnostic.error_message)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::failed(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
