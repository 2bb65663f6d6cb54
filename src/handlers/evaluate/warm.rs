//! Snapshots that a warm instance wrote itself and need not read again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::state::Snapshot;

/// Groups whose snapshots are kept. More than one shard's worth earns nothing.
const MOST_KEPT: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Warm(Mutex<BTreeMap<String, Snapshot>>);

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

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
