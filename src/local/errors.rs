//! Error answers, in the shape of each service.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A service of the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Auto Scaling (AS).
    AutoScaling,
    /// Cloud Eye (CES), version 1.
    CloudEye,
    /// Cloud Eye (CES), version 2, whose errors look different.
    CloudEyeV2,
    /// Elastic Cloud Server (ECS).
    Ecs,
    /// Elastic Load Balance (ELB).
    Elb,
    /// FunctionGraph.
    FunctionGraph,
    /// Identity and Access Management (IAM).
    Iam,
    /// Simple Message Notification (SMN).
    Smn,
    /// Cloud Secret Management Service (CSMS).
    Csms,
    /// Cloud Trace Service (CTS).
    Cts,
    /// The language model.
    DeepSeek,
}

impl Service {
    /// An error answer of this service.
    pub(super) fn error(self, status: u16, code: impl Into<String>, message: impl Into<String>) -> ApiError {
        ApiError {
            service: self,
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.into(),
            message: message.into(),
        }
    }

    /// The code with which it answers a body or parameter that it cannot read.
    fn bad_request_code(self) -> &'static str {
        match self {
            Self::AutoScaling => "AS.0001",
            Self::CloudEye | Self::CloudEyeV2 => "ces.0014",
            Self::Ecs => "Ecs.0005",
            Self::Elb => "ELB.8902",
            Self::FunctionGraph => "FSS.0400",
            Self::Iam => "400",
            Self::Smn => "SMN.00011001",
            Self::Csms => "CSM.0401",
            Self::Cts => "CTS.0001",
            Self::DeepSeek => "invalid_request_error",
        }
    }

    /// Reads a JSON body.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(self, body: &[u8]) -> Result<T, ApiError> {
        serde_json::from_slice(body)
            .map_err(|error| self.bad_request(format!("the request body cannot be read: {error}")))
    }

    /// The answer to a request that it cannot read.
    pub(super) fn bad_request(self, message: impl Into<String>) -> ApiError {
        self.error(400, self.bad_request_code(), message)
    }
}

/// An error answer.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    service: Service,
    status: StatusCode,
    code: String,
    message: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {} {}: {}", self.service, self.status, self.code, self.message)
    }
}

impl ApiError {
    fn body(&self) -> Value {
        let (code, message) = (&self.code, &self.message);
        match self.service {
            Service::AutoScaling | Service::Ecs => json!({"error": {"code": code, "message": message}}),
            Service::CloudEye => {
                json!({"http_code": self.status.as_str(), "message": {"code": code, "details": message}})
            }
            Service::Smn => json!({"request_id": REQUEST_ID, "code": code, "message": message}),
            Service::Iam => {
                let title = self.status.canonical_reason().unwrap_or_default();
                json!({"error": {"code": self.status.as_u16(), "message": message, "title": title}})
            }
            Service::DeepSeek => json!({"error": {"message": message, "type": code, "param": null, "code": code}}),
            Service::FunctionGraph | Service::Csms | Service::Cts => json!({"error_code": code, "error_msg": message}),
            Service::CloudEyeV2 | Service::Elb => {
                json!({"error_code": code, "error_msg": message, "request_id": REQUEST_ID})
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

/// An error answer of the gateway in front of all services.
pub(super) fn gateway_error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error_code": code, "error_msg": message, "request_id": REQUEST_ID}))).into_response()
}

/// Requests are not told apart: nothing in the region is looked up by it.
pub(super) const REQUEST_ID: &str = "00000000000000000000000000000000";
