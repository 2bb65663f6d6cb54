//! Rules that can only make a proposal safer, applied in a fixed order to a number that an engine proposed.
//!
//! [`apply`] is a pure function of [`Inputs`], which a decision record keeps: what was allowed, and why, follows from the
//! record alone.

use serde::{Deserialize, Serialize};

use super::schedules::ScheduledCall;
use crate::model::Order;

/// Utilisation in per cent at which an instance counts as full.
pub const FULL_PERCENT: f64 = 95.0;

/// Everything that the guardrails look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// What the engine wants.
    pub proposed: u32,
    /// What there is: serving and starting.
    pub current: u32,
    /// Never fewer.
    pub min_instances: u32,
    /// Never more, besides those that are [`going`](Self::going).
    pub max_instances: u32,
    /// Never more than the budget pays for, besides those that are [`going`](Self::going); where it pays for fewer than
    /// `max_instances`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affordable: Option<u32>,
    /// Instances that the cloud is taking back and that still count: what a limit or a pin says is said of the others.
    #[serde(default)]
    pub going: u32,
    /// Most instances added at once.
    pub max_step_out: Option<u32>,
    /// Most instances removed at once.
    pub max_step_in: Option<u32>,
    /// Why the metrics cannot carry a decision to shrink: missing, stale, contradictory. Empty when they can.
    pub doubts: Vec<String>,
    /// Calls for more that are still in force: number and reason.
    pub raises: Vec<(u32, String)>,
    /// What known events ask for.
    #[serde(default)]
    pub schedules: Vec<ScheduledCall>,
    /// Seconds since the last change, if there was one.
    pub seconds_since_change: Option<i64>,
    /// Seconds of rest before shrinking.
    pub cooldown_in_seconds: u32,
    /// Load that fewer instances would have to share.
    pub shared_loads: Vec<SharedLoad>,
    /// Orders of people that are in force.
    pub orders: Vec<Order>,
}

#[cfg(test)]
impl Inputs {
    /// Nothing in the way but the limits.
    pub(crate) fn between(min_instances: u32, max_instances: u32, proposed: u32, current: u32) -> Self {
        Self {
            proposed,
            current,
            min_instances,
            max_instances,
            affordable: None,
            going: 0,
            max_step_out: None,
            max_step_in: None,
            doubts: Vec::new(),
            raises: Vec::new(),
            schedules: Vec::new(),
            seconds_since_change: None,
            cooldown_in_seconds: 0,
            shared_loads: Vec::new(),
            orders: Vec::new(),
        }
    }
}

/// A utilisation that grows when instances leave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedLoad {
    /// The signal.
    pub signal: String,
    /// Its value in per cent, averaged over the serving instances.
    pub utilisation: f64,
    /// Instances that served when it was measured.
    pub serving: u32,
    /// Above this the group would grow again.
    pub scale_out: f64,
}

/// A guardrail that changed the number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub rule: Rule,
    /// The number before it.
    pub from: u32,
    /// The number after it.
    pub to: u32,
    /// Why, in words.
    pub why: String,
}

/// The guardrails, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Missing, stale or contradictory metrics never shrink a group.
    DoubtfulMetrics,
    /// Rest after a change before shrinking.
    Cooldown,
    /// Never shrink to where the rest would be over a threshold.
    FlapSafety,
    /// Most instances removed at once.
    StepIn,
    /// An alarm or a reclaim asked for more.
    Raise,
    /// A known event asks for more.
    Schedule,
    /// Most instances added at once.
    StepOut,
    /// A person paused, pinned, or set a floor.
    Hold,
    /// Never fewer than the minimum, never more than the maximum.
    Limits,
}

/// What the guardrails allow, and which of them changed the number.
pub fn apply(inputs: &Inputs) -> (u32, Vec<Step>) {
    let mut allowed = Allowed { target: inputs.proposed, steps: Vec::new() };
    let current = inputs.current;
    if allowed.target < current {
        if !inputs.doubts.is_empty() {
            allowed.set(Rule::DoubtfulMetrics, current, || inputs.doubts.join("; "));
        }
        if let Some(rest) = remaining_rest(inputs) {
            allowed.set(Rule::Cooldown, current, || format!("{rest} s of rest are left before shrinking"));
        }
        for load in &inputs.shared_loads {
            let least = least_for(load).min(current);
            if allowed.target < least {
                allowed.set(Rule::FlapSafety, least, || {
                    format!("with fewer than {least}, {} would be over {} %", load.signal, load.scale_out)
                });
            }
        }
        if let Some(step) = inputs.max_step_in {
            let least = current.saturating_sub(step);
            if allowed.target < least {
                allowed.set(Rule::StepIn, least, || format!("at most {step} are removed at once"));
            }
        }
    }
    for (floor, why) in &inputs.raises {
        if allowed.target < *floor {
            allowed.set(Rule::Raise, *floor, || why.clone());
        }
    }
    for call in &inputs.schedules {
        let floor = call.instances();
        if allowed.target < floor {
            allowed.set(Rule::Schedule, floor, || call.why());
        }
    }
    if let Some(step) = inputs.max_step_out {
        let most = current.saturating_add(step);
        if allowed.target > most {
            allowed.set(Rule::StepOut, most, || format!("at most {step} are added at once"));
        }
    }
    for order in &inputs.orders {
        allowed.obey(*order, current, inputs.going);
    }
    if allowed.target < inputs.min_instances {
        allowed.set(Rule::Limits, inputs.min_instances, || "never fewer than min_instances".to_owned());
    }
    let most = inputs.most().saturating_add(inputs.going);
    if allowed.target > most {
        let limit = if inputs.affordable.is_some() { "the budget pays for" } else { "max_instances" };
        allowed.set(Rule::Limits, most, || besides(inputs.going, format!("never more than {limit}")));
    }
    (allowed.target, allowed.steps)
}

impl Inputs {
    /// Most that the limits allow of those that stay.
    pub fn most(&self) -> u32 {
        self.affordable.unwrap_or(self.max_instances)
    }

    /// What there shall be by the calls and orders of `raises` and `orders`, where `target` has been asked for already.
    pub fn called(&self, target: u32, raises: Vec<(u32, String)>, orders: Vec<Order>) -> u32 {
        let inputs = Self { proposed: target, current: target, raises, orders, max_step_out: None, ..self.clone() };
        apply(&inputs).0
    }
}

struct Allowed {
    target: u32,
    steps: Vec<Step>,
}

impl Allowed {
    fn set(&mut self, rule: Rule, to: u32, why: impl FnOnce() -> String) {
        if to != self.target {
            self.steps.push(Step { rule, from: self.target, to, why: why() });
            self.target = to;
        }
    }

    fn obey(&mut self, order: Order, current: u32, going: u32) {
        match order {
            Order::PauseAll => self.set(Rule::Hold, current, || "a person paused all changes".to_owned()),
            Order::PauseIn if self.target < current => {
                self.set(Rule::Hold, current, || "a person paused shrinking".to_owned());
            }
            Order::PauseOut if self.target > current => {
                self.set(Rule::Hold, current, || "a person paused growing".to_owned());
            }
            Order::PauseIn | Order::PauseOut => {}
            Order::Pin(number) => {
                let target = number.saturating_add(going);
                self.set(Rule::Hold, target, || besides(going, format!("a person pinned {number}")));
            }
            Order::Floor(number) if self.target < number => {
                self.set(Rule::Hold, number, || format!("a person wants at least {number}"));
            }
            Order::Floor(_) => {}
        }
    }
}

/// What is said of those that stay.
fn besides(going: u32, said: String) -> String {
    if going == 0 { said } else { format!("{said}, besides {going} that the cloud is taking back") }
}

fn remaining_rest(inputs: &Inputs) -> Option<i64> {
    let rest = i64::from(inputs.cooldown_in_seconds) - inputs.seconds_since_change?;
    (rest > 0).then_some(rest)
}

/// The least number of instances that keeps a shared load at or under its threshold.
fn least_for(load: &SharedLoad) -> u32 {
    let needed = load.utilisation * f64::from(load.serving) / load.scale_out;
    // A hair of tolerance, so that a load exactly at the threshold does not cost an instance by rounding.
    (needed - 1e-9).ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inputs(proposed: u32, current: u32) -> Inputs {
        Inputs::between(1, 20, proposed, current)
    }

    #[test]
    fn a_sound_proposal_passes_untouched() {
        assert_eq!(apply(&inputs(5, 8)), (5, Vec::new()));
    }

    #[test]
    fn doubtful_metrics_never_shrink_but_may_grow() {
        let doubts = vec!["cpu is 7 minutes old".to_owned()];
        assert_eq!(apply(&Inputs { doubts: doubts.clone(), ..inputs(5, 8) }).0, 8);
        assert_eq!(apply(&Inputs { doubts, ..inputs(9, 8) }).0, 9);
    }

    #[test]
    fn the_rest_after_a_change_binds_shrinking_only() {
        let resting =
            |proposed| Inputs { seconds_since_change: Some(120), cooldown_in_seconds: 300, ..inputs(proposed, 8) };
        assert_eq!(apply(&resting(5)).0, 8);
        assert_eq!(apply(&resting(9)).0, 9);
    }

    #[test]
    fn a_group_never_shrinks_to_where_the_rest_would_be_over_the_threshold() {
        let load = SharedLoad { signal: "cpu".into(), utilisation: 50.0, serving: 8, scale_out: 70.0 };
        let (target, steps) = apply(&Inputs { shared_loads: vec![load], ..inputs(4, 8) });
        assert_eq!(target, 6, "50 % of 8 are 57 % of 7 and 67 % of 6, but 80 % of 5");
        assert_eq!(steps[0].rule, Rule::FlapSafety);
    }

    #[test]
    fn a_pin_wins_over_engine_and_raises_but_not_over_the_limits() {
        let pinned = Inputs { orders: vec![Order::Pin(30)], raises: vec![(12, "alarm".into())], ..inputs(5, 8) };
        assert_eq!(apply(&pinned).0, 20);
    }

    #[test]
    fn a_limit_and_a_pin_are_said_of_those_that_stay() {
        let with = |orders| Inputs { going: 5, orders, ..inputs(25, 25) };
        assert_eq!(apply(&with(Vec::new())).0, 25, "twenty, and five that the cloud is taking back");
        assert_eq!(apply(&with(vec![Order::Pin(8)])).0, 13);
        assert_eq!(apply(&Inputs { proposed: 40, ..with(Vec::new()) }).0, 25);
    }

    #[test]
    fn a_budget_that_pays_for_fewer_than_the_maximum_is_named() {
        let (target, steps) = apply(&Inputs { affordable: Some(12), ..inputs(15, 8) });
        assert_eq!((target, steps[0].why.as_str()), (12, "never more than the budget pays for"));
    }

    #[test]
    fn a_pause_keeps_what_there_is() {
        assert_eq!(apply(&Inputs { orders: vec![Order::PauseAll], ..inputs(15, 8) }).0, 8);
        assert_eq!(apply(&Inputs { orders: vec![Order::PauseOut], ..inputs(15, 8) }).0, 8);
        assert_eq!(apply(&Inputs { orders: vec![Order::PauseIn], ..inputs(5, 8) }).0, 8);
        assert_eq!(apply(&Inputs { orders: vec![Order::PauseIn], ..inputs(15, 8) }).0, 15);
    }

    proptest! {
        #[test]
        fn without_orders_and_limits_a_guardrail_only_raises_a_shrinking_proposal(
            proposed in 0u32..40, current in 0u32..40, doubtful: bool, step in proptest::option::of(1u32..5),
            raise in proptest::option::of(0u32..40), utilisation in 0.0f64..100.0,
        ) {
            let inputs = Inputs {
                min_instances: 0,
                max_instances: 10_000,
                max_step_in: step,
                doubts: doubtful.then(|| "stale".to_owned()).into_iter().collect(),
                raises: raise.map(|target| (target, "alarm".to_owned())).into_iter().collect(),
                shared_loads: vec![SharedLoad { signal: "cpu".into(), utilisation, serving: current, scale_out: 70.0 }],
                ..inputs(proposed, current)
            };
            let (target, _) = apply(&inputs);
            prop_assert!(target >= proposed);
            if doubtful { prop_assert!(target >= current.min(proposed.max(current))); }
            prop_assert!(target <= proposed.max(current).max(raise.unwrap_or(0)));
        }

        #[test]
        fn the_result_is_always_within_the_limits(
            proposed: u32, current in 0u32..1000, least in 0u32..100, more in 0u32..100, going in 0u32..10, pin in proptest::option::of(any::<u32>()),
        ) {
            let inputs = Inputs {
                min_instances: least,
                max_instances: least + more,
                going,
                orders: pin.map(Order::Pin).into_iter().collect(),
                ..inputs(proposed, current)
            };
            let (target, _) = apply(&inputs);
            prop_assert!((least..=least + more + going).contains(&target));
        }
    }
}
