//! A server on this machine that answers as planned and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::Instant;
use url::Url;

use super::http::{Proxies, client};
use super::{Backoff, Cloud, Credentials, Transport};
use crate::model::Endpoints;

pub(crate) const ACCESS_KEY: &str = "MADEUPACCESSKEY";
pub(crate) const SECRET_KEY: &str = "made-up-secret-key";
pub(crate) const TOKEN: &str = "made-up-security-token";

/// An answer to be given.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    hangs: bool,
}

impl Planned {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::text(status, if body.is_null() { String::new() } else { body.to_string() })
    }

    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), hangs: false }
    }

    pub(crate) fn hanging() -> Self {
        Self { hangs: true, ..Self::text(200, "") }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A request that was received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// Method, path and query.
    pub(crate) fn line(&self) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        format!("{} {}{query}", self.method, self.path)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Planned>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

pub(crate) struct Server {
    pub(crate) url: Url,
    script: Script,
}

impl Server {
    /// Gives the answers in turn, and the last one for ever.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Planned>) -> Self {
        let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.script.received.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.received().iter().map(Received::line).collect()
    }

    /// A cloud all of whose APIs are this server.
    pub(crate) fn cloud(&self) -> Cloud {
        let url = Some(self.url.clone());
        let endpoints = Endpoints {
            auto_scaling: url.clone(),
            ecs: url.clone(),
            ces: url.clone(),
            smn: url.clone(),
            elb: url.clone(),
            functiongraph: url.clone(),
            csms: url.clone(),
            iam: url.clone(),
            cts: url,
        };
        Cloud::new("cn-north-4", "project", &endpoints, credentials(), transport(Duration::from_secs(20))).unwrap()
    }
}

/// Hardly any pause between tries.
pub(crate) fn transport(time: Duration) -> Transport {
    let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(5), tries: 5 };
    Transport::new(client(Proxies::None).unwrap(), Instant::now() + time).with_backoff(backoff)
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(ACCESS_KEY, SECRET_KEY, Some(TOKEN.to_owned()))
}

async fn answer(State(script): State<Script>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let received = Received {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: to_bytes(body, usize::MAX).await.unwrap(),
    };
    script.received.lock().unwrap().push(received);
    let planned = {
        let mut answers = script.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    if planned.hangs {
        std::future::pending::<()>().await;
    }
    let mut response = (StatusCode::from_u16(planned.status).unwrap(), planned.body).into_response();
    for (name, value) in planned.headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    response
}
