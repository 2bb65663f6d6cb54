use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::lenient;

/// An HTTP request through the API gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRequest {
    /// `GET`, `PUT` …
    pub method: String,
    /// The path, `/` if none is told.
    pub path: String,
    /// What a catch-all path parameter holds. The gateway files it under an empty name.
    pub path_rest: Option<String>,
    /// Headers under lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The body, decoded from base64 if it was encoded.
    pub body: Bytes,
    /// The gateway's id of the request.
    pub request_id: Option<String>,
}

impl GatewayRequest {
    pub(super) fn from_fields(fields: &Map<String, Value>) -> Self {
        let value = Value::Object(fields.clone());
        let headers = lenient::texts(&value, "headers");
        Self {
            method: lenient::text(&value, "httpMethod").unwrap_or_default().to_ascii_uppercase(),
            path: lenient::text(&value, "path").unwrap_or_else(|| "/".to_owned()),
            path_rest: lenient::texts(&value, "pathParameters").remove(""),
            headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            query: lenient::texts(&value, "queryStringParameters"),
            body: body(&value),
            request_id: lenient::field(&value, "requestContext")
                .and_then(|context| lenient::text(context, "requestId")),
        }
    }
}

/// What claims to be base64 and is none is taken as it is.
fn body(value: &Value) -> Bytes {
    let text = lenient::text(value, "body").unwrap_or_default();
    let encoded = lenient::boolean(value, "isBase64Encoded").unwrap_or(false);
    match encoded.then(|| STANDARD.decode(&text)) {
        Some(Ok(bytes)) => bytes.into(),
        _ => text.into(),
    }
}
