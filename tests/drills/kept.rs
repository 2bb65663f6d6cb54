//! The records that a store holds: where they were written, and those that `tune` has moved into the archive since.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use flexus_autoscaler::local::play::BUCKET;
use flexus_autoscaler::local::store::Store;
use flexus_autoscaler::records::Record;
use flexus_autoscaler::state::keys;
use serde_json::Value;

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
