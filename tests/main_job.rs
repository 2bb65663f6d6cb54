//! The main job end to end: a timer wakes the real function over HTTP, and a group on the local region follows a load.

use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{BUCKET, Play, PlaySettings};
use flexus_autoscaler::model::{EngineKind, Policy};
use flexus_autoscaler::records::{Decision, Happening, Record, explain};
use flexus_autoscaler::replay::{Arena, EnginePlayer, Row, Settings, Trace, Window, demo_trace};

const MINUTES: usize = 200;

fn trace() -> Trace {
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    // The morning: a rise, two hourly jobs, and noise.
    trace.load.drain(..360);
    trace.load.truncate(MINUTES);
    trace
}

/// The bundled group under another engine, with the memory signal and the durations that the founding article has.
fn config(engine: EngineKind, most: u32) -> Config {
    let text = include_str!("../src/cli/local/demo.json");
    let mut document: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let group = &mut document["groups"][0];
    let memory = serde_json::json!({
        "name": "memory", "kind": "utilisation", "scale_out": 80, "scale_in": 40, "weight": 0.25,
        "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "mem_usedPercent", "per": "instance"}}
    });
    let signals = group["signals"].as_array_mut().expect("signals");
    signals.insert(1, memory);
    for signal in signals {
        signal["duration"] = 60.into();
    }
    group["policy"]["engine"] = serde_json::to_value(engine).expect("a name");
    group["policy"]["bottleneck"] = false.into();
    group["scaling"]["max_instances"] = most.into();
    Config::parse(document.to_string().as_bytes()).expect("a good configuration")
}

fn settings(config: Config) -> PlaySettings {
    let circumstances = Settings { max_instances: config.groups[0].scaling.max_instances, ..Settings::default() };
    PlaySettings::new(config, trace(), circumstances)
}

async fn play_to_the_end(play: &mut Play) {
    while play.step().await.is_some() {}
}

fn decisions(play: &Play) -> Vec<Decision> {
    let keys = play.store().keys(BUCKET, "groups/inference/records/");
    let record = |key: &String| -> Record {
        let object = play.store().object(BUCKET, key).expect("a listed object");
        serde_json::from_slice(&object.content).expect("a record")
    };
    keys.iter()
        .filter_map(|key| match record(key).what {
            Happening::Decision(decision) => Some(*decision),
            _ => None,
        })
        .collect()
}

fn replayed(engine: EngineKind, play: &PlaySettings) -> Row {
    let policy = Policy { engine, bottleneck: false, ..Policy::default() };
    Arena::new(&play.trace, &play.circumstances).play(&mut EnginePlayer::new(&policy))
}

fn assert_close(engine: EngineKind, played: &Row, replayed: &Row) {
    for (what, one, other) in [
        ("cost", played.cost_hours, replayed.cost_hours),
        ("in_slo", played.in_slo, replayed.in_slo),
        ("J(20)", played.j.at(20.0).unwrap_or_default(), replayed.j.at(20.0).unwrap_or_default()),
    ] {
        assert!((one / other - 1.0).abs() <= 0.03, "{engine:?} {what}: played {one}, replayed {other}");
    }
}

#[tokio::test]
async fn the_engines_do_through_the_function_what_they_do_in_a_replay() {
    for (engine, most) in [(EngineKind::TargetTracking, 10_000), (EngineKind::WeightedScore, 20)] {
        let settings = settings(config(engine, most));
        let expected = replayed(engine, &settings);
        let mut play = Play::start(settings).await.expect("a stage");
        play_to_the_end(&mut play).await;
        assert_close(engine, &play.row(), &expected);
        play.stop().await;
    }
}

#[tokio::test]
async fn every_invocation_answers_with_few_calls_and_every_record_can_be_decided_again() {
    let mut play = Play::start(settings(config(EngineKind::Predictive, 10_000))).await.expect("a stage");
    play_to_the_end(&mut play).await;
    let invocations = play.invocations();
    assert_eq!((invocations.count, invocations.failed), (MINUTES as u64 - 1, 0), "{:?}", invocations.errors);
    // A settled group takes five. This one moves all the time, and what shrinks is recorded before it is asked for.
    assert!(play.http_calls_per_invocation() <= 6.25, "{}", play.http_calls_per_invocation());
    let decisions = decisions(&play);
    assert_eq!(decisions.len(), MINUTES - 1);
    for decision in &decisions {
        explain::check(decision).expect("a record tells the whole story");
        assert!(!explain::sentences(decision).is_empty());
    }
    assert!(decisions.iter().any(|decision| decision.target > decision.guardrail_inputs.current), "it grew");
    assert!(decisions.iter().any(|decision| decision.target < decision.guardrail_inputs.current), "it shrank");
    play.stop().await;
}

#[tokio::test]
async fn a_lost_or_torn_snapshot_is_begun_anew_and_removes_nothing_on_the_way() {
    let mut play = Play::start(settings(config(EngineKind::TargetTracking, 10_000))).await.expect("a stage");
    for _ in 0..60 {
        play.step().await;
    }
    for damage in [None, Some("{\"schema\":1,\"wri")] {
        let key = "groups/inference/snapshot.json";
        match damage {
            None => play.store().remove(BUCKET, key).expect("removed"),
            Some(torn) => play.store().put(BUCKET, key, torn).expect("torn"),
        }
        let before = play.region().capacity(0).total();
        // A warm function would not look: another one takes over.
        play.restart_function().await.expect("another process");
        for _ in 0..5 {
            play.step().await;
            assert!(play.region().capacity(0).total() >= before);
        }
    }
    assert_eq!(play.invocations().failed, 0, "{:?}", play.invocations().errors);
    play.stop().await;
}
