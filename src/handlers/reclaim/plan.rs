//! What is ordered in place of instances that are going. Pure, and in absolute numbers: told twice it is the same plan,
//! and ten notices make the same one together as one after another.

use crate::engine::purchase::PoolTarget;
use crate::engine::purchase::{self, PoolState, Terms};
use crate::model::{Capacity, Pool};

/// A pool as it is at the notice.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolNow<'a> {
    pub(super) pool: &'a Pool,
    /// What the cloud counts, those that are going among them.
    pub(super) capacity: Capacity,
    /// Most that the cloud allows it.
    pub(super) most: u32,
    /// How many of them are going.
    pub(super) going: u32,
    /// Whether the pool gets what it asks for. One that loses and is not given new ones does not.
    pub(super) has_luck: bool,
}

/// How many instances the group needs besides those that are going.
///
/// `planned` is what the last evaluation left behind, with `planned_going` of them known to be going (and replaced) then;
/// `raised` the largest call for more in force since. Before the first evaluation it is what runs.
pub(super) fn needed(planned: Option<u32>, planned_going: u32, raised: u32, running: u32) -> u32 {
    let base = planned.map_or(running, |planned| planned.saturating_sub(planned_going));
    base.max(raised)
}

/// How many instances each pool shall have, those that are going included, so that `needed` others are there. Never fewer
/// than it has.
pub(super) fn replace(needed: u32, terms: &Terms<'_>, pools: &[PoolNow<'_>]) -> Vec<PoolTarget> {
    let staying: Vec<_> = pools
        .iter()
        .map(|now| {
            let Capacity { serving, starting } = now.capacity;
            let not_serving = now.going.saturating_sub(serving);
            let capacity =
                Capacity { serving: serving.saturating_sub(now.going), starting: starting.saturating_sub(not_serving) };
            let room = now.most.saturating_sub(now.going);
            PoolState {
                pool: now.pool,
                capacity,
                available: if now.has_luck { room } else { capacity.total().min(room) },
            }
        })
        .collect();
    let mut targets = purchase::split(needed, terms, &staying);
    for (target, now) in targets.iter_mut().zip(pools) {
        target.current = now.capacity.total();
        target.target = (target.target + now.going).min(now.most);
        if now.going > 0 {
            target.why = format!("{}, and {} that are going", target.why, now.going);
        }
    }
    purchase::keep_all(&mut targets, &staying);
    targets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Purchase, PurchaseMix};

    fn now(pool: &Pool, serving: u32, starting: u32, going: u32) -> PoolNow<'_> {
        PoolNow { pool, capacity: Capacity { serving, starting }, most: 100, going, has_luck: true }
    }

    fn numbers(needed: u32, mix: &PurchaseMix, pools: &[PoolNow<'_>]) -> Vec<u32> {
        let terms = Terms { mix, weather: None, lead_minutes: 2 };
        replace(needed, &terms, pools).iter().map(|target| target.target).collect()
    }

    fn without_hedge() -> PurchaseMix {
        PurchaseMix { spot_hedge: false, ..PurchaseMix::default() }
    }

    #[test]
    fn a_spot_instance_is_replaced_by_spot_while_the_pool_has_luck() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let pools = [now(&base, 0, 0, 0), now(&spot, 8, 0, 1)];
        assert_eq!(numbers(8, &without_hedge(), &pools), [0, 9]);
        let unlucky = [now(&base, 0, 0, 0), PoolNow { has_luck: false, ..now(&spot, 8, 0, 1) }];
        assert_eq!(numbers(8, &without_hedge(), &unlucky), [1, 8]);
    }

    #[test]
    fn on_demand_bridges_the_gap_until_spot_is_ready() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let pools = [now(&base, 2, 0, 0), now(&spot, 6, 0, 2)];
        assert_eq!(numbers(8, &PurchaseMix { on_demand_base: 2, ..PurchaseMix::default() }, &pools), [4, 8]);
    }

    #[test]
    fn a_pool_at_its_limit_leaves_the_rest_to_on_demand() {
        let (base, spot) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
        let full = PoolNow { most: 8, ..now(&spot, 8, 0, 3) };
        assert_eq!(numbers(8, &without_hedge(), &[now(&base, 0, 0, 0), full]), [3, 8]);
    }

    #[test]
    fn what_was_replaced_before_the_evaluation_is_not_replaced_again() {
        assert_eq!(needed(Some(10), 0, 0, 10), 10);
        assert_eq!(needed(Some(11), 1, 0, 11), 10);
        assert_eq!(needed(Some(11), 1, 12, 11), 12, "an alarm asked for more since");
        assert_eq!(needed(None, 0, 0, 4), 4);
    }

    prop_compose! {
        fn situation()(
            on_demand in 0u32..10, spot in 1u32..20, starting in 0u32..5, going in 1u32..10, more in 0u32..10,
            most in 20u32..60, has_luck: bool, spot_hedge: bool,
        ) -> (u32, u32, u32, u32, u32, u32, bool, bool) {
            (on_demand, spot, starting, going.min(spot), more, most, has_luck, spot_hedge)
        }
    }

    proptest! {
        #[test]
        fn a_plan_only_raises_and_is_enough((on_demand, spot, starting, going, more, most, has_luck, spot_hedge) in situation()) {
            let (base_pool, spot_pool) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
            let mix = PurchaseMix { spot_hedge, ..PurchaseMix::default() };
            let pools = [now(&base_pool, on_demand, 0, 0), PoolNow { most, has_luck, ..now(&spot_pool, spot, starting, going) }];
            let needed = on_demand + spot + starting + more;
            let targets = numbers(needed, &mix, &pools);
            prop_assert!(targets[0] >= on_demand && targets[1] >= spot + starting);
            prop_assert!(targets.iter().sum::<u32>() >= needed + going, "{targets:?} is too few");
            prop_assert!(targets[1] <= most.max(spot + starting));
        }

        #[test]
        fn told_twice_it_is_the_same_plan((on_demand, spot, _, going, more, most, has_luck, spot_hedge) in situation()) {
            let (base_pool, spot_pool) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
            let mix = PurchaseMix { spot_hedge, ..PurchaseMix::default() };
            let needed = on_demand + spot + more;
            let limits = PoolNow { most, has_luck, ..now(&spot_pool, spot, 0, going) };
            let first = numbers(needed, &mix, &[now(&base_pool, on_demand, 0, 0), limits]);
            // The orders are on their way now.
            let second = numbers(needed, &mix, &[
                now(&base_pool, on_demand, first[0] - on_demand, 0),
                PoolNow { capacity: Capacity { serving: spot, starting: first[1] - spot }, ..limits },
            ]);
            prop_assert_eq!(first, second);
        }

        #[test]
        fn ten_notices_make_one_plan_together_or_one_after_another(spot in 10u32..30, has_luck: bool, spot_hedge: bool) {
            let (base_pool, spot_pool) = (Pool::in_a_test("base", Purchase::OnDemand), Pool::in_a_test("spot", Purchase::Spot));
            let mix = PurchaseMix { spot_hedge, ..PurchaseMix::default() };
            let plan = |have: &[u32], going| numbers(spot, &mix, &[
                now(&base_pool, 0, have[0], 0),
                PoolNow { has_luck, capacity: Capacity { serving: spot, starting: have[1] - spot }, ..now(&spot_pool, 0, 0, going) },
            ]);
            let together = plan(&[0, spot], 10);
            let one_by_one = (1..=10).fold(vec![0, spot], |have, going| plan(&have, going));
            prop_assert_eq!(together, one_by_one);
        }
    }
}
