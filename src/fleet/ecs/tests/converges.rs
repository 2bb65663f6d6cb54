//! Whatever was asked for before, and whatever was forgotten on the way: the fleet comes to its target, and never has more
//! than was ever asked for.

use proptest::prelude::*;

use super::stage::{FLAVOR, Stage, ZONES};

const MOST_SERVERS: u32 = 11;
/// Minutes until the cloud has made what was ordered, and has forgotten what was refused.
const USUAL_MINUTES: u32 = 12;
/// A number whose server was bought and let go by invocations that nobody remembers is waited for as if its server were on
/// its way, one number after another where a single server is missing.
const MINUTES_PER_LOST_NUMBER: u32 = 3;

#[derive(Clone, Debug)]
struct Step {
    target: u32,
    minutes: usize,
    /// The invocation ends before it has written what it remembers.
    crashes: bool,
    /// The zone that is sold out meanwhile.
    sold_out: Option<usize>,
}

fn step() -> impl Strategy<Value = Step> {
    (0..=MOST_SERVERS, 0usize..4, prop::bool::weighted(0.25), prop::option::weighted(0.3, 0usize..ZONES.len()))
        .prop_map(|(target, minutes, crashes, sold_out)| Step { target, minutes, crashes, sold_out })
}

async fn apply(stage: &mut Stage, step: &Step) {
    if let Some(zone) = step.sold_out {
        stage.region.set_sold_out(FLAVOR, ZONES[zone], true);
    }
    let before = stage.memory.clone();
    // That nothing can be bought now is no failure of this test: it is tried again.
    let _ = stage.set(step.target).await;
    if step.crashes {
        stage.memory = before;
    }
    for zone in ZONES {
        stage.region.set_sold_out(FLAVOR, zone, false);
    }
    stage.play(step.minutes);
}

async fn has_come_to(stage: &mut Stage, target: u32) -> bool {
    let capacity = stage.look().await.capacity;
    let is_quiet = stage.memory.jobs.is_empty() && stage.memory.leaving.is_empty();
    (capacity.serving, capacity.starting) == (target, 0) && is_quiet
}

#[tokio::test]
async fn numbers_of_servers_that_nobody_remembers_are_waited_for_and_passed_over() {
    let mut stage = Stage::start(false, 100_000).await;
    for (target, sold_out) in [(8, Some(0)), (3, None)] {
        apply(&mut stage, &Step { target, minutes: 0, crashes: true, sold_out }).await;
    }
    for _ in 0..USUAL_MINUTES + 5 * MINUTES_PER_LOST_NUMBER {
        stage.set(4).await.unwrap();
        assert!(stage.servers().await.len() <= 4);
        stage.play(1);
    }
    assert!(has_come_to(&mut stage, 4).await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_sequence_of_targets_comes_to_the_last_one_and_never_above_the_largest(
        steps in prop::collection::vec(step(), 1..10), behind_balancer: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut stage = Stage::start(behind_balancer, 100_000).await;
            let mut largest = 0;
            for step in &steps {
                largest = largest.max(step.target);
                apply(&mut stage, step).await;
                let total = stage.servers().await.len();
                prop_assert!(total <= largest as usize, "{total} servers, at most {largest} were asked for");
            }
            let target = steps.last().unwrap().target;
            for _ in 0..USUAL_MINUTES + MOST_SERVERS * MINUTES_PER_LOST_NUMBER {
                let _ = stage.set(target).await;
                stage.play(1);
                if has_come_to(&mut stage, target).await {
                    break;
                }
            }
            prop_assert!(has_come_to(&mut stage, target).await, "{:?}, {:?}", stage.look().await, stage.memory);
            prop_assert_eq!(stage.servers().await.len(), target as usize);
            Ok(())
        })?;
    }
}
