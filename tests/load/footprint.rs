//! What one function weighs: its start, its processor time, its memory, its package.

use std::env;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flexus_autoscaler::local::InvocationStatus;

use super::packages::{PACKAGES, Running, unpack};
use super::stage::{BUCKET, Stage, cpu_nanoseconds};

/// Starts of which the median is told.
const STARTS: usize = 15;
/// Warm evaluations that are measured.
const EVALUATIONS: u32 = 60;

impl Running {
    fn start(bootstrap: &Path, variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(bootstrap);
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value))).stdout(Stdio::null());
        Self(command.spawn().expect("a program that starts"))
    }

    /// Processor time of all its threads.
    fn cpu_nanoseconds(&self) -> u64 {
        let id = self.0.id();
        let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        threads.map(|thread| cpu_nanoseconds(&format!("{id}/task/{}", thread.file_name().to_string_lossy()))).sum()
    }

    /// Most memory that it ever held, in KiB.
    fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
    }
}

/// From starting the program until it asks for its first event, by the clock and by the processor.
fn start_to_first_poll(bootstrap: &Path) -> (Duration, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let variables = [
        ("RUNTIME_API_ADDR", address),
        ("AUTOSCALER_STORE", format!("obs://{BUCKET}")),
        ("AUTOSCALER_REGION", "cn-north-4".to_owned()),
    ];
    let began = Instant::now();
    let running = Running::start(bootstrap, &variables);
    let (mut connection, _) = listener.accept().expect("a poll");
    let mut first = [0; 1];
    connection.read_exact(&mut first).expect("a request");
    (began.elapsed(), Duration::from_nanos(running.cpu_nanoseconds()))
}

fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations[durations.len() / 2]
}

struct Weighed {
    cpu_ms: f64,
    peak_kib: u64,
    snapshot_bytes: usize,
}

/// Evaluates one group of so many instances, of which so many minutes are remembered.
async fn weigh(bootstrap: &Path, instances: u32, history: u32) -> Weighed {
    let stage = Stage::set(1, instances).await;
    (0..12).for_each(|_| stage.pass());
    let running = Running::start(bootstrap, &stage.variables());
    let mut before = 0;
    for evaluation in 0..history + EVALUATIONS {
        if evaluation == history {
            before = running.cpu_nanoseconds();
        }
        let result = stage.runtime_api.invoke(stage.tick(), Duration::from_secs(60)).await;
        assert!(matches!(result.status, InvocationStatus::Response(_)), "{:?}", result.status);
        stage.pass();
    }
    let cpu = running.cpu_nanoseconds() - before;
    let snapshot = stage.store.object(BUCKET, "groups/group-00001/snapshot.json").expect("a snapshot");
    Weighed {
        cpu_ms: cpu as f64 / 1e6 / f64::from(EVALUATIONS),
        peak_kib: running.peak_kib(),
        snapshot_bytes: snapshot.content.len(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn footprint_of_the_packaged_functions() {
    let Some(folder) = env::var_os(PACKAGES).map(PathBuf::from) else {
        eprintln!("skipped: {PACKAGES} is not set; run scripts/package.sh and set it to target/functions");
        return;
    };
    let scratch = tempfile::tempdir().expect("a folder");
    let mut zips: Vec<PathBuf> =
        fs::read_dir(&folder).expect("packages").filter_map(|entry| Some(entry.ok()?.path())).collect();
    zips.retain(|path| path.extension().is_some_and(|extension| extension == "zip"));
    zips.sort();
    println!("| function | zip, MB | start to first poll, ms | of it CPU, ms |");
    println!("| --- | --- | --- | --- |");
    let mut evaluate = None;
    for zip in &zips {
        let name = zip.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let bootstrap = unpack(zip, &scratch.path().join(&name));
        let starts: Vec<(Duration, Duration)> = (0..STARTS).map(|_| start_to_first_poll(&bootstrap)).collect();
        let (start, cpu) = starts.into_iter().unzip();
        let (start, cpu) = (median(start), median(cpu));
        let bytes = fs::metadata(zip).expect("a file").len();
        let (start_ms, cpu_ms) = (start.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3);
        println!("| {name} | {:.2} | {start_ms:.1} | {cpu_ms:.1} |", bytes as f64 / 1e6);
        if name == "evaluate" {
            evaluate = Some(bootstrap);
        }
    }
    let evaluate = evaluate.expect("evaluate.zip");
    println!("\n| instances | minutes remembered | CPU of a warm evaluation, ms | peak memory, MB | snapshot, kB |");
    println!("| --- | --- | --- | --- | --- |");
    for (instances, history) in [(10, 30), (100, 30), (1000, 30), (100, 300), (100, 1500)] {
        let weighed = weigh(&evaluate, instances, history).await;
        let (peak, snapshot) = (weighed.peak_kib as f64 / 1024.0, weighed.snapshot_bytes as f64 / 1e3);
        println!("| {instances} | {history} | {:.2} | {peak:.1} | {snapshot:.1} |", weighed.cpu_ms);
        assert!(peak < 32.0 || instances > 100, "{peak} MB");
    }
}
