//! From a pool's template to an order of servers. The same wish makes the same order, so that sent twice it is carried out
//! once.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::places::Place;
use crate::clients::ecs::{NewServers, Spot};
use crate::model::{EcsSource, InstanceTemplate, Pool, Purchase, Tag};

/// Tag that tells of which template a server was made.
pub(super) const FINGERPRINT: &str = "autoscaler_template";
/// Most servers of one order; the API's limit.
pub(super) const LARGEST_ORDER: u32 = 100;
/// Wishes that are alike are one order within so many seconds; the API forgets tokens after eight hours.
const WINDOW_SECONDS: i64 = 600;
/// Longest part of a pool's name in the names of its servers: the whole may have 64 characters.
const LONGEST_NAME: usize = 40;

/// That a place shall have `to` servers instead of `from`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) place: Place<'a>,
    pub(super) from: u32,
    pub(super) to: u32,
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
    hex::encode(&digest(&[&format!("{matters:?}")])[..6])
}

/// The token of a wish. `changed` is when the pool's servers were last changed by an order that was recorded: a wish that
/// comes up again after that is a new one.
pub(super) fn token(source: &EcsSource, wish: Wish<'_>, changed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Uuid {
    let digest = digest(&[
        &source.tag.key,
        &source.tag.value,
        &wish.place.key(),
        &wish.from.to_string(),
        &wish.to.to_string(),
        &changed.map(|changed| changed.timestamp().to_string()).unwrap_or_default(),
        &now.timestamp().div_euclid(WINDOW_SECONDS).to_string(),
    ]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// The token of a wish that has come up again after `token` made the order `job`, whose servers are counted already. It is
/// the same for whoever finds that.
pub(super) fn token_after(token: &Uuid, job: &str) -> Uuid {
    let digest = digest(&[&token.to_string(), job]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// What the names of an order's servers begin with.
pub(super) fn name(pool: &Pool, token: &Uuid) -> String {
    let pool: String = pool.name.chars().take(LONGEST_NAME).collect();
    format!("{pool}-{}", &token.simple().to_string()[..8])
}

/// The order itself.
pub(super) fn order(pool: &Pool, source: &EcsSource, wish: Wish<'_>, token: &Uuid) -> NewServers {
    let template = &source.instance_template;
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    let mut tags = vec![source.tag.clone(), tag(FINGERPRINT, &fingerprint(template))];
    let own = template.tags.iter().filter(|(key, _)| **key != source.tag.key && *key != FINGERPRINT);
    tags.extend(own.map(|(key, value)| tag(key, value)));
    NewServers {
        name: name(pool, token),
        count: wish.to - wish.from,
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

fn digest(parts: &[&str]) -> [u8; 32] {
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

    fn wish(from: u32, to: u32) -> Wish<'static> {
        Wish { place: Place { zone: Some("a"), flavor: "c7.large.2" }, from, to }
    }

    #[test]
    fn the_same_wish_has_the_same_token_and_another_has_another() {
        let pool = pool();
        let now = DateTime::from_timestamp(1_790_000_400, 0).unwrap();
        let later = now + chrono::TimeDelta::seconds(90);
        let token = |wish, changed, now| token(source(&pool), wish, changed, now);
        let first = token(wish(2, 5), None, now);
        assert_eq!(first, token(wish(2, 5), None, later), "a minute later it is still the same wish");
        assert_eq!(first.get_version_num(), 4);
        let other_zone = Wish { place: Place { zone: Some("b"), flavor: "c7.large.2" }, ..wish(2, 5) };
        let others = [
            token(wish(2, 6), None, now),
            token(wish(3, 5), None, now),
            token(other_zone, None, now),
            token(wish(2, 5), Some(now), now),
            token(wish(2, 5), None, now + chrono::TimeDelta::hours(1)),
        ];
        assert!(others.iter().all(|other| *other != first));
        assert_ne!(token_after(&first, "job-1"), first);
        assert_ne!(token_after(&first, "job-1"), token_after(&first, "job-2"));
    }

    #[test]
    fn an_order_is_made_of_the_template_and_marked_as_the_pools() {
        let pool = pool();
        let order = order(&pool, source(&pool), wish(2, 5), &Uuid::nil());
        assert_eq!((order.name.as_str(), order.count, order.zone.as_deref()), ("spot-00000000", 3, Some("a")));
        assert_eq!(order.spot.and_then(|spot| spot.price_per_hour), Some(0.25));
        let tags: Vec<(&str, &str)> = order.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let fingerprint = fingerprint(&source(&pool).instance_template);
        assert_eq!(tags, [("pool", "inference-spot"), (FINGERPRINT, fingerprint.as_str()), ("team", "ml")]);
    }

    #[test]
    fn another_image_is_another_configuration_and_another_flavor_is_not() {
        let mut template = source(&pool()).instance_template.clone();
        let before = fingerprint(&template);
        template.flavors.push("c7.xlarge.2".to_owned());
        assert_eq!(fingerprint(&template), before);
        template.image_id = "newer".to_owned();
        assert_ne!(fingerprint(&template), before);
    }
}
