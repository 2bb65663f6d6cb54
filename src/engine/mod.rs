//! Turns what was seen of a group into how many instances it shall have. Pure: time and observations are arguments.
//!
//! An engine is a value that is kept between decisions (in the snapshot, or in a replay's loop) and fed with every new
//! [`Sample`] once. What it concludes from is handed out as [`Evidence`], from which the same number follows again, bit
//! for bit, long after the engine's own state is gone.

pub mod doubts;
pub mod guardrails;
pub mod plan;
pub mod predictive;
pub mod purchase;
pub mod schedules;
pub mod spot_weather;
mod state;
mod target_tracking;
mod track;
mod weighted_score;

use serde::{Deserialize, Serialize};

pub use self::predictive::{Predictive, PredictiveEvidence};
pub use self::state::EngineState;
pub use self::target_tracking::{TargetTracking, TargetTrackingEvidence};
pub use self::track::Reading;
pub use self::weighted_score::{SignalScore, WeightedScore, WeightedScoreEvidence};
use crate::model::{Capacity, Minute, Sample, Signal};

/// What an engine is shown at one decision.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The minute that is decided for.
    pub now: Minute,
    /// The group's signals; [`Sample::values`] has the same order.
    pub signals: &'a [Signal],
    /// Samples not shown before, oldest first. Usually one; none while metrics are missing.
    pub samples: &'a [Sample],
    /// What the fleet has at this instant, without what stands in for others.
    pub capacity: Capacity,
    /// Instances that stand in for others. Samples count them.
    pub stand_ins: u32,
    /// Never fewer instances.
    pub min_instances: u32,
    /// Never more instances.
    pub max_instances: u32,
    /// Minutes from asking for an instance until it serves.
    pub lead_minutes: u32,
    /// Minutes by which metrics arrive late: at minute t the newest sample is that of t - 1 - delay.
    pub delay_minutes: u32,
    /// Seconds of rest after a change.
    pub cooldown_seconds: u32,
}

/// What an engine wants, and all that it was concluded from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Wanted number of instances, serving and starting together, within the limits of the observation.
    pub target: u32,
    /// From which `target` follows.
    pub evidence: Evidence,
}

/// A way to decide.
pub trait Engine {
    /// Takes in the new samples and says how many instances there shall be.
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal;
}

/// All that a proposal was concluded from, one kind an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Evidence {
    /// Nothing was seen yet: what runs is kept.
    Nothing {
        /// What runs.
        kept: u32,
    },
    /// The weighted score.
    WeightedScore(WeightedScoreEvidence),
    /// Target tracking.
    TargetTracking(TargetTrackingEvidence),
    /// The predictive engine.
    Predictive(Box<PredictiveEvidence>),
}

impl Evidence {
    /// The number of instances that follows from this evidence: the same, bit for bit, as when it was proposed.
    pub fn target(&self) -> u32 {
        match self {
            Self::Nothing { kept } => *kept,
            Self::WeightedScore(evidence) => evidence.target(),
            Self::TargetTracking(evidence) => evidence.target(),
            Self::Predictive(evidence) => evidence.target(),
        }
    }

    /// Why, in words that a person understands, one thought a sentence.
    pub fn sentences(&self) -> Vec<String> {
        match self {
            Self::Nothing { kept } => vec![format!("Nothing has been seen yet, so {kept} stay.")],
            Self::WeightedScore(evidence) => evidence.sentences(),
            Self::TargetTracking(evidence) => evidence.sentences(),
            Self::Predictive(evidence) => evidence.sentences(),
        }
    }
}
