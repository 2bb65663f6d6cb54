//! Who can be played: every peer with its knobs, and our engines.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::driver::{Arena, Player};
use super::engine_player::EnginePlayer;
use super::peers::{AlarmPolicy, Article, AwsPredictive, CraneDsp, Hpa, KnativeKpa, Static, TargetTrackingPeer};
use super::report::{Report, Row};
use crate::model::{EngineKind, Minute, Policy};
use crate::queueing::MinuteOutcome;

/// Targets, in per cent, that the horizontal pod autoscaler may choose from in hindsight.
const HPA_TARGETS: [f64; 10] = [20.0, 30.0, 40.0, 50.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0];
/// Targets, in per cent, that target tracking may choose from in hindsight.
const TRACKING_TARGETS: [f64; 5] = [30.0, 40.0, 50.0, 60.0, 70.0];
/// Shares of an instance's concurrency, in per cent, that Knative may choose from in hindsight.
const KNATIVE_TARGETS: [f64; 5] = [50.0, 60.0, 70.0, 80.0, 90.0];
/// Targets, in per cent, that Crane and the cloud's predictive scaling may choose from in hindsight.
const FORECASTING_TARGETS: [f64; 5] = [40.0, 50.0, 60.0, 70.0, 80.0];

/// A policy with its knob. Written `hpa@60`, or `alarm_policy` where there is no knob.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Contestant {
    /// One instance, for ever.
    StaticOne,
    /// What the highest minute needs, known in hindsight.
    StaticPeak,
    /// The founding article's weighted score.
    Article,
    /// A cloud's alarm policy.
    AlarmPolicy,
    /// The horizontal pod autoscaler at a target in per cent.
    Hpa(f64),
    /// Target tracking at a target in per cent.
    TargetTracking(f64),
    /// The Knative pod autoscaler at a target in per cent of an instance's concurrency.
    KnativeKpa(f64),
    /// Crane's forecast beside the horizontal pod autoscaler, at a target in per cent.
    CraneDsp(f64),
    /// A cloud's hourly forecast as a floor under target tracking, at a target in per cent.
    AwsPredictive(f64),
    /// Our weighted score, where a single saturated signal decides alone.
    WeightedScore,
    /// Our predictive engine, told this price of a violation and nothing else.
    Predictive(f64),
}

/// A policy that nobody knows.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ContestantError {
    /// No policy has this name.
    #[error("there is no policy `{name}`; there are {}", NAMES.join(", "))]
    UnknownName {
        /// What was asked for.
        name: String,
    },
    /// The knob is no positive number.
    #[error("the knob `{knob}` of policy `{name}` is no number above 0")]
    BadKnob {
        /// The policy.
        name: String,
        /// What was asked for.
        knob: String,
    },
    /// The knob is a target that no group can have.
    #[error("the knob `{knob}` of policy `{name}` is a target in per cent: above 0, at most 100")]
    KnobOutOfRange {
        /// The policy.
        name: String,
        /// What was asked for.
        knob: String,
    },
    /// The policy has nothing to turn.
    #[error("policy `{name}` has no knob, so `{name}@{knob}` means nothing")]
    NoKnob {
        /// The policy.
        name: String,
        /// What was asked for.
        knob: String,
    },
}

/// Every name that can be asked for.
const NAMES: [&str; 11] = [
    "static_one",
    "static_peak",
    "article",
    "alarm_policy",
    "hpa",
    "target_tracking",
    "knative_kpa",
    "crane_dsp",
    "aws_predictive",
    "weighted_score",
    "predictive",
];

impl Contestant {
    /// Everybody with every knob; our engine once for each price of a violation.
    pub fn all(prices: &[f64]) -> Vec<Self> {
        NAMES.iter().flat_map(|name| Self::named(name, prices)).collect()
    }

    /// A comma-separated list as a user writes it: `all`, `hpa` (every knob), `hpa@62.5`.
    pub fn parse_list(list: &str, prices: &[f64]) -> Result<Vec<Self>, ContestantError> {
        let mut contestants: Vec<Self> = Vec::new();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let found = match item.split_once('@') {
                _ if item == "all" => Self::all(prices),
                Some(_) => vec![item.parse()?],
                None => Self::named(item, prices),
            };
            if found.is_empty() {
                return Err(ContestantError::UnknownName { name: item.to_owned() });
            }
            for contestant in found {
                if !contestants.contains(&contestant) {
                    contestants.push(contestant);
                }
            }
        }
        Ok(contestants)
    }

    /// A policy with each of its usual knobs. Empty if there is none of that name.
    fn named(name: &str, prices: &[f64]) -> Vec<Self> {
        match name {
            "static_one" => vec![Self::StaticOne],
            "static_peak" => vec![Self::StaticPeak],
            "article" => vec![Self::Article],
            "alarm_policy" => vec![Self::AlarmPolicy],
            "hpa" => HPA_TARGETS.map(Self::Hpa).to_vec(),
            "target_tracking" => TRACKING_TARGETS.map(Self::TargetTracking).to_vec(),
            "knative_kpa" => KNATIVE_TARGETS.map(Self::KnativeKpa).to_vec(),
            "crane_dsp" => FORECASTING_TARGETS.map(Self::CraneDsp).to_vec(),
            "aws_predictive" => FORECASTING_TARGETS.map(Self::AwsPredictive).to_vec(),
            "weighted_score" => vec![Self::WeightedScore],
            "predictive" => prices.iter().copied().map(Self::Predictive).collect(),
            _ => Vec::new(),
        }
    }

    /// The policy without its knob.
    pub fn engine(&self) -> &'static str {
        match self {
            Self::StaticOne => "static_one",
            Self::StaticPeak => "static_peak",
            Self::Article => "article",
            Self::AlarmPolicy => "alarm_policy",
            Self::Hpa(_) => "hpa",
            Self::TargetTracking(_) => "target_tracking",
            Self::KnativeKpa(_) => "knative_kpa",
            Self::CraneDsp(_) => "crane_dsp",
            Self::AwsPredictive(_) => "aws_predictive",
            Self::WeightedScore => "weighted_score",
            Self::Predictive(_) => "predictive",
        }
    }

    /// Its knob, if it has one.
    pub fn knob(&self) -> Option<f64> {
        match self {
            Self::Hpa(knob)
            | Self::TargetTracking(knob)
            | Self::KnativeKpa(knob)
            | Self::CraneDsp(knob)
            | Self::AwsPredictive(knob)
            | Self::Predictive(knob) => Some(*knob),
            Self::StaticOne | Self::StaticPeak | Self::Article | Self::AlarmPolicy | Self::WeightedScore => None,
        }
    }

    /// A fresh player.
    pub fn player(&self, arena: &Arena<'_>) -> Box<dyn Player> {
        match *self {
            Self::StaticOne => Box::new(Static(1)),
            Self::StaticPeak => Box::new(Static(arena.peak_instances())),
            Self::Article => Box::new(Article::default()),
            Self::AlarmPolicy => Box::new(AlarmPolicy::default()),
            Self::Hpa(target) => Box::new(Hpa::new(target)),
            Self::TargetTracking(target) => Box::new(TargetTrackingPeer::new(target)),
            Self::KnativeKpa(target) => Box::new(KnativeKpa::new(target)),
            Self::CraneDsp(target) => Box::new(CraneDsp::new(target)),
            Self::AwsPredictive(target) => Box::new(AwsPredictive::new(target)),
            Self::WeightedScore => {
                Box::new(EnginePlayer::new(&Policy { engine: EngineKind::WeightedScore, ..Policy::default() }))
            }
            Self::Predictive(violation_price) => Box::new(EnginePlayer::new(&Policy {
                engine: EngineKind::Predictive,
                violation_price,
                ..Policy::default()
            })),
        }
    }

    /// Plays it from the first minute to the last.
    pub fn play(&self, arena: &Arena<'_>) -> Row {
        self.play_and_watch(arena, |_, _| {})
    }

    /// As [`Self::play`], showing every minute to `watch`.
    pub fn play_and_watch(&self, arena: &Arena<'_>, watch: impl FnMut(Minute, &MinuteOutcome)) -> Row {
        let row = arena.play_and_watch(self.player(arena).as_mut(), watch);
        Row { name: self.to_string(), engine: self.engine().to_owned(), knob: self.knob(), ..row }
    }
}

/// Plays them all, one after the other.
pub fn contest(arena: &Arena<'_>, contestants: &[Contestant]) -> Report {
    Report::new(arena, contestants.iter().map(|contestant| contestant.play(arena)).collect())
}

impl fmt::Display for Contestant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.knob() {
            Some(knob) => write!(formatter, "{}@{knob}", self.engine()),
            None => formatter.write_str(self.engine()),
        }
    }
}

impl FromStr for Contestant {
    type Err = ContestantError;

    fn from_str(text: &str) -> Result<Self, ContestantError> {
        let (name, knob) = text.split_once('@').map_or((text, None), |(name, knob)| (name, Some(knob)));
        let usual = Self::named(name, &[1.0]).first().copied();
        let usual = usual.ok_or_else(|| ContestantError::UnknownName { name: name.to_owned() })?;
        let Some(knob) = knob else { return Ok(usual) };
        let (name, knob) = (name.to_owned(), knob.to_owned());
        let Some(value) = knob.parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0) else {
            return Err(ContestantError::BadKnob { name, knob });
        };
        if value > 100.0 && usual.knob().is_some() && !matches!(usual, Self::Predictive(_)) {
            return Err(ContestantError::KnobOutOfRange { name, knob });
        }
        match usual {
            Self::Hpa(_) => Ok(Self::Hpa(value)),
            Self::TargetTracking(_) => Ok(Self::TargetTracking(value)),
            Self::KnativeKpa(_) => Ok(Self::KnativeKpa(value)),
            Self::CraneDsp(_) => Ok(Self::CraneDsp(value)),
            Self::AwsPredictive(_) => Ok(Self::AwsPredictive(value)),
            Self::Predictive(_) => Ok(Self::Predictive(value)),
            _ => Err(ContestantError::NoKnob { name, knob }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        Contestant::parse_list(list, &[5.0, 20.0]).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_alone_means_all_its_knobs() {
        assert_eq!(names("target_tracking").len(), 5);
        assert_eq!(names("hpa@62.5, static_one"), ["hpa@62.5", "static_one"]);
        assert_eq!(names("hpa@60,hpa").len(), 10);
    }

    #[test]
    fn every_name_stands_for_somebody_who_is_called_so() {
        for contestant in Contestant::all(&[5.0]) {
            assert_eq!(contestant.to_string().parse(), Ok(contestant));
            assert!(NAMES.contains(&contestant.engine()));
        }
        assert!(NAMES.iter().all(|name| !Contestant::named(name, &[5.0]).is_empty()));
    }

    #[test]
    fn an_unknown_name_and_a_bad_knob_are_told() {
        let message = |list| Contestant::parse_list(list, &[5.0]).unwrap_err().to_string();
        assert!(message("hpaa").starts_with("there is no policy `hpaa`; there are static_one, "));
        assert_eq!(message("hpa@zero"), "the knob `zero` of policy `hpa` is no number above 0");
        assert_eq!(message("hpa@500"), "the knob `500` of policy `hpa` is a target in per cent: above 0, at most 100");
        assert_eq!(names("hpa@100,predictive@500"), ["hpa@100", "predictive@500"]);
        assert_eq!(message("static_one@3"), "policy `static_one` has no knob, so `static_one@3` means nothing");
    }
}
