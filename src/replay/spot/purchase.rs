use std::fmt;

use crate::engine::purchase::{PoolState, Terms, split};
use crate::engine::spot_weather::SpotWeather;
use crate::model::{AsGroupSource, Capacity, FleetSource, Pool, Purchase, PurchaseMix};

/// How a number of instances is bought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Purchasing {
    /// On demand only.
    OnDemandOnly,
    /// A fixed share as spot, in per cent, and nothing in its place where there is none.
    FixedShare(f64),
    /// A fixed share as spot, in per cent; what was refused or taken back is bought on demand.
    Fallback(f64),
    /// Spot, and on demand in the gap to what is ready of it: the purchase mix of the production engine.
    SpotHedge,
}

/// What there is, and whether spot was refused lately.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) on_demand: Capacity,
    /// Without what is about to be taken back.
    pub(super) spot: Capacity,
    pub(super) refused: bool,
}

/// How spot is had, for those who care.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpotCircumstances<'a> {
    pub(super) weather: &'a SpotWeather,
    pub(super) lead_minutes: u32,
    pub(super) notice_seconds: u32,
}

impl Purchasing {
    /// Every way to buy.
    pub const ALL: [Self; 6] = [
        Self::OnDemandOnly,
        Self::FixedShare(50.0),
        Self::FixedShare(100.0),
        Self::Fallback(50.0),
        Self::Fallback(100.0),
        Self::SpotHedge,
    ];

    /// Its name without the share.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OnDemandOnly => "on_demand_only",
            Self::FixedShare(_) => "spot_share",
            Self::Fallback(_) => "spot_fallback",
            Self::SpotHedge => "spot_hedge",
        }
    }

    /// Its share of spot in per cent, if it is fixed.
    pub fn share(&self) -> Option<f64> {
        match self {
            Self::FixedShare(share) | Self::Fallback(share) => Some(*share),
            Self::OnDemandOnly | Self::SpotHedge => None,
        }
    }

    /// How many on-demand and spot instances there shall be, so that `target` are there.
    pub(super) fn split(
        &self,
        target: u32,
        held: &Held,
        pools: &[Pool; 2],
        circumstances: SpotCircumstances<'_>,
    ) -> (u32, u32) {
        match self {
            Self::OnDemandOnly => (target, 0),
            Self::FixedShare(share) => {
                let spot = spot_of(target, *share);
                (target - spot, spot)
            }
            Self::Fallback(share) => {
                let spot = spot_of(target, *share);
                let missing = spot.saturating_sub(held.spot.total());
                (target - spot + if held.refused { missing } else { 0 }, spot)
            }
            Self::SpotHedge => {
                let states = [(&pools[0], held.on_demand), (&pools[1], held.spot)].map(|(pool, capacity)| PoolState {
                    pool,
                    capacity,
                    available: u32::MAX,
                });
                let SpotCircumstances { weather, lead_minutes, notice_seconds } = circumstances;
                let mix = PurchaseMix { spot_notice_seconds: notice_seconds, ..PurchaseMix::default() };
                let terms = Terms { mix: &mix, weather: Some(weather), lead_minutes };
                let targets = split(target, &terms, &states);
                (targets[0].target, targets[1].target)
            }
        }
    }
}

fn spot_of(target: u32, share_percent: f64) -> u32 {
    ((f64::from(target) * share_percent / 100.0).round() as u32).min(target)
}

/// An on-demand pool and a spot pool, for the production engine's split.
pub(super) fn pools(spot_price: f64) -> [Pool; 2] {
    [("base", Purchase::OnDemand, 1.0), ("spot", Purchase::Spot, spot_price)].map(|(name, purchase, price_per_hour)| {
        Pool {
            name: name.to_owned(),
            purchase,
            price_per_hour,
            fleet: FleetSource::AsGroup(AsGroupSource { scaling_group_id: name.to_owned() }),
            min_instances: 0,
            max_instances: None,
        }
    })
}

impl fmt::Display for Purchasing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share() {
            Some(share) => write!(formatter, "{}@{share}", self.name()),
            None => formatter.write_str(self.name()),
        }
    }
}
