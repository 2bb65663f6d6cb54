use std::ops::Range;

use crate::engine::schedules::{self, Circumstances, ScheduledCall};
use crate::engine::{Engine, EngineState, Observation, doubts, guardrails};
use crate::forecast::extremes::HourlyMaxima;
use crate::model::{Group, Minute, Sample, Signal, SignalKind, Tunables};
use crate::records::HistoryMinute;
use crate::replay::{Metrics, Player, View};

/// Minutes beyond the usual delay after which a sample carries no decision to shrink.
const GRACE_MINUTES: i64 = 4;
/// Minutes with both values before a straight line is drawn through them.
const LEAST_PAIRS: usize = 60;

/// What a replay takes a signal's values from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignalModel {
    /// The utilisation of the simulated instances.
    Utilisation,
    /// A straight line over that utilisation: memory, GPU.
    Follows {
        /// Value of an idle group.
        idle: f64,
        /// What each per cent of utilisation adds.
        slope: f64,
    },
    /// The response time.
    Latency,
    /// The queue.
    Queue,
    /// The load that was served.
    Rate,
    /// A replay cannot tell it.
    Unknown,
}

impl SignalModel {
    /// What a signal is without having seen it: other utilisations are taken for memory as the benchmark models it.
    pub fn of(group: &Group, index: usize, signal: &Signal) -> Self {
        match signal.kind {
            SignalKind::Utilisation if group.load_signal().is_some_and(|(load, _)| load == index) => Self::Utilisation,
            SignalKind::Utilisation if super::space::is_memory(signal) => Self::Follows { idle: 45.0, slope: 0.25 },
            SignalKind::LatencyMs => Self::Latency,
            SignalKind::QueueLength => Self::Queue,
            SignalKind::RatePerSecond => Self::Rate,
            SignalKind::Utilisation | SignalKind::Percent => Self::Unknown,
        }
    }

    /// What a signal is by what was measured of it: a utilisation that follows that of the load by a straight line (least
    /// squares) is taken to do so in a replay too.
    pub fn fitted(group: &Group, index: usize, signal: &Signal, minutes: &[HistoryMinute]) -> Self {
        let usual = Self::of(group, index, signal);
        let follows = signal.kind == SignalKind::Utilisation && usual != Self::Utilisation;
        let Some((_, load)) = group.load_signal().filter(|_| follows) else { return usual };
        let pair = |entry: &HistoryMinute| {
            let signals = &entry.measured.signals;
            Some((*signals.get(&load.name)?, *signals.get(&signal.name)?))
        };
        let pairs: Vec<(f64, f64)> = minutes.iter().filter_map(pair).collect();
        if pairs.len() < LEAST_PAIRS {
            return usual;
        }
        let count = pairs.len() as f64;
        let mean_x = pairs.iter().map(|pair| pair.0).sum::<f64>() / count;
        let mean_y = pairs.iter().map(|pair| pair.1).sum::<f64>() / count;
        let covariance: f64 = pairs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = pairs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
        Self::Follows { idle: mean_y - slope * mean_x, slope }
    }

    fn value(self, metrics: &Metrics) -> Option<f64> {
        match self {
            Self::Utilisation => Some(metrics.utilisation),
            Self::Follows { idle, slope } => Some((idle + slope * metrics.utilisation).clamp(0.0, 100.0)),
            Self::Latency => Some(metrics.latency_ms),
            Self::Queue => Some(metrics.queue),
            Self::Rate => Some(metrics.served_per_second),
            Self::Unknown => None,
        }
    }
}

/// Plays a group as the function `evaluate` does: its own signals, its engine, and the guardrails behind it.
#[derive(Clone, Debug)]
pub struct GroupPlayer {
    group: Group,
    models: Vec<SignalModel>,
    engine: EngineState,
    samples: Vec<Sample>,
    newest: Option<Sample>,
    last_change: Option<Minute>,
    /// The highest loads of the last week, which known events multiply.
    usual: HourlyMaxima,
    /// What it takes for its lead time, where that is not the truth.
    believed_lead_minutes: Option<u32>,
    /// Minutes in which no metrics come.
    blind: Range<Minute>,
}

impl GroupPlayer {
    /// A group under these tunables. `models` has one entry a signal; a signal that a replay cannot tell is left out.
    pub fn new(group: &Group, models: &[SignalModel], tunables: &Tunables) -> Self {
        let mut group = tunables.applied_to(group);
        let mut known = models.iter();
        group.signals.retain(|_| known.next().is_some_and(|model| *model != SignalModel::Unknown));
        let models = models.iter().copied().filter(|model| *model != SignalModel::Unknown).collect();
        let engine = EngineState::new(&group.policy, &group.signals);
        Self {
            group,
            models,
            engine,
            samples: Vec::with_capacity(1),
            newest: None,
            last_change: None,
            usual: HourlyMaxima::default(),
            believed_lead_minutes: None,
            blind: Minute(0)..Minute(0),
        }
    }

    /// Goes by this lead time, whatever the truth is.
    pub(super) fn believing_lead_minutes(mut self, minutes: u32) -> Self {
        self.believed_lead_minutes = Some(minutes);
        self
    }

    /// Without metrics in those minutes.
    pub(super) fn blind_during(mut self, minutes: Range<Minute>) -> Self {
        self.blind = minutes;
        self
    }

    /// The engine with all that it has learnt.
    pub fn engine(&self) -> &EngineState {
        &self.engine
    }

    /// Another engine takes over, as when another version takes effect.
    pub fn take_over(&mut self, tunables: &Tunables, engine: Option<EngineState>) {
        self.group = tunables.applied_to(&self.group);
        let fresh = || EngineState::new(&self.group.policy, &self.group.signals);
        self.engine =
            engine.and_then(|engine| engine.adapted(&self.group.policy, &self.group.signals)).unwrap_or_else(fresh);
    }

    fn sample(&self, minute: Minute, metrics: &Metrics) -> Sample {
        let value = |(signal, model): (&Signal, &SignalModel)| {
            let period = i64::from(signal.period_minutes());
            model.value(metrics).filter(|_| (minute.0 + 1).rem_euclid(period) == 0)
        };
        let values = self.group.signals.iter().zip(&self.models).map(value).collect();
        Sample { minute, serving: Some(metrics.serving), total: Some(metrics.total), values }
    }

    fn scheduled(&self, view: &View) -> Vec<ScheduledCall> {
        let Group { scaling, policy, schedules, .. } = &self.group;
        let circumstances = Circumstances {
            now: view.now.start(),
            lead_minutes: self.believed_lead_minutes.unwrap_or(view.lead_minutes),
            interval_minutes: scaling.check_interval.div_ceil(60),
            current: view.capacity.total(),
            max_instances: view.max_instances,
            max_step_out: scaling.max_step_out,
            utilisation: schedules::utilisation(policy, self.group.load_signal().map(|(_, signal)| signal)),
            usual: &self.usual,
        };
        schedules::calls(schedules, &circumstances)
    }

    fn guarded(&self, view: &View, proposed: u32) -> u32 {
        let Group { scaling, policy, signals, .. } = &self.group;
        let current = view.capacity.total();
        let mut doubted = Vec::new();
        let mut shared_loads = Vec::new();
        if proposed < current {
            match &self.newest {
                Some(newest) => {
                    let value = |signal: &Signal| {
                        let index = signals.iter().position(|known| known.name == signal.name)?;
                        newest.values.get(index).copied().flatten()
                    };
                    doubted = doubts::contradictions(signals, value);
                    shared_loads = doubts::shared_loads(&self.group, newest);
                    if view.now - newest.minute > i64::from(view.delay_minutes) + GRACE_MINUTES {
                        doubted.push("the metrics are old".to_owned());
                    }
                }
                None => doubted.push("there are no metrics yet".to_owned()),
            }
        }
        let (target, _) = guardrails::apply(&guardrails::Inputs {
            proposed,
            current,
            min_instances: view.min_instances,
            max_instances: view.max_instances,
            affordable: None,
            going: 0,
            max_step_out: scaling.max_step_out,
            max_step_in: scaling.max_step_in,
            doubts: doubted,
            raises: Vec::new(),
            schedules: self.scheduled(view),
            seconds_since_change: self.last_change.map(|changed| (view.now - changed) * 60),
            cooldown_in_seconds: scaling.guardrail_cooldown_seconds(policy.engine),
            shared_loads,
            orders: Vec::new(),
        });
        target
    }
}

impl Player for GroupPlayer {
    fn decide(&mut self, view: &View) -> u32 {
        self.samples.clear();
        if !self.blind.contains(&view.now)
            && let Some((minute, metrics)) = &view.newest
        {
            let sample = self.sample(*minute, metrics);
            self.samples.push(sample);
        }
        let observation = Observation {
            now: view.now,
            signals: &self.group.signals,
            samples: &self.samples,
            capacity: view.capacity,
            stand_ins: 0,
            min_instances: view.min_instances,
            max_instances: view.max_instances,
            lead_minutes: self.believed_lead_minutes.unwrap_or(view.lead_minutes),
            delay_minutes: view.delay_minutes,
            cooldown_seconds: self.group.scaling.cooldown_seconds(self.group.policy.engine),
        };
        let proposed = self.engine.decide(&observation).target;
        if let Some(sample) = self.samples.pop() {
            schedules::learn(&mut self.usual, &self.group.schedules, self.group.load_signal(), &sample);
            self.newest = Some(sample);
        }
        let target = self.guarded(view, proposed);
        if target != view.capacity.total() {
            self.last_change = Some(view.now);
        }
        target
    }
}
