use super::*;
use crate::forecast::score::Scores;

fn noise(at: usize) -> f64 {
    let mut mixed = (at as u64).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

fn daily(minutes: usize, spread: f64) -> Vec<Option<f64>> {
    (0..minutes)
        .map(|minute| {
            let wave = (minute as f64 / 1440.0 * std::f64::consts::TAU).sin();
            Some(100.0 + 50.0 * wave + spread * noise(minute / 60))
        })
        .collect()
}

#[test]
fn a_daily_wave_is_foreseen_better_than_by_the_naive_forecast() {
    let forecast =
        paths(&daily(10 * 1440, 20.0), Minute(14_399), &Request::day_ahead(60)).expect("ten days are enough");
    assert_eq!(forecast.model, PathModel::Combination);
    assert!(forecast.why.starts_with("the load repeats by the day; all models combined ("), "{}", forecast.why);
    assert_eq!((forecast.quantiles.len(), forecast.start_minute), (24, 14_400));
    let six = &forecast.quantiles[6];
    assert!((six[1] - 150.0).abs() < 12.0, "{six:?}");
    assert!(forecast.scaled_error.is_some_and(|error| error < 0.95), "{:?}", forecast.scaled_error);
}

#[test]
fn quantiles_ascend_and_cover_what_they_promise() {
    for step in [5, 15, 60] {
        let forecast = paths(&daily(12 * 1440, 30.0), Minute(0), &Request::day_ahead(step)).expect("twelve days");
        for row in &forecast.quantiles {
            assert!(row.windows(2).all(|pair| pair[0] <= pair[1]) && row[0] >= 0.0);
        }
        for (level, share) in forecast.levels.iter().zip(&forecast.coverage) {
            assert!((level - share).abs() < 0.06, "{share} at {level}, step {step}");
        }
    }
}

#[test]
fn where_nothing_repeats_the_naive_forecast_is_used_and_says_so() {
    let mut level = 100.0;
    let walk: Vec<Option<f64>> = (0..6 * 1440)
        .map(|minute| {
            level = (level + 3.0 * noise(minute)).max(1.0);
            Some(level)
        })
        .collect();
    let forecast = paths(&walk, Minute(0), &Request::day_ahead(15)).expect("six days");
    if forecast.model == PathModel::Naive {
        assert!(forecast.why.contains("naive"), "{}", forecast.why);
    } else {
        assert!(forecast.scaled_error.is_some_and(|error| error < 1.0));
    }
}

#[test]
fn too_little_history_gives_none() {
    assert_eq!(paths(&daily(300, 0.0), Minute(0), &Request::day_ahead(60)), None);
    assert_eq!(paths(&[], Minute(0), &Request::day_ahead(60)), None);
    assert_eq!(paths(&[None; 5000], Minute(0), &Request::day_ahead(60)), None);
}

#[test]
fn gaps_and_outliers_are_told() {
    let mut series = daily(8 * 1440, 10.0);
    series[5000..5030].fill(None);
    series[7000] = Some(1e6);
    let forecast = paths(&series, Minute(0), &Request::day_ahead(60)).expect("eight days");
    assert_eq!(forecast.repaired, [30, 1, 0]);
}

/// Standard normal, the same in every run.
fn normal(at: usize) -> f64 {
    let sum: f64 = (0..12).map(|part| noise(at * 12 + part)).sum();
    sum
}

/// Scores of the day ahead from eight origins, on a process of one value an hour.
fn scored(process: &[f64]) -> (Vec<f64>, Paths) {
    let mut scores = Scores::new(&[0.1, 0.5, 0.9, 0.98]);
    let mut newest = None;
    for origin in (process.len() - 24 - 8 * 13..process.len() - 24).step_by(13) {
        let minutes: Vec<Option<f64>> =
            process[origin - 11 * 24..origin].iter().flat_map(|value| [Some(*value); 60]).collect();
        let forecast = paths(&minutes, Minute(0), &Request::day_ahead(60)).expect("eleven days");
        for (row, actual) in forecast.quantiles.iter().zip(&process[origin..]) {
            scores.push(row, row[1], row[1], *actual);
        }
        newest = Some(forecast);
    }
    (scores.coverage(), newest.expect("eight forecasts"))
}

fn process(value: impl FnMut(usize) -> f64) -> Vec<f64> {
    (0..17 * 24).map(value).collect()
}

#[track_caller]
fn assert_covers(coverage: &[f64]) {
    for (level, share) in [0.1, 0.5, 0.9, 0.98].iter().zip(coverage) {
        assert!((level - share).abs() < 0.08, "{share} at {level}");
    }
}

#[test]
fn white_noise_is_covered_and_honestly_without_a_season() {
    let (coverage, forecast) = scored(&process(|hour| 100.0 + 10.0 * normal(hour)));
    assert_covers(&coverage);
    assert!(forecast.why.starts_with("no daily or weekly repetition can be seen"), "{}", forecast.why);
    let mean = |level: usize| forecast.quantiles.iter().map(|row| row[level]).sum::<f64>() / 24.0;
    assert!((mean(1) - 100.0).abs() < 3.0, "the median is 100: {}", mean(1));
    assert!((mean(2) - 112.8).abs() < 4.0, "1.28 deviations above: {}", mean(2));
    assert!((mean(3) - 120.5).abs() < 6.0, "2.05 deviations above: {}", mean(3));
}

#[test]
fn a_gaussian_autoregression_is_covered() {
    let mut value = 0.0;
    let (coverage, _) = scored(&process(|hour| {
        value = 0.8 * value + 6.0 * normal(hour);
        100.0 + value
    }));
    assert_covers(&coverage);
}

#[test]
fn a_day_with_noise_is_covered() {
    let wave = |hour: usize| (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
    let (coverage, forecast) = scored(&process(|hour| 100.0 + 50.0 * wave(hour) + 8.0 * normal(hour)));
    assert_covers(&coverage);
    assert_eq!(forecast.model, PathModel::Combination);
}

#[test]
fn heavy_tails_are_covered() {
    // A Student t of three degrees of freedom.
    let tail = |hour: usize| {
        let spread: f64 = (1..4).map(|part| normal(7919 * part + hour).powi(2)).sum::<f64>() / 3.0;
        normal(hour) / spread.max(1e-3).sqrt()
    };
    let (coverage, _) = scored(&process(|hour| (100.0 + 6.0 * tail(hour)).max(0.0)));
    assert_covers(&coverage);
}

#[test]
fn what_repeats_exactly_is_left_to_the_naive_forecast_which_says_so() {
    let forecast = paths(&daily(9 * 1440, 0.0), Minute(0), &Request::day_ahead(60)).expect("nine days");
    assert_eq!(forecast.model, PathModel::SeasonalNaive);
    assert!(forecast.why.contains("nothing beat the naive forecast (the day before again)"), "{}", forecast.why);
}

#[test]
fn a_working_week_keeps_its_history_over_the_weekend() {
    let load = |minute: usize| if minute / 1440 % 7 < 5 { 100.0 } else { 20.0 };
    let series: Vec<Option<f64>> = (0..21 * 1440).map(|minute| Some(load(minute) + noise(minute / 60))).collect();
    let forecast = paths(&series, Minute(0), &Request::day_ahead(60)).expect("three weeks");
    assert_eq!(forecast.repaired, [0, 0, 0]);
    assert!(forecast.quantiles.iter().all(|row| row[1] > 80.0), "Monday follows Sunday: {:?}", forecast.quantiles[12]);
}
