//! Request signing `SDK-HMAC-SHA256`, which every API of the cloud but OBS asks for, and its verification.
//!
//! A request is brought into a canonical form of six lines (method, path, query, headers, names of the signed headers,
//! hash of the body), which is hashed together with the time and keyed with the secret key itself. Huawei's API signing
//! guide describes it; the official Python and Go SDKs agree with it byte for byte, and the tests hold this module to both.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use super::Credentials;

/// Name of the algorithm, as it stands in the `Authorization` header.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";
/// Header that carries the time of signing.
pub const DATE_HEADER: &str = "x-sdk-date";
/// Header that carries the token of temporary credentials.
pub const TOKEN_HEADER: &str = "x-security-token";
/// Header that stands in for the hash of the body.
const CONTENT_HASH_HEADER: &str = "x-sdk-content-sha256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// A signature is believed for this long, either way.
pub const ALLOWED_SKEW: TimeDelta = TimeDelta::minutes(15);

/// What stays as it is in a path or query; the rest becomes `%XX`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a signature covers of a request.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// `GET` and the like.
    pub method: &'a str,
    /// Path as it stands in the request line.
    pub path: &'a str,
    /// Query as it stands in the request line, without `?`.
    pub query: &'a str,
    /// Headers to be signed, [`DATE_HEADER`] aside. Those with `_` in their name are passed over, as the cloud does.
    pub headers: &'a [(&'a str, &'a str)],
    /// Body as it is sent.
    pub body: &'a [u8],
}

/// The two headers that make a request a signed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Value of [`DATE_HEADER`].
    pub date: String,
    /// Value of `Authorization`.
    pub authorization: String,
}

/// Signs a request. Send what was signed unchanged, and the two headers with it.
///
/// The security token is not added here: a request that needs it carries it among its headers.
pub fn sign(request: &Signable<'_>, credentials: &Credentials, now: DateTime<Utc>) -> Signature {
    let date = now.format(DATE_FORMAT).to_string();
    let headers = SignedHeaders::of(request.headers, &date);
    let text = string_to_sign(&date, &canonical_request(request, &headers));
    let signature = hex::encode(keyed_hash(credentials, &text).finalize().into_bytes());
    let authorization = format!(
        "{ALGORITHM} Access={}, SignedHeaders={}, Signature={signature}",
        credentials.access_key,
        headers.names()
    );
    Signature { date, authorization }
}

/// Query string for these pairs in the one form that the cloud signs: sorted by name, then by value, and escaped.
pub fn query_string<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> String {
    let pairs =
        pairs.iter().map(|(name, value)| (name.as_ref().as_bytes().to_vec(), value.as_ref().as_bytes().to_vec()));
    join_sorted(pairs.collect())
}

/// One segment of a path, escaped so that no id can reach another path.
pub fn path_segment(text: &str) -> String {
    const SEGMENT: &AsciiSet = &ESCAPED.remove(b':');
    match text {
        // A URL parser would resolve these, escaped or not.
        "." | ".." => text.replace('.', "%252E"),
        _ => percent_encode(text.as_bytes(), SEGMENT).to_string(),
    }
}

/// Why a request is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no `Authorization` header of this algorithm.
    #[error("the Authorization header is missing or not of {ALGORITHM}")]
    NotSigned,
    /// The `Authorization` header cannot be read, or a header that it names is not there.
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    /// The access key is not known.
    #[error("access key {0} is not known")]
    UnknownKey(String),
    /// The time of signing is too far from now.
    #[error("the request was signed at {0}, more than 15 minutes from now")]
    Skewed(String),
    /// The security token is missing, not signed, or another one.
    #[error("the security token does not belong to the access key")]
    WrongToken,
    /// The signature is not that of this request.
    #[error("the signature does not match; canonical request: {canonical_request}")]
    Mismatch {
        /// What was signed here, with `|` for newlines, as the cloud's gateway answers.
        canonical_request: String,
    },
}

/// Checks the signature of a received request, the way the cloud's gateway does.
///
/// `request.headers` are all headers of the request, `keys` gives the credentials of an access key.
///
/// # Errors
/// Says why the request is not believed.
pub fn verify(
    request: &Signable<'_>,
    keys: impl FnOnce(&str) -> Option<Credentials>,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let header =
        |name: &str| request.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|found| found.1);
    let authorization =
        header("authorization").and_then(|value| value.strip_prefix(ALGORITHM)).ok_or(Refusal::NotSigned)?;
    let part = |name: &str| {
        let mut parts = authorization.split(',').map(str::trim);
        let found = parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| Refusal::Malformed(format!("Authorization has no {name}")))
    };
    let (access_key, names, signature) = (part("Access")?, part("SignedHeaders")?, part("Signature")?);
    let signature =
        hex::decode(signature).map_err(|_| Refusal::Malformed("Signature is not hexadecimal".to_owned()))?;
    let date = header(DATE_HEADER).ok_or_else(|| Refusal::Malformed(format!("{DATE_HEADER} is missing")))?.trim();
    let signed_at = NaiveDateTime::parse_from_str(date, DATE_FORMAT)
        .map_err(|_| Refusal::Malformed(format!("{DATE_HEADER} is not of the form 20060102T150405Z")))?
        .and_utc();
    if (now - signed_at).abs() > ALLOWED_SKEW {
        return Err(Refusal::Skewed(date.to_owned()));
    }
    let credentials = keys(access_key).ok_or_else(|| Refusal::UnknownKey(access_key.to_owned()))?;

    let names: Vec<&str> = names.split(';').collect();
    if !names.contains(&DATE_HEADER) {
        return Err(Refusal::Malformed(format!("{DATE_HEADER} is not signed")));
    }
    if let Some(token) = &credentials.security_token {
        let given = header(TOKEN_HEADER).filter(|_| names.contains(&TOKEN_HEADER)).map(str::trim);
        if given != Some(token.expose()) {
            return Err(Refusal::WrongToken);
        }
    }
    let headers = names
        .iter()
        .map(|&name| match header(name) {
            Some(value) => Ok((name.to_owned(), value.trim().to_owned())),
            None => Err(Refusal::Malformed(format!("{name} is signed and not sent"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let canonical = canonical_request(request, &SignedHeaders(headers));
    let expected = keyed_hash(&credentials, &string_to_sign(date, &canonical));
    let claimed = header(CONTENT_HASH_HEADER).map(str::trim);
    let body_agrees = claimed.is_none_or(|claimed| claimed == UNSIGNED_PAYLOAD || claimed == hash(request.body));
    if !body_agrees || expected.verify_slice(&signature).is_err() {
        return Err(Refusal::Mismatch { canonical_request: credentials.redact(&canonical.replace('\n', "|")) });
    }
    Ok(())
}

/// Names in lower case with their trimmed values, sorted.
struct SignedHeaders(Vec<(String, String)>);

impl SignedHeaders {
    fn of(headers: &[(&str, &str)], date: &str) -> Self {
        let mut signed: Vec<(String, String)> = headers
            .iter()
            .filter(|(name, _)| !name.contains('_'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .chain([(DATE_HEADER.to_owned(), date.to_owned())])
            .collect();
        signed.sort();
        Self(signed)
    }

    fn names(&self) -> String {
        self.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";")
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn canonical_request(request: &Signable<'_>, headers: &SignedHeaders) -> String {
    let lines: String = headers.0.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let payload = match headers.get(CONTENT_HASH_HEADER) {
        Some(given) if !request.body.is_empty() => given.to_owned(),
        _ => hash(request.body),
    };
    [
        &request.method.to_ascii_uppercase(),
        &canonical_path(request.path),
        &canonical_query(request.query),
        &lines,
        &headers.names(),
        &payload,
    ]
    .map(String::as_str)
    .join("\n")
}

/// Every segment escaped anew, and a slash at the end.
fn canonical_path(path: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let mut canonical = decoded
        .split(|&byte| byte == b'/')
        .map(|segment| percent_encode(segment, ESCAPED).to_string())
        .collect::<Vec<_>>()
        .join("/");
    if !canonical.ends_with('/') {
        canonical.push('/');
    }
    canonical
}

fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(name).collect(), percent_decode_str(value).collect())
    });
    join_sorted(pairs.collect())
}

fn join_sorted(mut pairs: Vec<(Vec<u8>, Vec<u8>)>) -> String {
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percent_encode(name, ESCAPED), percent_encode(value, ESCAPED)))
        .collect::<Vec<_>>()
        .join("&")
}

fn string_to_sign(date: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{}", hash(canonical_request.as_bytes()))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn keyed_hash(credentials: &Credentials, text: &str) -> Hmac<Sha256> {
    let key = credentials.secret_key.expose().as_bytes();
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(text)
}

#[cfg(test)]
mod tests;
