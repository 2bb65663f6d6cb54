//! What a drill is made of.

use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::store::StoreFaults;
use flexus_autoscaler::local::{Faults, Region, Service};
use flexus_autoscaler::model::Minute;

use super::stage::Stage;

/// Minutes from midnight at which an afternoon begins: forty before the launch that the bundled day has at 15:20.
const AFTERNOON: usize = 880;
/// The minute of the day at which the faults begin: the launch is at its height and the load begins to fall.
const FAULT_AT: usize = 930;
/// Minutes that an afternoon goes on after the fault.
const AFTERWARDS: usize = 60;
const DAY: usize = 1440;

/// How much of the day is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The hours around the fault.
    Hours,
    /// All of it.
    Day,
}

impl Form {
    /// The minute of the day that is played first.
    pub(super) fn first(self) -> usize {
        match self {
            Self::Hours => AFTERNOON,
            Self::Day => 0,
        }
    }

    /// Played minutes until the fault begins.
    pub(super) fn before(self) -> usize {
        FAULT_AT - self.first()
    }

    /// Minutes that are played.
    pub(super) fn minutes(self, drill: &Drill) -> usize {
        match self {
            Self::Hours => self.before() + drill.minutes + AFTERWARDS,
            Self::Day => DAY,
        }
    }
}

/// Where the group's instances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fleet {
    /// One Auto Scaling group on demand.
    Group,
    /// Spot servers through the ECS API, with such a group as the base and stand-in.
    Spot,
    /// The Auto Scaling group under target tracking, of which there are numbers to tune.
    Tracked,
}

/// What the functions are told during a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// The whole truth: they may shrink the group.
    Truth,
    /// Less than all, or something old: whatever they take away then is taken away wrongly.
    #[default]
    Less,
    /// Something untrue. No one can tell at once: what they take away is taken away wrongly if the twin, which knows the
    /// truth, keeps it.
    Lies,
}

/// How the timer behaves during the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ticks {
    /// Once a minute.
    #[default]
    Regular,
    /// Each event comes twice, one after the other.
    Twice,
    /// Each event comes twice, to two processes at the same time.
    AtOnce,
    /// Each event is followed by the one of ten minutes ago.
    Late,
    /// Two minutes' events come after each other, the later one first.
    Swapped,
    /// No event comes.
    None,
    /// Every other event is lost.
    EveryOther,
    /// The process is killed, each time a little later in its work; the platform sends the event again to another one.
    Killed,
    /// Each event meets a process that has just started.
    Cold,
    /// The events' time runs so many minutes ahead of the region's (behind, if negative).
    Skewed(i64),
}

/// What goes wrong, and how it is staged.
pub(super) struct Script {
    pub(super) calls: Option<Arc<dyn Faults>>,
    pub(super) store: Option<Arc<dyn StoreFaults>>,
    pub(super) ticks: Ticks,
    /// The service whose refusals tell that the fault was met, where the region itself refuses.
    pub(super) refuses: Option<Service>,
    /// Whether the function `tune` is woken too, and what it is told of its group's past.
    pub(super) tunes: bool,
    /// Done before the event of each minute; the number counts minutes since the fault began.
    pub(super) each_minute: fn(&mut Stage, i64),
    /// Done when the fault ends.
    pub(super) afterwards: fn(&mut Stage),
}

impl Default for Script {
    fn default() -> Self {
        Self {
            calls: None,
            store: None,
            ticks: Ticks::Regular,
            refuses: None,
            tunes: false,
            each_minute: |_, _| {},
            afterwards: |_| {},
        }
    }
}

/// A row of the table.
pub(super) struct Drill {
    pub(super) name: &'static str,
    /// What is expected, for people.
    pub(super) expectation: &'static str,
    pub(super) fleet: Fleet,
    /// Minutes that the fault lasts.
    pub(super) minutes: usize,
    /// Minutes by which it begins earlier, so that the group grows in it.
    pub(super) earlier: usize,
    /// What the functions are told during it.
    pub(super) told: Told,
    /// Minutes by which what is wrong arrives late, as metrics do.
    pub(super) arrives_late: usize,
    /// Whether an invocation may end without an answer during the fault.
    pub(super) may_fail: bool,
    /// Most minutes until the group is as large as its twin again.
    pub(super) recovers_in: usize,
    /// Most that the share of work in its service level may be under the twin's.
    pub(super) slo_loss: f64,
    /// The function's own timeout.
    pub(super) timeout: Duration,
    /// Made anew for each play.
    pub(super) script: fn(&Circumstances) -> Script,
}

impl Default for Drill {
    fn default() -> Self {
        Self {
            name: "",
            expectation: "",
            fleet: Fleet::Group,
            minutes: 30,
            earlier: 0,
            told: Told::Less,
            arrives_late: 0,
            may_fail: false,
            recovers_in: 30,
            slo_loss: 0.005,
            timeout: Duration::from_secs(20),
            script: |_| Script::default(),
        }
    }
}

/// What a script may need to know.
pub(super) struct Circumstances {
    pub(super) region: Arc<Region>,
    pub(super) begins: Minute,
    pub(super) ends: Minute,
}

impl Circumstances {
    /// The minutes of the fault.
    pub(super) fn during(&self) -> std::ops::Range<Minute> {
        self.begins..self.ends
    }
}
