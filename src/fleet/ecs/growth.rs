//! Buying servers: place by place, one order each, until all are ordered or nothing is left to try.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future;

use super::failures::{Failed, failed_order, is_quota};
use super::inventory::Inventory;
use super::places::{EVERYWHERE, Place, exhaust, open_places, spread};
use super::template::{self, LARGEST_ORDER, Wish};
use super::{EcsFleet, FleetError};
use crate::clients::ClientError;
use crate::state::{FleetMemory, Job};

/// Servers of a place that are ordered one by one; what is more makes one order.
const SINGLE_ORDERS: u32 = 4;

/// Orders of the same wish that may have been made before, and whose servers are there.
const MOST_REPEATS: usize = 4;

/// What came of one order.
enum Outcome {
    Ordered(Job),
    OrderedBefore,
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
        let mut round = Round {
            present: Present::of(inventory),
            known: Known::of(inventory),
            changed: memory.changed,
            missing: count,
            last: None,
        };
        let mut denied = 0;
        let result = loop {
            if round.missing == 0 {
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

    /// One order for each place, all at once. Gives the error if the quota is used up.
    async fn order_round(
        &self,
        round: &mut Round,
        memory: &mut FleetMemory,
        places: &[Place<'_>],
        now: DateTime<Utc>,
    ) -> Result<Option<ClientError>, FleetError> {
        let wishes = round.wishes(places);
        let changed = round.changed;
        let outcomes = future::join_all(wishes.iter().map(|wish| self.order(*wish, &round.known, changed, now))).await;
        let (mut quota, mut failure, mut is_sure) = (None, None, true);
        let mut ordered = false;
        for (wish, outcome) in wishes.iter().zip(outcomes) {
            match outcome {
                Outcome::Ordered(job) => {
                    round.note(wish);
                    ordered = true;
                    if !memory.jobs.iter().any(|known| known.id == job.id) {
                        memory.jobs.push(job);
                    }
                }
                Outcome::OrderedBefore => round.note(wish),
                Outcome::Unknown(error) => {
                    round.note(wish);
                    is_sure = false;
                    failure = Some(error);
                }
                Outcome::Refused(_, error) if is_quota(error.code()) => quota = Some(error),
                Outcome::Refused(failed, error) => {
                    let key = if failed == Failed::Everywhere { EVERYWHERE.to_owned() } else { wish.place.key() };
                    exhaust(&mut memory.exhausted, &key, now);
                    round.last = Some(error);
                }
                Outcome::NotSent(error) => failure = Some(error),
            }
        }
        if ordered && is_sure {
            memory.changed = Some(now);
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(quota),
        }
    }

    async fn order(
        &self,
        wish: Wish<'_>,
        known: &Known,
        changed: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Outcome {
        let mut token = template::token(self.source, wish, changed, now);
        let mut order = template::order(self.pool, self.source, wish, &token);
        let mut made = self.ecs.create(&order, token).await;
        for _ in 0..MOST_REPEATS {
            // A server has gone since the same was wished for: what was made then is counted already.
            let Some(job) = made.as_ref().ok().filter(|made| known.has_all(&made.server_ids)) else { break };
            token = template::token_after(&token, &job.job_id);
            order = template::order(self.pool, self.source, wish, &token);
            made = self.ecs.create(&order, token).await;
        }
        match made {
            Ok(created) => Outcome::Ordered(Job {
                id: created.job_id,
                token: token.to_string(),
                asked: now,
                count: order.count,
                place: wish.place.key(),
                servers: created.server_ids,
            }),
            Err(error) if error.is_throttled() || error.deadline_exceeded() && !error.may_have_happened() => {
                Outcome::NotSent(error)
            }
            Err(error) if error.may_have_happened() => Outcome::Unknown(error),
            Err(error) => match (error.code(), error.status()) {
                (_, None) => Outcome::NotSent(error),
                (code, Some(_)) => match failed_order(code) {
                    Failed::MadeBefore => Outcome::OrderedBefore,
                    failed => Outcome::Refused(failed, error),
                },
            },
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
    changed: Option<DateTime<Utc>>,
    missing: u32,
    /// The last refusal.
    last: Option<ClientError>,
}

impl Round {
    /// Wishes for each place that shall have more. The first servers are ordered one by one: two invocations that want
    /// different numbers at the same time then want the same first servers, and get them once.
    fn wishes<'a>(&self, places: &[Place<'a>]) -> Vec<Wish<'a>> {
        let present: Vec<u32> = places.iter().map(|place| self.present.in_zone_of(*place)).collect();
        let mut wishes = Vec::new();
        for (&place, share) in places.iter().zip(spread(self.missing, &present)) {
            let first = self.present.at(place);
            let (mut from, end) = (first, first + share);
            while from < end {
                let size = if from - first < SINGLE_ORDERS { 1 } else { LARGEST_ORDER };
                let to = end.min(from + size);
                wishes.push(Wish { place, from, to });
                from = to;
            }
        }
        wishes
    }

    fn note(&mut self, wish: &Wish<'_>) {
        let count = wish.to - wish.from;
        self.missing -= count;
        self.present.add(&wish.place.key(), count);
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

    fn at(&self, place: Place<'_>) -> u32 {
        let there = self.0.iter().filter(|((zone, flavor), _)| place.holds(zone, flavor));
        there.map(|(_, count)| count).sum()
    }

    fn in_zone_of(&self, place: Place<'_>) -> u32 {
        let there = self.0.iter().filter(|((zone, _), _)| place.zone.is_none_or(|own| own == zone));
        there.map(|(_, count)| count).sum()
    }
}
