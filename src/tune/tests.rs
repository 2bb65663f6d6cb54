use crate::model::{EngineKind, Group, Minute, Policy, Pool, Purchase, PurchaseMix, Scaling};
use crate::replay::{Trace, standard_signals};

/// A group as the founding article has it.
pub(crate) fn group() -> Group {
    Group {
        name: "inference".to_owned(),
        mode: crate::model::Mode::Act,
        scaling: Scaling { max_instances: 200, cooldown_period: Some(300), ..Scaling::default() },
        pools: vec![Pool {
            name: "base".to_owned(),
            purchase: Purchase::OnDemand,
            price_per_hour: 0.66,
            fleet: crate::model::FleetSource::AsGroup(crate::model::AsGroupSource {
                scaling_group_id: "6f2cbbcd-5a3e-4e0d-8f1f-0c6c6a0c7a11".to_owned(),
            }),
            min_instances: 0,
            max_instances: None,
        }],
        signals: standard_signals(),
        policy: Policy { engine: EngineKind::WeightedScore, bottleneck: false, ..Policy::default() },
        purchase: PurchaseMix::default(),
        schedules: Vec::new(),
    }
}

/// Days of a load that swings between a third and the full of `peak`, with what `shape` makes of it.
pub(crate) fn days(count: usize, peak: f64, shape: impl Fn(usize, f64) -> f64) -> Trace {
    let load = (0..count * 1440).map(|minute| {
        let angle = minute as f64 / 1440.0 * std::f64::consts::TAU;
        let noise = 1.0 + 0.03 * ((minute * 7919 % 97) as f64 / 48.0 - 1.0);
        shape(minute, peak * (2.0 - angle.cos()) / 3.0 * noise)
    });
    Trace { name: "days".to_owned(), start: Minute(29_000_160), load: load.collect(), interpolated: 0 }
}
