use super::driver::{Player, View};
use super::signals::standard_signals;
use crate::engine::schedules::{self, Circumstances, ScheduledCall};
use crate::engine::{Engine, EngineState, Observation};
use crate::forecast::extremes::HourlyMaxima;
use crate::model::{Policy, Sample, Schedule, Signal};

/// Seconds of rest after a change, as in the configuration's defaults.
const COOLDOWN_SECONDS: u32 = 300;

/// Plays a production engine: the very code that decides in the function, on the signals of a simulated group.
#[derive(Clone, Debug)]
pub struct EnginePlayer<E = EngineState> {
    engine: E,
    signals: Vec<Signal>,
    /// At most one sample; kept to reuse its memory.
    samples: Vec<Sample>,
    events: Events,
}

/// What is known beforehand.
#[derive(Clone, Debug, Default)]
struct Events {
    schedules: Vec<Schedule>,
    utilisation: f64,
    usual: HourlyMaxima,
}

impl EnginePlayer {
    /// The engine of that policy on [`standard_signals`].
    pub fn new(policy: &Policy) -> Self {
        let signals = standard_signals();
        Self::with(EngineState::new(policy, &signals))
    }
}

impl<E: Engine> EnginePlayer<E> {
    /// Any engine on [`standard_signals`].
    pub fn with(engine: E) -> Self {
        Self { engine, signals: standard_signals(), samples: Vec::with_capacity(1), events: Events::default() }
    }

    /// The same, raised by known events as the guardrails would.
    #[must_use]
    pub fn with_schedules(mut self, policy: &Policy, schedules: Vec<Schedule>) -> Self {
        let utilisation = schedules::utilisation(policy, self.signals.first());
        self.events = Events { schedules, utilisation, usual: HourlyMaxima::default() };
        self
    }

    /// The engine with all it has learnt.
    pub fn engine(&self) -> &E {
        &self.engine
    }
}

impl<E: Engine> Player for EnginePlayer<E> {
    fn decide(&mut self, view: &View) -> u32 {
        self.samples.clear();
        self.samples.extend(view.newest.map(|(minute, metrics)| metrics.sample(minute)));
        let observation = Observation {
            now: view.now,
            signals: &self.signals,
            samples: &self.samples,
            capacity: view.capacity,
            stand_ins: 0,
            min_instances: view.min_instances,
            max_instances: view.max_instances,
            lead_minutes: view.lead_minutes,
            delay_minutes: view.delay_minutes,
            cooldown_seconds: COOLDOWN_SECONDS,
        };
        let target = self.engine.decide(&observation).target;
        if self.events.schedules.is_empty() { target } else { target.max(self.scheduled(view)) }
    }
}

impl<E> EnginePlayer<E> {
    /// Instances that known events ask for.
    fn scheduled(&mut self, view: &View) -> u32 {
        let Events { schedules, utilisation, usual } = &mut self.events;
        for sample in &self.samples {
            schedules::learn(usual, schedules, self.signals.first().map(|signal| (0, signal)), sample);
        }
        let circumstances = Circumstances {
            now: view.now.start(),
            lead_minutes: view.lead_minutes,
            interval_minutes: 1,
            current: view.capacity.total(),
            max_instances: view.max_instances,
            max_step_out: None,
            utilisation: *utilisation,
            usual,
        };
        schedules::calls(schedules, &circumstances).iter().map(ScheduledCall::instances).max().unwrap_or_default()
    }
}
