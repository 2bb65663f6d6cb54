//! How long instances take to start, and which are waited for in vain.

use chrono::{DateTime, Utc};

use crate::fleet::{FleetError, View};
use crate::model::{Group, Minute, Pool};
use crate::state::Snapshot;

/// Measures how long starts take: instances that serve now and did not before were asked for some time ago.
pub(super) fn note_starts(
    snapshot: &mut Snapshot,
    group: &Group,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) {
    for (pool, view) in known(group, views) {
        let Some(memory) = snapshot.fleets.get_mut(&pool.name) else { continue };
        if let Some(before) = memory.capacity.replace(view.capacity) {
            let more = view.capacity.serving.saturating_sub(before.serving);
            snapshot.starts.ready(Minute::containing(now), more);
        }
    }
    // Of a pool that could not be asked nobody knows what is on its way.
    let starting: Option<u32> = views.iter().map(|view| view.as_ref().ok().map(|view| view.capacity.starting)).sum();
    if let Some(starting) = starting {
        snapshot.starts.only_on_their_way(starting);
    }
}

/// What is waited for in vain, in words. What the cloud holds up is no slow start: it is not measured when it comes.
pub(super) fn overdue(
    snapshot: &mut Snapshot,
    group: &Group,
    views: &[Result<View, FleetError>],
    now: DateTime<Utc>,
) -> Vec<String> {
    let (minute, lead_minutes) = (Minute::containing(now), snapshot.lead_minutes(&group.scaling));
    // What the cloud says of a group may be of yesterday: it counts while something is late.
    if !snapshot.starts.are_late(minute, lead_minutes) {
        return Vec::new();
    }
    let troubled = |(pool, view): (&Pool, &View)| {
        let trouble = view.trouble.as_ref()?;
        Some(format!("pool {}: {} instances do not come: {trouble}", pool.name, view.capacity.starting))
    };
    let troubles: Vec<String> = known(group, views).filter_map(troubled).collect();
    if !troubles.is_empty() {
        snapshot.starts.blocked = true;
        return troubles;
    }
    let overdue = snapshot.starts.overdue(minute, lead_minutes).map(|(count, minutes)| {
        format!("{count} instances that were asked for up to {minutes} minutes ago do not serve yet")
    });
    overdue.into_iter().collect()
}

/// Pools that could be asked.
fn known<'a>(group: &'a Group, views: &'a [Result<View, FleetError>]) -> impl Iterator<Item = (&'a Pool, &'a View)> {
    group.pools.iter().zip(views).filter_map(|(pool, view)| Some((pool, view.as_ref().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::Capacity;

    /// What is said after so many minutes of two instances that were asked for, where starts take two minutes.
    fn said(minutes: i64, trouble: Option<&str>) -> (Vec<String>, bool) {
        let config = Config::parse(include_bytes!("../../cli/local/demo.json")).expect("a bundled configuration");
        let group = &config.groups[0];
        let now = DateTime::from_timestamp(1_790_000_040, 0).expect("a time");
        let mut snapshot = Snapshot::empty(now, Vec::new());
        snapshot.starts.minutes = [2; 5].into();
        snapshot.starts.asked(Minute::containing(now) - minutes, 2);
        let view = View {
            trouble: trouble.map(str::to_owned),
            ..View::in_a_test(Capacity { serving: 8, starting: 2 }, 0, 100)
        };
        (overdue(&mut snapshot, group, &[Ok(view)], now), snapshot.starts.blocked)
    }

    #[test]
    fn the_clouds_words_count_while_something_is_late() {
        let pool = "pool base: 2 instances do not come: sold out";
        assert_eq!(said(5, Some("sold out")), (Vec::new(), false));
        assert_eq!(said(6, Some("sold out")), (vec![pool.to_owned()], true));
    }

    #[test]
    fn without_a_word_what_takes_far_too_long_is_told() {
        let told = "2 instances that were asked for up to 11 minutes ago do not serve yet";
        assert_eq!(said(10, None), (Vec::new(), false));
        assert_eq!(said(11, None), (vec![told.to_owned()], false));
    }
}
