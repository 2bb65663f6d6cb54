use super::*;
use crate::engine::{EngineState, Observation};
use crate::model::{Capacity, EngineKind, Minute, Policy};
use crate::replay::driver::Settings;
use crate::replay::signals::Metrics;
use crate::replay::{Arena, EnginePlayer, Trace};

fn metrics(utilisation: f64) -> Metrics {
    Metrics { utilisation, served_per_second: 1.0, queue: 0.0, latency_ms: 600.0, serving: 0, total: 0 }
}

/// Shows one utilisation a minute to a group that is given at once what it asks for.
fn totals(player: &mut impl Player, start: u32, utilisation: impl IntoIterator<Item = f64>) -> Vec<u32> {
    totals_of(player, start, utilisation.into_iter().map(metrics))
}

fn totals_of(player: &mut impl Player, start: u32, seen: impl IntoIterator<Item = Metrics>) -> Vec<u32> {
    let mut total = start;
    let decide = |(minute, metrics)| {
        total = player
            .decide(&View {
                now: Minute(minute + 2),
                newest: Some((Minute(minute), metrics)),
                capacity: Capacity { serving: total, starting: 0 },
                min_instances: 1,
                max_instances: 10_000,
                lead_minutes: 2,
                delay_minutes: 1,
            })
            .clamp(1, 10_000);
        total
    };
    (0..).zip(seen).map(decide).collect()
}

#[test]
fn the_alarm_policy_adds_a_fifth_after_three_minutes_and_rests_for_five() {
    assert_eq!(totals(&mut AlarmPolicy::default(), 10, [71.0; 9]), [10, 10, 12, 12, 12, 12, 12, 15, 15]);
    assert_eq!(totals(&mut AlarmPolicy::default(), 2, [71.0; 3]), [2, 2, 3]);
    assert_eq!(totals(&mut AlarmPolicy::default(), 10, [71.0, 70.0, 71.0, 71.0]), [10; 4]);
}

#[test]
fn the_alarm_policy_removes_a_tenth_after_five_minutes() {
    assert_eq!(totals(&mut AlarmPolicy::default(), 25, [29.0; 5])[4], 23);
    assert_eq!(totals(&mut AlarmPolicy::default(), 5, [29.0; 5])[4], 4);
    assert_eq!(totals(&mut AlarmPolicy::default(), 1, [29.0; 9]), [1; 9]);
}

#[test]
fn hpa_keeps_its_size_within_a_tenth_of_the_target() {
    // KEP-4951: 100 pods at 1.07 of the target stay 100 with a tolerance of 0.10.
    assert_eq!(totals(&mut Hpa::new(60.0), 100, [64.2, 65.9]), [100, 100]);
    assert_eq!(totals(&mut Hpa::new(60.0), 100, [66.1]), [111]);
}

#[test]
fn hpa_shrinks_to_the_highest_recommendation_of_five_minutes() {
    // Ten serving at these utilisations recommend 10, 9, 8, 9, 9, 8, 9, 8, as in story 5 of KEP-853, while ten are kept.
    let mut hpa = Hpa::new(100.0);
    let mut asked = Vec::new();
    for (minute, recommendation) in (0..).zip([10.0, 8.0, 7.0, 8.0, 8.0, 7.0, 8.0]) {
        asked.push(hpa.decide(&View {
            now: Minute(minute),
            newest: Some((Minute(minute - 2), metrics(recommendation * 10.0))),
            capacity: Capacity { serving: 10, starting: 0 },
            min_instances: 1,
            max_instances: 100,
            lead_minutes: 2,
            delay_minutes: 1,
        }));
    }
    assert_eq!(asked, [10, 10, 10, 10, 10, 8, 8]);
}

#[test]
fn hpa_at_most_doubles_or_adds_four() {
    assert_eq!(totals(&mut Hpa::new(20.0), 2, [100.0]), [6]);
    assert_eq!(totals(&mut Hpa::new(20.0), 10, [100.0]), [20]);
    assert_eq!(totals(&mut Hpa::new(60.0), 10, [90.0]), [15]);
}

#[test]
fn target_tracking_grows_after_three_minutes_and_shrinks_after_fifteen() {
    assert_eq!(totals(&mut TargetTrackingPeer::new(60.0), 10, [90.0, 80.0, 90.0]), [10, 10, 15]);
    let low = totals(&mut TargetTrackingPeer::new(60.0), 20, [24.0; 15]);
    assert_eq!((low[13], low[14]), (20, 8));
    let near = totals(&mut TargetTrackingPeer::new(60.0), 20, [55.0; 40]);
    assert_eq!(near[39], 20);
}

#[test]
fn the_article_steps_by_its_score_and_stays_at_twenty() {
    let hot = Metrics { latency_ms: 4000.0, queue: 200.0, ..metrics(100.0) };
    // 0.30 + 0.25 + 0.15 = 0.70.
    assert_eq!(totals_of(&mut Article::default(), 10, [hot; 6]), [13, 13, 13, 13, 13, 17]);
    assert_eq!(totals_of(&mut Article::default(), 18, [hot]), [20]);
    assert_eq!(totals_of(&mut Article::default(), 40, [hot]), [54]);
    // -0.30 - 0.15 = -0.45, so int(20 * 0.135) = 2.
    assert_eq!(totals(&mut Article::default(), 20, [0.0])[0], 18);
}

#[test]
fn a_static_peer_never_moves() {
    assert_eq!(totals(&mut Static(7), 3, [100.0, 0.0, 50.0]), [7, 7, 7]);
}

/// A day with a daily cycle, noise, a flash crowd and a quiet hour.
fn restless_day() -> Trace {
    let load = (0..1440u32).map(|minute| {
        let phase = f64::from(minute) / 1440.0 * std::f64::consts::TAU;
        let noise = f64::from(minute.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
        let crowd = if (700..712).contains(&minute) { 300.0 } else { 0.0 };
        let quiet = if (1000..1060).contains(&minute) { 0.05 } else { 1.0 };
        (100.0 + 60.0 * phase.sin() + 25.0 * noise + crowd) * quiet
    });
    Trace { name: "restless day".to_owned(), start: Minute(0), load: load.collect(), interpolated: 0 }
}

#[test]
fn the_engine_target_tracking_does_what_its_peer_means_without_taking_old_readings_for_new_instances() {
    let trace = restless_day();
    for lead_seconds in [0, 60, 120, 300] {
        let settings = Settings { lead_seconds, ..Settings::default() };
        let arena = Arena::new(&trace, &settings);
        for target in [30.0, 50.0, 60.0, 70.0] {
            let policy = Policy { engine: EngineKind::TargetTracking, target_utilisation: target, ..Policy::default() };
            let engine = arena.play(&mut EnginePlayer::new(&policy));
            let peer = arena.play(&mut TargetTrackingPeer::new(target));
            assert!(engine.actions > 3 && engine.flips == 0 && peer.flips > 0, "{engine:?} {peer:?}");
            assert!(engine.in_slo >= peer.in_slo, "{engine:?} {peer:?}");
            assert!(engine.cost_hours < 1.001 * peer.cost_hours, "{engine:?} {peer:?}");
        }
    }
}

/// Gives an engine the article's own limit.
struct AtMostTwenty(EngineState);

impl crate::engine::Engine for AtMostTwenty {
    fn decide(&mut self, observation: &Observation<'_>) -> crate::engine::Proposal {
        let max_instances = if observation.capacity.total() <= 20 { 20 } else { observation.max_instances };
        self.0.decide(&Observation { max_instances, ..*observation })
    }
}

#[test]
fn the_engine_weighted_score_without_its_option_equals_the_article() {
    let trace = restless_day();
    let policy = Policy { engine: EngineKind::WeightedScore, bottleneck: false, ..Policy::default() };
    // Where starts take as long as the article rests, its rule takes readings from before a change for readings after it.
    for (lead_seconds, mean_instances) in [(120, 12.0), (60, 12.0), (120, 40.0), (120, 3.0)] {
        let settings = Settings { lead_seconds, mean_instances, ..Settings::default() };
        let arena = Arena::new(&trace, &settings);
        let engine = AtMostTwenty(EngineState::new(&policy, &crate::replay::standard_signals()));
        let engine = arena.play(&mut EnginePlayer::with(engine));
        assert_eq!(engine, arena.play(&mut Article::default()));
        assert!(engine.actions > 3);
    }
}
