use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::EngineState;
use crate::model::{Course, Group, InForce, Watch, basis};

/// What `evaluate` knows of a policy's versions. Part of the snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyMemory {
    /// Which versions are in force, as `tune` has written it.
    pub course: Option<Course>,
    /// When that was last looked up.
    pub looked: Option<DateTime<Utc>>,
    /// Why it cannot be followed. While there is something here nothing is lowered.
    pub trouble: Option<String>,
    /// Versions that are not followed any more, and why: a person's order, or worse than expected.
    pub refused: BTreeMap<String, String>,
    /// The version that decides beside.
    pub shadow: Option<ShadowMemory>,
    /// What is measured of a version that is watched.
    pub watch: Option<Watch>,
}

/// A version that decides beside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShadowMemory {
    /// The version.
    pub version: String,
    /// Its engine's own memory. `None` before its first evaluation.
    pub engine: Option<EngineState>,
    /// Evaluations so far.
    pub evaluations: u32,
    /// In how many of them it wanted fewer instances than the load kept busy.
    pub starved: u32,
}

impl PolicyMemory {
    /// The version that decides. `None`: the configuration's policy does.
    pub fn followed(&self, group: &Group) -> Option<&InForce> {
        let course = self.course.as_ref().filter(|course| self.trouble.is_none() && course.basis == basis(group))?;
        course.followed(|version| self.refused.contains_key(version))
    }

    /// The group under the version that decides.
    pub fn in_force(&self, group: &Group) -> Group {
        self.followed(group).map_or_else(|| group.clone(), |followed| followed.tunables.applied_to(group))
    }

    /// The version that decides beside.
    pub fn shadow_of(&self, group: &Group) -> Option<&InForce> {
        let course = self.course.as_ref().filter(|course| self.trouble.is_none() && course.basis == basis(group))?;
        course.shadow.as_ref().filter(|shadow| !self.refused.contains_key(&shadow.version))
    }
}
