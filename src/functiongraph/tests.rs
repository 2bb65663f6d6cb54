//! The loop against a runtime API in this process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::clients::Secret;

/// What the platform does to one poll.
#[derive(Debug)]
enum Poll {
    NoEvent,
    Status(StatusCode),
    Event(&'static str, Vec<(&'static str, &'static str)>, &'static str),
}

fn event(id: &'static str, body: &'static str) -> Poll {
    Poll::Event(id, vec![], body)
}

/// What the function posted: `response` or `error`, the request id, the body.
#[derive(Debug, PartialEq)]
struct Answer {
    kind: String,
    id: String,
    body: Value,
}

impl Answer {
    fn response(id: &str, body: Value) -> Self {
        Self { kind: "response".to_owned(), id: id.to_owned(), body }
    }

    fn error_type(&self) -> &str {
        assert_eq!(self.kind, "error", "{self:?}");
        assert!(self.body["errorMessage"].is_string(), "{self:?}");
        self.body["errorType"].as_str().unwrap()
    }
}

struct Script {
    polls: Mutex<VecDeque<Poll>>,
    answers: UnboundedSender<Answer>,
    /// Statuses with which posts are refused before one is taken.
    refusals: Mutex<VecDeque<StatusCode>>,
}

async fn poll(State(script): State<Arc<Script>>) -> Response<axum::body::Body> {
    let next = script.polls.lock().await.pop_front();
    let mut response = Response::new(axum::body::Body::empty());
    match next {
        None => std::future::pending().await,
        Some(Poll::NoEvent) => {}
        Some(Poll::Status(status)) => {
            *response.status_mut() = status;
            response.headers_mut().insert("x-cff-request-id", HeaderValue::from_static("refused"));
        }
        Some(Poll::Event(id, headers, body)) => {
            response = Response::new(body.into());
            response.headers_mut().insert("X-Cff-Request-Id".parse::<HeaderName>().unwrap(), id.parse().unwrap());
            for (name, value) in headers {
                response.headers_mut().insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
        }
    }
    response
}

async fn take_answer(
    State(script): State<Arc<Script>>,
    Path((kind, id)): Path<(String, String)>,
    body: Bytes,
) -> StatusCode {
    if let Some(refusal) = script.refusals.lock().await.pop_front() {
        return refusal;
    }
    let body = serde_json::from_slice(&body).unwrap();
    script.answers.send(Answer { kind, id, body }).unwrap();
    StatusCode::OK
}

async fn platform(polls: Vec<Poll>, refusals: Vec<StatusCode>) -> (Environment, UnboundedReceiver<Answer>) {
    let (answers, received) = unbounded_channel();
    let script = Script { polls: Mutex::new(polls.into()), answers, refusals: Mutex::new(refusals.into()) };
    let router = Router::new()
        .route("/v1/runtime/invocation/request", get(poll))
        .route("/v1/runtime/invocation/{kind}/{id}", post(take_answer))
        .with_state(Arc::new(script));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Environment::from_variables([("RUNTIME_API_ADDR", address)]).unwrap(), received)
}

/// Plays `polls` to `service` until `count` answers are in.
async fn play<S>(polls: Vec<Poll>, count: usize, service: S) -> Vec<Answer>
where
    S: Service<Invocation, Response = Value>,
    S::Error: Into<Diagnostic>,
{
    let (environment, answers) = platform(polls, vec![]).await;
    serve_until(&environment, answers, count, service).await
}

async fn serve_until<S>(
    environment: &Environment,
    mut answers: UnboundedReceiver<Answer>,
    count: usize,
    service: S,
) -> Vec<Answer>
where
    S: Service<Invocation, Response = Value>,
    S::Error: Into<Diagnostic>,
{
    let mut runtime = Runtime::new(environment, service).unwrap();
    let mut received = Vec::new();
    let stop = async {
        while received.len() < count {
            received.push(answers.recv().await.unwrap());
        }
    };
    runtime.run_until(stop).await;
    received
}

async fn echo(invocation: Invocation) -> Result<Value, Diagnostic> {
    Ok(serde_json::from_slice(&invocation.event)?)
}

#[tokio::test]
async fn polls_without_an_event_and_refused_polls_are_passed_over() {
    let polls = vec![
        Poll::NoEvent,
        Poll::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Poll::Status(StatusCode::NO_CONTENT),
        event("r1", "1"),
        Poll::NoEvent,
        event("r2", "2"),
    ];
    let answers = play(polls, 2, service_fn(echo)).await;
    assert_eq!(answers, [Answer::response("r1", json!(1)), Answer::response("r2", json!(2))]);
}

#[tokio::test]
async fn an_error_is_posted_as_one_and_the_loop_lives_on() {
    let answers = play(vec![event("r1", "{not json"), event("r2", "[]")], 2, service_fn(echo)).await;
    assert_eq!(answers[0].error_type(), "serde_json::Error");
    assert!(answers[0].body["errorMessage"].as_str().unwrap().contains("line 1"), "{answers:?}");
    assert_eq!(answers[1], Answer::response("r2", json!([])));
}

#[tokio::test]
async fn an_event_without_a_body_reaches_the_handler() {
    let length = |invocation: Invocation| async move { Ok::<_, Diagnostic>(json!(invocation.event.len())) };
    let answers = play(vec![event("r1", "")], 1, service_fn(length)).await;
    assert_eq!(answers, [Answer::response("r1", json!(0))]);
}

#[tokio::test]
async fn a_panic_is_an_error_answer_and_the_loop_lives_on() {
    let handler = |invocation: Invocation| async move {
        assert_ne!(invocation.event, "1", "one is too few");
        echo(invocation).await
    };
    let answers = play(vec![event("r1", "1"), event("r2", "2")], 2, service_fn(handler)).await;
    assert_eq!(answers[0].error_type(), "Panic");
    assert!(answers[0].body["errorMessage"].as_str().unwrap().contains("one is too few"), "{answers:?}");
    assert_eq!(answers[1], Answer::response("r2", json!(2)));
}

#[tokio::test]
async fn a_handler_that_panics_before_its_first_await_is_caught_too() {
    let handler = |invocation: Invocation| {
        assert_ne!(invocation.request_id, "r1");
        echo(invocation)
    };
    let answers = play(vec![event("r1", "1"), event("r2", "2")], 2, service_fn(handler)).await;
    assert_eq!(answers[0].error_type(), "Panic");
    assert_eq!(answers[1], Answer::response("r2", json!(2)));
}

#[tokio::test]
async fn a_handler_that_hangs_is_answered_for_and_dropped() {
    struct SetOnDrop(UnboundedSender<&'static str>);
    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let (dropped, mut drops) = unbounded_channel();
    let handler = |invocation: Invocation| {
        let guard = SetOnDrop(dropped.clone());
        async move {
            if invocation.event == "1" {
                std::future::pending::<()>().await;
            }
            drop(guard);
            echo(invocation).await
        }
    };
    let (mut environment, answers) = platform(vec![event("r1", "1"), event("r2", "2")], vec![]).await;
    environment.timeout = Duration::from_millis(300);
    let answers = serve_until(&environment, answers, 2, service_fn(handler)).await;
    assert_eq!(answers[0].error_type(), "DeadlineExceeded");
    assert_eq!(answers[1], Answer::response("r2", json!(2)));
    assert_eq!(drops.try_recv(), Ok("dropped"), "the hanging call was left running");
}

#[tokio::test]
async fn the_handler_is_given_less_time_than_the_platform_gives() {
    let handler = |invocation: Invocation| async move {
        let left = invocation.deadline - tokio::time::Instant::now();
        Ok::<_, Diagnostic>(json!(left < Duration::from_secs(3)))
    };
    assert_eq!(play(vec![event("r1", "")], 1, service_fn(handler)).await[0].body, json!(true));
}

#[tokio::test]
async fn an_answer_that_is_too_large_becomes_an_error() {
    let (mut environment, answers) = platform(vec![event("r1", r#""1234567890""#), event("r2", "1")], vec![]).await;
    environment.max_response_bytes = 11;
    let answers = serve_until(&environment, answers, 2, service_fn(echo)).await;
    assert_eq!(answers[0].error_type(), "ResponseTooLarge");
    assert_eq!(answers[0].body["errorMessage"].as_str().unwrap().matches("12 bytes").count(), 1);
    assert_eq!(answers[1], Answer::response("r2", json!(1)));
}

#[tokio::test]
async fn credentials_are_those_of_the_invocation_and_of_no_other() {
    let security = vec![
        ("X-CFF-Security-Access-Key", "AK1"),
        ("X-CFF-Security-Secret-Key", "SK1"),
        ("X-CFF-Security-Token", "T1"),
        ("X-CFF-Invoke-Type", "sync"),
    ];
    let plain = vec![("x-cff-access-key", "AK2"), ("X-Cff-Secret-Key", "SK2"), ("x-cff-invoke-type", "async")];
    let polls = vec![Poll::Event("r1", security, ""), Poll::Event("r2", plain, ""), event("r3", "")];
    let handler = |invocation: Invocation| async move {
        let keys = invocation.credentials.map(|keys| {
            let token = keys.security_token.as_ref().map(Secret::expose);
            json!([keys.access_key, keys.secret_key.expose(), token])
        });
        Ok::<_, Diagnostic>(json!([format!("{:?}", invocation.invoke_type), keys]))
    };
    let answers = play(polls, 3, service_fn(handler)).await;
    let bodies: Vec<_> = answers.into_iter().map(|answer| answer.body).collect();
    assert_eq!(bodies[0], json!(["Sync", ["AK1", "SK1", "T1"]]));
    assert_eq!(bodies[1], json!(["Async", ["AK2", "SK2", null]]));
    assert_eq!(bodies[2], json!(["Unknown", null]));
}

#[tokio::test]
async fn without_an_agency_the_sdks_variables_are_used() {
    let (environment, answers) = platform(vec![event("r1", "")], vec![]).await;
    let environment = Environment::from_variables([
        ("RUNTIME_API_ADDR", environment.runtime_api_addr.unwrap()),
        ("HUAWEICLOUD_SDK_AK", "AK".to_owned()),
        ("HUAWEICLOUD_SDK_SK", "SK".to_owned()),
    ])
    .unwrap();
    let handler = |invocation: Invocation| async move {
        Ok::<_, Diagnostic>(json!(invocation.credentials.map(|keys| keys.access_key)))
    };
    let answers = serve_until(&environment, answers, 1, service_fn(handler)).await;
    assert_eq!(answers[0].body, json!("AK"));
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_posted_again() {
    let refusals = vec![StatusCode::BAD_GATEWAY, StatusCode::INTERNAL_SERVER_ERROR];
    let (environment, answers) = platform(vec![event("r1", "1"), event("r2", "2")], refusals).await;
    let answers = serve_until(&environment, answers, 2, service_fn(echo)).await;
    assert_eq!(answers, [Answer::response("r1", json!(1)), Answer::response("r2", json!(2))]);
}

#[tokio::test]
async fn an_answer_that_is_never_taken_does_not_stop_the_loop() {
    let (environment, answers) = platform(vec![event("r1", "1"), event("r2", "2")], vec![StatusCode::NOT_FOUND]).await;
    let answers = serve_until(&environment, answers, 1, service_fn(echo)).await;
    assert_eq!(answers, [Answer::response("r2", json!(2))]);
}

#[tokio::test]
async fn outside_of_the_platform_the_loop_says_what_is_missing() {
    let nowhere = Environment::from_variables::<String, String>([]).unwrap();
    let error = Runtime::new(&nowhere, service_fn(echo)).unwrap_err();
    assert!(error.to_string().starts_with("RUNTIME_API_ADDR is not set"), "{error}");

    let wrong = Environment::from_variables([("RUNTIME_API_ADDR", "not an address")]).unwrap();
    let error = Runtime::new(&wrong, service_fn(echo)).unwrap_err();
    assert_eq!(error.to_string(), "RUNTIME_API_ADDR is `not an address`: expected host:port");
}
