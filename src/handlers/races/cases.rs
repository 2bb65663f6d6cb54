use std::fmt;

use proptest::prelude::*;

use super::MINUTES;

/// Several minutes of races.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) minutes: Vec<Race>,
}

/// What is woken in one minute, and in what order it goes on.
#[derive(Clone)]
pub(super) struct Race {
    /// Requests a second during the minute before.
    pub(super) load: u16,
    pub(super) events: Vec<Happens>,
    /// Whose turn it is, step by step.
    pub(super) steps: Vec<u16>,
    /// A function that ends in the middle: which one, and after how many steps of its own.
    pub(super) crash: Option<(usize, usize)>,
    pub(super) lags: bool,
}

impl fmt::Debug for Race {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, events, steps, crash, lags } = self;
        write!(formatter, "load {load}, {events:?}, crash {crash:?}, lags {lags}, {} steps", steps.len())
    }
}

/// What wakes a function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happens {
    /// A timer, in one of two instances of the function.
    Timer(usize),
    /// An alarm of that value.
    Alarm(u16),
    /// Spot servers of a zone are taken back; each makes an event of its own.
    Reclaim { zone: usize, count: u32 },
    /// An earlier event comes again, however late.
    Again(usize),
    /// A person wants at least so many.
    Floor(u32),
    /// A person wants exactly so many.
    Pin(u32),
    /// A person wants no change.
    Pause,
    /// A person lifts all orders.
    Lift,
}

impl Happens {
    /// Whether a person gives or lifts an order.
    fn is_order(self) -> bool {
        matches!(self, Self::Floor(_) | Self::Pin(_) | Self::Pause | Self::Lift)
    }
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0usize..2).prop_map(Happens::Timer),
        4 => (55u16..100).prop_map(Happens::Alarm),
        2 => (0usize..3, 1u32..3).prop_map(|(zone, count)| Happens::Reclaim { zone, count }),
        2 => any::<usize>().prop_map(Happens::Again),
        1 => (2u32..14).prop_map(Happens::Floor),
        1 => (2u32..14).prop_map(Happens::Pin),
        1 => Just(Happens::Pause),
        1 => Just(Happens::Lift),
    ]
}

fn race(lags: bool) -> impl Strategy<Value = Race> {
    let crash = prop::option::weighted(0.25, (0usize..5, 0usize..30));
    let events = prop::collection::vec(happens(), 0..3);
    (10u16..140, events, prop::collection::vec(any::<u16>(), 12..40).no_shrink(), crash, any::<bool>()).prop_map(
        move |(load, mut events, steps, crash, may_lag)| {
            // Two people who give orders in the same second may be heard in any order.
            let mut has_order = false;
            events.retain(|event| !event.is_order() || !std::mem::replace(&mut has_order, true));
            events.insert(0, Happens::Timer(0));
            Race { load, events, steps, crash, lags: lags && may_lag }
        },
    )
}

pub(super) fn cases(lags: bool) -> impl Strategy<Value = Case> {
    prop::collection::vec(race(lags), MINUTES..=MINUTES).prop_map(|minutes| Case { minutes })
}
