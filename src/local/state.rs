//! Everything the region knows, and how a minute passes over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clients::Credentials;
use crate::model::{Minute, Purchase};
use crate::queueing::{MinuteOutcome, SimulatedGroup};

use super::alarms::Alarms;
use super::calls::Calls;
use super::custom_metrics::CustomMetrics;
use super::events::Outbox;
use super::faults::{Faults, LaunchFault, LaunchRequest, NoFaults};
use super::identifiers::Identifiers;
use super::instance::{Instance, InstanceKey, Launch, METRICS_OUTLIVE_MINUTES, Phase};
use super::jobs::Jobs;
use super::language_model::Script;
use super::market::Market;
use super::scaling_group::ScalingGroup;
use super::scaling_policy::ScalingPolicy;
use super::settings::{PoolSettings, RegionSettings, WorkloadSettings};

/// What happened to a workload in one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlayedMinute {
    /// The minute.
    pub minute: Minute,
    /// The load that was offered, in work per second.
    pub load_per_second: f64,
    /// What became of it.
    pub outcome: MinuteOutcome,
    /// Instances asked for since the minute before was played, cancelled ones included.
    pub started: u32,
    /// How many of [`MinuteOutcome::total`] were spot.
    pub spot: u32,
}

/// The region's memory.
#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: RegionSettings,
    pub(super) now: Minute,
    pub(super) identifiers: Identifiers,
    pub(super) workloads: Vec<Workload>,
    pub(super) groups: BTreeMap<String, ScalingGroup>,
    pub(super) instances: BTreeMap<InstanceKey, Instance>,
    keys: BTreeMap<String, InstanceKey>,
    pub(super) custom_metrics: CustomMetrics,
    pub(super) calls: Calls,
    pub(super) jobs: Jobs,
    pub(super) market: Market,
    pub(super) outbox: Outbox,
    pub(super) alarms: Alarms,
    pub(super) model: Script,
    pub(super) policies: BTreeMap<String, ScalingPolicy>,
    pub(super) faults: Arc<dyn Faults>,
    /// Keys that are let in.
    pub(super) keys_let_in: Vec<Credentials>,
}

/// A load and the instances that share it.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) settings: WorkloadSettings,
    pub(super) load_balancer_id: String,
    pub(super) load_balancer_pool_id: String,
    pub(super) members: BTreeSet<InstanceKey>,
    pub(super) played: Vec<PlayedMinute>,
    group: SimulatedGroup,
    started: u32,
}

impl Workload {
    fn new(settings: WorkloadSettings) -> Self {
        Self {
            load_balancer_id: settings.load_balancer_id(),
            load_balancer_pool_id: settings.load_balancer_pool_id(),
            members: BTreeSet::new(),
            played: Vec::new(),
            group: SimulatedGroup::new(settings.model, 0),
            started: 0,
            settings,
        }
    }

    /// What happened in that minute, if it was played.
    pub(super) fn at(&self, minute: Minute) -> Option<&PlayedMinute> {
        let first = self.played.first()?.minute;
        self.played.get(usize::try_from(minute - first).ok()?)
    }
}

impl State {
    pub(super) fn new(settings: RegionSettings) -> Self {
        let mut state = Self {
            now: settings.start,
            identifiers: Identifiers::default(),
            workloads: settings.workloads.iter().cloned().map(Workload::new).collect(),
            groups: BTreeMap::new(),
            instances: BTreeMap::new(),
            keys: BTreeMap::new(),
            custom_metrics: CustomMetrics::default(),
            calls: Calls::default(),
            jobs: Jobs::default(),
            market: Market::default(),
            outbox: Outbox::default(),
            alarms: Alarms::default(),
            model: Script::default(),
            policies: BTreeMap::new(),
            faults: Arc::new(NoFaults),
            keys_let_in: vec![settings.user.clone(), settings.agency.clone()],
            settings,
        };
        for index in 0..state.workloads.len() {
            for pool in state.workloads[index].settings.pools.clone() {
                state.open_pool(index, pool);
            }
        }
        for key in state.instances.keys().copied().collect::<Vec<_>>() {
            state.run(key);
        }
        for workload in &mut state.workloads {
            workload.started = 0;
        }
        state
    }

    fn open_pool(&mut self, workload: usize, pool: PoolSettings) {
        match pool {
            PoolSettings::AutoScaling(settings) => {
                let id = settings.id.clone();
                let initial = settings.initial;
                self.groups.insert(id.clone(), ScalingGroup::new(workload, settings, self.now));
                self.launch_members(&id, initial);
            }
            PoolSettings::Tagged(settings) => {
                let zones = self.settings.zones.clone();
                for (number, zone) in (1..=settings.initial).zip(zones.iter().cycle()) {
                    let launch = Launch {
                        name: format!("{}-{number:04}", settings.tag.value),
                        workload: Some(workload),
                        scaling_group: None,
                        flavor: settings.flavor.clone(),
                        zone: zone.clone(),
                        purchase: settings.purchase,
                        tags: BTreeMap::from([(settings.tag.key.clone(), settings.tag.value.clone())]),
                        joins_by_itself: true,
                    };
                    self.launch(launch);
                }
            }
        }
    }

    /// Asks for an instance now.
    pub(super) fn launch(&mut self, launch: Launch) -> InstanceKey {
        let id = self.identifiers.next("server");
        let key = self.identifiers.count();
        let lead_minutes = launch.workload.map_or(1, |index| self.workloads[index].settings.model.lead_minutes);
        if let Some(index) = launch.workload {
            self.workloads[index].members.insert(key);
            self.workloads[index].started += 1;
        }
        self.keys.insert(id.clone(), key);
        let request = LaunchRequest { zone: &launch.zone, flavor: &launch.flavor, now: self.now };
        let fault = self.faults.on_launch(&request);
        let mut instance = Instance::new(id, launch, self.now, lead_minutes);
        match fault {
            Some(LaunchFault::NeverReady) => instance.ready_at = Minute(i64::MAX),
            Some(LaunchFault::Late(minutes)) => instance.ready_at = instance.ready_at + i64::from(minutes),
            None => {}
        }
        self.instances.insert(key, instance);
        key
    }

    /// Changes what an instance is doing.
    pub(super) fn enter(&mut self, key: InstanceKey, phase: Phase) {
        let Some(instance) = self.instances.get_mut(&key) else {
            return;
        };
        instance.enter(phase, self.now);
        if phase == Phase::Ended {
            if let Some(index) = instance.workload {
                self.workloads[index].members.remove(&key);
            }
            if let Some(group) = instance.scaling_group.as_ref().and_then(|id| self.groups.get_mut(id)) {
                group.members.remove(&key);
                group.hanging.retain(|hanging| hanging.key != key);
            }
        }
    }

    /// Lets a started instance do what it does when it runs.
    pub(super) fn run(&mut self, key: InstanceKey) {
        if let Some(phase) = self.instances.get(&key).map(Instance::running_phase) {
            self.enter(key, phase);
        }
    }

    /// Sets an instance's share of traffic.
    pub(super) fn set_weight(&mut self, key: InstanceKey, weight: Option<u32>) {
        let Some(instance) = self.instances.get_mut(&key) else {
            return;
        };
        instance.weight = weight;
        if instance.is_in_service() {
            self.run(key);
        }
    }

    /// The instance of that id; ended ones are found for an hour.
    pub(super) fn instance(&self, id: &str) -> Option<(InstanceKey, &Instance)> {
        let key = *self.keys.get(id)?;
        Some((key, self.instances.get(&key)?))
    }

    /// The instance of that id, unless it has ended.
    pub(super) fn live_instance(&self, id: &str) -> Option<(InstanceKey, &Instance)> {
        self.instance(id).filter(|(_, instance)| instance.phase != Phase::Ended)
    }

    /// Plays the minute that the clock shows under one load a workload, and moves the clock on.
    pub(super) fn play(&mut self, loads: &[f64]) -> Vec<PlayedMinute> {
        let minute = self.now;
        let played = self
            .workloads
            .iter_mut()
            .zip(loads)
            .map(|(workload, &load_per_second)| {
                let members = || workload.members.iter().filter_map(|key| self.instances.get(key));
                let serving = members().filter(|instance| instance.phase == Phase::Serving).count() as u32;
                let paid = members().filter(|instance| instance.is_paid()).count() as u32;
                let spot = members()
                    .filter(|instance| instance.is_paid() && instance.purchase == Purchase::Spot)
                    .count() as u32;
                workload.group.set_instances(serving, paid - serving);
                let outcome = workload.group.play(minute.0, load_per_second);
                let started = std::mem::take(&mut workload.started);
                let played = PlayedMinute { minute, load_per_second, outcome, started, spot };
                workload.played.push(played);
                played
            })
            .collect();
        for group in self.groups.values_mut() {
            group.keep_history(&self.instances);
        }
        self.now = minute + 1;
        self.settle();
        self.refill_groups();
        self.watch_alarms();
        self.forget();
        played
    }

    /// Carries out what is due at the minute that the clock shows.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        let ready: Vec<InstanceKey> = self
            .instances
            .iter()
            .filter(|(_, instance)| instance.phase == Phase::Starting && instance.ready_at <= now)
            .map(|(&key, _)| key)
            .collect();
        for key in ready {
            self.run_or_hold(key);
        }
        self.time_out_hooks();
        let due: Vec<InstanceKey> = self
            .instances
            .iter()
            .filter(|(_, it)| it.phase != Phase::Ended && it.reclaim_at.is_some_and(|reclaim_at| reclaim_at <= now))
            .map(|(&key, _)| key)
            .collect();
        for key in due {
            self.enter(key, Phase::Ended);
        }
    }

    fn forget(&mut self) {
        let now = self.now;
        let forgotten = |instance: &Instance| instance.ended.is_some_and(|ended| ended + METRICS_OUTLIVE_MINUTES < now);
        self.keys.retain(|_, key| self.instances.get(key).is_some_and(|instance| !forgotten(instance)));
        self.instances.retain(|_, instance| !forgotten(instance));
    }
}
