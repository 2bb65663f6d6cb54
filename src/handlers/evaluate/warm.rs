//! What a warm instance keeps: snapshots that it wrote itself and need not read again, and records that the store did not
//! take.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::records::Record;
use crate::state::Snapshot;

/// Groups whose snapshots are kept. More than one shard's worth earns nothing.
const MOST_KEPT: usize = 64;

/// Records of a group that are owed to the store. A store that takes none for longer has lost more than these.
const MOST_OWED: usize = 60;

#[derive(Debug, Default)]
pub(super) struct Warm {
    snapshots: Mutex<BTreeMap<String, Snapshot>>,
    owed: Mutex<BTreeMap<String, Vec<Record>>>,
}

impl Warm {
    /// Takes a snapshot out. An evaluation that does not end leaves nothing behind that could be wrong.
    pub(super) fn take(&self, group: &str) -> Option<Snapshot> {
        self.kept().remove(group)
    }

    pub(super) fn keep(&self, group: &str, snapshot: Snapshot) {
        let mut kept = self.kept();
        if kept.len() < MOST_KEPT {
            kept.insert(group.to_owned(), snapshot);
        }
    }

    /// Takes out the records that the store did not take.
    pub(super) fn take_owed(&self, group: &str) -> Vec<Record> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).remove(group).unwrap_or_default()
    }

    /// Keeps records of changes that the store did not take, for the next evaluation to write.
    pub(super) fn owe(&self, group: &str, records: impl IntoIterator<Item = Record>) {
        let mut records = records.into_iter().peekable();
        if records.peek().is_some() {
            let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            let owed = owed.entry(group.to_owned()).or_default();
            owed.extend(records);
            owed.truncate(MOST_OWED);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Snapshot>> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
