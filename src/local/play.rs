//! Plays a trace through the real functions: a region, its object store, and `evaluate` behind the runtime API, all on
//! 127.0.0.1 and on the trace's own clock. A day takes seconds.

mod alarm_rules;
mod console;
mod function;
mod localise;
mod tuning;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use self::alarm_rules::{ALARM_TOPIC, alarm_rules};
pub use self::console::CONSOLE_TOKEN;
use self::console::{LocalBackend, LocalConsole};
use self::function::{FunctionKind, LocalFunction};
pub use self::localise::localise;
use self::tuning::Tuning;
pub use self::tuning::{ADVISER_KEY_VARIABLE, plausible_advice};
use super::store::{Store, StoreSettings};
use super::{
    EventTrigger, InvocationResult, InvocationStatus, PlayedMinute, Region, RegionSettings, RuntimeApi, ServerHandle,
    SpotTrace, serve,
};
use crate::clients::Credentials;
use crate::config::Config;
use crate::functiongraph::Environment;
use crate::model::{Group, Purchase};
use crate::queueing::ServiceModel;
use crate::replay::{Arena, Row, Settings, Tally, Trace};

/// The bucket that a local region's state lies in.
pub const BUCKET: &str = "autoscaler";
/// Longest that one invocation may take. The platform's own timeout of the function.
const TIMEOUT: Duration = Duration::from_secs(50);

/// How long a closed connection may stay unnoticed on this machine.
const CLOSING: Duration = Duration::from_millis(300);

/// What is to be played.
#[derive(Clone, Debug)]
pub struct PlaySettings {
    /// One group, as an operator would configure it; ids and addresses of the real cloud are replaced by the region's.
    pub config: Config,
    /// The load.
    pub trace: Trace,
    /// The circumstances.
    pub circumstances: Settings,
    /// Where the store's objects are kept as files. In memory only if `None`.
    pub directory: Option<PathBuf>,
    /// How many spot servers each zone has room for. What is over is reclaimed, and the function `reclaim` is told.
    pub spot_trace: Option<SpotTrace>,
    /// Whether Cloud Eye's alarms wake the function `alarm`, by the rules that the Terraform module makes.
    pub alarms: bool,
    /// Port of the region's APIs; the store listens on the next one, a console on the one after. Any free ones if `None`.
    pub port: Option<u16>,
}

impl PlaySettings {
    /// In memory, on any free ports, without spot servers being taken away and without alarms.
    pub fn new(config: Config, trace: Trace, circumstances: Settings) -> Self {
        Self { config, trace, circumstances, directory: None, spot_trace: None, alarms: false, port: None }
    }
}

/// A region in which a trace is being played.
#[derive(Debug)]
pub struct Play {
    settings: PlaySettings,
    region: Arc<Region>,
    server: ServerHandle,
    store: Store,
    evaluate: Stage,
    reclaim: Option<Stage>,
    tuning: Option<Tuning>,
    /// What every function finds in its environment.
    variables: Vec<(&'static str, String)>,
    alarm: Option<Stage>,
    woken: Woken,
    console: Option<LocalConsole>,
    /// Taken by whoever makes a minute pass or evaluates.
    turn: Arc<Mutex<()>>,
    tally: Tally,
    next: usize,
    invocations: Invocations,
}

/// A function and the side of the platform that it sees.
#[derive(Debug)]
struct Stage {
    runtime_api: Arc<RuntimeApi>,
    environment: Environment,
    function: LocalFunction,
}

/// What the functions did so far.
#[derive(Clone, Debug, Default)]
pub struct Invocations {
    /// How often one was woken.
    pub count: u64,
    /// How often it did not answer, or with an error.
    pub failed: u64,
    /// What it said when it failed, the first few times.
    pub errors: Vec<String>,
    /// How long each took.
    pub durations: Vec<Duration>,
}

/// What woke the functions besides the timer, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Woken {
    /// Messages of alarms that fired.
    pub alarms: u64,
    /// Alarms that ordered more.
    pub raises: u64,
    /// Spot servers that had their notice.
    pub reclaims: u64,
    /// Instances that reclaims ordered in their place.
    pub replacements: u64,
}

/// What one minute brought.
#[derive(Clone, Debug)]
pub struct PlayedStep {
    /// What the function answered, if it was woken and did.
    pub answer: Option<Value>,
    /// What the function `tune` answered, if it was woken and did.
    pub tuned: Option<Value>,
    /// The load offered, in work per second.
    pub load_per_second: f64,
    /// Instances that served.
    pub serving: u32,
}

impl Play {
    /// Sets the stage: nothing has been played yet.
    ///
    /// # Errors
    /// When a port is taken or the directory cannot be used.
    pub async fn start(settings: PlaySettings) -> io::Result<Self> {
        let arena = Arena::new(&settings.trace, &settings.circumstances);
        let model = ServiceModel::new(arena.capacity(), settings.circumstances.lead_seconds);
        let initial = arena.initial_instances();
        let mut region_settings = RegionSettings {
            start: settings.trace.start,
            metric_delay_minutes: settings.circumstances.delay_minutes,
            ..RegionSettings::default()
        };
        let mut config = settings.config.clone();
        region_settings.region.clone_from(&config.region);
        region_settings.project_id.clone_from(&config.project_id);
        if let Some(trace) = &settings.spot_trace {
            region_settings.zones = trace.zones();
        }
        localise::stock(&mut region_settings, &config, settings.spot_trace.is_some());
        region_settings.workloads = localise::workloads(&config, model, initial);
        let agency = region_settings.agency.clone();
        let keys = vec![region_settings.user.clone(), agency.clone()];
        let region = Arc::new(Region::new(region_settings));
        let server = serve(Arc::clone(&region), address(settings.port)).await?;
        let store = Store::serve(
            StoreSettings {
                buckets: vec![BUCKET.to_owned()],
                keys,
                conditional_put: false,
                directory: settings.directory.clone(),
            },
            address(settings.port.map(|port| port.saturating_add(1))),
        )
        .await?;
        localise(&mut config, region.settings(), &server.url());
        if settings.alarms {
            config.notify.accept_topics = Some(vec![ALARM_TOPIC.to_owned()]);
            region.lock().alarms.rules.extend(config.groups.iter().flat_map(alarm_rules));
        }
        let document = serde_json::to_vec_pretty(&config).map_err(io::Error::other)?;
        store.put(BUCKET, "config.json", document)?;
        let variables = [
            ("RUNTIME_PROJECT_ID", config.project_id.clone()),
            ("AUTOSCALER_STORE", format!("obs://{BUCKET}")),
            ("AUTOSCALER_STORE_ENDPOINT", store.url()),
            ("AUTOSCALER_REGION", config.region.clone()),
            ("AUTOSCALER_CLOCK", "event".to_owned()),
            (ADVISER_KEY_VARIABLE, region.settings().model_key.expose().to_owned()),
        ];
        let evaluate = Stage::start(FunctionKind::Evaluate, &agency, &variables).await?;
        let reclaim = match settings.spot_trace {
            Some(_) => Some(Stage::start(FunctionKind::Reclaim, &agency, &variables).await?),
            None => None,
        };
        let alarm = match settings.alarms {
            true => Some(Stage::start(FunctionKind::Alarm, &agency, &variables).await?),
            false => None,
        };
        let tally = Tally::new(settings.trace.minutes());
        let invocations = Invocations::default();
        Ok(Self {
            settings,
            region,
            server,
            store,
            evaluate,
            reclaim,
            tuning: None,
            variables: variables.to_vec(),
            alarm,
            woken: Woken::default(),
            console: None,
            turn: Arc::default(),
            tally,
            next: 0,
            invocations,
        })
    }

    /// Serves the console, which works while the trace is being played and afterwards. Returns its address.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn serve_console(&mut self) -> io::Result<String> {
        let backend = LocalBackend::new(
            Arc::clone(&self.region),
            Arc::clone(&self.evaluate.runtime_api),
            Arc::clone(&self.turn),
            &self.evaluate.environment,
            self.region.settings().agency.clone(),
        )?;
        let port = self.settings.port.map(|port| port.saturating_add(2));
        let console = LocalConsole::start(backend, address(port)).await?;
        let url = console.url();
        self.console = Some(console);
        Ok(url)
    }

    /// Wakes the function `tune` too, once an hour from now on. What the adviser answers it is the region's to say.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start_tuning(&mut self) -> io::Result<()> {
        let agency = self.region.settings().agency.clone();
        self.tuning = Some(Tuning::new(Stage::start(FunctionKind::Tune, &agency, &self.variables).await?));
        Ok(())
    }

    /// The region.
    pub fn region(&self) -> &Arc<Region> {
        &self.region
    }

    /// The group that is played.
    pub fn group(&self) -> &Group {
        &self.settings.config.groups[0]
    }

    /// Where the region's APIs are.
    pub fn region_url(&self) -> String {
        self.server.url()
    }

    /// Where the object store is.
    pub fn store_url(&self) -> String {
        self.store.url()
    }

    /// Where the console is, if it is served.
    pub fn console_url(&self) -> Option<String> {
        self.console.as_ref().map(LocalConsole::url)
    }

    /// Ends the function's process and starts another, which knows nothing but what lies in the store.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn restart_function(&mut self) -> io::Result<()> {
        let stage = &mut self.evaluate;
        let fresh = LocalFunction::start(FunctionKind::Evaluate, &stage.environment)?;
        std::mem::replace(&mut stage.function, fresh).stop();
        // The ended process had a poll open. An event given to it before its connection is seen closed would be lost.
        tokio::time::sleep(CLOSING).await;
        Ok(())
    }

    /// What the function `evaluate` finds in its environment, for a driver that invokes it itself.
    pub fn environment(&self) -> &Environment {
        &self.evaluate.environment
    }

    /// The object store itself.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the function did so far.
    pub fn invocations(&self) -> &Invocations {
        &self.invocations
    }

    /// What woke the functions besides the timer so far.
    pub fn woken(&self) -> Woken {
        self.woken
    }

    /// Money spent so far, in hours of an instance of the first pool.
    pub fn paid_hours(&self) -> f64 {
        let pools = &self.settings.config.groups[0].pools;
        let price = |spot: bool| {
            let of_kind = pools.iter().find(|pool| (pool.purchase == Purchase::Spot) == spot);
            of_kind.map_or(1.0, |pool| pool.price_per_hour / pools[0].price_per_hour)
        };
        let (on_demand, spot) = (price(false), price(true));
        let minutes = self.region.outcomes(0);
        let paid = minutes
            .iter()
            .map(|minute| f64::from(minute.outcome.total - minute.spot) * on_demand + f64::from(minute.spot) * spot);
        paid.sum::<f64>() / 60.0
    }

    /// Requests that the region and the store answered, by invocation. What people look up in the console, and what `tune`
    /// asks, is left out.
    pub fn http_calls_per_invocation(&self) -> f64 {
        let (looked_up, by_people) =
            self.console.as_ref().map_or((0, 0), |console| (console.store_calls(), console.evaluations()));
        let tuning = self.tuning.as_ref().map_or(0, Tuning::calls);
        let calls = (self.region.calls().total() + self.store.calls()).saturating_sub(looked_up + tuning);
        calls as f64 / (self.invocations.count + by_people).max(1) as f64
    }

    /// Plays the next minute: the timer wakes the function at its start (not in the very first one, of which there are no
    /// metrics), then the load passes. `None` when the trace is over.
    pub async fn step(&mut self) -> Option<PlayedStep> {
        let load_per_second = *self.settings.trace.load.get(self.next)?;
        let turn = Arc::clone(&self.turn);
        let _ours = turn.lock().await;
        let minute = self.next as i64;
        let before = self.region.capacity(0).total();
        self.deliver().await;
        let tuned = self.tune().await;
        let answer = if minute > 0 { self.tick().await } else { None };
        let after = self.region.capacity(0).total();
        let played = self.pass_minute(load_per_second)?;
        if minute > 0 {
            self.tally.decided(minute, before, after, played.started);
        }
        Some(PlayedStep { answer, tuned, load_per_second, serving: played.outcome.serving })
    }

    /// Lets the load of the next minute pass and wakes nobody, for a driver that invokes the functions itself. `None` when
    /// the trace is over.
    pub fn pass(&mut self) -> Option<PlayedMinute> {
        let load_per_second = *self.settings.trace.load.get(self.next)?;
        self.pass_minute(load_per_second)
    }

    fn pass_minute(&mut self, load_per_second: f64) -> Option<PlayedMinute> {
        self.next += 1;
        let loads = vec![load_per_second; self.settings.config.groups.len()];
        let played = *self.region.play_minute(&loads).first()?;
        self.tally.played(&played.outcome);
        Some(played)
    }

    /// Sets the room for spot servers, and wakes the functions that reclaims and alarms wake.
    async fn deliver(&mut self) {
        if let Some(trace) = &self.settings.spot_trace {
            self.region.follow_spot_trace(trace, self.settings.trace.start);
        }
        for event in self.region.take_events() {
            let (stage, is_alarm) = match &event.trigger {
                EventTrigger::Trace => (&self.reclaim, false),
                EventTrigger::Topic(topic) if topic == ALARM_TOPIC => (&self.alarm, true),
                EventTrigger::Topic(_) => continue,
            };
            let Some(stage) = stage else { continue };
            let before = self.region.capacity(0).total();
            let result = stage.runtime_api.invoke(event.event.to_string(), TIMEOUT).await;
            self.invocations.take(result);
            let more = u64::from(self.region.capacity(0).total().saturating_sub(before));
            if is_alarm {
                self.woken.alarms += 1;
                self.woken.raises += u64::from(more > 0);
            } else {
                self.woken.reclaims += 1;
                self.woken.replacements += more;
            }
        }
    }

    /// Wakes the function `tune` when it is time to. It does not count as one of the invocations that keep the group.
    async fn tune(&mut self) -> Option<Value> {
        let now = self.region.now();
        let tuning = self.tuning.as_ref().filter(|tuning| tuning.is_due(now))?;
        let before = self.region.calls().total() + self.store.calls();
        let event = self.timer_event("tune");
        let result = tuning.stage.runtime_api.invoke(event, FunctionKind::Tune.timeout()).await;
        let calls = self.region.calls().total() + self.store.calls() - before;
        let mut invocations = Invocations::default();
        let answer = invocations.take(result);
        if let Some(tuning) = &mut self.tuning {
            tuning.note(calls);
        }
        self.invocations.failed += invocations.failed;
        self.invocations.errors.extend(invocations.errors);
        answer
    }

    fn timer_event(&self, name: &str) -> String {
        json!({
            "version": "v1.0",
            "time": self.region.now().start().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "trigger_type": "TIMER",
            "trigger_name": name,
            "user_event": "",
        })
        .to_string()
    }

    /// The timer's tick.
    async fn tick(&mut self) -> Option<Value> {
        let result = self.evaluate.runtime_api.invoke(self.timer_event("every-minute"), TIMEOUT).await;
        self.invocations.take(result)
    }

    /// How it went so far, as a row of the replay's report.
    pub fn row(&self) -> Row {
        let arena = Arena::new(&self.settings.trace, &self.settings.circumstances);
        let mut row = self.tally.clone().row(&arena);
        let group = &self.settings.config.groups[0];
        let engine = serde_json::to_value(group.policy.engine).ok();
        engine.as_ref().and_then(Value::as_str).unwrap_or_default().clone_into(&mut row.engine);
        row.knob = match group.policy.engine {
            crate::model::EngineKind::Predictive => Some(group.policy.violation_price),
            crate::model::EngineKind::TargetTracking => Some(group.policy.target_utilisation),
            crate::model::EngineKind::WeightedScore => None,
        };
        row.name = row.knob.map_or_else(|| row.engine.clone(), |knob| format!("{}@{knob}", row.engine));
        row
    }

    /// Ends everything in order.
    pub async fn stop(self) {
        if let Some(console) = self.console {
            console.stop().await;
        }
        let tune = self.tuning.map(|tuning| tuning.stage);
        for stage in std::iter::once(self.evaluate).chain(self.reclaim).chain(self.alarm).chain(tune) {
            stage.function.stop();
            // A console's request that did not end in time may still hold it; it closes with that.
            if let Some(runtime_api) = Arc::into_inner(stage.runtime_api) {
                runtime_api.stop().await;
            }
        }
        self.server.stop().await;
        self.store.stop().await;
    }
}

impl Stage {
    async fn start(kind: FunctionKind, agency: &Credentials, variables: &[(&str, String)]) -> io::Result<Self> {
        let runtime_api = Arc::new(RuntimeApi::start(kind.name(), Some(agency.clone()), address(None)).await?);
        let own = [
            ("RUNTIME_API_ADDR", runtime_api.address().to_string()),
            ("RUNTIME_TIMEOUT", kind.timeout().as_secs().to_string()),
            ("RUNTIME_PACKAGE", "default".to_owned()),
            ("RUNTIME_FUNC_NAME", kind.name().to_owned()),
            ("RUNTIME_FUNC_VERSION", "latest".to_owned()),
        ];
        let variables = own.into_iter().chain(variables.iter().cloned());
        let environment = Environment::from_variables(variables).map_err(io::Error::other)?;
        let function = LocalFunction::start(kind, &environment)?;
        Ok(Self { runtime_api, environment, function })
    }
}

impl Invocations {
    /// Counts an invocation and gives its answer, if it was a good one.
    fn take(&mut self, result: InvocationResult) -> Option<Value> {
        self.count += 1;
        self.durations.push(result.duration);
        let error = match result.status {
            InvocationStatus::Response(body) => match serde_json::from_slice::<Value>(&body) {
                Ok(answer) if answer["failed"].as_array().is_none_or(Vec::is_empty) => return Some(answer),
                Ok(answer) => answer["failed"].to_string(),
                Err(error) => format!("the answer is not JSON: {error}"),
            },
            InvocationStatus::Error(body) => String::from_utf8_lossy(&body).into_owned(),
            InvocationStatus::TimedOut => "no answer in time".to_owned(),
        };
        self.failed += 1;
        if self.errors.len() < 5 {
            self.errors.push(error);
        }
        None
    }
}

fn address(port: Option<u16>) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
}
