use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sample, Schedule, Signal, SignalKind};

/// One scaled service: its fleet, signals, policy, prices. The unit of state, decision and concurrency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Name, unique in the configuration: letters, digits, `-`, `_`, at most 64.
    pub name: String,
    /// Whether decisions are carried out. `observe` decides and records, and changes nothing.
    #[serde(default)]
    pub mode: Mode,
    /// Limits and pace.
    #[serde(default)]
    pub scaling: Scaling,
    /// Where instances come from, in order of preference.
    pub pools: Vec<Pool>,
    /// What is measured.
    pub signals: Vec<Signal>,
    /// How to decide.
    #[serde(default)]
    pub policy: Policy,
    /// How the wanted number is split between pools.
    #[serde(default)]
    pub purchase: PurchaseMix,
    /// Known times of more load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
}

impl Group {
    /// The utilisation that follows the load, and its position: `policy.target_signal` where that is one, or the first.
    pub fn load_signal(&self) -> Option<(usize, &Signal)> {
        let is_utilisation = |(_, signal): &(usize, &Signal)| signal.kind == SignalKind::Utilisation;
        let mut utilisations = self.signals.iter().enumerate().filter(is_utilisation);
        let first = utilisations.clone().next();
        utilisations.find(|(_, signal)| Some(&signal.name) == self.policy.target_signal.as_ref()).or(first)
    }

    /// How busy the serving instances were, in per cent: as the load signal says, or without one by the rate of requests and
    /// the configured capacity of an instance.
    pub fn utilisation(&self, sample: &Sample) -> Option<f64> {
        let value = |index: usize| sample.values.get(index).copied().flatten();
        if let Some((index, _)) = self.load_signal() {
            return value(index);
        }
        let rate = self.signals.iter().position(|signal| signal.kind == SignalKind::RatePerSecond)?;
        let serving = f64::from(sample.serving.filter(|serving| *serving > 0)?);
        Some(value(rate)? / (self.policy.instance_capacity? * serving) * 100.0)
    }

    /// What an instance costs per hour on demand: the cheapest such pool's price. `None` without one.
    pub fn on_demand_price_per_hour(&self) -> Option<f64> {
        let on_demand = self.pools.iter().filter(|pool| pool.purchase == Purchase::OnDemand);
        on_demand.map(|pool| pool.price_per_hour).min_by(f64::total_cmp)
    }
}

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Decide and record, change nothing.
    #[default]
    Observe,
    /// Carry decisions out.
    Act,
}

/// Limits and pace of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scaling {
    /// Never fewer.
    pub min_instances: u32,
    /// Never more.
    pub max_instances: u32,
    /// Seconds between evaluations. The functions are woken each minute; more skips minutes.
    pub check_interval: u32,
    /// Seconds of rest after a change: for `weighted_score` both ways, for the other engines on the way in only. Default:
    /// 300 for `weighted_score`; none for the others, which weigh for themselves what a change costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooldown_period: Option<u32>,
    /// Seconds from asking for an instance until it serves; used until the group's own starts have been measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_time_seconds: Option<u32>,
    /// Minutes by which metrics arrive late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_delay_minutes: Option<u32>,
    /// Most instances added by one decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_step_out: Option<u32>,
    /// Most instances removed by one decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_step_in: Option<u32>,
}

impl Default for Scaling {
    fn default() -> Self {
        Self {
            min_instances: 1,
            max_instances: 20,
            check_interval: 60,
            cooldown_period: None,
            lead_time_seconds: None,
            metric_delay_minutes: None,
            max_step_out: None,
            max_step_in: None,
        }
    }
}

impl Scaling {
    /// Lead time in whole minutes before any start was measured. 120 s where nothing is configured.
    pub fn lead_minutes(&self) -> u32 {
        self.lead_time_seconds.unwrap_or(120).div_ceil(60)
    }

    /// Seconds of rest after a change under that engine.
    pub fn cooldown_seconds(&self, engine: EngineKind) -> u32 {
        self.cooldown_period.unwrap_or(if engine == EngineKind::WeightedScore { 300 } else { 0 })
    }

    /// Seconds of rest after a change before the guardrails let a group shrink. The weighted score rests by itself, both ways.
    pub fn guardrail_cooldown_seconds(&self, engine: EngineKind) -> u32 {
        if engine == EngineKind::WeightedScore { 0 } else { self.cooldown_seconds(engine) }
    }

    /// Minutes by which metrics arrive late. One where nothing is configured.
    pub fn delay_minutes(&self) -> u32 {
        self.metric_delay_minutes.unwrap_or(1)
    }
}

/// One purchase option of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Name, unique within the group.
    pub name: String,
    /// How its instances are paid.
    pub purchase: Purchase,
    /// Price of one instance-hour, in the account's currency.
    pub price_per_hour: f64,
    /// Where its instances come from.
    pub fleet: FleetSource,
    /// Never fewer in this pool.
    #[serde(default)]
    pub min_instances: u32,
    /// Never more in this pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_instances: Option<u32>,
}

#[cfg(test)]
impl Pool {
    /// A pool of that name, in an Auto Scaling group of the same name; a spot instance costs a third.
    pub(crate) fn in_a_test(name: &str, purchase: Purchase) -> Self {
        Self {
            name: name.to_owned(),
            purchase,
            price_per_hour: if purchase == Purchase::Spot { 0.35 } else { 1.0 },
            fleet: FleetSource::AsGroup(AsGroupSource { scaling_group_id: name.to_owned() }),
            min_instances: 0,
            max_instances: None,
        }
    }
}

/// How instances are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purchase {
    /// Pay per use.
    OnDemand,
    /// Cheaper, and can be taken away.
    Spot,
}

/// Where a pool's instances come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FleetSource {
    /// An Auto Scaling group, by its desired number.
    AsGroup(AsGroupSource),
    /// Tagged servers, created and deleted through the ECS API.
    Ecs(Box<EcsSource>),
}

/// An Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsGroupSource {
    /// Its id.
    pub scaling_group_id: String,
}

/// Servers that carry a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EcsSource {
    /// The tag that marks the pool's servers. Each pool has its own value.
    pub tag: Tag,
    /// What a new server is made of.
    pub instance_template: InstanceTemplate,
    /// Availability zones to use, in order of preference. Empty: the cloud chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// Load-balancer pool that serving instances are members of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_pool_id: Option<String>,
    /// IPv4 subnet that the members' addresses lie in: the VPC subnet's `neutron_subnet_id`. Needed unless the load
    /// balancer sends to IP addresses (`ip_target_enable`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_subnet_id: Option<String>,
    /// Seconds from running until an instance serves, where no load balancer's health check tells.
    #[serde(default)]
    pub warm_up_seconds: u32,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What a new server is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceTemplate {
    /// Flavor ids in order of preference, `x1.2u.4g` and the like.
    pub flavors: Vec<String>,
    /// Image id.
    pub image_id: String,
    /// VPC id.
    pub vpc_id: String,
    /// Subnet id.
    pub subnet_id: String,
    /// Security group id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// SSH key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_pair_name: Option<String>,
    /// Start-up script, plain text; it is encoded for the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// System disk type.
    #[serde(default = "default_volume_type")]
    pub root_volume_type: String,
    /// System disk size in GiB.
    #[serde(default = "default_volume_size")]
    pub root_volume_size_gib: u32,
    /// Port that the load balancer sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_port: Option<u16>,
    /// Highest spot price per hour; without it the on-demand price is the cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_price: Option<f64>,
    /// What happens when a spot server is taken back. Without it the cloud's default: about five minutes' notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption_policy: Option<InterruptionPolicy>,
    /// Further tags for new servers, at most eight.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// How the cloud takes a spot server back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterruptionPolicy {
    /// At once; the one value that the API knows.
    Immediate,
}

fn default_volume_type() -> String {
    "GPSSD".to_owned()
}

fn default_volume_size() -> u32 {
    40
}

/// How to decide. Tuning produces new versions of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Which engine.
    pub engine: EngineKind,
    /// Price of a violation k: a request that misses its SLO costs as much as serving k requests (lost: twice that).
    pub violation_price: f64,
    /// What `target_tracking` holds, in per cent.
    pub target_utilisation: f64,
    /// The signal that `target_tracking` holds. Default: the first `utilisation` signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_signal: Option<String>,
    /// Work per second that one instance serves. `null`: learnt from utilisation and rate.
    pub instance_capacity: Option<f64>,
    /// Response time that still counts as good, in milliseconds.
    pub slo_ms: f64,
    /// Response time of an idle group in milliseconds.
    pub service_ms: f64,
    /// `weighted_score`: a single saturated signal decides alone. Off: the founding article to the letter.
    pub bottleneck: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            engine: EngineKind::Predictive,
            violation_price: 20.0,
            target_utilisation: 60.0,
            target_signal: None,
            instance_capacity: None,
            slo_ms: 2000.0,
            service_ms: 500.0,
            bottleneck: true,
        }
    }
}

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// The founding article's weighted score.
    WeightedScore,
    /// Proportional to one signal.
    TargetTracking,
    /// Forecast, and buy what is worth its money.
    Predictive,
}

/// How the wanted number of instances is split between on-demand and spot pools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PurchaseMix {
    /// Instances that are always on demand.
    pub on_demand_base: u32,
    /// Share of the rest that is spot, 0 to 1.
    pub spot_share: f64,
    /// On-demand fills the gap to spot instances that are ready, and is released when spot returns.
    pub spot_hedge: bool,
    /// Seconds from the notice that a spot instance is taken away until it is gone. Where starts take longer, `spot_hedge`
    /// holds more than the target needs, as past losses suggest.
    pub spot_notice_seconds: u32,
    /// Most money per hour for the whole group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_per_hour: Option<f64>,
}

impl Default for PurchaseMix {
    fn default() -> Self {
        Self { on_demand_base: 0, spot_share: 1.0, spot_hedge: true, spot_notice_seconds: 300, budget_per_hour: None }
    }
}
