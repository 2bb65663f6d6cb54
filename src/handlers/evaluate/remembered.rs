//! What an evaluation begins with: the snapshot of the one before, and what others have recorded since.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future;

use super::fold::fold;
use super::group::Ask;
use super::warm::Warm;
use crate::model::{CONFIG_VERSION, Group};
use crate::state::keys::{self, is_decision};
use crate::state::{self, Found, RECORD_WINDOW, Snapshot, Store, StoreError};

/// How far back calls of functions are looked for when nothing else tells what is in force: they end within hours.
const LONGEST_CALL_WINDOW: TimeDelta = TimeDelta::days(1);

/// What an evaluation begins with.
pub(super) struct Remembered {
    /// The snapshot, with new records folded in.
    pub(super) snapshot: Snapshot,
    /// Whether it [`is_behind`].
    pub(super) is_behind: bool,
    /// Records that could not be read: calls and orders that may be in force.
    pub(super) unread: Vec<String>,
}

/// Reads what is remembered.
pub(super) async fn read_state(
    store: &Store,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
    problems: &mut Vec<String>,
) -> Result<Remembered, StoreError> {
    let (mut snapshot, names) = remembered(store, warm, group, ask, problems).await?;
    let unread = fold_new(store, group, ask, &mut snapshot, &names).await;
    problems.extend(unread.iter().cloned());
    let is_behind = is_behind(&snapshot, &names, None);
    Ok(Remembered { snapshot, is_behind, unread })
}

/// The snapshot as the last evaluation left it, and the names of the records since then. A warm instance needs no snapshot
/// from the store when the listing shows that nobody has decided since it wrote its own. Where none is left, what is in
/// force is found by looking back for as long as an order of a person may last.
pub(super) async fn remembered(
    store: &Store,
    warm: &Warm,
    group: &Group,
    ask: &Ask,
    problems: &mut Vec<String>,
) -> Result<(Snapshot, Vec<String>), StoreError> {
    let kept = warm.take(&group.name);
    let window_of = |written: DateTime<Utc>| ask.now.min(written) - RECORD_WINDOW;
    // Without a snapshot at hand the last evaluation is taken to be a few minutes old.
    let since = window_of(kept.as_ref().map_or(ask.now - RECORD_WINDOW, |snapshot| snapshot.written));
    let (names, read) = future::join(state::records_since(store, &group.name, since, ask.deadline), async {
        match &kept {
            Some(_) => None,
            None => Some(state::read_snapshot(store, &group.name, ask.deadline).await),
        }
    })
    .await;
    let mut names = names?;
    let kept = kept.filter(|snapshot| is_newest(snapshot, &names));
    let found = match (kept, read) {
        (Some(snapshot), _) => Found::Whole(Box::new(snapshot)),
        (None, Some(read)) => read?,
        (None, None) => state::read_snapshot(store, &group.name, ask.deadline).await?,
    };
    let mut snapshot = match found {
        Found::Whole(snapshot) => *snapshot,
        Found::Nothing => Snapshot::empty(ask.now, signal_names(group)),
        Found::Torn(why) => {
            problems.push(format!("the snapshot was torn and is begun anew ({why})"));
            Snapshot::empty(ask.now, signal_names(group))
        }
    };
    let wanted = snapshot.unfolded_since(ask.now);
    if wanted < since {
        names = state::records_since(store, &group.name, wanted, ask.deadline).await?;
        let of_calls = keys::record_time(ask.now.min(snapshot.written) - LONGEST_CALL_WINDOW);
        names.retain(|name| *name >= of_calls || keys::source_of_record(name) == Some("console"));
    }
    if snapshot.policy.is_empty() {
        CONFIG_VERSION.clone_into(&mut snapshot.policy);
    }
    snapshot.forget(ask.now, RECORD_WINDOW);
    Ok((snapshot, names))
}

/// Reads the records that are new, and folds them in. Gives what could not be read: it is tried again next time, for a day
/// where the store is to blame, and for as long as it is listed where the record is.
pub(super) async fn fold_new(
    store: &Store,
    group: &Group,
    ask: &Ask,
    snapshot: &mut Snapshot,
    names: &[String],
) -> Vec<String> {
    let listed = names.iter().filter(|name| !is_decision(name) && !snapshot.folded.contains(*name));
    let mut new: Vec<String> = listed.cloned().chain(std::mem::take(&mut snapshot.unread)).collect();
    new.sort_unstable();
    new.dedup();
    let read =
        future::join_all(new.iter().map(|name| state::read_record(store, &group.name, name, ask.deadline))).await;
    let oldest = keys::record_time(ask.now - LONGEST_CALL_WINDOW);
    let (mut records, mut unread) = (Vec::new(), Vec::new());
    for (name, record) in new.into_iter().zip(read) {
        match record {
            Ok(Some(record)) => records.push((name, record)),
            Ok(None) => {}
            Err(error) => {
                unread.push(error.to_string());
                if error.may_be_read_later() && name >= oldest {
                    snapshot.unread.push(name);
                }
            }
        }
    }
    fold(snapshot, records, ask.now);
    unread
}

/// Whether every decision that is listed was known to this snapshot, its own among them.
fn is_newest(snapshot: &Snapshot, names: &[String]) -> bool {
    snapshot.last_decision.as_ref().is_some_and(|last| names.contains(last))
        && names.iter().all(|name| !is_decision(name) || snapshot.folded.contains(name))
}

/// Whether there are calls and orders that are not folded in.
pub(super) fn has_news(snapshot: &Snapshot, names: &[String]) -> bool {
    names.iter().any(|name| !is_decision(name) && !snapshot.folded.contains(name))
}

/// Whether another evaluation, beside that of the name `own`, may have let instances go since the snapshot was read: its
/// decision is listed, and what came of it is not in the snapshot.
pub(super) fn is_behind(snapshot: &Snapshot, names: &[String], own: Option<&str>) -> bool {
    names.iter().any(|name| {
        is_decision(name)
            && Some(name.as_str()) != own
            && !snapshot.folded.contains(name)
            && keys::time_of_record(name).is_some_and(|time| time >= snapshot.written)
    })
}

fn signal_names(group: &Group) -> Vec<String> {
    group.signals.iter().map(|signal| signal.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use object_store::memory::InMemory;
    use object_store::path::Path;
    use tokio::time::Instant;

    use super::*;
    use crate::handlers::evaluate::publish::Telemetry;
    use crate::model::{Hold, Order};
    use crate::records::{Happening, Raise, Record, SCHEMA_VERSION, Trigger};
    use crate::tune::tests::group;

    fn ask() -> Ask {
        Ask {
            now: DateTime::from_timestamp(1_790_000_040, 0).unwrap(),
            trigger: Trigger { kind: "timer".to_owned(), request_id: "r".to_owned() },
            dry_run: false,
            deadline: Instant::now() + Duration::from_secs(5),
            topic_urn: None,
            telemetry: Telemetry::default(),
        }
    }

    async fn write(store: &Store, age: TimeDelta, source: &str, what: Happening) {
        let (id, group) = (format!("r{}", age.num_minutes()), group().name);
        let record = Record { schema: SCHEMA_VERSION, id, group, time: ask().now - age, what };
        state::write_record(store, &record, source, ask().deadline).await.unwrap();
    }

    async fn read(store: &Store) -> (Remembered, Vec<String>) {
        let mut problems = Vec::new();
        let remembered = read_state(store, &Warm::default(), &group(), &ask(), &mut problems).await.unwrap();
        (remembered, problems)
    }

    fn floor(until: DateTime<Utc>) -> Happening {
        Happening::Hold(Hold { order: Order::Floor(5), who: "ada".to_owned(), why: "a sale".to_owned(), until })
    }

    #[tokio::test]
    async fn without_a_snapshot_orders_are_found_for_as_long_as_they_last_and_calls_for_a_day() {
        let store = Store::new(Arc::new(InMemory::new()), Path::default());
        let until = ask().now + TimeDelta::days(1);
        let raise =
            Raise { target: 9, until, source: "alarm".to_owned(), cause: "a".to_owned(), why: "load".to_owned() };
        write(&store, TimeDelta::days(12), "console", floor(until)).await;
        write(&store, TimeDelta::days(2), "alarm", Happening::Raise(Raise { target: 8, ..raise.clone() })).await;
        write(&store, TimeDelta::hours(2), "alarm", Happening::Raise(raise)).await;
        let (remembered, problems) = read(&store).await;
        assert_eq!(remembered.snapshot.holds.len(), 1);
        assert_eq!(remembered.snapshot.raises.iter().map(|raise| raise.target).collect::<Vec<_>>(), [9]);
        assert_eq!((remembered.unread, problems), (Vec::new(), Vec::new()));
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_is_told_and_tried_again_where_that_may_help() {
        let store = Store::new(Arc::new(InMemory::new()), Path::default());
        let at = |source: &str| format!("{}-{source}-r1.json", keys::record_time(ask().now - TimeDelta::minutes(1)));
        let folder = keys::records(&group().name);
        for (source, text) in [("console", "{\"schema\": 99}"), ("alarm", "{\"schema\": 1, \"ki")] {
            store.put(&format!("{folder}/{}", at(source)), text, ask().deadline).await.unwrap();
        }
        let (remembered, problems) = read(&store).await;
        assert_eq!(remembered.unread.len(), 2, "nothing is removed while orders are not known");
        assert_eq!(remembered.unread, problems);
        assert_eq!(remembered.snapshot.unread, [at("console")], "what is torn stays torn");
        let mut snapshot = remembered.snapshot;
        let record = Record {
            schema: SCHEMA_VERSION,
            id: "r1".to_owned(),
            group: group().name,
            time: ask().now - TimeDelta::minutes(1),
            what: floor(ask().now + TimeDelta::days(1)),
        };
        state::write_record(&store, &record, "console", ask().deadline).await.unwrap();
        let unread = fold_new(&store, &group(), &ask(), &mut snapshot, &[]).await;
        assert_eq!((unread, snapshot.unread.len(), snapshot.holds.len()), (Vec::new(), 0, 1));
    }
}
