//! Metrics: missing, late, and wrong in every way that a decision could fall for.

use crate::drill::{Drill, Told};
use crate::faults::{hash, is_cpu, is_rate, points, stuck};

pub(super) fn drills() -> Vec<Drill> {
    let drill = |name, expectation, script| Drill {
        name,
        expectation,
        // A minute's values can be read two minutes later.
        arrives_late: 2,
        slo_loss: 0.02,
        script,
        ..Drill::default()
    };
    let lie = |name, expectation, script| Drill { told: Told::Lies, ..drill(name, expectation, script) };
    vec![
        drill("all metrics are missing", "missing is not zero: keeps what runs", |at| points(at, |_, _| None)),
        Drill {
            minutes: 120,
            slo_loss: 0.05,
            ..drill("all metrics are missing for two hours", "keeps what runs, tells a person", |at| {
                points(at, |_, _| None)
            })
        },
        drill("CPU is missing", "an incomplete picture never shrinks", |at| {
            points(at, |read, value| (!is_cpu(read)).then_some(value))
        }),
        drill("the request rate is missing", "an incomplete picture never shrinks", |at| {
            points(at, |read, value| (!is_rate(read)).then_some(value))
        }),
        drill("metrics come ten minutes late", "stale metrics never shrink", |at| {
            points(at, |read, value| (read.now.0 - read.time_ms.div_euclid(60_000) >= 10).then_some(value))
        }),
        lie("CPU is zero while requests flow", "a contradiction never shrinks; the rate still lets it grow", |at| {
            points(at, |read, value| Some(if is_cpu(read) { 0.0 } else { value }))
        }),
        lie("the request rate is zero while CPU works", "a contradiction never shrinks", |at| {
            points(at, |read, value| Some(if is_rate(read) { 0.0 } else { value }))
        }),
        lie("every metric is zero", "load does not end from one minute to the next on every instance", |at| {
            points(at, |_, _| Some(0.0))
        }),
        lie("CPU is stuck", "a contradiction never shrinks", |at| points(at, stuck(is_cpu))),
        lie("the request rate is stuck", "a contradiction never shrinks", |at| points(at, stuck(is_rate))),
        lie("every metric is stuck", "a load that does not move at all is not believed", |at| {
            points(at, stuck(|_| true))
        }),
        lie("CPU is upside down", "a contradiction never shrinks", |at| {
            points(at, |read, value| Some(if is_cpu(read) { 100.0 - value } else { value }))
        }),
        lie("CPU rises with every instance", "what claims ever more is bounded while nobody waits", |at| {
            points(at, |read, value| Some(if is_cpu(read) { 100.0 - value / 4.0 } else { value }))
        }),
        lie("CPU is told in half of its unit", "a contradiction never shrinks", |at| {
            points(at, |read, value| Some(if is_cpu(read) { value / 2.0 } else { value }))
        }),
        lie("a third of the instances are silent", "an incomplete picture never shrinks", |at| {
            points(at, |read, value| (!is_cpu(read) || !hash(read.resource).is_multiple_of(3)).then_some(value))
        }),
        lie("reports come and go", "an incomplete picture never shrinks", |at| {
            points(at, |read, value| {
                let dice = hash(&format!("{}{}", read.resource, read.time_ms));
                (!is_cpu(read) || dice % 10 > 2).then_some(value)
            })
        }),
        lie("metrics are absurd", "no number is believed that cannot be", |at| {
            points(at, |read, value| match hash(&format!("{}{}", read.metric, read.time_ms)) % 4 {
                0 => Some(-value - 1.0),
                1 => Some(1e12),
                _ => Some(value),
            })
        }),
        Drill {
            told: Told::Truth,
            slo_loss: 0.01,
            ..drill("the response time is ten times what it is", "a group that suffers never shrinks", |at| {
                points(at, |read, value| Some(if read.metric == "m17_l7_upstream_rt" { value * 10.0 } else { value }))
            })
        },
    ]
}
