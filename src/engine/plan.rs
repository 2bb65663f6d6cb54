//! From the number that is allowed to what each pool shall have: the [split](purchase::split), less what may not change yet.
//!
//! The guardrails look at one number of the group. Pools may still shrink while it stays the same: what stands in for spot
//! instances is released, and another pool is preferred from now on. Here is decided what of that may be done now.

use super::guardrails::Inputs;
use super::purchase::{self, PoolState, Terms};
use crate::engine::purchase::PoolTarget;
use crate::model::Order;

/// What each pool shall have, where the guardrails have made `target` of `inputs`.
pub fn plan(target: u32, inputs: &Inputs, terms: &Terms<'_>, pools: &[PoolState<'_>]) -> Vec<PoolTarget> {
    let current = inputs.current;
    let is_ordered = |order| inputs.orders.contains(&order);
    if is_ordered(Order::PauseAll) && target == current {
        return unchanged(pools);
    }
    // A person or a limit may lower the group all the same.
    let may_leave = target < current || inputs.doubts.is_empty() && !is_ordered(Order::PauseIn);
    let mut plan =
        if may_leave { purchase::split(target, terms, pools) } else { purchase::split_raising(target, terms, pools) };
    if is_ordered(Order::PauseOut) && target <= current {
        buy_less(&mut plan, "a person paused growing", |_, _| 0);
    }
    stay_within_budget(target, &mut plan, inputs, terms, pools);
    keep_serving(target, &mut plan, pools);
    plan
}

/// As [`plan`], of a call for more: no pool shrinks.
pub fn raising(target: u32, inputs: &Inputs, terms: &Terms<'_>, pools: &[PoolState<'_>]) -> Vec<PoolTarget> {
    let is_paused = |order: &Order| matches!(order, Order::PauseAll | Order::PauseOut);
    if inputs.orders.iter().any(is_paused) && target <= inputs.current {
        return unchanged(pools);
    }
    let mut plan = purchase::split_raising(target, terms, pools);
    stay_within_budget(target, &mut plan, inputs, terms, pools);
    plan
}

/// Buys as much of what stands in for others as the budget pays for, where the group is not to grow. The minimum is paid
/// whatever it costs.
fn stay_within_budget(
    target: u32,
    plan: &mut [PoolTarget],
    inputs: &Inputs,
    terms: &Terms<'_>,
    pools: &[PoolState<'_>],
) {
    let Some(budget) = terms.mix.budget_per_hour else { return };
    let is_affordable = purchase::cost_per_hour(&purchase::split(target, terms, pools), pools) <= budget;
    if target > inputs.current || target <= inputs.min_instances || is_affordable {
        return;
    }
    let stays = |(part, state): (&PoolTarget, &PoolState<'_>)| {
        f64::from(part.target.min(part.current)) * state.pool.price_per_hour
    };
    let mut left = budget - plan.iter().zip(pools).map(stays).sum::<f64>();
    buy_less(plan, "the budget pays for no more", |at, wanted| {
        let price = pools[at].pool.price_per_hour;
        let bought = if price > 0.0 { wanted.min((left / price).max(0.0) as u32) } else { wanted };
        left -= f64::from(bought) * price;
        bought
    });
}

fn unchanged(pools: &[PoolState<'_>]) -> Vec<PoolTarget> {
    let keep = |state: &PoolState<'_>| {
        let current = state.capacity.total();
        let why = "a person paused all changes".to_owned();
        PoolTarget { pool: state.pool.name.clone(), current, target: current, why }
    };
    pools.iter().map(keep).collect()
}

/// Lets pools grow by less: `bought` tells by how many of those wanted the pool at a place may. What others would have given
/// up for the rest stays.
fn buy_less(plan: &mut [PoolTarget], why: &str, mut bought: impl FnMut(usize, u32) -> u32) {
    let mut missing = 0;
    for (at, part) in plan.iter_mut().enumerate().filter(|(_, part)| part.target > part.current) {
        let wanted = part.target - part.current;
        let bought = bought(at, wanted);
        if bought < wanted {
            missing += wanted - bought;
            part.target = part.current + bought;
            part.why.push_str(&format!("; {why}"));
        }
    }
    let all: Vec<u32> = plan.iter().map(|part| part.current).collect();
    give_back(missing, plan, all, "stay in place of what is not bought");
}

/// Lets nothing that serves go before as many serve as shall be there.
fn keep_serving(target: u32, plan: &mut [PoolTarget], pools: &[PoolState<'_>]) {
    let serving: Vec<u32> = pools.iter().map(|state| state.capacity.serving).collect();
    let stay: u32 = serving.iter().zip(&*plan).map(|(&serving, part)| serving.min(part.target)).sum();
    let missing = target.min(serving.iter().sum()).saturating_sub(stay);
    give_back(missing, plan, serving, "stay until others serve in their place");
}

/// Takes up to `count` removals back, in each pool up to as many as `most` says.
fn give_back(mut count: u32, plan: &mut [PoolTarget], most: Vec<u32>, why: &str) {
    for (part, most) in plan.iter_mut().zip(most) {
        let kept = most.saturating_sub(part.target).min(count);
        if kept > 0 {
            count -= kept;
            part.target += kept;
            part.why.push_str(&format!("; {kept} {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Capacity, Pool, Purchase, PurchaseMix};

    fn state(pool: &Pool, serving: u32, starting: u32, available: u32) -> PoolState<'_> {
        PoolState { pool, capacity: Capacity { serving, starting }, available }
    }

    fn numbers(target: u32, inputs: &Inputs, mix: &PurchaseMix, pools: &[PoolState<'_>]) -> Vec<u32> {
        let terms = Terms { mix, weather: None, lead_minutes: 2 };
        plan(target, inputs, &terms, pools).iter().map(|part| part.target).collect()
    }

    fn inputs(orders: Vec<Order>) -> Inputs {
        Inputs { orders, ..Inputs::between(0, 1000, 8, 8) }
    }

    #[test]
    fn a_pool_is_emptied_only_when_the_one_that_is_preferred_serves() {
        let (first, second) = (Pool::in_a_test("first", Purchase::Spot), Pool::in_a_test("second", Purchase::Spot));
        let mix = PurchaseMix::default();
        let at = |serving, starting, others| {
            numbers(8, &inputs(vec![]), &mix, &[state(&first, serving, starting, 100), state(&second, others, 0, 100)])
        };
        assert_eq!(at(3, 0, 5), [8, 5], "five are ordered, and none is let go for them");
        assert_eq!(at(3, 5, 5), [8, 5]);
        assert_eq!(at(6, 2, 5), [8, 2], "three serve in place of others");
        assert_eq!(at(8, 0, 5), [8, 0]);
    }

    #[test]
    fn spot_stays_until_the_larger_base_on_demand_serves() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix { on_demand_base: 8, ..PurchaseMix::default() };
        let at = |ready, starting| {
            numbers(8, &inputs(vec![]), &mix, &[state(&base, ready, starting, 100), state(&spot, 8 - ready, 0, 100)])
        };
        assert_eq!((at(0, 0), at(3, 5), at(8, 0)), (vec![8, 8], vec![8, 5], vec![8, 0]));
    }

    #[test]
    fn a_smaller_group_shrinks_at_once() {
        let base = Pool::in_a_test("base", Purchase::OnDemand);
        assert_eq!(numbers(5, &inputs(vec![]), &PurchaseMix::default(), &[state(&base, 8, 0, 100)]), [5]);
    }

    #[test]
    fn a_pause_holds_every_pool_and_not_only_their_sum() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let mix = PurchaseMix::default();
        let with = |orders, on_demand, ready| {
            numbers(8, &inputs(orders), &mix, &[state(&base, on_demand, 0, 100), state(&spot, ready, 0, 100)])
        };
        assert_eq!(with(vec![], 4, 8), [0, 8], "stand-ins are released");
        assert_eq!(with(vec![Order::PauseIn], 4, 8), [4, 8]);
        assert_eq!(with(vec![Order::PauseAll], 4, 8), [4, 8]);
        assert_eq!(with(vec![], 0, 6), [2, 8], "stand-ins are bought");
        assert_eq!(with(vec![Order::PauseOut], 0, 6), [0, 6]);
        assert_eq!(with(vec![Order::PauseAll], 0, 6), [0, 6]);
    }

    #[test]
    fn a_call_for_more_buys_nothing_while_a_person_has_paused_growing() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let (mix, pools) = (PurchaseMix::default(), [state(&base, 0, 0, 100), state(&spot, 5, 3, 100)]);
        let with = |orders: Vec<Order>| -> Vec<u32> {
            let terms = Terms { mix: &mix, weather: None, lead_minutes: 2 };
            raising(8, &inputs(orders), &terms, &pools).iter().map(|part| part.target).collect()
        };
        assert_eq!(with(vec![]), [3, 8], "stand-ins for what does not serve yet");
        assert_eq!((with(vec![Order::PauseAll]), with(vec![Order::PauseOut])), (vec![0, 8], vec![0, 8]));
    }

    #[test]
    fn a_budget_cuts_stand_ins_and_not_what_is_there() {
        let (base, spot) = (
            Pool { price_per_hour: 1.0, ..Pool::in_a_test("base", Purchase::OnDemand) },
            Pool { price_per_hour: 0.35, ..Pool::in_a_test("spot", Purchase::Spot) },
        );
        let mix = PurchaseMix { budget_per_hour: Some(10.0), ..PurchaseMix::default() };
        let terms = Terms { mix: &mix, weather: None, lead_minutes: 2 };
        let pools = [state(&base, 0, 0, 100), state(&spot, 0, 20, 100)];
        let most = purchase::affordable(10.0, 1000, &terms, &pools);
        assert_eq!(most, 20, "twenty that do not answer cost 7 an hour, and no stand-ins are there");
        let inputs = Inputs { affordable: Some(most), ..Inputs::between(0, 1000, 20, 20) };
        let plan: Vec<u32> = plan(20, &inputs, &terms, &pools).iter().map(|part| part.target).collect();
        assert_eq!(plan, [3, 20], "three stand-ins are what is left of the budget");
    }

    proptest! {
        #[test]
        fn no_plan_leaves_fewer_serving_than_shall_be_there(
            target in 0u32..40, current in 0u32..40, base in 0u32..20, spot_share in 0.0f64..=1.0, hedge: bool, doubtful: bool,
            states in proptest::collection::vec((any::<bool>(), 0u32..15, 0u32..15, 0u32..30), 1..4),
            order in proptest::option::of(prop_oneof![Just(Order::PauseIn), Just(Order::PauseOut), Just(Order::PauseAll)]),
        ) {
            let mix = PurchaseMix { on_demand_base: base, spot_share, spot_hedge: hedge, ..PurchaseMix::default() };
            let of = |(number, &(spot, ..)): (usize, &(bool, u32, u32, u32))| {
                Pool::in_a_test(&format!("{number}"), if spot { Purchase::Spot } else { Purchase::OnDemand })
            };
            let pools: Vec<Pool> = states.iter().enumerate().map(of).collect();
            let pools: Vec<PoolState<'_>> = pools.iter().zip(&states).map(|(pool, &(_, serving, starting, available))| {
                state(pool, serving, starting, available)
            }).collect();
            let inputs = Inputs {
                doubts: doubtful.then(|| "stale".to_owned()).into_iter().collect(),
                orders: order.into_iter().collect(),
                ..Inputs::between(0, 1000, target, current)
            };
            let plan = plan(target, &inputs, &Terms { mix: &mix, weather: None, lead_minutes: 2 }, &pools);
            let serving: u32 = pools.iter().map(|state| state.capacity.serving).sum();
            let stay: u32 = plan.iter().zip(&pools).map(|(part, state)| part.target.min(state.capacity.serving)).sum();
            prop_assert!(stay >= target.min(serving), "{plan:?}");
            if doubtful && target >= current {
                prop_assert!(plan.iter().all(|part| part.target >= part.current), "{plan:?}");
            }
            if order == Some(Order::PauseOut) && target <= current {
                prop_assert!(plan.iter().all(|part| part.target <= part.current), "{plan:?}");
            }
        }
    }
}
