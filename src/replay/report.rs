//! What is reported of a replay.

pub mod html;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::driver::Arena;
use super::history::Known;
use crate::queueing::MinuteOutcome;

/// Minutes within which a change of direction counts as a flip.
const FLIP_MINUTES: i64 = 10;

/// Engines of this project.
const OURS: [&str; 2] = ["predictive", "weighted_score"];
/// What a row of what really ran is called.
pub const ACTUAL: &str = "actual";
/// What a row of the group's own policy is called.
pub const OWN: &str = "own";

/// How all did on one trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The trace.
    pub trace: String,
    /// The column of its file that is the load, where there are others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Minutes played.
    pub minutes: usize,
    /// Missing values that were interpolated.
    pub interpolated: usize,
    /// Seconds from asking for an instance until it serves.
    pub lead_s: u32,
    /// Minutes by which metrics arrive late.
    pub delay_min: u32,
    /// Instances of a perfectly elastic group at 60 % utilisation, on average.
    pub mean_instances: f64,
    /// Work per second that one instance serves.
    pub cap: f64,
    /// Instance-hours that perfect foresight pays.
    pub clairvoyant_hours: f64,
    /// Price of an instance-hour, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_per_hour: Option<f64>,
    /// How well a group's own past is known, where one was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// One row a policy and knob.
    pub policies: Vec<Row>,
}

impl Report {
    /// Puts rows together with the circumstances that they were played in.
    pub fn new(arena: &Arena<'_>, policies: Vec<Row>) -> Self {
        Self {
            trace: arena.trace().name.clone(),
            column: None,
            minutes: arena.trace().minutes(),
            interpolated: arena.trace().interpolated,
            lead_s: arena.settings().lead_seconds,
            delay_min: arena.settings().delay_minutes,
            mean_instances: arena.mean_instances(),
            cap: arena.capacity(),
            clairvoyant_hours: arena.clairvoyant_hours(),
            price_per_hour: None,
            known: None,
            policies,
        }
    }

    /// With money and work in every row: what an instance-hour costs, and how well the past is known that was replayed.
    #[must_use]
    pub fn in_money(mut self, arena: &Arena<'_>, price_per_hour: f64, known: Option<Known>) -> Self {
        let work = arena.trace().load.iter().sum::<f64>() * 60.0;
        (self.price_per_hour, self.known) = (Some(price_per_hour), known);
        for row in &mut self.policies {
            row.money = Some(row.cost_hours * price_per_hour);
            row.late_work = Some((1.0 - row.in_slo) * work);
        }
        self
    }

    /// The peer, with the knob, that has the lowest J at this price: its choice in hindsight.
    pub fn best_peer(&self, price: f64) -> Option<&Row> {
        self.policies
            .iter()
            .filter(|row| row.is_peer())
            .filter_map(|row| Some((row, row.j.at(price)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(row, _)| row)
    }

    /// Our engine, told this price and nothing else.
    pub fn ours(&self, price: f64) -> Option<&Row> {
        self.policies.iter().find(|row| row.engine == OURS[0] && row.knob == Some(price))
    }

    /// J of our engine over J of the best peer.
    pub fn ratio(&self, price: f64) -> Option<f64> {
        Some(self.ours(price)?.j.at(price)? / self.best_peer(price)?.j.at(price)?)
    }
}

/// How one policy did on one trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The policy with its knob, `hpa@60`.
    pub name: String,
    /// The policy without its knob.
    pub engine: String,
    /// Its knob: the target in per cent, or the price of a violation for `predictive`.
    pub knob: Option<f64>,
    /// Instance-hours paid: serving, starting, and a minute for each start.
    pub cost_hours: f64,
    /// Cost as a multiple of the clairvoyant's.
    pub rel: f64,
    /// Share of the work in its service level. Lost work is not.
    pub in_slo: f64,
    /// Share of the work that was lost.
    pub lost: f64,
    /// 95th percentile of the minutes' mean latency, weighted by work, in milliseconds.
    pub p95_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
    /// Decisions that changed the number of instances.
    pub actions: u32,
    /// Changes of direction within ten minutes.
    pub flips: u32,
    /// Instances started.
    pub starts: u32,
    /// Mean over the minutes of the utilisation, in per cent.
    pub utilisation: f64,
    /// What it costs, where a price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<f64>,
    /// Work that missed its service level, where money is known as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_work: Option<f64>,
    /// J for every price of a violation.
    pub j: PricedScores,
}

impl Row {
    /// Whether this is an engine of this project.
    pub fn is_ours(&self) -> bool {
        OURS.contains(&self.engine.as_str())
    }

    /// Whether it is what the group really had, or has by its own policy.
    pub fn is_the_groups(&self) -> bool {
        [ACTUAL, OWN].contains(&self.engine.as_str())
    }

    /// Whether it is a policy to compare with.
    pub fn is_peer(&self) -> bool {
        !self.is_ours() && !self.is_the_groups()
    }
}

/// J for every price of a violation, in the order of the settings. Serialised as a map from price to J.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PricedScores(pub Vec<(f64, f64)>);

impl PricedScores {
    /// J at one price, if it was asked for.
    pub fn at(&self, price: f64) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == price).map(|(_, score)| *score)
    }
}

impl Serialize for PricedScores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (price, score) in &self.0 {
            map.serialize_entry(&price.to_string(), score)?;
        }
        map.end()
    }
}

/// Adds up what happens minute by minute.
#[derive(Clone, Debug)]
pub struct Tally {
    /// In minutes of an on-demand instance, the charge for starts included.
    cost_minutes: f64,
    starts: u32,
    actions: u32,
    flips: u32,
    last_action: Option<(i64, bool)>,
    arrived: f64,
    late: f64,
    lost: f64,
    utilisation: f64,
    /// Mean latency in milliseconds and arrived work, one a minute.
    latencies: Vec<(f64, f64)>,
}

impl Tally {
    /// For a replay of that many minutes.
    pub fn new(minutes: usize) -> Self {
        Self {
            cost_minutes: 0.0,
            starts: 0,
            actions: 0,
            flips: 0,
            last_action: None,
            arrived: 0.0,
            late: 0.0,
            lost: 0.0,
            utilisation: 0.0,
            latencies: Vec::with_capacity(minutes),
        }
    }

    /// A decision at `minute` moved the number of instances, of which `started` were started, each charged a minute.
    pub fn decided(&mut self, minute: i64, before: u32, after: u32, started: u32) {
        self.decided_at(minute, before, after, started, f64::from(started));
    }

    /// As [`Self::decided`], the starts together charged that many minutes of an on-demand instance.
    pub fn decided_at(&mut self, minute: i64, before: u32, after: u32, started: u32, charge: f64) {
        self.starts += started;
        self.cost_minutes += charge;
        if before == after {
            return;
        }
        let grows = after > before;
        self.actions += 1;
        if self.last_action.is_some_and(|(last, grew)| grew != grows && minute - last <= FLIP_MINUTES) {
            self.flips += 1;
        }
        self.last_action = Some((minute, grows));
    }

    /// A minute passed, its instances paid on demand.
    pub fn played(&mut self, outcome: &MinuteOutcome) {
        self.played_at(outcome, f64::from(outcome.total));
    }

    /// As [`Self::played`], the minute costing that many minutes of an on-demand instance.
    pub fn played_at(&mut self, outcome: &MinuteOutcome, cost_minutes: f64) {
        self.cost_minutes += cost_minutes;
        self.arrived += outcome.arrived;
        self.late += outcome.late;
        self.lost += outcome.lost;
        self.utilisation += outcome.utilisation;
        self.latencies.push((outcome.latency_ms, outcome.arrived));
    }

    /// What is reported of it all.
    pub fn row(mut self, arena: &Arena<'_>) -> Row {
        let share = |part: f64| if self.arrived > 0.0 { part / self.arrived } else { 0.0 };
        let (late, lost) = (share(self.late), share(self.lost));
        let cost_hours = self.cost_minutes / 60.0;
        let rel = cost_hours / arena.clairvoyant_hours();
        let violations = (late + lost) * arena.work_hours() / arena.clairvoyant_hours();
        let scores = arena.settings().prices.iter().map(|price| (*price, rel + price * violations)).collect();
        let minutes = self.latencies.len().max(1) as f64;
        self.latencies.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Row {
            name: String::new(),
            engine: String::new(),
            knob: None,
            cost_hours,
            rel,
            in_slo: 1.0 - late,
            lost,
            p95_ms: weighted_quantile(&self.latencies, self.arrived, 0.95),
            p99_ms: weighted_quantile(&self.latencies, self.arrived, 0.99),
            actions: self.actions,
            flips: self.flips,
            starts: self.starts,
            utilisation: self.utilisation / minutes,
            money: None,
            late_work: None,
            j: PricedScores(scores),
        }
    }
}

/// The least value at or under which at least `share` of the weight lies. `sorted` holds values and weights.
fn weighted_quantile(sorted: &[(f64, f64)], total: f64, share: f64) -> f64 {
    let mut below = 0.0;
    for (value, weight) in sorted {
        below += weight;
        if below >= share * total && *weight > 0.0 {
            return *value;
        }
    }
    sorted.last().map_or(0.0, |(value, _)| *value)
}
