//! A group's past, as the function `tune` finds it in the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flexus_autoscaler::local::play::Play;
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::records::HistoryMinute;
use flexus_autoscaler::replay::{Trace, demo_trace};
use flexus_autoscaler::state::{Store, history, keys};
use flexus_autoscaler::tune::Ground;
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;

const DAYS: i64 = 3;
const DAY: i64 = 1440;

/// Files of the days until now in which the group lived through the bundled day, each by its key.
pub(super) async fn days(play: &Play, group: &str) -> Vec<(String, Vec<u8>)> {
    let (region, memory) = (play.region(), Arc::new(InMemory::new()));
    let store = Store::new(memory.clone(), Path::default());
    let now = region.now();
    let start = now - i64::from(now.of_day()) - DAYS * DAY;
    let minutes = usize::try_from(now - start).expect("a past");
    let day = demo_trace(Default::default()).expect("the bundled day").load;
    let load: Vec<f64> = day.iter().copied().cycle().take(minutes).collect();
    let trace = Trace { name: group.to_owned(), start, load, interpolated: 0 };
    let capacity = region.settings().workloads[0].model.capacity_per_second;
    let ground = Ground::new(play.group(), trace, capacity, 2);
    let ledger = ground.play(&flexus_autoscaler::model::Tunables::of(play.group()));
    let outcomes = ledger.outcomes(&(start..ledger.end()));
    let minutes: Vec<HistoryMinute> = (0i64..)
        .zip(outcomes)
        .map(|(minute, outcome)| {
            let mut entry = HistoryMinute::empty(start + minute);
            entry.measured.serving = Some(outcome.serving);
            entry.measured.total = Some(outcome.total);
            entry.measured.taken_in_by = Some("drill".to_owned());
            entry.measured.signals = [
                ("cpu", outcome.utilisation),
                ("response_time", outcome.latency_ms),
                ("queue", outcome.queue),
                ("requests", outcome.served_per_second()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
            entry
        })
        .collect();
    let mut files = Vec::new();
    for day in minutes.chunk_by(|a, b| a.minute.start().date_naive() == b.minute.start().date_naive()) {
        let date = day[0].minute.start().date_naive();
        let day: BTreeMap<Minute, HistoryMinute> = day.iter().map(|entry| (entry.minute, entry.clone())).collect();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        history::write_day(&store, group, date, &day, deadline).await.expect("written to memory");
        let key = keys::history(group, date);
        let file = memory.get(&Path::from(key.as_str())).await.expect("what was written");
        files.push((key, file.bytes().await.expect("what was written").to_vec()));
    }
    files
}
