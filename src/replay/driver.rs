//! Plays a policy over a trace: one decision a minute, from metrics that are late, on a group that starts slowly.

use std::collections::VecDeque;

use super::fleet::Fleet;
use super::report::{Row, Tally};
use super::signals::Metrics;
use super::trace::Trace;
use crate::model::{Capacity, Minute};
use crate::queueing::{MinuteOutcome, ServiceModel, SimulatedGroup};

/// Utilisation of the group that [`Settings::mean_instances`] and the start refer to.
const COMFORTABLE_UTILISATION: f64 = 0.6;
/// Utilisation at which the clairvoyant runs.
const CLAIRVOYANT_UTILISATION: f64 = 0.85;

/// The circumstances of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seconds from asking for an instance until it serves.
    pub lead_seconds: u32,
    /// Minutes by which metrics arrive late: at minute t the newest visible minute is t - 1 - delay.
    pub delay_minutes: u32,
    /// Instances that a perfectly elastic group has on average at 60 % utilisation. Gives the capacity of an instance.
    pub mean_instances: f64,
    /// Work per second that one instance serves, instead of what `mean_instances` gives.
    pub capacity: Option<f64>,
    /// Never fewer instances.
    pub min_instances: u32,
    /// Never more instances.
    pub max_instances: u32,
    /// Response time of an idle group in seconds.
    pub service_seconds: f64,
    /// Response time that still counts as good, in seconds.
    pub slo_seconds: f64,
    /// Prices of a violation that J is reported for.
    pub prices: Vec<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lead_seconds: 120,
            delay_minutes: 1,
            mean_instances: 12.0,
            capacity: None,
            min_instances: 1,
            max_instances: 10_000,
            service_seconds: 0.5,
            slo_seconds: 2.0,
            prices: vec![5.0, 20.0, 100.0],
        }
    }
}

/// What a policy is shown at one decision.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The minute that is decided for.
    pub now: Minute,
    /// The newest visible minute and its metrics, not shown before; `None` in the first minutes.
    pub newest: Option<(Minute, Metrics)>,
    /// What the group has at this instant.
    pub capacity: Capacity,
    /// Never fewer instances.
    pub min_instances: u32,
    /// Never more instances.
    pub max_instances: u32,
    /// Minutes from asking for an instance until it serves.
    pub lead_minutes: u32,
    /// Minutes by which metrics arrive late.
    pub delay_minutes: u32,
}

impl View {
    /// The nearest number within the limits.
    pub fn clamp(&self, instances: u32) -> u32 {
        instances.min(self.max_instances).max(self.min_instances)
    }
}

/// Something that can be played: a peer or an engine.
pub trait Player {
    /// How many instances, serving and starting together, there shall be. Clamped to the limits by the driver.
    fn decide(&mut self, view: &View) -> u32;
}

impl<P: Player + ?Sized> Player for Box<P> {
    fn decide(&mut self, view: &View) -> u32 {
        (**self).decide(view)
    }
}

/// A trace under given circumstances, with what follows from the two alone.
#[derive(Clone, Debug)]
pub struct Arena<'a> {
    trace: &'a Trace,
    settings: &'a Settings,
    capacity: f64,
    clairvoyant_hours: f64,
    work_hours: f64,
    peak: f64,
}

impl<'a> Arena<'a> {
    /// Works out the capacity of an instance and the clairvoyant's cost.
    pub fn new(trace: &'a Trace, settings: &'a Settings) -> Self {
        let work_per_second: f64 = trace.load.iter().sum();
        let mean = work_per_second / trace.load.len().max(1) as f64;
        let capacity = settings
            .capacity
            .unwrap_or(mean / (settings.mean_instances * COMFORTABLE_UTILISATION))
            .max(f64::MIN_POSITIVE);
        let needed = |load: &f64| (load / capacity / CLAIRVOYANT_UTILISATION).ceil().max(1.0);
        Self {
            trace,
            settings,
            capacity,
            clairvoyant_hours: trace.load.iter().map(needed).sum::<f64>() / 60.0,
            work_hours: work_per_second / (60.0 * capacity),
            peak: trace.load.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The trace.
    pub fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// The circumstances.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// Work per second that one instance serves.
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    /// What one instance can do, and what is expected of it.
    pub fn service_model(&self) -> ServiceModel {
        ServiceModel {
            service_seconds: self.settings.service_seconds,
            slo_seconds: self.settings.slo_seconds,
            ..ServiceModel::new(self.capacity, self.settings.lead_seconds)
        }
    }

    /// Instances of a perfectly elastic group at 60 % utilisation, on average.
    pub fn mean_instances(&self) -> f64 {
        self.work_hours * 60.0 / self.trace.load.len().max(1) as f64 / COMFORTABLE_UTILISATION
    }

    /// Instance-hours that perfect foresight pays at 85 % utilisation.
    pub fn clairvoyant_hours(&self) -> f64 {
        self.clairvoyant_hours
    }

    /// Instance-hours that the work itself needs.
    pub fn work_hours(&self) -> f64 {
        self.work_hours
    }

    /// Instances that carry the highest minute at 85 % utilisation.
    pub fn peak_instances(&self) -> u32 {
        (self.peak / self.capacity / CLAIRVOYANT_UTILISATION).ceil().max(1.0) as u32
    }

    /// Instances that serve at the start: as many as carry the first minute at 60 % utilisation.
    pub fn initial_instances(&self) -> u32 {
        let first = self.trace.load.first().copied().unwrap_or(0.0);
        let usual = (first / self.capacity / COMFORTABLE_UTILISATION).ceil() as u32;
        usual.max(self.settings.min_instances)
    }

    /// Plays one policy from the first minute to the last.
    pub fn play<P: Player + ?Sized>(&self, player: &mut P) -> Row {
        self.play_and_watch(player, |_, _| {})
    }

    /// As [`Self::play`], showing every minute to `watch`.
    pub fn play_and_watch<P: Player + ?Sized>(&self, player: &mut P, watch: impl FnMut(Minute, &MinuteOutcome)) -> Row {
        self.play_on(&mut SimulatedGroup::new(self.service_model(), self.start_instances()), player, watch)
    }

    /// Instances that serve to begin with.
    pub(super) fn start_instances(&self) -> u32 {
        let first = self.trace.load.first().copied().unwrap_or(0.0);
        ((first / self.capacity / COMFORTABLE_UTILISATION).ceil() as u32).max(self.settings.min_instances)
    }

    /// Plays one policy on any fleet.
    pub(super) fn play_on<P: Player + ?Sized>(
        &self,
        fleet: &mut impl Fleet,
        player: &mut P,
        mut watch: impl FnMut(Minute, &MinuteOutcome),
    ) -> Row {
        let Settings { min_instances, max_instances, lead_seconds, delay_minutes, .. } = *self.settings;
        let mut hidden: VecDeque<(Minute, Metrics)> =
            VecDeque::with_capacity((delay_minutes as usize).min(self.trace.load.len()) + 1);
        let mut tally = Tally::new(self.trace.load.len());
        for (minute, load) in (0i64..).zip(&self.trace.load) {
            let now = self.trace.start + minute;
            fleet.begin(minute);
            if minute > 0 {
                let newest = if hidden.len() > delay_minutes as usize { hidden.pop_front() } else { None };
                let view = View {
                    now,
                    newest,
                    capacity: fleet.capacity(),
                    min_instances,
                    max_instances,
                    lead_minutes: lead_seconds.div_ceil(60),
                    delay_minutes,
                };
                let wanted = view.clamp(player.decide(&view));
                let (started, charge) = fleet.scale_to(minute, wanted);
                tally.decided_at(minute, view.capacity.total(), wanted, started, charge);
            }
            let (outcome, cost) = fleet.play(minute, *load);
            hidden.push_back((now, Metrics::from(&outcome)));
            tally.played_at(&outcome, cost);
            watch(now, &outcome);
        }
        tally.row(self)
    }
}

/// Plays one policy over a trace. To play several under the same circumstances, keep an [`Arena`].
pub fn play<P: Player + ?Sized>(trace: &Trace, settings: &Settings, player: &mut P) -> Row {
    Arena::new(trace, settings).play(player)
}
