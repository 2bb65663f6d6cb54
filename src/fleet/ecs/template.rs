//! From a pool's template to an order of servers.

use sha2::{Digest, Sha256};

use super::places::Place;
use super::series::Series;
use crate::clients::ecs::{NewServers, Spot};
use crate::model::{EcsSource, InstanceTemplate, Pool, Purchase, Tag};
use crate::state::FleetMemory;

/// Tag that tells of which template a server was made.
pub(super) const FINGERPRINT: &str = "autoscaler_template";
/// Most servers of one order; the API's limit.
pub(super) const LARGEST_ORDER: u32 = 100;

/// An order of `count` servers, before it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) place: Place<'a>,
    pub(super) number: u32,
    pub(super) count: u32,
}

/// What identifies a template: servers with another one are of an older configuration. Flavors are told apart by
/// themselves, and tags do not matter.
pub(super) fn fingerprint(template: &InstanceTemplate) -> String {
    let matters = (
        &template.image_id,
        (&template.vpc_id, &template.subnet_id, &template.security_group_id),
        (&template.key_pair_name, &template.user_data),
        (&template.root_volume_type, template.root_volume_size_gib),
    );
    // Its text must not change with the compiler: it is compared with tags of servers that may be months old.
    hex::encode(&digest(&[&serde_json::json!(matters).to_string()])[..6])
}

/// An order of one server as the pool places its first one: of the first flavor, in the first zone.
pub fn first_order(pool: &Pool, source: &EcsSource) -> NewServers {
    let zone = source.zones.first().map(String::as_str);
    let flavor = source.instance_template.flavors.first().map_or("", String::as_str);
    let wish = Wish { place: Place { zone, flavor }, number: 1, count: 1 };
    order(pool, source, Series::of(pool, source, &FleetMemory::default()), wish)
}

/// The order itself.
pub(super) fn order(pool: &Pool, source: &EcsSource, series: Series<'_>, wish: Wish<'_>) -> NewServers {
    let template = &source.instance_template;
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let mut tags = vec![source.tag.clone(), tag(FINGERPRINT, &fingerprint(template))];
    let own = template.tags.iter().filter(|(key, _)| **key != source.tag.key && *key != FINGERPRINT);
    tags.extend(own.map(|(key, value)| tag(key, value)));
    NewServers {
        name: series.name(wish.number),
        count: wish.count,
        flavor_id: wish.place.flavor.to_owned(),
        image_id: template.image_id.clone(),
        vpc_id: template.vpc_id.clone(),
        subnet_id: template.subnet_id.clone(),
        security_group_id: template.security_group_id.clone(),
        key_pair_name: template.key_pair_name.clone(),
        user_data: template.user_data.clone(),
        root_volume_type: template.root_volume_type.clone(),
        root_volume_size_gib: template.root_volume_size_gib,
        zone: wish.place.zone.map(str::to_owned),
        spot: (pool.purchase == Purchase::Spot)
            .then_some(Spot { price_per_hour: template.spot_price, interruption_policy: template.interruption_policy }),
        tags,
    }
}

pub(super) fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        serde_json::from_value(serde_json::json!({
            "name": "spot", "purchase": "spot", "price_per_hour": 0.2,
            "fleet": {"ecs": {
                "tag": {"key": "pool", "value": "inference-spot"},
                "instance_template": {
                    "flavors": ["c7.large.2"], "image_id": "image", "vpc_id": "vpc", "subnet_id": "subnet",
                    "user_data": "#!/bin/sh", "spot_price": 0.25, "interruption_policy": "immediate",
                    "tags": {"team": "ml", "pool": "stolen"},
                },
            }},
        }))
        .unwrap()
    }

    fn source(pool: &Pool) -> &EcsSource {
        match &pool.fleet {
            crate::model::FleetSource::Ecs(source) => source,
            crate::model::FleetSource::AsGroup(_) => unreachable!("the pool above"),
        }
    }

    #[test]
    fn an_order_is_made_of_the_template_and_marked_as_the_pools() {
        let (pool, memory) = (pool(), FleetMemory::default());
        let wish = Wish { place: Place { zone: Some("a"), flavor: "c7.large.2" }, number: 7, count: 3 };
        let order = order(&pool, source(&pool), Series::of(&pool, source(&pool), &memory), wish);
        assert_eq!((order.name.as_str(), order.count, order.zone.as_deref()), ("spot-0-7", 3, Some("a")));
        assert_eq!(order.spot.and_then(|spot| spot.price_per_hour), Some(0.25));
        let tags: Vec<(&str, &str)> = order.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let fingerprint = fingerprint(&source(&pool).instance_template);
        assert_eq!(tags, [("pool", "inference-spot"), (FINGERPRINT, fingerprint.as_str()), ("team", "ml")]);
    }

    #[test]
    fn what_doctor_tries_is_what_the_pool_would_order() {
        let (pool, memory) = (pool(), FleetMemory::default());
        let wish = Wish { place: Place { zone: None, flavor: "c7.large.2" }, number: 1, count: 1 };
        let first = order(&pool, source(&pool), Series::of(&pool, source(&pool), &memory), wish);
        assert_eq!(first_order(&pool, source(&pool)), first);
    }

    #[test]
    fn another_image_is_another_configuration_and_another_flavor_is_not() {
        let mut template = source(&pool()).instance_template.clone();
        let before = fingerprint(&template);
        assert_eq!(before, "755493feef0d", "servers carry it for months");
        template.flavors.push("c7.xlarge.2".to_owned());
        assert_eq!(fingerprint(&template), before);
        template.image_id = "newer".to_owned();
        assert_ne!(fingerprint(&template), before);
    }
}
