//! Reclaims of tagged servers, from the notice to what the next evaluations make of it.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use chrono::Utc;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::clients::signing::{Signable, sign};
use crate::handlers::races::world::{self, Fleets, INITIAL, TOPIC, Wake, World};
use crate::records::Happening;

/// A region on which a group of tagged servers has been evaluated for a while.
async fn stage(fleets: Fleets) -> World {
    let region = world::region(fleets);
    let router = region.router();
    let stage = World::new(&region, &router, fleets, false).await;
    for _ in 0..4 {
        minute(&stage).await;
    }
    assert_eq!(stage.pools(true), [0, INITIAL]);
    stage
}

async fn minute(stage: &World) {
    stage.minute(48.0);
    stage.wake(Wake::Evaluate(0)).await;
}

/// How many requests the region has answered, and how many of them ordered servers.
fn calls(stage: &World) -> (u64, u64) {
    let calls = stage.region.calls();
    let orders = calls.iter().filter(|(_, operation, _)| *operation == "POST /v1/{project_id}/cloudservers");
    (calls.total(), orders.map(|(_, _, count)| count).sum())
}

fn instance(trace: &Value) -> &str {
    trace["cts"]["resource_id"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_notice_is_answered_by_an_order_and_a_drain_in_eight_calls() {
    for fleets in [Fleets::Servers, Fleets::Balanced] {
        let stage = stage(fleets).await;
        let trace = stage.lose(0, 1).remove(0);
        let before = calls(&stage);
        let answer = stage.wake(Wake::Reclaim(trace.clone())).await.unwrap();
        let (total, orders) = calls(&stage);
        assert!(total - before.0 <= 8, "{fleets:?}: {} calls", total - before.0);
        assert_eq!((orders - before.1, stage.pools(false)), (1, [0, INITIAL]), "{answer}");
        assert_eq!(answer["replaced"][0]["lost"][0], instance(&trace));
        // Behind a load balancer what is going gets no new requests; without one there is nothing to take it out of.
        let going = if fleets == Fleets::Balanced { 0 } else { 1 };
        assert_eq!(stage.total(), INITIAL + going, "{answer}");
        assert_eq!(stage.region.take_messages()[0].subject, "flexus-autoscaler: inference loses 1 spot instance");
    }
}

#[tokio::test(start_paused = true)]
async fn many_notices_make_one_plan_and_repeats_change_nothing() {
    let stage = stage(Fleets::Balanced).await;
    let traces: Vec<Value> = (0..3).flat_map(|zone| stage.lose(zone, 2)).collect();
    assert_eq!(traces.len(), 6);
    for trace in &traces {
        stage.wake(Wake::Reclaim(trace.clone())).await;
    }
    let held: u32 = stage.pools(false).iter().sum();
    assert_eq!(held, INITIAL, "{:?}", stage.pools(false));
    let (_, orders) = calls(&stage);
    assert_eq!(orders, 6);
    for trace in &traces {
        stage.wake(Wake::Reclaim(trace.clone())).await;
    }
    assert_eq!((calls(&stage).1, stage.pools(false).iter().sum::<u32>()), (6, INITIAL));
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_remembered_by_zone_and_flavor_and_the_group_keeps_its_size_until_it_is_over() {
    let stage = stage(Fleets::Balanced).await;
    let trace = stage.lose(0, 1).remove(0);
    stage.wake(Wake::Reclaim(trace)).await;
    minute(&stage).await;
    let exhausted = stage.snapshot().await.fleets["spot"].exhausted.clone();
    let zone = &stage.region.settings().zones[0];
    assert_eq!(exhausted.keys().collect::<Vec<_>>(), [&format!("{zone}/c7.large.2")]);
    assert_eq!(exhausted.values().map(|place| place.minutes).collect::<Vec<_>>(), [3]);
    for _ in 0..8 {
        minute(&stage).await;
        assert!(stage.pools(false).iter().sum::<u32>() >= INITIAL, "{:?}", stage.pools(false));
    }
    let losses = stage.store.records().into_values().filter(|bytes| {
        matches!(serde_json::from_slice::<crate::records::Record>(bytes).unwrap().what, Happening::Loss(_))
    });
    assert_eq!(losses.count(), 1);
}

/// A request to the region, as somebody else makes it.
async fn ask(stage: &World, method: &str, path: &str, body: &Value) -> Value {
    const HOST: &str = "region";
    let settings = stage.region.settings();
    let path = format!("/{path}").replace("{project}", &settings.project_id);
    let body = body.to_string();
    let token = settings.agency.security_token.as_ref().unwrap().expose();
    let headers = [("host", HOST), ("x-security-token", token)];
    let signable = Signable { method, path: &path, query: "", headers: &headers, body: body.as_bytes() };
    let signature = sign(&signable, &settings.agency, Utc::now());
    let request = headers.iter().fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
    let request = request.header("x-sdk-date", signature.date).header("authorization", signature.authorization);
    let request = request.method(method).uri(path).body(Body::from(body)).unwrap();
    let Ok(response) = stage.region.router().oneshot(request).await;
    assert!(response.status().is_success(), "{response:?}");
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_a_hook_holds_finishes_its_requests_until_the_hooks_time_is_over() {
    const HOOKS: &str = "autoscaling-api/v1/{project}/scaling_lifecycle_hook/as-spot";
    const HANGING: &str = "autoscaling-api/v1/{project}/scaling_instance_hook/as-spot/list";
    let stage = stage(Fleets::AutoScaling).await;
    let hook = json!({
        "lifecycle_hook_name": "drain", "lifecycle_hook_type": "INSTANCE_TERMINATING", "default_result": "CONTINUE",
        "default_timeout": 300, "notification_topic_urn": TOPIC,
    });
    ask(&stage, "POST", HOOKS, &hook).await;
    let smaller = json!({"desire_instance_number": INITIAL - 1});
    ask(&stage, "PUT", "autoscaling-api/v1/{project}/scaling_group/as-spot", &smaller).await;
    stage.minute(48.0);
    let events = stage.region.take_events();
    let hooks: Vec<&Value> =
        events.iter().map(|event| &event.event).filter(|event| event.to_string().contains("drain")).collect();
    assert_eq!(hooks.len(), 1, "{events:?}");

    let answer = stage.wake(Wake::Reclaim(hooks[0].clone())).await.unwrap();
    let actions = answer["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 2, "{answer}");
    assert_eq!(actions[0]["outcome"], "done", "{answer}");
    assert_eq!(actions[1]["outcome"]["withheld"], "it drains until the time of its hook is over", "{answer}");
    let mut held = Vec::new();
    for _ in 0..5 {
        let hanging = ask(&stage, "GET", HANGING, &Value::Null).await;
        held.push(hanging["instance_hanging_info"].as_array().unwrap().len());
        stage.minute(48.0);
    }
    assert_eq!(held, [1, 1, 1, 1, 0]);
}
