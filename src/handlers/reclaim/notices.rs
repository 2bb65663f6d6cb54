//! What an event says about instances that are going: announced losses, and instances that a lifecycle hook holds.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::functiongraph::events::{LifecycleHook, Message, Trace};
use crate::handlers::messages::{Heard, Ignored, OLDEST};

/// From the notice until the server is taken away, as the ECS user guide says.
pub(super) const NOTICE: TimeDelta = TimeDelta::minutes(5);
/// Words by which a text of unknown layout is known to be about a reclaim: the trace's name, and what it is called in prose.
const WORDS: [&str; 3] = ["interrupt", "中断", "回收"];

/// Something that may be an instance, and then is said to be going. A text may hold ids of other things as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// The id.
    pub(super) instance: String,
    /// What told: a trace's or a message's id.
    pub(super) cause: String,
    /// When it was told.
    pub(super) time: DateTime<Utc>,
    /// Whether it is a trace, which says what it is; a text is only believed of a spot server that is there.
    pub(super) is_trace: bool,
}

/// All that an event says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notices {
    /// What is said to be going, each once, by its id.
    pub(super) losses: BTreeMap<String, Notice>,
    /// Instances that a lifecycle hook holds.
    pub(super) hooks: Vec<LifecycleHook>,
    /// What says nothing, and why.
    pub(super) ignored: Vec<Ignored>,
}

impl Notices {
    pub(super) fn from_trace(trace: &Trace, now: DateTime<Utc>) -> Self {
        let mut notices = Self::default();
        let cause = trace.id.clone().or_else(|| trace.resource_id.clone()).unwrap_or_default();
        notices.take_trace(trace, cause, trace.time.unwrap_or(now).min(now), now);
        notices
    }

    pub(super) fn from_messages(heard: Vec<Heard>, now: DateTime<Utc>) -> Self {
        let mut notices = Self::default();
        for Heard { id, time, content, text } in heard {
            match content {
                Message::LifecycleHook(hook) => notices.hooks.push(hook),
                Message::Trace(trace) => notices.take_trace(&trace, id, time, now),
                _ => notices.take_text(&text, id, time),
            }
        }
        notices
    }

    fn take_trace(&mut self, trace: &Trace, cause: String, time: DateTime<Utc>, now: DateTime<Utc>) {
        let age = now - time;
        if !trace.is_spot_interruption() {
            self.ignore(cause, format!("operation {} is no spot interruption", trace.name));
        } else if age > OLDEST {
            self.ignore(cause, format!("it is {} minutes old", age.num_minutes()));
        } else {
            // Where the resource's id is missing it may stand in the request or the answer.
            let place = trace.resource_id.clone().unwrap_or_else(|| format!("{} {}", trace.request, trace.response));
            self.take_ids(&place, cause, time, true);
        }
    }

    fn take_text(&mut self, text: &str, cause: String, time: DateTime<Utc>) {
        let lower = text.to_lowercase();
        if WORDS.iter().any(|word| lower.contains(word)) {
            self.take_ids(text, cause, time, false);
        } else {
            self.ignore(cause, "it does not tell of an interruption".to_owned());
        }
    }

    fn take_ids(&mut self, place: &str, cause: String, time: DateTime<Utc>, is_trace: bool) {
        let instances = uuids(place);
        if instances.is_empty() {
            self.ignore(cause.clone(), "it names no instance".to_owned());
        }
        for instance in instances {
            let notice = Notice { instance: instance.clone(), cause: cause.clone(), time, is_trace };
            self.losses.entry(instance).or_insert(notice);
        }
    }

    fn ignore(&mut self, message: String, why: String) {
        self.ignored.push(Ignored { message, why });
    }
}

/// The UUIDs in a text, in lower case, each once.
fn uuids(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split(|character: char| !character.is_ascii_hexdigit() && character != '-')
        .map(|word| word.trim_matches('-'))
        .filter(|word| word.split('-').map(str::len).eq([8, 4, 4, 4, 12]))
        .map(str::to_ascii_lowercase)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Notify;
    use crate::functiongraph::events::{Event, Transition};
    use crate::handlers::messages::sift;

    const INSTANCE: &str = "5a3f0c1e-7c1b-4a86-9f0e-0b7a2d9c4e11";

    fn now() -> DateTime<Utc> {
        "2026-01-08T08:47:00Z".parse().unwrap()
    }

    fn sample(name: &str) -> Notices {
        let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        match Event::parse(&std::fs::read(path).unwrap()).unwrap() {
            Event::Trace(trace) => Notices::from_trace(&trace, now()),
            Event::Notifications(notifications) => {
                let topics = notifications.iter().filter_map(|each| each.topic_urn.clone()).collect();
                let notify = Notify { topic_urn: None, accept_topics: Some(topics) };
                Notices::from_messages(sift(notifications, &notify, now()).0, now())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_forms_of_a_notice_name_the_same_instance() {
        for name in ["reclaim-cts", "reclaim-cts-text", "reclaim-smn"] {
            let notices = sample(name);
            assert!(notices.losses.contains_key(INSTANCE), "{name}");
            assert!(notices.ignored.is_empty() && notices.hooks.is_empty(), "{name}: {notices:?}");
        }
    }

    #[test]
    fn a_lifecycle_hook_is_no_loss() {
        let notices = sample("reclaim-lifecycle-hook");
        assert!(notices.losses.is_empty());
        assert_eq!(notices.hooks[0].transition, Transition::Terminating);
    }

    #[test]
    fn what_tells_of_something_else_is_passed_over_with_a_reason() {
        let notices = sample("alarm-metric");
        assert!(notices.losses.is_empty());
        assert_eq!(notices.ignored[0].why, "it does not tell of an interruption");
    }

    #[test]
    fn a_late_trace_changes_nothing() {
        let path = format!("{}/events/reclaim-cts.json", env!("CARGO_MANIFEST_DIR"));
        let Ok(Event::Trace(trace)) = Event::parse(&std::fs::read(path).unwrap()) else { panic!() };
        let late = Notices::from_trace(&trace, now() + TimeDelta::minutes(10));
        assert!(late.losses.is_empty());
        assert_eq!(late.ignored[0].why, "it is 12 minutes old");
    }

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let text =
            format!("a({INSTANCE}),b={}; c-{INSTANCE}-x 5a3f0c1e-7c1b-4a86-9f0e-0b7a2d9c4e1", INSTANCE.to_uppercase());
        assert_eq!(uuids(&text), [INSTANCE]);
    }

    proptest! {
        #[test]
        fn every_id_in_any_text_is_found_and_nothing_else(before in "[^0-9a-fA-F-]{0,20}", after in "[^0-9a-fA-F-]{0,20}") {
            prop_assert_eq!(uuids(&format!("{before}{INSTANCE}{after}")), [INSTANCE]);
            prop_assert_eq!(uuids(&format!("{before} {after}")), [""; 0]);
        }
    }
}
