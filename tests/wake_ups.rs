//! Alarms and spot reclaims through their functions, against the local region: two pools in Auto Scaling groups, spot
//! before on-demand.
#![cfg(feature = "local")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use flexus_autoscaler::functiongraph::{Environment, Invocation, Service};
use flexus_autoscaler::handlers::{alarm, evaluate, reclaim};
use flexus_autoscaler::local::{
    AsGroupSettings, Call, EventTrigger, Fault, Faults, PoolSettings, Region, RegionSettings, ServerHandle,
    WorkloadSettings, serve,
};
use flexus_autoscaler::model::{Capacity, Minute, Purchase};
use flexus_autoscaler::queueing::ServiceModel;
use flexus_autoscaler::state::Snapshot;
use futures::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const TOPIC: &str = "urn:smn:cn-north-4:project:alarms";
const LOAD_PER_SECOND: f64 = 30.0;
const RISEN_PER_SECOND: f64 = 92.0;
/// Instances that serve at first, each for ten requests a second.
const INITIAL: u32 = 10;

struct Stage {
    region: Arc<Region>,
    _server: ServerHandle,
    directory: tempfile::TempDir,
    variables: [(&'static str, String); 5],
    environment: Environment,
    invocations: std::cell::Cell<u32>,
}

impl Stage {
    async fn new(mode: &str) -> Self {
        Self::with(mode, INITIAL).await
    }

    async fn with(mode: &str, min_instances: u32) -> Self {
        let pool = |id: &str, purchase, initial| {
            PoolSettings::AutoScaling(AsGroupSettings {
                id: id.to_owned(),
                name: id.to_owned(),
                min_instances: 0,
                max_instances: 40,
                initial,
                purchase,
                flavor: "c7.large.2".to_owned(),
                cool_down_seconds: 300,
            })
        };
        let workload = WorkloadSettings {
            name: "inference".to_owned(),
            model: ServiceModel::new(10.0, 120),
            pools: vec![pool("as-base", Purchase::OnDemand, 0), pool("as-spot", Purchase::Spot, INITIAL)],
        };
        let start = Minute::containing("2026-01-08T08:00:00Z".parse().unwrap());
        let settings = RegionSettings { start, workloads: vec![workload], ..RegionSettings::default() };
        let keys = settings.agency.clone();
        let region = Arc::new(Region::new(settings));
        let server = serve(Arc::clone(&region), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let config = config(&region, &server.url(), mode, min_instances);
        std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        let token = keys.security_token.as_ref().map(|token| token.expose().to_owned()).unwrap_or_default();
        let variables = [
            ("AUTOSCALER_STORE", format!("file://{}", directory.path().display())),
            ("AUTOSCALER_CLOCK", "event".to_owned()),
            ("HUAWEICLOUD_SDK_AK", keys.access_key.clone()),
            ("HUAWEICLOUD_SDK_SK", keys.secret_key.expose().to_owned()),
            ("HUAWEICLOUD_SDK_SECURITY_TOKEN", token),
        ];
        let environment = Environment::from_variables(variables.clone());
        let invocations = std::cell::Cell::new(0);
        Self { region, _server: server, directory, variables, environment: environment.unwrap(), invocations }
    }

    /// A stage on which the group has been evaluated for a while.
    async fn running(mode: &str) -> Self {
        let stage = Self::new(mode).await;
        for _ in 0..6 {
            stage.minute().await;
        }
        assert_eq!(stage.total(), INITIAL);
        stage
    }

    /// One minute: the load passes, then the timer wakes the function.
    async fn minute(&self) {
        self.minute_of(LOAD_PER_SECOND).await;
    }

    /// The load rises; the metrics of its third minute are not out yet.
    async fn rise(&self) {
        self.minute_of(RISEN_PER_SECOND).await;
        self.minute_of(RISEN_PER_SECOND).await;
        assert_eq!(self.total(), INITIAL, "the metrics alone raise it already");
        self.region.play_minute(&[RISEN_PER_SECOND]);
    }

    async fn minute_of(&self, load_per_second: f64) {
        self.region.play_minute(&[load_per_second]);
        let time = self.now().to_rfc3339();
        let event = json!({"version": "v1.0", "time": time, "trigger_type": "TIMER", "user_event": ""});
        let answer = self.invoke(evaluate::service(&self.environment), event).await.unwrap();
        assert!(answer["failed"].as_array().unwrap().is_empty(), "{answer}");
    }

    fn now(&self) -> DateTime<Utc> {
        self.region.now().start()
    }

    /// Instances that get requests, or will.
    fn total(&self) -> u32 {
        self.region.capacity(0).total()
    }

    /// Whether `count` instances drain and as many start in their place.
    fn has_replaced(&self, count: u32) -> bool {
        self.region.capacity(0) == Capacity { serving: INITIAL - count, starting: count }
    }

    async fn invoke<S>(&self, service: S, event: Value) -> Result<Value, String>
    where
        S: Service<Invocation>,
        S::Response: Serialize,
        S::Error: std::fmt::Display,
    {
        let number = self.invocations.get() + 1;
        self.invocations.set(number);
        let invocation = Invocation {
            event: event.to_string().into(),
            request_id: format!("request-{number}"),
            invoke_type: Default::default(),
            credentials: None,
            deadline: tokio::time::Instant::now() + Duration::from_secs(20),
        };
        let answer = service.oneshot(invocation).await.map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    /// `invoke FUNCTION EVENT.json`: its exit code, and what it printed.
    async fn command(&self, function: &'static str, event: PathBuf) -> (Option<i32>, String, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"));
        command.arg("invoke").arg(function).arg(event).envs(self.variables.clone());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    async fn alarm(&self, event: Value) -> Result<Value, String> {
        self.invoke(alarm::service(&self.environment), event).await
    }

    async fn reclaim(&self, event: Value) -> Value {
        self.invoke(reclaim::service(&self.environment), event).await.unwrap()
    }

    fn snapshot(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("groups/inference/snapshot.json")).unwrap()
    }

    /// Names of the records of a function, `group` by `group`.
    fn records(&self, group: &str, source: &str) -> Vec<PathBuf> {
        let folder = self.directory.path().join("groups").join(group).join("records");
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        names.retain(|path| path.to_str().unwrap().contains(&format!("-{source}-")));
        names.sort();
        names
    }

    /// Takes the room of `count` spot servers away and gives the traces that tell of it.
    fn lose(&self, count: u32) -> Vec<Value> {
        let zones = self.region.settings().zones.clone();
        let mut traces: Vec<Value> = Vec::new();
        // The last zone keeps room for replacements.
        for zone in &zones[..zones.len() - 1] {
            for room in (0..INITIAL).rev() {
                if traces.len() < count as usize {
                    self.region.set_spot_capacity(zone, room);
                }
                for event in self.region.take_events() {
                    let id = event.event["cts"]["resource_id"].clone();
                    if event.trigger == EventTrigger::Trace
                        && !traces.iter().any(|known| known["cts"]["resource_id"] == id)
                    {
                        traces.push(event.event);
                    }
                }
            }
        }
        assert_eq!(traces.len(), count as usize);
        traces
    }
}

fn config(region: &Region, url: &str, mode: &str, min_instances: u32) -> Value {
    let pool = |name: &str, purchase: &str, price: f64| {
        json!({"name": name, "purchase": purchase, "price_per_hour": price,
               "fleet": {"as_group": {"scaling_group_id": format!("as-{name}")}}})
    };
    let balancer = region.settings().workloads[0].load_balancer_id();
    json!({
        "region": region.settings().region, "project_id": region.settings().project_id,
        "endpoints": {"as": url, "ecs": url, "ces": url, "smn": url, "elb": url},
        "notify": {"topic_urn": "urn:smn:cn-north-4:project:people", "accept_topics": [TOPIC]},
        "groups": [{
            "name": "inference", "mode": mode,
            "scaling": {"min_instances": min_instances, "max_instances": 30, "lead_time_seconds": 120},
            "pools": [pool("base", "on_demand", 0.72), pool("spot", "spot", 0.24)],
            "purchase": {"spot_hedge": false},
            "signals": [
                {"name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                 "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}},
                {"name": "response_time", "kind": "latency_ms", "scale_out": 2000, "scale_in": 500,
                 "source": {"cloud_eye": {"namespace": "SYS.ELB", "metric": "m17_l7_upstream_rt",
                                          "dimensions": {"lbaas_instance_id": balancer}}}},
            ],
            "policy": {"engine": "target_tracking"},
        }],
    })
}

/// The CPU alarm of the spot group.
fn cpu_alarm(stage: &Stage, status: &str, value: f64) -> Value {
    let time = stage.now().timestamp_millis() - 60_000;
    json!({
        "message_type": "alarm", "alarm_id": "al1", "alarm_name": "autoscaler-inference-cpu", "alarm_status": status,
        "time": time, "namespace": "SYS.AS", "metric_name": "cpu_usage", "dimension": "AutoScalingGroup:as-spot",
        "period": 1, "filter": "average", "comparison_operator": ">", "value": 70, "unit": "%", "count": 1,
        "alarmValue": [{"time": time, "value": value}],
    })
}

fn notification(stage: &Stage, messages: &[(&str, String)]) -> Value {
    let record = |(id, message): &(&str, String)| {
        json!({"event_source": "smn", "smn": {
            "topic_urn": TOPIC, "timestamp": stage.now().to_rfc3339(), "message_id": id, "message": message,
        }})
    };
    json!({"record": messages.iter().map(record).collect::<Vec<_>>()})
}

fn one(stage: &Stage, id: &str, message: &Value) -> Value {
    notification(stage, &[(id, message.to_string())])
}

#[tokio::test]
async fn an_alarm_raises_at_once_and_the_next_evaluation_keeps_it() {
    let stage = Stage::running("act").await;
    stage.rise().await;
    let before = stage.snapshot();
    let answer = stage.alarm(one(&stage, "m1", &cpu_alarm(&stage, "alarm", 97.0))).await.unwrap();
    let raised = &answer["raised"][0];
    assert_eq!((&raised["group"], &raised["current"]), (&json!("inference"), &json!(INITIAL)));
    let target = u32::try_from(raised["target"].as_u64().unwrap()).unwrap();
    assert!(target > INITIAL && target <= INITIAL + INITIAL / 2, "{answer}");
    assert_eq!(stage.total(), target);
    assert_eq!(stage.snapshot(), before, "an alarm wrote the snapshot");
    assert_eq!(stage.records("inference", "alarm").len(), 1);

    for _ in 0..5 {
        stage.minute().await;
        assert!(stage.total() >= target, "what the alarm asked for was taken back");
    }
}

#[tokio::test]
async fn an_alarm_that_is_delivered_again_changes_nothing() {
    let stage = Stage::running("act").await;
    stage.rise().await;
    let event = one(&stage, "m1", &cpu_alarm(&stage, "alarm", 97.0));
    stage.alarm(event.clone()).await.unwrap();
    stage.minute().await;
    let total = stage.total();
    let answer = stage.alarm(event).await.unwrap();
    assert_eq!(answer["ignored"], json!([{"message": "m1", "why": "it was acted on before"}]));
    assert_eq!((stage.total(), stage.records("inference", "alarm").len()), (total, 1));
}

#[tokio::test]
async fn two_alarms_of_one_group_make_one_raise() {
    let stage = Stage::running("act").await;
    stage.rise().await;
    let alarm = cpu_alarm(&stage, "alarm", 97.0).to_string();
    let both = notification(&stage, &[("m1", alarm.clone()), ("m2", alarm)]);
    let answer = stage.alarm(both.clone()).await.unwrap();
    assert_eq!(answer["raised"].as_array().unwrap().len(), 1);
    let total = stage.total();
    let again = stage.alarm(both).await.unwrap();
    assert_eq!((again["ignored"].as_array().unwrap().len(), stage.total()), (2, total));
}

#[tokio::test]
async fn what_calls_for_nothing_lowers_nothing_and_is_recorded() {
    let stage = Stage::running("act").await;
    for (id, status) in [("m1", "ok"), ("m2", "insufficient_data")] {
        let answer = stage.alarm(one(&stage, id, &cpu_alarm(&stage, status, 1.0))).await.unwrap();
        assert!(answer["raised"].as_array().unwrap().is_empty(), "{answer}");
        assert_eq!(answer["ignored"][0]["message"], id);
    }
    assert_eq!((stage.total(), stage.records("inference", "alarm").len()), (INITIAL, 2));
    stage.minute().await;
}

#[tokio::test]
async fn a_low_value_holds_what_runs_and_never_lowers() {
    let stage = Stage::running("act").await;
    let answer = stage.alarm(one(&stage, "m1", &cpu_alarm(&stage, "alarm", 1.0))).await.unwrap();
    assert!(answer["raised"].as_array().unwrap().iter().all(|raised| raised["target"] == INITIAL), "{answer}");
    assert_eq!(stage.total(), INITIAL);
}

#[tokio::test]
async fn people_are_told_of_instances_that_do_not_come_and_why_and_that_is_no_slow_start() {
    let stage = Stage::running("act").await;
    let sell_out = |sold_out| {
        let zones = &stage.region.settings().zones;
        zones.iter().for_each(|zone| stage.region.set_sold_out("c7.large.2", zone, sold_out));
    };
    sell_out(true);
    for _ in 0..12 {
        stage.minute_of(RISEN_PER_SECOND).await;
    }
    let told: Vec<String> = stage.region.take_messages().into_iter().map(|told| told.message).collect();
    let why = "do not come: The flavor c7.large.2 is sold out in all zones of the group.";
    assert!(told.iter().any(|text| text.contains(why)), "{told:?}");
    sell_out(false);
    for _ in 0..6 {
        stage.minute_of(RISEN_PER_SECOND).await;
    }
    let snapshot: Snapshot = serde_json::from_slice(&stage.snapshot()).unwrap();
    assert!(stage.total() > INITIAL && stage.region.capacity(0).starting == 0, "they came");
    assert!(snapshot.starts.minutes.iter().all(|&minutes| minutes <= 3), "{:?}", snapshot.starts);
}

#[tokio::test]
async fn an_alarm_of_nobody_is_recorded_and_answered() {
    let stage = Stage::running("act").await;
    let mut alarm = cpu_alarm(&stage, "alarm", 97.0);
    alarm["dimension"] = "rds_cluster_id:x".into();
    alarm["alarm_name"] = "database-cpu".into();
    let answer = stage.alarm(one(&stage, "m1", &alarm)).await.unwrap();
    assert!(answer["ignored"][0]["why"].as_str().unwrap().contains("belong to a group"), "{answer}");
    assert_eq!((stage.records("_unknown", "alarm").len(), stage.total()), (1, INITIAL));
}

#[tokio::test]
async fn a_topic_that_is_not_on_the_list_is_not_believed_nor_recorded() {
    let stage = Stage::running("act").await;
    let mut event = one(&stage, "m1", &cpu_alarm(&stage, "alarm", 97.0));
    event["record"][0]["smn"]["topic_urn"] = "urn:smn:cn-north-4:other:alarms".into();
    let answer = stage.alarm(event).await.unwrap();
    assert!(answer["ignored"][0]["why"].as_str().unwrap().contains("is not believed"), "{answer}");
    assert_eq!((stage.total(), stage.records("inference", "alarm").len()), (INITIAL, 0));
}

#[tokio::test]
async fn a_replaced_template_makes_the_group_that_it_names_be_looked_at() {
    let stage = Stage::running("act").await;
    let event = notification(&stage, &[("m1", "CPU of inference is at 97 %. Please have a look.".to_owned())]);
    let answer = stage.alarm(event).await.unwrap();
    // The metrics are fine, so nothing is missing.
    assert_eq!(stage.total(), INITIAL);
    assert_eq!(answer["raised"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(stage.records("inference", "alarm").len(), 1);
}

#[tokio::test]
async fn an_alarm_that_could_not_raise_every_group_fails_so_that_it_is_sent_again_and_repeats_nothing() {
    let stage = Stage::running("act").await;
    let path = stage.directory.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut other = config["groups"][0].clone();
    other["name"] = "billing".into();
    for pool in other["pools"].as_array_mut().unwrap() {
        pool["fleet"]["as_group"]["scaling_group_id"] = format!("as-billing-{}", pool["name"].as_str().unwrap()).into();
    }
    config["groups"].as_array_mut().unwrap().push(other);
    std::fs::write(path, config.to_string()).unwrap();
    let folder = stage.directory.path().join("groups/billing");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("snapshot.json"), json!({"schema": 999_999}).to_string()).unwrap();

    let event = notification(&stage, &[("m1", "inference and billing are hot".to_owned())]);
    let error = stage.alarm(event.clone()).await.unwrap_err();
    assert!(error.contains("billing: ") && error.contains("999999") && !error.contains("inference: "), "{error}");
    assert_eq!(stage.records("inference", "alarm").len(), 1);
    std::fs::remove_file(folder.join("snapshot.json")).unwrap();
    let answer = stage.alarm(event).await.unwrap();
    assert_eq!(answer["raised"][0]["group"], "billing", "{answer}");
    assert_eq!(answer["ignored"][0]["why"], "it was acted on before", "{answer}");
    assert_eq!(stage.records("inference", "alarm").len(), 1);
}

#[tokio::test]
async fn a_group_that_is_only_observed_is_raised_on_paper() {
    let stage = Stage::running("observe").await;
    stage.rise().await;
    let answer = stage.alarm(one(&stage, "m1", &cpu_alarm(&stage, "alarm", 97.0))).await.unwrap();
    assert!(answer["raised"][0]["actions"][0]["outcome"]["withheld"].is_string(), "{answer}");
    assert_eq!(stage.total(), INITIAL);
}

#[tokio::test]
async fn an_event_of_another_kind_is_told_what_was_expected() {
    let stage = Stage::new("act").await;
    let error = stage.alarm(json!({"action": "evaluate"})).await.unwrap_err();
    assert!(error.contains("alarm is woken by an SMN topic"), "{error}");
    let error = stage.invoke(reclaim::service(&stage.environment), json!({"action": "evaluate"})).await.unwrap_err();
    assert!(error.contains("reclaim is woken by a Cloud Trace trigger"), "{error}");
}

#[tokio::test]
async fn a_spot_reclaim_is_replaced_in_one_invocation_of_few_calls() {
    let stage = Stage::running("act").await;
    let before = stage.snapshot();
    let trace = stage.lose(1).remove(0);
    let calls = stage.region.calls().total();
    let answer = stage.reclaim(trace.clone()).await;
    let replaced = &answer["replaced"][0];
    assert_eq!(replaced["lost"], json!([trace["cts"]["resource_id"]]), "{answer}");
    assert_eq!(replaced["target"], INITIAL + 1);
    assert!(stage.has_replaced(1), "{answer:#}");
    assert_eq!(stage.snapshot(), before, "a reclaim wrote the snapshot");
    let calls = stage.region.calls().total() - calls;
    assert!(calls <= 8, "{calls} calls");
    let messages = stage.region.take_messages();
    assert_eq!(messages[0].subject, "flexus-autoscaler: inference loses 1 spot instance");
}

#[tokio::test]
async fn a_notice_that_is_repeated_or_late_changes_nothing() {
    let stage = Stage::running("act").await;
    let trace = stage.lose(1).remove(0);
    stage.reclaim(trace.clone()).await;
    let records = stage.records("inference", "reclaim").len();
    assert!(stage.has_replaced(1));
    let again = stage.reclaim(trace.clone()).await;
    assert!(again["ignored"][0]["why"].as_str().unwrap().contains("is known to be going"), "{again}");
    stage.minute().await;
    stage.reclaim(trace.clone()).await;
    assert_eq!((stage.total(), stage.records("inference", "reclaim").len()), (INITIAL, records));

    for _ in 0..3 {
        stage.minute().await;
    }
    let mut late = trace;
    late["cts"]["time"] = json!((stage.now() - TimeDelta::minutes(30)).timestamp_millis());
    late["cts"]["record_time"] = late["cts"]["time"].clone();
    let late = stage.reclaim(late).await;
    assert!(late["replaced"].as_array().unwrap().is_empty(), "{late}");
}

/// The capacity after losing `count` spot instances, told of at the same time and one after another.
async fn after_losing(count: u32) -> [Capacity; 2] {
    let together = Stage::running("act").await;
    let traces = together.lose(count);
    join_all(traces.into_iter().map(|trace| together.reclaim(trace))).await;

    let in_turn = Stage::running("act").await;
    for trace in in_turn.lose(count) {
        in_turn.reclaim(trace).await;
    }
    [together, in_turn].map(|stage| stage.region.capacity(0))
}

#[tokio::test]
async fn reclaims_make_one_plan_at_the_same_time_or_one_after_another() {
    assert_eq!(after_losing(5).await, [Capacity { serving: INITIAL - 5, starting: 5 }; 2]);
}

/// A pool that loses more than half gets no more. Who hears of all losses while another, who does not yet, orders there, orders
/// elsewhere: too many for a minute, and never too few.
#[tokio::test]
async fn reclaims_of_more_than_half_of_a_pool_are_replaced_whoever_hears_of_them_first() {
    let [together, in_turn] = after_losing(6).await;
    assert_eq!(in_turn, Capacity { serving: INITIAL - 6, starting: 6 });
    assert_eq!(together.serving, INITIAL - 6);
    assert!((6..=11).contains(&together.starting), "{together:?}");
}

#[tokio::test]
async fn replacements_stay_until_the_dying_are_gone() {
    let stage = Stage::running("act").await;
    for trace in stage.lose(3) {
        stage.reclaim(trace).await;
    }
    for _ in 0..8 {
        stage.minute().await;
        let serving = stage.region.capacity(0);
        assert!(serving.total() >= INITIAL, "{serving:?}");
    }
}

#[tokio::test]
async fn a_notice_in_a_text_of_unknown_layout_is_believed_of_a_spot_server_only() {
    let stage = Stage::running("act").await;
    let trace = stage.lose(1).remove(0);
    let instance = trace["cts"]["resource_id"].as_str().unwrap();
    let text = format!("Operation interruptServer on {instance}, trace 6b1e0c74-ec6d-11f0-9a3b-fa163e4d5c21.");
    let answer = stage.reclaim(notification(&stage, &[("m1", text)])).await;
    assert_eq!(answer["replaced"][0]["lost"], json!([instance]), "{answer}");
    assert!(stage.has_replaced(1));

    let stranger = notification(&stage, &[("m2", "interruptServer 6b1e0c74-ec6d-11f0-9a3b-fa163e4d5c21".to_owned())]);
    let answer = stage.reclaim(stranger).await;
    assert!(answer["replaced"].as_array().unwrap().is_empty(), "{answer}");
    assert!(answer["ignored"][0]["why"].as_str().unwrap().contains("is no instance of"), "{answer}");
}

#[tokio::test]
async fn a_group_that_is_only_observed_loses_its_instances_on_paper() {
    let stage = Stage::running("observe").await;
    let trace = stage.lose(1).remove(0);
    let answer = stage.reclaim(trace).await;
    assert!(answer["replaced"][0]["actions"][0]["outcome"]["withheld"].is_string(), "{answer}");
    assert_eq!(stage.total(), INITIAL);
}

/// Says when the desired number is about to be set for the first time, and makes that take its time.
#[derive(Debug, Default)]
struct SlowFirstChange {
    begun: std::sync::atomic::AtomicBool,
}

impl Faults for SlowFirstChange {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        let is_change = call.operation.starts_with("PUT") && call.operation.contains("scaling_group/");
        let is_first = is_change && !self.begun.swap(true, Ordering::SeqCst);
        is_first.then_some(Fault::Slow(Duration::from_millis(1500)))
    }
}

#[tokio::test]
async fn an_alarm_that_comes_while_an_evaluation_lowers_is_not_undone_by_it() {
    let stage = Stage::with("act", 2).await;
    let change = Arc::new(SlowFirstChange::default());
    stage.region.set_faults(change.clone());
    for _ in 0..40 {
        let alarm = async {
            while !change.begun.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stage.alarm(one(&stage, "m1", &cpu_alarm(&stage, "alarm", 97.0))).await.unwrap()
        };
        let mut alarm = std::pin::pin!(alarm);
        let mut answer = None;
        {
            let mut minute = std::pin::pin!(stage.minute());
            loop {
                tokio::select! {
                    () = &mut minute => break,
                    answered = &mut alarm, if answer.is_none() => answer = Some(answered),
                }
            }
        }
        if change.begun.load(Ordering::SeqCst) {
            let answer = answer.expect("the alarm was slower than the evaluation");
            assert_eq!(answer["raised"][0]["target"], INITIAL, "{answer}");
            assert_eq!(stage.total(), INITIAL, "the evaluation has undone what the alarm asked for");
            return;
        }
    }
    panic!("the evaluation never lowered");
}

/// Samples are of other resources than those of this stage, and none of them may fail.
#[tokio::test]
async fn every_sample_event_runs_through_its_function_by_the_command_invoke() {
    let stage = Stage::running("act").await;
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let function = match name.split('-').next().unwrap() {
            "timer" | "manual" | "obs" => "evaluate",
            "alarm" => "alarm",
            "reclaim" => "reclaim",
            "tune" => "tune",
            "console" => "console",
            other => panic!("{other}: no function is woken by it"),
        };
        let (code, answer, error) = stage.command(function, path).await;
        if name.starts_with("obs") {
            // A bucket's events wake none of the functions, and are told so.
            assert_eq!(code, Some(2));
            assert!(error.contains("evaluate is woken by a timer"), "{error}");
        } else {
            assert_eq!(code, Some(0), "{name}: {error}");
            assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{name}: {answer}");
        }
        count += 1;
    }
    assert!(count >= 15);
}
