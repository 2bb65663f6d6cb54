//! What a predictive decision was concluded from, and the conclusion itself: live and from the record it is the same code.

use serde::{Deserialize, Serialize};

use super::outlook::View;
use super::sizing::DemandDistribution;
use crate::model::Minute;

/// Before a forecast can be relied on, instances are counted on to be this busy.
const COLD_UTILISATION: f64 = 0.6;
/// A knee this far from the model's is told of.
const WORTH_TELLING: f64 = 0.02;
/// A wanted mean this near to what there is changes nothing.
const STILL_NEAR: f64 = 0.55;

/// All that the predictive engine concluded from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictiveEvidence {
    /// The minute that was decided for.
    pub now: Minute,
    /// The newest minute whose demand is known.
    pub newest: Minute,
    /// Its demand in instances.
    pub newest_demand: f64,
    /// Mean demand of the last days in instances.
    pub mean_demand: f64,
    /// Work per second of one instance, as far as known.
    pub instance_capacity: Option<f64>,
    /// Price of a violation k.
    pub violation_price: f64,
    /// Response time of an idle group in seconds.
    pub service_seconds: f64,
    /// Response time that still counts as good, in seconds.
    pub slo_seconds: f64,
    /// Share of the modelled utilisation from which on requests have really been slow.
    #[serde(default = "as_modelled", skip_serializing_if = "is_as_modelled")]
    pub knee: f64,
    /// What is expected and how it is weighed. `None` while too little has been seen.
    pub outlook: Option<Outlook>,
    /// What there is, serving and starting.
    pub before: u32,
    /// Counts that something else needs.
    pub floors: Vec<Floor>,
    /// Why the group must not shrink now. Empty when it may.
    pub holds: Vec<ShrinkHold>,
    /// Never fewer.
    pub min_instances: u32,
    /// Never more.
    pub max_instances: u32,
}

/// What is expected, and what the experts make of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// How the experts with the most weight see what is to come.
    pub view: View,
    /// Demand expected by that view at some minutes after `newest`, nearest first.
    pub horizons: Vec<HorizonDemand>,
    /// Counts that the experts want. Their weighted mean is what the group gets.
    pub votes: Vec<Vote>,
}

/// What one expert wants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// How it sees what is to come.
    pub view: View,
    /// It buys an instance that saves this many times its price in violations, as multiplier of the price k.
    pub buy_multiplier: f64,
    /// It keeps an instance as long as that is worth its price at this multiplier of the price k.
    pub keep_multiplier: f64,
    /// Decisions over which it holds what was worth keeping.
    pub hold: u32,
    /// Its weight: 1 for the expert that has cost least in shadow, less for others.
    pub weight: f32,
    /// Instances that it wants.
    pub wanted: u32,
}

impl Outlook {
    /// Weighted mean of what the experts want.
    fn wanted(&self) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for vote in &self.votes {
            sum += f64::from(vote.weight) * f64::from(vote.wanted);
            total += f64::from(vote.weight);
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }
}

/// Demand at one horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HorizonDemand {
    /// Minutes after the newest minute known.
    pub minutes: u32,
    /// Its distribution, in instances.
    pub demand: DemandDistribution,
}

/// A count that something other than the forecast needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// The signal.
    pub signal: String,
    /// Its value.
    pub value: f64,
    /// Its threshold.
    pub scale_out: f64,
    /// Instances at which it would be at its threshold.
    pub instances: u32,
}

/// Why a group must not shrink.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShrinkHold {
    /// Metrics are older than they should be.
    StaleMetrics {
        /// Minutes since the newest one.
        minutes: i64,
    },
    /// Requests are slow though instances are not busy: capacity isn't what the model takes it for.
    SlowWhileIdle {
        /// Mean latency in milliseconds.
        latency_ms: f64,
        /// Utilisation in per cent.
        utilisation: f64,
    },
}

impl PredictiveEvidence {
    /// The number that follows.
    pub fn target(&self) -> u32 {
        let wanted = match &self.outlook {
            None => self.before.max((self.newest_demand / COLD_UTILISATION).ceil() as u32),
            Some(outlook) => near(outlook.wanted(), self.before),
        };
        let floor = self.floors.iter().map(|floor| floor.instances).max().unwrap_or_default();
        let wanted = wanted.max(floor);
        let wanted = if self.holds.is_empty() { wanted } else { wanted.max(self.before) };
        wanted.min(self.max_instances).max(self.min_instances)
    }

    /// Why, in words that a person understands.
    pub fn sentences(&self) -> Vec<String> {
        let target = self.target();
        let mut told = Vec::new();
        match &self.outlook {
            None => told.push(format!(
                "Too little has been seen to forecast: nothing is removed, and {:.1} instances' worth of load at {:.0} % utilisation need {}.",
                self.newest_demand,
                COLD_UTILISATION * 100.0,
                (self.newest_demand / COLD_UTILISATION).ceil()
            )),
            Some(outlook) => self.tell_outlook(outlook, &mut told),
        }
        if (self.knee - 1.0).abs() >= WORTH_TELLING {
            let (when, less) = if self.knee < 1.0 { ("sooner", "less") } else { ("later", "more") };
            told.push(format!(
                "Requests become slow {when} than the model of waiting times says: an instance is counted on for {:.0} % {less}.",
                (self.knee - 1.0).abs() * 100.0
            ));
        }
        for floor in &self.floors {
            told.push(format!(
                "{} is {:.1}, over {}: with {} instances it would not be.",
                floor.signal, floor.value, floor.scale_out, floor.instances
            ));
        }
        for hold in &self.holds {
            told.push(match hold {
                ShrinkHold::StaleMetrics { minutes } => {
                    format!("The load was last known {minutes} minutes ago: nothing is removed on what is not seen.")
                }
                ShrinkHold::SlowWhileIdle { latency_ms, utilisation } => format!(
                    "Requests take {latency_ms:.0} ms while instances are {utilisation:.0} % busy: nothing is removed until that is understood."
                ),
            });
        }
        if target == self.max_instances {
            told.push(format!("{target} is the most that is allowed."));
        } else if target == self.min_instances {
            told.push(format!("{target} is the least that is allowed."));
        }
        told
    }

    fn tell_outlook(&self, outlook: &Outlook, told: &mut Vec<String>) {
        let late_by = self.now - self.newest;
        let widest = outlook.horizons.iter().max_by(|a, b| a.demand.quantile(0.9).total_cmp(&b.demand.quantile(0.9)));
        if let Some(horizon) = widest {
            let when = match (i64::from(horizon.minutes) - late_by).max(0) {
                0 => "by now".to_owned(),
                1 => "within a minute".to_owned(),
                minutes => format!("within {minutes} minutes"),
            };
            told.push(format!(
                "The load was {:.1} instances' worth at {}. Judged by {}, it is expected at {:.1}-{:.1} (80 %) {when}, and under {:.1} with 99 %.",
                self.newest_demand,
                self.newest,
                outlook.view.name(),
                horizon.demand.quantile(0.1),
                horizon.demand.quantile(0.9),
                horizon.demand.quantile(0.99),
            ));
        }
        let Some(first) = outlook.votes.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)) else { return };
        let least = outlook.votes.iter().map(|vote| vote.wanted).min().unwrap_or_default();
        let most = outlook.votes.iter().map(|vote| vote.wanted).max().unwrap_or_default();
        let (experts, price) = (outlook.votes.len(), self.violation_price);
        let range = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        told.push(format!(
            "The rule that has cost least so far goes by {}, weighs late requests {} times when it buys and {} times when it keeps, and wants {}.",
            first.view.name(),
            first.buy_multiplier,
            first.keep_multiplier,
            first.wanted
        ));
        // What is told in short is the last sentence: it must stand by itself.
        told.push(format!(
            "{experts} rules that are tried in shadow want {range} instances; weighted by how little each has cost so far (k = {price}), that is {:.1}.",
            outlook.wanted()
        ));
    }
}

fn as_modelled() -> f64 {
    1.0
}

fn is_as_modelled(knee: &f64) -> bool {
    *knee == 1.0
}

/// The count nearest to what is wanted; what there is where that is almost as near, so that it doesn't flicker.
fn near(wanted: f64, before: u32) -> u32 {
    if (wanted - f64::from(before)).abs() <= STILL_NEAR { before } else { wanted.round() as u32 }
}
