//! The adviser: chat completions of DeepSeek, or of anything that speaks the OpenAI dialect, such as Huawei Cloud MaaS.
//!
//! It is asked for JSON, without thinking and nearly without chance. What it says is never believed here: JSON mode
//! promises syntax, not sense.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure};
use super::foreign::sensitive;
use super::http::{Answer, Purpose, Transport};
use super::retry::Retry;
use super::wire::null_as_default;

const OPERATION: &str = "ask the adviser";
/// Longest wait for one answer. Under load the server sends empty lines meanwhile, so no pause between bytes tells.
const TRY_TIMEOUT: Duration = Duration::from_secs(30);
const TEMPERATURE: f64 = 0.1;
/// A question is asked at most so often. Each time may cost as much as the whole answer.
pub const MOST_TRIES: u32 = 3;

/// A model behind an OpenAI-compatible API.
#[derive(Clone, Debug)]
pub struct DeepSeek {
    transport: Transport,
    base: Url,
    key: Secret,
    model: String,
    send_thinking: bool,
}

/// One part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Whose it is.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The rules of the conversation.
    System,
    /// The question.
    User,
    /// An earlier answer.
    Assistant,
}

/// An answer that is not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What was said.
    pub content: String,
    /// The model that said it, by its own account.
    pub model: String,
    /// What the question cost, every try counted.
    pub usage: Usage,
}

/// What was read and written, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the question.
    #[serde(deserialize_with = "null_as_default")]
    pub prompt_tokens: u64,
    /// Of these, tokens that were in the cache and cost little.
    #[serde(deserialize_with = "null_as_default")]
    pub prompt_cache_hit_tokens: u64,
    /// Tokens of the answer.
    #[serde(deserialize_with = "null_as_default")]
    pub completion_tokens: u64,
}

impl Usage {
    /// Question and answer together.
    pub fn total_tokens(self) -> u64 {
        self.prompt_tokens.saturating_add(self.completion_tokens)
    }

    fn add(&mut self, other: Self) {
        // The numbers are the server's: they may be anything.
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.prompt_cache_hit_tokens = self.prompt_cache_hit_tokens.saturating_add(other.prompt_cache_hit_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
    }
}

/// No answer, and what the attempt cost all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct AdviserError {
    /// Why.
    #[source]
    pub kind: AdviserErrorKind,
    /// Tokens that were spent.
    pub usage: Usage,
}

/// Why the adviser gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdviserErrorKind {
    /// The account is empty (402). Asking again is useless until somebody pays.
    #[error("the adviser's account has no balance left; top it up or set deepseek.mode to \"off\" ({0})")]
    NoBalance(ClientError),
    /// The key is wrong or may not use the model.
    #[error("the adviser does not accept the key; check deepseek.api_key ({0})")]
    Key(ClientError),
    /// Anything else.
    #[error(transparent)]
    Api(ClientError),
}

impl DeepSeek {
    /// A model at a base address, to which `/chat/completions` is appended. `send_thinking` says whether the switch that
    /// turns thinking off is sent: some servers refuse what they do not know.
    pub fn new(transport: Transport, base: &Url, key: Secret, model: &str, send_thinking: bool) -> Self {
        let transport = transport.with_try_timeout(TRY_TIMEOUT).with_tries(MOST_TRIES);
        Self { transport, base: base.clone(), key, model: model.to_owned(), send_thinking }
    }

    /// The same, but done within `limit` from now.
    pub fn within(&self, limit: Duration) -> Self {
        Self { transport: self.transport.within(limit), ..self.clone() }
    }

    /// Asks for a JSON document of at most `max_tokens`. The messages must contain the word "json" and an example of it.
    ///
    /// # Errors
    /// If there is no whole answer in time. Blank answers, which JSON mode gives for what is not JSON, are asked for again.
    pub async fn ask(&self, messages: &[Message], max_tokens: u32) -> Result<Reply, AdviserError> {
        let question = Question {
            model: &self.model,
            messages,
            thinking: self.send_thinking.then_some(Thinking { kind: "disabled" }),
            response_format: ResponseFormat { kind: "json_object" },
            max_tokens,
            temperature: TEMPERATURE,
            stream: false,
        };
        let spent = Mutex::new(Usage::default());
        let secrets = [&self.key];
        let check = |answer: &Answer| {
            let completion: Completion = match serde_json::from_slice(&answer.body) {
                Ok(completion) => completion,
                Err(error) => return Some(Failure::unreadable(&error.to_string(), &secrets)),
            };
            spent.lock().unwrap_or_else(PoisonError::into_inner).add(completion.usage);
            completion.content(&secrets).err()
        };
        let purpose =
            Purpose { operation: OPERATION, subject: &self.model, retry: Retry::Idempotent, secrets: &secrets };
        let result = self.transport.send(purpose, || self.request(&question), check).await;
        let usage = spent.into_inner().unwrap_or_else(PoisonError::into_inner);
        let reply = result.and_then(|answer| {
            let unreadable =
                |error: serde_json::Error| purpose.error(Failure::unreadable(&error.to_string(), &secrets));
            let completion: Completion = serde_json::from_slice(&answer.body).map_err(unreadable)?;
            let content = completion.content(&secrets).map_err(|failure| purpose.error(failure))?.to_owned();
            Ok(Reply { content, model: completion.model, usage })
        });
        reply.map_err(|error| AdviserError { kind: error.into(), usage })
    }

    fn request(&self, question: &Question<'_>) -> Result<reqwest::Request, Failure> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/chat/completions", self.base.path().trim_end_matches('/')));
        let body = serde_json::to_vec(question).map_err(|error| Failure::Invalid(error.to_string()))?;
        let mut request = reqwest::Request::new(Method::POST, url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", self.key.expose()))?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        Ok(request)
    }
}

impl From<ClientError> for AdviserErrorKind {
    fn from(error: ClientError) -> Self {
        match error.status() {
            Some(402) => Self::NoBalance(error),
            Some(401 | 403) => Self::Key(error),
            _ => Self::Api(error),
        }
    }
}

#[derive(Serialize)]
struct Question<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    response_format: ResponseFormat,
    max_tokens: u32,
    temperature: f64,
    stream: bool,
}

#[derive(Serialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct ResponseFormat {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default, deserialize_with = "null_as_default")]
    model: String,
    choices: Vec<Choice>,
    #[serde(default, deserialize_with = "null_as_default")]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
    #[serde(default, deserialize_with = "null_as_default")]
    finish_reason: String,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default, deserialize_with = "null_as_default")]
    content: String,
}

impl Completion {
    /// The answer, if it is a whole one.
    fn content(&self, secrets: &[&Secret]) -> Result<&str, Failure> {
        let Some(choice) = self.choices.first() else {
            return Err(Failure::Blank("it holds no choice".to_owned()));
        };
        match (choice.finish_reason.as_str(), choice.message.content.trim()) {
            ("stop", "") => Err(Failure::Blank("the content is blank".to_owned())),
            ("stop", content) => Ok(content),
            ("insufficient_system_resource", _) => Err(Failure::Blank("the server ran out of resources".to_owned())),
            ("length", _) => Err(Failure::Unreadable("it was cut off; allow more tokens".to_owned())),
            (reason, _) => Err(Failure::unreadable(&format!("it ended by {reason:?}"), secrets)),
        }
    }
}

#[cfg(test)]
mod tests;
