//! Takes instances that are going out of their load-balancer pools, so that they finish what they have and get nothing
//! new; and answers the lifecycle hooks that hold them.

use std::collections::BTreeSet;

use super::Answer;
use crate::clients::auto_scaling::HookResult;
use crate::clients::ecs::Server;
use crate::clients::{ClientError, Cloud};
use crate::functiongraph::events::{LifecycleHook, Transition};
use crate::handlers::Ignored;
use crate::handlers::raising::Job;
use crate::model::{FleetSource, Group, Mode, Pool};
use crate::records::{Action, ActionOutcome};

/// An instance as a load balancer may know it: by the server, or by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) pool: String,
    pub(super) instance: String,
    pub(super) address: Option<String>,
    /// Its membership in its pool's load balancer, where that is known already.
    pub(super) member: Option<String>,
}

impl Leaving {
    pub(super) fn new(pool: &str, instance: &str, server: Option<&Server>) -> Self {
        let address = server.and_then(Server::private_address).map(str::to_owned);
        Self { pool: pool.to_owned(), instance: instance.to_owned(), address, member: None }
    }
}

impl Job {
    /// Gives instances no new requests. One entry for each load-balancer pool that has some of them.
    pub(super) async fn drain(&self, group: &Group, leaving: &[Leaving]) -> Vec<Action> {
        let mut actions = Vec::new();
        for pool in &group.pools {
            let leaving: Vec<&Leaving> = leaving.iter().filter(|leaving| leaving.pool == pool.name).collect();
            if leaving.is_empty() {
                continue;
            }
            let balancers = match balancers(&self.cloud, pool).await {
                Ok(balancers) => balancers,
                Err(error) => {
                    actions.push(action(pool, "find its load balancer".to_owned(), Err(error)));
                    continue;
                }
            };
            for balancer in balancers {
                let request = |count| format!("no new requests to {count} instances in pool {balancer}");
                if group.mode == Mode::Act {
                    match drain_from(&self.cloud, &balancer, &leaving).await {
                        Ok(0) => {}
                        Ok(drained) => actions.push(action(pool, request(drained), Ok(()))),
                        Err(error) => actions.push(action(pool, request(leaving.len()), Err(error))),
                    }
                } else {
                    actions.push(withheld(pool, request(leaving.len()), "mode is observe"));
                }
            }
        }
        actions
    }

    /// Lets a leaving instance drain until its hook's time is over; at once where no load balancer knows it. Instances that
    /// join are left to whoever holds them.
    pub(super) async fn answer_hook(&self, hook: &LifecycleHook, answer: &mut Answer) {
        let is_of = |pool: &&Pool| match &pool.fleet {
            FleetSource::AsGroup(source) => source.scaling_group_id == hook.scaling_group_id,
            FleetSource::Ecs(_) => false,
        };
        let found = self.config.groups.iter().find_map(|group| Some((group, group.pools.iter().find(is_of)?)));
        let why = match (found, hook.transition) {
            (None, _) => format!("AS group {} is of no group", hook.scaling_group_id),
            (_, Transition::Launching) => "an instance that joins is left to whoever holds it".to_owned(),
            (Some((group, pool)), Transition::Terminating) => {
                let server = self.cloud.ecs().server(&hook.instance_id).await.ok();
                let leaving = [Leaving::new(&pool.name, &hook.instance_id, server.as_ref())];
                let drains = self.drain(group, &leaving).await;
                let goes = self.let_go(group, pool, hook, !drains.is_empty()).await;
                answer.actions.extend(drains.into_iter().chain([goes]));
                return;
            }
        };
        answer.ignored.push(Ignored { message: hook.action_key.clone(), why });
    }

    /// `has_work`: a load balancer has sent it requests that it shall finish, or that could not be found out.
    async fn let_go(&self, group: &Group, pool: &Pool, hook: &LifecycleHook, has_work: bool) -> Action {
        let request = format!("let {} go", hook.instance_id);
        if group.mode != Mode::Act {
            return withheld(pool, request, "mode is observe");
        }
        if has_work {
            return withheld(pool, request, "it drains until the time of its hook is over");
        }
        let api = self.cloud.auto_scaling();
        let done = api.complete_hook(&hook.scaling_group_id, &hook.action_key, HookResult::Continue).await;
        action(pool, request, done)
    }
}

/// The load-balancer pools that a pool's instances are members of.
async fn balancers(cloud: &Cloud, pool: &Pool) -> Result<BTreeSet<String>, ClientError> {
    match &pool.fleet {
        FleetSource::Ecs(source) => Ok(source.load_balancer_pool_id.iter().cloned().collect()),
        FleetSource::AsGroup(source) => {
            let group = cloud.auto_scaling().group(&source.scaling_group_id).await?;
            Ok(group.listeners.into_iter().map(|listener| listener.pool_id).collect())
        }
    }
}

/// Gives how many of them are members there; some may have drained already.
async fn drain_from(cloud: &Cloud, balancer: &str, leaving: &[&Leaving]) -> Result<usize, ClientError> {
    let api = cloud.elb();
    if let Some(members) = leaving.iter().map(|leaving| leaving.member.clone()).collect::<Option<Vec<String>>>() {
        api.set_weights(balancer, &members, 0).await?;
        return Ok(members.len());
    }
    let mut known = 0;
    for member in api.members(balancer).await? {
        let is_leaving = leaving.iter().any(|leaving| {
            member.instance_id.as_deref() == Some(&leaving.instance)
                || leaving.address.as_ref() == Some(&member.address)
        });
        known += usize::from(is_leaving);
        if is_leaving && member.weight > 0 {
            api.set_weight(balancer, &member.id, 0).await?;
        }
    }
    Ok(known)
}

fn withheld(pool: &Pool, request: String, why: &str) -> Action {
    Action { pool: pool.name.clone(), request, outcome: ActionOutcome::Withheld(why.to_owned()) }
}

fn action(pool: &Pool, request: String, result: Result<(), ClientError>) -> Action {
    let outcome = match result {
        Ok(()) => ActionOutcome::Done,
        Err(error) => {
            tracing::warn!(pool = pool.name, request, %error, "not done");
            ActionOutcome::Failed(error.to_string())
        }
    };
    Action { pool: pool.name.clone(), request, outcome }
}
