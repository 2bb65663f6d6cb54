use super::ledger::Ledger;
use super::player::{GroupPlayer, SignalModel};
use crate::model::{Group, Minute, Tunables};
use crate::records::HistoryMinute;
use crate::replay::history::{self, Past};
use crate::replay::{Arena, Settings, SuddenLoss, Trace};

/// A group's own recorded load, and what its instances can do: where policies are compared.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The group as configured.
    pub group: Group,
    /// Its load, oldest minute first.
    pub trace: Trace,
    /// The circumstances; the capacity of an instance is known.
    pub settings: Settings,
    /// What each signal's values are taken from.
    pub models: Vec<SignalModel>,
}

impl Ground {
    /// A load that a group of `capacity_per_second` an instance has had, with lead time, delay, limits and service level as
    /// the group has them.
    pub fn new(group: &Group, trace: Trace, capacity_per_second: f64, lead_minutes: u32) -> Self {
        let settings = history::settings(group, lead_minutes, capacity_per_second);
        let signals = group.signals.iter().enumerate();
        let models = signals.map(|(index, signal)| SignalModel::of(group, index, signal)).collect();
        Self { group: group.clone(), trace, settings, models }
    }

    /// What a group has lived through. Signals that follow its utilisation, memory for one, follow it as they did.
    pub fn of_past(group: &Group, past: &Past, minutes: &[HistoryMinute]) -> Self {
        let signals = group.signals.iter().enumerate();
        let models = signals.map(|(index, signal)| SignalModel::fitted(group, index, signal, minutes)).collect();
        Self { group: group.clone(), trace: past.trace.clone(), settings: past.settings.clone(), models }
    }

    /// The same with the load up to a minute only.
    #[must_use]
    pub fn until(&self, end: Minute) -> Self {
        let mut ground = self.clone();
        ground.trace.load.truncate((end - self.trace.start).max(0) as usize);
        ground
    }

    /// The minute after the last.
    pub fn end(&self) -> Minute {
        self.trace.start + self.trace.load.len() as i64
    }

    /// Signals that a replay cannot tell.
    pub fn not_replayed(&self) -> Vec<String> {
        let unknown = self.group.signals.iter().zip(&self.models).filter(|(_, model)| **model == SignalModel::Unknown);
        unknown.map(|(signal, _)| signal.name.clone()).collect()
    }

    /// A player of the group under these tunables.
    pub fn player(&self, tunables: &Tunables) -> GroupPlayer {
        GroupPlayer::new(&self.group, &self.models, tunables)
    }

    /// Plays the group under these tunables from the first minute to the last.
    pub fn play(&self, tunables: &Tunables) -> Ledger {
        self.play_with(&mut self.player(tunables), &[])
    }

    /// Plays a player, while instances are taken away.
    pub(super) fn play_with(&self, player: &mut GroupPlayer, losses: &[SuddenLoss]) -> Ledger {
        let arena = Arena::new(&self.trace, &self.settings);
        let mut ledger = self.ledger(arena.capacity());
        arena.play_with_losses(player, losses, |_, outcome| ledger.push(*outcome));
        ledger
    }

    pub(super) fn ledger(&self, capacity_per_second: f64) -> Ledger {
        let policy = &self.group.policy;
        Ledger::new(self.trace.start, capacity_per_second, policy.violation_price, policy.slo_ms)
    }
}
