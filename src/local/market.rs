//! What can be bought where, and spot servers that are taken back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::model::{Minute, Purchase};

use super::identifiers::identifier;
use super::instance::InstanceKey;
use super::spot_trace::SpotTrace;
use super::state::State;

/// Stock by zone.
#[derive(Debug, Default)]
pub(super) struct Market {
    /// Flavors that are sold out in a zone, for every kind of purchase.
    pub(super) sold_out: BTreeSet<(String, String)>,
    /// Most spot servers of a zone; unlimited where it isn't named.
    pub(super) spot_capacity: BTreeMap<String, u32>,
    /// Spot servers that were taken back so far.
    pub(super) reclaimed: u64,
}

impl State {
    /// Spot servers that can still be bought in a zone.
    pub(super) fn spot_left(&self, zone: &str) -> u32 {
        let capacity = self.market.spot_capacity.get(zone).copied().unwrap_or(u32::MAX);
        capacity.saturating_sub(self.spot_in(zone).count() as u32)
    }

    /// Spot servers of a zone that nobody is about to take back, oldest first.
    fn spot_in<'a>(&'a self, zone: &'a str) -> impl Iterator<Item = InstanceKey> + 'a {
        self.instances
            .iter()
            .filter(move |(_, it)| {
                it.purchase == Purchase::Spot && it.zone == zone && it.is_paid() && it.reclaim_at.is_none()
            })
            .map(|(&key, _)| key)
    }

    /// Sets how many spot servers a zone has room for. What is over is given notice, newest first.
    pub(super) fn set_spot_capacity(&mut self, zone: &str, capacity: u32) {
        self.market.spot_capacity.insert(zone.to_owned(), capacity);
        let present: Vec<InstanceKey> = self.spot_in(zone).collect();
        for &key in present.iter().skip(capacity as usize).rev() {
            self.give_notice(key);
        }
        self.settle();
    }

    /// Tells that a spot server will be taken back, by the trace that the cloud writes then.
    pub(super) fn give_notice(&mut self, key: InstanceKey) {
        let (now, notice) = (self.now, i64::from(self.settings.reclaim_notice_minutes));
        let Some(instance) = self.instances.get_mut(&key) else {
            return;
        };
        instance.reclaim_at = Some(now + notice);
        self.market.reclaimed += 1;
        let time_ms = now.0 * 60_000;
        let trace = json!({
            "time": time_ms,
            "user": {"name": "demo", "id": "demo", "domain": {"name": "demo", "id": "demo"}},
            "request": {},
            "response": {},
            "code": 200,
            "service_type": "ECS",
            "resource_type": "server",
            "resource_name": instance.name,
            "resource_id": instance.id,
            "source_ip": "",
            "trace_name": "interruptServer",
            "trace_type": "SystemAction",
            "trace_rating": "warning",
            "api_version": "",
            "record_time": time_ms,
            "trace_id": identifier(&["trace", &self.market.reclaimed.to_string()]),
            "trace_status": "warning",
        });
        self.outbox.trace(trace, now);
    }

    /// The zone in which a server can be bought now: the asked one, else the first that has any.
    pub(super) fn zone_for(&self, flavor: &str, purchase: Purchase, asked: Option<&str>) -> Option<String> {
        let zones: Vec<&String> =
            self.settings.zones.iter().filter(|zone| asked.is_none_or(|asked| asked == *zone)).collect();
        let open = |zone: &&String| {
            !self.market.sold_out.contains(&(flavor.to_owned(), (*zone).clone()))
                && (purchase == Purchase::OnDemand || self.spot_left(zone) > 0)
        };
        zones.into_iter().find(open).cloned()
    }

    /// Follows a trace whose start is the minute `from`.
    pub(super) fn follow(&mut self, trace: &SpotTrace, from: Minute) {
        for (zone, capacity) in trace.at(self.now - from) {
            self.set_spot_capacity(zone, capacity);
        }
    }
}
