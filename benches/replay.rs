//! Simulated minutes per second of replay, one figure a policy: `cargo bench --bench replay`.

use divan::Bencher;
use divan::counter::ItemsCount;
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::replay::{Arena, Contestant, Settings, Trace};

fn main() {
    divan::main();
}

/// A week with a daily cycle, noise, and a flash crowd a day.
fn week() -> Trace {
    let load = (0..7 * 1440u32).map(|minute| {
        let phase = f64::from(minute) / 1440.0 * std::f64::consts::TAU;
        let noise = f64::from(minute.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
        let crowd = if minute % 1440 / 10 == 83 { 250.0 } else { 0.0 };
        100.0 + 60.0 * phase.sin() + 25.0 * noise + crowd
    });
    Trace { name: "week".to_owned(), start: Minute(0), load: load.collect(), interpolated: 0 }
}

#[divan::bench(args = [
    "static_peak", "alarm_policy", "article", "hpa@70", "target_tracking@60", "knative_kpa@70", "crane_dsp@70",
    "aws_predictive@60", "weighted_score", "predictive@20",
])]
fn play(bencher: Bencher<'_, '_>, name: &str) {
    let contestant: Contestant = name.parse().expect("a policy that exists");
    let (trace, settings) = (week(), Settings::default());
    let arena = Arena::new(&trace, &settings);
    bencher.counter(ItemsCount::new(trace.minutes())).bench(|| contestant.play(&arena));
}

#[divan::bench(args = ["hpa@70", "predictive@20"])]
fn play_with_a_full_queue(bencher: Bencher<'_, '_>, name: &str) {
    let contestant: Contestant = name.parse().expect("a policy that exists");
    let trace = week();
    let settings = Settings { max_instances: 5, ..Settings::default() };
    let arena = Arena::new(&trace, &settings);
    bencher.counter(ItemsCount::new(trace.minutes())).bench(|| contestant.play(&arena));
}
