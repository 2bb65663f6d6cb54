//! What happened to a scaling group: its activity log.

use std::collections::VecDeque;

use crate::model::Minute;

use super::instance::InstanceKey;
use super::state::State;

/// Activities that a group remembers.
const KEPT: usize = 1_000;

/// One change of a group's instances.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    pub(super) id: String,
    pub(super) kind: ActivityKind,
    pub(super) start: Minute,
    /// Instances before, and wanted afterwards.
    pub(super) before: u32,
    pub(super) desired: u32,
    pub(super) added: Vec<Touched>,
    pub(super) removed: Vec<Touched>,
}

/// An instance as it was when it was touched: the log outlives it.
#[derive(Clone, Debug)]
pub(super) struct Touched {
    pub(super) key: InstanceKey,
    pub(super) id: String,
    pub(super) name: String,
}

/// Why something changed. The cloud's own names spell `MANNUAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ActivityKind {
    Normal,
    ManualRemove,
    ManualDelete,
    ManualAdd,
    EnterStandby,
    ExitStandby,
    /// The group lacked an instance and started another.
    Refill,
}

impl ActivityKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::ManualRemove => "MANNUAL_REMOVE",
            Self::ManualDelete => "MANNUAL_DELETE",
            Self::ManualAdd => "MANNUAL_ADD",
            Self::EnterStandby => "ENTER_STANDBY",
            Self::ExitStandby => "EXIT_STANDBY",
            Self::Refill => "DIFF",
        }
    }
}

/// A group's activities, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct ActivityLog(VecDeque<Activity>);

impl ActivityLog {
    fn push(&mut self, activity: Activity) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(activity);
    }

    /// Newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Activity> {
        self.0.iter().rev()
    }
}

impl State {
    /// Writes down what is about to happen, or has just happened, to these instances of a group.
    pub(super) fn log_activity(
        &mut self,
        group: &str,
        kind: ActivityKind,
        before: u32,
        added: &[InstanceKey],
        removed: &[InstanceKey],
    ) {
        let touched = |keys: &[InstanceKey]| -> Vec<Touched> {
            keys.iter()
                .filter_map(|&key| {
                    let instance = self.instances.get(&key)?;
                    Some(Touched { key, id: instance.id.clone(), name: instance.name.clone() })
                })
                .collect()
        };
        let (added, removed) = (touched(added), touched(removed));
        let id = self.identifiers.next("activity");
        let start = self.now;
        if let Some(group) = self.groups.get_mut(group) {
            group.activities.push(Activity { id, kind, start, before, desired: group.desired, added, removed });
        }
    }
}
