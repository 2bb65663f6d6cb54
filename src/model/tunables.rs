use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EngineKind, Group};

/// Everything of a group that tuning may change. What a service level is worth and what instances cost stays the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tunables {
    /// Which engine.
    pub engine: EngineKind,
    /// What `target_tracking` holds, in per cent.
    pub target_utilisation: f64,
    /// `weighted_score`: a single saturated signal decides alone.
    pub bottleneck: bool,
    /// Seconds of rest after a change; the engine's default where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<u32>,
    /// Thresholds by the signal's name.
    pub signals: BTreeMap<String, Thresholds>,
}

/// What of one signal may be tuned, in the units of [`Signal`](super::Signal).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Above this the group wants to grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out: Option<f64>,
    /// Below this the group may shrink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in: Option<f64>,
    /// How long a threshold must hold, in seconds.
    pub duration: u32,
    /// Share in the weighted score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl Tunables {
    /// What the configuration says.
    pub fn of(group: &Group) -> Self {
        Self {
            engine: group.policy.engine,
            target_utilisation: group.policy.target_utilisation,
            bottleneck: group.policy.bottleneck,
            cooldown_period: group.scaling.cooldown_period,
            signals: group
                .signals
                .iter()
                .map(|signal| {
                    let thresholds = Thresholds {
                        scale_out: signal.scale_out,
                        scale_in: signal.scale_in,
                        duration: signal.duration,
                        weight: signal.weight,
                    };
                    (signal.name.clone(), thresholds)
                })
                .collect(),
        }
    }

    /// The group with these in force. Signals that are not named here stay as they are.
    pub fn applied_to(&self, group: &Group) -> Group {
        let mut group = group.clone();
        group.policy.engine = self.engine;
        group.policy.target_utilisation = self.target_utilisation;
        group.policy.bottleneck = self.bottleneck;
        group.scaling.cooldown_period = self.cooldown_period;
        for signal in &mut group.signals {
            let Some(thresholds) = self.signals.get(&signal.name) else { continue };
            signal.scale_out = thresholds.scale_out;
            signal.scale_in = thresholds.scale_in;
            signal.duration = thresholds.duration;
            signal.weight = thresholds.weight;
        }
        group
    }

    /// What differs from `before`, one thought an entry.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let mut said = Vec::new();
        let mut tell = |name: &str, from: String, to: String| {
            if from != to {
                said.push(format!("{name} {to} instead of {from}"));
            }
        };
        tell("engine", name_of(before.engine), name_of(self.engine));
        tell("target_utilisation", number(before.target_utilisation), number(self.target_utilisation));
        tell("bottleneck", before.bottleneck.to_string(), self.bottleneck.to_string());
        let seconds = |period: Option<u32>| period.map_or("the default".to_owned(), |seconds| seconds.to_string());
        tell("cooldown_period", seconds(before.cooldown_period), seconds(self.cooldown_period));
        let known = |value: Option<f64>| value.map_or("none".to_owned(), number);
        for (name, after) in &self.signals {
            let Some(before) = before.signals.get(name) else { continue };
            tell(&format!("{name}.scale_out"), known(before.scale_out), known(after.scale_out));
            tell(&format!("{name}.scale_in"), known(before.scale_in), known(after.scale_in));
            tell(&format!("{name}.duration"), before.duration.to_string(), after.duration.to_string());
            tell(&format!("{name}.weight"), known(before.weight), known(after.weight));
        }
        said
    }
}

impl EngineKind {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::WeightedScore => "weighted_score",
            Self::TargetTracking => "target_tracking",
            Self::Predictive => "predictive",
        }
    }
}

fn name_of(engine: EngineKind) -> String {
    engine.name().to_owned()
}

fn number(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    rounded.to_string()
}

/// Identifies what a person has configured of a group's policy: what versions are derived from. It changes with the policy,
/// the cooldown and the signals, and with nothing else.
pub fn basis(group: &Group) -> String {
    let said = serde_json::to_vec(&(&group.policy, group.scaling.cooldown_period, &group.signals)).unwrap_or_default();
    hex::encode(&Sha256::digest(said)[..8])
}
