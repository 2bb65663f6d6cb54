//! The servers of a pool: found by their tag, and what each of them is doing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::template;
use crate::clients::ecs::{Server, ServerStatus, TaggedServer};
use crate::clients::elb::Member;
use crate::model::{Capacity, EcsSource, Purchase};
use crate::state::FleetMemory;

/// A server with this tag, of value `true`, is never deleted.
const PROTECTED: &str = "autoscaler_protected";
/// Younger servers that do not serve yet are starting; older ones are in doubt.
const LONGEST_START: TimeDelta = TimeDelta::minutes(30);
/// Older servers that do not serve yet are in doubt where one of the same flavor, asked for no earlier, serves already.
const USUAL_START: TimeDelta = TimeDelta::minutes(10);
/// So long a server in doubt may fail to answer before it is replaced.
const LONGEST_SILENCE: TimeDelta = TimeDelta::minutes(5);

/// A pool's servers at one instant, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    pub(super) servers: Vec<Found>,
    /// Servers that were ordered and that the cloud does not show yet, by place.
    pub(super) pending: BTreeMap<String, u32>,
}

/// A server of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) zone: String,
    pub(super) flavor: String,
    pub(super) created: Option<DateTime<Utc>>,
    pub(super) address: Option<String>,
    pub(super) standing: Standing,
    pub(super) is_protected: bool,
    /// Whether it was made of the template as it is now, and is bought as the pool says.
    pub(super) is_current: bool,
    pub(super) member: Option<Membership>,
}

/// A server's place in the load balancer's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) id: String,
    pub(super) weight: u32,
    /// Whether the load balancer finds it well.
    pub(super) answers: bool,
}

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is being made, or does not answer the load balancer yet.
    Starting,
    /// It runs, and is to become a member of the load balancer's pool that gets traffic.
    Joining,
    /// It takes work.
    Serving,
    /// It ought to take work and does not answer, but it is too early, or too many at once, to give it up.
    Silent,
    /// It failed, and shall go.
    Broken,
    /// It shall go: it drains, or its deletion was asked for.
    Leaving,
    /// It is none of ours to count: gone, or switched off by somebody.
    Ignored,
}

impl Found {
    /// Whether it counts as an instance of the pool.
    pub(super) fn counts(&self) -> bool {
        matches!(self.standing, Standing::Starting | Standing::Joining | Standing::Serving | Standing::Silent)
    }

    /// Whether a load balancer may have sent it work that it shall finish.
    pub(super) fn has_work(&self) -> bool {
        self.member.as_ref().is_some_and(|member| member.answers)
    }
}

impl Inventory {
    /// Puts together what the cloud said, and notes who does not answer. `members` is `None` without a load balancer.
    pub(super) fn new(
        source: &EcsSource,
        purchase: Purchase,
        tagged: &[TaggedServer],
        servers: Vec<Server>,
        members: Option<&[Member]>,
        memory: &mut FleetMemory,
        now: DateTime<Utc>,
    ) -> Self {
        let protected: BTreeSet<&str> =
            tagged.iter().filter(|server| is_protected(server)).map(|server| server.id.as_str()).collect();
        let memberships = members.map(Memberships::new);
        let current = template::fingerprint(&source.instance_template);
        let mut found: Vec<Found> = servers
            .into_iter()
            .map(|server| {
                let member = memberships.as_ref().and_then(|members| members.of(&server));
                let standing = standing(source, &server, memberships.is_some(), member, memory, now);
                Found {
                    is_protected: protected.contains(server.id.as_str()),
                    is_current: server.tag(template::FINGERPRINT) == Some(&current)
                        && server.is_spot().is_none_or(|spot| spot == (purchase == Purchase::Spot)),
                    member: member.map(|member| Membership {
                        id: member.id.clone(),
                        weight: member.weight,
                        answers: answers(member),
                    }),
                    address: server.private_address().map(str::to_owned),
                    zone: server.zone.clone(),
                    flavor: server.flavor_id().to_owned(),
                    created: server.created,
                    standing,
                    name: server.name,
                    id: server.id,
                }
            })
            .collect();
        doubt_overtaken(&mut found, now);
        let silent = found.iter().filter(|server| server.standing == Standing::Silent);
        let since = |server: &Found| memory.unanswering.get(&server.id).copied().unwrap_or(now);
        let unanswering = silent.map(|server| (server.id.clone(), since(server))).collect();
        give_up_silent(&mut found, &unanswering, now);
        memory.unanswering = unanswering;
        found.sort_by(|left, right| left.id.cmp(&right.id));
        Self { servers: found, pending: BTreeMap::new() }
    }

    /// The server's membership in the load balancer's pool.
    pub(in crate::fleet) fn member_of(&self, server: &str) -> Option<&str> {
        let found = self.servers.iter().find(|found| found.id == server)?;
        found.member.as_ref().map(|member| member.id.as_str())
    }

    /// What the pool has. What was ordered and is not shown yet is starting; what is silent may serve again.
    pub(super) fn capacity(&self) -> Capacity {
        let mut capacity = Capacity { serving: 0, starting: self.pending.values().sum() };
        for server in self.servers.iter().filter(|server| server.counts()) {
            match server.standing {
                Standing::Serving => capacity.serving += 1,
                _ => capacity.starting += 1,
            }
        }
        capacity
    }

    /// How many of those that are counted are among `going`.
    pub(super) fn going(&self, going: &BTreeSet<String>) -> u32 {
        let is_going = |server: &&Found| server.counts() && going.contains(&server.id);
        u32::try_from(self.servers.iter().filter(is_going).count()).unwrap_or(u32::MAX)
    }
}

pub(super) fn is_protected(server: &TaggedServer) -> bool {
    server.tags.iter().any(|tag| tag.key == PROTECTED && tag.value == "true")
}

/// Members by server and by address, whichever the API tells.
struct Memberships<'a> {
    by_server: BTreeMap<&'a str, &'a Member>,
    by_address: BTreeMap<&'a str, &'a Member>,
}

impl<'a> Memberships<'a> {
    fn new(members: &'a [Member]) -> Self {
        Self {
            by_server: members.iter().filter_map(|member| Some((member.instance_id.as_deref()?, member))).collect(),
            by_address: members.iter().map(|member| (member.address.as_str(), member)).collect(),
        }
    }

    fn of(&self, server: &Server) -> Option<&'a Member> {
        let by_address = || self.by_address.get(server.private_address()?);
        self.by_server.get(server.id.as_str()).or_else(by_address).copied()
    }
}

fn answers(member: &Member) -> bool {
    matches!(member.operating_status.as_str(), "ONLINE" | "NO_MONITOR")
}

fn standing(
    source: &EcsSource,
    server: &Server,
    has_balancer: bool,
    member: Option<&Member>,
    memory: &FleetMemory,
    now: DateTime<Utc>,
) -> Standing {
    // A member that was given traffic again has been called back.
    let is_back = member.is_some_and(|member| member.weight > 0);
    if server.is_leaving() {
        return Standing::Ignored;
    }
    if memory.leaving.contains_key(&server.id) && !is_back {
        return Standing::Leaving;
    }
    let age = server.created.map(|created| now - created);
    match server.status {
        ServerStatus::Build if age.is_some_and(|age| age > LONGEST_START) => Standing::Broken,
        ServerStatus::Build | ServerStatus::Reboot | ServerStatus::HardReboot => Standing::Starting,
        ServerStatus::Error => Standing::Broken,
        ServerStatus::Active if !has_balancer => {
            let warm_up = TimeDelta::seconds(i64::from(source.warm_up_seconds));
            let is_warm = server.launched_at.or(server.created).is_none_or(|launched| now - launched >= warm_up);
            if is_warm { Standing::Serving } else { Standing::Starting }
        }
        ServerStatus::Active => match member {
            None => Standing::Joining,
            // Whoever has taken its traffic is not remembered, or the notice did not come true.
            Some(member) if member.weight == 0 && !memory.going.contains(&server.id) => Standing::Joining,
            Some(member) if answers(member) => Standing::Serving,
            Some(_) if age.is_some_and(|age| age <= LONGEST_START) => Standing::Starting,
            Some(_) => Standing::Silent,
        },
        ServerStatus::Deleted | ServerStatus::Shutoff | ServerStatus::Unknown => Standing::Ignored,
    }
}

/// Doubts servers that are still starting where one of the same flavor that was asked for no earlier serves already. Where
/// none does, starts have become slow for all, and a new one would be no faster.
fn doubt_overtaken(found: &mut [Found], now: DateTime<Utc>) {
    let mut newest_serving: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    for server in found.iter().filter(|server| server.standing == Standing::Serving) {
        if let Some(created) = server.created {
            let newest = newest_serving.entry(server.flavor.clone()).or_insert(created);
            *newest = created.max(*newest);
        }
    }
    for server in found.iter_mut().filter(|server| server.standing == Standing::Starting && server.member.is_some()) {
        let was_overtaken = |created| newest_serving.get(&server.flavor).is_some_and(|newest| *newest >= created);
        if server.created.is_some_and(|created| now - created > USUAL_START && was_overtaken(created)) {
            server.standing = Standing::Silent;
        }
    }
}

/// Gives up servers that have been silent for long, unless half of those that should serve are: then it is the service or
/// its health check that fails, and new servers would fail as well.
fn give_up_silent(found: &mut [Found], since: &BTreeMap<String, DateTime<Utc>>, now: DateTime<Utc>) {
    let silent = found.iter().filter(|server| server.standing == Standing::Silent).count();
    let serving = found.iter().filter(|server| server.standing == Standing::Serving).count();
    if silent >= serving {
        return;
    }
    for server in found.iter_mut().filter(|server| server.standing == Standing::Silent) {
        if since.get(&server.id).is_some_and(|since| now - *since >= LONGEST_SILENCE) {
            server.standing = Standing::Broken;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn source(more: &Value) -> EcsSource {
        let mut source = json!({
            "tag": {"key": "pool", "value": "spot"},
            "instance_template": {"flavors": ["first"], "image_id": "i", "vpc_id": "v", "subnet_id": "s"},
        });
        for (name, value) in more.as_object().unwrap() {
            source[name] = value.clone();
        }
        serde_json::from_value(source).unwrap()
    }

    fn server(id: &str, status: &str, minutes: i64) -> Server {
        let created = (now() - TimeDelta::minutes(minutes)).to_rfc3339();
        serde_json::from_value(json!({
            "id": id, "name": id, "status": status, "created": created, "OS-SRV-USG:launched_at": created,
        }))
        .unwrap()
    }

    fn member(server: &str, status: &str, weight: u32) -> Member {
        serde_json::from_value(json!({
            "id": format!("m-{server}"), "address": server, "instance_id": server, "operating_status": status,
            "weight": weight,
        }))
        .unwrap()
    }

    fn standings(
        source: &EcsSource,
        servers: Vec<Server>,
        members: Option<&[Member]>,
        memory: &mut FleetMemory,
        now: DateTime<Utc>,
    ) -> Vec<Standing> {
        let inventory = Inventory::new(source, Purchase::Spot, &[], servers, members, memory, now);
        inventory.servers.iter().map(|server| server.standing).collect()
    }

    #[test]
    fn without_a_load_balancer_a_server_serves_once_it_has_warmed_up() {
        let servers = || ["ACTIVE", "BUILD", "SHUTOFF", "ERROR"].map(|status| server(status, status, 3)).to_vec();
        let memory = &mut FleetMemory::default();
        let at_once = standings(&source(&json!({})), servers(), None, memory, now());
        assert_eq!(at_once, [Standing::Serving, Standing::Starting, Standing::Broken, Standing::Ignored]);
        let warmed = standings(&source(&json!({"warm_up_seconds": 240})), servers(), None, memory, now());
        assert_eq!(warmed[0], Standing::Starting);
    }

    #[test]
    fn a_server_that_is_being_made_for_half_an_hour_has_failed() {
        let servers = vec![server("a", "BUILD", 31)];
        let memory = &mut FleetMemory::default();
        assert_eq!(standings(&source(&json!({})), servers, None, memory, now()), [Standing::Broken]);
    }

    #[test]
    fn one_that_stays_silent_is_given_up_unless_half_of_them_are() {
        let source = source(&json!({"load_balancer_pool_id": "pool"}));
        let servers = || ["a", "b", "c"].map(|id| server(id, "ACTIVE", 120)).to_vec();
        for (silent, expected) in [(1, Standing::Broken), (2, Standing::Silent)] {
            let status = |index| if index < silent { "OFFLINE" } else { "ONLINE" };
            let members: Vec<Member> =
                ["a", "b", "c"].iter().enumerate().map(|(index, id)| member(id, status(index), 1)).collect();
            let memory = &mut FleetMemory::default();
            let look = |memory: &mut _, minutes| {
                standings(&source, servers(), Some(&members), memory, now() + TimeDelta::minutes(minutes))
            };
            assert_eq!(look(memory, 0)[0], Standing::Silent, "not at the first look");
            assert_eq!(look(memory, 5)[0], expected);
        }
    }

    #[test]
    fn a_young_server_may_take_its_time_to_answer() {
        let source = source(&json!({"load_balancer_pool_id": "pool"}));
        let members = [member("a", "OFFLINE", 1)];
        let memory = &mut FleetMemory::default();
        let servers = vec![server("a", "ACTIVE", 10), server("b", "ACTIVE", 1)];
        let found = standings(&source, servers, Some(&members), memory, now());
        assert_eq!(found, [Standing::Starting, Standing::Joining]);
        assert!(memory.unanswering.is_empty());
    }

    #[test]
    fn one_that_does_not_come_is_given_up_sooner_where_a_younger_one_serves() {
        let source = source(&json!({"load_balancer_pool_id": "pool"}));
        let members = [member("late", "OFFLINE", 1), member("old", "ONLINE", 1), member("young", "ONLINE", 1)];
        let at = |age: i64, young: i64| {
            let memory = &mut FleetMemory::default();
            let look = |memory: &mut _, minutes| {
                let servers = [("late", age), ("old", 500), ("young", young)]
                    .map(|(id, age)| server(id, "ACTIVE", age - minutes));
                standings(&source, servers.to_vec(), Some(&members), memory, now())[0]
            };
            (look(memory, 5), {
                memory.unanswering.values_mut().for_each(|since| *since -= TimeDelta::minutes(5));
                look(memory, 0)
            })
        };
        assert_eq!(at(16, 16), (Standing::Silent, Standing::Broken), "asked for together");
        assert_eq!(at(16, 12), (Standing::Silent, Standing::Broken), "asked for later");
        assert_eq!(at(16, 17), (Standing::Starting, Standing::Starting), "starts may have become slow");
        assert_eq!(at(10, 10), (Standing::Starting, Standing::Starting), "it is early yet");
    }

    #[test]
    fn a_server_without_traffic_that_nobody_has_let_go_does_not_serve() {
        let source = source(&json!({"load_balancer_pool_id": "pool"}));
        let memory = &mut FleetMemory::default();
        let members = [member("a", "ONLINE", 0)];
        let look = |memory: &mut FleetMemory| {
            standings(&source, vec![server("a", "ACTIVE", 120)], Some(&members), memory, now())
        };
        assert_eq!(look(memory), [Standing::Joining]);
        memory.going.insert("a".to_owned());
        assert_eq!(look(memory), [Standing::Serving], "what the cloud takes back is counted apart");
    }

    #[test]
    fn a_server_that_leaves_is_back_once_somebody_gives_it_traffic() {
        let source = source(&json!({"load_balancer_pool_id": "pool"}));
        let memory = &mut FleetMemory::default();
        memory.leaving.insert("a".to_owned(), now());
        for (weight, expected) in [(0, Standing::Leaving), (1, Standing::Serving)] {
            let members = [member("a", "ONLINE", weight)];
            let servers = vec![server("a", "ACTIVE", 120)];
            assert_eq!(standings(&source, servers, Some(&members), memory, now()), [expected]);
        }
    }
}
