//! Buying servers: place by place, until all are ordered or nothing is left to try.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future;

use super::failures::{Failed, failed_order, is_quota};
use super::inventory::Inventory;
use super::places::{EVERYWHERE, Place, emptiest, exhaust, open_places, spread};
use super::series::{Series, free};
use super::template::{self, LARGEST_ORDER, Wish};
use super::{EcsFleet, FleetError};
use crate::clients::ClientError;
use crate::state::{FleetMemory, Job};

/// Servers of a round that are ordered one by one, each under a number of its own, so that functions which want different
/// numbers of servers order the same ones. What is more makes one order a place.
const SINGLE_ORDERS: u32 = 16;
/// Rounds of ordering, for places that are sold out and numbers that turn out to be used.
const MOST_ROUNDS: usize = 12;

/// What came of one order.
enum Outcome {
    Ordered(Job),
    /// Somebody else has made an order of that number, elsewhere or of another size. (Should the cloud take the token of an
    /// order that it has refused for a used one, too, the next look finds out.)
    OrderedByAnother,
    /// The order of that number was made long ago: its servers are counted.
    Spent,
    /// It may have been carried out; the same order next time has the same token.
    Unknown(ClientError),
    Refused(Failed, ClientError),
    /// It was surely not carried out, for a reason that has nothing to do with the place.
    NotSent(ClientError),
}

impl EcsFleet<'_> {
    /// Orders `count` servers more than the inventory has.
    pub(super) async fn grow(
        &self,
        memory: &mut FleetMemory,
        inventory: &Inventory,
        count: u32,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        let mut round =
            Round { present: Present::of(inventory), known: Known::of(inventory), missing: count, last: None };
        let (mut denied, mut rounds) = (0, 0);
        let result = loop {
            if round.missing == 0 {
                break Ok(());
            }
            rounds += 1;
            if rounds > MOST_ROUNDS {
                denied += round.missing;
                break Ok(());
            }
            let places = open_places(self.source, &memory.exhausted, now);
            if places.is_empty() {
                denied += round.missing;
                break Ok(());
            }
            match self.order_round(&mut round, memory, &places, now).await {
                Ok(None) => {}
                // What the quota leaves is tried once; what it denies is left.
                Ok(Some(quota)) => {
                    let room = if denied == 0 { self.room().await } else { 0 };
                    let tried = if room < round.missing { room } else { 0 };
                    denied += round.missing - tried;
                    round.missing = tried;
                    round.last = Some(quota);
                }
                Err(error) => break Err(error),
            }
        };
        if denied > 0 && round.last.as_ref().is_some_and(|error| is_quota(error.code())) {
            exhaust(&mut memory.exhausted, EVERYWHERE, now);
        }
        result?;
        if denied == 0 {
            return Ok(());
        }
        let why = round.last.map_or_else(|| "all places are left alone for now".to_owned(), |error| error.to_string());
        Err(FleetError::NoRoom { pool: self.pool.name.clone(), missing: denied, wanted: count, why })
    }

    /// The orders of a round, all at once. Gives the error if the quota is used up.
    async fn order_round(
        &self,
        round: &mut Round,
        memory: &mut FleetMemory,
        places: &[Place<'_>],
        now: DateTime<Utc>,
    ) -> Result<Option<ClientError>, FleetError> {
        let wishes = round.wishes(places, free(memory));
        let series = Series::of(self.pool, self.source, memory);
        let orders = wishes.iter().map(|wish| self.order(*wish, series, &round.known, now));
        let outcomes = future::join_all(orders).await;
        let (mut quota, mut failure, mut refused) = (None, None, BTreeSet::new());
        for (wish, outcome) in wishes.iter().zip(outcomes) {
            match outcome {
                Outcome::Ordered(job) => {
                    round.note(wish);
                    memory.numbers.insert(wish.number);
                    if !memory.jobs.iter().any(|known| known.id == job.id) {
                        memory.jobs.push(job);
                    }
                }
                Outcome::OrderedByAnother => {
                    round.note(wish);
                    memory.numbers.insert(wish.number);
                    memory.jobs.push(self.job(*wish, series, now));
                }
                Outcome::Spent => {
                    memory.numbers.insert(wish.number);
                }
                Outcome::Unknown(error) => {
                    round.note(wish);
                    failure = Some(error);
                }
                Outcome::Refused(_, error) if is_quota(error.code()) => quota = Some(error),
                Outcome::Refused(failed, error) => {
                    let key = if failed == Failed::Everywhere { EVERYWHERE.to_owned() } else { wish.place.key() };
                    refused.insert(key);
                    round.last = Some(error);
                }
                Outcome::NotSent(error) => failure = Some(error),
            }
        }
        for place in refused {
            exhaust(&mut memory.exhausted, &place, now);
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(quota),
        }
    }

    async fn order(&self, wish: Wish<'_>, series: Series<'_>, known: &Known, now: DateTime<Utc>) -> Outcome {
        let order = template::order(self.pool, self.source, series, wish);
        match self.ecs.create(&order, series.token(wish.number)).await {
            Ok(created) if known.has_all(&created.server_ids) => Outcome::Spent,
            Ok(created) => {
                Outcome::Ordered(Job { id: created.job_id, servers: created.server_ids, ..self.job(wish, series, now) })
            }
            Err(error) if error.is_throttled() || error.deadline_exceeded() && !error.may_have_happened() => {
                Outcome::NotSent(error)
            }
            Err(error) if error.may_have_happened() => Outcome::Unknown(error),
            Err(error) => match (error.code(), error.status()) {
                (_, None) => Outcome::NotSent(error),
                (code, Some(_)) => match failed_order(code) {
                    Failed::MadeBefore => Outcome::OrderedByAnother,
                    failed => Outcome::Refused(failed, error),
                },
            },
        }
    }

    /// An order, as it is remembered before the cloud has said what it makes of it.
    fn job(&self, wish: Wish<'_>, series: Series<'_>, now: DateTime<Utc>) -> Job {
        Job {
            id: String::new(),
            name: series.name(wish.number),
            asked: now,
            count: wish.count,
            place: wish.place.key(),
            servers: Vec::new(),
        }
    }

    /// How many servers the project's quotas still allow; 0 if that cannot be asked.
    async fn room(&self) -> u32 {
        let left = |most: i64, used: i64| if most < 0 { i64::MAX } else { most - used };
        match self.ecs.limits().await {
            Ok(limits) => {
                let servers = left(limits.instances, limits.instances_used);
                let spot = match (self.is_spot(), limits.spot_instances, limits.spot_instances_used) {
                    (true, Some(most), Some(used)) => left(most, used),
                    _ => i64::MAX,
                };
                u32::try_from(servers.min(spot).max(0)).unwrap_or(u32::MAX)
            }
            Err(error) => {
                tracing::warn!(%error, "the quotas could not be asked");
                0
            }
        }
    }
}

/// What is still to be ordered, and what is there.
struct Round {
    present: Present,
    known: Known,
    missing: u32,
    /// The last refusal.
    last: Option<ClientError>,
}

impl Round {
    /// Orders that spread what is missing over the places, under the numbers that are free: each server its own, but for
    /// what is more than [`SINGLE_ORDERS`].
    fn wishes<'a>(&self, places: &[Place<'a>], mut numbers: impl Iterator<Item = u32>) -> Vec<Wish<'a>> {
        let mut present: Vec<u32> = places.iter().map(|place| self.present.in_zone_of(*place)).collect();
        let mut wishes = Vec::new();
        let singles = self.missing.min(SINGLE_ORDERS);
        for number in numbers.by_ref().take(singles as usize) {
            let Some(index) = emptiest(&present) else { break };
            present[index] = present[index].saturating_add(1);
            wishes.push(Wish { place: places[index], number, count: 1 });
        }
        for (&place, mut share) in places.iter().zip(spread(self.missing - singles, &present)) {
            while share > 0 {
                let Some(number) = numbers.next() else { break };
                let count = share.min(LARGEST_ORDER);
                wishes.push(Wish { place, number, count });
                share -= count;
            }
        }
        wishes
    }

    fn note(&mut self, wish: &Wish<'_>) {
        self.missing -= wish.count;
        self.present.add(&wish.place.key(), wish.count);
    }
}

/// Ids of the servers that are counted.
struct Known(BTreeSet<String>);

impl Known {
    fn of(inventory: &Inventory) -> Self {
        Self(inventory.servers.iter().map(|server| server.id.clone()).collect())
    }

    fn has_all(&self, servers: &[String]) -> bool {
        !servers.is_empty() && servers.iter().all(|id| self.0.contains(id))
    }
}

/// How many servers there are or will be, by `zone/flavor`.
struct Present(BTreeMap<(String, String), u32>);

impl Present {
    fn of(inventory: &Inventory) -> Self {
        let mut present = Self(BTreeMap::new());
        for server in inventory.servers.iter().filter(|server| server.counts()) {
            *present.0.entry((server.zone.clone(), server.flavor.clone())).or_default() += 1;
        }
        for (place, count) in &inventory.pending {
            present.add(place, *count);
        }
        present
    }

    fn add(&mut self, place: &str, count: u32) {
        let (zone, flavor) = place.split_once('/').unwrap_or((place, ""));
        *self.0.entry((zone.to_owned(), flavor.to_owned())).or_default() += count;
    }

    fn in_zone_of(&self, place: Place<'_>) -> u32 {
        let there = self.0.iter().filter(|((zone, _), _)| place.zone.is_none_or(|own| own == zone));
        there.map(|(_, count)| count).sum()
    }
}
