//! The language model: an OpenAI-compatible endpoint that answers what it was told to answer.

mod bad_answers;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

pub use bad_answers::bad_answers;

use super::errors::{ApiError, Service};
use super::region::Region;
use super::server::Routes;

const MODEL: Service = Service::DeepSeek;
/// Pause between the empty lines that keep a connection open.
const KEEP_ALIVE: Duration = Duration::from_millis(20);

/// One answer of the language model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelAnswer {
    /// A complete answer with this content.
    Content(String),
    /// A complete answer with this content, after so many empty lines, as a busy server sends them.
    AfterEmptyLines(u32, String),
    /// This body, whatever it is, with a status and a media type.
    Raw {
        /// HTTP status.
        status: u16,
        /// Media type.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// An error answer in the platform's shape.
    Error(
        /// HTTP status.
        u16,
    ),
    /// No answer ever.
    Hang,
}

impl ModelAnswer {
    /// A JSON body with status 200.
    pub(super) fn json(body: &Value) -> Self {
        Self::Raw { status: 200, content_type: "application/json".to_owned(), body: body.to_string().into_bytes() }
    }
}

/// What the model will answer, and what it was asked.
#[derive(Debug, Default)]
pub(super) struct Script {
    answers: VecDeque<ModelAnswer>,
    /// What comes once the script is at its end.
    then: Option<ModelAnswer>,
    asked: Vec<Value>,
}

impl Region {
    /// What the language model answers from now on: these, one a request, and `then` ever after. Without an answer left it
    /// is overloaded (503).
    pub fn script_model(&self, answers: impl IntoIterator<Item = ModelAnswer>, then: Option<ModelAnswer>) {
        let mut state = self.lock();
        state.model.answers = answers.into_iter().collect();
        state.model.then = then;
    }

    /// The requests that the language model got since this was asked last.
    pub fn take_model_requests(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock().model.asked)
    }
}

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/chat/completions", post(complete))
        .route("/v1/chat/completions", post(complete))
        .route("/models", get(models))
        .route("/v1/models", get(models))
}

/// Lets in whoever sends the region's key.
fn check_key(region: &Region, headers: &HeaderMap) -> Result<(), ApiError> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if sent == Some(region.settings().model_key.expose()) {
        return Ok(());
    }
    Err(MODEL.error(401, "invalid_api_key", "Authentication Fails, the key is not valid"))
}

async fn models(State(region): State<Arc<Region>>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    check_key(&region, &headers)?;
    let models = [json!({"id": "deepseek-flash", "object": "model", "owned_by": "deepseek"})];
    Ok(Json(json!({"object": "list", "data": models})))
}

async fn complete(State(region): State<Arc<Region>>, headers: HeaderMap, body: Bytes) -> Result<Response, ApiError> {
    check_key(&region, &headers)?;
    let request: Value = MODEL.parse(&body)?;
    let (Some(model), Some(_)) = (request["model"].as_str(), request["messages"].as_array()) else {
        return Err(MODEL.bad_request("model and messages are needed"));
    };
    let model = model.to_owned();
    let (answer, created) = {
        let mut state = region.lock();
        state.model.asked.push(request);
        (state.model.answers.pop_front().or_else(|| state.model.then.clone()), state.now.0 * 60)
    };
    let complete = |content: &str| completion(&model, created, &body, content);
    match answer {
        None => Err(MODEL.error(503, "service_unavailable", "The server is overloaded")),
        Some(ModelAnswer::Content(content)) => Ok(Json(complete(&content)).into_response()),
        Some(ModelAnswer::AfterEmptyLines(lines, content)) => Ok(after_empty_lines(lines, &complete(&content))),
        Some(ModelAnswer::Raw { status, content_type, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok((status, [(header::CONTENT_TYPE, content_type)], body).into_response())
        }
        Some(ModelAnswer::Error(status)) => {
            let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            Err(MODEL.error(status, "error", reason.unwrap_or("error")))
        }
        Some(ModelAnswer::Hang) => std::future::pending().await,
    }
}

/// A complete answer. Four characters are taken for a token.
fn completion(model: &str, created: i64, request: &[u8], content: &str) -> Value {
    let (asked, answered) = (request.len() / 4, content.len() / 4);
    json!({
        "id": "chatcmpl-local",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "system_fingerprint": "local",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
            "prompt_cache_hit_tokens": 0,
            "prompt_cache_miss_tokens": asked,
        },
    })
}

fn after_empty_lines(lines: u32, body: &Value) -> Response {
    let empty = stream::iter(0..lines).then(|_| async {
        tokio::time::sleep(KEEP_ALIVE).await;
        Ok::<_, Infallible>(Bytes::from_static(b"\n"))
    });
    let body = Bytes::from(body.to_string());
    let whole = empty.chain(stream::iter([Ok(body)]));
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(whole)).into_response()
}
