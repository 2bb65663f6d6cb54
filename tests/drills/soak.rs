//! A soak: day after day in which faults of the table come at random, one after the other, with quiet spells between.

use std::env;
use std::sync::Arc;

use flexus_autoscaler::local::store::StoreFaults;

use super::drill::{Circumstances, Drill, Fleet, Told};
use super::random::Dice;
use super::stage::{Stage, Tallies, Watch};
use super::table;

/// Minutes of a soak in the tests.
const SHORT_MINUTES: usize = 300;
/// Quiet minutes between two faults, at least; as many more come at random.
const QUIET_MINUTES: usize = 15;
/// Quiet minutes at the end, in which all must be in order again.
const LAST_MINUTES: usize = 45;
/// The group never has more than these, whatever it is told: several times what its busiest minute needs.
const MOST_INSTANCES: u32 = 200;
const SEED: u64 = 20_260_302;

#[derive(Debug)]
struct Nothing;

impl StoreFaults for Nothing {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soak_of_random_faults_ends_consistent() {
    let days: Option<usize> = env::var("FLEXUS_SOAK_DAYS").ok().and_then(|days| days.parse().ok());
    let minutes = days.map_or(SHORT_MINUTES, |days| days * 1440);
    let part = env::var("FLEXUS_DRILL").unwrap_or_default();
    let is_wanted = |drill: &Drill| drill.minutes <= 30 && drill.name.contains(&part);
    let drills: Vec<Drill> = table::drills().into_iter().filter(is_wanted).collect();
    let fleet = Fleet::Spot;
    let mut stage = Stage::set(fleet, 480, minutes).await;
    let mut watch = Watch::default();
    let mut dice = Dice(SEED);
    let mut struck = Tallies::new();
    let mut minute = 0;
    let (mut told_days, mut removals) = (0, Vec::new());
    while minute + LAST_MINUTES < minutes {
        if minute / 1440 > told_days {
            told_days = minute / 1440;
            let faults: u32 = struck.values().sum();
            println!("day {told_days}: {faults} faults, {} removed wrongly {removals:?}", watch.removed_wrongly);
        }
        for _ in 0..QUIET_MINUTES + dice.below(QUIET_MINUTES) {
            watch.minute(&mut stage, None, Told::Truth, None).await;
            minute += 1;
        }
        let drill = &drills[dice.below(drills.len())];
        let length = (2 + dice.below(drill.minutes)).min(minutes.saturating_sub(minute + LAST_MINUTES));
        if length < 2 {
            break;
        }
        *struck.entry(drill.name).or_default() += 1;
        let now = stage.region().now();
        let circumstances =
            Circumstances { region: Arc::clone(stage.region()), begins: now, ends: now + length as i64 };
        let script = (drill.script)(&circumstances);
        let timeout = stage.timeout;
        stage.strike(drill, &script);
        for since in 0..length {
            let told = if since < drill.arrives_late { Told::Truth } else { drill.told };
            watch.minute(&mut stage, Some((&script, since as i64)), told, None).await;
            minute += 1;
        }
        stage.timeout = timeout;
        (script.afterwards)(&mut stage);
        stage.store().set_faults(Arc::new(Nothing));
        for _ in 0..drill.arrives_late {
            watch.minute(&mut stage, None, drill.told, None).await;
            minute += 1;
        }
        for removal in watch.removals.drain(..) {
            removals.push(format!("{removal}; before or during: {}, {length} min from {now}", drill.name));
        }
    }
    while minute < minutes {
        watch.minute(&mut stage, None, Told::Truth, None).await;
        minute += 1;
    }
    let faults: u32 = struck.values().sum();
    let lost = watch.lost_records(&stage);
    let (removed, total) = (watch.removed_wrongly, stage.region().capacity(0));
    let largest = watch.totals.iter().copied().max().unwrap_or_default();
    println!(
        "{minutes} minutes, {faults} faults of {} kinds: {removed} instances removed wrongly, {} records lost, {total:?}, {largest} at most",
        struck.len(),
        lost.len()
    );
    if let Some(folder) = env::var_os("FLEXUS_DRILL_OUT") {
        stage.leave(&std::path::Path::new(&folder).join("soak"));
    }
    removals.append(&mut watch.removals);
    assert_eq!(watch.removed_wrongly, 0, "{removals:?}");
    assert!(lost.is_empty(), "{lost:?}");
    assert!(largest <= MOST_INSTANCES, "{largest} instances were bought");
    let snapshot = stage.snapshot().expect("a snapshot that can be read");
    let known: u32 = snapshot.fleets.values().filter_map(|fleet| fleet.capacity).map(|capacity| capacity.total()).sum();
    assert_eq!(known, watch.totals.last().copied().unwrap_or_default(), "what is remembered is what there is");
    stage.stop().await;
}
