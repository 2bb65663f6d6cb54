//! Splits a wanted number of instances between pools of different purchase options.
//!
//! On-demand fills the gap to spot instances that are *ready*, not to those that were asked for, because a request for
//! spot may never be fulfilled (SkyServe's rule, arXiv 2411.01438); what on-demand is too much is released when spot
//! returns. What is held beside that against losses that come with too short a notice tells
//! [`spot_weather`](super::spot_weather).

use serde::{Deserialize, Serialize};

use super::spot_weather::{Insurance, SpotWeather};
use crate::model::{Capacity, Pool, Purchase, PurchaseMix};

/// How instances are bought.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What the configuration says.
    pub mix: &'a PurchaseMix,
    /// How spot instances have been taken away, where that is known.
    pub weather: Option<&'a SpotWeather>,
    /// Minutes from asking for an instance until it serves.
    pub lead_minutes: u32,
}

impl Terms<'_> {
    /// What is held against losses of spot instances: they are missing for as long as a start takes longer than the notice
    /// is.
    fn insurance(&self, target: u32, base: u32) -> Insurance {
        match self.weather {
            Some(weather) if self.mix.spot_hedge => {
                let gap_minutes = self.lead_minutes.saturating_sub(self.mix.spot_notice_seconds / 60);
                weather.insurance(target, base, gap_minutes)
            }
            _ => Insurance { on_demand: base, spares: 0 },
        }
    }
}

/// A pool and what it has.
#[derive(Clone, Copy, Debug)]
pub struct PoolState<'a> {
    /// Its configuration.
    pub pool: &'a Pool,
    /// What it has.
    pub capacity: Capacity,
    /// Most that it can have now: its limit, or less where the cloud is sold out.
    pub available: u32,
}

/// How many instances a pool shall have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolTarget {
    /// The pool.
    pub pool: String,
    /// How many it has, serving and starting.
    pub current: u32,
    /// How many it shall have.
    pub target: u32,
    /// Why so many.
    pub why: String,
}

/// How many instances each pool shall have, so that `target` are there. Pools of one purchase option are filled in their
/// order. What does not fit anywhere is left out; the last pool's reason says so.
pub fn split(target: u32, terms: &Terms<'_>, pools: &[PoolState<'_>]) -> Vec<PoolTarget> {
    let mix = terms.mix;
    let has_spot = pools.iter().any(|state| state.pool.purchase == Purchase::Spot);
    let has_on_demand = pools.iter().any(|state| state.pool.purchase == Purchase::OnDemand);
    let base = if has_on_demand { mix.on_demand_base.min(target) } else { 0 };
    let share_of_spot = match (has_spot, has_on_demand) {
        (false, _) => 0,
        (true, false) => target,
        (true, true) => (f64::from(target - base) * mix.spot_share).round() as u32,
    };
    let insurance = terms.insurance(target, target - share_of_spot);
    let is_insured_on_demand = has_on_demand && insurance.on_demand > target - share_of_spot;
    let (base, share_of_spot) =
        if is_insured_on_demand { (insurance.on_demand, target - insurance.on_demand) } else { (base, share_of_spot) };
    let spares = if share_of_spot > 0 { insurance.spares } else { 0 };
    // What on-demand pools have no room for is wanted as spot, beyond its share.
    let no_room = (target - share_of_spot).saturating_sub(available(pools, Purchase::OnDemand));
    let spot_wanted = share_of_spot.saturating_add(spares.max(no_room));
    let spot_possible = available(pools, Purchase::Spot).min(spot_wanted);
    let spot_ready = serving(pools, Purchase::Spot).min(spot_possible);
    // Spares come on top: they are in nobody's place.
    let not_spot = (target - spot_possible.min(share_of_spot)).max(base);
    let mut on_demand_wanted = not_spot;
    if mix.spot_hedge && has_on_demand {
        on_demand_wanted = on_demand_wanted.max(target.saturating_sub(spot_ready));
    }
    let mut targets = Vec::with_capacity(pools.len());
    let mut left = [(Purchase::Spot, spot_possible), (Purchase::OnDemand, on_demand_wanted)];
    for state in pools {
        let Some((_, left)) = left.iter_mut().find(|(purchase, _)| *purchase == state.pool.purchase) else { continue };
        let most = state.available.min(state.pool.max_instances.unwrap_or(u32::MAX));
        let number = (*left).min(most).max(state.pool.min_instances);
        *left = left.saturating_sub(number);
        let why = match state.pool.purchase {
            Purchase::OnDemand if !has_spot => format!("{number} of {target}, all on demand"),
            Purchase::OnDemand if on_demand_wanted > not_spot => {
                format!("base {base}, and the gap to {spot_ready} ready of {spot_possible} spot instances")
            }
            Purchase::OnDemand => format!("base {base}, and what is not spot of {target}"),
            Purchase::Spot if spares > 0 => {
                format!("{number} of {spot_wanted} wanted as spot, {spares} of them spare, of {target} in all")
            }
            Purchase::Spot => format!("{number} of {spot_wanted} wanted as spot, of {target} in all"),
        };
        targets.push(PoolTarget {
            pool: state.pool.name.clone(),
            current: state.capacity.total(),
            target: number,
            why,
        });
    }
    targets
}

/// As [`split`], where no pool may shrink: what a pool has beyond its part makes up for what others lack, and is not bought
/// again. On-demand instances are spared first.
pub fn split_raising(target: u32, terms: &Terms<'_>, pools: &[PoolState<'_>]) -> Vec<PoolTarget> {
    let mut targets = split(target, terms, pools);
    keep_all(&mut targets, pools);
    targets
}

/// Lets no pool of a plan have fewer than it has, and the sum be no larger for it than it must.
pub fn keep_all(targets: &mut [PoolTarget], pools: &[PoolState<'_>]) {
    let mut beyond = 0;
    for target in targets.iter_mut() {
        if target.target < target.current {
            beyond += target.current - target.target;
            target.target = target.current;
            target.why.push_str("; none is let go now");
        }
    }
    for purchase in [Purchase::OnDemand, Purchase::Spot] {
        for (target, _) in targets.iter_mut().zip(pools).rev().filter(|(_, state)| state.pool.purchase == purchase) {
            let spared = beyond.min(target.target - target.current);
            target.target -= spared;
            beyond -= spared;
        }
    }
}

/// What a plan costs in an hour.
pub(super) fn cost_per_hour(plan: &[PoolTarget], pools: &[PoolState<'_>]) -> f64 {
    plan.iter().zip(pools).map(|(part, state)| f64::from(part.target) * state.pool.price_per_hour).sum()
}

/// The largest target, up to `most`, whose split costs no more than a budget per hour: instances that stand in for others
/// are paid as well. What is there stays affordable while it is paid for: it is not let go for the price of stand-ins that
/// are not there.
pub fn affordable(budget_per_hour: f64, most: u32, terms: &Terms<'_>, pools: &[PoolState<'_>]) -> u32 {
    let costs = |target: u32| cost_per_hour(&split(target, terms, pools), pools);
    // A split of a larger target costs no less, but for the insurance, which a few instances more or less may change.
    let (mut affordable, mut beyond) = (0, most.saturating_add(1));
    while affordable + 1 < beyond {
        let middle = affordable + (beyond - affordable) / 2;
        if costs(middle) <= budget_per_hour {
            affordable = middle;
        } else {
            beyond = middle;
        }
    }
    let paid: f64 = pools.iter().map(|state| f64::from(state.capacity.total()) * state.pool.price_per_hour).sum();
    let current: u32 = pools.iter().map(|state| state.capacity.total()).sum();
    if paid <= budget_per_hour { affordable.max(current.min(most)) } else { affordable }
}

/// What the last plan aimed at, and what it ordered for it: more, where on-demand instances stand in for spot instances that
/// are not ready. What stands in is no demand, and must not be counted as what the group has: a group that holds would
/// order stand-ins for its stand-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hedge {
    /// How many instances there were to be.
    pub target: u32,
    /// How many were ordered in all.
    pub planned: u32,
}

impl Hedge {
    /// Of a target and its split.
    pub fn new(target: u32, plan: &[PoolTarget]) -> Self {
        Self { target, planned: plan.iter().map(|part| part.target).sum() }
    }

    /// What there is without what stands in. What is missing of the plan is missed in the stand-ins first; what is there
    /// beyond the plan counts.
    pub fn net(self, capacity: Capacity) -> Capacity {
        let total = capacity.total();
        let stand_ins = self.planned.saturating_sub(self.target);
        let net = total.min(self.target).max(total.saturating_sub(stand_ins));
        let serving = capacity.serving.min(net);
        Capacity { serving, starting: net - serving }
    }
}

fn available(pools: &[PoolState<'_>], purchase: Purchase) -> u32 {
    of(pools, purchase)
        .map(|state| state.available.min(state.pool.max_instances.unwrap_or(u32::MAX)))
        .fold(0, u32::saturating_add)
}

fn serving(pools: &[PoolState<'_>], purchase: Purchase) -> u32 {
    of(pools, purchase).map(|state| state.capacity.serving).sum()
}

fn of<'a, 'b>(pools: &'b [PoolState<'a>], purchase: Purchase) -> impl Iterator<Item = &'b PoolState<'a>> {
    pools.iter().filter(move |state| state.pool.purchase == purchase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state(pool: &Pool, serving: u32, available: u32) -> PoolState<'_> {
        PoolState { pool, capacity: Capacity { serving, starting: 0 }, available }
    }

    fn terms(mix: &PurchaseMix) -> Terms<'_> {
        Terms { mix, weather: None, lead_minutes: 2 }
    }

    fn numbers(targets: &[PoolTarget]) -> Vec<u32> {
        targets.iter().map(|target| target.target).collect()
    }

    #[test]
    fn a_group_of_one_pool_gets_everything_there() {
        let base = Pool::in_a_test("base", Purchase::OnDemand);
        assert_eq!(numbers(&split(7, &terms(&PurchaseMix::default()), &[state(&base, 3, 100)])), [7]);
    }

    #[test]
    fn on_demand_fills_the_gap_to_ready_spot_and_is_released_when_spot_returns() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix { on_demand_base: 2, ..PurchaseMix::default() };
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 2, 100), state(&spot, 0, 100)])), [10, 8]);
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 10, 100), state(&spot, 5, 100)])), [5, 8]);
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 5, 100), state(&spot, 8, 100)])), [2, 8]);
    }

    #[test]
    fn what_is_sold_out_as_spot_is_bought_on_demand() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix { spot_hedge: false, ..PurchaseMix::default() };
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 0, 100), state(&spot, 0, 3)])), [7, 3]);
    }

    #[test]
    fn what_is_sold_out_on_demand_is_bought_as_spot_beyond_its_share() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix { on_demand_base: 2, spot_share: 0.5, ..PurchaseMix::default() };
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 6, 6), state(&spot, 4, 100)])), [6, 4]);
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 3, 3), state(&spot, 4, 100)])), [3, 7]);
        assert_eq!(numbers(&split(10, &terms(&mix), &[state(&base, 3, 3), state(&spot, 4, 5)])), [3, 5]);
    }

    #[test]
    fn spares_come_on_top_of_the_share_on_demand() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let weather = SpotWeather::default();
        for (on_demand_base, spot_share, expected) in [(0, 0.5, 10), (2, 0.7, 7), (4, 1.0, 4)] {
            let mix = PurchaseMix { on_demand_base, spot_share, ..PurchaseMix::default() };
            let terms = Terms { mix: &mix, weather: Some(&weather), lead_minutes: 10 };
            let split = numbers(&split(20, &terms, &[state(&base, 20, 100), state(&spot, 30, 100)]));
            assert_eq!(split[0], expected, "{split:?}");
            assert!(split[1] >= 20 - expected, "{split:?}");
        }
    }

    #[test]
    fn a_notice_that_is_shorter_than_a_start_is_met_by_a_spare_and_no_stand_in_for_it() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let (mix, weather) = (PurchaseMix::default(), SpotWeather::default());
        let at = |lead_minutes, ready| {
            let terms = Terms { mix: &mix, weather: Some(&weather), lead_minutes };
            numbers(&split(8, &terms, &[state(&base, 0, 100), state(&spot, ready, 100)]))
        };
        assert_eq!((at(5, 8), at(10, 8)), (vec![0, 8], vec![0, 10]), "the notice is five minutes");
        assert_eq!((at(10, 6), at(10, 9)), (vec![2, 10], vec![0, 10]));
    }

    #[test]
    fn a_budget_pays_for_stand_ins_as_well() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix::default();
        let afforded = |ready| affordable(10.0, 1000, &terms(&mix), &[state(&base, 0, 100), state(&spot, ready, 100)]);
        assert_eq!(afforded(0), 7, "each costs 1.35 until spot is ready");
        assert_eq!(afforded(100), 28, "and 0.35 afterwards");
        let alone = [state(&base, 0, 100)];
        assert_eq!([0.5, 3.0, 1e9].map(|budget| affordable(budget, 50, &terms(&mix), &alone)), [0, 3, 50]);
    }

    #[test]
    fn a_group_that_holds_orders_no_stand_ins_for_stand_ins() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix { on_demand_base: 2, ..PurchaseMix::default() };
        let (mut on_demand, mut ordered, mut ready) = (14, 0, 0);
        let mut hedge = Hedge { target: 14, planned: 14 };
        for minute in 0..6 {
            let capacity = Capacity { serving: on_demand + ready, starting: ordered - ready };
            let current = hedge.net(capacity).total();
            assert_eq!(current, 14, "minute {minute}");
            let plan = split(current, &terms(&mix), &[state(&base, on_demand, 1000), state(&spot, ready, 1000)]);
            hedge = Hedge::new(current, &plan);
            ready = ordered;
            (on_demand, ordered) = (plan[0].target, plan[1].target);
        }
        assert_eq!((on_demand, ready), (2, 12));
    }

    #[test]
    fn what_could_not_be_bought_is_missed_in_the_stand_ins_first() {
        let hedge = Hedge { target: 14, planned: 26 };
        let net = |serving, starting| hedge.net(Capacity { serving, starting });
        assert_eq!(net(14, 12), Capacity { serving: 14, starting: 0 });
        assert_eq!(net(14, 0), Capacity { serving: 14, starting: 0 });
        assert_eq!(net(10, 0), Capacity { serving: 10, starting: 0 });
        assert_eq!(net(14, 15), Capacity { serving: 14, starting: 3 });
        let plain = Hedge { target: 5, planned: 5 };
        assert_eq!(plain.net(Capacity { serving: 7, starting: 2 }), Capacity { serving: 7, starting: 2 });
    }

    proptest! {
        #[test]
        fn the_wanted_number_is_always_ready_or_on_its_way(
            target in 0u32..200, base_share in 0u32..20, spot_share in 0.0f64..=1.0, hedge: bool,
            spot_serving in 0u32..50, spot_available in 0u32..50,
        ) {
            let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
            let mix =
                PurchaseMix { on_demand_base: base_share, spot_share, spot_hedge: hedge, ..PurchaseMix::default() };
            let targets = split(target, &terms(&mix), &[state(&base, 0, u32::MAX), state(&spot, spot_serving, spot_available)]);
            prop_assert!(targets.iter().map(|target| target.target).sum::<u32>() >= target);
            prop_assert!(targets[0].target <= target, "on demand alone never exceeds the target");
            if hedge {
                prop_assert!(targets[0].target + spot_serving.min(targets[1].target) >= target);
            }
        }
    }
}
