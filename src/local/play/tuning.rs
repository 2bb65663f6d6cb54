use serde_json::{Value, json};

use super::Stage;
use crate::model::{EngineKind, Group, Minute};

/// The variable in which the functions find the adviser's key.
pub const ADVISER_KEY_VARIABLE: &str = "DEEPSEEK_API_KEY";
/// Minute of the hour at which `tune` is woken: where the timer of the Terraform module has it.
const WOKEN_AT: u32 = 30;

/// The function `tune`, woken once an hour.
#[derive(Debug)]
pub(super) struct Tuning {
    pub(super) stage: Stage,
    calls: u64,
}

impl Tuning {
    pub(super) fn new(stage: Stage) -> Self {
        Self { stage, calls: 0 }
    }

    pub(super) fn is_due(&self, now: Minute) -> bool {
        now.of_day() % 60 == WOKEN_AT
    }

    /// Takes note of requests that it made.
    pub(super) fn note(&mut self, calls: u64) {
        self.calls += calls;
    }

    /// Requests that it made so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }
}

/// What a sensible adviser would say of a group: grow a little earlier.
pub fn plausible_advice(group: &Group) -> Value {
    let lower = |signal: &crate::model::Signal| {
        let value = (signal.scale_out? * 95.0).round() / 100.0;
        let parameter = format!("signals.{}.scale_out", signal.name);
        Some(json!({"parameter": parameter, "value": value, "reason": "grow before the rush is there"}))
    };
    let change = match group.policy.engine {
        EngineKind::WeightedScore => group.load_signal().and_then(|(_, signal)| lower(signal)),
        EngineKind::TargetTracking => Some(json!({
            "parameter": "target_utilisation",
            "value": (group.policy.target_utilisation * 105.0).round() / 100.0,
            "reason": "instances have room to spare",
        })),
        EngineKind::Predictive => None,
    };
    json!({
        "load_pattern": "periodic",
        "forecast": [],
        "risks": ["a rush that is steeper than those before"],
        "changes": change.into_iter().collect::<Vec<_>>(),
    })
}
