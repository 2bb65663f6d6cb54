//! Who goes when a pool shrinks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Found, Inventory, Standing};
use crate::model::EcsSource;

/// What speaks for letting a server go, the strongest reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The cloud takes it back anyway.
    Going,
    /// It does not serve yet.
    Starting,
    /// It does not answer.
    Silent,
    /// Somebody has taken its traffic away.
    Drained,
    /// It was made of another template, or is bought in another way.
    Outdated,
    /// None in particular.
    Surplus,
}

/// The `count` servers that shall go, or fewer if the others are protected. Among equals those of the least preferred
/// flavor go first, then those of the fullest zone, then the oldest.
pub(super) fn choose<'a>(
    inventory: &'a Inventory,
    source: &EcsSource,
    going: &BTreeSet<String>,
    count: u32,
) -> Vec<&'a Found> {
    let flavors = &source.instance_template.flavors;
    let preference =
        |server: &Found| flavors.iter().position(|flavor| *flavor == server.flavor).unwrap_or(flavors.len());
    let staying = || inventory.servers.iter().filter(|server| server.counts());
    let mut zones: BTreeMap<&str, u32> = BTreeMap::new();
    for server in staying() {
        *zones.entry(&server.zone).or_default() += 1;
    }
    let mut candidates: Vec<&Found> = staying().filter(|server| !server.is_protected).collect();
    let mut chosen = Vec::new();
    for _ in 0..count {
        let key = |server: &Found| {
            let crowd = zones.get(server.zone.as_str()).copied();
            (reason(server, going), Reverse(preference(server)), Reverse(crowd), server.created)
        };
        // The first of equals, which is that with the smallest id.
        let Some(index) = (0..candidates.len()).min_by_key(|&index| key(candidates[index])) else { break };
        let victim = candidates.remove(index);
        if let Some(crowd) = zones.get_mut(victim.zone.as_str()) {
            *crowd -= 1;
        }
        chosen.push(victim);
    }
    chosen
}

fn reason(server: &Found, going: &BTreeSet<String>) -> Reason {
    match server.standing {
        _ if going.contains(&server.id) => Reason::Going,
        Standing::Starting | Standing::Joining => Reason::Starting,
        Standing::Silent => Reason::Silent,
        _ if server.member.as_ref().is_some_and(|member| member.weight == 0) => Reason::Drained,
        _ if !server.is_current => Reason::Outdated,
        _ => Reason::Surplus,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn server(id: &str, zone: &str) -> Found {
        Found {
            id: id.to_owned(),
            name: id.to_owned(),
            zone: zone.to_owned(),
            flavor: "first".to_owned(),
            created: DateTime::from_timestamp(1_790_000_000, 0),
            address: None,
            standing: Standing::Serving,
            is_protected: false,
            is_current: true,
            member: None,
        }
    }

    fn source() -> EcsSource {
        serde_json::from_value(serde_json::json!({
            "tag": {"key": "pool", "value": "spot"},
            "instance_template":
                {"flavors": ["first", "second"], "image_id": "i", "vpc_id": "v", "subnet_id": "s"},
        }))
        .unwrap()
    }

    fn ids(servers: Vec<Found>, going: &[&str], count: u32) -> Vec<String> {
        let inventory = Inventory { servers, ..Inventory::default() };
        let going = going.iter().map(|id| (*id).to_owned()).collect();
        choose(&inventory, &source(), &going, count).iter().map(|server| server.id.clone()).collect()
    }

    #[test]
    fn reasons_come_in_their_order() {
        let servers = vec![
            server("a-surplus", "a"),
            Found { is_current: false, ..server("b-outdated", "a") },
            Found { standing: Standing::Silent, ..server("c-silent", "a") },
            server("d-going", "a"),
            Found { standing: Standing::Starting, ..server("e-starting", "a") },
            Found { flavor: "second".to_owned(), ..server("f-second-choice", "a") },
        ];
        let expected = ["d-going", "e-starting", "c-silent", "b-outdated", "f-second-choice", "a-surplus"];
        assert_eq!(ids(servers, &["d-going"], 6), expected);
    }

    #[test]
    fn the_fullest_zone_loses_first_and_zones_stay_even() {
        let servers = ["a", "a", "a", "b", "c", "c"];
        let servers: Vec<Found> =
            servers.iter().enumerate().map(|(number, zone)| server(&format!("{number}"), zone)).collect();
        assert_eq!(ids(servers, &[], 3), ["0", "1", "4"]);
    }

    #[test]
    fn the_protected_stay_and_those_that_leave_are_not_chosen_again() {
        let servers = vec![
            Found { is_protected: true, ..server("a", "a") },
            Found { standing: Standing::Leaving, ..server("b", "a") },
            server("c", "a"),
        ];
        assert_eq!(ids(servers, &[], 3), ["c"]);
    }
}
