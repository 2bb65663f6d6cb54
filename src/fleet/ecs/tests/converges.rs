//! Whatever was asked for before, and whatever was forgotten on the way: the fleet comes to its target, and never has more
//! than was ever asked for.

use proptest::prelude::*;

use super::stage::{FLAVOR, Stage, ZONES};

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
    (0u32..12, 0usize..4, prop::bool::weighted(0.25), prop::option::weighted(0.3, 0usize..ZONES.len()))
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
            for _ in 0..12 {
                let _ = stage.set(target).await;
                stage.play(1);
            }
            let view = stage.look().await;
            prop_assert_eq!((view.capacity.serving, view.capacity.starting), (target, 0));
            prop_assert_eq!(stage.servers().await.len(), target as usize);
            prop_assert!(stage.memory.jobs.is_empty() && stage.memory.leaving.is_empty());
            Ok(())
        })?;
    }
}
