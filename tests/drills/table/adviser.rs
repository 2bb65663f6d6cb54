//! The adviser, which only `tune` asks.

use flexus_autoscaler::local::{Fault, Service};

use crate::drill::{Circumstances, Drill, Fleet, Script, Told};
use crate::faults::{calls, error, other_json};

fn answers(at: &Circumstances, fault: Fault) -> Script {
    Script { tunes: true, ..calls(at, Some(Service::DeepSeek), "", 1.0, fault) }
}

pub(super) fn drills() -> Vec<Drill> {
    let drill = |name, script| Drill {
        name,
        expectation: "tuning goes on without advice; nobody else notices",
        minutes: 20,
        told: Told::Truth,
        fleet: Fleet::Tracked,
        script,
        ..Drill::default()
    };
    vec![
        drill("DeepSeek answers 503", |at| answers(at, error(503, "service_unavailable"))),
        drill("DeepSeek wants money", |at| answers(at, error(402, "insufficient_balance"))),
        drill("DeepSeek hangs", |at| answers(at, Fault::Hang)),
        drill("DeepSeek answers nonsense", |at| answers(at, other_json())),
    ]
}
