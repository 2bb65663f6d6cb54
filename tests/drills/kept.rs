//! The records that a store holds: where they were written, and those that `tune` has moved into the archive since.

use std::io::Read as _;
use std::time::Duration;

use chrono::TimeDelta;
use flate2::read::MultiGzDecoder;
use flexus_autoscaler::clients::Credentials;
use flexus_autoscaler::handlers::history::{Compaction, compact};
use flexus_autoscaler::local::play::BUCKET;
use flexus_autoscaler::local::store::{Store, StoreSettings};
use flexus_autoscaler::records::{Happening, Record, SCHEMA_VERSION};
use flexus_autoscaler::state::{self, StoreLocation, keys};
use serde_json::Value;
use tokio::time::Instant;

/// Where each record lies, and the record or why it cannot be read.
pub(super) fn kept(store: &Store, group: &str) -> Vec<(String, Result<Record, String>)> {
    let mut kept = Vec::new();
    for key in store.keys(BUCKET, &format!("{}/", keys::records(group))) {
        let Some(object) = store.object(BUCKET, &key) else { continue };
        kept.push((key, serde_json::from_slice(&object.content).map_err(|error| error.to_string())));
    }
    for key in store.keys(BUCKET, &format!("groups/{group}/archive/")) {
        let Some(object) = store.object(BUCKET, &key) else { continue };
        let mut lines = String::new();
        if let Err(error) = MultiGzDecoder::new(object.content.as_ref()).read_to_string(&mut lines) {
            kept.push((key, Err(error.to_string())));
            continue;
        }
        let record = |line: &str| {
            let mut line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            serde_json::from_value(line["record"].take()).map_err(|error| error.to_string())
        };
        kept.extend(lines.lines().map(|line| (key.clone(), record(line))));
    }
    kept
}

#[tokio::test]
async fn a_record_is_found_before_and_after_it_went_into_the_archive() {
    let (group, keys_of_store) = ("inference", Credentials::new("key", "secret", None));
    let settings = StoreSettings {
        buckets: vec![BUCKET.to_owned()],
        keys: vec![keys_of_store.clone()],
        conditional_put: false,
        directory: None,
    };
    let local = Store::serve(settings, ([127, 0, 0, 1], 0).into()).await.expect("a store");
    let location = StoreLocation::parse(&format!("obs://{BUCKET}"), Some(&local.url()), Some("cn-north-4"));
    let store = state::Store::open(&location.expect("a location"), Some(&keys_of_store)).expect("a store");
    let (time, deadline) = (chrono::DateTime::UNIX_EPOCH, Instant::now() + Duration::from_secs(20));
    let what = Happening::Ignored { source: "alarm".to_owned(), why: "a test".to_owned() };
    let record = Record { schema: SCHEMA_VERSION, id: "one".to_owned(), group: group.to_owned(), time, what };
    state::write_record(&store, &record, "alarm", deadline).await.expect("a record is written");
    let found = |local: &Store| kept(local, group).into_iter().map(|(_, record)| record).collect::<Vec<_>>();
    assert_eq!(found(&local), [Ok(record.clone())]);
    let how = Compaction { all: true, ..Compaction::default() };
    let compacted = compact(&store, group, time + TimeDelta::days(20), how, deadline).await.expect("it is compacted");
    assert_eq!((compacted.archived, local.keys(BUCKET, &format!("{}/", keys::records(group))).len()), (1, 0));
    assert_eq!(found(&local), [Ok(record)]);
}
