//! The orders of a pool are numbered. Whoever wants more servers takes the lowest numbers that are free, and the number
//! alone makes the order's token: of all who order number 7 at the same time, the cloud carries out the first. The others
//! get the same servers as the answer, or hear that the token is taken. So servers are claimed where they are bought, and
//! functions that want different numbers of servers have the largest of these numbers bought, not their sum.
//!
//! A number is used once: it stands in the servers' names, and what was seen of it is remembered.

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

use super::template::digest;
use crate::model::{EcsSource, Pool};
use crate::state::FleetMemory;

/// Longest part of a pool's name in the names of its servers: the whole may have 64 characters.
const LONGEST_NAME: usize = 40;

/// A pool's orders since that time; before the first evaluation has ended, since ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    pool: &'a Pool,
    source: &'a EcsSource,
    began: Option<DateTime<Utc>>,
}

impl<'a> Series<'a> {
    pub(super) fn of(pool: &'a Pool, source: &'a EcsSource, memory: &FleetMemory) -> Self {
        Self { pool, source, began: memory.series }
    }

    /// The token of an order.
    pub(super) fn token(self, number: u32) -> Uuid {
        let began = self.began.map(|began| began.timestamp().to_string()).unwrap_or_default();
        let digest = digest(&[&self.source.tag.key, &self.source.tag.value, &began, &number.to_string()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// The name of an order's server; of several servers, what their names begin with.
    pub(super) fn name(self, number: u32) -> String {
        format!("{}{number}", self.beginning())
    }

    /// The number of the order that a server of that name was made by, if it is one of this series.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        name.strip_prefix(&self.beginning())?.split('-').next()?.parse().ok()
    }

    fn beginning(self) -> String {
        let pool: String = self.pool.name.chars().take(LONGEST_NAME).collect();
        let began = self.began.map_or_else(|| "0".to_owned(), |began| began.format("%m%d%H%M%S").to_string());
        format!("{pool}-{began}-")
    }
}

/// The lowest numbers that are free.
pub(super) fn free(memory: &FleetMemory) -> impl Iterator<Item = u32> + '_ {
    (1..).filter(|number| !memory.numbers.contains(number))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn pool(name: &str) -> Pool {
        serde_json::from_value(serde_json::json!({
            "name": name, "purchase": "spot", "price_per_hour": 0.2,
            "fleet": {"ecs": {
                "tag": {"key": "pool", "value": format!("inference-{name}")},
                "instance_template": {
                    "flavors": ["c7.large.2"], "image_id": "image", "vpc_id": "vpc", "subnet_id": "subnet",
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

    fn since(began: Option<DateTime<Utc>>) -> FleetMemory {
        FleetMemory { series: began, ..FleetMemory::default() }
    }

    #[test]
    fn a_number_has_one_token_in_its_series_and_pool() {
        let (spot, other) = (pool("spot"), pool("other"));
        let began = DateTime::from_timestamp(1_790_000_400, 0).unwrap();
        let token = |pool: &Pool, began, number| Series::of(pool, source(pool), &since(began)).token(number);
        let first = token(&spot, Some(began), 7);
        assert_eq!(first, token(&spot, Some(began), 7));
        assert_eq!(first.get_version_num(), 4);
        let others = [
            token(&spot, Some(began), 8),
            token(&other, Some(began), 7),
            token(&spot, None, 7),
            token(&spot, Some(began + TimeDelta::hours(1)), 7),
        ];
        assert!(others.iter().all(|other| *other != first));
    }

    #[test]
    fn a_server_tells_its_number_by_its_name() {
        let spot = pool("spot-for-nights");
        let memory = since(DateTime::from_timestamp(1_790_000_400, 0));
        let series = Series::of(&spot, source(&spot), &memory);
        assert_eq!(series.name(12), "spot-for-nights-0921142000-12");
        assert_eq!(series.number(&series.name(12)), Some(12));
        assert_eq!(series.number("spot-for-nights-0921142000-12-0003"), Some(12), "one of several of an order");
        let strange = ["spot-for-nights-0-12", "spot-for-nights", "spot-for-nights-0921142000-x", ""];
        assert!(strange.iter().all(|name| series.number(name).is_none()));
    }

    #[test]
    fn the_lowest_free_numbers_come_first() {
        let memory = FleetMemory { numbers: [1, 2, 4].into(), ..FleetMemory::default() };
        assert_eq!(free(&memory).take(3).collect::<Vec<_>>(), [3, 5, 6]);
    }
}
