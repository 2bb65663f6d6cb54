//! The region without a network, for tests that run handlers in one process.

use std::sync::Arc;

use axum::Router;

use super::Region;
use super::instance::Phase;
use super::server::router;
use super::state::State;
use crate::model::Tag;

/// How many servers a pool has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Servers that are to stay.
    pub(crate) staying: u32,
    /// Spot servers that had their notice.
    pub(crate) going: u32,
}

impl Region {
    /// Answers the region's APIs.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        router(Arc::clone(self))
    }

    /// Begins anew: no minute has passed.
    pub(crate) fn reset(&self) {
        *self.lock() = State::new(self.settings().clone());
    }

    /// The desired number of an Auto Scaling group.
    pub(crate) fn desired(&self, group: &str) -> u32 {
        self.lock().groups[group].desired
    }

    /// The servers that carry a tag and get traffic, or will.
    pub(crate) fn held(&self, tag: &Tag) -> Held {
        let state = self.lock();
        let mut held = Held::default();
        for instance in state.instances.values() {
            let is_there = instance.phase != Phase::Ended && instance.tags.get(&tag.key) == Some(&tag.value);
            match instance.reclaim_at {
                _ if !is_there || instance.weight == Some(0) => {}
                Some(_) => held.going += 1,
                None => held.staying += 1,
            }
        }
        held
    }

    /// Gives notice to the newest spot servers of a zone, as far as there are any.
    pub(crate) fn take_back(&self, zone: &str, count: u32) {
        let mut state = self.lock();
        let before = state.market.spot_capacity.get(zone).copied();
        let present = u32::MAX - {
            state.market.spot_capacity.insert(zone.to_owned(), u32::MAX);
            state.spot_left(zone)
        };
        state.set_spot_capacity(zone, present.saturating_sub(count));
        state.market.spot_capacity.insert(zone.to_owned(), before.unwrap_or(u32::MAX));
    }
}
