//! Which messages of SMN topics are to be believed.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::config::Notify;
use crate::functiongraph::events::{Message, Notification};

/// An older message is not acted on: what it tells of is over, or an evaluation has seen it since.
pub(super) const OLDEST: TimeDelta = TimeDelta::minutes(10);
/// With this the subjects of this program's own messages begin. It never acts on what it said itself.
pub(super) const OWN_SUBJECT: &str = "flexus-autoscaler";

/// A message that is believed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    /// SMN's id of the message, the same if it is delivered again; a digest of the message where there is none.
    pub(super) id: String,
    /// When it was published, never later than now.
    pub(super) time: DateTime<Utc>,
    pub(super) content: Message,
    /// The whole text.
    pub(super) text: String,
}

/// Something that came in and changed nothing, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// The message's id.
    pub message: String,
    /// Why nothing followed.
    pub why: String,
}

/// Tells the messages that are believed from those that are not.
pub(super) fn sift(
    notifications: Vec<Notification>,
    notify: &Notify,
    now: DateTime<Utc>,
) -> (Vec<Heard>, Vec<Ignored>) {
    let (mut heard, mut ignored) = (Vec::new(), Vec::new());
    let mut ids = BTreeSet::new();
    for notification in notifications {
        let id = notification.message_id.clone().unwrap_or_else(|| digest(&notification.message));
        let time = notification.timestamp.unwrap_or(now);
        match objection(&notification, notify, now - time) {
            Some(why) => ignored.push(Ignored { message: id, why }),
            None if !ids.insert(id.clone()) => ignored.push(Ignored { message: id, why: "it came twice".to_owned() }),
            None => heard.push(Heard {
                id,
                time: time.min(now),
                content: notification.content(),
                text: notification.message,
            }),
        }
    }
    (heard, ignored)
}

fn objection(notification: &Notification, notify: &Notify, age: TimeDelta) -> Option<String> {
    match &notification.topic_urn {
        None => return Some("it names no topic".to_owned()),
        Some(topic) if !notify.accepts(topic) => {
            return Some(format!("topic {topic} is not believed; add it to notify.accept_topics if it should be"));
        }
        Some(_) => {}
    }
    if notification.subject.as_deref().is_some_and(|subject| subject.starts_with(OWN_SUBJECT)) {
        return Some("it is a message of this program".to_owned());
    }
    (age > OLDEST).then(|| format!("it is {} minutes old", age.num_minutes()))
}

/// A short name for a text, the same for the same text.
pub(super) fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-08T08:45:00Z".parse().unwrap()
    }

    fn notification(topic: &str, id: &str, minutes_old: i64) -> Notification {
        Notification {
            topic_urn: Some(topic.to_owned()),
            message_id: Some(id.to_owned()),
            subject: None,
            timestamp: Some(now() - TimeDelta::minutes(minutes_old)),
            message: "text".to_owned(),
        }
    }

    fn notify() -> Notify {
        Notify { topic_urn: Some("people".to_owned()), accept_topics: Some(vec!["alarms".to_owned()]) }
    }

    fn reasons(notifications: Vec<Notification>) -> Vec<String> {
        sift(notifications, &notify(), now()).1.into_iter().map(|ignored| ignored.why).collect()
    }

    #[test]
    fn only_topics_on_the_list_are_believed() {
        let (heard, ignored) =
            sift(vec![notification("alarms", "1", 0), notification("others", "2", 0)], &notify(), now());
        assert_eq!(heard.iter().map(|heard| heard.id.as_str()).collect::<Vec<_>>(), ["1"]);
        assert_eq!(ignored[0].message, "2");
        assert!(ignored[0].why.contains("others is not believed"), "{ignored:?}");
        let nameless = Notification { topic_urn: None, ..notification("", "3", 0) };
        assert_eq!(reasons(vec![nameless]), ["it names no topic"]);
    }

    #[test]
    fn what_is_old_or_came_twice_is_passed_over() {
        let heard = [notification("alarms", "1", 10), notification("alarms", "1", 10), notification("alarms", "2", 11)];
        assert_eq!(reasons(heard.to_vec()), ["it came twice", "it is 11 minutes old"]);
    }

    #[test]
    fn this_programs_own_messages_are_passed_over() {
        let own =
            Notification { subject: Some("flexus-autoscaler: grown".to_owned()), ..notification("alarms", "1", 0) };
        assert_eq!(reasons(vec![own]), ["it is a message of this program"]);
    }

    #[test]
    fn a_message_from_the_future_or_without_a_time_is_of_now() {
        let future = notification("alarms", "1", -3);
        let timeless = Notification { timestamp: None, message_id: None, ..notification("alarms", "", 0) };
        let (heard, _) = sift(vec![future, timeless], &notify(), now());
        assert!(heard.iter().all(|heard| heard.time == now()));
        assert_eq!(heard[1].id, digest("text"));
    }
}
