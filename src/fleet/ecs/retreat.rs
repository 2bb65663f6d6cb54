//! Letting servers go: first the load balancer sends them nothing new, then they are taken out and deleted. And what else
//! is begun in one invocation and finished in another.

use chrono::{DateTime, TimeDelta, Utc};

use super::failures::is_about_one_server;
use super::inventory::{Found, Inventory, Standing};
use super::victims::choose;
use super::{EcsFleet, FleetError, ledger};
use crate::clients::ClientError;
use crate::clients::elb::NewMember;
use crate::state::FleetMemory;

/// How long a server may finish what it has before it is deleted.
const DRAIN: TimeDelta = TimeDelta::seconds(60);
/// Share of new requests of a member; all have the same.
const FULL_WEIGHT: u32 = 1;
/// Servers deleted by one call.
const BATCH: usize = 100;

impl EcsFleet<'_> {
    /// Lets `count` servers go. Those that a load balancer sends work to drain first and are deleted
    /// by a later [`Self::settle`]. What is ordered and does not show yet goes before those that serve, when it shows:
    /// nobody knows whether it ever will.
    pub(super) async fn shrink(
        &self,
        memory: &mut FleetMemory,
        inventory: &Inventory,
        count: u32,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        let unseen: u32 = inventory.pending.values().sum();
        let victims = choose(inventory, self.source, &memory.going, count.saturating_sub(unseen));
        let (draining, at_once): (Vec<&Found>, Vec<&Found>) = victims.iter().partition(|victim| victim.has_work());
        // Remembered first: what was begun and failed in the middle is finished, or called back, by a later invocation.
        memory.leaving.extend(draining.iter().map(|victim| (victim.id.clone(), now)));
        if let Some(balancer) = self.balancer().filter(|_| !draining.is_empty()) {
            self.elb.set_weights(balancer, &members(&draining), 0).await?;
        }
        let at_once: Vec<&Found> = at_once.into_iter().filter(|victim| !memory.going.contains(&victim.id)).collect();
        self.remove(memory, &at_once).await?;
        memory.leaving.extend(victims.iter().map(|victim| (victim.id.clone(), now)));
        Ok(())
    }

    /// Gives traffic back to up to `count` servers that drain. Gives how many.
    pub(super) async fn call_back(
        &self,
        memory: &mut FleetMemory,
        inventory: &Inventory,
        count: u32,
    ) -> Result<u32, FleetError> {
        let Some(balancer) = self.balancer() else { return Ok(0) };
        let may_return = |server: &&Found| {
            server.standing == Standing::Leaving
                && server.member.as_ref().is_some_and(|member| member.answers)
                && !memory.going.contains(&server.id)
        };
        let called: Vec<&Found> = inventory.servers.iter().filter(may_return).take(count as usize).collect();
        if called.is_empty() {
            return Ok(0);
        }
        self.elb.set_weights(balancer, &members(&called), FULL_WEIGHT).await?;
        for server in &called {
            memory.leaving.remove(&server.id);
        }
        Ok(u32::try_from(called.len()).unwrap_or(count))
    }

    /// Finishes what was begun: servers that run join the load balancer's pool, those that have drained and those that
    /// failed are deleted.
    pub(super) async fn settle(
        &self,
        memory: &mut FleetMemory,
        inventory: &Inventory,
        now: DateTime<Utc>,
    ) -> Result<(), FleetError> {
        let joined = self.join(inventory, memory).await;
        let doomed: Vec<&Found> = inventory.servers.iter().filter(|server| self.is_due(server, memory, now)).collect();
        self.remove(memory, &doomed).await?;
        for server in doomed {
            memory.leaving.entry(server.id.clone()).or_insert(now);
        }
        joined
    }

    /// Whether [`Self::settle`] has something to do.
    pub(super) fn is_unsettled(&self, memory: &FleetMemory, inventory: &Inventory, now: DateTime<Utc>) -> bool {
        let is_unsettled = |server: &Found| server.standing == Standing::Joining || self.is_due(server, memory, now);
        inventory.servers.iter().any(is_unsettled)
    }

    /// Whether a server is to be deleted now. One that the cloud takes back cannot be.
    fn is_due(&self, server: &Found, memory: &FleetMemory, now: DateTime<Utc>) -> bool {
        if server.is_protected || memory.going.contains(&server.id) {
            return false;
        }
        match (server.standing, memory.leaving.get(&server.id)) {
            (Standing::Broken, _) => true,
            (Standing::Leaving, Some(since)) => !server.has_work() || now - *since >= DRAIN,
            _ => false,
        }
    }

    async fn join(&self, inventory: &Inventory, memory: &FleetMemory) -> Result<(), FleetError> {
        let Some(balancer) = self.balancer() else { return Ok(()) };
        // Some may have been let go since they were listed.
        let goes = |id: &String| memory.going.contains(id) || memory.leaving.contains_key(id);
        let joins = |server: &&Found| server.standing == Standing::Joining && !goes(&server.id);
        let (drained, new): (Vec<&Found>, Vec<&Found>) =
            inventory.servers.iter().filter(joins).partition(|server| server.member.is_some());
        if !drained.is_empty() {
            self.elb.set_weights(balancer, &members(&drained), FULL_WEIGHT).await?;
        }
        let Some(protocol_port) = self.source.instance_template.protocol_port else { return Ok(()) };
        let member = |server: &Found| {
            Some(NewMember {
                name: server.name.clone(),
                address: server.address.clone()?,
                protocol_port,
                subnet_cidr_id: self.source.member_subnet_id.clone(),
                weight: FULL_WEIGHT,
            })
        };
        let joining: Vec<NewMember> = new.into_iter().filter_map(member).collect();
        if !joining.is_empty() {
            self.elb.add_members(balancer, &joining).await?;
        }
        Ok(())
    }

    /// Takes servers out of the load balancer's pool and deletes them. Their orders bring them no more.
    async fn remove(&self, memory: &mut FleetMemory, servers: &[&Found]) -> Result<(), ClientError> {
        let members = members(servers);
        if let Some(balancer) = self.balancer().filter(|_| !members.is_empty()) {
            self.elb.remove_members(balancer, &members).await?;
        }
        let ids: Vec<String> = servers.iter().map(|server| server.id.clone()).collect();
        self.delete(&ids).await?;
        ledger::forget(memory, &ids);
        Ok(())
    }

    /// Deletes servers by as few calls as possible. One that is gone, locked or being taken back keeps none of the others.
    async fn delete(&self, ids: &[String]) -> Result<(), ClientError> {
        let mut batches: Vec<&[String]> = ids.chunks(BATCH).collect();
        while let Some(batch) = batches.pop() {
            match self.ecs.delete(batch).await {
                Ok(job) => tracing::info!(pool = self.pool.name, count = batch.len(), job, "servers are being deleted"),
                Err(error) if is_about_one_server(error.code()) => match batch {
                    [server] => tracing::warn!(server, %error, "a server cannot be deleted"),
                    several => {
                        let (left, right) = several.split_at(several.len() / 2);
                        batches.extend([left, right]);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn members(servers: &[&Found]) -> Vec<String> {
    servers.iter().filter_map(|server| Some(server.member.as_ref()?.id.clone())).collect()
}
