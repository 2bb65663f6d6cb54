//! Many groups on one tick: fan-out by asynchronous invocations in shards.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flexus_autoscaler::functiongraph::{Environment, Runtime};
use flexus_autoscaler::handlers::evaluate;
use flexus_autoscaler::local::{Call, Fault, Faults, InvocationStatus, NoFaults, Service};
use serde_json::Value;
use tokio::sync::oneshot;

use super::stage::{Stage, cpu_nanoseconds};

/// Processes of the function, as the platform would start them.
const PROCESSES: usize = 2;
const INSTANCES: u32 = 20;
/// Ticks that are measured after the first, which finds everything cold.
const TICKS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of the function, as a thread of its own that shares nothing with the others.
struct Process {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<u64>,
}

impl Process {
    fn start(stage: &Stage) -> Self {
        let environment = Environment::from_variables(stage.variables()).expect("an environment");
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an executor");
            let mut runtime = Runtime::new(&environment, evaluate::service(&environment)).expect("a runtime API");
            executor.block_on(runtime.run_until(async {
                let _ = stopped.await;
            }));
            cpu_nanoseconds("thread-self")
        });
        Self { stop, thread }
    }

    /// Ends it, and gives the nanoseconds for which it has worked.
    fn stop(self) -> u64 {
        drop(self.stop);
        self.thread.join().expect("no panic")
    }
}

/// A gateway that lets so many calls a second of each service through.
struct Throttle {
    calls_per_second: u32,
    windows: Mutex<BTreeMap<Service, (Instant, u32)>>,
    refused: Mutex<u64>,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Throttle({}/s)", self.calls_per_second)
    }
}

impl Faults for Throttle {
    fn on_call(&self, call: &Call<'_>) -> Option<Fault> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = windows.entry(call.service).or_insert((Instant::now(), 0));
        if began.elapsed() >= Duration::from_secs(1) {
            (*began, *count) = (Instant::now(), 0);
        }
        *count += 1;
        (*count > self.calls_per_second).then(|| {
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            Fault::Error { status: 429, code: "APIGW.0308".to_owned(), message: "too many calls".to_owned() }
        })
    }
}

/// What one tick did.
#[derive(Default)]
struct Ticked {
    decided: BTreeMap<String, u64>,
    invocations: usize,
    errors: Vec<String>,
}

impl Ticked {
    fn take(&mut self, status: &InvocationStatus) {
        self.invocations += 1;
        let InvocationStatus::Response(body) = status else {
            return self.errors.push(format!("{status:?}"));
        };
        let answer: Value = serde_json::from_slice(body).expect("JSON");
        for failed in answer["failed"].as_array().into_iter().flatten() {
            self.errors.push(failed.to_string());
        }
        for verdict in answer["decided"].as_array().into_iter().flatten() {
            let group = verdict["group"].as_str().unwrap_or_default().to_owned();
            *self.decided.entry(group).or_default() += 1;
        }
    }
}

async fn tick(stage: &Stage) -> Ticked {
    let mut ticked = Ticked::default();
    ticked.take(&stage.runtime_api.invoke(stage.tick(), PATIENCE).await.status);
    stage.runtime_api.drained().await;
    stage.runtime_api.take_finished().iter().for_each(|finished| ticked.take(&finished.status));
    ticked
}

struct Measured {
    groups: usize,
    invocations: usize,
    calls_per_group: f64,
    store_calls_per_group: f64,
    cpu_ms_per_group: f64,
    wall: Duration,
}

async fn measure(groups: usize) -> Measured {
    let stage = Stage::set(groups, INSTANCES).await;
    (0..12).for_each(|_| stage.pass());
    let processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&stage)).collect();
    let all = |ticked: &Ticked| {
        assert!(ticked.errors.is_empty(), "{:?}", ticked.errors);
        assert_eq!(ticked.decided.len(), groups, "every group is decided");
        assert!(ticked.decided.values().all(|times| *times == 1), "and none twice");
    };
    all(&tick(&stage).await);
    let before = (stage.region.calls().total(), stage.store.calls());
    let (mut invocations, mut wall) = (0, Duration::ZERO);
    for _ in 0..TICKS {
        stage.pass();
        let began = Instant::now();
        let ticked = tick(&stage).await;
        wall = wall.max(began.elapsed());
        all(&ticked);
        invocations = ticked.invocations;
    }
    let evaluations = groups as f64 * f64::from(TICKS);
    let calls = (stage.region.calls().total() - before.0, stage.store.calls() - before.1);
    let cpu: u64 = processes.into_iter().map(Process::stop).sum();
    Measured {
        groups,
        invocations,
        calls_per_group: (calls.0 + calls.1) as f64 / evaluations,
        store_calls_per_group: calls.1 as f64 / evaluations,
        // The first tick's share is in it: processes begin cold once, which the larger numbers hide.
        cpu_ms_per_group: cpu as f64 / 1e6 / (groups as f64 * f64::from(TICKS + 1)),
        wall,
    }
}

fn print(measured: &[Measured]) {
    println!(
        "| groups | instances | invocations a tick | HTTP calls a group | of them to the store | CPU a group, ms | a tick, s |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for it in measured {
        println!(
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.1} |",
            it.groups,
            it.groups * INSTANCES as usize,
            it.invocations,
            it.calls_per_group,
            it.store_calls_per_group,
            it.cpu_ms_per_group,
            it.wall.as_secs_f64()
        );
    }
    let list = |of: fn(&Measured) -> f64| {
        let values: Vec<String> = measured.iter().map(|it| format!("{:.2}", of(it))).collect();
        values.join(", ")
    };
    let names: Vec<String> = measured.iter().map(|it| it.groups.to_string()).collect();
    println!("\n```mermaid\nxychart-beta\n    title \"A group's share as groups grow\"");
    println!("    x-axis \"groups\" [{}]", names.join(", "));
    println!("    y-axis \"HTTP calls (upper line), CPU in ms (lower line)\" 0 --> 8");
    println!("    line [{}]", list(|it| it.calls_per_group));
    println!("    line [{}]\n```", list(|it| it.cpu_ms_per_group));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_calls_of_a_group_stay_the_same_however_many_there_are() {
    let is_full = env::var("FLEXUS_LOAD").is_ok_and(|load| load == "full");
    let sizes: &[usize] = if is_full { &[10, 100, 1000] } else { &[5, 45] };
    let mut measured = Vec::new();
    for &groups in sizes {
        measured.push(measure(groups).await);
    }
    print(&measured);
    let (first, last) = (&measured[0], &measured[measured.len() - 1]);
    assert!(last.invocations > 1, "the timer's invocation has handed shards over");
    // A group costs no more among many: handing over a shard is one call for twenty groups.
    let (few, many) = (first.calls_per_group, last.calls_per_group);
    assert!(many <= few + 0.25, "{few} calls a group became {many}");
    // Five of a settled group, the snapshot where the other process wrote it last, and now and then the list of instances.
    assert!(many <= 6.5, "{many}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_a_gateway_that_throttles_delays_decisions_and_loses_none() {
    let is_full = env::var("FLEXUS_LOAD").is_ok_and(|load| load == "full");
    let (groups, calls_per_second) = if is_full { (1000, 100) } else { (45, 20) };
    let stage = Stage::set(groups, INSTANCES).await;
    (0..12).for_each(|_| stage.pass());
    let processes: Vec<Process> = (0..PROCESSES).map(|_| Process::start(&stage)).collect();
    let throttle = Arc::new(Throttle { calls_per_second, windows: Mutex::default(), refused: Mutex::default() });
    stage.region.set_faults(throttle.clone());
    let began = Instant::now();
    let ticked = tick(&stage).await;
    let wall = began.elapsed();
    stage.region.set_faults(Arc::new(NoFaults));
    processes.into_iter().for_each(|process| {
        process.stop();
    });
    let refused = *throttle.refused.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{groups} groups under {calls_per_second} calls a second of each service: {} decided, {refused} calls refused and repeated, {:.1} s",
        ticked.decided.len(),
        wall.as_secs_f64()
    );
    assert!(ticked.errors.is_empty(), "{:?}", ticked.errors);
    assert_eq!(ticked.decided.len(), groups);
    assert!(refused > 0, "the limit was reached");
}
