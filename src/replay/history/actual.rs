use crate::model::{Capacity, Minute};
use crate::queueing::{MinuteOutcome, SimulatedGroup};
use crate::records::HistoryMinute;
use crate::replay::driver::{Arena, Player, View};
use crate::replay::fleet::Fleet;
use crate::replay::report::{ACTUAL, Row};
use crate::replay::trace::Trace;

/// What really ran, minute by minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Actual {
    /// One entry a minute of the trace: what there was after that minute's decision.
    counts: Vec<Capacity>,
    /// Minutes of which no count is known; what ran before is taken to have run on.
    pub unknown: usize,
}

impl Actual {
    pub(super) fn over(trace: &Trace, minutes: &[HistoryMinute]) -> Self {
        let mut known: Vec<Option<Capacity>> = vec![None; trace.minutes()];
        for entry in minutes {
            let index = usize::try_from(entry.minute - trace.start).ok();
            if let Some(place) = index.and_then(|index| known.get_mut(index)) {
                *place = count(entry);
            }
        }
        let unknown = known.iter().filter(|count| count.is_none()).count();
        let mut last = known.iter().flatten().next().copied().unwrap_or_default();
        let counts = known
            .into_iter()
            .map(|count| {
                last = count.unwrap_or(last);
                last
            })
            .collect();
        Self { counts, unknown }
    }

    /// Instance-hours that were paid.
    pub fn instance_hours(&self) -> f64 {
        self.counts.iter().map(|count| f64::from(count.total())).sum::<f64>() / 60.0
    }

    /// What the simulated group makes of these numbers under that load: to be compared with what it makes of others.
    pub fn play(&self, arena: &Arena<'_>) -> Row {
        self.play_and_watch(arena, |_, _| {})
    }

    /// As [`Self::play`], showing every minute to `watch`.
    pub fn play_and_watch(&self, arena: &Arena<'_>, watch: impl FnMut(Minute, &MinuteOutcome)) -> Row {
        let first = self.counts.first().copied().unwrap_or_default();
        let mut fleet = Recorded {
            group: SimulatedGroup::new(arena.service_model(), first.serving),
            now: Capacity { serving: first.serving, starting: 0 },
            counts: &self.counts,
        };
        let row = arena.play_on(&mut fleet, &mut AsItWas(&self.counts, 0), watch);
        Row { name: ACTUAL.to_owned(), engine: ACTUAL.to_owned(), ..row }
    }
}

/// The fleet's own count, or that of the metrics.
fn count(entry: &HistoryMinute) -> Option<Capacity> {
    if let Some(pools) = entry.pools().filter(|pools| !pools.is_empty()) {
        return Some(Capacity {
            serving: pools.values().map(|pool| pool.serving).sum(),
            starting: pools.values().map(|pool| pool.starting).sum(),
        });
    }
    let serving = entry.measured.serving?;
    Some(Capacity { serving, starting: entry.measured.total.unwrap_or(serving).saturating_sub(serving) })
}

/// Decides as was decided.
struct AsItWas<'a>(&'a [Capacity], usize);

impl Player for AsItWas<'_> {
    fn decide(&mut self, view: &View) -> u32 {
        // The first minute is not decided.
        self.1 += 1;
        self.0.get(self.1).map_or(view.capacity.total(), |count| count.total())
    }
}

/// Has what there was.
struct Recorded<'a> {
    group: SimulatedGroup,
    now: Capacity,
    counts: &'a [Capacity],
}

impl Fleet for Recorded<'_> {
    fn begin(&mut self, _: i64) {}

    fn capacity(&self) -> Capacity {
        self.now
    }

    fn scale_to(&mut self, _: i64, wanted: u32) -> (u32, f64) {
        let started = wanted.saturating_sub(self.now.total());
        (started, f64::from(started))
    }

    fn play(&mut self, minute: i64, load_per_second: f64) -> (MinuteOutcome, f64) {
        if let Some(count) = usize::try_from(minute).ok().and_then(|index| self.counts.get(index)) {
            self.now = *count;
        }
        self.group.set_instances(self.now.serving, self.now.starting);
        let outcome = self.group.play(minute, load_per_second);
        (outcome, f64::from(outcome.total))
    }
}
