use serde::{Deserialize, Serialize};

use super::{Engine, Observation, Predictive, Proposal, TargetTracking, WeightedScore};
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
    /// The predictive engine.
    Predictive(Box<Predictive>),
}

impl EngineState {
    /// The policy's engine, with nothing seen yet.
    pub fn new(policy: &Policy, signals: &[Signal]) -> Self {
        match policy.engine {
            EngineKind::WeightedScore => Self::WeightedScore(WeightedScore::new(policy, signals)),
            EngineKind::TargetTracking => Self::TargetTracking(TargetTracking::new(policy, signals)),
            EngineKind::Predictive => Self::Predictive(Box::new(Predictive::new(policy))),
        }
    }

    /// Whether this state was made for that policy and those signals. If not, start anew.
    pub fn fits(&self, policy: &Policy, signals: &[Signal]) -> bool {
        match (self, policy.engine) {
            (Self::WeightedScore(engine), EngineKind::WeightedScore) => engine.fits(policy, signals),
            (Self::TargetTracking(engine), EngineKind::TargetTracking) => engine.fits(policy, signals),
            (Self::Predictive(engine), EngineKind::Predictive) => engine.fits(policy),
            _ => false,
        }
    }

    /// This state, brought to that policy and those signals: what was learnt of the demand survives a change of the price;
    /// another engine starts anew.
    pub fn adapted(self, policy: &Policy, signals: &[Signal]) -> Self {
        match self {
            Self::Predictive(mut engine) if policy.engine == EngineKind::Predictive => {
                engine.adapt(policy);
                Self::Predictive(engine)
            }
            fitting if fitting.fits(policy, signals) => fitting,
            _ => Self::new(policy, signals),
        }
    }
}

impl Engine for EngineState {
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal {
        match self {
            Self::WeightedScore(engine) => engine.decide(observation),
            Self::TargetTracking(engine) => engine.decide(observation),
            Self::Predictive(engine) => engine.decide(observation),
        }
    }
}
