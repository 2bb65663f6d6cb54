//! What of the newest signals speaks against shrinking. Held by [`guardrails`](super::guardrails), and by replays of whole
//! groups.

use super::guardrails::{FULL_PERCENT, SharedLoad};
use crate::model::{EngineKind, Group, Sample, Signal, SignalKind};

/// Signals that say that the group suffers, whatever the others say: falling CPU beside rising errors is an outage, not
/// idleness.
pub fn contradictions(signals: &[Signal], newest: impl Fn(&Signal) -> Option<f64>) -> Vec<String> {
    let suffers = |signal: &&Signal| {
        matches!(signal.kind, SignalKind::LatencyMs | SignalKind::Percent)
            && newest(signal).zip(signal.scale_out).is_some_and(|(value, out)| value > out)
    };
    signals.iter().filter(suffers).map(|signal| format!("{} is over its threshold", signal.name)).collect()
}

/// The load that fewer instances would have to share, for the engines that do not reckon with it themselves. The weighted
/// score must not go where it would grow again; target tracking, which shrinks to its own target, must not go where the
/// rest would be full. The predictive engine weighs the shared load itself.
pub fn shared_loads(group: &Group, newest: &Sample) -> Vec<SharedLoad> {
    let load = || {
        let (index, signal) = group.load_signal()?;
        shared_load(signal, group.policy.engine, newest.values.get(index).copied().flatten()?, newest.serving?)
    };
    load().into_iter().collect()
}

/// The same for any engine, from a utilisation in per cent and the instances that it was measured on.
pub(crate) fn shared_load(signal: &Signal, engine: EngineKind, utilisation: f64, serving: u32) -> Option<SharedLoad> {
    let scale_out = match engine {
        EngineKind::Predictive => return None,
        EngineKind::TargetTracking => FULL_PERCENT,
        EngineKind::WeightedScore => signal.scale_out?,
    };
    Some(SharedLoad { signal: signal.name.clone(), utilisation, serving, scale_out })
}
