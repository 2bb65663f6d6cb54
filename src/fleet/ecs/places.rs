//! Where servers can be bought: a flavor in a zone. What failed is left alone for a while.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::EcsSource;
use crate::state::Exhaustion;

/// Stands for every place of a pool: the quota is used up, or the account has no money.
pub(super) const EVERYWHERE: &str = "*";
/// Stands for a zone that the cloud chooses.
const ANY_ZONE: &str = "any";

/// A flavor in a zone. Without a zone the cloud chooses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) zone: Option<&'a str>,
    pub(super) flavor: &'a str,
}

impl Place<'_> {
    /// Its name in the memory of what failed: `zone/flavor`.
    pub(super) fn key(self) -> String {
        format!("{}/{}", self.zone.unwrap_or(ANY_ZONE), self.flavor)
    }
}

/// The places of the most preferred flavor that can be tried now. Empty: nothing can be bought.
pub(super) fn open_places<'a>(
    source: &'a EcsSource,
    exhausted: &BTreeMap<String, Exhaustion>,
    now: DateTime<Utc>,
) -> Vec<Place<'a>> {
    let is_open = |key: &str| exhausted.get(key).is_none_or(|exhaustion| now >= exhaustion.until);
    if !is_open(EVERYWHERE) {
        return Vec::new();
    }
    let places = |flavor: &'a String| -> Vec<Place<'a>> {
        let zones: Vec<Option<&str>> = match source.zones.as_slice() {
            [] => vec![None],
            zones => zones.iter().map(|zone| Some(zone.as_str())).collect(),
        };
        let places = zones.into_iter().map(|zone| Place { zone, flavor });
        places.filter(|place| is_open(&place.key())).collect()
    };
    source.instance_template.flavors.iter().map(places).find(|places| !places.is_empty()).unwrap_or_default()
}

/// A place has failed.
pub(super) fn exhaust(exhausted: &mut BTreeMap<String, Exhaustion>, key: &str, now: DateTime<Utc>) {
    let next = Exhaustion::after(exhausted.get(key).copied(), now);
    tracing::warn!(place = key, until = %next.until, "nothing can be bought here for now");
    exhausted.insert(key.to_owned(), next);
}

/// Spreads `count` over places that have `present` already, so that they come out as even as they can. The first of equals
/// gets one first.
pub(super) fn spread(count: u32, present: &[u32]) -> Vec<u32> {
    let mut shares = vec![0; present.len()];
    let mut after = present.to_vec();
    for _ in 0..count {
        if let Some(emptiest) = emptiest(&after) {
            after[emptiest] = after[emptiest].saturating_add(1);
            shares[emptiest] += 1;
        }
    }
    shares
}

/// The place with the fewest, the first of equals.
pub(super) fn emptiest(present: &[u32]) -> Option<usize> {
    (0..present.len()).min_by_key(|&index| present[index])
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn source(zones: &[&str], flavors: &[&str]) -> EcsSource {
        serde_json::from_value(serde_json::json!({
            "tag": {"key": "pool", "value": "spot"}, "zones": zones,
            "instance_template": {"flavors": flavors, "image_id": "i", "vpc_id": "v", "subnet_id": "s"},
        }))
        .unwrap()
    }

    fn keys(places: &[Place<'_>]) -> Vec<String> {
        places.iter().map(|place| place.key()).collect()
    }

    #[test]
    fn the_next_flavor_is_tried_when_the_preferred_one_is_sold_out_in_every_zone() {
        let source = source(&["a", "b"], &["first", "second"]);
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let mut exhausted = BTreeMap::new();
        assert_eq!(keys(&open_places(&source, &exhausted, now)), ["a/first", "b/first"]);
        exhaust(&mut exhausted, "a/first", now);
        assert_eq!(keys(&open_places(&source, &exhausted, now)), ["b/first"]);
        exhaust(&mut exhausted, "b/first", now);
        assert_eq!(keys(&open_places(&source, &exhausted, now)), ["a/second", "b/second"]);
        let later = now + TimeDelta::minutes(3);
        assert_eq!(keys(&open_places(&source, &exhausted, later)), ["a/first", "b/first"]);
        exhaust(&mut exhausted, EVERYWHERE, later);
        assert!(open_places(&source, &exhausted, later).is_empty());
    }

    #[test]
    fn without_zones_the_cloud_chooses() {
        let source = source(&[], &["first"]);
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let places = open_places(&source, &BTreeMap::new(), now);
        assert_eq!(keys(&places), ["any/first"]);
    }

    proptest! {
        #[test]
        fn what_is_spread_is_all_there_and_no_place_that_got_some_is_ahead(
            count in 0u32..60, present in prop::collection::vec(0u32..30, 1..6),
        ) {
            let shares = spread(count, &present);
            prop_assert_eq!(shares.iter().sum::<u32>(), count);
            let after: Vec<u32> = present.iter().zip(&shares).map(|(present, share)| present + share).collect();
            for (place, share) in after.iter().zip(&shares) {
                prop_assert!(*share == 0 || *place <= after.iter().min().unwrap() + 1);
            }
        }
    }
}
