use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, StatusCode, Url};
use thiserror::Error;
use tokio::time::sleep;

use super::invocation::header;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The API runs beside the process: an answer that was not taken in this time will not be taken.
const POST_TIMEOUT: Duration = Duration::from_secs(5);
const POST_ATTEMPTS: u32 = 3;
/// Pause after a poll without an event, and before a post is repeated.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// The platform's runtime API, as this process sees it.
#[derive(Clone, Debug)]
pub(super) struct RuntimeApi {
    client: Client,
    base: Url,
}

/// What a poll brought.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) request_id: String,
    pub(super) headers: HeaderMap,
    /// The event, or why it could not be read to its end.
    pub(super) event: Result<Bytes, reqwest::Error>,
}

/// Why a poll brought no event.
#[derive(Debug, Error)]
pub(super) enum NoEvent {
    #[error("polling the runtime API: {0}")]
    Unreachable(#[source] reqwest::Error),
    #[error("the runtime API answered a poll with HTTP {0}")]
    Status(StatusCode),
    #[error("the runtime API answered a poll without an event")]
    Nothing,
}

/// Why an answer was not taken.
#[derive(Debug, Error)]
pub(super) enum PostError {
    #[error("posting the answer to the runtime API: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the runtime API refused the answer with HTTP {0}")]
    Status(StatusCode),
}

impl PostError {
    /// Whether the same answer will be refused again.
    fn is_final(&self) -> bool {
        matches!(self, Self::Status(status) if status.is_client_error())
    }
}

/// The two ways to answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnswerKind {
    Response,
    Error,
}

impl RuntimeApi {
    /// `None` if `address` is no `host:port`.
    pub(super) fn new(address: &str) -> Option<Result<Self, reqwest::Error>> {
        let path = "/v1/runtime/invocation/";
        let base = Url::parse(&format!("http://{address}{path}")).ok().filter(|base| base.path() == path)?;
        // Building a client needs an implementation of TLS, plain HTTP or not; but no roots.
        crate::clients::tls::install();
        let client = Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Some(client.map(|client| Self { client, base }))
    }

    /// Asks for the next event. May wait for as long as there is none: the platform may hold the request open.
    pub(super) async fn next(&self) -> Result<Polled, NoEvent> {
        let response = self.client.get(self.address(&["request"])).send().await.map_err(NoEvent::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(NoEvent::Status(response.status()));
        }
        let headers = response.headers().clone();
        let request_id = header(&headers, "x-cff-request-id").ok_or(NoEvent::Nothing)?.to_owned();
        Ok(Polled { request_id, headers, event: response.bytes().await })
    }

    /// Posts an answer. Repeats it a few times where it is not taken, since nobody else will.
    pub(super) async fn post(&self, kind: AnswerKind, request_id: &str, body: Vec<u8>) -> Result<(), PostError> {
        let kind = match kind {
            AnswerKind::Response => "response",
            AnswerKind::Error => "error",
        };
        let address = self.address(&[kind, request_id]);
        let body = Bytes::from(body);
        let mut attempt = 1;
        loop {
            match self.post_once(address.clone(), body.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if attempt == POST_ATTEMPTS || error.is_final() => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
            attempt += 1;
        }
    }

    async fn post_once(&self, address: Url, body: Bytes) -> Result<(), PostError> {
        let request = self.client.post(address).timeout(POST_TIMEOUT).header(CONTENT_TYPE, "application/json");
        match request.body(body).send().await?.status() {
            StatusCode::OK => Ok(()),
            status => Err(PostError::Status(status)),
        }
    }

    fn address(&self, segments: &[&str]) -> Url {
        let mut address = self.base.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_cannot_leave_its_path_segment() {
        let api = RuntimeApi::new("127.0.0.1:8080").unwrap().unwrap();
        let address = api.address(&["response", "../a/b?c#d e"]);
        assert_eq!(address.as_str(), "http://127.0.0.1:8080/v1/runtime/invocation/response/..%2Fa%2Fb%3Fc%23d%20e");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(RuntimeApi::new("").is_none());
        assert!(RuntimeApi::new("host:port").is_none());
    }
}
