//! What a number of instances does with a load, minute by minute.
//!
//! A fluid queue in steps of five seconds, with an M/M/n waiting time on top. One model: the engine sizes by it, the replay and
//! the local region play it.

use std::collections::VecDeque;

/// Steps of the fluid queue in a minute.
const STEPS: u32 = 12;
/// Length of such a step in seconds.
const STEP_SECONDS: f64 = 60.0 / STEPS as f64;
/// Work that would wait longer is lost, in seconds.
const LONGEST_WAIT_SECONDS: f64 = 30.0;

/// What one instance can do, and what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceModel {
    /// Work per second that one instance serves.
    pub capacity_per_second: f64,
    /// Response time of an idle group in seconds.
    pub service_seconds: f64,
    /// Response time that still counts as good, in seconds.
    pub slo_seconds: f64,
    /// Minutes from asking for an instance until it serves.
    pub lead_minutes: i64,
}

impl ServiceModel {
    /// An instance of that capacity, 0.5 s to serve, 2 s allowed.
    pub fn new(capacity_per_second: f64, lead_seconds: u32) -> Self {
        Self {
            capacity_per_second,
            service_seconds: 0.5,
            slo_seconds: 2.0,
            lead_minutes: i64::from(lead_seconds.div_ceil(60)),
        }
    }
}

/// What happened in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MinuteOutcome {
    /// Instances that served.
    pub serving: u32,
    /// Instances that served or were starting.
    pub total: u32,
    /// Work that arrived.
    pub arrived: f64,
    /// Work that was served.
    pub served: f64,
    /// Work that was out of its SLO; what was lost is part of it.
    pub late: f64,
    /// Work that was given up.
    pub lost: f64,
    /// Work waiting at the end of the minute.
    pub queue: f64,
    /// Mean latency of the work that arrived, in milliseconds.
    pub latency_ms: f64,
    /// Per cent of the serving instances' capacity that was used.
    pub utilisation: f64,
}

impl MinuteOutcome {
    /// Work served per second.
    pub fn served_per_second(&self) -> f64 {
        self.served / 60.0
    }
}

/// A group of instances under a load, on virtual time in whole minutes.
#[derive(Clone, Debug)]
pub struct SimulatedGroup {
    model: ServiceModel,
    serving: u32,
    starting: VecDeque<Starting>,
    queue: f64,
}

#[derive(Clone, Copy, Debug)]
struct Starting {
    count: u32,
    ready_at: i64,
}

impl SimulatedGroup {
    /// A group with that many instances serving and nothing queued.
    pub fn new(model: ServiceModel, serving: u32) -> Self {
        Self { model, serving, starting: VecDeque::new(), queue: 0.0 }
    }

    /// Instances that serve.
    pub fn serving(&self) -> u32 {
        self.serving
    }

    /// Instances that were asked for and do not serve yet.
    pub fn starting(&self) -> u32 {
        self.starting.iter().map(|batch| batch.count).sum()
    }

    /// Serving and starting.
    pub fn total(&self) -> u32 {
        self.serving + self.starting()
    }

    /// Work that waits.
    pub fn queue(&self) -> f64 {
        self.queue
    }

    /// Asks for `wanted` instances at the start of `minute`. A lower number first cancels what is still starting, newest
    /// first, then stops serving instances at once. Returns how many instances were started.
    pub fn scale_to(&mut self, minute: i64, wanted: u32) -> u32 {
        let total = self.total();
        if wanted >= total {
            let started = wanted - total;
            if started > 0 {
                self.starting.push_back(Starting { count: started, ready_at: minute + self.model.lead_minutes });
            }
            return started;
        }
        let mut surplus = total - wanted;
        while surplus > 0 {
            let Some(newest) = self.starting.back_mut() else {
                break;
            };
            let cancelled = newest.count.min(surplus);
            newest.count -= cancelled;
            surplus -= cancelled;
            if newest.count == 0 {
                self.starting.pop_back();
            }
        }
        self.serving -= surplus;
        0
    }

    /// Sets what there is, for a driver that keeps its own instances: those starting serve when it says so, not by themselves.
    pub fn set_instances(&mut self, serving: u32, starting: u32) {
        self.serving = serving;
        self.starting.clear();
        if starting > 0 {
            self.starting.push_back(Starting { count: starting, ready_at: i64::MAX });
        }
    }

    /// Takes serving instances away at once, as a spot reclaim does. Returns how many there were to take.
    pub fn lose(&mut self, instances: u32) -> u32 {
        let lost = instances.min(self.serving);
        self.serving -= lost;
        lost
    }

    /// Lets what has become ready by `minute` serve.
    pub fn make_ready(&mut self, minute: i64) {
        while let Some(batch) = self.starting.front().filter(|batch| batch.ready_at <= minute) {
            self.serving += batch.count;
            self.starting.pop_front();
        }
    }

    /// Plays `minute` under a constant load in work per second.
    pub fn play(&mut self, minute: i64, load_per_second: f64) -> MinuteOutcome {
        self.make_ready(minute);
        let outcome = play_minute(&self.model, self.serving, &mut self.queue, load_per_second);
        MinuteOutcome { total: self.total(), ..outcome }
    }
}

/// What `serving` instances do in one minute of constant load in work per second, with `queue` waiting before and after.
pub fn play_minute(model: &ServiceModel, serving: u32, queue: &mut f64, load_per_second: f64) -> MinuteOutcome {
    let mut outcome =
        MinuteOutcome { serving, total: serving, arrived: load_per_second * 60.0, ..MinuteOutcome::default() };
    if serving == 0 {
        outcome.late = outcome.arrived;
        outcome.lost = outcome.arrived + *queue;
        outcome.latency_ms = LONGEST_WAIT_SECONDS * 1000.0;
        *queue = 0.0;
        return outcome;
    }
    let step = Step::new(model, serving, load_per_second);
    let mut latency_sum = 0.0;
    if *queue == 0.0 && load_per_second <= step.rate {
        // The queue stays empty, so all twelve steps are alike.
        let played = step.play(queue);
        outcome.served = played.served * f64::from(STEPS);
        outcome.late = played.late * f64::from(STEPS);
        latency_sum = played.latency * f64::from(STEPS);
    } else {
        for _ in 0..STEPS {
            let played = step.play(queue);
            outcome.served += played.served;
            outcome.late += played.late;
            outcome.lost += played.lost;
            latency_sum += played.latency;
        }
    }
    // Lost work is late too; work lost later than it arrived has been counted as late on arrival already.
    outcome.late = outcome.late.min(outcome.arrived);
    outcome.queue = *queue;
    // Arrivals are the same in every step, so their mean latency is that of the steps.
    outcome.latency_ms = latency_sum / f64::from(STEPS) * 1000.0;
    outcome.utilisation = outcome.served / (step.rate * 60.0) * 100.0;
    outcome
}

/// What does not change within a minute.
struct Step {
    rate: f64,
    arriving: f64,
    overload_wait: f64,
    wait_probability: f64,
    mean_wait: f64,
    service_seconds: f64,
    slo_seconds: f64,
}

struct Played {
    served: f64,
    late: f64,
    lost: f64,
    latency: f64,
}

impl Step {
    fn new(model: &ServiceModel, serving: u32, load: f64) -> Self {
        let n = f64::from(serving);
        let rate = n * model.capacity_per_second;
        let rho = (load / rate).min(0.999);
        Self {
            rate,
            arriving: load * STEP_SECONDS,
            overload_wait: if load > rate { (load - rate) * STEP_SECONDS / (2.0 * rate) } else { 0.0 },
            wait_probability: rho.powf((2.0 * (n + 1.0)).sqrt() - 1.0),
            mean_wait: model.service_seconds / (n * (1.0 - rho)),
            service_seconds: model.service_seconds,
            slo_seconds: model.slo_seconds,
        }
    }

    fn play(&self, queue: &mut f64) -> Played {
        let backlog_wait = *queue / self.rate + self.overload_wait;
        let spare = self.slo_seconds - self.service_seconds - backlog_wait;
        let late_share = if spare <= 0.0 { 1.0 } else { self.wait_probability * (-spare / self.mean_wait).exp() };
        let latency =
            (self.service_seconds + backlog_wait + self.wait_probability * self.mean_wait).min(LONGEST_WAIT_SECONDS);
        *queue += self.arriving;
        let served = queue.min(self.rate * STEP_SECONDS);
        *queue -= served;
        let longest_queue = LONGEST_WAIT_SECONDS * self.rate;
        let lost = (*queue - longest_queue).max(0.0);
        *queue -= lost;
        Played { served, late: late_share * self.arriving, lost, latency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(serving: u32) -> SimulatedGroup {
        SimulatedGroup::new(ServiceModel::new(10.0, 120), serving)
    }

    #[test]
    fn an_idle_group_answers_in_its_service_time() {
        let outcome = group(4).play(0, 0.0);
        assert_eq!(outcome.latency_ms, 500.0);
        assert_eq!(outcome.served, 0.0);
    }

    #[test]
    fn work_is_conserved_through_an_overload() {
        let mut group = group(2);
        let (mut arrived, mut served, mut lost) = (0.0, 0.0, 0.0);
        for minute in 0..30 {
            let outcome = group.play(minute, if minute < 10 { 35.0 } else { 3.0 });
            arrived += outcome.arrived;
            served += outcome.served;
            lost += outcome.lost;
        }
        assert!((arrived - served - lost - group.queue()).abs() < 1e-6);
        assert!(lost > 0.0);
    }

    #[test]
    fn an_instance_serves_after_its_lead_time() {
        let mut group = group(1);
        assert_eq!(group.scale_to(5, 3), 2);
        assert_eq!(group.play(5, 1.0).serving, 1);
        assert_eq!(group.play(6, 1.0).serving, 1);
        assert_eq!(group.play(7, 1.0).serving, 3);
    }

    #[test]
    fn a_lower_number_cancels_what_is_starting_before_it_stops_what_serves() {
        let mut group = group(4);
        group.scale_to(0, 7);
        group.scale_to(0, 5);
        assert_eq!((group.serving(), group.starting()), (4, 1));
        group.scale_to(0, 2);
        assert_eq!((group.serving(), group.starting()), (2, 0));
    }
}
