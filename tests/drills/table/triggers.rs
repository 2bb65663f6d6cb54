//! Triggers, and processes that die.

use crate::drill::{Drill, Script, Ticks, Told};

pub(super) fn drills() -> Vec<Drill> {
    let drill = |name, expectation, script| Drill {
        name,
        expectation,
        told: Told::Truth,
        slo_loss: 0.02,
        script,
        ..Drill::default()
    };
    vec![
        drill("every event comes twice", "twice is once", |_| Script { ticks: Ticks::Twice, ..Script::default() }),
        drill("two processes work at the same time", "absolute targets: the same is asked twice", |_| Script {
            ticks: Ticks::AtOnce,
            ..Script::default()
        }),
        drill("an event of ten minutes ago follows each", "what is late decides nothing anew", |_| Script {
            ticks: Ticks::Late,
            ..Script::default()
        }),
        drill("events come in the wrong order", "what is late decides nothing anew", |_| Script {
            ticks: Ticks::Swapped,
            ..Script::default()
        }),
        drill("no event comes", "the next one goes on, and takes in all that was recorded", |_| Script {
            ticks: Ticks::None,
            ..Script::default()
        }),
        drill("every other event is lost", "decides at every second minute", |_| Script {
            ticks: Ticks::EveryOther,
            ..Script::default()
        }),
        drill("the function is killed at every point of its work", "what was begun is recorded or undone", |_| {
            Script { ticks: Ticks::Killed, ..Script::default() }
        }),
        drill("every event meets a new process", "state is in the store", |_| Script {
            ticks: Ticks::Cold,
            ..Script::default()
        }),
    ]
}
