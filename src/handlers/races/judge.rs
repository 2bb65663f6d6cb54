//! Plays a case and holds it against what must be so.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use super::cases::{Case, Happens, Race};
use super::scheduler::{Choices, Task};
use super::world::{Fleets, MAX_INSTANCES, Wake, World};
use crate::local::Region;
use crate::records::{Happening, Record};

/// Minutes after its notice that a spot server may still make up part of a number.
const NOTICE: TimeDelta = TimeDelta::minutes(7);

/// Plays a case. Gives the number of minutes with races.
pub(super) async fn play(
    region: Arc<Region>,
    router: Router,
    fleets: Fleets,
    hedge: bool,
    case: Case,
) -> Result<usize, TestCaseError> {
    let world = World::new(&region, &router, fleets, hedge).await;
    for _ in 0..2 {
        world.minute(40.0);
        world.wake(Wake::Evaluate(0)).await;
    }
    let mut judge = Judge {
        world: &world,
        hedge,
        sent: Vec::new(),
        orders: Vec::new(),
        are_orders_unknown: false,
        notices: Vec::new(),
    };
    for (number, race) in case.minutes.iter().enumerate() {
        judge.minute(number, race).await?;
    }
    judge.nothing_is_lost().await?;
    Ok(case.minutes.len())
}

struct Judge<'a> {
    world: &'a World,
    hedge: bool,
    /// Events that may come again.
    sent: Vec<Wake>,
    /// Orders of people that are in force.
    orders: Vec<Happens>,
    /// An order may have been given or not: the function ended in the middle.
    are_orders_unknown: bool,
    /// When spot servers had their notice.
    notices: Vec<DateTime<Utc>>,
}

impl Judge<'_> {
    async fn minute(&mut self, number: usize, race: &Race) -> Result<(), TestCaseError> {
        let world = self.world;
        world.minute(f64::from(race.load));
        world.store.set_lagging(race.lags);
        let before: BTreeSet<String> = world.store.records().into_keys().collect();
        let had_orders = self.rules();
        let wakes: Vec<Wake> =
            race.events.iter().enumerate().flat_map(|(event, it)| self.wakes(number, event, *it)).collect();
        let began_with = world.pools(false);
        let answers: RefCell<Vec<(usize, Value)>> = RefCell::default();
        let tasks: Vec<Task<'_>> = wakes
            .iter()
            .enumerate()
            .map(|(index, wake)| -> Task<'_> {
                let answers = &answers;
                Box::pin(async move {
                    world.scheduler.turn().await;
                    if let Some(answer) = world.wake(wake.clone()).await {
                        answers.borrow_mut().push((index, answer));
                    }
                })
            })
            .collect();
        let crash = race.crash.map(|(task, step)| (task % tasks.len(), step));
        let mut peak = world.total();
        let mut choices = Choices::new(&race.steps);
        world.scheduler.run(tasks, &mut choices, crash, || peak = peak.max(world.total())).await;
        let answers = answers.into_inner();
        let has_ended = |index: usize| answers.iter().any(|(ended, _)| *ended == index);
        self.are_orders_unknown |=
            wakes.iter().enumerate().any(|(index, wake)| matches!(wake, Wake::Console(_)) && !has_ended(index));
        let evaluate_crashed =
            wakes.iter().enumerate().any(|(index, wake)| matches!(wake, Wake::Evaluate(_)) && !has_ended(index));

        let changed = world.store.changed_records();
        prop_assert!(changed.is_empty(), "records were changed: {changed:#?}");
        self.not_too_many(peak, began_with, &before, &answers, &wakes)?;
        if evaluate_crashed || race.lags {
            world.store.set_lagging(false);
            world.wake(Wake::Evaluate(0)).await;
        }
        // A call for more holds from when it was answered; one that was only recorded from the next evaluation on.
        let answered: Vec<String> = answers.iter().flat_map(|(_, answer)| records(answer)).collect();
        self.not_too_few(&before, &answered, had_orders || self.rules(), number)?;
        Ok(())
    }

    /// Whether an order of a person may win over calls for more.
    fn rules(&self) -> bool {
        self.are_orders_unknown || self.orders.iter().any(|order| matches!(order, Happens::Pin(_) | Happens::Pause))
    }

    /// What an event wakes.
    fn wakes(&mut self, minute: usize, event: usize, happens: Happens) -> Vec<Wake> {
        let world = self.world;
        let wakes = match happens {
            Happens::Timer(instance) => return vec![Wake::Evaluate(instance)],
            Happens::Again(which) => {
                return self.sent.get(which % self.sent.len().max(1)).cloned().into_iter().collect();
            }
            Happens::Alarm(value) => vec![Wake::Alarm(world.alarm(&format!("message-{minute}-{event}"), value))],
            Happens::Reclaim { zone, count } => world.lose(zone, count).into_iter().map(Wake::Reclaim).collect(),
            Happens::Floor(floor) => return self.order(happens, json!({"floor": floor})),
            Happens::Pin(number) => return self.order(happens, json!({"pin": number})),
            Happens::Pause => return self.order(happens, json!("pause_all")),
            Happens::Lift => {
                self.orders.clear();
                return vec![Wake::Console(world.request("DELETE", json!({"who": "ada"}), &Value::Null))];
            }
        };
        if matches!(happens, Happens::Reclaim { .. }) {
            self.notices.extend(wakes.iter().map(|_| world.now()));
        }
        self.sent.extend(wakes.iter().cloned());
        wakes
    }

    fn order(&mut self, happens: Happens, order: Value) -> Vec<Wake> {
        self.orders.push(happens);
        vec![Wake::Console(self.world.order(order, 60))]
    }

    /// Spot servers that may be there beside those that stand in for them.
    fn going(&self) -> u32 {
        self.notices.iter().filter(|notice| self.world.now() - **notice <= NOTICE).count() as u32
    }

    /// Never more than the limit, and in no pool more than somebody asked for. While an evaluation moves instances from one
    /// pool to another both are there for a moment.
    fn not_too_many(
        &self,
        peak: u32,
        began_with: [u32; 2],
        before: &BTreeSet<String>,
        answers: &[(usize, Value)],
        wakes: &[Wake],
    ) -> Result<(), TestCaseError> {
        let most = if self.hedge { 2 * MAX_INSTANCES } else { MAX_INSTANCES };
        let going = self.going();
        let records = self.world.store.records();
        let new = records.iter().filter(|(name, _)| !before.contains(*name) && name.contains("-evaluate-"));
        let decisions = new.map(|(_, bytes)| serde_json::from_slice::<Value>(bytes).unwrap());
        let asked: Vec<Value> = decisions.chain(answers.iter().map(|(_, answer)| answer.clone())).collect();
        let (left, moved) = (self.world.total(), moved(&asked));
        prop_assert!(
            left <= most + going && peak <= most + going + moved,
            "{left} instances, {peak} before, of at most {most} and {going} going, from {began_with:?} to {:?}; {}",
            self.world.pools(true),
            told(&asked)
        );
        if answers.len() < wakes.len() {
            // What a function asked for that ended in the middle is not known.
            return Ok(());
        }
        for ((pool, now), began) in ["base", "spot"].into_iter().zip(self.world.pools(false)).zip(began_with) {
            let most = asked.iter().flat_map(|asked| requests(asked, pool)).max().unwrap_or(0);
            let told: Vec<Value> = asked.iter().map(|asked| asked.get("actions").unwrap_or(asked).clone()).collect();
            prop_assert!(now <= most.max(began), "pool {pool} has {now}, {most} were asked for; {told:?} {wakes:?}");
        }
        Ok(())
    }

    /// The calls for more that are in force, from records of these names: cause, target, source.
    fn raises(&self, counts: impl Fn(&str) -> bool) -> Vec<(String, u32, String)> {
        let records = self.world.store.records();
        let read = |(name, bytes): (String, bytes::Bytes)| {
            if !counts(&name) || name.contains("-evaluate-") {
                return None;
            }
            let record: Record = serde_json::from_slice(&bytes).unwrap();
            match record.what {
                Happening::Raise(raise) => Some(raise),
                _ => None,
            }
        };
        let now = self.world.now();
        let in_force = records.into_iter().filter_map(read).filter(|raise| {
            // A reclaim's number holds those that are going, as long as they are there.
            let margin = if raise.source == "reclaim" { TimeDelta::minutes(1) } else { TimeDelta::zero() };
            now < raise.until - margin
        });
        in_force.map(|raise| (raise.cause, raise.target, raise.source)).collect()
    }

    /// Never fewer than what is called for.
    fn not_too_few(
        &self,
        before: &BTreeSet<String>,
        answered: &[String],
        a_person_rules: bool,
        number: usize,
    ) -> Result<(), TestCaseError> {
        if a_person_rules {
            return Ok(());
        }
        let mut called = self.raises(|name| before.contains(name));
        called.extend(self.raises(|name| answered.iter().any(|answered| name.ends_with(answered.as_str()))));
        let total = self.world.total();
        for (cause, target, source) in called {
            let target = target.min(MAX_INSTANCES);
            prop_assert!(
                total >= target,
                "minute {number}: {total} instances ({:?}), {source} {cause} calls for {target}",
                self.world.pools(true),
            );
        }
        Ok(())
    }

    /// What was recorded is known to a later evaluation.
    async fn nothing_is_lost(&self) -> Result<(), TestCaseError> {
        let world = self.world;
        world.store.set_lagging(false);
        world.minute(40.0);
        world.wake(Wake::Evaluate(1)).await;
        let (now, snapshot) = (world.now(), world.snapshot().await);
        for (key, bytes) in world.store.records() {
            let record: Record = serde_json::from_slice(&bytes).unwrap();
            let is_known = match &record.what {
                Happening::Raise(raise) if now < raise.until => {
                    snapshot.raises.iter().any(|known| known.cause == raise.cause && known.target >= raise.target)
                }
                Happening::Loss(loss) => snapshot.losses.iter().any(|known| known.instance == loss.instance),
                _ => true,
            };
            prop_assert!(is_known, "{key} is lost: {:?}", record.what);
        }
        if self.are_orders_unknown {
            return Ok(());
        }
        prop_assert_eq!(snapshot.holds.len(), self.orders.len(), "orders of people are lost or were not lifted");
        Ok(())
    }
}

/// Names of the records that keep the calls that an answer tells of.
fn records(answer: &Value) -> Vec<String> {
    let list = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let entries = ["raised", "replaced"].into_iter().flat_map(list);
    entries.filter_map(|entry| Some(entry["record"].as_str()?.to_owned())).collect()
}

/// How many instances evaluations meant to give back, by what they recorded.
fn moved(asked: &[Value]) -> u32 {
    let mut most: BTreeMap<String, u64> = BTreeMap::new();
    for plan in asked.iter().filter_map(|asked| asked["plan"].as_array()).flatten() {
        let given_back = plan["current"].as_u64().unwrap_or(0).saturating_sub(plan["target"].as_u64().unwrap_or(0));
        let pool = most.entry(plan["pool"].to_string()).or_default();
        *pool = given_back.max(*pool);
    }
    u32::try_from(most.values().sum::<u64>()).unwrap_or(u32::MAX)
}

/// What was asked for, in short.
fn told(asked: &[Value]) -> String {
    let told = asked.iter().map(|asked| match asked.get("actions").filter(|_| asked.get("replaced").is_none()) {
        Some(actions) => format!("an evaluation: {actions}"),
        None => asked.to_string(),
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The numbers of a pool that actions ask for, anywhere in an answer or a record: `12 instead of 10 instances`.
fn requests(told: &Value, pool: &str) -> Vec<u32> {
    match told {
        Value::Array(items) => items.iter().flat_map(|item| requests(item, pool)).collect(),
        Value::Object(fields) if fields.contains_key("request") => {
            let number = || fields["request"].as_str()?.split(' ').next()?.parse().ok();
            if fields["pool"] == pool { number().into_iter().collect() } else { Vec::new() }
        }
        Value::Object(fields) => fields.values().flat_map(|field| requests(field, pool)).collect(),
        _ => Vec::new(),
    }
}
