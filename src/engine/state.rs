use serde::{Deserialize, Serialize};

use super::{Engine, Observation, Proposal, TargetTracking, WeightedScore};
use crate::model::{EngineKind, Policy, Signal};

/// An engine with all that it keeps between decisions. Part of the group's snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EngineState {
    /// The weighted score.
    WeightedScore(WeightedScore),
    /// Target tracking.
    TargetTracking(TargetTracking),
}

impl EngineState {
    /// The policy's engine, with nothing seen yet.
    pub fn new(policy: &Policy, signals: &[Signal]) -> Self {
        match policy.engine {
            EngineKind::WeightedScore => Self::WeightedScore(WeightedScore::new(policy, signals)),
            EngineKind::TargetTracking | EngineKind::Predictive => {
                Self::TargetTracking(TargetTracking::new(policy, signals))
            }
        }
    }

    /// Whether this state was made for that policy and those signals. If not, start anew.
    pub fn fits(&self, policy: &Policy, signals: &[Signal]) -> bool {
        match (self, policy.engine) {
            (Self::WeightedScore(engine), EngineKind::WeightedScore) => engine.fits(policy, signals),
            (Self::TargetTracking(engine), EngineKind::TargetTracking | EngineKind::Predictive) => {
                engine.fits(policy, signals)
            }
            _ => false,
        }
    }
}

impl Engine for EngineState {
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal {
        match self {
            Self::WeightedScore(engine) => engine.decide(observation),
            Self::TargetTracking(engine) => engine.decide(observation),
        }
    }
}
