//! Tells people by SMN when a group needs them, and not again and again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::clients::Cloud;
use crate::handlers::messages::OWN_SUBJECT;
use crate::records::{ActionOutcome, Decision};
use crate::state::Snapshot;

/// The same subject is not told again within this time. What comes meanwhile is counted, and the count told.
const QUIET: TimeDelta = TimeDelta::hours(1);
/// Minutes without metrics, or with metrics that are doubted, after which a person should know.
const LONG_IN_DOUBT_MINUTES: i64 = 10;

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) subject: &'static str,
    pub(super) text: String,
}

/// One message for all that is due at an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    subject: String,
    text: String,
    /// Subjects that it tells of.
    of: Vec<&'static str>,
}

/// Publishes what is due, as one message. One that cannot be sent is logged and tried again next time.
pub(super) async fn tell(
    cloud: &Cloud,
    topic: Option<&str>,
    group: &str,
    news: Vec<News>,
    snapshot: &mut Snapshot,
    now: DateTime<Utc>,
) {
    let Some(topic) = topic else { return };
    let Some(message) = digest(group, news, snapshot, now) else { return };
    match cloud.smn().publish(topic, &message.subject, &message.text).await {
        Ok(_) => {
            for subject in message.of {
                snapshot.told.insert(subject.to_owned(), now);
                snapshot.untold.remove(subject);
            }
        }
        Err(error) => tracing::warn!(group, subject = message.subject, %error, "a message could not be sent"),
    }
}

/// The news that is due. What was told within the last hour is counted instead, and the count is told with the next one.
fn digest(group: &str, news: Vec<News>, snapshot: &mut Snapshot, now: DateTime<Utc>) -> Option<Message> {
    let mut due = Vec::new();
    for one in news {
        if snapshot.told.get(one.subject).is_some_and(|told| now - *told < QUIET) {
            *snapshot.untold.entry(one.subject.to_owned()).or_default() += 1;
        } else {
            due.push(one);
        }
    }
    let first = due.first()?.subject;
    let more = if due.len() > 1 { format!(", and {} more", due.len() - 1) } else { String::new() };
    let paragraph = |one: &News| {
        let repeats = snapshot.untold.get(one.subject).copied().unwrap_or_default();
        let since = snapshot.told.get(one.subject).filter(|_| repeats > 0);
        let repeated = since.map(|told| format!("\nIt was so at {repeats} evaluations since the message of {told}."));
        format!("{}: {}{}", one.subject, one.text, repeated.unwrap_or_default())
    };
    let paragraphs: Vec<String> = due.iter().map(paragraph).collect();
    Some(Message {
        subject: format!("{OWN_SUBJECT}: {group}: {first}{more}"),
        text: paragraphs.join("\n\n"),
        of: due.iter().map(|one| one.subject).collect(),
    })
}

/// What a person should know of a decision, of instances that are waited for in vain, and of doubts that last.
pub(super) fn news(
    decision: &Decision,
    overdue: &[String],
    doubted_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Vec<News> {
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
    if !overdue.is_empty() {
        news.push(News { subject: "instances do not come", text: format!("{}.", overdue.join(".\n")) });
    }
    let is_long = |since: DateTime<Utc>| (now - since).num_minutes() > LONG_IN_DOUBT_MINUTES;
    let limits = &decision.guardrail_inputs;
    if decision.seen.newest.is_some_and(|newest| is_long(newest.start())) {
        let missing: Vec<String> =
            decision.seen.missing.iter().map(|(signal, why)| format!("{signal}: {why}.")).collect();
        let text = format!("Nothing is removed until metrics come again.\n{}", missing.join("\n"));
        news.push(News { subject: "metrics have stopped", text });
    } else if let Some(since) = doubted_since.filter(|since| is_long(*since)) {
        let since = since.format("%Y-%m-%d %H:%M UTC");
        let text = format!("Nothing has been removed since {since}, for now because:\n{}.", limits.doubts.join(".\n"));
        news.push(News { subject: "nothing can be removed", text });
    }
    if decision.target == limits.most() && decision.proposal.target >= decision.target {
        let limit = if limits.affordable.is_some() { "the most that its budget pays for" } else { "its maximum" };
        let text = format!("The group is at {limit}, {} instances, and may need more.", decision.target);
        news.push(News { subject: "the maximum is reached", text });
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(subjects: &[&'static str]) -> Vec<News> {
        subjects.iter().map(|subject| News { subject, text: format!("of {subject}.") }).collect()
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + 60 * minutes, 0).unwrap()
    }

    /// What an evaluation a minute sends over these minutes, if there is the same news each time.
    fn sent(snapshot: &mut Snapshot, minutes: std::ops::Range<i64>, subjects: &[&'static str]) -> Vec<Message> {
        let mut sent = Vec::new();
        for minute in minutes {
            let Some(message) = digest("web", news(subjects), snapshot, at(minute)) else { continue };
            for subject in &message.of {
                snapshot.told.insert((*subject).to_owned(), at(minute));
                snapshot.untold.remove(*subject);
            }
            sent.push(message);
        }
        sent
    }

    #[test]
    fn what_goes_on_is_told_once_an_hour_with_how_often_it_was_so() {
        let mut snapshot = Snapshot::empty(at(0), Vec::new());
        let told = sent(&mut snapshot, 0..125, &["failed"]);
        assert_eq!(told.len(), 3);
        assert_eq!(
            (told[0].subject.as_str(), told[0].text.as_str()),
            ("flexus-autoscaler: web: failed", "failed: of failed.")
        );
        assert!(told[1].text.ends_with(&format!("It was so at 59 evaluations since the message of {}.", at(0))));
    }

    #[test]
    fn all_that_is_due_at_once_is_one_message() {
        let mut snapshot = Snapshot::empty(at(0), Vec::new());
        let told = sent(&mut snapshot, 0..1, &["failed", "full", "blind"]);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].subject, "flexus-autoscaler: web: failed, and 2 more");
        assert_eq!(told[0].text.matches(": of ").count(), 3);
        assert_eq!(sent(&mut snapshot, 1..2, &["failed", "new"])[0].of, ["new"]);
    }

    #[test]
    fn nothing_new_is_no_message() {
        let mut snapshot = Snapshot::empty(at(0), Vec::new());
        assert_eq!(digest("web", Vec::new(), &mut snapshot, at(0)), None);
    }
}
