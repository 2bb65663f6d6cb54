//! Folds what others have recorded since the last evaluation into the snapshot.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{PolicyChange, PolicyEvent, PolicyOrder};
use crate::records::{Happening, Loss, Raise, Record};
use crate::state::{Exhaustion, Snapshot};

/// How long a place is left alone the first time that it loses, and at most.
const SHORTEST_EXHAUSTION_MINUTES: u32 = 3;
const LONGEST_EXHAUSTION_MINUTES: u32 = 30;

/// Takes in records not seen before. Each is taken once, in the order of their names, which is that of their times.
pub(super) fn fold(snapshot: &mut Snapshot, records: impl IntoIterator<Item = (String, Record)>, now: DateTime<Utc>) {
    for (name, record) in records {
        if snapshot.folded.contains(&name) {
            continue;
        }
        match record.what {
            Happening::Raise(raise) if now < raise.until => {
                // The same cause told twice is one call, the larger one.
                match snapshot.raises.iter_mut().find(|known| known.cause == raise.cause) {
                    Some(known) if known.target >= raise.target => known.until = known.until.max(raise.until),
                    Some(known) => *known = Raise { until: known.until.max(raise.until), ..raise },
                    None => snapshot.raises.push(raise),
                }
            }
            Happening::Loss(loss) => {
                if !snapshot.losses.iter().any(|known| known.instance == loss.instance) {
                    leave_alone(snapshot, &loss, record.time);
                    snapshot.losses.push(loss);
                    snapshot.weather.lost(1);
                }
            }
            Happening::Hold(hold) if hold.is_active(now) => snapshot.holds.push(hold),
            Happening::Lift { .. } => snapshot.holds.clear(),
            Happening::Policy(change) => refuse(snapshot, change),
            Happening::Decision(_) | Happening::Ignored { .. } | Happening::Raise(_) | Happening::Hold(_) => {}
        }
        snapshot.folded.push(name);
    }
}

/// A version that a person does not want is followed no more.
fn refuse(snapshot: &mut Snapshot, change: PolicyChange) {
    let why = format!("{} does not want it: {}", change.who, change.why);
    match change.what {
        PolicyEvent::Ordered(PolicyOrder::Reject | PolicyOrder::RollBack) => {
            snapshot.policies.refused.insert(change.version, why);
        }
        PolicyEvent::Ordered(PolicyOrder::Approve) | PolicyEvent::Became(_) => {}
    }
}

/// A place that instances were taken from has no luck for a while: three minutes, and twice as long each time until half
/// an hour. Losses of one minute are one misfortune.
fn leave_alone(snapshot: &mut Snapshot, loss: &Loss, time: DateTime<Utc>) {
    let (Some(zone), Some(flavor)) = (&loss.zone, &loss.flavor) else { return };
    let exhausted = &mut snapshot.fleets.entry(loss.pool.clone()).or_default().exhausted;
    let place = exhausted.entry(format!("{zone}/{flavor}")).or_insert(Exhaustion { until: time, minutes: 0 });
    let began = place.until - TimeDelta::minutes(i64::from(place.minutes));
    if place.minutes == 0 || time - began >= TimeDelta::minutes(1) {
        place.minutes = (place.minutes * 2).clamp(SHORTEST_EXHAUSTION_MINUTES, LONGEST_EXHAUSTION_MINUTES);
        place.until = time + TimeDelta::minutes(i64::from(place.minutes));
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::model::{Hold, Order};
    use crate::records::SCHEMA_VERSION;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn record(id: &str, what: Happening) -> (String, Record) {
        let record = Record { schema: SCHEMA_VERSION, id: id.to_owned(), group: "a".to_owned(), time: now(), what };
        (crate::state::keys::record_name(&record, "test"), record)
    }

    fn raise(id: &str, target: u32) -> (String, Record) {
        let raise = Raise {
            target,
            until: now() + TimeDelta::minutes(5),
            source: "alarm".to_owned(),
            cause: "message-1".to_owned(),
            why: String::new(),
        };
        record(id, Happening::Raise(raise))
    }

    fn hold() -> Happening {
        Happening::Hold(Hold {
            order: Order::Floor(4),
            who: "ada".to_owned(),
            why: "sale".to_owned(),
            until: now() + TimeDelta::hours(1),
        })
    }

    #[test]
    fn a_record_is_folded_once_however_often_it_is_listed() {
        let mut snapshot = Snapshot::empty(now(), Vec::new());
        for _ in 0..3 {
            fold(&mut snapshot, [record("h", hold())], now());
        }
        assert_eq!(snapshot.holds.len(), 1);
    }

    #[test]
    fn the_same_cause_told_twice_is_one_call() {
        let mut snapshot = Snapshot::empty(now(), Vec::new());
        fold(&mut snapshot, [raise("1", 5), raise("2", 7), raise("3", 6)], now());
        assert_eq!(snapshot.raises.iter().map(|raise| raise.target).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn lifting_ends_the_orders_given_before_and_not_those_given_after() {
        let mut snapshot = Snapshot::empty(now(), Vec::new());
        let lift = Happening::Lift { who: "ada".to_owned() };
        fold(&mut snapshot, [record("1", hold()), record("2", lift), record("3", hold())], now());
        assert_eq!(snapshot.holds.len(), 1);
    }

    #[test]
    fn a_place_that_loses_is_left_alone_ever_longer_and_losses_of_a_minute_are_one() {
        let mut snapshot = Snapshot::empty(now(), Vec::new());
        let mut lose = |id: &str, seconds: i64| {
            let loss = Loss {
                pool: "spot".to_owned(),
                instance: id.to_owned(),
                zone: Some("z1".to_owned()),
                flavor: Some("f1".to_owned()),
                ends: None,
                cause: id.to_owned(),
            };
            let (name, mut record) = record(id, Happening::Loss(loss));
            record.time = now() + TimeDelta::seconds(seconds);
            fold(&mut snapshot, [(name, record)], now());
            snapshot.fleets["spot"].exhausted["z1/f1"].minutes
        };
        assert_eq!([lose("a", 0), lose("b", 30), lose("c", 200), lose("d", 600)], [3, 3, 6, 12]);
        assert_eq!([lose("e", 1400), lose("f", 3000), lose("f", 9000)], [24, 30, 30]);
    }

    #[test]
    fn what_has_expired_is_not_taken_in() {
        let mut snapshot = Snapshot::empty(now(), Vec::new());
        fold(&mut snapshot, [raise("1", 5), record("2", hold())], now() + TimeDelta::days(1));
        assert!(snapshot.raises.is_empty() && snapshot.holds.is_empty());
    }
}
