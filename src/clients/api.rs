//! Signed requests to one API of the cloud.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{ClientError, Failure, Refusal};
use super::http::{Answer, Purpose, Transport};
use super::retry::Retry;
use super::signing::{self, Signable};
use super::{Credentials, Secret};

/// Largest body that the gateway accepts with a signature.
const LARGEST_BODY: usize = 12 * 1024 * 1024;

/// One API of the cloud, reached with one set of credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Api {
    pub(super) transport: Transport,
    pub(super) base: Arc<Url>,
    /// Sent as `X-Project-Id`. Global services have none.
    pub(super) project_id: Option<Arc<str>>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) now: fn() -> DateTime<Utc>,
}

/// A request before it is signed.
#[derive(Debug)]
pub(super) struct Request<'a> {
    operation: &'static str,
    subject: &'a str,
    retry: Retry,
    method: Method,
    path: String,
    query: Vec<(&'a str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Result<Vec<u8>, String>,
}

impl<'a> Request<'a> {
    /// A request that may be repeated. `path` begins with a slash; its variable segments are escaped already.
    pub(super) fn new(operation: &'static str, subject: &'a str, method: Method, path: String) -> Self {
        let (query, headers, body) = (Vec::new(), Vec::new(), Ok(Vec::new()));
        Self { operation, subject, retry: Retry::Idempotent, method, path, query, headers, body }
    }

    pub(super) fn get(operation: &'static str, subject: &'a str, path: String) -> Self {
        Self::new(operation, subject, Method::GET, path)
    }

    pub(super) fn post(operation: &'static str, subject: &'a str, path: String) -> Self {
        Self::new(operation, subject, Method::POST, path)
    }

    pub(super) fn put(operation: &'static str, subject: &'a str, path: String) -> Self {
        Self::new(operation, subject, Method::PUT, path)
    }

    pub(super) fn delete(operation: &'static str, subject: &'a str, path: String) -> Self {
        Self::new(operation, subject, Method::DELETE, path)
    }

    pub(super) fn query(mut self, name: &'a str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).map_err(|error| error.to_string());
        self
    }

    /// Length of the body in bytes.
    pub(super) fn body_length(&self) -> usize {
        self.body.as_ref().map_or(0, Vec::len)
    }

    /// Not to be repeated unless the first one was surely refused.
    pub(super) fn once(mut self) -> Self {
        self.retry = Retry::OnlyIfRefused;
        self
    }
}

impl Api {
    /// Sends, and reads the answer as JSON.
    pub(super) async fn call<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, ClientError> {
        let (operation, subject) = (request.operation, request.subject);
        let answer = self.send(request).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            let reason = format!("HTTP {} with {} bytes: {error}", answer.status, answer.body.len());
            ClientError::new(operation, subject, Failure::unreadable(&reason, &self.secrets()))
        })
    }

    /// Sends; the answer's body does not matter.
    pub(super) async fn call_unit(&self, request: Request<'_>) -> Result<(), ClientError> {
        self.send(request).await.map(|_| ())
    }

    /// The project's id as a path segment.
    pub(super) fn project(&self) -> String {
        signing::path_segment(self.project_id.as_deref().unwrap_or_default())
    }

    /// What must not be quoted from an answer.
    fn secrets(&self) -> Vec<&Secret> {
        let token = self.credentials.security_token.as_ref();
        std::iter::once(&self.credentials.secret_key).chain(token).collect()
    }

    async fn send(&self, request: Request<'_>) -> Result<Answer, ClientError> {
        let secrets = self.secrets();
        let Request { operation, subject, retry, .. } = request;
        let purpose = Purpose { operation, subject, retry, secrets: &secrets };
        let check =
            |answer: &Answer| Refusal::hidden_in_success(answer.status, &answer.body, &secrets).map(Failure::Refused);
        self.transport.send(purpose, || self.sign(&request), check).await
    }

    /// The request as it is sent. Signed anew for each try: the time is part of the signature.
    fn sign(&self, request: &Request<'_>) -> Result<reqwest::Request, Failure> {
        let body = request.body.clone().map_err(Failure::Invalid)?;
        if body.len() > LARGEST_BODY {
            return Err(Failure::Invalid(format!("the request's body is larger than {LARGEST_BODY} bytes")));
        }
        let url = self.address(&request.path, &signing::query_string(&request.query));
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(Failure::Invalid(format!("the address {url} has no host"))),
        };
        let token = self.credentials.security_token.as_ref();
        let mut headers: Vec<(&str, &str)> = vec![(HOST.as_str(), &host)];
        headers.extend((!body.is_empty()).then_some((CONTENT_TYPE.as_str(), "application/json")));
        headers.extend(self.project_id.as_deref().map(|project_id| ("x-project-id", project_id)));
        headers.extend(token.map(|token| (signing::TOKEN_HEADER, token.expose())));
        headers.extend(request.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let signable = Signable {
            method: request.method.as_str(),
            path: url.path(),
            query: url.query().unwrap_or_default(),
            headers: &headers,
            body: &body,
        };
        let signature = signing::sign(&signable, &self.credentials, (self.now)());
        headers.push((signing::DATE_HEADER, &signature.date));
        headers.push((AUTHORIZATION.as_str(), &signature.authorization));

        let mut signed = reqwest::Request::new(request.method.clone(), url.clone());
        for (name, value) in headers {
            let invalid =
                || Failure::Invalid(format!("the header {name} cannot be sent: it holds a forbidden character"));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            let mut value = HeaderValue::from_str(value.trim()).map_err(|_| invalid())?;
            value.set_sensitive(name == AUTHORIZATION || name == signing::TOKEN_HEADER);
            signed.headers_mut().insert(name, value);
        }
        *signed.body_mut() = (!body.is_empty()).then(|| body.into());
        Ok(signed)
    }

    fn address(&self, path: &str, query: &str) -> Url {
        let mut url = Url::clone(&self.base);
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query((!query.is_empty()).then_some(query));
        url.set_fragment(None);
        url
    }
}

#[cfg(test)]
mod tests;
