//! The cloud's APIs: slow, refusing, broken, silent, and not letting us in.

use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::{Fault, FaultTable, PointFault, Service};

use crate::drill::{Drill, Script, Ticks, Told};
use crate::faults::{calls, error, other_json, page, slow};

/// A function's timeout under which a fault that hangs costs the tests little.
const SHORT: Duration = Duration::from_secs(2);
const KEEPS: &str = "keeps what runs, says what failed, goes on when it ends";

pub(super) fn drills() -> Vec<Drill> {
    let metrics = |name, script| Drill {
        name,
        expectation: KEEPS,
        minutes: 20,
        timeout: SHORT,
        slo_loss: 0.02,
        script,
        ..Drill::default()
    };
    // What is known of the group is the truth; what cannot be asked is left as it is.
    let fleet = |name, script| Drill { may_fail: false, ..metrics(name, script) };
    vec![
        Drill {
            expectation: "decides as ever, only later",
            told: Told::Truth,
            timeout: Duration::from_secs(20),
            ..metrics("every API is slow", |at| calls(at, None, "", 1.0, slow()))
        },
        Drill {
            expectation: "tries again within the time that it has",
            told: Told::Truth,
            timeout: Duration::from_secs(10),
            ..metrics("half of all calls get 429", |at| calls(at, None, "", 0.5, error(429, "APIGW.0308")))
        },
        Drill {
            expectation: "tries again within the time that it has",
            told: Told::Truth,
            timeout: Duration::from_secs(10),
            ..metrics("half of all calls get 500", |at| calls(at, None, "", 0.5, error(500, "APIGW.0500")))
        },
        metrics("Cloud Eye answers 429", |at| calls(at, Some(Service::CloudEye), "", 1.0, error(429, "ces.0429"))),
        metrics("Cloud Eye answers 503", |at| calls(at, Some(Service::CloudEye), "", 1.0, error(503, "ces.0503"))),
        metrics("Cloud Eye hangs", |at| calls(at, Some(Service::CloudEye), "", 1.0, Fault::Hang)),
        metrics("Cloud Eye answers a page", |at| calls(at, Some(Service::CloudEye), "", 1.0, page())),
        metrics("Cloud Eye answers other JSON", |at| calls(at, Some(Service::CloudEye), "", 1.0, other_json())),
        metrics("Cloud Eye's answers are cut off", |at| calls(at, Some(Service::CloudEye), "", 1.0, Fault::Truncated)),
        fleet("Auto Scaling answers 500", |at| calls(at, Some(Service::AutoScaling), "", 1.0, error(500, "AS.0001"))),
        fleet("Auto Scaling hangs", |at| calls(at, Some(Service::AutoScaling), "", 1.0, Fault::Hang)),
        fleet("Auto Scaling answers other JSON", |at| calls(at, Some(Service::AutoScaling), "", 1.0, other_json())),
        fleet("Auto Scaling's answers are cut off", |at| {
            calls(at, Some(Service::AutoScaling), "", 1.0, Fault::Truncated)
        }),
        Drill {
            expectation: "decides as ever; people are told later",
            arrives_late: 2,
            timeout: Duration::from_secs(5),
            ..metrics("SMN answers 500 while metrics are missing", |at| {
                let table = FaultTable::new()
                    .calls(at.during(), Some(Service::Smn), "", 1.0, error(500, "SMN.0001"))
                    .points(at.during(), "", "", PointFault::Missing);
                Script { calls: Some(Arc::new(table)), ..Script::default() }
            })
        },
        Drill {
            expectation: "the cloud refuses the keys: keeps what runs",
            ..metrics("credentials expire for the cloud", |_| Script {
                refuses: Some(Service::CloudEye),
                each_minute: |stage, _| stage.let_agency_in(false, true),
                afterwards: |stage| stage.let_agency_in(true, true),
                ..Script::default()
            })
        },
        Drill {
            expectation: "nothing can be recorded, so nothing is done",
            may_fail: true,
            ..metrics("credentials expire for cloud and store", |_| Script {
                each_minute: |stage, _| stage.let_agency_in(false, false),
                afterwards: |stage| stage.let_agency_in(true, true),
                ..Script::default()
            })
        },
        Drill {
            expectation: "metrics look six minutes old: never shrinks on them",
            timeout: Duration::from_secs(20),
            ..metrics("the clock is five minutes fast", |_| Script { ticks: Ticks::Skewed(5), ..Script::default() })
        },
        Drill {
            expectation: "decides for the past, within its limits",
            told: Told::Truth,
            timeout: Duration::from_secs(20),
            ..metrics("the clock is five minutes slow", |_| Script { ticks: Ticks::Skewed(-5), ..Script::default() })
        },
    ]
}
