//! The configuration document: strict JSON, refused with the exact path and the mend.

mod validate;
mod wording;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::{Endpoints, Group, SecretSource};

/// Everything that Terraform or a person sets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Region of the cloud, `cn-north-4` and the like.
    pub region: String,
    /// Project id in that region.
    pub project_id: String,
    /// Addresses of the cloud's APIs, where they are not the region's public ones.
    #[serde(default)]
    pub endpoints: Endpoints,
    /// The adviser.
    #[serde(default)]
    pub deepseek: DeepSeek,
    /// How groups tune themselves.
    #[serde(default)]
    pub tuning: Tuning,
    /// Whom to tell, and whom to believe.
    #[serde(default)]
    pub notify: Notify,
    /// Whether each decision is written to Cloud Eye as custom metrics, one call an evaluation more.
    #[serde(default)]
    pub publish_metrics: bool,
    /// Where each decision is sent as metrics by OpenTelemetry's protocol, one call an evaluation more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp: Option<Otlp>,
    /// The scaled services.
    pub groups: Vec<Group>,
}

/// A collector that speaks OpenTelemetry's protocol over HTTP (OTLP/HTTP, as JSON).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// Base address, usually with port 4318; `/v1/metrics` is appended.
    pub url: Url,
    /// Sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<SecretSource>,
}

/// The adviser that proposes policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeepSeek {
    /// Base address of an OpenAI-compatible API; `/chat/completions` is appended.
    pub api_url: Url,
    /// Model id.
    pub model: String,
    /// What may be done with proposals.
    pub mode: AdviserMode,
    /// Where its key is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretSource>,
    /// Whether to send the `thinking` switch; some servers refuse what they do not know.
    pub send_thinking: bool,
    /// Language of its reasons.
    pub language: Language,
    /// Most tokens a day, in and out together. A question is asked only while its whole answer, three times over, fits: one
    /// that comes blank is asked for again.
    pub daily_tokens: u64,
    /// Most money a day, in the currency of `prices`. No limit but that of the tokens if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_cost: Option<f64>,
    /// What tokens cost.
    pub prices: TokenPrices,
}

impl Default for DeepSeek {
    fn default() -> Self {
        Self {
            api_url: Url::parse("https://api.deepseek.com").expect("a constant address"),
            model: "deepseek-flash".to_owned(),
            mode: AdviserMode::Off,
            api_key: None,
            send_thinking: true,
            language: Language::En,
            daily_tokens: 200_000,
            daily_cost: None,
            prices: TokenPrices::default(),
        }
    }
}

/// What a million tokens cost. The defaults are DeepSeek's own at the busy hours, in US dollars
/// (<https://api-docs.deepseek.com/quick_start/pricing>, autumn 2026).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPrices {
    /// Tokens of the question that were not in the cache.
    pub prompt_per_million: f64,
    /// Tokens of the question that were.
    pub cached_prompt_per_million: f64,
    /// Tokens of the answer.
    pub completion_per_million: f64,
}

impl Default for TokenPrices {
    fn default() -> Self {
        Self { prompt_per_million: 0.30, cached_prompt_per_million: 0.006, completion_per_million: 1.20 }
    }
}

/// How groups tune themselves. Nothing takes effect that has not passed the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// What may be done with what has passed. Default: what the adviser's mode says, and `propose` where that is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<AdviserMode>,
    /// Days of the group's own load that candidates are tried on.
    pub days: u32,
    /// Evaluations that a version decides beside the one in force, before it takes effect.
    pub shadow_evaluations: u32,
    /// Hours that a version is watched after it has taken effect.
    pub bake_hours: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { mode: None, days: 14, shadow_evaluations: 60, bake_hours: 24 }
    }
}

/// What may be done with proposals of the adviser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviserMode {
    /// It is not asked.
    #[default]
    Off,
    /// It is asked; a person approves.
    Propose,
    /// What passes the gate is applied.
    Apply,
}

/// Languages that people are told things in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// Whom to tell, and whom to believe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// SMN topic that people read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_urn: Option<String>,
    /// Topics whose messages are believed. Default: `topic_urn` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_topics: Option<Vec<String>>,
}

impl Notify {
    /// Whether messages of that topic are believed.
    pub fn accepts(&self, topic_urn: &str) -> bool {
        match &self.accept_topics {
            Some(topics) => topics.iter().any(|topic| topic == topic_urn),
            None => self.topic_urn.as_deref() == Some(topic_urn),
        }
    }
}

/// A configuration that cannot be used: every place that is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct ConfigError {
    /// What is wrong, in the order of the document.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            write!(formatter, "config: {problem}")?;
        }
        Ok(())
    }
}

/// One place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `groups[0].signals[1].scale_out`. Empty for the whole document.
    pub path: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" | "." => write!(formatter, "{}", self.message),
            path => write!(formatter, "{path}: {}", self.message),
        }
    }
}

/// Largest document that is read, in bytes.
pub const LARGEST_CONFIG_BYTES: usize = 4 * 1024 * 1024;

impl Config {
    /// Reads and validates a document.
    ///
    /// # Errors
    /// Names the first place that is not of the right form, or all places that are and make no sense.
    pub fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        if text.len() > LARGEST_CONFIG_BYTES {
            return Err(ConfigError::one("", format!("larger than {LARGEST_CONFIG_BYTES} bytes")));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let config: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            if error.inner().is_data() {
                ConfigError::one(&error.path().to_string(), wording::in_json(&error.inner().to_string()))
            } else {
                ConfigError::one("", format!("is not JSON: {}", error.inner()))
            }
        })?;
        deserializer.end().map_err(|error| ConfigError::one("", format!("something follows the document: {error}")))?;
        let problems = validate::problems(&config);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    /// The JSON Schema of the document.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// What may be done with candidates that have passed the gate.
    pub fn tuning_mode(&self) -> AdviserMode {
        self.tuning.mode.unwrap_or(match self.deepseek.mode {
            AdviserMode::Off => AdviserMode::Propose,
            asked => asked,
        })
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }
}

impl ConfigError {
    fn one(path: &str, message: String) -> Self {
        Self { problems: vec![Problem { path: path.to_owned(), message }] }
    }
}

#[cfg(test)]
mod tests;
