//! Lifecycle hooks: an instance waits at its start or end until somebody says go on.

use serde_json::json;

use crate::model::Minute;

use super::identifiers::identifier;
use super::instance::{InstanceKey, Phase};
use super::state::State;

/// A hook of a group.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) kind: HookKind,
    pub(super) default_result: Verdict,
    pub(super) timeout_seconds: i64,
    pub(super) topic_urn: String,
    pub(super) metadata: String,
    pub(super) created: Minute,
}

/// When a hook holds an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookKind {
    Launching,
    Terminating,
}

impl HookKind {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "INSTANCE_LAUNCHING" => Some(Self::Launching),
            "INSTANCE_TERMINATING" => Some(Self::Terminating),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Launching => "INSTANCE_LAUNCHING",
            Self::Terminating => "INSTANCE_TERMINATING",
        }
    }
}

/// What becomes of an instance that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Continue,
    Abandon,
}

impl Verdict {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "CONTINUE" => Some(Self::Continue),
            "ABANDON" => Some(Self::Abandon),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Abandon => "ABANDON",
        }
    }
}

/// An instance that waits for one hook.
#[derive(Clone, Debug)]
pub(super) struct Hanging {
    pub(super) hook: String,
    pub(super) key: InstanceKey,
    pub(super) action_key: String,
    pub(super) until: Minute,
    pub(super) default_result: Verdict,
}

impl State {
    /// Lets a started instance run, unless a hook of its group holds it.
    pub(super) fn run_or_hold(&mut self, key: InstanceKey) {
        if !self.hold(key, HookKind::Launching, Phase::StartingHeld) {
            self.run(key);
        }
    }

    /// Ends an instance, unless a hook of its group holds it.
    pub(super) fn end_or_hold(&mut self, key: InstanceKey) {
        if !self.hold(key, HookKind::Terminating, Phase::EndingHeld) {
            self.enter(key, Phase::Ended);
        }
    }

    /// Holds an instance by every hook of that kind, tells the hooks' topics, and says whether there was one.
    fn hold(&mut self, key: InstanceKey, kind: HookKind, phase: Phase) -> bool {
        let Some(instance) = self.instances.get(&key) else {
            return false;
        };
        let Some(group) = instance.scaling_group.as_ref().and_then(|id| self.groups.get_mut(id)) else {
            return false;
        };
        let hooks: Vec<Hook> = group.hooks.iter().filter(|hook| hook.kind == kind).cloned().collect();
        let held = !hooks.is_empty();
        for hook in hooks {
            let action_key = identifier(&["lifecycle_action", &hook.name, &instance.id]);
            let message = json!({
                "service": "AutoScaling",
                "tenant_id": self.settings.project_id,
                "lifecycle_hook_type": kind.name(),
                "lifecycle_hook_name": hook.name,
                "lifecycle_action_key": action_key,
                "notification_metadata": hook.metadata,
                "scaling_instance": {
                    "instance_id": instance.id,
                    "instance_name": instance.name,
                    "instance_ip": super::instance::Instance::address(key),
                },
                "scaling_group": {
                    "scaling_group_id": group.settings.id,
                    "scaling_group_name": group.settings.name,
                    "scaling_config_id": group.configuration_id,
                    "scaling_config_name": group.configuration_name(),
                },
            });
            self.outbox.message(&hook.topic_urn, "[Auto Scaling] lifecycle hook", &message.to_string(), self.now);
            let until = self.now + (hook.timeout_seconds + 59) / 60;
            group.hanging.push(Hanging {
                hook: hook.name,
                key,
                action_key,
                until,
                default_result: hook.default_result,
            });
        }
        if held {
            self.enter(key, phase);
        }
        held
    }

    /// Ends one wait of a group. The instance goes on once it waits for nothing more, or ends at once if it is abandoned.
    pub(super) fn answer_hook(&mut self, group: &str, action_key: &str, verdict: Verdict) {
        let Some(group) = self.groups.get_mut(group) else {
            return;
        };
        let Some(index) = group.hanging.iter().position(|hanging| hanging.action_key == action_key) else {
            return;
        };
        let key = group.hanging.remove(index).key;
        if verdict == Verdict::Abandon {
            group.hanging.retain(|hanging| hanging.key != key);
        } else if group.hanging.iter().any(|hanging| hanging.key == key) {
            return;
        }
        match self.instances.get(&key).map(|instance| instance.phase) {
            Some(Phase::StartingHeld) if verdict == Verdict::Continue => self.run(key),
            Some(Phase::StartingHeld | Phase::EndingHeld) => self.enter(key, Phase::Ended),
            _ => {}
        }
    }

    /// Answers for those who have let a wait run out.
    pub(super) fn time_out_hooks(&mut self) {
        let now = self.now;
        let due: Vec<(String, String, Verdict)> = self
            .groups
            .iter()
            .flat_map(|(id, group)| group.hanging.iter().map(move |hanging| (id, hanging)))
            .filter(|(_, hanging)| hanging.until <= now)
            .map(|(id, hanging)| (id.clone(), hanging.action_key.clone(), hanging.default_result))
            .collect();
        for (group, action_key, verdict) in due {
            self.answer_hook(&group, &action_key, verdict);
        }
    }
}
