//! The fleet against the local region, over HTTP.

mod converges;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use self::stage::{FLAVOR, LaggingTags, OTHER_FLAVOR, Stage, ZONES};
use crate::fleet::FleetError;
use crate::local::Service;
use crate::model::{Capacity, Tag};
use crate::state::Job;

#[tokio::test]
async fn servers_are_ordered_evenly_over_the_zones_and_serve_after_their_lead_time() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(7).await.unwrap();
    assert_eq!(stage.look().await.capacity.total(), 7, "what is ordered counts at once");
    stage.play(3);
    let view = stage.look().await;
    assert_eq!((view.capacity.serving, view.capacity.starting, view.serving.len()), (7, 0, 7));
    assert_eq!(stage.by_zone().await, [3, 2, 2]);
    stage.set(9).await.unwrap();
    assert_eq!(stage.by_zone().await, [3, 3, 3]);
    for server in stage.servers().await {
        assert_eq!((server.tag("pool"), server.tag("team")), (Some("inference-spot"), Some("ml")));
        assert_eq!(server.is_spot(), Some(true));
        assert!(server.name.starts_with("spot-"), "{}", server.name);
    }
}

#[tokio::test]
async fn the_number_of_calls_does_not_grow_with_the_servers() {
    let mut calls = Vec::new();
    for target in [60, 90] {
        let mut stage = Stage::new(json!({})).await;
        let mut of_stage = Vec::new();
        for step in [target, target, target, 0] {
            let before = stage.region.calls().total();
            stage.set(step).await.unwrap();
            of_stage.push(stage.region.calls().total() - before);
            stage.play(3);
        }
        calls.push(of_stage);
    }
    assert_eq!(calls[0], calls[1]);
    // Tags, sixteen servers one by one, and in each of three zones the rest together; tags and servers; tags alone; tags,
    // servers and one deletion.
    assert_eq!(calls[0], [20, 2, 1, 3]);
}

#[tokio::test]
async fn a_repeated_invocation_after_a_crash_orders_nothing_twice() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(4).await.unwrap();
    stage.play(3);
    stage.set(4).await.unwrap();
    stage.region.set_faults(Arc::new(LaggingTags::new(&stage.servers().await)));
    let before_the_crash = stage.memory.clone();
    stage.set(10).await.unwrap();
    stage.memory = before_the_crash;
    stage.play(1);
    let view = stage.look().await;
    assert_eq!(view.capacity.total(), 4, "the tags do not show them yet, and nothing is remembered");
    stage.set(10).await.unwrap();
    stage.region.set_faults(Arc::new(crate::local::NoFaults));
    assert_eq!(stage.servers().await.len(), 10);
    stage.play(3);
    assert_eq!(stage.look().await.capacity.serving, 10);
}

#[tokio::test]
async fn what_was_ordered_counts_before_its_tags_show_it() {
    let mut stage = Stage::new(json!({})).await;
    stage.region.set_faults(Arc::new(LaggingTags::new(&[])));
    stage.set(5).await.unwrap();
    stage.play(1);
    stage.set(5).await.unwrap();
    stage.play(2);
    stage.set(5).await.unwrap();
    assert_eq!(stage.look().await.capacity.serving, 5);
    stage.region.set_faults(Arc::new(crate::local::NoFaults));
    stage.set(5).await.unwrap();
    assert_eq!(stage.servers().await.len(), 5);
    assert!(stage.memory.jobs.is_empty());
}

#[tokio::test]
async fn a_sold_out_zone_is_passed_over_in_the_same_invocation() {
    let mut stage = Stage::new(json!({})).await;
    stage.region.set_sold_out(FLAVOR, ZONES[0], true);
    stage.set(6).await.unwrap();
    assert_eq!(stage.by_zone().await, [0, 3, 3]);
    let place = format!("{}/{FLAVOR}", ZONES[0]);
    assert_eq!(stage.memory.exhausted[&place].minutes, 3);
}

#[tokio::test]
async fn the_next_flavor_is_bought_when_the_first_is_sold_out_everywhere() {
    let mut stage = Stage::new(json!({"flavors": [FLAVOR, OTHER_FLAVOR]})).await;
    for zone in ZONES {
        stage.region.set_sold_out(FLAVOR, zone, true);
    }
    stage.set(3).await.unwrap();
    let servers = stage.servers().await;
    assert!(servers.len() == 3 && servers.iter().all(|server| server.flavor_id() == OTHER_FLAVOR));
}

#[tokio::test]
async fn a_pool_that_is_sold_out_everywhere_can_have_no_more_than_it_has_and_tries_again_later() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(2).await.unwrap();
    for zone in ZONES {
        stage.region.set_sold_out(FLAVOR, zone, true);
    }
    let error = stage.set(5).await.unwrap_err();
    assert!(matches!(error, FleetError::NoRoom { missing: 3, wanted: 3, .. }), "{error}");
    assert!(error.to_string().contains("Ecs.0018"), "{error}");
    assert_eq!(stage.look().await.most, 2);
    for zone in ZONES {
        stage.region.set_sold_out(FLAVOR, zone, false);
    }
    stage.play(2);
    assert_eq!(stage.look().await.most, 2);
    stage.play(1);
    assert_eq!(stage.look().await.most, u32::MAX);
    stage.set(5).await.unwrap();
    assert_eq!(stage.servers().await.len(), 5);
}

#[tokio::test]
async fn an_order_that_half_fails_is_made_up_for_elsewhere() {
    let mut stage = Stage::new(json!({})).await;
    for zone in ZONES {
        stage.region.set_spot_capacity(zone, 2);
    }
    stage.set(9).await.unwrap();
    assert_eq!(stage.look().await.capacity.total(), 9, "nobody knows yet that three of them will fail");
    stage.play(1);
    let view = stage.look().await;
    assert_eq!((view.capacity.total(), view.most), (6, 6));
    assert_eq!(stage.memory.exhausted.len(), 3);
    assert!(stage.memory.jobs.is_empty());
    stage.region.set_spot_capacity(ZONES[2], 100);
    stage.play(3);
    stage.set(9).await.unwrap();
    assert_eq!(stage.by_zone().await, [2, 2, 3], "two fail once more");
    stage.play(1);
    stage.set(9).await.unwrap();
    assert_eq!(stage.by_zone().await, [2, 2, 5]);
}

#[tokio::test]
async fn what_the_quota_leaves_is_bought_and_no_more_is_tried() {
    let mut stage = Stage::with_quota(5).await;
    let error = stage.set(8).await.unwrap_err();
    assert!(matches!(error, FleetError::NoRoom { missing: 3, wanted: 8, .. }), "{error}");
    let view = stage.look().await;
    assert_eq!((view.capacity.total(), view.most), (5, 5));
    let orders = stage.orders();
    stage.set(8).await.unwrap_err();
    assert_eq!(stage.orders(), orders);
}

#[tokio::test]
async fn a_server_that_starts_goes_first_and_a_protected_one_never() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(3).await.unwrap();
    stage.play(3);
    stage.set(5).await.unwrap();
    let old: Vec<String> = stage.look().await.serving;
    stage.set(3).await.unwrap();
    assert_eq!(stage.ids().await, old);
    let protected = Tag { key: "autoscaler_protected".to_owned(), value: "true".to_owned() };
    stage.cloud.ecs().set_tags(&old[1], &[protected]).await.unwrap();
    assert_eq!(stage.look().await.least, 1);
    stage.set(1).await.unwrap();
    assert_eq!(stage.ids().await, old[1..2]);
    stage.set(0).await.unwrap();
    assert_eq!(stage.servers().await.len(), 1);
}

#[tokio::test]
async fn what_serves_stays_while_what_was_ordered_does_not_show() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(3).await.unwrap();
    stage.play(3);
    let serving = stage.look().await.serving;
    let order = Job {
        id: String::new(),
        name: "spot-of-another-7".to_owned(),
        asked: stage.region.now().start(),
        count: 2,
        place: format!("{}/{FLAVOR}", ZONES[0]),
        servers: Vec::new(),
    };
    stage.memory.jobs.push(order);
    assert_eq!(stage.look().await.capacity, Capacity { serving: 3, starting: 2 });
    stage.set(4).await.unwrap();
    assert_eq!(stage.ids().await, serving, "the order may come to nothing");
    stage.set(2).await.unwrap();
    assert_eq!(stage.servers().await.len(), 2, "two are wanted, whatever comes");
}

#[tokio::test]
async fn servers_of_an_older_template_go_before_newer_ones() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(2).await.unwrap();
    stage.play(3);
    let older = stage.ids().await;
    stage.template(json!({"image_id": "newer"}));
    stage.set(4).await.unwrap();
    stage.play(3);
    stage.set(2).await.unwrap();
    let left = stage.ids().await;
    assert!(left.len() == 2 && left.iter().all(|id| !older.contains(id)));
}

#[tokio::test]
async fn a_new_server_joins_the_load_balancer_and_serves_only_then() {
    let mut stage = Stage::behind_balancer().await;
    stage.set(2).await.unwrap();
    stage.play(1);
    assert_eq!(stage.weights().await, BTreeMap::new(), "they are still being made");
    let view = stage.set(2).await.unwrap();
    assert!(view.is_unsettled && view.capacity.serving == 0);
    assert_eq!(stage.weights().await.values().copied().collect::<Vec<_>>(), [1, 1]);
    stage.play(1);
    let view = stage.set(2).await.unwrap();
    assert_eq!((view.capacity.serving, view.is_unsettled), (2, false));
}

#[tokio::test]
async fn a_server_that_goes_drains_first_and_is_deleted_a_minute_later() {
    let mut stage = Stage::behind_balancer().await;
    stage.serve(3).await;
    stage.set(2).await.unwrap();
    assert_eq!(stage.weights().await.values().filter(|weight| **weight == 0).count(), 1);
    assert_eq!(stage.servers().await.len(), 3);
    let view = stage.look().await;
    assert_eq!((view.capacity.total(), view.is_unsettled), (2, false), "what leaves is not counted");
    stage.play(1);
    stage.set(2).await.unwrap();
    assert_eq!((stage.servers().await.len(), stage.weights().await.len()), (2, 2));
    stage.set(2).await.unwrap();
    assert!(stage.memory.leaving.is_empty());
}

#[tokio::test]
async fn a_draining_server_is_called_back_before_a_new_one_is_ordered() {
    let mut stage = Stage::behind_balancer().await;
    stage.serve(3).await;
    let orders = stage.orders();
    stage.set(1).await.unwrap();
    stage.set(3).await.unwrap();
    assert_eq!(stage.orders(), orders);
    assert!(stage.weights().await.values().all(|weight| *weight == 1));
    assert_eq!(stage.look().await.capacity.serving, 3);
}

#[tokio::test]
async fn a_drain_that_was_not_recorded_is_asked_for_again_of_the_same_server() {
    let mut stage = Stage::behind_balancer().await;
    stage.serve(3).await;
    let before_the_crash = stage.memory.clone();
    stage.set(2).await.unwrap();
    let after = stage.weights().await;
    stage.memory = before_the_crash;
    stage.memory.listed = None;
    stage.set(2).await.unwrap();
    assert_eq!(stage.weights().await, after);
    assert_eq!(stage.look().await.capacity.total(), 2);
}

#[tokio::test]
async fn a_drain_that_nobody_remembers_is_taken_back_where_the_server_is_needed() {
    let mut stage = Stage::behind_balancer().await;
    stage.serve(3).await;
    let before_the_crash = stage.memory.clone();
    stage.set(1).await.unwrap();
    stage.memory = before_the_crash;
    stage.memory.listed = None;
    assert_eq!(stage.look().await.capacity, Capacity { serving: 1, starting: 2 }, "two get no traffic");
    stage.set(3).await.unwrap();
    assert!(stage.weights().await.values().all(|weight| *weight == 1));
    assert_eq!(stage.look().await.capacity.serving, 3);
}

#[tokio::test]
async fn a_server_that_is_being_taken_back_keeps_no_other_from_being_deleted() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(6).await.unwrap();
    stage.play(3);
    stage.region.set_spot_capacity(ZONES[0], 1);
    stage.set(0).await.unwrap();
    let left = stage.servers().await;
    assert_eq!(left.len(), 1, "the one with notice cannot be deleted, and goes by itself");
    assert_eq!(stage.look().await.capacity.total(), 0);
}

#[tokio::test]
async fn nothing_is_removed_when_the_cloud_does_not_answer() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(3).await.unwrap();
    stage.play(3);
    stage.region.set_faults(Arc::new(stage::Refused));
    assert!(stage.try_look().await.is_err());
    stage.region.set_faults(Arc::new(crate::local::NoFaults));
    assert_eq!(stage.servers().await.len(), 3);
    assert!(stage.region.calls().of(Service::Ecs) > 0);
}

#[tokio::test]
async fn what_others_have_ordered_since_the_look_stays() {
    let mut stage = Stage::new(json!({})).await;
    stage.set(8).await.unwrap();
    stage.play(3);
    stage.look().await;
    let (seen, mut memory) = (stage.look().await, stage.memory.clone());
    assert!(seen.inventory.is_none(), "a settled pool is not listed");
    stage.set(12).await.unwrap();
    stage.scale(&mut memory, &seen, 9).await;
    assert_eq!(stage.servers().await.len(), 12, "one more was wanted, and more are there");
    stage.scale(&mut memory, &seen, 6).await;
    assert_eq!(stage.servers().await.len(), 10, "two fewer were wanted");
}
