use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent};
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use super::{AccessToken, Backend, page, router};
use crate::functiongraph::Diagnostic;
use crate::functiongraph::events::GatewayRequest;

/// Answers a request that came through the API gateway, in the form that the gateway expects:
/// `{"statusCode", "headers", "body", "isBase64Encoded"}`.
pub async fn answer(
    request: &GatewayRequest,
    backend: Arc<dyn Backend>,
    token: Option<AccessToken>,
) -> Result<Value, Diagnostic> {
    let event = serde_json::from_str::<LambdaRequest>(&complete(request).to_string())?;
    let adapter: Adapter<'_, _, Router> = Adapter::from(router(backend, token));
    let Ok(response) = adapter.oneshot(LambdaEvent::new(event, Context::default())).await;
    Ok(single_headers(serde_json::to_value(response)?))
}

/// The event as `lambda_http` reads it. It insists on fields that this platform leaves out (`requestContext.httpMethod`),
/// and panics on a path, a host or an encoded body that is none: so what it is given is made sure of, or left out.
fn complete(request: &GatewayRequest) -> Value {
    let path = api_path(&request.path).unwrap_or("/");
    let headers: Map<_, _> = request
        .headers
        .iter()
        .filter(|(name, value)| name.as_str() != "host" && is_header(name, value))
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    json!({
        "httpMethod": request.method,
        "path": path,
        "headers": headers,
        "multiValueHeaders": {},
        "queryStringParameters": request.query,
        "multiValueQueryStringParameters": {},
        "pathParameters": {},
        "stageVariables": {},
        "body": STANDARD.encode(&request.body),
        "isBase64Encoded": true,
        "requestContext": {
            "httpMethod": request.method,
            "path": path,
            "requestId": request.request_id,
            // The name of a stage that is no part of the path.
            "stage": "$default",
            "identity": {},
        },
    })
}

/// The path from `/api/` on, or that of the page's file: where the gateway publishes the function under a prefix, that is
/// no business of the router. `None` if it can't be part of an address.
fn api_path(path: &str) -> Option<&str> {
    let path = match path.find("/api/") {
        Some(start) => &path[start..],
        None => page::within(path).unwrap_or(path),
    };
    let is_path = path.starts_with('/') && path.parse::<Uri>().is_ok_and(|address| address.path() == path);
    is_path.then_some(path)
}

fn is_header(name: &str, value: &str) -> bool {
    HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
}

/// This gateway reads one value a header, from `headers` alone, and a body that is a text.
fn single_headers(mut response: Value) -> Value {
    let mut headers = Map::new();
    if let Some(Value::Object(values)) = response.get_mut("multiValueHeaders").map(Value::take) {
        for (name, values) in values {
            let values: Vec<_> = values.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            headers.insert(name, values.join(", ").into());
        }
    }
    json!({
        "statusCode": response["statusCode"],
        "headers": headers,
        "body": response["body"].as_str().unwrap_or_default(),
        "isBase64Encoded": response["isBase64Encoded"].as_bool().unwrap_or(false),
    })
}
