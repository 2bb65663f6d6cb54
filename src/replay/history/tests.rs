use super::testing::{group, lived};
use super::*;
use crate::replay::Arena;

fn largest_difference(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other).abs() / one.max(1.0)).fold(0.0, f64::max)
}

#[test]
fn the_load_the_capacity_and_the_lead_time_are_found_again_in_what_was_measured() {
    let (minutes, trace, _) = lived("hpa@40");
    let past = past(&group(), &minutes).unwrap();
    assert_eq!(past.trace.start, trace.start);
    assert!(largest_difference(&trace.load, &past.trace.load) < 1e-6, "no minute of it was saturated");
    let capacity = Arena::new(&trace, &Settings::default()).capacity();
    assert!((past.settings.capacity.unwrap() / capacity - 1.0).abs() < 1e-9);
    assert_eq!(past.settings.lead_seconds, 180);
    let expected =
        Known { minutes: 1440, interpolated: 0, saturated: 0, lead_was_measured: true, capacity_is_known: true };
    assert_eq!(past.known, expected);
}

#[test]
fn what_really_ran_costs_what_it_cost_and_is_as_slow_as_it_was() {
    let (minutes, _, row) = lived("hpa@60");
    let past = past(&group(), &minutes).unwrap();
    let actual = past.actual.play(&Arena::new(&past.trace, &past.settings));
    assert!((actual.cost_hours - row.cost_hours).abs() < 1e-6, "{} and {}", actual.cost_hours, row.cost_hours);
    assert!((actual.in_slo - row.in_slo).abs() < 1e-6, "{} and {}", actual.in_slo, row.in_slo);
    assert_eq!((actual.starts, actual.actions, actual.flips), (row.starts, row.actions, row.flips));
    assert_eq!((actual.name.as_str(), past.actual.unknown), ("actual", 0));
}

#[test]
fn minutes_of_which_nothing_is_known_are_interpolated_and_counted() {
    let (mut minutes, trace, _) = lived("hpa@40");
    minutes.drain(600..630);
    let past = past(&group(), &minutes).unwrap();
    assert_eq!((past.trace.minutes(), past.known.interpolated, past.actual.unknown), (1440, 30, 30));
    let between = trace.load[599].min(trace.load[630])..=trace.load[599].max(trace.load[630]);
    assert!(past.trace.load[600..630].iter().all(|load| between.contains(load)));
    assert!(past.gaps.is_empty());
}

#[test]
fn a_long_stretch_of_which_nothing_is_known_is_a_gap() {
    let (mut minutes, trace, _) = lived("hpa@40");
    minutes.drain(600..700);
    let past = past(&group(), &minutes).unwrap();
    assert_eq!(past.gaps, [trace.start + 600..trace.start + 700]);
}

#[test]
fn a_group_that_was_full_is_known_to_have_been_offered_at_least_what_it_served() {
    let (minutes, trace, row) = lived("static_one");
    assert!(row.lost > 0.0);
    let past = past(&group(), &minutes).unwrap();
    assert!(past.known.saturated > 1000);
    assert!(trace.load.iter().zip(&past.trace.load).all(|(offered, seen)| *seen <= offered + 1e-6));
}

#[test]
fn without_a_rate_the_load_is_in_instances_worth() {
    let (mut minutes, trace, _) = lived("hpa@40");
    minutes.iter_mut().for_each(|entry| {
        entry.measured.signals.retain(|name, _| name == "cpu");
    });
    let past = past(&group(), &minutes).unwrap();
    assert!(!past.known.capacity_is_known);
    assert_eq!(past.settings.capacity, Some(1.0));
    let capacity = Arena::new(&trace, &Settings::default()).capacity();
    let worth: Vec<f64> = trace.load.iter().map(|load| load / capacity).collect();
    assert!(largest_difference(&worth, &past.trace.load) < 1e-6);
}

#[test]
fn too_little_history_is_told_in_one_line() {
    let (minutes, _, _) = lived("hpa@40");
    let said = past(&group(), &minutes[..20]).unwrap_err().to_string();
    assert_eq!(said, "group inference: 20 minutes of history have a load, and a replay needs 30");
    assert!(past(&group(), &[]).is_err());
}
