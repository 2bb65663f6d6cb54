//! Whose an instance is.

use std::collections::BTreeMap;

use futures::future;

use super::notices::Notice;
use crate::clients::ClientError;
use crate::clients::ecs::Server;
use crate::handlers::raising::Job;
use crate::model::{FleetSource, Group, Pool, Purchase};
use crate::state::{Found, StoreError, read_snapshot};

/// Auto Scaling groups that are listed for instances that no snapshot knows yet.
const MOST_LISTINGS: usize = 10;

/// An instance and the pool that it is of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned<'a> {
    pub(super) group: &'a Group,
    pub(super) pool: &'a Pool,
    pub(super) instance: String,
}

impl Job {
    /// The instances that the snapshots of groups with spot pools know.
    pub(super) async fn owners(&self, ids: &[String]) -> Result<Vec<Owned<'_>>, StoreError> {
        let groups = self.config.groups.iter().filter(|group| spot_pools(group).next().is_some());
        let searches = groups.map(|group| async move {
            let found = read_snapshot(&self.store, &group.name, self.deadline).await?;
            let Found::Whole(snapshot) = found else { return Ok(Vec::new()) };
            let owned = group.pools.iter().flat_map(|pool| {
                let known = snapshot.fleets.get(&pool.name).map(|fleet| fleet.instances.as_slice()).unwrap_or_default();
                let ids = ids.iter().filter(|id| known.contains(id));
                ids.map(|id| Owned { group, pool, instance: id.clone() }).collect::<Vec<_>>()
            });
            Ok(owned.collect())
        });
        let found: Result<Vec<Vec<_>>, StoreError> = future::join_all(searches).await.into_iter().collect();
        Ok(found?.concat())
    }

    /// Adds to `owned` those that no snapshot knows, as one that has just started: by their tags, or because an Auto
    /// Scaling group lists them.
    pub(super) async fn look_further<'a>(
        &'a self,
        mut owned: Vec<Owned<'a>>,
        losses: &BTreeMap<String, Notice>,
        servers: &Result<Vec<Server>, ClientError>,
    ) -> Vec<Owned<'a>> {
        let servers = servers.as_deref().unwrap_or_default();
        let is_unknown = |server: &&Server| {
            losses.contains_key(&server.id) && !owned.iter().any(|owned| owned.instance == server.id)
        };
        let unknown: Vec<&Server> = servers.iter().filter(is_unknown).collect();
        if unknown.is_empty() {
            return owned;
        }
        let api = self.cloud_for(0.25).auto_scaling();
        let mut listings = 0;
        for (group, pool) in
            self.config.groups.iter().flat_map(|group| spot_pools(group).map(move |pool| (group, pool)))
        {
            let ids: Vec<String> = match &pool.fleet {
                FleetSource::Ecs(source) => {
                    let is_tagged = |server: &&&Server| server.tag(&source.tag.key) == Some(&source.tag.value);
                    unknown.iter().filter(is_tagged).map(|server| server.id.clone()).collect()
                }
                FleetSource::AsGroup(_) if listings == MOST_LISTINGS => continue,
                FleetSource::AsGroup(source) => {
                    listings += 1;
                    let listed = api.instances(&source.scaling_group_id).await;
                    let listed = listed.inspect_err(|error| tracing::warn!(%error, "not searched")).unwrap_or_default();
                    let ids = listed.into_iter().filter_map(|instance| instance.id);
                    ids.filter(|id| unknown.iter().any(|server| server.id == *id)).collect()
                }
            };
            owned.extend(ids.into_iter().map(|instance| Owned { group, pool, instance }));
        }
        owned
    }
}

fn spot_pools(group: &Group) -> impl Iterator<Item = &Pool> {
    group.pools.iter().filter(|pool| pool.purchase == Purchase::Spot)
}
