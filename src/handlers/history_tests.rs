use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use flate2::read::GzDecoder;
use object_store::memory::InMemory;
use object_store::path::Path;
use proptest::prelude::*;

use super::*;
use crate::engine::{Evidence, Proposal, guardrails};
use crate::model::{Minute, Mode, Purchase, Sample};
use crate::records::{Decision, Happening, PaidCapacity, Raise, Record, SCHEMA_VERSION, Seen, Trigger};

const GROUP: &str = "inference";
/// Ten minutes before midnight.
const FIRST: Minute = Minute(29_540_150);

fn store() -> Store {
    Store::new(Arc::new(InMemory::new()), Path::from("team"))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A decision of minute `FIRST + index`, which takes in the minute two before it.
fn decision(index: i64) -> Record {
    let minute = FIRST + index;
    let guardrail_inputs = guardrails::Inputs::between(1, 20, 4, 3);
    let (target, guardrails) = guardrails::apply(&guardrail_inputs);
    let sample =
        Sample { minute: minute - 2, serving: Some(3), total: Some(4), values: vec![Some(index as f64), None] };
    let left = PaidCapacity { serving: 3, starting: 1, purchase: Purchase::OnDemand, price_per_hour: 0.5 };
    let decision = Decision {
        trigger: Trigger { kind: "timer".to_owned(), request_id: format!("r{index}") },
        mode: Mode::Act,
        dry_run: false,
        policy: "config".to_owned(),
        seen: Seen {
            pools: BTreeMap::new(),
            newest: Some(minute - 2),
            signals: BTreeMap::new(),
            missing: BTreeMap::new(),
            lead_minutes: 2,
            signal_names: vec!["cpu".to_owned(), "queue".to_owned()],
            samples: vec![sample],
        },
        proposal: Proposal { target: 4, evidence: Evidence::Nothing { kept: 4 } },
        guardrail_inputs,
        guardrails,
        target,
        plan: Vec::new(),
        actions: Vec::new(),
        left: [("base".to_owned(), left)].into(),
        shadow: None,
        spent: Some(index as f64),
        problems: Vec::new(),
        http_calls: 5,
        duration_ms: 12,
    };
    record(&format!("d{index}"), minute, Happening::Decision(Box::new(decision)))
}

fn raise(index: i64) -> Record {
    let raise = Raise {
        target: 7,
        until: (FIRST + 60).start(),
        source: "alarm".to_owned(),
        cause: "cause".to_owned(),
        why: "cpu".to_owned(),
    };
    record(&format!("a{index}"), FIRST + index, Happening::Raise(raise))
}

fn record(id: &str, minute: Minute, what: Happening) -> Record {
    Record { schema: SCHEMA_VERSION, id: id.to_owned(), group: GROUP.to_owned(), time: minute.start(), what }
}

/// Twenty decisions around midnight, and two calls for more.
fn records() -> Vec<Record> {
    (0..20).map(decision).chain([raise(3), raise(12)]).collect()
}

async fn put(store: &Store, record: &Record) {
    crate::state::write_record(store, record, "evaluate", soon()).await.unwrap();
}

fn now() -> DateTime<Utc> {
    (FIRST + 30).start()
}

async fn compact_now(store: &Store) -> Compacted {
    compact(store, GROUP, now(), Compaction::default(), soon()).await.unwrap()
}

async fn history(store: &Store) -> Vec<HistoryMinute> {
    let read = crate::state::history::read(store, GROUP, (FIRST - 60).start(), now(), false, soon()).await.unwrap();
    assert_eq!(read.problems, [""; 0]);
    read.minutes
}

fn days() -> [NaiveDate; 2] {
    [FIRST.start().date_naive(), now().date_naive()]
}

#[tokio::test]
async fn every_minute_has_what_was_measured_what_was_decided_and_what_else_happened() {
    let store = store();
    for record in records() {
        put(&store, &record).await;
    }
    let done = compact_now(&store).await;
    assert_eq!((done.records, done.days.as_slice(), done.is_unfinished), (22, days().as_slice(), false));
    let minutes = history(&store).await;
    let expected: Vec<Minute> = (-2..20).map(|index| FIRST + index).collect();
    assert_eq!(minutes.iter().map(|entry| entry.minute).collect::<Vec<_>>(), expected);
    let entry = &minutes[5];
    assert_eq!(entry.measured.signals, [("cpu".to_owned(), 5.0)].into());
    assert_eq!((entry.measured.serving, entry.measured.total), (Some(3), Some(4)));
    assert_eq!((entry.decisions[0].current, entry.decisions[0].target), (3, 4));
    assert_eq!(entry.pools().unwrap()["base"].per_hour(), 2.0);
    assert!(matches!(&entry.events[0].what, Happening::Raise(raise) if raise.target == 7));
}

#[tokio::test]
async fn what_is_compacted_already_is_not_written_again() {
    let store = store();
    for record in records() {
        put(&store, &record).await;
    }
    compact_now(&store).await;
    assert_eq!(compact_now(&store).await, Compacted::default());
}

#[tokio::test]
async fn records_that_were_not_compacted_yet_can_be_read_with_the_rest() {
    let store = store();
    let all = records();
    for record in &all[..12] {
        put(&store, record).await;
    }
    compact_now(&store).await;
    for record in &all[12..] {
        put(&store, record).await;
    }
    let read = |fresh| crate::state::history::read(&store, GROUP, (FIRST - 60).start(), now(), fresh, soon());
    assert_eq!(read(false).await.unwrap().minutes.len(), 14);
    let fresh = read(true).await.unwrap().minutes;
    compact_now(&store).await;
    assert_eq!(fresh, history(&store).await);
}

#[tokio::test]
async fn a_line_of_a_newer_version_stops_everything_and_is_not_written_over() {
    let store = store();
    let mut lines = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut lines, b"{\"schema\":99}\n").unwrap();
    let newer = lines.finish().unwrap();
    let key = keys::history(GROUP, days()[0]);
    store.put(&key, newer.clone(), soon()).await.unwrap();
    put(&store, &decision(1)).await;
    let error = compact(&store, GROUP, now(), Compaction::default(), soon()).await.unwrap_err();
    assert!(error.must_not_overwrite() && error.to_string().contains("schema 99 is newer"), "{error}");
    assert_eq!(store.get(&key, soon()).await.unwrap().unwrap(), newer);
}

#[tokio::test]
async fn a_torn_record_is_told_and_keeps_nothing_from_being_compacted() {
    let store = store();
    put(&store, &decision(1)).await;
    let name = keys::record_name(&decision(2), "evaluate");
    store.put(&format!("{}/{name}", keys::records(GROUP)), "{\"schema\":1,", soon()).await.unwrap();
    let done = compact_now(&store).await;
    assert_eq!((done.records, done.problems.len()), (1, 1));
    assert!(done.problems[0].contains(&name), "{:?}", done.problems);
}

#[tokio::test]
async fn old_records_move_into_the_archive_and_history_stays() {
    let store = store();
    for record in records() {
        put(&store, &record).await;
    }
    compact_now(&store).await;
    let before = history(&store).await;
    let later = now() + TimeDelta::days(15);
    let done = compact(&store, GROUP, later, Compaction::default(), soon()).await.unwrap();
    assert_eq!(done.archived, 22);
    let records = store.names_after(&keys::records(GROUP), "", soon()).await.unwrap();
    assert_eq!(records, [""; 0]);
    assert_eq!(history(&store).await, before);

    let kept = decision(7);
    let found = crate::state::history::last_decision(&store, GROUP, kept.time, soon()).await.unwrap();
    assert_eq!(found, Some(kept), "the whole of it can still be explained");

    for day in days() {
        store.delete(&keys::history(GROUP, day), soon()).await.unwrap();
    }
    put(&store, &record("late", FIRST, Happening::Lift { who: "ada".to_owned() })).await;
    let all = Compaction { all: true, ..Compaction::default() };
    compact(&store, GROUP, later, all, soon()).await.unwrap();
    let remade = history(&store).await;
    assert_eq!(remade.len(), before.len());
    assert_eq!(remade[2].events.len(), 1, "what came late is in it as well");
}

#[cfg(feature = "local")]
#[tokio::test(start_paused = true)]
async fn two_compactions_at_once_lose_no_record() {
    use super::super::races::scheduler::{Choices, Scheduler};
    use super::super::races::store::RacingStore;

    for seed in 0..60u16 {
        let scheduler = Scheduler::default();
        let racing = RacingStore::new(scheduler.clone());
        let store = Store::new(Arc::new(racing), Path::from("team"));
        for record in records() {
            put(&store, &record).await;
        }
        compact_now(&store).await;
        let later = now() + TimeDelta::days(15);
        let run = || async {
            compact(&store, GROUP, later, Compaction::default(), soon()).await.unwrap();
        };
        let mut choices = Choices::new(&[seed.wrapping_mul(9_973), seed.wrapping_mul(31_337)]);
        scheduler.run(vec![Box::pin(run()), Box::pin(run())], &mut choices, None, || {}).await;
        run().await;
        for record in records().into_iter().filter(|record| matches!(record.what, Happening::Decision(_))) {
            let found = crate::state::history::last_decision(&store, GROUP, record.time, soon()).await.unwrap();
            assert_eq!(found, Some(record), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn any_tool_reads_a_day_as_gzipped_json_lines_in_the_order_of_time() {
    let store = store();
    for record in records() {
        put(&store, &record).await;
    }
    compact_now(&store).await;
    let bytes = store.get(&keys::history(GROUP, days()[0]), soon()).await.unwrap().unwrap();
    let text = std::io::read_to_string(GzDecoder::new(bytes.as_ref())).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[2]["time"], "2026-03-01T23:50:00Z");
    assert_eq!(lines[2]["signals"]["cpu"], 2.0);
    assert!(lines.is_sorted_by_key(|line| line["time"].as_str().unwrap().to_owned()));
}

/// What may happen to a store between one compaction and the next.
#[derive(Clone, Debug)]
enum Mishap {
    Compact,
    /// A day's file loses its end.
    Tear(usize, usize),
    /// A day's file is gone.
    Delete(usize),
    /// A compaction was interrupted before its last file was written.
    Undo,
}

fn mishaps() -> impl Strategy<Value = Vec<(usize, Mishap)>> {
    let mishap = prop_oneof![
        4 => Just(Mishap::Compact),
        1 => (0_usize..2, 0_usize..600).prop_map(|(day, bytes)| Mishap::Tear(day, bytes)),
        1 => (0_usize..2).prop_map(Mishap::Delete),
        1 => Just(Mishap::Undo),
    ];
    prop::collection::vec((0_usize..6, mishap), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn in_whatever_order_records_come_and_whatever_befalls_the_files_nothing_is_lost_or_doubled(
        arrival in Just(records()).prop_shuffle(),
        mishaps in mishaps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let straight = store();
            for record in records() {
                put(&straight, &record).await;
            }
            compact_now(&straight).await;

            let store = store();
            let mut waiting = arrival.iter();
            for (count, mishap) in mishaps {
                for record in waiting.by_ref().take(count) {
                    put(&store, record).await;
                }
                befall(&store, mishap).await;
            }
            for record in waiting {
                put(&store, record).await;
            }
            let all = Compaction { all: true, ..Compaction::default() };
            compact(&store, GROUP, now(), all, soon()).await.unwrap();
            assert_eq!(history(&store).await, history(&straight).await);
        });
    }
}

async fn befall(store: &Store, mishap: Mishap) {
    let key = |day: usize| keys::history(GROUP, days()[day]);
    match mishap {
        Mishap::Compact => {
            compact_now(store).await;
        }
        Mishap::Tear(day, length) => {
            if let Some(bytes) = store.get(&key(day), soon()).await.unwrap() {
                let length = length.min(bytes.len());
                store.put(&key(day), bytes.slice(..length), soon()).await.unwrap();
            }
        }
        Mishap::Delete(day) => store.delete(&key(day), soon()).await.unwrap(),
        Mishap::Undo => {
            let before = store.get(&key(1), soon()).await.unwrap();
            compact_now(store).await;
            match before {
                Some(before) => store.put(&key(1), before, soon()).await.unwrap(),
                None => store.delete(&key(1), soon()).await.unwrap(),
            }
        }
    }
}
