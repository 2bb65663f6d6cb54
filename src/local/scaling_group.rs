//! An Auto Scaling group: its number of instances, and which of them come and go.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Minute;

use super::activity::{ActivityKind, ActivityLog};
use super::identifiers::identifier;
use super::instance::{Instance, InstanceKey, Launch, Phase};
use super::lifecycle_hooks::{Hanging, Hook};
use super::settings::AsGroupSettings;
use super::state::State;

/// A group.
#[derive(Debug)]
pub(super) struct ScalingGroup {
    pub(super) settings: AsGroupSettings,
    pub(super) workload: usize,
    pub(super) configuration_id: String,
    pub(super) desired: u32,
    pub(super) paused: bool,
    pub(super) terminate_policy: TerminatePolicy,
    pub(super) created: Minute,
    /// End of the last change of its number, by whomever: the cooldown of alarm policies starts there.
    pub(super) changed: Option<Minute>,
    pub(super) members: BTreeSet<InstanceKey>,
    /// Serving members in each played minute.
    pub(super) serving_history: Vec<u32>,
    pub(super) description: String,
    pub(super) activities: ActivityLog,
    pub(super) hooks: Vec<Hook>,
    /// Instances that wait for a hook to be answered.
    pub(super) hanging: Vec<Hanging>,
}

/// Which serving instances go first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TerminatePolicy {
    /// The oldest first. The cloud's default, `OLD_CONFIG_OLD_INSTANCE`, is the same while a group has one configuration.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
}

impl TerminatePolicy {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "OLD_CONFIG_OLD_INSTANCE" | "OLD_INSTANCE" => Some(Self::Oldest),
            "OLD_CONFIG_NEW_INSTANCE" | "NEW_INSTANCE" => Some(Self::Newest),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Oldest => "OLD_CONFIG_OLD_INSTANCE",
            Self::Newest => "NEW_INSTANCE",
        }
    }
}

impl ScalingGroup {
    pub(super) fn new(workload: usize, settings: AsGroupSettings, created: Minute) -> Self {
        Self {
            workload,
            configuration_id: identifier(&["scaling_configuration", &settings.id]),
            desired: settings.initial,
            paused: false,
            terminate_policy: TerminatePolicy::default(),
            created,
            changed: None,
            members: BTreeSet::new(),
            serving_history: Vec::new(),
            description: String::new(),
            activities: ActivityLog::default(),
            hooks: Vec::new(),
            hanging: Vec::new(),
            settings,
        }
    }

    pub(super) fn configuration_name(&self) -> String {
        format!("{}-configuration", self.settings.name)
    }

    pub(super) fn keep_history(&mut self, instances: &BTreeMap<InstanceKey, Instance>) {
        let serving = self.members(instances).filter(|(_, instance)| instance.is_in_service()).count();
        self.serving_history.push(serving as u32);
    }

    /// Its instances, oldest first.
    pub(super) fn members<'a>(
        &'a self,
        instances: &'a BTreeMap<InstanceKey, Instance>,
    ) -> impl DoubleEndedIterator<Item = (InstanceKey, &'a Instance)> {
        self.members.iter().filter_map(|&key| Some((key, instances.get(&key)?)))
    }
}

impl State {
    /// The group's instances, oldest first; none if there is no such group.
    pub(super) fn members_of(&self, group: &str) -> impl DoubleEndedIterator<Item = (InstanceKey, &Instance)> {
        self.groups.get(group).into_iter().flat_map(|group| group.members(&self.instances))
    }

    /// Starts that many instances in the group; fewer if there is no more room for spot servers.
    pub(super) fn launch_members(&mut self, id: &str, count: u32) -> Vec<InstanceKey> {
        let mut launched = Vec::new();
        for _ in 0..count {
            let Some(group) = self.groups.get(id) else {
                break;
            };
            let Some(zone) = self.emptiest_zone(group) else {
                break;
            };
            let launch = Launch {
                name: format!("as-config-{}-{:08}", group.settings.name, self.identifiers.count()),
                workload: Some(group.workload),
                scaling_group: Some(id.to_owned()),
                flavor: group.settings.flavor.clone(),
                zone,
                purchase: group.settings.purchase,
                tags: BTreeMap::new(),
                joins_by_itself: true,
            };
            let key = self.launch(launch);
            launched.push(key);
            if let Some(group) = self.groups.get_mut(id) {
                group.members.insert(key);
            }
        }
        launched
    }

    /// Starts what groups lack: servers that were taken back, deleted behind their back, or not to be had before.
    pub(super) fn refill_groups(&mut self) {
        let present = |group: &ScalingGroup| {
            let counts = |instance: &Instance| {
                instance.is_in_service() || matches!(instance.phase, Phase::Starting | Phase::StartingHeld)
            };
            group.members(&self.instances).filter(|(_, instance)| counts(instance)).count() as u32
        };
        let lacking: Vec<(String, u32)> = self
            .groups
            .iter()
            .filter(|(_, group)| !group.paused)
            .map(|(id, group)| (id.clone(), group.desired.saturating_sub(present(group))))
            .filter(|&(_, lacking)| lacking > 0)
            .collect();
        for (id, lacking) in lacking {
            let before = self.groups.get(&id).map_or(0, |group| group.desired.saturating_sub(lacking));
            let launched = self.launch_members(&id, lacking);
            if !launched.is_empty() {
                self.log_activity(&id, ActivityKind::Refill, before, &launched, &[]);
            }
        }
    }

    /// Brings the group to `wanted` instances: starts what is missing; or cancels what is still starting, newest first,
    /// and then stops serving instances that aren't protected, in the order of the group's policy.
    pub(super) fn set_desired(&mut self, id: &str, wanted: u32) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        group.desired = wanted;
        group.changed = Some(self.now);
        let policy = group.terminate_policy;
        let (mut starting, mut serving) = (Vec::new(), Vec::new());
        for (key, instance) in self.members_of(id) {
            match instance.phase {
                Phase::Starting | Phase::StartingHeld => starting.push(key),
                Phase::Serving | Phase::Drained => serving.push((key, instance.protected)),
                _ => {}
            }
        }
        let present = (starting.len() + serving.len()) as u32;
        if wanted >= present {
            let launched = self.launch_members(id, wanted - present);
            self.log_activity(id, ActivityKind::Normal, present, &launched, &[]);
            let ready = launched.iter().filter_map(|key| self.instances.get(key)).map(|it| it.ready_at).max();
            if let Some(group) = self.groups.get_mut(id) {
                group.changed = ready.or(group.changed);
            }
            self.settle();
            return;
        }
        if policy == TerminatePolicy::Newest {
            serving.reverse();
        }
        serving.sort_by_key(|&(_, protected)| protected);
        let surplus = (present - wanted) as usize;
        let cancelled: Vec<InstanceKey> = starting.into_iter().rev().take(surplus).collect();
        let stopped: Vec<InstanceKey> =
            serving.into_iter().map(|(key, _)| key).take(surplus - cancelled.len()).collect();
        let removed = [cancelled.as_slice(), stopped.as_slice()].concat();
        self.log_activity(id, ActivityKind::Normal, present, &[], &removed);
        for key in cancelled {
            self.enter(key, Phase::Ended);
        }
        for key in stopped {
            // What was added by hand is never deleted by the group.
            match self.instances.get(&key).is_some_and(|instance| instance.added_by_hand) {
                true => self.detach(key),
                false => self.end_or_hold(key),
            }
        }
    }

    /// Takes an instance out of its group and out of service; the server runs on.
    pub(super) fn detach(&mut self, key: InstanceKey) {
        self.enter(key, Phase::Detached);
        if let Some(instance) = self.instances.get_mut(&key)
            && let Some(group) = instance.scaling_group.take().and_then(|id| self.groups.get_mut(&id))
        {
            group.members.remove(&key);
        }
    }

    /// What the group is told that it lacks.
    pub(super) fn shortage(&self, group: &ScalingGroup) -> Option<String> {
        let is_short = group.members.len() < group.desired as usize && self.emptiest_zone(group).is_none();
        is_short.then(|| format!("The flavor {} is sold out in all zones of the group.", group.settings.flavor))
    }

    /// The zone with the fewest of the group's instances among those that sell what it buys.
    fn emptiest_zone(&self, group: &ScalingGroup) -> Option<String> {
        let AsGroupSettings { flavor, purchase, .. } = &group.settings;
        let here = |zone: &str| group.members(&self.instances).filter(|(_, instance)| instance.zone == zone).count();
        self.settings
            .zones
            .iter()
            .filter(|zone| self.zone_for(flavor, *purchase, Some(zone)).is_some())
            .min_by_key(|zone| here(zone))
            .cloned()
    }
}
