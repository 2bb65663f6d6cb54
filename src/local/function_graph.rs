//! FunctionGraph: invoking the functions whose runtime APIs are attached to the region.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};

use super::errors::{ApiError, Service};
use super::region::Region;
use super::runtime_api::{InvocationStatus, RuntimeApi};
use super::server::Routes;

const FUNCTION_GRAPH: Service = Service::FunctionGraph;
/// A synchronous call is given up after this time.
const LONGEST_CALL: Duration = Duration::from_secs(900);
const LARGEST_EVENT_BYTES: usize = 6 << 20;
const LARGEST_ASYNCHRONOUS_EVENT_BYTES: usize = 256 << 10;

pub(super) fn routes() -> Routes {
    const FUNCTION: &str = "/v2/{project_id}/fgs/functions/{function_urn}";
    Routes::new()
        .route(&format!("{FUNCTION}/invocations"), post(invoke))
        .route(&format!("{FUNCTION}/invocations-async"), post(invoke_async))
}

/// The function of `urn:fss:{region}:{project}:function:{package}:{name}[:{version}]`.
fn function(region: &Region, urn: &str) -> Result<Arc<RuntimeApi>, ApiError> {
    let parts: Vec<&str> = urn.split(':').collect();
    let name = match parts.as_slice() {
        ["urn", "fss", _, _, "function", _, name] | ["urn", "fss", _, _, "function", _, name, _] => name,
        _ => return Err(FUNCTION_GRAPH.bad_request(format!("not the URN of a function: {urn}"))),
    };
    let found = region.function(name);
    found.ok_or_else(|| FUNCTION_GRAPH.error(404, "FSS.1051", format!("Not found the function: {urn}")))
}

fn check_size(body: &Bytes, limit: usize) -> Result<(), ApiError> {
    if body.len() > limit {
        return Err(FUNCTION_GRAPH.error(413, "FSS.0413", format!("the event is larger than {limit} bytes")));
    }
    Ok(())
}

async fn invoke_async(
    State(region): State<Arc<Region>>,
    Path((_, urn)): Path<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_size(&body, LARGEST_ASYNCHRONOUS_EVENT_BYTES)?;
    let request_id = function(&region, &urn)?.invoke_async(body);
    Ok((StatusCode::ACCEPTED, Json(json!({ "request_id": request_id }))))
}

/// Invokes and waits. `X-CFF-Request-Version: v1` asks for the answer as a JSON document; else it comes as it is.
async fn invoke(
    State(region): State<Arc<Region>>,
    Path((_, urn)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    check_size(&body, LARGEST_EVENT_BYTES)?;
    let result = function(&region, &urn)?.invoke(body, LONGEST_CALL).await;
    let (status, text, failed) = match result.status {
        InvocationStatus::Response(text) => (200, text, false),
        InvocationStatus::Error(text) => (500, text, true),
        InvocationStatus::TimedOut => return Err(FUNCTION_GRAPH.error(408, "FSS.0408", "the function did not answer")),
    };
    let marks = [("x-cff-request-id", result.request_id.clone()), ("x-is-func-err", failed.to_string())];
    if headers.get("x-cff-request-version").is_some_and(|version| version == "v1") {
        let result_text = String::from_utf8_lossy(&text);
        let document = json!({"request_id": result.request_id, "result": result_text, "log": "", "status": status});
        return Ok((marks, Json(document)).into_response());
    }
    Ok((StatusCode::from_u16(status).unwrap_or_default(), marks, text).into_response())
}
