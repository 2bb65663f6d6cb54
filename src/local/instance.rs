//! One server of the region, from being asked for until an hour after its end.

use std::collections::BTreeMap;

use crate::model::{Minute, Purchase};

/// Minutes for which the metrics of an ended instance can still be read.
pub(super) const METRICS_OUTLIVE_MINUTES: i64 = 60;

/// Key of an instance within the region; a later one is greater.
pub(super) type InstanceKey = u64;

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) name: String,
    /// Index of the workload whose load it shares; `None`: it serves nobody.
    pub(super) workload: Option<usize>,
    /// The Auto Scaling group that it belongs to.
    pub(super) scaling_group: Option<String>,
    pub(super) flavor: String,
    pub(super) zone: String,
    pub(super) purchase: Purchase,
    pub(super) asked: Minute,
    pub(super) ready_at: Minute,
    pub(super) phase: Phase,
    pub(super) protected: bool,
    pub(super) healthy: bool,
    /// Added by hand: Auto Scaling removes it and never deletes it.
    pub(super) added_by_hand: bool,
    pub(super) tags: BTreeMap<String, String>,
    /// Becomes a member of the load balancer's pool by itself.
    pub(super) joins_by_itself: bool,
    /// Share of the load balancer's traffic; `None`: no member of its pool.
    pub(super) weight: Option<u32>,
    /// The minute at which a spot server will be taken back.
    pub(super) reclaim_at: Option<Minute>,
    /// Minutes in which it served: from, and the first one after.
    served: Vec<(Minute, Option<Minute>)>,
    pub(super) ended: Option<Minute>,
}

/// What an instance is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Asked for, does not serve yet.
    Starting,
    /// Started, held by a lifecycle hook.
    StartingHeld,
    /// Takes work.
    Serving,
    /// Runs, gets no traffic.
    Drained,
    /// Runs, taken out of service.
    Standby,
    /// Out of service, held by a lifecycle hook before its end.
    EndingHeld,
    /// Runs outside every group.
    Detached,
    /// Stopped, and kept.
    Stopped,
    /// Gone.
    Ended,
}

/// What is wanted of a new instance.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) name: String,
    pub(super) workload: Option<usize>,
    pub(super) scaling_group: Option<String>,
    pub(super) flavor: String,
    pub(super) zone: String,
    pub(super) purchase: Purchase,
    pub(super) tags: BTreeMap<String, String>,
    /// Becomes a member of the load balancer's pool by itself.
    pub(super) joins_by_itself: bool,
}

impl Instance {
    pub(super) fn new(id: String, launch: Launch, asked: Minute, lead_minutes: i64) -> Self {
        Self {
            id,
            name: launch.name,
            workload: launch.workload,
            scaling_group: launch.scaling_group,
            flavor: launch.flavor,
            zone: launch.zone,
            purchase: launch.purchase,
            asked,
            ready_at: asked + lead_minutes,
            phase: Phase::Starting,
            protected: false,
            healthy: true,
            added_by_hand: false,
            tags: launch.tags,
            joins_by_itself: launch.joins_by_itself,
            weight: launch.joins_by_itself.then_some(1),
            reclaim_at: None,
            served: Vec::new(),
            ended: None,
        }
    }

    /// Changes what it is doing from `now` on, and keeps the minutes in which it serves.
    pub(super) fn enter(&mut self, phase: Phase, now: Minute) {
        if self.phase == Phase::Serving
            && phase != Phase::Serving
            && let Some((_, until)) = self.served.last_mut()
        {
            *until = Some(now);
        }
        if phase == Phase::Serving && self.phase != Phase::Serving {
            self.served.push((now, None));
        }
        if phase == Phase::Ended {
            self.ended = Some(now);
        }
        self.phase = phase;
    }

    /// What it does once it runs: it serves if it gets traffic.
    pub(super) fn running_phase(&self) -> Phase {
        if self.weight.is_some_and(|weight| weight > 0) { Phase::Serving } else { Phase::Drained }
    }

    /// Whether it runs as a member of its group, with or without traffic.
    pub(super) fn is_in_service(&self) -> bool {
        matches!(self.phase, Phase::Serving | Phase::Drained)
    }

    /// Private address.
    pub(super) fn address(key: InstanceKey) -> String {
        format!("10.{}.{}.{}", key >> 16 & 0xff, key >> 8 & 0xff, key & 0xff)
    }

    /// Whether it took work during that minute.
    pub(super) fn served_in(&self, minute: Minute) -> bool {
        self.served.iter().any(|&(from, until)| from <= minute && until.is_none_or(|until| minute < until))
    }

    /// Whether it is paid for.
    pub(super) fn is_paid(&self) -> bool {
        !matches!(self.phase, Phase::Ended | Phase::Stopped)
    }

    /// The cloud's name for what it is doing, as a member of an Auto Scaling group.
    pub(super) fn life_cycle_state(&self) -> &'static str {
        match self.phase {
            Phase::Starting => "PENDING",
            Phase::StartingHeld => "PENDING_WAIT",
            Phase::Serving | Phase::Drained => "INSERVICE",
            Phase::Standby | Phase::Stopped | Phase::Detached => "STANDBY",
            Phase::EndingHeld => "REMOVING_WAIT",
            Phase::Ended => "REMOVING",
        }
    }

    /// The cloud's name for what it is doing, as a server: built within its first minute, whatever it loads afterwards.
    pub(super) fn server_status(&self, now: Minute) -> &'static str {
        match self.phase {
            Phase::Starting if now <= self.asked => "BUILD",
            Phase::Stopped => "SHUTOFF",
            Phase::Ended => "DELETED",
            _ => "ACTIVE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_reports_for_the_minutes_in_which_it_served() {
        let launch = Launch {
            name: "a".to_owned(),
            workload: None,
            scaling_group: None,
            flavor: String::new(),
            zone: String::new(),
            purchase: Purchase::OnDemand,
            tags: BTreeMap::new(),
            joins_by_itself: true,
        };
        let mut instance = Instance::new("id".to_owned(), launch, Minute(0), 2);
        instance.enter(Phase::Serving, Minute(2));
        instance.enter(Phase::Standby, Minute(5));
        instance.enter(Phase::Serving, Minute(7));
        instance.enter(Phase::Ended, Minute(9));
        let reported: Vec<i64> = (0..12).filter(|&minute| instance.served_in(Minute(minute))).collect();
        assert_eq!(reported, [2, 3, 4, 7, 8]);
    }
}
