use serde_json::Value;

use super::lenient;

/// Auto Scaling holds an instance and waits for an answer before it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    /// Which way the instance goes.
    pub transition: Transition,
    /// The hook's name; part of the answer.
    pub hook_name: Option<String>,
    /// Names this wait; part of the answer.
    pub action_key: String,
    /// The group that the instance belongs to.
    pub scaling_group_id: String,
    /// The instance.
    pub instance_id: String,
    /// The instance's name.
    pub instance_name: Option<String>,
    /// What the hook's owner wrote into it.
    pub metadata: Option<String>,
}

/// Which way an instance goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Into the group.
    Launching,
    /// Out of the group.
    Terminating,
}

impl LifecycleHook {
    /// Reads a message. `None` if it is no hook's, or lacks what an answer needs.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let transition = match lenient::text(value, "lifecycle_hook_type")?.as_str() {
            "INSTANCE_LAUNCHING" => Transition::Launching,
            "INSTANCE_TERMINATING" => Transition::Terminating,
            _ => return None,
        };
        let instance = lenient::field(value, "scaling_instance")?;
        Some(Self {
            transition,
            hook_name: lenient::text(value, "lifecycle_hook_name"),
            action_key: lenient::text(value, "lifecycle_action_key")?,
            scaling_group_id: lenient::text(lenient::field(value, "scaling_group")?, "scaling_group_id")?,
            instance_id: lenient::text(instance, "instance_id")?,
            instance_name: lenient::text(instance, "instance_name"),
            metadata: lenient::text(value, "notification_metadata"),
        })
    }
}
