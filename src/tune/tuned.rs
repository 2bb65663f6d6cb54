//! A group that tunes itself while a trace is played: the loop of `evaluate` and `tune` without the cloud between them.

use std::collections::BTreeMap;
use std::fmt;

use super::course::{Live, Patience, Step, advance, in_force, rejected_lately, statuses};
use super::gate::held_out_from;
use super::ground::Ground;
use super::player::GroupPlayer;
use super::round::{Candidate, Judged, round, version};
use crate::model::{
    CONFIG_VERSION, Course, Group, InForce, LiveFigures, Minute, PolicyChange, PolicyEvent, PolicyVersion, Standing,
    Tunables, Watch, basis,
};
use crate::records::SCHEMA_VERSION;
use crate::replay::{Metrics, Player, Trace, View};

/// Minute of the hour at which tuning runs.
const RUN_AT: u32 = 30;
/// Minutes between two rounds of candidates.
const ROUND_EVERY: i64 = 23 * 60;
/// Days of load that it looks back on.
const DAYS: usize = 14;
const DAY: usize = 1440;

/// What is asked for advice: the load so far, and the policy in force.
pub type Adviser = Box<dyn FnMut(&Ground, &Tunables) -> Vec<Candidate>>;

/// A group that tunes itself. What passes the gate takes effect without anyone.
pub struct Tuned {
    group: Group,
    configured: Tunables,
    patience: Patience,
    adviser: Adviser,
    seed: u64,
    decides: GroupPlayer,
    decides_as: String,
    beside: Option<Beside>,
    watch: Option<Watch>,
    refused: BTreeMap<String, String>,
    course: Course,
    told: Told,
    load: Vec<f64>,
    first: Option<Minute>,
    capacity: f64,
    waiting: Vec<Judged>,
}

/// A version that decides beside.
struct Beside {
    version: String,
    player: GroupPlayer,
    evaluations: u32,
    starved: u32,
}

/// Every version's story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Every version that was judged.
    pub versions: Vec<PolicyVersion>,
    /// What happened to each, in order.
    pub changes: Vec<PolicyChange>,
}

impl std::fmt::Debug for Tuned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tuned").field("course", &self.course).finish_non_exhaustive()
    }
}

impl Tuned {
    /// A group as configured, that asks `adviser` once a day.
    pub fn new(group: &Group, patience: Patience, adviser: Adviser, seed: u64) -> Self {
        let configured = Tunables::of(group);
        let ground = Ground::new(group, nothing(), 1.0, 1);
        Self {
            group: group.clone(),
            patience,
            adviser,
            seed,
            decides: ground.player(&configured),
            decides_as: CONFIG_VERSION.to_owned(),
            beside: None,
            watch: None,
            refused: BTreeMap::new(),
            course: Course::begin(&basis(group), Minute(0).start()),
            told: Told::default(),
            load: Vec::new(),
            first: None,
            capacity: 0.0,
            waiting: Vec::new(),
            configured,
        }
    }

    /// What happened so far.
    pub fn told(&self) -> &Told {
        &self.told
    }

    /// Which version decides.
    pub fn decides_as(&self) -> &str {
        &self.decides_as
    }

    fn take_in(&mut self, minute: Minute, metrics: &Metrics) {
        let first = *self.first.get_or_insert(minute);
        let index = (minute - first).max(0) as usize;
        let newest = self.load.last().copied().unwrap_or(metrics.served_per_second);
        self.load.resize(index.max(self.load.len()), newest);
        self.load.push(metrics.served_per_second);
        let busy = f64::from(metrics.serving) * metrics.utilisation / 100.0;
        if busy > 0.0 {
            self.capacity = metrics.served_per_second / busy;
        }
        let policy = &self.group.policy;
        let Some(watch) = &mut self.watch else { return };
        let Some(active) = self.course.active.as_ref().filter(|active| active.version == watch.version) else { return };
        let Metrics { total, serving, utilisation, latency_ms, .. } = *metrics;
        let measured =
            LiveFigures::minute(total, serving, utilisation, Some(latency_ms), policy.slo_ms, policy.violation_price);
        if let Some(why) = watch.note(minute, &measured, &active.expected) {
            self.refused.insert(watch.version.clone(), why);
            self.watch = None;
            self.follow(minute);
        }
    }

    /// Lets the version decide that is in force.
    fn follow(&mut self, now: Minute) {
        let refused = &self.refused;
        let followed = self.course.followed(|version| refused.contains_key(version)).cloned();
        let (name, tunables) = match &followed {
            Some(InForce { version, tunables, .. }) => (version.as_str(), tunables),
            None => (CONFIG_VERSION, &self.configured),
        };
        if name != self.decides_as {
            let fitted =
                self.beside.take_if(|beside| beside.version == name).map(|beside| beside.player.engine().clone());
            self.decides.take_over(tunables, fitted);
            name.clone_into(&mut self.decides_as);
            let watched = followed.as_ref().is_some_and(|followed| followed.watched_until.is_some());
            self.watch = watched.then(|| Watch::begin(name, now));
        }
        if followed.is_some_and(|followed| followed.watched_until.is_none()) {
            self.watch = None;
        }
    }

    /// What the function `tune` does.
    fn run(&mut self, view: &View) {
        let now = view.now.start();
        let live = Live {
            watched: self.watch.as_ref().map(|watch| (watch.version.clone(), watch.measured_minutes)),
            shadow: self.beside.as_ref().map(|beside| (beside.version.clone(), beside.evaluations, beside.starved)),
            refused: self.refused.clone(),
        };
        let basis = basis(&self.group);
        let (course, steps) =
            advance(Some(self.course.clone()), &basis, &[], &self.told.changes, &live, self.patience, now);
        self.course = course;
        for step in steps {
            self.tell(step, view.now);
        }
        let last_round = self.course.last_round.map(Minute::containing);
        let is_due = last_round.is_none_or(|last| view.now - last >= ROUND_EVERY);
        if self.course.is_settled() && self.capacity > 0.0 && is_due {
            self.look_for_better(view);
        }
        self.follow(view.now);
        self.stand_beside();
    }

    fn look_for_better(&mut self, view: &View) {
        let skipped = self.load.len().saturating_sub(DAYS * DAY);
        let start = self.first.unwrap_or(view.now) + skipped as i64;
        let trace = Trace { start, load: self.load[skipped..].to_vec(), ..nothing() };
        let ground = Ground::new(&self.group, trace, self.capacity, view.lead_minutes);
        if held_out_from(&ground).is_none() {
            return;
        }
        self.course.last_round = Some(view.now.start());
        let (parent, before) = in_force(&self.course, &self.configured);
        let rejected = rejected_lately(&statuses(&self.told.changes), &self.course, view.now.start());
        let advised = (self.adviser)(&ground, before);
        let found = round(&ground, before, advised, &rejected, self.seed ^ view.now.0 as u64, &mut || true);
        let best = found.best().map(|best| best.candidate.tunables.clone());
        let versions: Vec<PolicyVersion> =
            found.judged.iter().map(|judged| version(judged, &ground, (parent, before), view.now.start())).collect();
        for (version, judged) in versions.into_iter().zip(found.judged) {
            let step = |standing, why: String| Step { version: version.version.clone(), standing, why };
            let is_best = best.as_ref() == Some(&judged.candidate.tunables);
            if is_best {
                self.course.shadow(&version, true, view.now.start());
                self.waiting = vec![judged];
                self.tell(step(Standing::Shadow, "it passed the gate".to_owned()), view.now);
            } else if version.evidence.passed {
                self.tell(step(Standing::Lapsed, "it passed the gate, and another one is better".to_owned()), view.now);
            } else {
                self.tell(step(Standing::Rejected, version.evidence.objections.join("; ")), view.now);
            }
            self.told.versions.push(version);
        }
    }

    /// Begins and ends deciding beside.
    fn stand_beside(&mut self) {
        let Some(shadow) = &self.course.shadow else {
            self.beside = None;
            return;
        };
        if self.beside.as_ref().is_some_and(|beside| beside.version == shadow.version) {
            return;
        }
        let mut player = self.decides.clone();
        let fitted = self.waiting.pop().map(|judged| judged.engine);
        player.take_over(&shadow.tunables, fitted);
        self.beside = Some(Beside { version: shadow.version.clone(), player, evaluations: 0, starved: 0 });
    }

    fn tell(&mut self, step: Step, now: Minute) {
        self.told.changes.push(PolicyChange {
            schema: SCHEMA_VERSION,
            id: format!("{:06}", self.told.changes.len()),
            version: step.version,
            time: now.start(),
            what: PolicyEvent::Became(step.standing),
            who: "tune".to_owned(),
            why: step.why,
        });
    }
}

impl Player for Tuned {
    fn decide(&mut self, view: &View) -> u32 {
        if let Some((minute, metrics)) = &view.newest {
            self.take_in(*minute, metrics);
        }
        if view.now.of_day() % 60 == RUN_AT {
            self.run(view);
        }
        if let Some(beside) = &mut self.beside {
            let wanted = beside.player.decide(view);
            beside.evaluations += 1;
            if let Some((_, metrics)) = &view.newest {
                let busy = f64::from(metrics.serving) * metrics.utilisation / 100.0;
                beside.starved += u32::from(f64::from(wanted) < busy);
            }
        }
        self.decides.decide(view)
    }
}

fn nothing() -> Trace {
    Trace { name: "the group's own load".to_owned(), start: Minute(0), load: Vec::new(), interpolated: 0 }
}
