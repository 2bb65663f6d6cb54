//! What one evaluation of the predictive engine costs, CPU time and allocations, by the days that it has seen:
//! `cargo bench --bench evaluate`.

use divan::{AllocProfiler, Bencher};
use flexus_autoscaler::engine::{Engine, EngineState, Observation};
use flexus_autoscaler::model::{Capacity, EngineKind, Minute, Policy, Sample};
use flexus_autoscaler::replay::standard_signals;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Days of history.
const DAYS: [i64; 4] = [1, 7, 28, 112];
const SERVING: u32 = 12;

fn main() {
    divan::main();
}

/// A minute of a daily cycle with noise, on twelve instances that serve ten a second each.
fn sample(minute: i64) -> Sample {
    let phase = minute as f64 / 1440.0 * std::f64::consts::TAU;
    let noise = f64::from((minute as u32).wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    let load = 60.0 + 30.0 * phase.sin() + 15.0 * noise;
    let utilisation = load / f64::from(SERVING) * 10.0;
    Sample {
        minute: Minute(minute),
        serving: Some(SERVING),
        total: Some(SERVING),
        values: vec![Some(utilisation), Some(50.0), Some(600.0), Some(0.0), Some(load)],
    }
}

/// Decides one minute after another from `from` on.
fn decide(engine: &mut EngineState, minutes: std::ops::Range<i64>) {
    let signals = standard_signals();
    for minute in minutes {
        let observation = Observation {
            now: Minute(minute + 2),
            signals: &signals,
            samples: &[sample(minute)],
            capacity: Capacity { serving: SERVING, starting: 0 },
            stand_ins: 0,
            min_instances: 1,
            max_instances: 1000,
            lead_minutes: 2,
            delay_minutes: 1,
            cooldown_seconds: 300,
        };
        divan::black_box(engine.decide(&observation));
    }
}

fn grown(days: i64) -> EngineState {
    let policy = Policy { engine: EngineKind::Predictive, ..Policy::default() };
    let mut engine = EngineState::new(&policy, &standard_signals());
    decide(&mut engine, 0..days * 1440);
    engine
}

/// A warm instance: the state is still in memory.
#[divan::bench(args = DAYS, sample_count = 200)]
fn warm(bencher: Bencher<'_, '_>, days: i64) {
    let mut engine = grown(days);
    let mut minute = days * 1440;
    bencher.bench_local(|| {
        decide(&mut engine, minute..minute + 1);
        minute += 1;
    });
}

/// As the function does it at worst: the state is read from the snapshot's text, decides, and is written again.
#[divan::bench(args = DAYS, sample_count = 200)]
fn from_and_to_the_snapshot(bencher: Bencher<'_, '_>, days: i64) {
    let text = serde_json::to_vec(&grown(days)).expect("the state is serialisable");
    bencher.bench_local(|| {
        let mut engine: EngineState = serde_json::from_slice(&text).expect("what was written can be read");
        decide(&mut engine, days * 1440..days * 1440 + 1);
        serde_json::to_vec(&engine).expect("the state is serialisable")
    });
}
