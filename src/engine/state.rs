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

    /// This state, brought to that policy and those signals: what was learnt of the demand survives a change of the price
    /// or of the response time that is expected. `None` where what was learnt means nothing any more: start anew.
    pub fn adapted(self, policy: &Policy, signals: &[Signal]) -> Option<Self> {
        match (self, policy.engine) {
            (Self::Predictive(mut engine), EngineKind::Predictive) => {
                engine.adapt(policy).then_some(Self::Predictive(engine))
            }
            (Self::WeightedScore(engine), EngineKind::WeightedScore) if engine.fits(policy, signals) => {
                Some(Self::WeightedScore(engine))
            }
            (Self::TargetTracking(engine), EngineKind::TargetTracking) if engine.fits(policy, signals) => {
                Some(Self::TargetTracking(engine))
            }
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::standard_signals;

    #[test]
    fn another_price_keeps_the_engine_and_another_capacity_or_kind_does_not() {
        let signals = standard_signals();
        let policy = Policy { engine: EngineKind::Predictive, ..Policy::default() };
        let state = EngineState::new(&policy, &signals);
        let adapted = |policy: &Policy| state.clone().adapted(policy, &signals);
        let dearer = Policy { violation_price: 500.0, ..policy.clone() };
        assert_eq!(adapted(&policy), Some(state.clone()));
        assert_eq!(adapted(&dearer), Some(EngineState::new(&dearer, &signals)));
        assert_eq!(adapted(&Policy { instance_capacity: Some(7.0), ..policy.clone() }), None);
        assert_eq!(adapted(&Policy { engine: EngineKind::WeightedScore, ..policy.clone() }), None);
    }
}
