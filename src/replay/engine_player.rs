use super::driver::{Player, View};
use super::signals::standard_signals;
use crate::engine::{Engine, EngineState, Observation};
use crate::model::{Policy, Sample, Signal};

/// Seconds of rest after a change, as in the configuration's defaults.
const COOLDOWN_SECONDS: u32 = 300;

/// Plays a production engine: the very code that decides in the function, on the signals of a simulated group.
#[derive(Clone, Debug)]
pub struct EnginePlayer<E = EngineState> {
    engine: E,
    signals: Vec<Signal>,
    /// At most one sample; kept to reuse its memory.
    samples: Vec<Sample>,
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
        Self { engine, signals: standard_signals(), samples: Vec::with_capacity(1) }
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
            min_instances: view.min_instances,
            max_instances: view.max_instances,
            lead_minutes: view.lead_minutes,
            delay_minutes: view.delay_minutes,
            cooldown_seconds: COOLDOWN_SECONDS,
        };
        self.engine.decide(&observation).target
    }
}
