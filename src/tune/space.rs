//! What may be tuned, and within which bounds.

use crate::model::{EngineKind, Group, Signal, SignalKind, Tunables};

/// `scale_in` is at most this share of `scale_out`, so that a group does not grow right after it has shrunk.
const LARGEST_IN_SHARE: f64 = 0.8;
/// Percentages are at least this far apart.
const LEAST_GAP_PERCENT: f64 = 10.0;

/// One number, or switch, of a policy that may be tuned.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name: `target_utilisation`, `signals.cpu.scale_out`.
    pub name: String,
    /// The least that it may be.
    pub least: f64,
    /// The most that it may be.
    pub most: f64,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    TargetUtilisation,
    Cooldown { default: u32 },
    Bottleneck,
    ScaleOut(String),
    ScaleIn(String),
    Duration(String),
    Weight(String),
}

impl Parameter {
    /// Its value, where it has one.
    pub fn of(&self, tunables: &Tunables) -> Option<f64> {
        let signal = |name: &String| tunables.signals.get(name);
        match &self.place {
            Place::TargetUtilisation => Some(tunables.target_utilisation),
            Place::Cooldown { default } => Some(f64::from(tunables.cooldown_period.unwrap_or(*default))),
            Place::Bottleneck => Some(f64::from(u8::from(tunables.bottleneck))),
            Place::ScaleOut(name) => signal(name)?.scale_out,
            Place::ScaleIn(name) => signal(name)?.scale_in,
            Place::Duration(name) => Some(f64::from(signal(name)?.duration)),
            Place::Weight(name) => signal(name)?.weight,
        }
    }

    /// Sets it, within its bounds; rounded to what people write: whole minutes, two digits.
    pub fn set(&self, tunables: &mut Tunables, value: f64) {
        if !value.is_finite() {
            return;
        }
        let value = value.clamp(self.least, self.most);
        let hundredths = (value * 100.0).round() / 100.0;
        let minutes = (value / 60.0).round() as u32 * 60;
        match &self.place {
            Place::TargetUtilisation => tunables.target_utilisation = hundredths,
            Place::Cooldown { .. } => tunables.cooldown_period = Some(minutes),
            Place::Bottleneck => tunables.bottleneck = value >= 0.5,
            Place::ScaleOut(name) | Place::ScaleIn(name) | Place::Duration(name) | Place::Weight(name) => {
                let Some(signal) = tunables.signals.get_mut(name) else { return };
                match &self.place {
                    Place::ScaleOut(_) => signal.scale_out = Some(hundredths),
                    Place::ScaleIn(_) => signal.scale_in = Some(hundredths),
                    Place::Duration(_) => signal.duration = minutes,
                    _ => signal.weight = Some(hundredths),
                }
            }
        }
    }

    /// Whether it is a number that an adviser may change: a switch is none.
    pub fn is_number(&self) -> bool {
        self.place != Place::Bottleneck
    }
}

/// What of a group may be tuned under that engine. Bounds of thresholds are the founding article's; a value that a person
/// has configured is within them, whatever it is.
pub fn parameters(group: &Group, engine: EngineKind) -> Vec<Parameter> {
    let configured = Tunables::of(group);
    let mut all = Vec::new();
    let mut add = |name: &str, place: Place, (least, most): (f64, f64)| {
        let mut parameter = Parameter { name: name.to_owned(), least, most, place };
        if let Some(value) = parameter.of(&configured) {
            parameter.least = parameter.least.min(value);
            parameter.most = parameter.most.max(value);
            all.push(parameter);
        }
    };
    let default = group.scaling.cooldown_seconds(engine);
    match engine {
        // It weighs for itself all that could be tuned; what it is told is the user's.
        EngineKind::Predictive => {}
        EngineKind::TargetTracking => {
            add("target_utilisation", Place::TargetUtilisation, (30.0, 90.0));
            add("cooldown_period", Place::Cooldown { default }, (0.0, 1800.0));
        }
        EngineKind::WeightedScore => {
            add("cooldown_period", Place::Cooldown { default }, (60.0, 1800.0));
            add("bottleneck", Place::Bottleneck, (0.0, 1.0));
            for signal in group.signals.iter().filter(|signal| signal.weight.is_some_and(|weight| weight > 0.0)) {
                let Some((out, scale_in)) = bounds(signal) else { continue };
                let name = |field| format!("signals.{}.{field}", signal.name);
                add(&name("scale_out"), Place::ScaleOut(signal.name.clone()), out);
                add(&name("scale_in"), Place::ScaleIn(signal.name.clone()), scale_in);
                add(&name("duration"), Place::Duration(signal.name.clone()), (60.0, 900.0));
                add(&name("weight"), Place::Weight(signal.name.clone()), (0.05, 0.6));
            }
        }
    }
    all
}

/// The founding article's bounds of `scale_out` and of `scale_in`. `None` where it has none.
fn bounds(signal: &Signal) -> Option<((f64, f64), (f64, f64))> {
    match signal.kind {
        SignalKind::Utilisation if is_memory(signal) => Some(((70.0, 95.0), (20.0, 50.0))),
        SignalKind::Utilisation => Some(((60.0, 90.0), (10.0, 40.0))),
        SignalKind::LatencyMs => Some(((1000.0, 5000.0), (200.0, 1000.0))),
        SignalKind::QueueLength => Some(((50.0, 200.0), (10.0, 100.0))),
        SignalKind::Percent | SignalKind::RatePerSecond => None,
    }
}

/// Whether a utilisation is that of memory, by its name or its metric's.
pub(super) fn is_memory(signal: &Signal) -> bool {
    let metric = match &signal.source {
        crate::model::SignalSource::CloudEye(source) => source.metric.as_str(),
        _ => "",
    };
    [signal.name.as_str(), metric].iter().any(|name| name.to_ascii_lowercase().contains("mem"))
}

/// Brings a policy to where it makes sense: `scale_in` well below `scale_out`, weights that add up to what they did as
/// configured.
pub fn made_sound(tunables: &mut Tunables, group: &Group) {
    let is_percent = |kind| matches!(kind, SignalKind::Utilisation | SignalKind::Percent);
    let total = |tunables: &Tunables| tunables.signals.values().filter_map(|signal| signal.weight).sum::<f64>();
    let (configured, now) = (total(&Tunables::of(group)), total(tunables));
    for signal in &group.signals {
        let Some(tuned) = tunables.signals.get_mut(&signal.name) else { continue };
        if let (Some(out), Some(scale_in)) = (tuned.scale_out, tuned.scale_in) {
            let gap = if is_percent(signal.kind) { LEAST_GAP_PERCENT } else { 0.0 };
            let highest = (out * LARGEST_IN_SHARE).min(out - gap).max(0.0);
            let configured = signal.scale_out.zip(signal.scale_in).is_some_and(|pair| pair == (out, scale_in));
            if !configured && scale_in > highest {
                tuned.scale_in = Some((highest * 100.0).floor() / 100.0);
            }
        }
        if let Some(weight) = tuned.weight.filter(|_| now > 0.0 && configured > 0.0) {
            tuned.weight = Some((weight * configured / now * 1e4).round() / 1e4);
        }
    }
}

/// Whether tunables make sense for a group, as a configuration must; what does not is never followed, whoever wrote it.
///
/// # Errors
/// Says what makes no sense.
pub fn check(tunables: &Tunables, group: &Group) -> Result<(), String> {
    let is_share = |value: f64| value > 0.0 && value <= 100.0;
    if !is_share(tunables.target_utilisation) {
        return Err(format!("target_utilisation {} is no share in per cent", tunables.target_utilisation));
    }
    if tunables.cooldown_period.is_some_and(|seconds| seconds > 86_400) {
        return Err("cooldown_period is more than a day".to_owned());
    }
    for (name, thresholds) in &tunables.signals {
        let numbers = [thresholds.scale_out, thresholds.scale_in, thresholds.weight];
        if numbers.iter().flatten().any(|value| !value.is_finite() || *value < 0.0) || thresholds.duration > 86_400 {
            return Err(format!("a number of signal {name} is negative or endless"));
        }
        if thresholds.scale_out.zip(thresholds.scale_in).is_some_and(|(out, scale_in)| scale_in >= out) {
            return Err(format!("scale_in of signal {name} is not below its scale_out"));
        }
    }
    let tuned = tunables.applied_to(group);
    match tuned.policy.engine {
        EngineKind::WeightedScore
            if !tuned.signals.iter().any(|signal| signal.weight.is_some_and(|weight| weight > 0.0)) =>
        {
            Err("weighted_score needs a signal with a weight".to_owned())
        }
        EngineKind::TargetTracking | EngineKind::Predictive if tuned.load_signal().is_none() => {
            Err(format!("{} needs a signal of kind utilisation", tuned.policy.engine.name()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tune::tests::group;

    #[test]
    fn the_articles_thresholds_lie_within_its_bounds() {
        let group = group();
        for parameter in parameters(&group, EngineKind::WeightedScore) {
            let value = parameter.of(&Tunables::of(&group)).unwrap();
            assert!((parameter.least..=parameter.most).contains(&value), "{parameter:?} {value}");
        }
        let find = |name: &str| {
            let all = parameters(&group, EngineKind::WeightedScore);
            all.into_iter().find(|parameter| parameter.name == name).map(|parameter| (parameter.least, parameter.most))
        };
        assert_eq!(find("signals.cpu.scale_out"), Some((60.0, 90.0)));
        assert_eq!(find("signals.memory.scale_in"), Some((20.0, 50.0)));
        assert_eq!(find("signals.response_time.scale_out"), Some((1000.0, 5000.0)));
        assert_eq!(find("signals.queue.scale_in"), Some((10.0, 100.0)));
        assert_eq!(find("signals.requests.scale_out"), None);
    }

    #[test]
    fn what_a_person_has_configured_is_within_the_bounds_whatever_it_is() {
        let mut group = group();
        group.signals[2].scale_out = Some(400.0);
        group.signals[2].scale_in = Some(100.0);
        let all = parameters(&group, EngineKind::WeightedScore);
        let out = all.iter().find(|parameter| parameter.name == "signals.response_time.scale_out").unwrap();
        assert_eq!((out.least, out.most), (400.0, 5000.0));
    }

    proptest! {
        #[test]
        fn whatever_is_set_a_policy_stays_within_its_bounds_and_is_sound(
            values in prop::collection::vec(-1e9f64..1e9, 40), nan in any::<bool>(),
        ) {
            let group = group();
            let mut tunables = Tunables::of(&group);
            let parameters = parameters(&group, EngineKind::WeightedScore);
            for (parameter, value) in parameters.iter().zip(values) {
                parameter.set(&mut tunables, if nan { f64::NAN } else { value });
                let value = parameter.of(&tunables).unwrap();
                prop_assert!((parameter.least..=parameter.most).contains(&value));
            }
            made_sound(&mut tunables, &group);
            for thresholds in tunables.signals.values() {
                if let (Some(out), Some(scale_in)) = (thresholds.scale_out, thresholds.scale_in) {
                    prop_assert!(scale_in < out);
                }
            }
            let sum = |tunables: &Tunables| tunables.signals.values().filter_map(|each| each.weight).sum::<f64>();
            prop_assert!((sum(&tunables) - sum(&Tunables::of(&group))).abs() < 0.01);
        }
    }
}
