//! Asks the adviser, within a budget, and keeps what it was asked and said.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, Utc};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::clients::deepseek::{DeepSeek, MOST_TRIES, Message, Role, Usage};
use crate::clients::{Cloud, Secret, Transport};
use crate::config::{self, Language, TokenPrices};
use crate::model::{Advice, Group, Tunables};
use crate::records::SCHEMA_VERSION;
use crate::state::policies;
use crate::state::{Store, StoreError};
use crate::tune::advice::{LONGEST_ANSWER, LONGEST_ANSWER_TOKENS, Summary, candidate, hear, question};
use crate::tune::{Candidate, Ground};

/// Longest wait for one answer of it, tries included; never more than half of the time that is left.
const PATIENCE: Duration = Duration::from_secs(90);
/// Bytes of a question for each token, at least.
const BYTES_PER_TOKEN: u64 = 2;

/// The adviser and what may be spent on it.
#[derive(Clone, Debug)]
pub struct Adviser {
    client: DeepSeek,
    settings: AdviserSettings,
}

/// What may be spent, and how it shall speak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdviserSettings {
    language: Language,
    daily_tokens: u64,
    daily_cost: Option<f64>,
    prices: TokenPrices,
}

impl From<&config::DeepSeek> for AdviserSettings {
    fn from(config: &config::DeepSeek) -> Self {
        let config::DeepSeek { language, daily_tokens, daily_cost, prices, .. } = *config;
        Self { language, daily_tokens, daily_cost, prices }
    }
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What was asked and said. `None` where it was not asked.
    pub advice: Option<Advice>,
    /// What follows from it.
    pub candidate: Option<Candidate>,
    /// In a sentence.
    pub told: String,
}

impl Adviser {
    /// The adviser of the configuration, with a key that is already known.
    pub fn new(transport: Transport, config: &config::DeepSeek, key: Secret) -> Self {
        let client = DeepSeek::new(transport, &config.api_url, key, &config.model, config.send_thinking);
        Self { client, settings: config.into() }
    }

    /// The adviser of the configuration, or why there is none.
    pub(super) async fn of_cloud(cloud: &Cloud, config: &config::DeepSeek) -> Result<Self, String> {
        let source = config.api_key.as_ref().ok_or("deepseek.api_key is missing")?;
        let key = cloud.secret(source).await.map_err(|error| error.to_string())?;
        Ok(Self::new(cloud.transport().clone(), config, key))
    }

    /// Asks about a group whose load and policy in force are these. `groups` are all that share the budget.
    ///
    /// # Errors
    /// When the store does not tell what was spent today: then nothing is.
    pub async fn ask(
        &self,
        store: &Store,
        groups: &[Group],
        training: &Ground,
        before: &Tunables,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Result<Asked, StoreError> {
        let (rules, data) = question(&Summary::new(training, before), self.settings.language == Language::Zh);
        let spent = spent_today(store, groups, now, deadline).await?;
        if let Some(why) = self.settings.too_dear(spent, (rules.len() + data.len()) as u64) {
            return Ok(Asked { advice: None, candidate: None, told: why });
        }
        let digest = Sha256::new().chain_update(&rules).chain_update(&data).finalize();
        let messages = [Message { role: Role::System, content: rules }, Message { role: Role::User, content: data }];
        let patience = PATIENCE.min(deadline.saturating_duration_since(Instant::now()) / 2);
        let answered = self.client.within(patience).ask(&messages, LONGEST_ANSWER_TOKENS).await;
        let usage = match &answered {
            Ok(reply) => reply.usage,
            Err(error) => error.usage,
        };
        let mut advice = Advice {
            schema: SCHEMA_VERSION,
            id: uuid::Uuid::new_v4().simple().to_string(),
            time: now,
            question: hex::encode(&digest[..16]),
            model: String::new(),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost: self.settings.cost(usage),
            answer: None,
            heard: None,
            refused: None,
        };
        let mut found = None;
        match answered {
            Err(error) => advice.refused = Some(error.to_string()),
            Ok(reply) => {
                advice.model = reply.model.chars().filter(|character| !character.is_control()).take(100).collect();
                advice.answer = Some(cut(&reply.content));
                match hear(&reply.content, before, &training.group) {
                    Ok(heard) => {
                        found = candidate(&heard, before, &training.group);
                        advice.heard = Some(heard);
                    }
                    Err(why) => advice.refused = Some(why),
                }
            }
        }
        let told = match (&advice.refused, &found) {
            (Some(why), _) => format!("the adviser's answer is refused: {why}"),
            (None, Some(_)) => "the adviser has proposed a policy".to_owned(),
            (None, None) => "the adviser would change nothing".to_owned(),
        };
        Ok(Asked { advice: Some(advice), candidate: found, told })
    }
}

impl AdviserSettings {
    fn cost(&self, usage: Usage) -> f64 {
        let cached = usage.prompt_cache_hit_tokens.min(usage.prompt_tokens);
        let fresh = usage.prompt_tokens - cached;
        let TokenPrices { prompt_per_million, cached_prompt_per_million, completion_per_million } = self.prices;
        (fresh as f64 * prompt_per_million
            + cached as f64 * cached_prompt_per_million
            + usage.completion_tokens as f64 * completion_per_million)
            / 1e6
    }

    /// Why another question would be too dear today, if so. It may have to be asked more than once.
    fn too_dear(&self, (tokens, cost): (u64, f64), question_bytes: u64) -> Option<String> {
        let tries = u64::from(MOST_TRIES);
        let next = Usage {
            prompt_tokens: tries * question_bytes / BYTES_PER_TOKEN,
            prompt_cache_hit_tokens: 0,
            completion_tokens: tries * u64::from(LONGEST_ANSWER_TOKENS),
        };
        if tokens.saturating_add(next.total_tokens()) > self.daily_tokens {
            return Some(format!("the adviser is not asked: {tokens} of {} tokens are spent today", self.daily_tokens));
        }
        let most = self.daily_cost.filter(|most| cost + self.cost(next) > *most)?;
        Some(format!("the adviser is not asked: {cost:.4} of {most} are spent today"))
    }
}

/// Tokens and money that were spent since midnight, over all groups.
async fn spent_today(
    store: &Store,
    groups: &[Group],
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<(u64, f64), StoreError> {
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    let mut spent = (0u64, 0.0);
    for group in groups {
        let (advice, _) = policies::read_advice(store, &group.name, midnight, deadline).await?;
        for each in advice {
            spent.0 = spent.0.saturating_add(each.prompt_tokens).saturating_add(each.completion_tokens);
            spent.1 += each.cost;
        }
    }
    Ok(spent)
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_ANSWER)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(daily_tokens: u64, daily_cost: Option<f64>) -> AdviserSettings {
        AdviserSettings { daily_tokens, daily_cost, ..AdviserSettings::from(&config::DeepSeek::default()) }
    }

    #[test]
    fn what_an_answer_costs_follows_from_its_tokens() {
        let usage = Usage { prompt_tokens: 3_000, prompt_cache_hit_tokens: 1_000, completion_tokens: 500 };
        let cost = settings(1, None).cost(usage);
        assert!((cost - (2_000.0 * 0.30 + 1_000.0 * 0.006 + 500.0 * 1.20) / 1e6).abs() < 1e-12);
    }

    #[test]
    fn what_would_go_over_the_budget_is_not_asked() {
        // Of 4 000 bytes: 2 000 tokens to ask, 2 000 to answer, three times.
        assert_eq!(settings(20_000, None).too_dear((8_000, 0.0), 4_000), None);
        assert!(settings(20_000, None).too_dear((8_001, 0.0), 4_000).is_some_and(|why| why.contains("8001 of 20000")));
        assert_eq!(settings(20_000, Some(0.01)).too_dear((0, 0.0), 4_000), None);
        assert!(settings(20_000, Some(0.01)).too_dear((0, 0.002), 4_000).is_some());
        assert!(settings(10_000, Some(0.0)).too_dear((0, 0.0), 0).is_some());
    }
}
