//! What the adviser is shown, and what is taken from its answer. Nothing that it says is believed: a change is taken within
//! its bounds and at most 20 % away, and must then pass the gate like any other candidate.

mod answer;
mod question;
mod summary;

pub use self::answer::{LONGEST_ANSWER, MOST_STEP, hear};
pub use self::question::{LONGEST_ANSWER_TOKENS, question};
pub use self::summary::Summary;

use super::round::Candidate;
use super::space::{made_sound, parameters};
use crate::model::{Author, Group, Heard, Tunables};

/// The policy that follows from what was heard. `None` where nothing is to be changed.
pub fn candidate(heard: &Heard, before: &Tunables, group: &Group) -> Option<Candidate> {
    let mut tunables = before.clone();
    let known = parameters(group, before.engine);
    for change in &heard.changes {
        if let Some(parameter) = known.iter().find(|parameter| parameter.name == change.parameter) {
            parameter.set(&mut tunables, change.taken);
        }
    }
    made_sound(&mut tunables, group);
    if tunables == *before {
        return None;
    }
    let reasons: Vec<&str> = heard.changes.iter().map(|change| change.reason.as_str()).collect();
    Some(Candidate { author: Author::Deepseek, tunables, why: reasons.join(" ") })
}

#[cfg(test)]
mod tests;
