//! See it coming: buys exactly what is worth its money, told only the price of a violation.
//!
//! Every minute: samples become demand in instances (`demand`), an online forecast turns that into distributions a few
//! minutes ahead ([`crate::forecast::online`]), each is priced by the expected cost of instances and late work (`sizing`),
//! and a bank of experts (`bank`) that run in shadow votes, weighted by their costs, on how cautious to be.

mod bank;
mod demand;
mod evidence;
mod expected;
mod full_queue;
mod knee;
mod outlook;
mod past_days;
mod sizing;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::bank::{Bank, MULTIPLIERS, Sizes};
use self::demand::first_of;
pub(crate) use self::demand::{Demand, DemandEstimator};
pub use self::evidence::{Floor, HorizonDemand, Outlook, PredictiveEvidence, ShrinkHold, Vote};
pub use self::expected::Expected;
use self::full_queue::FullQueue;
use self::knee::Knee;
pub use self::outlook::View;
use self::past_days::PastDays;
pub use self::sizing::DemandDistribution;
use self::sizing::{ExpectedLate, LateTable};
use super::track::period_minutes;
use super::{Engine, Evidence, Observation, Proposal};
use crate::forecast::online::OnlineForecast;
use crate::model::{Policy, Sample, Signal, SignalKind};
use crate::queueing::ServiceModel;

/// Furthest horizon in minutes.
const FURTHEST_HORIZON: u32 = 60;
/// Under this utilisation, in per cent, slow requests are not explained by load.
const IDLE_UTILISATION: f64 = 70.0;

/// What of a policy the engine goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Terms {
    violation_price: f64,
    slo_seconds: f64,
    service_seconds: f64,
    instance_capacity: Option<f64>,
    target_signal: Option<String>,
}

impl Terms {
    fn of(policy: &Policy) -> Self {
        Self {
            violation_price: policy.violation_price,
            slo_seconds: policy.slo_ms / 1000.0,
            service_seconds: policy.service_ms / 1000.0,
            instance_capacity: policy.instance_capacity,
            target_signal: policy.target_signal.clone(),
        }
    }

    /// Instances that serve one unit of work per second each.
    fn service_model(&self) -> ServiceModel {
        ServiceModel {
            capacity_per_second: 1.0,
            service_seconds: self.service_seconds,
            slo_seconds: self.slo_seconds,
            lead_minutes: 0,
        }
    }
}

/// The predictive engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictive {
    terms: Terms,
    demand: DemandEstimator,
    forecast: OnlineForecast,
    #[serde(default)]
    knee: Knee,
    bank: Bank,
    /// Latency and utilisation of the newest sample that had both.
    newest_latency: Option<(f64, f64)>,
    /// Floors of the newest sample.
    floors: Vec<Floor>,
    /// The newest queue that was full.
    full: Option<FullQueue>,
    #[serde(skip)]
    scratch: Scratch,
}

/// What is computed anew after a load.
#[derive(Clone, Debug, Default)]
struct Scratch {
    table: Option<Arc<LateTable>>,
    days: PastDays,
    /// Late work that each view expects at the horizons that it looks at.
    late: [Vec<ExpectedLate>; View::ALL.len()],
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Predictive {
    /// An engine that has seen nothing.
    pub fn new(policy: &Policy) -> Self {
        Self::with_terms(Terms::of(policy))
    }

    fn with_terms(terms: Terms) -> Self {
        let bank = Bank::new(terms.violation_price, 0);
        Self {
            terms,
            demand: DemandEstimator::default(),
            forecast: OnlineForecast::new(&[]),
            knee: Knee::default(),
            bank,
            newest_latency: None,
            floors: Vec::new(),
            full: None,
            scratch: Scratch::default(),
        }
    }

    /// Goes by another policy from now on, keeping what was learnt of the demand. False, and nothing changes, if the demand
    /// would be measured in another way.
    pub fn adapt(&mut self, policy: &Policy) -> bool {
        let terms = Terms::of(policy);
        if (terms.instance_capacity, &terms.target_signal) != (self.terms.instance_capacity, &self.terms.target_signal)
        {
            return false;
        }
        if terms != self.terms {
            self.bank = Bank::new(terms.violation_price, self.bank.lead());
            if (terms.slo_seconds, terms.service_seconds) != (self.terms.slo_seconds, self.terms.service_seconds) {
                self.knee = Knee::default();
            }
            self.scratch = Scratch::default();
            self.terms = terms;
        }
        true
    }

    /// Adapts to lead, delay and metric period, all of which may change while it runs.
    fn prepare(&mut self, observation: &Observation<'_>) {
        if self.scratch.table.is_none() {
            if !self.forecast.is_sound() || !self.bank.is_sound() || !self.knee.is_sound() {
                *self = Self::with_terms(self.terms.clone());
            }
            self.scratch.table = Some(Arc::new(LateTable::new(self.terms.service_seconds, self.terms.slo_seconds)));
        }
        let first = observation.delay_minutes + 1;
        let last = first + observation.lead_minutes + self.period(observation.signals) as u32 - 1;
        self.forecast.set_horizons(&horizons(first, last.min(FURTHEST_HORIZON)));
        self.bank.set_lead(observation.lead_minutes);
    }

    /// Minutes between two values of the signal that demand is taken from.
    fn period(&self, signals: &[Signal]) -> i64 {
        let target = self.terms.target_signal.as_deref();
        let utilisation = || signals.iter().filter(|signal| signal.kind == SignalKind::Utilisation);
        let rate = || signals.iter().find(|signal| signal.kind == SignalKind::RatePerSecond);
        let named = target.and_then(|name| utilisation().find(|signal| signal.name == name));
        named.or_else(|| utilisation().next()).or_else(rate).map_or(1, period_minutes).clamp(1, 60)
    }

    fn take_in(&mut self, observation: &Observation<'_>, sample: &Sample) {
        if self.forecast.newest().is_some_and(|newest| sample.minute <= newest) {
            return;
        }
        let target = self.terms.target_signal.as_deref();
        let signals = observation.signals;
        let model = self.terms.service_model();
        let latency = first_of(signals, sample, SignalKind::LatencyMs, None);
        let utilisation = first_of(signals, sample, SignalKind::Utilisation, target);
        if let (Some(latency), Some(utilisation), Some(serving)) = (latency, utilisation, sample.serving) {
            self.knee.learn(&model, sample.minute, serving, utilisation / 100.0, latency);
        }
        let most = if self.knee.is_slow() { self.knee.share().min(1.0) } else { 1.0 };
        let told = self.terms.instance_capacity;
        let Some(demand) = self.demand.estimate(signals, sample, told, target, most) else {
            return;
        };
        self.newest_latency = latency.zip(utilisation);
        self.floors = demand::floors(signals, sample, target);
        let (demand, is_known) = match demand {
            Demand::Exactly(demand) => (demand, true),
            Demand::AtLeast(least) => {
                let full = FullQueue::next(self.full, sample.minute, sample.serving.unwrap_or_default());
                self.full = Some(full);
                let is_blocked = full.is_blocked(observation.lead_minutes + observation.delay_minutes);
                (full.hidden_demand(least, self.forecast.history(), is_blocked), !is_blocked)
            }
        };
        self.forecast.push(sample.minute, demand);
        // What is hidden for so long says nothing of how well anyone would have served it.
        if is_known {
            self.bank.score(&model, sample.minute, demand / self.knee.share());
        }
    }

    /// Counts worth their money by every view at the multipliers that its experts use: the largest over the horizons.
    fn size(&mut self) -> Sizes {
        let mut sizes = Sizes::default();
        let Some(table) = self.scratch.table.clone() else { return sizes };
        let horizons = self.forecast.horizons().len();
        let Scratch { days, late, .. } = &mut self.scratch;
        days.look(&self.forecast);
        for view in View::ALL {
            let (sizes, used) = (&mut sizes[view as usize], self.bank.used(view));
            let (earlier, rest) = late.split_at_mut(view as usize);
            let Some(late) = rest.first_mut() else { continue };
            let looked_at = view.horizons(horizons);
            late.resize_with(looked_at.len(), ExpectedLate::default);
            for (at, (horizon, late)) in looked_at.zip(late).enumerate() {
                if view == View::Blend {
                    // Late work adds up as probabilities do.
                    late.blend(View::BLENDED.map(|part| &earlier[part as usize][at]));
                } else {
                    view.expect(&self.forecast, days, horizon, (&table, self.knee.share()), late);
                }
                let mut from = 0;
                for (at, multiplier) in MULTIPLIERS.into_iter().enumerate().filter(|&(at, _)| used[at]) {
                    // What is worth its money stays so at a higher price.
                    from = table.cheapest(late, self.terms.violation_price * multiplier, from);
                    sizes[at] = sizes[at].max(table.count(from));
                }
            }
        }
        sizes
    }

    fn holds(&self, observation: &Observation<'_>) -> Vec<ShrinkHold> {
        let mut holds = Vec::new();
        if let Some(newest) = self.forecast.newest() {
            let due = observation.now - i64::from(observation.delay_minutes) - self.period(observation.signals);
            if newest < due {
                holds.push(ShrinkHold::StaleMetrics { minutes: observation.now - newest });
            }
        }
        if let Some((latency_ms, utilisation)) = self.newest_latency
            && latency_ms > self.terms.slo_seconds * 1000.0
            && utilisation < IDLE_UTILISATION
        {
            holds.push(ShrinkHold::SlowWhileIdle { latency_ms, utilisation });
        }
        holds
    }

    fn outlook(&self, observation: &Observation<'_>) -> Outlook {
        let votes = self.bank.votes(observation.now, self.forecast.mean());
        let weight_of =
            |view: View| -> f32 { votes.iter().filter(|vote| vote.view == view).map(|vote| vote.weight).sum() };
        let heaviest = View::ALL.into_iter().max_by(|&a, &b| weight_of(a).total_cmp(&weight_of(b)));
        let view = heaviest.unwrap_or(View::Additive);
        let horizons = self.forecast.horizons();
        let expected = view.horizons(horizons.len()).map(|horizon| HorizonDemand {
            minutes: horizons[horizon],
            demand: view.distribution(&self.forecast, &self.scratch.days, horizon),
        });
        Outlook { view, horizons: expected.collect(), votes }
    }
}

impl Engine for Predictive {
    fn decide(&mut self, observation: &Observation<'_>) -> Proposal {
        self.prepare(observation);
        self.bank.stand_still(observation.now);
        for sample in observation.samples {
            self.take_in(observation, sample);
        }
        let before = observation.capacity.total();
        let Some((newest, newest_demand)) = self.forecast.newest().zip(self.forecast.history().back(0)) else {
            let kept = before.min(observation.max_instances).max(observation.min_instances);
            return Proposal { target: kept, evidence: Evidence::Nothing { kept } };
        };
        let mut evidence = PredictiveEvidence {
            now: observation.now,
            newest,
            newest_demand,
            mean_demand: self.forecast.mean(),
            instance_capacity: self.demand.capacity(self.terms.instance_capacity),
            violation_price: self.terms.violation_price,
            service_seconds: self.terms.service_seconds,
            slo_seconds: self.terms.slo_seconds,
            knee: self.knee.share(),
            outlook: None,
            before,
            floors: self.floors.clone(),
            holds: self.holds(observation),
            min_instances: observation.min_instances,
            max_instances: observation.max_instances,
        };
        if self.forecast.is_warm() {
            let sizes = self.size();
            let limits = (observation.min_instances, observation.max_instances);
            self.bank.decide(observation.now, before, &sizes, limits);
            evidence.outlook = Some(self.outlook(observation));
        }
        Proposal { target: evidence.target(), evidence: Evidence::Predictive(Box::new(evidence)) }
    }
}

/// The horizons that are forecast: until the next decision takes effect, halfway, and when an instance asked for now serves.
fn horizons(first: u32, last: u32) -> Vec<u32> {
    let mut horizons = vec![first.min(last), first.midpoint(last), last];
    horizons.dedup();
    horizons
}

#[cfg(test)]
mod tests;
