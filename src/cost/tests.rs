use chrono::TimeDelta;
use proptest::prelude::*;

use super::recommend::Advice;
use super::*;
use crate::model::Minute;
use crate::queueing::{MinuteOutcome, ServiceModel, play_minute};
use crate::records::{Loss, PaidCapacity, PastEvent};
use crate::replay::history::testing::{entry, group, lived};

const FIRST: Minute = Minute(29_540_160);

fn model() -> ServiceModel {
    ServiceModel::new(10.0, 120)
}

/// Minutes in which so many instances, serving and starting, stood against so much load.
fn stood(group: &Group, minutes: &[(u32, u32, f64)]) -> Vec<HistoryMinute> {
    let mut queue = 0.0;
    let one = |(index, (serving, starting, load)): (usize, &(u32, u32, f64))| {
        let outcome = play_minute(&model(), *serving, &mut queue, *load);
        let outcome = MinuteOutcome { total: serving + starting, ..outcome };
        entry(group, FIRST + index as i64, &outcome)
    };
    minutes.iter().enumerate().map(one).collect()
}

fn told() -> Group {
    let mut group = group();
    group.policy.instance_capacity = Some(10.0);
    group
}

fn advice(report: &CostReport) -> Vec<&'static str> {
    let kind = |recommendation: &Recommendation| match recommendation.advice {
        Advice::Policy { .. } => "policy",
        Advice::LowerMinimum { .. } => "minimum",
        Advice::Flavor { .. } => "flavor",
        Advice::RightSize { .. } => "size",
        Advice::SpotShare { .. } => "spot",
        Advice::Reserved { .. } => "reserved",
        Advice::Schedule { .. } => "schedule",
    };
    report.recommendations.iter().map(kind).collect()
}

#[test]
fn an_hour_of_four_instances_of_which_two_are_needed() {
    let minutes = stood(&told(), &[(3, 1, 5.0); 60]);
    let report = analyse(&told(), &minutes, &Terms::default()).unwrap();
    assert_eq!((report.hours, report.instance_hours, report.starting_hours), (1.0, 4.0, 1.0));
    assert!((report.spent - 4.0 * 0.66).abs() < 1e-9);
    assert!((report.bill.amount - report.spent).abs() < 1e-9);
    assert_eq!(report.bill.instances, 4);
    assert_eq!(report.waste.instance_hours, 2.0, "two hold 5 of 10 a second within 2 s for 99 of 100, one does not");
    assert!((report.waste.share - 0.5).abs() < 1e-9);
    assert!((report.service.per_thousand - 4.0 * 0.66 / 18.0).abs() < 1e-9);
}

#[test]
fn a_bill_counts_each_instance_from_its_start_to_its_end() {
    let mut counts = vec![(2, 0, 5.0); 30];
    counts.extend([(2, 2, 5.0); 2]);
    counts.extend([(4, 0, 5.0); 18]);
    counts.extend([(1, 0, 5.0); 10]);
    let report = analyse(&told(), &stood(&told(), &counts), &Terms::default()).unwrap();
    assert_eq!(report.bill.instances, 4);
    assert!((report.bill.instance_hours - (60.0 + 4.0 * 20.0 + 10.0) / 60.0).abs() < 1e-9);
}

#[test]
fn what_the_evaluations_reckoned_stands_beside_the_bill() {
    let mut minutes = stood(&told(), &[(2, 0, 5.0); 60]);
    for (index, entry) in minutes.iter_mut().enumerate() {
        entry.decisions[0].spent = Some(10.0 + index as f64 * 0.02);
    }
    let estimate = analyse(&told(), &minutes, &Terms::default()).unwrap().bill.estimate.unwrap();
    assert!((estimate - 59.0 * 0.02).abs() < 1e-9);
    minutes[40].decisions[0].spent = None;
    minutes[59].decisions[0].spent = Some(0.02);
    assert_eq!(analyse(&told(), &minutes, &Terms::default()).unwrap().bill.estimate, None, "counted anew from nothing");
}

#[test]
fn a_fleet_for_the_highest_minute_is_told_what_foresight_would_pay() {
    let (minutes, _, row) = lived("static_peak");
    let report = analyse(&group(), &minutes, &Terms { reserved_price: Some(0.6), ..Terms::default() }).unwrap();
    assert!((report.instance_hours - row.cost_hours).abs() < 1.0);
    assert!(report.waste.share > 0.3, "{:?}", report.waste);
    assert_eq!(report.waste.short_hours, 0.0);
    assert!(advice(&report).contains(&"reserved"), "{:?}", report.recommendations);
    let savings: Vec<f64> = report.recommendations.iter().filter_map(|one| one.saving_per_month).collect();
    assert!(savings.is_sorted_by(|a, b| a >= b) && savings.iter().all(|saving| *saving > 0.0), "{savings:?}");
}

#[test]
fn a_minimum_that_binds_for_nothing_is_to_be_lowered() {
    let mut group = told();
    group.scaling.min_instances = 6;
    let report = analyse(&group, &stood(&group, &[(6, 0, 5.0); 120]), &Terms::default()).unwrap();
    let lower = report.recommendations.iter().find_map(|one| match one.advice {
        Advice::LowerMinimum { from, to, share } => Some((from, to, share, one.saving_per_month)),
        _ => None,
    });
    let (from, to, share, saving) = lower.expect("it binds all the time");
    assert_eq!((from, to, share), (6, 2, 1.0));
    assert!((saving.unwrap() - 4.0 * 0.66 * 730.0).abs() < 1e-6);
    assert_eq!(report.waste.instance_hours, 0.0, "what the configuration demands is not idle below it");
}

#[test]
fn what_runs_nearly_always_pays_off_by_the_month_and_what_runs_at_times_does_not() {
    let counts: Vec<_> = (0..600).map(|minute| (if minute % 10 == 0 { 9 } else { 3 }, 0, 20.0)).collect();
    let minutes = stood(&told(), &counts);
    let report = analyse(&told(), &minutes, &Terms { reserved_price: Some(0.6), ..Terms::default() }).unwrap();
    let found = report.recommendations.iter().find(|one| matches!(one.advice, Advice::Reserved { .. })).unwrap();
    assert!(matches!(found.advice, Advice::Reserved { instances: 3, used: 1.0, .. }), "{found:?}");
    assert!((found.saving_per_month.unwrap() - 3.0 * 0.4 * 0.66 * 730.0).abs() < 1e-6);
    let unpriced = analyse(&told(), &minutes, &Terms::default()).unwrap();
    let found = unpriced.recommendations.iter().find(|one| matches!(one.advice, Advice::Reserved { .. })).unwrap();
    assert_eq!(found.saving_per_month, None, "a price that nobody told is not made up");
}

#[test]
fn spot_instances_are_told_what_they_saved_and_how_many_were_lost() {
    let mut group = told();
    let mut spot = group.pools[0].clone();
    (spot.name, spot.purchase, spot.price_per_hour) = ("spot".to_owned(), Purchase::Spot, 0.22);
    group.pools.push(spot);
    let mut minutes = stood(&group, &[(2, 0, 5.0); 60]);
    let pool = PaidCapacity { serving: 3, starting: 0, purchase: Purchase::Spot, price_per_hour: 0.22 };
    for entry in &mut minutes {
        entry.decisions[0].pools.insert("spot".to_owned(), pool);
    }
    for (minute, instance) in [(10, "a"), (11, "a"), (12, "b")] {
        let loss = Loss {
            pool: "spot".to_owned(),
            instance: instance.to_owned(),
            zone: None,
            flavor: None,
            ends: None,
            cause: minute.to_string(),
        };
        let time = minutes[minute].minute.start() + TimeDelta::seconds(5);
        let event = PastEvent { record: format!("l{minute}"), time, what: Happening::Loss(loss) };
        minutes[minute].events.push(event);
    }
    let report = analyse(&group, &minutes, &Terms::default()).unwrap();
    assert_eq!((report.spot.instance_hours, report.spot.lost_instances), (3.0, 2));
    assert!((report.spot.saved.unwrap() - 3.0 * (0.66 - 0.22)).abs() < 1e-9);
    assert!((report.spot.share - 0.6).abs() < 1e-9);
    assert_eq!(report.pools.iter().map(|pool| pool.pool.as_str()).collect::<Vec<_>>(), ["base", "spot"]);
}

#[test]
fn a_busy_time_that_comes_back_every_day_is_worth_a_schedule() {
    let load = |minute: usize| if (9 * 60..11 * 60).contains(&(minute % 1440)) { 90.0 } else { 12.0 };
    let counts: Vec<_> = (0..4 * 1440).map(|minute| (14, 0, load(minute))).collect();
    let mut minutes = stood(&told(), &counts);
    // The days begin at midnight.
    let shift = FIRST.0.rem_euclid(1440);
    minutes.iter_mut().for_each(|entry| entry.minute = entry.minute - shift);
    let report = analyse(&told(), &minutes, &Terms::default()).unwrap();
    let schedule = report.recommendations.iter().find(|one| matches!(one.advice, Advice::Schedule { .. })).unwrap();
    let Advice::Schedule { from_hour, until_hour, days, instances, otherwise } = schedule.advice else { panic!() };
    assert_eq!((from_hour, until_hour, days), (9, 11, 4));
    assert!(instances > 9 && otherwise < 4, "{instances} and {otherwise}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn costs_add_up_and_waste_is_never_negative(
        counts in prop::collection::vec((0_u32..12, 0_u32..4, 0.0..90.0_f64), 30..200),
        gap in prop::option::of(5_usize..25),
    ) {
        let group = told();
        let mut minutes = stood(&group, &counts);
        if let Some(gap) = gap {
            minutes.drain(gap..gap + 3);
        }
        // Nothing that served is nothing that can be replayed.
        let Ok(report) = account_only(&group, &minutes) else { return Ok(()) };
        let by_pool: f64 = report.pools.iter().map(|pool| pool.spent).sum();
        let hours: f64 = report.pools.iter().map(|pool| pool.instance_hours).sum();
        prop_assert!((by_pool - report.spent).abs() < 1e-6 && (hours - report.instance_hours).abs() < 1e-6);
        prop_assert!((report.bill.amount - report.spent).abs() < 1e-6, "{} and {}", report.bill.amount, report.spent);
        prop_assert!((report.bill.instance_hours - report.instance_hours).abs() < 1e-6);
        prop_assert!(report.waste.amount >= 0.0 && report.waste.amount <= report.spent + 1e-9);
        prop_assert!((0.0..=1.0).contains(&report.waste.share) && report.waste.short_hours >= 0.0);
        prop_assert!(report.starting_hours <= report.instance_hours + 1e-9);
    }
}
