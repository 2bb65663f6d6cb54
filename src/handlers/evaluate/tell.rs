//! Tells people by SMN when a group needs them, and not again and again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clients::Cloud;
use crate::handlers::messages::OWN_SUBJECT;
use crate::model::{ActionOutcome, Decision};
use crate::state::Snapshot;

/// The same subject is not told again within this time.
const QUIET: TimeDelta = TimeDelta::hours(1);
/// Minutes without metrics after which a person should know.
const LONG_WITHOUT_METRICS_MINUTES: i64 = 10;

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct News {
    subject: &'static str,
    text: String,
}

/// Publishes what is new since the last hour. A message that cannot be sent is logged and tried again next time.
pub(super) async fn tell(
    cloud: &Cloud,
    topic: Option<&str>,
    group: &str,
    decision: &Decision,
    snapshot: &mut Snapshot,
    now: DateTime<Utc>,
) {
    let Some(topic) = topic else { return };
    for news in news(decision, now) {
        let told = snapshot.told.get(news.subject);
        if told.is_some_and(|told| now - *told < QUIET) {
            continue;
        }
        let subject = format!("{OWN_SUBJECT}: {group}: {}", news.subject);
        match cloud.smn().publish(topic, &subject, &news.text).await {
            Ok(_) => {
                snapshot.told.insert(news.subject.to_owned(), now);
            }
            Err(error) => tracing::warn!(group, subject = news.subject, %error, "a message could not be sent"),
        }
    }
}

fn news(decision: &Decision, now: DateTime<Utc>) -> Vec<News> {
    let mut news = Vec::new();
    let failed: Vec<String> = decision
        .actions
        .iter()
        .filter_map(|action| match &action.outcome {
            ActionOutcome::Failed(why) => Some(format!("Pool {}: {}: {why}.", action.pool, action.request)),
            ActionOutcome::Done | ActionOutcome::Withheld(_) => None,
        })
        .collect();
    if !failed.is_empty() {
        news.push(News { subject: "a change failed", text: failed.join("\n") });
    }
    let without = decision.seen.newest.map(|newest| (now - newest.start()).num_minutes());
    if without.is_some_and(|minutes| minutes > LONG_WITHOUT_METRICS_MINUTES) {
        let missing: Vec<String> =
            decision.seen.missing.iter().map(|(signal, why)| format!("{signal}: {why}.")).collect();
        let text = format!("Nothing is removed until metrics come again.\n{}", missing.join("\n"));
        news.push(News { subject: "metrics have stopped", text });
    }
    if decision.target == decision.guardrail_inputs.max_instances && decision.proposal.target >= decision.target {
        let text = format!("The group is at its maximum of {} and may need more.", decision.target);
        news.push(News { subject: "the maximum is reached", text });
    }
    news
}
