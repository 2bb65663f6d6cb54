use super::driver::{Arena, Player};
use super::fleet::Fleet;
use super::report::Row;
use crate::model::{Capacity, Minute};
use crate::queueing::{MinuteOutcome, SimulatedGroup};

/// Instances that are taken away at once, as a wave of spot reclaims does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SuddenLoss {
    /// At the start of which minute, counted from the trace's first.
    pub minute: i64,
    /// Share of the serving instances.
    pub share: f64,
}

struct Bereft<'a> {
    group: SimulatedGroup,
    losses: &'a [SuddenLoss],
}

impl Fleet for Bereft<'_> {
    fn begin(&mut self, minute: i64) {
        Fleet::begin(&mut self.group, minute);
        for loss in self.losses.iter().filter(|loss| loss.minute == minute) {
            self.group.lose((f64::from(self.group.serving()) * loss.share) as u32);
        }
    }

    fn capacity(&self) -> Capacity {
        Fleet::capacity(&self.group)
    }

    fn scale_to(&mut self, minute: i64, wanted: u32) -> (u32, f64) {
        Fleet::scale_to(&mut self.group, minute, wanted)
    }

    fn play(&mut self, minute: i64, load_per_second: f64) -> (MinuteOutcome, f64) {
        Fleet::play(&mut self.group, minute, load_per_second)
    }
}

impl Arena<'_> {
    /// As [`Self::play_and_watch`], while instances are taken away.
    pub fn play_with_losses<P: Player + ?Sized>(
        &self,
        player: &mut P,
        losses: &[SuddenLoss],
        watch: impl FnMut(Minute, &MinuteOutcome),
    ) -> Row {
        let group = SimulatedGroup::new(self.service_model(), self.start_instances());
        self.play_on(&mut Bereft { group, losses }, player, watch)
    }
}
