use super::SpotTerms;
use super::purchase::{Held, Purchasing, SpotCircumstances, pools};
use crate::engine::spot_weather::SpotWeather;
use crate::model::{Capacity, Minute, Pool};
use crate::queueing::{MinuteOutcome, ServiceModel, SimulatedGroup, play_minute};
use crate::replay::fleet::Fleet;

/// Minutes for which a zone that took back is not asked while another has room: the first time, and at most; twice as long
/// each time, as the production fleet leaves places alone.
const SHORTEST_AVOIDED_MINUTES: i64 = 3;
const LONGEST_AVOIDED_MINUTES: i64 = 30;
/// Quiet minutes after which a zone's bad times are forgotten.
const FORGOTTEN_MINUTES: i64 = 30;

/// Spot instances of one zone.
#[derive(Clone, Debug)]
struct Zone {
    /// Without what is about to be taken back. Only its counts and starts are used, not its queue.
    instances: SimulatedGroup,
    /// Numbers that serve until the minute beside them.
    dying: Vec<(u32, i64)>,
    avoided_until: i64,
    /// How long it was avoided the last time.
    avoided_minutes: i64,
}

impl Zone {
    fn dying(&self) -> u32 {
        self.dying.iter().map(|(count, _)| count).sum()
    }

    /// It has taken back: for a while others are asked first.
    fn avoid(&mut self, minute: i64) {
        if minute < self.avoided_until {
            return;
        }
        let is_forgotten = minute >= self.avoided_until.saturating_add(FORGOTTEN_MINUTES);
        let before = if is_forgotten { 0 } else { self.avoided_minutes };
        self.avoided_minutes = (before * 2).clamp(SHORTEST_AVOIDED_MINUTES, LONGEST_AVOIDED_MINUTES);
        self.avoided_until = minute + self.avoided_minutes;
    }

    /// Everything that takes room.
    fn present(&self) -> u32 {
        self.instances.total() + self.dying()
    }
}

/// On-demand instances and the spot instances of all zones, behind one queue.
#[derive(Debug)]
pub(super) struct SpotFleet<'a> {
    model: ServiceModel,
    terms: &'a SpotTerms,
    purchasing: Purchasing,
    pools: [Pool; 2],
    on_demand: SimulatedGroup,
    zones: Vec<Zone>,
    queue: f64,
    wanted: u32,
    refused: bool,
    weather: SpotWeather,
}

impl<'a> SpotFleet<'a> {
    /// Begins with that many on-demand instances serving; spot instances come with the first decisions.
    pub(super) fn new(model: ServiceModel, terms: &'a SpotTerms, purchasing: Purchasing, serving: u32) -> Self {
        let zone = Zone {
            instances: SimulatedGroup::new(model, 0),
            dying: Vec::new(),
            avoided_until: i64::MIN,
            avoided_minutes: 0,
        };
        Self {
            model,
            terms,
            purchasing,
            pools: pools(terms.price),
            on_demand: SimulatedGroup::new(model, serving),
            zones: vec![zone; terms.market.zones()],
            queue: 0.0,
            wanted: serving,
            refused: false,
            weather: SpotWeather::default(),
        }
    }

    fn held(&self) -> Held {
        let of_zone = |zone: &Zone| Capacity { serving: zone.instances.serving(), starting: zone.instances.starting() };
        let spot = self.zones.iter().map(of_zone).sum();
        Held { on_demand: self.on_demand.capacity(), spot, refused: self.refused }
    }

    fn split(&self, wanted: u32) -> (u32, u32) {
        let circumstances = SpotCircumstances {
            weather: &self.weather,
            lead_minutes: u32::try_from(self.model.lead_minutes).unwrap_or(u32::MAX),
            notice_seconds: self.terms.notice_seconds,
        };
        self.purchasing.split(wanted, &self.held(), &self.pools, circumstances)
    }

    fn serving(&self) -> u32 {
        let spot: u32 = self.zones.iter().map(|zone| zone.instances.serving() + zone.dying()).sum();
        self.on_demand.serving() + spot
    }

    /// Takes back what a zone has no more room for: what is starting at once, the rest after the notice.
    fn reclaim(&mut self, minute: i64) {
        let notice_minutes = i64::from(self.terms.notice_seconds / 60);
        for (zone, room) in self.zones.iter_mut().zip(self.terms.market.at(minute)) {
            zone.dying.retain(|(_, gone_at)| *gone_at > minute);
            // What has had its notice is on its way out already.
            let surplus = zone.instances.total().saturating_sub(*room);
            if surplus == 0 {
                continue;
            }
            let serving = zone.instances.serving();
            zone.instances.scale_to(minute, zone.instances.total() - surplus);
            let stopped = serving - zone.instances.serving();
            self.weather.lost(stopped);
            if stopped > 0 && notice_minutes > 0 {
                zone.dying.push((stopped, minute + notice_minutes));
            }
            zone.avoid(minute);
        }
    }

    /// Asks zones for `missing` spot instances, one at a time, the emptiest first. Returns how many were had.
    fn request(&mut self, minute: i64, missing: u32) -> u32 {
        let room = self.terms.market.at(minute);
        let mut had = 0;
        while had < missing {
            let open = self.zones.iter_mut().zip(room).filter(|(zone, room)| zone.present() < **room);
            let Some((zone, _)) = open.min_by_key(|(zone, _)| (zone.avoided_until > minute, zone.present())) else {
                break;
            };
            zone.instances.scale_to(minute, zone.instances.total() + 1);
            had += 1;
        }
        had
    }

    /// Gives back `surplus` spot instances, one at a time, from the fullest zone.
    fn release(&mut self, minute: i64, surplus: u32) {
        for _ in 0..surplus {
            let Some(zone) = self.zones.iter_mut().max_by_key(|zone| zone.instances.total()) else { return };
            zone.instances.scale_to(minute, zone.instances.total().saturating_sub(1));
        }
    }
}

impl Fleet for SpotFleet<'_> {
    fn begin(&mut self, minute: i64) {
        self.on_demand.make_ready(minute);
        for zone in &mut self.zones {
            zone.instances.make_ready(minute);
        }
        self.reclaim(minute);
        self.weather.observe(Minute(minute), self.held().spot.serving);
    }

    /// The size that was asked for, and how much of it serves: what is bought twice for a while is no larger group.
    fn capacity(&self) -> Capacity {
        let serving = self.serving().min(self.wanted);
        Capacity { serving, starting: self.wanted - serving }
    }

    fn scale_to(&mut self, minute: i64, wanted: u32) -> (u32, f64) {
        self.wanted = wanted;
        let held = self.held();
        let (_, spot) = self.split(wanted);
        let spot_started = self.request(minute, spot.saturating_sub(held.spot.total()));
        self.release(minute, held.spot.total().saturating_sub(spot));
        self.refused = held.spot.total() + spot_started < spot;
        // On demand is settled after the answer to the request for spot is known.
        let (on_demand, _) = self.split(wanted);
        let started = self.on_demand.scale_to(minute, on_demand);
        (started + spot_started, f64::from(started) + f64::from(spot_started) * self.terms.price)
    }

    fn play(&mut self, _: i64, load_per_second: f64) -> (MinuteOutcome, f64) {
        let outcome = play_minute(&self.model, self.serving(), &mut self.queue, load_per_second);
        let spot: u32 = self.zones.iter().map(Zone::present).sum();
        let total = self.on_demand.total() + spot;
        let cost = f64::from(self.on_demand.total()) + f64::from(spot) * self.terms.price;
        (MinuteOutcome { total, ..outcome }, cost)
    }
}
