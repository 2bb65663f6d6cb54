use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;

use super::*;
use crate::engine::EngineState;
use crate::model::{EngineKind, Expected, InForce, SignalKind, Tunables, Worst, basis};
use crate::state::keys;
use crate::state::policies::{FittedModel, write_course, write_model};
use crate::tune::tests::group;

const WORST: Worst = Worst { price_of_work: 1.6, late_share: 0.01 };

fn store() -> Store {
    Store::new(Arc::new(InMemory::new()), Path::default())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_040, 0).unwrap()
}

fn tracking() -> Tunables {
    Tunables { engine: EngineKind::TargetTracking, cooldown_period: None, ..Tunables::of(&group()) }
}

fn in_force_since(version: &str, watched: bool) -> InForce {
    InForce {
        version: version.to_owned(),
        tunables: tracking(),
        since: now(),
        watched_until: watched.then(|| now() + TimeDelta::hours(24)),
        expected: Expected { window: WORST, early: Some(WORST) },
    }
}

fn course() -> Course {
    Course {
        schema: SCHEMA_VERSION,
        written: now(),
        basis: basis(&group()),
        last_round: None,
        active: Some(in_force_since("a", true)),
        previous: None,
        shadow: None,
        shadow_takes_effect: false,
    }
}

fn snapshot() -> Snapshot {
    let names = group().signals.iter().map(|signal| signal.name.clone()).collect();
    Snapshot { policy: CONFIG_VERSION.to_owned(), ..Snapshot::empty(now(), names) }
}

async fn look(store: &Store, snapshot: &mut Snapshot, minutes: i64) -> Vec<String> {
    let mut problems = Vec::new();
    look_up(store, &group(), snapshot, now() + TimeDelta::minutes(minutes), soon(), &mut problems).await;
    problems
}

#[tokio::test]
async fn a_version_in_force_decides_and_is_looked_up_only_now_and_then() {
    let (store, mut snapshot) = (store(), snapshot());
    write_course(&store, "inference", &course(), soon()).await.unwrap();
    assert_eq!(look(&store, &mut snapshot, 0).await, [""; 0]);
    assert_eq!(snapshot.policy, "a");
    assert_eq!(snapshot.policies.in_force(&group()).policy.engine, EngineKind::TargetTracking);
    let calls = store.calls();
    look(&store, &mut snapshot, 9).await;
    assert_eq!(store.calls(), calls);
    look(&store, &mut snapshot, 10).await;
    assert_eq!(store.calls(), calls + 1);
}

#[tokio::test]
async fn without_versions_the_configured_policy_decides_and_nothing_is_wrong() {
    let (store, mut snapshot) = (store(), snapshot());
    assert_eq!(look(&store, &mut snapshot, 0).await, [""; 0]);
    assert_eq!((snapshot.policy.as_str(), &snapshot.policies.trouble), ("config", &None));
    assert_eq!(snapshot.policies.in_force(&group()), group());
}

#[tokio::test]
async fn what_cannot_be_followed_gives_way_to_the_configured_policy_and_is_told() {
    let senseless = Tunables { target_utilisation: -1.0, ..tracking() };
    let nonsense = Course { active: Some(InForce { tunables: senseless, ..in_force_since("a", false) }), ..course() };
    let newer = Course { schema: SCHEMA_VERSION + 1, ..course() };
    let whole = serde_json::to_vec(&course()).unwrap();
    let cases = [
        ("torn", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("no JSON", b"\xff\xfe".to_vec()),
        ("another form", b"{\"schema\":1}".to_vec()),
        ("newer", serde_json::to_vec(&newer).unwrap()),
        ("nonsense", serde_json::to_vec(&nonsense).unwrap()),
    ];
    for (case, bytes) in cases {
        let (store, mut snapshot) = (store(), snapshot());
        write_course(&store, "inference", &course(), soon()).await.unwrap();
        look(&store, &mut snapshot, 0).await;
        store.put(&keys::course("inference"), bytes, soon()).await.unwrap();
        let problems = look(&store, &mut snapshot, 10).await;
        assert!(
            problems.iter().any(|problem| problem.contains("the configured policy decides")),
            "{case} {problems:?}"
        );
        assert_eq!(snapshot.policy, "config", "{case}");
        assert!(snapshot.policies.trouble.is_some(), "{case}: nothing is lowered meanwhile");
        write_course(&store, "inference", &course(), soon()).await.unwrap();
        look(&store, &mut snapshot, 20).await;
        assert_eq!((snapshot.policy.as_str(), &snapshot.policies.trouble), ("a", &None), "{case}");
    }
}

#[tokio::test]
async fn when_the_object_is_gone_nothing_is_lowered_until_that_is_known_for_sure() {
    let (store, mut snapshot) = (store(), snapshot());
    write_course(&store, "inference", &course(), soon()).await.unwrap();
    look(&store, &mut snapshot, 0).await;
    store.delete(&keys::course("inference"), soon()).await.unwrap();
    look(&store, &mut snapshot, 10).await;
    assert_eq!(snapshot.policy, "config");
    assert!(snapshot.policies.trouble.is_some());
    look(&store, &mut snapshot, 20).await;
    assert_eq!(snapshot.policies.trouble, None);
}

#[tokio::test]
async fn a_changed_configuration_wins_over_every_version() {
    let (store, mut snapshot) = (store(), snapshot());
    write_course(&store, "inference", &Course { basis: "another".to_owned(), ..course() }, soon()).await.unwrap();
    assert_eq!(look(&store, &mut snapshot, 0).await, [""; 0]);
    assert_eq!(snapshot.policy, "config");
}

#[tokio::test]
async fn a_version_that_is_worse_than_expected_is_followed_no_more() {
    let (store, mut snapshot) = (store(), snapshot());
    write_course(&store, "inference", &course(), soon()).await.unwrap();
    look(&store, &mut snapshot, 0).await;
    let until = (0..200).find(|minute| is_worse_at(&group(), &mut snapshot, *minute));
    assert_eq!(until, Some(74), "an hour after what it has inherited");
    look(&store, &mut snapshot, 80).await;
    assert_eq!(snapshot.policy, "config");
    assert!(snapshot.policies.refused["a"].contains("was late"));
}

/// Watches a minute in which all work was late.
fn is_worse_at(group: &Group, snapshot: &mut Snapshot, minute: i64) -> bool {
    is_worse_under(group, snapshot, minute, false)
}

fn is_worse_under(group: &Group, snapshot: &mut Snapshot, minute: i64, is_ordered: bool) -> bool {
    let late = Sample {
        minute: Minute::containing(now()) + minute,
        serving: Some(10),
        total: Some(10),
        values: vec![Some(90.0), None, Some(9_000.0), None, None],
    };
    watch(group, snapshot, &[late], is_ordered, now() + TimeDelta::minutes(minute)).is_some()
}

#[tokio::test]
async fn a_version_is_not_judged_by_a_size_that_is_not_its_doing() {
    let (store, mut snapshot) = (store(), snapshot());
    write_course(&store, "inference", &course(), soon()).await.unwrap();
    look(&store, &mut snapshot, 0).await;
    let observing = Group { mode: Mode::Observe, ..group() };
    assert!((0..200).all(|minute| !is_worse_at(&observing, &mut snapshot, minute)));
    assert!((200..400).all(|minute| !is_worse_under(&group(), &mut snapshot, minute, true)));
    assert_eq!((400..600).find(|minute| is_worse_at(&group(), &mut snapshot, *minute)), Some(399 + 15 + 59));
}

#[tokio::test]
async fn a_group_without_utilisation_is_watched_by_its_rate_and_capacity() {
    let (store, mut snapshot) = (store(), snapshot());
    let mut group = group();
    group.signals.retain(|signal| signal.kind != SignalKind::Utilisation);
    group.policy.instance_capacity = Some(10.0);
    let rate = group.signals.iter().position(|signal| signal.kind == SignalKind::RatePerSecond).unwrap();
    let mut sample =
        Sample { minute: Minute(0), serving: Some(4), total: Some(4), values: vec![None; group.signals.len()] };
    sample.values[rate] = Some(30.0);
    assert_eq!(group.utilisation(&sample), Some(75.0));
    let active = InForce { tunables: Tunables::of(&group), ..in_force_since("a", true) };
    let course = Course { basis: basis(&group), active: Some(active), ..course() };
    write_course(&store, "inference", &course, soon()).await.unwrap();
    let mut problems = Vec::new();
    look_up(&store, &group, &mut snapshot, now(), soon(), &mut problems).await;
    assert_eq!(snapshot.policy, "a", "{problems:?}");
    let is_worse = |minute: i64| {
        let at = Sample { minute: Minute::containing(now()) + minute, total: Some(20), ..sample.clone() };
        watch(&group, &mut snapshot, &[at], false, now() + TimeDelta::minutes(minute)).is_some()
    };
    assert!((0..200).any(is_worse), "work costs 20 / 3");
}

#[tokio::test]
async fn a_shadow_begins_with_what_was_fitted_and_goes_on_when_it_takes_effect() {
    let (store, mut snapshot) = (store(), snapshot());
    let tuned = tracking().applied_to(&group());
    let engine = EngineState::new(&tuned.policy, &tuned.signals);
    let model = FittedModel { schema: SCHEMA_VERSION, until: Minute(0), engine: engine.clone() };
    write_model(&store, "inference", "b", &model, soon()).await.unwrap();
    let shadow = Course { active: None, shadow: Some(in_force_since("b", false)), ..course() };
    write_course(&store, "inference", &shadow, soon()).await.unwrap();
    look(&store, &mut snapshot, 0).await;
    assert_eq!(snapshot.policy, "config");
    let memory = snapshot.policies.shadow.clone().unwrap();
    assert_eq!((memory.version.as_str(), memory.engine), ("b", Some(engine.clone())));

    write_course(&store, "inference", &Course { active: Some(in_force_since("b", true)), ..course() }, soon())
        .await
        .unwrap();
    look(&store, &mut snapshot, 10).await;
    assert_eq!((snapshot.policy.as_str(), &snapshot.engine), ("b", &Some(engine)));
    assert!(snapshot.policies.watch.is_some() && snapshot.policies.shadow.is_none());
}
