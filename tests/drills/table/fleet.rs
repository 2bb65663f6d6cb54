//! The fleet: locks, quotas, what is sold out, what never starts, what is taken back.

use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::{FaultTable, LaunchFault, Service};

use crate::drill::{Drill, Fleet, Script, Told};
use crate::faults::{calls, error};
use crate::stage::{ON_DEMAND_FLAVOR, SPOT_FLAVOR, Stage};

fn sell_out(stage: &mut Stage, flavor: &str, zones: usize, sold_out: bool) {
    let zones = stage.region().settings().zones.clone().into_iter().take(zones);
    zones.for_each(|zone| stage.region().set_sold_out(flavor, &zone, sold_out));
}

fn sell_out_all(stage: &mut Stage, sold_out: bool) {
    [SPOT_FLAVOR, ON_DEMAND_FLAVOR].into_iter().for_each(|flavor| sell_out(stage, flavor, 3, sold_out));
}

fn set_room(stage: &mut Stage, room: u32) {
    let zones = stage.region().settings().zones.clone();
    zones.iter().for_each(|zone| stage.region().set_spot_capacity(zone, room));
}

pub(super) fn drills() -> Vec<Drill> {
    let drill = |name, expectation, script| Drill {
        name,
        expectation,
        told: Told::Truth,
        slo_loss: 0.02,
        // The launch of 15:20 is in it: what is about growing is met while the group grows.
        earlier: 15,
        script,
        ..Drill::default()
    };
    // What cannot grow for half an hour of a launch is behind, and more is bought for a while to catch up.
    let blocked =
        |name, script| Drill { slo_loss: 0.05, ..drill(name, "says so, and catches up when it ends", script) };
    let spot = |name, expectation, script| Drill { fleet: Fleet::Spot, ..drill(name, expectation, script) };
    vec![
        drill("the AS group is locked every other time", "tries again in the next minute", |at| {
            calls(at, Some(Service::AutoScaling), "PUT", 0.5, error(400, "AS.0003"))
        }),
        Drill {
            timeout: Duration::from_secs(3),
            ..blocked("the AS group is locked", |at| {
                calls(at, Some(Service::AutoScaling), "PUT", 1.0, error(400, "AS.0003"))
            })
        },
        blocked("the quota of instances is used up", |at| {
            calls(at, Some(Service::AutoScaling), "PUT", 1.0, error(400, "AS.7111"))
        }),
        drill("half of the new instances never serve", "replaces what does not come", |at| Script {
            calls: Some(Arc::new(FaultTable::new().launches(at.during(), 0.5, LaunchFault::NeverReady))),
            ..Script::default()
        }),
        Drill {
            expectation: "reckons with the starts that it sees",
            ..blocked("new instances start ten minutes late", |at| Script {
                calls: Some(Arc::new(FaultTable::new().launches(at.during(), 1.0, LaunchFault::Late(10)))),
                ..Script::default()
            })
        },
        spot("half of all orders fail", "orders the rest in the next minute", |at| {
            calls(at, Some(Service::Ecs), "POST /v1", 0.5, error(500, "Ecs.0204"))
        }),
        spot("the ECS quota is used up", "on-demand stands in", |at| {
            calls(at, Some(Service::Ecs), "POST /v1", 1.0, error(400, "Ecs.0001"))
        }),
        Drill {
            timeout: Duration::from_secs(2),
            ..spot("the ECS API answers 503", "keeps what runs, on-demand grows", |at| {
                calls(at, Some(Service::Ecs), "", 1.0, error(503, "APIGW.0503"))
            })
        },
        spot("the spot flavor is sold out in one zone", "buys in another", |_| Script {
            refuses: Some(Service::Ecs),
            each_minute: |stage, _| sell_out(stage, SPOT_FLAVOR, 1, true),
            afterwards: |stage| sell_out(stage, SPOT_FLAVOR, 1, false),
            ..Script::default()
        }),
        spot("the spot flavor is sold out everywhere", "on-demand stands in", |_| Script {
            refuses: Some(Service::Ecs),
            each_minute: |stage, _| sell_out(stage, SPOT_FLAVOR, 3, true),
            afterwards: |stage| sell_out(stage, SPOT_FLAVOR, 3, false),
            ..Script::default()
        }),
        Drill {
            fleet: Fleet::Spot,
            ..blocked("every flavor is sold out everywhere", |_| Script {
                refuses: Some(Service::Ecs),
                each_minute: |stage, _| sell_out_all(stage, true),
                afterwards: |stage| sell_out_all(stage, false),
                ..Script::default()
            })
        },
        spot("half of the new servers never serve", "gives them up and orders others", |at| Script {
            calls: Some(Arc::new(FaultTable::new().launches(at.during(), 0.5, LaunchFault::NeverReady))),
            ..Script::default()
        }),
        spot("every spot server is taken back in one minute", "on-demand replaces them within the notice", |_| {
            Script {
                each_minute: |stage, since| {
                    if since == 1 {
                        set_room(stage, 0);
                    }
                },
                afterwards: |stage| set_room(stage, 10_000),
                ..Script::default()
            }
        }),
    ]
}
