//! Fault drills: the real functions on the local region, while something goes wrong on purpose.
//!
//! Each drill is a row of a table: a name, a fault that lasts for some minutes of a busy afternoon, and what is expected of
//! it. An undisturbed twin plays the same afternoon beside it. Measured are the service level, the capacity that was taken
//! away wrongly, the records that were lost, and how long it takes until the group is as large as its twin again.
//!
//! By default one drill in ten plays the hours around its fault. All of them:
//!
//! ```sh
//! FLEXUS_DRILLS=hours cargo test --release --test drills -- --nocapture
//! ```
//!
//! The whole virtual day of each, and the table as it stands in the documentation:
//!
//! ```sh
//! FLEXUS_DRILLS=day cargo test --release --test drills -- --nocapture
//! ```
//!
//! `FLEXUS_DRILL_OUT=folder` leaves what then lies in the store, to look at. `FLEXUS_DRILL=name` plays those alone whose name contains the text. The soak of thirty days of random faults:
//!
//! ```sh
//! FLEXUS_SOAK_DAYS=30 cargo test --release --test drills soak -- --nocapture
//! ```
#![cfg(feature = "local")]

mod count;
mod drill;
mod faults;
mod kept;
mod measure;
mod past;
mod random;
mod soak;
mod stage;
mod table;

use std::env;

use futures::StreamExt as _;

use self::drill::{Drill, Fleet, Form};
use self::measure::{Measured, print};
use self::stage::{Twin, play};

/// Drills that are played at once: most of the time of a slow one is waiting.
const AT_ONCE: usize = 6;

/// Of so many drills one is played where nothing says which.
const SAMPLED: usize = 10;

fn wanted() -> Vec<Drill> {
    let part = env::var("FLEXUS_DRILL").unwrap_or_default();
    let every = if part.is_empty() && env::var_os("FLEXUS_DRILLS").is_none() { SAMPLED } else { 1 };
    table::drills().into_iter().filter(|drill| drill.name.contains(&part)).step_by(every).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_is_taken_away_wrongly_and_no_record_is_lost() {
    let form = if env::var("FLEXUS_DRILLS").is_ok_and(|form| form == "day") { Form::Day } else { Form::Hours };
    let drills = wanted();
    assert!(!drills.is_empty(), "there is a drill of that name");
    let longest = drills.iter().map(|drill| form.minutes(drill)).max().unwrap_or_default();
    let twins = [Fleet::Group, Fleet::Spot, Fleet::Tracked].map(|fleet| Twin::of(fleet, form, longest));
    let twins = futures::future::join_all(twins).await;
    let twin_of = &|drill: &Drill| &twins[drill.fleet as usize];
    let played = drills.iter().map(|drill| async move {
        let measured = play(drill, form, twin_of(drill)).await;
        println!("{}: {}", drill.name, measured.summary());
        measured.complaints(drill).iter().for_each(|complaint| println!("    not as expected: {complaint}"));
        measured
    });
    let mut measured: Vec<Measured> = futures::stream::iter(played).buffer_unordered(AT_ONCE).collect().await;
    measured.sort_by_key(|measured| drills.iter().position(|drill| drill.name == measured.name));
    print(&drills, &measured, &twins);
    let complaints: Vec<String> = drills.iter().zip(&measured).flat_map(|(drill, it)| it.complaints(drill)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_drill_has_a_name_of_its_own() {
    let mut names: Vec<&str> = table::drills().iter().map(|drill| drill.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
}
