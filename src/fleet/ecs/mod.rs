//! Servers that carry a pool's tag, created and deleted through the ECS API.
//!
//! What there is follows from the cloud alone: servers are found by their tag. What is remembered beside it, the orders
//! under way and the servers on their way out, only bridges the time until the cloud shows it; without it the worst is a
//! few minutes of too much. Nothing is waited for: what one invocation begins, a later one finishes.

mod failures;
mod growth;
mod inventory;
mod ledger;
mod places;
mod retreat;
mod series;
mod template;
#[cfg(all(test, feature = "local"))]
mod tests;
mod victims;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future;

pub(crate) use self::inventory::Inventory;
use self::inventory::{Standing, is_protected};
use self::series::Series;
pub use self::template::first_order;
use super::{FleetError, View};
use crate::clients::ecs::{Ecs, TaggedServer};
use crate::clients::elb::Elb;
use crate::clients::{ClientError, Cloud};
use crate::model::{Capacity, EcsSource, Pool, Purchase};
use crate::state::FleetMemory;

/// How long it is trusted that servers whose ids have not changed still serve.
const TRUST: TimeDelta = TimeDelta::minutes(5);

/// A pool's servers, as one invocation drives them.
pub(super) struct EcsFleet<'a> {
    pool: &'a Pool,
    source: &'a EcsSource,
    ecs: Ecs,
    elb: Elb,
}

impl<'a> EcsFleet<'a> {
    pub(super) fn new(cloud: &Cloud, pool: &'a Pool, source: &'a EcsSource) -> Self {
        Self { pool, source, ecs: cloud.ecs(), elb: cloud.elb() }
    }

    /// One call for a settled pool. While it moves, and now and then, its servers and members are listed as well.
    pub(super) async fn look(&self, memory: &mut FleetMemory, now: DateTime<Utc>) -> Result<View, FleetError> {
        let tagged = self.ecs.servers_with_tag(&self.source.tag).await?;
        let protected = tagged.iter().filter(|server| is_protected(server)).count();
        let (capacity, inventory) = if is_settled(&tagged, memory, now) {
            (Capacity { serving: count(memory.instances.len()), starting: 0 }, None)
        } else {
            let inventory = self.list(&tagged, memory, now).await?;
            (inventory.capacity(), Some(inventory))
        };
        let can_grow = !places::open_places(self.source, &memory.exhausted, now).is_empty();
        Ok(View {
            capacity,
            serving: memory.instances.clone(),
            least: count(protected).min(capacity.total()),
            most: if can_grow { u32::MAX } else { capacity.total() },
            going: Some(inventory.as_ref().map_or(0, |inventory| inventory.going(&memory.going))),
            trouble: None,
            is_unsettled: inventory.as_ref().is_some_and(|inventory| self.is_unsettled(memory, inventory, now)),
            inventory,
        })
    }

    /// Orders or lets go until there are `target` servers. Those that drain are called back before new ones are ordered, and
    /// what others have ordered since the look stays: no more are let go than `view` had too many.
    pub(super) async fn scale(
        &self,
        memory: &mut FleetMemory,
        view: &View,
        target: u32,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        let listed;
        let inventory = match &view.inventory {
            Some(inventory) => inventory,
            None => {
                let tagged = self.ecs.servers_with_tag(&self.source.tag).await?;
                listed = self.list(&tagged, memory, now).await?;
                &listed
            }
        };
        memory.listed = None;
        let total = inventory.capacity().total();
        if target > total {
            let called = self.call_back(memory, inventory, target - total).await?;
            return self.grow(memory, inventory, target - total - called, now).await;
        }
        let too_many = view.capacity.total().saturating_sub(target).min(total - target);
        if too_many == 0 {
            return Ok(());
        }
        self.shrink(memory, inventory, too_many, now).await
    }

    /// Finishes what earlier invocations began. Changes no number.
    pub(super) async fn finish(
        &self,
        memory: &mut FleetMemory,
        view: &View,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        match &view.inventory {
            Some(inventory) => self.settle(memory, inventory, now).await,
            None => Ok(()),
        }
    }

    /// Servers, members and orders, asked in parallel, and what follows from them for the memory.
    async fn list(
        &self,
        tagged: &[TaggedServer],
        memory: &mut FleetMemory,
        now: DateTime<Utc>,
    ) -> Result<Inventory, FleetError> {
        let by_tag: BTreeSet<&str> = tagged.iter().map(|server| server.id.as_str()).collect();
        // A server that was ordered just now may not be found by its tag yet.
        let ordered = memory.jobs.iter().flat_map(|job| &job.servers);
        let mut ids: Vec<String> = ordered.cloned().chain(by_tag.iter().map(|id| (*id).to_owned())).collect();
        ids.sort_unstable();
        ids.dedup();
        let (servers, members) = future::join(self.ecs.servers(&ids), self.members()).await;
        let (mut servers, members) = (servers?, members?);
        servers.retain(|server| ids.binary_search(&server.id).is_ok());
        let series = Series::of(self.pool, self.source, memory);
        let names = tagged.iter().map(|server| &server.name).chain(servers.iter().map(|server| &server.name));
        let numbers: Vec<u32> = names.filter_map(|name| series.number(name)).collect();
        memory.numbers.extend(numbers);
        let pending = ledger::follow(&self.ecs, memory, &by_tag, &servers, now).await;
        let mut inventory =
            Inventory::new(self.source, self.pool.purchase, tagged, servers, members.as_deref(), memory, now);
        inventory.pending = pending;
        let with = |standing| inventory.servers.iter().filter(move |server| server.standing == standing);
        let leaving: BTreeSet<&str> = with(Standing::Leaving).map(|server| server.id.as_str()).collect();
        memory.leaving.retain(|id, _| leaving.contains(id.as_str()));
        memory.instances = with(Standing::Serving).map(|server| server.id.clone()).collect();
        memory.listed = Some(now);
        Ok(inventory)
    }

    async fn members(&self) -> Result<Option<Vec<crate::clients::elb::Member>>, ClientError> {
        match self.balancer() {
            Some(balancer) => self.elb.members(balancer).await.map(Some),
            None => Ok(None),
        }
    }

    fn balancer(&self) -> Option<&'a str> {
        self.source.load_balancer_pool_id.as_deref()
    }

    fn is_spot(&self) -> bool {
        self.pool.purchase == Purchase::Spot
    }
}

/// Whether the tagged servers are those that served when they were last listed, not long ago, and nothing is under way.
fn is_settled(tagged: &[TaggedServer], memory: &FleetMemory, now: DateTime<Utc>) -> bool {
    let is_quiet = memory.jobs.is_empty() && memory.leaving.is_empty() && memory.unanswering.is_empty();
    let is_recent = memory.listed.is_some_and(|listed| now >= listed && now - listed < TRUST);
    let are_staying = !tagged.iter().any(|server| memory.going.contains(&server.id));
    is_quiet && is_recent && are_staying && tagged.iter().map(|server| &server.id).eq(&memory.instances)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
