//! What one evaluation needs to know of those before it. Small, and written by `evaluate` alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Coverage, LONGEST_RECORD_WINDOW, PolicyMemory, RECORD_WINDOW, StartTimes};
use crate::engine::EngineState;
use crate::engine::purchase::Hedge;
use crate::engine::spot_weather::SpotWeather;
use crate::forecast::extremes::HourlyMaxima;
use crate::model::{Capacity, Hold, Minute, Sample, Scaling};
use crate::records::{Loss, Raise, SCHEMA_VERSION};

/// Minutes whose counts are remembered.
const COUNTS_REMEMBERED: usize = 40;
/// Minutes between two looks at the fleet, at most, of which it is still known what there was.
const LONGEST_UNSEEN: i64 = 60;

/// What is remembered of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the form.
    pub schema: u32,
    /// When it was written.
    pub written: DateTime<Utc>,
    /// Version of the policy in force.
    pub policy: String,
    /// Names of the signals that [`Sample::values`] hold, in order.
    pub signals: Vec<String>,
    /// Newest minute that the engine was shown.
    pub seen_until: Option<Minute>,
    /// The last samples, oldest first, for people and for signals that hold over a duration.
    pub recent: VecDeque<Sample>,
    /// The engine's own memory.
    pub engine: Option<EngineState>,
    /// The highest loads of the last week by the hour, in busy instances, known events taken out.
    #[serde(default)]
    pub usual: HourlyMaxima,
    /// How many instances there were in the last minutes.
    pub counts: Counts,
    /// What is known of each pool's fleet.
    pub fleets: BTreeMap<String, FleetMemory>,
    /// When the number of instances was last changed by a decision.
    pub last_change: Option<DateTime<Utc>>,
    /// How long starts take.
    pub starts: StartTimes,
    /// Names of records that have been folded in, within the window that is listed.
    pub folded: Vec<String>,
    /// Names of records that could not be read yet: calls and orders that may be in force.
    #[serde(default)]
    pub unread: Vec<String>,
    /// Calls for more in force.
    pub raises: Vec<Raise>,
    /// Orders of people in force.
    pub holds: Vec<Hold>,
    /// Instances that are being taken away, and those taken lately.
    pub losses: Vec<Loss>,
    /// What the last plan aimed at and ordered.
    #[serde(default)]
    pub hedge: Option<Hedge>,
    /// How spot instances have been taken away.
    #[serde(default)]
    pub weather: SpotWeather,
    /// How well forecasts knew their own uncertainty.
    #[serde(default)]
    pub coverage: Coverage,
    /// What is known of the policy's versions.
    #[serde(default)]
    pub policies: PolicyMemory,
    /// How request rate and utilisation have gone together so far.
    #[serde(default)]
    pub relation: Option<Relation>,
    /// Whether the signals, which have always moved, stand still.
    #[serde(default)]
    pub frozen: bool,
    /// Since when every evaluation has had a reason to remove nothing.
    #[serde(default)]
    pub doubted_since: Option<DateTime<Utc>>,
    /// Money spent since the first evaluation, in the account's currency.
    pub spent: f64,
    /// Name of the last decision's record.
    pub last_decision: Option<String>,
    /// When people were last told that something is wrong, by subject.
    pub told: BTreeMap<String, DateTime<Utc>>,
    /// How often each of them was so since, untold.
    #[serde(default)]
    pub untold: BTreeMap<String, u32>,
}

/// What is known of one pool's fleet, so that it need not be asked again each minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FleetMemory {
    /// What it had when it was last seen.
    pub capacity: Option<Capacity>,
    /// Ids of the instances that served when the fleet was last listed.
    pub instances: Vec<String>,
    /// When it was last listed.
    pub listed: Option<DateTime<Utc>>,
    /// Requests to the cloud that have not ended yet, by their own key.
    pub jobs: Vec<Job>,
    /// Zones and flavors that were sold out or reclaimed, and until when they are left alone.
    pub exhausted: BTreeMap<String, Exhaustion>,
    /// Servers that shall go, and since when: they drain, or their deletion was asked for.
    pub leaving: BTreeMap<String, DateTime<Utc>>,
    /// Servers that run and do not answer the load balancer, and since when.
    pub unanswering: BTreeMap<String, DateTime<Utc>>,
    /// When the series began of which orders of servers have their numbers. An order's number is used once in its series.
    pub series: Option<DateTime<Utc>>,
    /// Numbers of the series that are used.
    pub numbers: BTreeSet<u32>,
    /// Servers that the cloud is taking back. Known anew at each evaluation.
    #[serde(skip)]
    pub going: BTreeSet<String>,
}

/// Numbers after which a new series is begun, so that the memory of them stays small.
const LONGEST_SERIES: usize = 500;

impl FleetMemory {
    /// Begins a new series of orders where there is none, as after the memory was lost: what is remembered of the numbers
    /// would be wrong; or where the old one has grown long. Only for a quiet minute: two functions that order in the same
    /// moment must have the same series. Orders whose numbers turned out to be taken do not count: after the memory was
    /// lost, every number of an earlier time is one.
    pub fn renew_series(&mut self, now: DateTime<Utc>) {
        let orders_of_its_own = self.jobs.iter().any(|job| !job.id.is_empty());
        if !orders_of_its_own && (self.series.is_none() || self.numbers.len() > LONGEST_SERIES) {
            self.series = Some(now);
            self.numbers.clear();
        }
    }

    /// Takes on what an earlier look of the same invocation has ordered, since it may not be shown yet.
    pub fn take_orders_of(&mut self, earlier: &Self) {
        if self.series != earlier.series {
            return;
        }
        self.numbers.extend(&earlier.numbers);
        for job in &earlier.jobs {
            if !self.jobs.iter().any(|known| known.name == job.name) {
                self.jobs.push(job.clone());
            }
        }
    }
}

/// A request to the cloud that has not ended yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The cloud's id of it. Empty for an order that another function has made: what it makes is known by its name.
    pub id: String,
    /// What the names of its servers begin with.
    #[serde(default)]
    pub name: String,
    /// When it was asked.
    pub asked: DateTime<Utc>,
    /// How many servers it makes.
    pub count: u32,
    /// Flavor and zone that were tried: `zone/flavor`.
    pub place: String,
    /// Ids of the servers that it makes, as far as the cloud told.
    #[serde(default)]
    pub servers: Vec<String>,
}

/// How request rate and utilisation go together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Work per second that goes with one wholly busy instance.
    pub work_per_second: f64,
    /// Samples that it was learnt from.
    pub samples: u32,
    /// Since when they go together otherwise, if they do.
    pub broken_since: Option<Minute>,
    /// What utilisation claimed beyond the rate when it began to.
    #[serde(default)]
    pub excess: Option<Excess>,
}

/// Instances that are busier than the requests explain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Excess {
    /// How many instances served when that began.
    pub serving: f64,
    /// The least work per second that went with one wholly busy instance, while no more served than that.
    pub work_per_second: f64,
}

/// A place that has no luck for now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exhaustion {
    /// Until when it is left alone.
    pub until: DateTime<Utc>,
    /// For how many minutes it was left alone this time; doubles each time.
    pub minutes: u32,
}

impl Exhaustion {
    /// How long a place is left alone that has failed now: three minutes, and twice as long each time until half an hour.
    /// Failures while it is left alone are the same misfortune.
    pub fn after(before: Option<Self>, now: DateTime<Utc>) -> Self {
        match before {
            Some(before) if now < before.until => before,
            _ => {
                let minutes = before.map_or(0, |before| before.minutes * 2).clamp(3, 30);
                Self { until: now + TimeDelta::minutes(i64::from(minutes)), minutes }
            }
        }
    }
}

/// How many instances there were in the last minutes, as the fleet itself said: metrics tell of those that reported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts(VecDeque<(Minute, Capacity)>);

impl Counts {
    /// What there is in a minute, after what was decided in it. What is told of an earlier minute, by an event that comes
    /// late, is what there is now and not what there was.
    pub fn note(&mut self, minute: Minute, capacity: Capacity) {
        match self.0.back() {
            Some((newest, _)) if *newest > minute => return,
            Some((newest, _)) if *newest == minute => drop(self.0.pop_back()),
            _ => {}
        }
        self.0.push_back((minute, capacity));
        while self.0.len() > COUNTS_REMEMBERED {
            self.0.pop_front();
        }
    }

    /// The least and the most that there was in that minute: the same where it was looked at. Between two looks, as a group
    /// has that is evaluated every few minutes, what they saw.
    pub fn within(&self, minute: Minute) -> Option<(Capacity, Capacity)> {
        let (after, later) = self.0.iter().find(|(known, _)| *known >= minute)?;
        if *after == minute {
            return Some((*later, *later));
        }
        let (before, earlier) = self.0.iter().rev().find(|(known, _)| *known < minute)?;
        let of = |choose: fn(u32, u32) -> u32| {
            let serving = choose(earlier.serving, later.serving);
            Capacity { serving, starting: choose(earlier.total(), later.total()).saturating_sub(serving) }
        };
        (*after - *before <= LONGEST_UNSEEN).then(|| (of(u32::min), of(u32::max)))
    }
}

impl Snapshot {
    /// Minutes from asking for an instance until it serves: measured, or else as configured.
    pub fn lead_minutes(&self, scaling: &Scaling) -> u32 {
        self.starts.ninetieth_percentile_minutes().unwrap_or_else(|| scaling.lead_minutes())
    }

    /// From when on there may be records that it does not know. Without a decision it was begun anew, and an order of a
    /// person outlives that.
    pub fn unfolded_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.last_decision {
            Some(_) => now.min(self.written) - RECORD_WINDOW,
            None => now - LONGEST_RECORD_WINDOW,
        }
    }

    /// Of a group of which nothing is known yet.
    pub fn empty(now: DateTime<Utc>, signals: Vec<String>) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            written: now,
            policy: String::new(),
            signals,
            seen_until: None,
            recent: VecDeque::new(),
            engine: None,
            usual: HourlyMaxima::default(),
            counts: Counts::default(),
            fleets: BTreeMap::new(),
            last_change: None,
            starts: StartTimes::default(),
            folded: Vec::new(),
            unread: Vec::new(),
            raises: Vec::new(),
            holds: Vec::new(),
            losses: Vec::new(),
            hedge: None,
            weather: SpotWeather::default(),
            coverage: Coverage::default(),
            policies: PolicyMemory::default(),
            relation: None,
            frozen: false,
            doubted_since: None,
            spent: 0.0,
            last_decision: None,
            told: BTreeMap::new(),
            untold: BTreeMap::new(),
        }
    }

    /// Lets go of what has expired, and of records older than the window that is listed.
    pub fn forget(&mut self, now: DateTime<Utc>, window: TimeDelta) {
        self.raises.retain(|raise| now < raise.until);
        self.holds.retain(|hold| hold.is_active(now));
        self.losses.retain(|loss| loss.ends.is_none_or(|ends| now < ends + TimeDelta::minutes(30)));
        // What was not listed yet when this was written may be listed again.
        let oldest = super::keys::record_time(now.min(self.written) - window);
        self.folded.retain(|name| name.as_str() >= oldest.as_str());
        self.starts.forget_before(Minute::containing(now));
        for fleet in self.fleets.values_mut() {
            // What was exhausted is remembered for a while after it is tried again, so that the time can double.
            fleet.exhausted.retain(|_, exhaustion| now < exhaustion.until + TimeDelta::minutes(30));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_looks_there_was_what_both_saw() {
        let mut counts = Counts::default();
        let capacity = |serving, starting| Capacity { serving, starting };
        for (minute, serving, starting) in [(10, 4, 0), (15, 8, 2), (20, 6, 0), (90, 6, 0)] {
            counts.note(Minute(minute), capacity(serving, starting));
        }
        let known = [9, 10, 12, 15, 17, 50, 90, 91].map(|minute| counts.within(Minute(minute)));
        let [four, ten, six] = [capacity(4, 0), capacity(8, 2), capacity(6, 0)];
        let exactly = |capacity| Some((capacity, capacity));
        let expected =
            [None, exactly(four), Some((four, ten)), exactly(ten), Some((six, ten)), None, exactly(six), None];
        assert_eq!(known, expected);
    }

    #[test]
    fn a_place_is_left_alone_for_three_minutes_and_twice_as_long_each_time_until_half_an_hour() {
        let mut now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut place = Exhaustion::after(None, now);
        assert_eq!(Exhaustion::after(Some(place), now), place, "failures at once are one misfortune");
        let mut minutes = Vec::new();
        for _ in 0..6 {
            minutes.push(place.minutes);
            now = place.until;
            place = Exhaustion::after(Some(place), now);
        }
        assert_eq!(minutes, [3, 6, 12, 24, 30, 30]);
    }

    #[test]
    fn a_pool_whose_memory_was_lost_gets_a_new_series_though_old_numbers_are_taken() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let job = |id: &str| Job {
            id: id.to_owned(),
            name: "spot-0-1".to_owned(),
            asked: now,
            count: 1,
            place: String::new(),
            servers: Vec::new(),
        };
        let renewed = |job: Job| {
            let mut memory = FleetMemory { numbers: [1].into(), jobs: vec![job], ..FleetMemory::default() };
            memory.renew_series(now);
            (memory.series, memory.numbers.len(), memory.jobs.len())
        };
        assert_eq!(renewed(job("")), (Some(now), 0, 1));
        assert_eq!(renewed(job("job-1")), (None, 1, 1), "what is on its way is waited for");
    }
}
