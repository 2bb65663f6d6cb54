use crate::model::{Group, Minute, Tunables};
use crate::queueing::MinuteOutcome;
use crate::replay::history::Actual;
use crate::replay::{ACTUAL, Arena, Contestant, OWN, Row};
use crate::tune::{GroupPlayer, SignalModel};

/// Whoever is played.
#[derive(Debug)]
pub(super) enum Entrant {
    /// A policy.
    Contestant(Contestant),
    /// A group's own policy, with its signals, its guardrails and its limits.
    Own(Box<Group>, Vec<SignalModel>),
    /// What really ran.
    Actual(Actual),
}

impl Entrant {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Contestant(contestant) => contestant.to_string(),
            Self::Own(..) => OWN.to_owned(),
            Self::Actual(_) => ACTUAL.to_owned(),
        }
    }

    pub(super) fn play_and_watch(&self, arena: &Arena<'_>, watch: &mut dyn FnMut(Minute, &MinuteOutcome)) -> Row {
        match self {
            Self::Contestant(contestant) => contestant.play_and_watch(arena, watch),
            Self::Own(group, models) => {
                let mut player = GroupPlayer::new(group, models, &Tunables::of(group));
                let row = arena.play_and_watch(&mut player, watch);
                Row { name: OWN.to_owned(), engine: OWN.to_owned(), ..row }
            }
            Self::Actual(actual) => actual.play_and_watch(arena, watch),
        }
    }
}
