//! The store, and what lies in it.

use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::play::BUCKET;
use flexus_autoscaler::local::store::StoreFault;

use crate::drill::{Drill, Script, Ticks, Told};
use crate::faults::{ListLag, UnreadCalls, requests};
use crate::stage::Stage;

fn once(stage: &mut Stage, since: i64, damage: fn(&str) -> String) {
    if since == 5 {
        stage.damage_snapshot(damage);
    }
}

pub(super) fn drills() -> Vec<Drill> {
    let drill = |name, expectation, script| Drill {
        name,
        expectation,
        minutes: 20,
        told: Told::Truth,
        slo_loss: 0.02,
        script,
        ..Drill::default()
    };
    let unreachable = |name, script| Drill {
        may_fail: true,
        timeout: Duration::from_secs(2),
        ..drill(name, "what cannot be recorded is not done", script)
    };
    vec![
        unreachable("the store refuses", |_| requests("", StoreFault::SlowDown)),
        unreachable("the store hangs", |_| requests("", StoreFault::Hang)),
        unreachable("the store takes no writes", |_| requests("Put", StoreFault::SlowDown)),
        unreachable("the store lists nothing", |_| requests("List", StoreFault::SlowDown)),
        Drill {
            timeout: Duration::from_secs(4),
            may_fail: true,
            ..drill("writes fail after they took effect", "written twice is written once", |_| {
                requests("Put", StoreFault::FailedAfterwards)
            })
        },
        drill("the store is slow", "decides as ever, only later", |_| {
            requests("", StoreFault::Slow(Duration::from_millis(150)))
        }),
        drill("listings lag five minutes behind", "calls of others are taken in when they show", |at| Script {
            store: Some(Arc::new(ListLag { region: Arc::clone(&at.region), minutes: 5 })),
            ticks: Ticks::Cold,
            ..Script::default()
        }),
        Drill {
            timeout: Duration::from_secs(4),
            ..drill("records of others cannot be read", "never shrinks on calls that are not known", |_| Script {
                store: Some(Arc::new(UnreadCalls)),
                ..Script::default()
            })
        },
        drill("the snapshot is torn", "begins anew, and shrinks only when it knows enough", |_| Script {
            each_minute: |stage, since| once(stage, since, |text| text[..text.len() / 2].to_owned()),
            ..Script::default()
        }),
        drill("the snapshot is emptied", "begins anew, and shrinks only when it knows enough", |_| Script {
            each_minute: |stage, since| once(stage, since, |_| String::new()),
            ..Script::default()
        }),
        drill("the snapshot is deleted", "begins anew from records and the cloud", |_| Script {
            each_minute: |stage, since| {
                if since == 5 {
                    stage.store().remove(BUCKET, Stage::SNAPSHOT).expect("removed");
                    stage.met.note();
                    stage.restart();
                }
            },
            ..Script::default()
        }),
        drill("the snapshot is of an older form", "begins anew from records and the cloud", |_| Script {
            each_minute: |stage, since| {
                once(stage, since, |_| r#"{"schema": 0, "written": "2025-01-01T00:00:00Z"}"#.to_owned());
            },
            ..Script::default()
        }),
        Drill {
            may_fail: true,
            ..drill("the snapshot is of a newer form", "says so, and touches nothing", |_| Script {
                each_minute: |stage, since| {
                    if since == 0 {
                        stage.damage_snapshot(|text| text.replacen("\"schema\":1", "\"schema\":99", 1));
                    }
                },
                afterwards: |stage| {
                    stage.damage_snapshot(|text| text.replacen("\"schema\":99", "\"schema\":1", 1));
                },
                ..Script::default()
            })
        },
        Drill {
            may_fail: true,
            ..drill("the configuration is torn", "says where, and touches nothing", |_| Script {
                each_minute: |stage, since| {
                    let key = "config.json";
                    if since == 0
                        && let Some(whole) = stage.store().object(BUCKET, key)
                    {
                        stage.store().put(BUCKET, "kept.json", whole.content.clone()).expect("a bucket");
                        stage.store().put(BUCKET, key, whole.content.slice(..100)).expect("a bucket");
                        stage.met.note();
                        stage.restart();
                    }
                },
                afterwards: |stage| {
                    let whole = stage.store().object(BUCKET, "kept.json").expect("kept");
                    stage.store().put(BUCKET, "config.json", whole.content).expect("a bucket");
                },
                ..Script::default()
            })
        },
    ]
}
