//! Auto Scaling's own policies: what an alarm, a clock or a person makes a group do.

use serde::{Deserialize, Serialize};

use crate::model::Minute;

use super::instance::Phase;
use super::state::State;

/// A policy of a group.
#[derive(Clone, Debug)]
pub(super) struct ScalingPolicy {
    pub(super) id: String,
    pub(super) created: Minute,
    pub(super) paused: bool,
    pub(super) order: PolicyOrder,
}

/// A policy as it is asked for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PolicyOrder {
    pub(super) scaling_policy_name: String,
    pub(super) scaling_group_id: String,
    pub(super) scaling_policy_type: PolicyKind,
    #[serde(default)]
    pub(super) alarm_id: Option<String>,
    #[serde(default)]
    pub(super) scheduled_policy: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) scaling_policy_action: Option<PolicyAction>,
    #[serde(default)]
    pub(super) cool_down_time: Option<i64>,
}

/// What wakes a policy. The region has no clock for the last two: they act when they are executed by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum PolicyKind {
    Alarm,
    Scheduled,
    Recurrence,
}

/// What a policy does to the number of instances.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct PolicyAction {
    #[serde(default)]
    operation: Operation,
    #[serde(default)]
    instance_number: Option<u32>,
    #[serde(default)]
    instance_percentage: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Operation {
    #[default]
    Add,
    Remove,
    Reduce,
    Set,
}

impl PolicyAction {
    /// The number that `present` instances become. A share of less than one instance is one.
    fn target(&self, present: u32) -> u32 {
        let share = |percent: u32| (u64::from(present) * u64::from(percent) / 100).max(1) as u32;
        let amount = self.instance_number.or(self.instance_percentage.map(share)).unwrap_or(1);
        match self.operation {
            Operation::Add => present.saturating_add(amount),
            Operation::Remove | Operation::Reduce => present.saturating_sub(amount),
            Operation::Set => amount,
        }
    }
}

/// Why a policy did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    NoPolicy,
    NotInService,
    Scaling,
    CoolingDown,
}

impl State {
    /// Executes a policy. The cooldown binds those that an alarm wakes, and those only.
    pub(super) fn execute_policy(&mut self, id: &str, by_alarm: bool) -> Result<(), Idle> {
        let policy = self.policies.get(id).filter(|policy| !policy.paused).ok_or(Idle::NoPolicy)?;
        let group_id = policy.order.scaling_group_id.clone();
        let group = self.groups.get(&group_id).ok_or(Idle::NoPolicy)?;
        if group.paused {
            return Err(Idle::NotInService);
        }
        let moving = |phase: Phase| matches!(phase, Phase::Starting | Phase::StartingHeld | Phase::EndingHeld);
        if group.members(&self.instances).any(|(_, instance)| moving(instance.phase)) {
            return Err(Idle::Scaling);
        }
        let rest = policy.order.cool_down_time.unwrap_or(i64::from(group.settings.cool_down_seconds));
        if by_alarm && group.changed.is_some_and(|changed| (self.now - changed) * 60 < rest) {
            return Err(Idle::CoolingDown);
        }
        let wanted =
            policy.order.scaling_policy_action.as_ref().map_or(group.desired + 1, |it| it.target(group.desired));
        let wanted = wanted.clamp(group.settings.min_instances, group.settings.max_instances);
        if wanted != group.desired {
            self.set_desired(&group_id, wanted);
        }
        Ok(())
    }

    /// Executes the policies that an alarm wakes.
    pub(super) fn wake_policies(&mut self, alarm_id: &str) {
        let woken: Vec<String> = self
            .policies
            .values()
            .filter(|policy| policy.order.alarm_id.as_deref() == Some(alarm_id))
            .map(|policy| policy.id.clone())
            .collect();
        for id in woken {
            if let Err(idle) = self.execute_policy(&id, true) {
                tracing::debug!(policy = id, ?idle, "an alarm policy of the local region does nothing");
            }
        }
    }
}
