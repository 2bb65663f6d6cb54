//! The bundled day: a load made by us, so that the main job can be seen without a trace at hand.

use super::trace::{Recording, Trace, TraceError, Window, minute_noise};
use crate::model::Minute;

/// 2026-03-02 00:00 UTC, a Monday.
const START: Minute = Minute(29_540_160);
const MINUTES: i64 = 1440;

/// A working day of an AI-inference service, in requests per second, one value a minute; the same at every call.
///
/// - Nights near 45, a rise from 07:00, office hours near 170 with a dip at noon, an evening near 130.
/// - A job at each full hour that adds 12 for three minutes.
/// - A product launch at 15:20: within ten minutes 110 more, fading with a half-life of 30 minutes.
/// - A burst at 03:10 that nothing announces: 40 more for eight minutes.
/// - 8 % of noise from minute to minute, the same that coarse traces get.
pub fn demo_day() -> Recording {
    let load = |minute: i64| {
        let hour = minute as f64 / 60.0;
        let level = 45.0 + 125.0 * bump(hour, 10.0, 2.4) + 110.0 * bump(hour, 15.5, 2.6) + 85.0 * bump(hour, 20.5, 1.8);
        let hourly_job = if minute % 60 < 3 { 12.0 } else { 0.0 };
        let burst = if (190..198).contains(&minute) { 40.0 } else { 0.0 };
        let value = (level + hourly_job + burst + launch(minute - 920)) * minute_noise(minute as u64);
        Some((value * 1000.0).round() / 1000.0)
    };
    Recording { name: "demo_day".to_owned(), start: START, step_seconds: 60, values: (0..MINUTES).map(load).collect() }
}

/// The bundled day, or its first `days` and so on, ready to replay.
///
/// # Errors
/// When the window lies behind its end.
pub fn demo_trace(window: Window) -> Result<Trace, TraceError> {
    Trace::prepare(&demo_day(), window)
}

fn bump(hour: f64, centre: f64, width: f64) -> f64 {
    (-((hour - centre) / width).powi(2) / 2.0).exp()
}

fn launch(minutes_since: i64) -> f64 {
    match minutes_since {
        ..0 => 0.0,
        0..10 => 110.0 * (minutes_since + 1) as f64 / 10.0,
        _ => 110.0 * 0.5f64.powf((minutes_since - 10) as f64 / 30.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_day_is_a_whole_day_and_never_changes() {
        let day = demo_day();
        assert_eq!(day.values.len(), 1440);
        assert_eq!(START.to_string(), "2026-03-02T00:00Z");
        assert_eq!(day, demo_day());
        let highest = day.values.iter().flatten().copied().fold(0.0, f64::max);
        assert!((200.0..400.0).contains(&highest), "{highest}");
    }
}
