use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the adviser was asked and said. Written once, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// Version of the form.
    pub schema: u32,
    /// Unique; part of the object's key.
    pub id: String,
    /// When it was asked.
    pub time: DateTime<Utc>,
    /// Digest of the question.
    pub question: String,
    /// The model, by its own account.
    pub model: String,
    /// Tokens of the question, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// What that cost, in the currency of the configured prices.
    pub cost: f64,
    /// The answer, to the letter as far as it is not too long.
    pub answer: Option<String>,
    /// What was understood of it.
    pub heard: Option<Heard>,
    /// Why nothing follows from it, if so.
    pub refused: Option<String>,
}

/// What was understood of an answer. Texts are shortened and hold no control characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heard {
    /// How the load goes.
    pub load_pattern: Option<LoadPattern>,
    /// The load expected at some times to come, in work per second.
    pub forecast: Vec<ExpectedLoad>,
    /// What might go wrong.
    pub risks: Vec<String>,
    /// What is to be changed.
    pub changes: Vec<ProposedChange>,
    /// What of the answer was clipped or left out, and why.
    pub notes: Vec<String>,
}

/// How a load goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadPattern {
    /// The same every day or week.
    Periodic,
    /// Rushes that nothing announces.
    Bursty,
    /// More or less every day.
    Trend,
    /// Always about the same.
    Steady,
}

/// A load that is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedLoad {
    /// When.
    pub time: DateTime<Utc>,
    /// How much, in work per second.
    pub load_per_second: f64,
}

/// A change of one parameter, as it was asked for and as it is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposedChange {
    /// Which parameter.
    pub parameter: String,
    /// What it was.
    pub before: f64,
    /// What was asked for.
    pub asked: f64,
    /// What is taken: within its bounds, and at most 20 % away.
    pub taken: f64,
    /// Why, in the adviser's words.
    pub reason: String,
}
