//! Requests to users' own systems: not signed, with a token or a password if there is one.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure};
use super::http::{Answer, Purpose, Transport};
use super::retry::Retry;

/// Gets a document. The address may hold a user and a password, which are sent as a header and left out of errors.
pub(super) async fn get(
    transport: &Transport,
    operation: &'static str,
    subject: &str,
    url: &Url,
    bearer: Option<&Secret>,
) -> Result<Answer, ClientError> {
    let request = |url: &Url| reqwest::Request::new(Method::GET, url.clone());
    send(transport, (operation, subject, Retry::Idempotent), url, bearer, request).await
}

/// Posts a document, at most once. The address may hold a user and a password, as that of [`get`].
pub(super) async fn post_json(
    transport: &Transport,
    operation: &'static str,
    subject: &str,
    url: &Url,
    bearer: Option<&Secret>,
    document: &serde_json::Value,
) -> Result<Answer, ClientError> {
    let request = |url: &Url| {
        let mut request = reqwest::Request::new(Method::POST, url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(document.to_string().into());
        request
    };
    send(transport, (operation, subject, Retry::OnlyIfRefused), url, bearer, request).await
}

async fn send(
    transport: &Transport,
    (operation, subject, retry): (&'static str, &str, Retry),
    url: &Url,
    bearer: Option<&Secret>,
    bare: impl Fn(&Url) -> reqwest::Request,
) -> Result<Answer, ClientError> {
    let (url, login) = without_login(url);
    let secrets: Vec<&Secret> = bearer.into_iter().chain(login.iter().flat_map(Login::secrets)).collect();
    let purpose = Purpose { operation, subject, retry, secrets: &secrets };
    let authorization = match (bearer, &login) {
        (Some(token), _) => Some(format!("Bearer {}", token.expose())),
        (None, Some(login)) => Some(format!("Basic {}", login.encoded.expose())),
        (None, None) => None,
    };
    let request = || {
        let mut request = bare(&url);
        if let Some(authorization) = &authorization {
            request.headers_mut().insert(AUTHORIZATION, sensitive(authorization)?);
        }
        Ok(request)
    };
    transport.send(purpose, request, |_| None).await
}

/// A header value that is not shown.
pub(super) fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let invalid = |_| Failure::Invalid("the token cannot be sent: it holds a forbidden character".to_owned());
    let mut value = HeaderValue::from_str(text).map_err(invalid)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an address may hold besides the address.
#[derive(Debug)]
pub(super) struct Login {
    /// `user:password`, as basic authentication takes it.
    pub(super) both: Secret,
    /// The password alone.
    pub(super) password: Secret,
    /// Both, as they are sent: whoever sees it can read it.
    encoded: Secret,
}

impl Login {
    /// What must not be quoted.
    pub(super) fn secrets(&self) -> [&Secret; 3] {
        [&self.encoded, &self.both, &self.password]
    }
}

/// The address alone, and the login if it held one.
pub(super) fn without_login(url: &Url) -> (Url, Option<Login>) {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decode(url.username());
    let password = decode(url.password().unwrap_or_default());
    let login = (!user.is_empty() || !password.is_empty()).then(|| {
        let both = format!("{user}:{password}");
        Login {
            encoded: Secret::new(BASE64_STANDARD.encode(&both)),
            both: Secret::new(both),
            password: Secret::new(password),
        }
    });
    let mut bare = url.clone();
    // Fails only for addresses that cannot hold a user in the first place.
    let _ = bare.set_username("").and_then(|()| bare.set_password(None));
    (bare, login)
}
