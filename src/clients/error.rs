//! What went wrong outside, told without secrets.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::retry::Retry;
use super::{Secret, redact};

/// Longest part of a foreign message that is kept, in characters.
const LONGEST_MESSAGE: usize = 400;

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ClientError {
    /// What was to be done: `show AS group`.
    pub operation: &'static str,
    /// To what: an id, a name, a metric. May be empty.
    pub subject: String,
    /// How often it was tried.
    pub tries: u32,
    /// Whether it would have been tried again had there been time.
    pub out_of_time: bool,
    /// What happened at the last try.
    pub failure: Failure,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The other side answered with an error.
    Refused(Refusal),
    /// No connection was made, so nothing was carried out.
    Unreachable(String),
    /// The connection broke; whether the request was carried out is unknown.
    Broken(String),
    /// No answer in time; whether the request was carried out is unknown.
    TimedOut(Duration),
    /// There was no time left to send anything.
    NoTime,
    /// The answer is larger than the limit, in bytes.
    TooLarge(usize),
    /// The answer holds nothing; the next one may.
    Blank(String),
    /// The answer is not what it should be.
    Unreadable(String),
    /// The request cannot be made of what was given.
    Invalid(String),
}

/// An error that the other side answered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status. Some APIs put an error code into a 2xx.
    pub status: u16,
    /// The API's own code: `AS.2007`, `Ecs.0018`, `APIGW.0308`.
    pub code: Option<String>,
    /// The API's own words, shortened.
    pub message: String,
    /// Pause that the server asks for.
    pub retry_after: Option<Duration>,
}

impl ClientError {
    pub(super) fn new(operation: &'static str, subject: &str, failure: Failure) -> Self {
        Self { operation, subject: subject.to_owned(), tries: 0, out_of_time: false, failure }
    }

    /// The error that the other side answered with, if it answered.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            Failure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The API's own error code.
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// Whether what was asked for does not exist. A missing AS group is a 400 with a code of its own.
    pub fn is_not_found(&self) -> bool {
        let code = self.code().unwrap_or_default();
        // A wrong address is a 404 as well.
        let is_address = code == "AS.0007" || code.starts_with("APIG");
        matches!(code, "AS.2007" | "Ecs.0114") || self.status() == Some(404) && !is_address
    }

    /// Whether too much was asked at once.
    pub fn is_throttled(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_throttled)
    }

    /// Whether the credentials are wrong, expired, or lack a permission.
    pub fn is_auth(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether time ran out: nothing could be sent, or nothing more.
    pub fn deadline_exceeded(&self) -> bool {
        self.out_of_time || self.failure == Failure::NoTime
    }

    /// Whether the request may have been carried out all the same. Never true of a refusal by a 4xx.
    pub fn may_have_happened(&self) -> bool {
        match &self.failure {
            Failure::Refused(refusal) => refusal.status >= 500 && !refusal.is_throttled(),
            Failure::Broken(_)
            | Failure::TimedOut(_)
            | Failure::TooLarge(_)
            | Failure::Blank(_)
            | Failure::Unreadable(_) => true,
            Failure::Unreachable(_) | Failure::NoTime | Failure::Invalid(_) => false,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.operation)?;
        if !self.subject.is_empty() {
            write!(formatter, " {}", self.subject)?;
        }
        write!(formatter, ": {}", self.failure)?;
        if self.tries > 1 {
            write!(formatter, " (tried {} times)", self.tries)?;
        }
        if self.out_of_time {
            write!(formatter, ", no time for another try")?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(formatter),
            Self::Unreachable(reason) => write!(formatter, "no connection: {reason}"),
            Self::Broken(reason) => write!(formatter, "the connection broke: {reason}"),
            Self::TimedOut(limit) => write!(formatter, "no answer within {:.1} s", limit.as_secs_f64()),
            Self::NoTime => formatter.write_str("no time left"),
            Self::TooLarge(limit) => write!(formatter, "the answer is larger than {limit} bytes"),
            Self::Blank(reason) => write!(formatter, "the answer is blank: {reason}"),
            Self::Unreadable(reason) => write!(formatter, "the answer cannot be read: {reason}"),
            Self::Invalid(reason) => formatter.write_str(reason),
        }
    }
}

impl Failure {
    /// An answer that is not what it should be. The reason may quote it, so it is treated as [`redacted`] says.
    pub(super) fn unreadable(reason: &str, secrets: &[&Secret]) -> Self {
        Self::Unreadable(redacted(reason, secrets))
    }

    pub(super) fn may_be_retried(&self, retry: Retry) -> bool {
        let refused = match self {
            Self::Refused(refusal) => refusal.is_throttled() || refusal.is_lock_conflict(),
            Self::Unreachable(_) => true,
            _ => false,
        };
        let transient = match self {
            Self::Refused(refusal) => refusal.is_transient(),
            Self::Broken(_) | Self::TimedOut(_) | Self::Blank(_) => true,
            _ => false,
        };
        refused || transient && retry == Retry::Idempotent
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(formatter, " {code}")?;
        }
        if !self.message.is_empty() {
            write!(formatter, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl Refusal {
    /// Reads an answer's error body, in any of the forms that the APIs use. `None` if it holds no error.
    ///
    /// Auto Scaling, ECS, IAM and OpenAI-style servers: `{"error":{"code","message"}}`; FunctionGraph, ELB, CSMS and the
    /// gateway: `{"error_code","error_msg"}`; Cloud Eye v1: `{"http_code","message":{"code","details"}}`; SMN and others:
    /// `{"code","message"}`; OpenStack: `{"itemNotFound":{"code","message"}}`; Prometheus: `{"errorType","error"}`.
    fn parse(status: u16, body: &[u8], secrets: &[&Secret]) -> Option<Self> {
        let document: Value = serde_json::from_slice(body).ok()?;
        let top = document.as_object()?;
        let nested = ["error", "message"].into_iter().find_map(|name| top.get(name)?.as_object());
        let lone = || top.values().next().filter(|_| top.len() == 1)?.as_object();
        let fields = nested.or_else(lone).unwrap_or(top);
        let text = |names: &[&str]| {
            names.iter().find_map(|&name| match fields.get(name)? {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let message = text(&["message", "error_msg", "details", "error", "title"])?;
        let code = text(&["code", "error_code", "errorType", "type"]);
        Some(Self { status, code, message: redacted(&message, secrets), retry_after: None })
    }

    /// Reads an error answer: its body's error, or else the beginning of what stands there.
    pub(super) fn of_answer(status: u16, body: &[u8], secrets: &[&Secret]) -> Self {
        Self::parse(status, body, secrets).unwrap_or_else(|| Self {
            status,
            message: redacted(&String::from_utf8_lossy(body), secrets),
            ..Self::default()
        })
    }

    /// An error hidden in an answer of success, as with `Common.0024`, "flow over limit".
    pub(super) fn hidden_in_success(status: u16, body: &[u8], secrets: &[&Secret]) -> Option<Self> {
        const LARGEST_ERROR: usize = 8 * 1024;
        if body.len() > LARGEST_ERROR {
            return None;
        }
        let document: Value = serde_json::from_slice(body).ok()?;
        let top = document.as_object()?;
        let nonempty = |name: &str| top.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        // A job tells its own failure by `error_code` and `fail_reason`; the call that shows it succeeded.
        let is_error = top.get("error").is_some_and(|error| error.get("code").is_some())
            || nonempty("error_code") && nonempty("error_msg")
            || nonempty("code") && nonempty("message");
        if is_error { Self::parse(status, body, secrets) } else { None }
    }

    /// Whether too much was asked at once; nothing was carried out.
    pub fn is_throttled(&self) -> bool {
        const CODES: [&str; 6] =
            ["APIG.0308", "APIGW.0308", "Common.0024", "Common.1503", "ModelArts.81101", "ModelArts.81103"];
        self.status == 429 || self.code.as_deref().is_some_and(|code| CODES.contains(&code))
    }

    /// Whether the AS group is locked by another request; nothing was carried out.
    pub fn is_lock_conflict(&self) -> bool {
        self.code.as_deref() == Some("AS.0003")
    }

    /// Whether the same request may well succeed a little later.
    fn is_transient(&self) -> bool {
        self.status == 408 || (500..600).contains(&self.status) && self.status != 501
    }
}

/// The innermost cause of an error: what the network, TLS or a file said.
pub(crate) fn root_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}

/// Foreign text as one line, not too long, without our secrets: a gateway may quote the headers of a refused request.
pub(super) fn redacted(text: &str, secrets: &[&Secret]) -> String {
    let text = redact(text, secrets.iter().copied());
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::of_answer(status, body.as_bytes(), &[])
    }

    #[test]
    fn every_form_of_error_body_is_read() {
        let cases = [
            (r#"{"error":{"code":"AS.2007","message":"no such group"}}"#, "AS.2007", "no such group"),
            (
                r#"{"error_code":"FSS.1051","error_msg":"no such function","request_id":"r"}"#,
                "FSS.1051",
                "no such function",
            ),
            (r#"{"http_code":"403","message":{"code":"ces.0017","details":"no right"}}"#, "ces.0017", "no right"),
            (r#"{"request_id":"r","code":"SMN.0013","message":"no such topic"}"#, "SMN.0013", "no such topic"),
            (r#"{"itemNotFound":{"message":"gone","code":404}}"#, "404", "gone"),
            (
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
                "invalid_request_error",
                "Insufficient Balance",
            ),
            (r#"{"error":{"message":"no","type":"server_error","code":null}}"#, "server_error", "no"),
            (r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "bad_data", "parse error"),
            (r#"{"object":"error","message":"extra_forbidden","code":400}"#, "400", "extra_forbidden"),
        ];
        for (body, code, message) in cases {
            let refusal = refusal(400, body);
            assert_eq!(refusal.code.as_deref(), Some(code), "{body}");
            assert_eq!(refusal.message, message, "{body}");
        }
    }

    #[test]
    fn a_page_instead_of_an_error_body_is_quoted_shortly() {
        let page = format!("<html>\n  <body>Bad\tGateway{}</body></html>", "x".repeat(10_000));
        let refusal = refusal(502, &page);
        assert_eq!(refusal.code, None);
        assert!(refusal.message.starts_with("<html> <body>Bad Gateway"));
        assert!(refusal.message.len() < 500);
    }

    #[test]
    fn a_quoted_secret_is_blotted_out_before_the_message_is_cut() {
        let token = Secret::new("t".repeat(LONGEST_MESSAGE));
        let body = format!(
            r#"{{"error_code":"APIGW.0301","error_msg":"verify failed: GET|x-security-token:{}|"}}"#,
            token.expose()
        );
        let refusal = Refusal::of_answer(401, body.as_bytes(), &[&token]);
        assert_eq!(refusal.message, "verify failed: GET|x-security-token:[redacted]|");
    }

    #[test]
    fn what_cannot_be_read_is_quoted_shortly_and_without_secrets() {
        let key = Secret::new("made-up-key");
        let answer = format!(r#"{{"a":"{}{}"}}"#, key.expose(), "x".repeat(100_000));
        let error = serde_json::from_str::<std::collections::BTreeMap<String, u32>>(&answer).unwrap_err().to_string();
        assert!(error.contains(key.expose()) && error.len() > 100_000, "what serde says of it");
        let told = Failure::unreadable(&error, &[&key]).to_string();
        assert!(told.contains("[redacted]") && !told.contains(key.expose()) && told.len() < 600, "{told}");
    }

    #[test]
    fn an_error_in_a_success_is_seen_and_a_failed_job_is_none() {
        let hidden =
            |body: &str| Refusal::hidden_in_success(202, body.as_bytes(), &[]).and_then(|refusal| refusal.code);
        let flow = r#"{"error":{"code":"Common.0024","message":"exceeds flow over limit"}}"#;
        assert_eq!(hidden(flow).as_deref(), Some("Common.0024"));
        assert_eq!(hidden(r#"{"error_code":"APIGW.0308","error_msg":"throttled"}"#).as_deref(), Some("APIGW.0308"));
        let job = r#"{"job_id":"j","status":"FAIL","error_code":"Ecs.0219","fail_reason":"no stock"}"#;
        assert_eq!(hidden(job), None);
        assert_eq!(hidden(r#"{"job_id":"j"}"#), None);
        assert_eq!(hidden(""), None);
        assert!(Refusal::hidden_in_success(202, flow.as_bytes(), &[]).unwrap().is_throttled());
    }

    #[test]
    fn only_what_may_succeed_later_is_retried() {
        let retried = |status, code: &str, retry| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            Failure::Refused(refusal(status, &body)).may_be_retried(retry)
        };
        for (status, code) in [(429, "x"), (400, "AS.0003"), (202, "Common.0024"), (403, "APIGW.0308")] {
            assert!(retried(status, code, Retry::Idempotent), "{status} {code}");
            assert!(retried(status, code, Retry::OnlyIfRefused), "{status} {code}: surely not carried out");
        }
        for status in [500, 502, 503, 504, 408] {
            assert!(retried(status, "x", Retry::Idempotent), "{status}");
            assert!(!retried(status, "x", Retry::OnlyIfRefused), "{status}: perhaps carried out");
        }
        for status in [400, 401, 403, 404, 409, 501] {
            assert!(!retried(status, "x", Retry::Idempotent), "{status}");
        }
        assert!(Failure::Unreachable(String::new()).may_be_retried(Retry::OnlyIfRefused));
        assert!(!Failure::TimedOut(Duration::ZERO).may_be_retried(Retry::OnlyIfRefused));
        assert!(!Failure::Unreadable(String::new()).may_be_retried(Retry::Idempotent));
    }

    #[test]
    fn kinds_are_told_apart() {
        let error = |status, code: &str| {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
            ClientError::new("show AS group", "g", Failure::Refused(refusal(status, &body)))
        };
        assert!(error(400, "AS.2007").is_not_found());
        assert!(error(404, "itemNotFound").is_not_found());
        assert!(!error(404, "AS.0007").is_not_found(), "a wrong address is not a missing group");
        assert!(!error(404, "APIGW.0101").is_not_found());
        assert!(error(401, "APIGW.0301").is_auth());
        assert!(error(500, "AS.0001").may_have_happened());
        assert!(!error(400, "AS.2005").may_have_happened());
        assert_eq!(error(400, "AS.2005").to_string(), "show AS group g: HTTP 400 AS.2005: m");
    }
}
