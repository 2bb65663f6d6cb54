//! Plays an afternoon, or a day, with a fault in it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use flexus_autoscaler::clients::Credentials;
use flexus_autoscaler::config::{AdviserMode, Config};
use flexus_autoscaler::functiongraph::Invocation;
use flexus_autoscaler::handlers::evaluate::Evaluate;
use flexus_autoscaler::handlers::{reclaim, tune};
use flexus_autoscaler::local::play::{BUCKET, Play, PlaySettings};
use flexus_autoscaler::local::store::{Store, StoreFaults};
use flexus_autoscaler::local::{EventTrigger, PlayedMinute, Region, RegionSettings};
use flexus_autoscaler::model::{EngineKind, FleetSource, Minute};
use flexus_autoscaler::records::{Happening, Raise, Record, SCHEMA_VERSION, explain};
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use flexus_autoscaler::state::{Snapshot, keys};
use serde_json::json;
use tower::ServiceExt as _;

use super::count::{Counted, CountedStore, Met};
use super::drill::{Circumstances, Drill, Fleet, Form, Script, Ticks, Told};
use super::kept::kept;
use super::measure::{Measured, STEADY_MINUTES};
use super::past;

const GROUP: &str = "inference";
/// Utilisation at which the mean load needs [`Settings::mean_instances`].
const COMFORTABLE_UTILISATION: f64 = 0.6;
/// What the spot servers of [`Fleet::Spot`] are ...
pub(super) const SPOT_FLAVOR: &str = "c7.xlarge.2";
/// ... and what its instances on demand are, and those of [`Fleet::Group`].
pub(super) const ON_DEMAND_FLAVOR: &str = "c7.large.2";
/// How long the call for more holds that each drill plants, to see that it is taken in.
const PLANTED_FOR: TimeDelta = TimeDelta::hours(1);
/// Minutes into a fault at which it is planted.
const PLANTED_AT: i64 = 3;
/// A minute's load shows so many minutes later, where nothing is wrong.
const VISIBLE_AFTER_MINUTES: usize = 2;
/// Minutes between two rounds of tuning, where a drill has them.
const TUNED_EVERY: i64 = 10;
/// How long a round may take.
const TUNING_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct NoStoreFaults;

impl StoreFaults for NoStoreFaults {}

/// A region, its store, and the functions.
pub(super) struct Stage {
    play: Play,
    evaluate: Evaluate,
    credentials: Credentials,
    fleet: Fleet,
    pub(super) timeout: Duration,
    asked: u64,
    invocations: u32,
    failed: u32,
    error: Option<String>,
    /// An event that is held back.
    held_back: Option<DateTime<Utc>>,
    /// How often what goes wrong was met.
    pub(super) met: Met,
}

impl Stage {
    pub(super) async fn set(fleet: Fleet, first: usize, minutes: usize) -> Self {
        let mut trace = demo_trace(Window::default()).expect("the bundled day");
        // An instance is worth the same whatever part of the day is played.
        let mean = trace.load.iter().sum::<f64>() / trace.load.len() as f64;
        let circumstances = Settings::default();
        let capacity = Some(mean / (circumstances.mean_instances * COMFORTABLE_UTILISATION));
        trace.load = trace.load.iter().copied().cycle().skip(first).take(minutes).collect();
        trace.start = trace.start + first as i64;
        let text = match fleet {
            Fleet::Group | Fleet::Tracked => include_str!("../../src/cli/local/demo.json"),
            Fleet::Spot => include_str!("../../src/cli/local/demo-spot.json"),
        };
        let mut config = Config::parse(text.as_bytes()).expect("a bundled configuration");
        config.deepseek.mode = AdviserMode::Apply;
        if fleet == Fleet::Tracked {
            config.groups[0].policy.engine = EngineKind::TargetTracking;
        }
        for pool in &mut config.groups[0].pools {
            if let FleetSource::Ecs(source) = &mut pool.fleet {
                source.zones = RegionSettings::default().zones;
                source.load_balancer_pool_id = Some("of-this-group".to_owned());
                source.instance_template.protocol_port = Some(8080);
                source.instance_template.flavors = vec![SPOT_FLAVOR.to_owned()];
            }
        }
        config.notify.topic_urn = Some("urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:people".to_owned());
        let settings = PlaySettings::new(config, trace, Settings { capacity, ..circumstances });
        let play = Play::start(settings).await.expect("a stage");
        let evaluate = Evaluate::new(play.environment()).expect("an environment to work in");
        let credentials = play.region().settings().agency.clone();
        Self {
            play,
            evaluate,
            credentials,
            fleet,
            timeout: Duration::from_secs(20),
            asked: 0,
            invocations: 0,
            failed: 0,
            error: None,
            held_back: None,
            met: Met::default(),
        }
    }

    /// From now on a fault strikes.
    pub(super) fn strike(&mut self, drill: &Drill, script: &Script) {
        self.timeout = drill.timeout;
        if let Some(faults) = &script.calls {
            self.region().set_faults(Arc::new(Counted(Arc::clone(faults), self.met.clone())));
        }
        if let Some(faults) = &script.store {
            self.store().set_faults(Arc::new(CountedStore(Arc::clone(faults), self.met.clone())));
        }
    }

    pub(super) fn region(&self) -> &Arc<Region> {
        self.play.region()
    }

    pub(super) fn store(&self) -> &Store {
        self.play.store()
    }

    /// Another process takes over: it knows nothing but what lies in the store.
    pub(super) fn restart(&mut self) {
        self.evaluate = Evaluate::new(self.play.environment()).expect("an environment to work in");
    }

    /// Key of the group's snapshot in the bucket.
    pub(super) const SNAPSHOT: &'static str = "groups/inference/snapshot.json";

    /// Changes the snapshot past the functions. The next event meets a process that has just started.
    pub(super) fn damage_snapshot(&mut self, damage: impl FnOnce(&str) -> String) {
        let whole = self.store().object(BUCKET, Self::SNAPSHOT);
        let text = whole.map(|object| String::from_utf8_lossy(&object.content).into_owned()).unwrap_or_default();
        self.store().put(BUCKET, Self::SNAPSHOT, damage(&text)).expect("a bucket");
        self.met.note();
        self.restart();
    }

    /// From now on the region and the store let in the keys of the agency, or nobody.
    pub(super) fn let_agency_in(&mut self, region: bool, store: bool) {
        let settings = self.region().settings().clone();
        let other = Credentials::new("OTHERKEY0000000000001", "another-secret", None);
        let keys = |inside: bool| if inside { vec![settings.agency.clone()] } else { vec![other.clone()] };
        self.region().set_keys(keys(region));
        self.store().set_keys(keys(store));
    }

    fn invocation(&mut self, time: DateTime<Utc>) -> Invocation {
        self.asked += 1;
        let event = json!({
            "version": "v1.0", "time": time.to_rfc3339_opts(SecondsFormat::Secs, true),
            "trigger_type": "TIMER", "trigger_name": "every-minute", "user_event": "",
        });
        Invocation {
            event: event.to_string().into(),
            request_id: format!("request-{}", self.asked),
            invoke_type: Default::default(),
            credentials: Some(self.credentials.clone()),
            deadline: tokio::time::Instant::now() + self.timeout,
        }
    }

    async fn tick(&mut self, time: DateTime<Utc>) {
        let invocation = self.invocation(time);
        let answer = self.evaluate.handle(invocation).await;
        self.note(answer.err().map(|error| error.to_string()));
    }

    fn note(&mut self, error: Option<String>) {
        self.invocations += 1;
        if let Some(error) = error {
            self.failed += 1;
            self.error.get_or_insert(error);
        }
    }

    /// The timer's events of this minute, as the fault has them.
    async fn wake(&mut self, ticks: Ticks, since: i64) {
        let now = self.region().now().start();
        if ticks != Ticks::Regular {
            self.met.note();
        }
        match ticks {
            Ticks::Regular => self.tick(now).await,
            Ticks::Twice => {
                self.tick(now).await;
                self.tick(now).await;
            }
            Ticks::AtOnce => {
                let other = Evaluate::new(self.play.environment()).expect("an environment to work in");
                let (one, two) = (self.invocation(now), self.invocation(now));
                let (one, two) = futures::future::join(self.evaluate.handle(one), other.handle(two)).await;
                self.note(one.err().map(|error| error.to_string()));
                self.note(two.err().map(|error| error.to_string()));
            }
            Ticks::Late => {
                self.tick(now).await;
                self.tick(now - TimeDelta::minutes(10)).await;
            }
            Ticks::Swapped => match self.held_back.take() {
                None => self.held_back = Some(now),
                Some(earlier) => {
                    self.tick(now).await;
                    self.tick(earlier).await;
                }
            },
            Ticks::None => {}
            Ticks::EveryOther if since % 2 == 0 => self.tick(now).await,
            Ticks::EveryOther => {}
            Ticks::Killed => {
                let invocation = self.invocation(now);
                killed_after(2 * since as u32 + 1, self.evaluate.handle(invocation)).await;
                self.restart();
                self.tick(now).await;
            }
            Ticks::Cold => {
                self.restart();
                self.tick(now).await;
            }
            Ticks::Skewed(minutes) => self.tick(now + TimeDelta::minutes(minutes)).await,
        }
    }

    /// Hands over what the region wants to tell the function `reclaim`.
    async fn tell_reclaims(&mut self) {
        for event in self.region().take_events() {
            if event.trigger != EventTrigger::Trace || self.fleet != Fleet::Spot {
                continue;
            }
            self.met.note();
            let now = self.region().now().start();
            let invocation = Invocation { event: event.event.to_string().into(), ..self.invocation(now) };
            let answer = reclaim::service(self.play.environment()).oneshot(invocation).await;
            self.note(answer.err().map(|error| error.to_string()));
        }
    }

    /// Writes two days of the group's past, so that there is something to tune on.
    async fn remember_past(&self) {
        for (key, content) in past::days(&self.play, GROUP).await {
            self.store().put(BUCKET, &key, content).expect("a bucket");
        }
    }

    /// Wakes the function `tune` to look for better policies at once.
    async fn tune(&mut self) {
        let time = self.region().now().start();
        let event = json!({"action": "tune", "groups": [GROUP], "time": time.to_rfc3339()});
        let deadline = tokio::time::Instant::now() + TUNING_TIMEOUT;
        let invocation = Invocation { event: event.to_string().into(), deadline, ..self.invocation(time) };
        let answer = tune::service(self.play.environment()).oneshot(invocation).await;
        self.note(answer.err().map(|error| error.to_string()));
    }

    /// Writes a call for more that asks for nothing, as an alarm would. Gives its cause.
    fn plant(&self) -> String {
        let time = self.region().now().start();
        let raise = Raise {
            target: 1,
            until: time + PLANTED_FOR,
            source: "alarm".to_owned(),
            cause: format!("drill of {time}"),
            why: "a drill".to_owned(),
        };
        let (group, id) = (GROUP.to_owned(), format!("planted{}", time.timestamp()));
        let cause = raise.cause.clone();
        let record = Record { schema: SCHEMA_VERSION, id, group, time, what: Happening::Raise(raise) };
        let key = format!("{}/{}", keys::records(GROUP), keys::record_name(&record, "alarm"));
        self.store().put(BUCKET, &key, serde_json::to_vec(&record).expect("JSON")).expect("a bucket");
        cause
    }

    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        let object = self.store().object(BUCKET, Self::SNAPSHOT)?;
        serde_json::from_slice(&object.content).ok()
    }

    /// Leaves what lies in the store in a folder, for people who look.
    pub(super) fn leave(&self, folder: &std::path::Path) {
        for key in self.store().keys(BUCKET, "") {
            let (path, object) = (folder.join(&key), self.store().object(BUCKET, &key).expect("a listed object"));
            std::fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a folder");
            std::fs::write(path, object.content).expect("a file");
        }
    }

    pub(super) async fn stop(self) {
        self.play.stop().await;
    }
}

/// Works on something and drops it when it has been woken so many times: what a killed process leaves behind.
async fn killed_after<F: Future>(wakes: u32, work: F) {
    let mut work = pin!(work);
    let mut left = wakes;
    std::future::poll_fn(|context| {
        if left == 0 || work.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

/// What happened minute by minute.
#[derive(Default)]
pub(super) struct Watch {
    /// Instances after each minute's decisions.
    pub(super) totals: Vec<u32>,
    /// Minutes in which the functions changed the number of instances.
    changed: Vec<Minute>,
    pub(super) removed_wrongly: u32,
    pub(super) removals: Vec<String>,
    /// Causes of calls for more that were planted and not heard yet.
    unheard: Vec<String>,
    failed_outside: u32,
    /// Load of the minutes so far.
    loads: Vec<f64>,
}

impl Watch {
    /// Plays one minute: what goes wrong, the events, then the load. `fault` is the script and the minutes since it began,
    /// `None` when nothing is wrong. `told` is what the functions have seen, `twin` the size that the twin has.
    pub(super) async fn minute(
        &mut self,
        stage: &mut Stage,
        fault: Option<(&Script, i64)>,
        told: Told,
        twin: Option<u32>,
    ) -> Option<PlayedMinute> {
        let failed = stage.failed;
        let now = stage.region().now();
        if let Some((script, since)) = fault {
            if since % (24 * 60) == PLANTED_AT {
                self.unheard.push(stage.plant());
            }
            (script.each_minute)(stage, since);
            if script.tunes && since == 0 {
                stage.remember_past().await;
            }
            if script.tunes && since % TUNED_EVERY == TUNED_EVERY / 2 {
                stage.tune().await;
            }
        }
        let before = stage.region().capacity(0).total();
        stage.tell_reclaims().await;
        if !self.totals.is_empty() {
            match fault {
                Some((script, since)) => stage.wake(script.ticks, since).await,
                None => stage.wake(Ticks::Regular, 0).await,
            }
        }
        let after = stage.region().capacity(0).total();
        if before != after {
            self.changed.push(now);
        }
        if fault.is_none() {
            self.failed_outside += stage.failed - failed;
        }
        self.totals.push(after);
        if !self.unheard.is_empty()
            && let Some(snapshot) = stage.snapshot()
        {
            self.unheard.retain(|cause| !snapshot.raises.iter().any(|raise| raise.cause == *cause));
        }
        let played = stage.play.pass()?;
        let capacity = stage.region().settings().workloads[0].model.capacity_per_second;
        let visible = self.loads.len().checked_sub(VISIBLE_AFTER_MINUTES).map_or(0.0, |at| self.loads[at]);
        let cannot_carry = f64::from(after) * capacity < visible;
        self.loads.push(played.load_per_second);
        let wrong = match told {
            _ if cannot_carry => Some("too few stay".to_owned()),
            Told::Truth => None,
            Told::Less => Some("without fresh and complete data".to_owned()),
            Told::Lies => twin.filter(|twin| after < *twin).map(|twin| format!("its twin keeps {twin}")),
        };
        if after < before
            && let Some(why) = wrong
        {
            self.removed_wrongly += before - after;
            self.removals.push(format!("{now}: {before} -> {after}, {why}"));
        }
        Some(played)
    }

    /// What is wrong with the records.
    pub(super) fn lost_records(&self, stage: &Stage) -> Vec<String> {
        let mut lost = Vec::new();
        let mut told: BTreeSet<Minute> = BTreeSet::new();
        for (key, record) in kept(stage.store(), GROUP) {
            match record {
                Err(error) => lost.push(format!("{key}: {error}")),
                Ok(record) => {
                    told.insert(Minute::containing(record.time));
                    if let Happening::Decision(decision) = record.what
                        && let Err(error) = explain::check(&decision)
                    {
                        lost.push(format!("{key}: {error}"));
                    }
                }
            }
        }
        // An event's time may be a few minutes off, its record is that of its own time.
        let near = |minute: &Minute| (-5..=5).any(|off| told.contains(&(*minute + off)));
        lost.extend(self.changed.iter().filter(|minute| !near(minute)).map(|minute| format!("the change of {minute}")));
        lost.extend(self.unheard.iter().map(|cause| format!("the call for more that was recorded during the {cause}")));
        lost
    }
}

/// An afternoon or a day in which nothing goes wrong.
pub(super) struct Twin {
    pub(super) fleet: Fleet,
    pub(super) totals: Vec<u32>,
    /// HTTP calls of an evaluation, on average.
    pub(super) calls: f64,
    played: Vec<PlayedMinute>,
}

impl Twin {
    pub(super) async fn of(fleet: Fleet, form: Form, minutes: usize) -> Self {
        let mut stage = Stage::set(fleet, form.first(), minutes).await;
        let mut watch = Watch::default();
        for _ in 0..minutes {
            watch.minute(&mut stage, None, Told::Truth, None).await;
        }
        assert_eq!(stage.failed, 0, "{:?}", stage.error);
        assert_eq!(watch.removed_wrongly, 0, "{:?}", watch.removals);
        let lost = watch.lost_records(&stage);
        assert!(lost.is_empty(), "{lost:?}");
        let played = stage.region().outcomes(0);
        let calls = (stage.region().calls().total() + stage.store().calls()) as f64 / f64::from(stage.invocations);
        stage.stop().await;
        Self { fleet, totals: watch.totals, calls, played }
    }

    pub(super) fn in_slo(&self) -> f64 {
        in_slo(&self.played)
    }
}

pub(super) fn in_slo(played: &[PlayedMinute]) -> f64 {
    let arrived: f64 = played.iter().map(|minute| minute.outcome.arrived).sum();
    1.0 - played.iter().map(|minute| minute.outcome.late).sum::<f64>() / arrived
}

/// Plays a drill.
pub(super) async fn play(drill: &Drill, form: Form, twin: &Twin) -> Measured {
    let minutes = form.minutes(drill);
    let mut stage = Stage::set(drill.fleet, form.first(), minutes).await;
    let begins = form.before() - drill.earlier;
    let ends = begins + drill.minutes;
    let start = stage.region().now();
    let circumstances =
        Circumstances { region: Arc::clone(stage.region()), begins: start + begins as i64, ends: start + ends as i64 };
    let script = (drill.script)(&circumstances);
    let mut watch = Watch::default();
    let refused = |stage: &Stage| script.refuses.map_or(0, |service| stage.region().calls().refused(service));
    let (mut before, mut met) = (0, 0);
    for minute in 0..minutes {
        if minute == begins {
            before = refused(&stage) + u64::from(stage.failed);
            stage.met = Met::default();
            stage.strike(drill, &script);
        }
        if minute == ends {
            met = stage.met.times() + refused(&stage) + u64::from(stage.failed) - before;
            stage.timeout = Drill::default().timeout;
            (script.afterwards)(&mut stage);
            // The region's faults end by their own clock: what was measured wrongly stays so.
            stage.store().set_faults(Arc::new(NoStoreFaults));
        }
        let fault = (begins..ends).contains(&minute).then_some((&script, (minute as i64) - begins as i64));
        let is_told = (begins + drill.arrives_late..ends + drill.arrives_late).contains(&minute);
        let told = if is_told { drill.told } else { Told::Truth };
        watch.minute(&mut stage, fault, told, Some(twin.totals[minute])).await;
    }
    let played = stage.region().outcomes(0);
    let lost = watch.lost_records(&stage);
    let alike = |minute: usize| watch.totals[minute].abs_diff(twin.totals[minute]) <= twin.totals[minute] / 20 + 2;
    let recovery = (ends..minutes).find(|&from| (from..(from + STEADY_MINUTES).min(minutes)).all(alike));
    let measured = Measured {
        name: drill.name,
        in_slo: in_slo(&played),
        twin_in_slo: in_slo(&twin.played[..minutes]),
        removed_wrongly: watch.removed_wrongly,
        records_lost: lost.len() as u32,
        recovery: recovery.map(|minute| minute - ends),
        met,
        largest: (largest(&watch.totals), largest(&twin.totals[..minutes])),
        sizes: [begins, ends, ends + 10].map(|minute| (watch.totals[minute], twin.totals[minute])),
        invocations: stage.invocations,
        failed: stage.failed,
        failed_outside: watch.failed_outside,
        error: stage.error.clone(),
        lost,
        removals: watch.removals,
    };
    if let Some(folder) = std::env::var_os("FLEXUS_DRILL_OUT") {
        stage.leave(&std::path::Path::new(&folder).join(drill.name.replace(' ', "-")));
    }
    stage.stop().await;
    measured
}

fn largest(totals: &[u32]) -> u32 {
    totals.iter().copied().max().unwrap_or_default()
}

/// Counts by name, for what is told of a soak.
pub(super) type Tallies = BTreeMap<&'static str, u32>;
