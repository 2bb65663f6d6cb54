//! A group's past, one entry a minute: what was measured, what was decided, what else happened.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Decision, Happening, PaidCapacity, Record, SCHEMA_VERSION};
use crate::engine::{Evidence, guardrails};
use crate::model::{Minute, Mode, Sample};

/// One minute of a group's past. A line of its history.
///
/// Entries of the same minute can be [merged](Self::merge) in any order, any number of times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryMinute {
    /// Version of the form.
    pub schema: u32,
    /// The minute.
    #[serde(rename = "time", with = "as_time")]
    pub minute: Minute,
    /// What was measured, as far as a decision has taken it in.
    #[serde(flatten)]
    pub measured: Measured,
    /// What was decided in this minute, in the order of the records' names.
    #[serde(default)]
    pub decisions: Vec<PastDecision>,
    /// What else happened in this minute, in the same order.
    #[serde(default)]
    pub events: Vec<PastEvent>,
}

/// What was measured of one minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Instances that served, as far as known.
    pub serving: Option<u32>,
    /// Instances that served or were starting, as far as known.
    pub total: Option<u32>,
    /// Values by signal, each in the signal's unit. What is missing is not there.
    #[serde(default)]
    pub signals: BTreeMap<String, f64>,
    /// Name of the decision's record that took it in. `None`: nothing was measured.
    #[serde(default)]
    pub taken_in_by: Option<String>,
}

/// A decision as history keeps it. Its record, while it is kept, has the whole of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastDecision {
    /// Name of its record.
    pub record: String,
    /// When.
    pub time: DateTime<Utc>,
    /// What woke the evaluation.
    pub trigger: String,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Asked for by a person to see what would happen.
    pub dry_run: bool,
    /// Version of the policy that decided.
    pub policy: String,
    /// How many instances there were, serving and starting.
    pub current: u32,
    /// How many the engine wanted.
    pub proposed: u32,
    /// How many there should be, after the guardrails.
    pub target: u32,
    /// Guardrails that changed the number.
    pub guardrails: Vec<guardrails::Rule>,
    /// Minutes until a new instance serves, as reckoned with.
    pub lead_minutes: u32,
    /// Newest known load in instances' worth, where the engine measures it.
    pub demand: Option<f64>,
    /// Signals that were missing, stale or contradictory.
    pub missing: Vec<String>,
    /// What went wrong on the way, in words.
    pub problems: Vec<String>,
    /// What each pool had after it, as far as known.
    pub pools: BTreeMap<String, PaidCapacity>,
    /// Money spent since the group's first evaluation, as the evaluations reckon it.
    #[serde(default)]
    pub spent: Option<f64>,
    /// HTTP calls made, state included.
    pub http_calls: u64,
    /// How long it took.
    pub duration_ms: u64,
}

/// Something other than a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastEvent {
    /// Name of its record.
    pub record: String,
    /// When.
    pub time: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

impl HistoryMinute {
    /// A minute of which nothing is known.
    pub fn empty(minute: Minute) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            minute,
            measured: Measured::default(),
            decisions: Vec::new(),
            events: Vec::new(),
        }
    }

    /// What a record says: of its own minute first, then of the minutes that it took in.
    pub fn of_record(name: &str, record: &Record) -> Vec<Self> {
        let mut own = Self::empty(Minute::containing(record.time));
        let Happening::Decision(decision) = &record.what else {
            own.events.push(PastEvent { record: name.to_owned(), time: record.time, what: record.what.clone() });
            return vec![own];
        };
        own.decisions.push(PastDecision::of(name, record.time, decision));
        let taken_in = decision.seen.samples.iter().map(|sample| Self {
            measured: Measured::of(name, &decision.seen.signal_names, sample),
            ..Self::empty(sample.minute)
        });
        std::iter::once(own).chain(taken_in).collect()
    }

    /// Takes in what another entry knows of the same minute.
    pub fn merge(&mut self, other: Self) {
        debug_assert_eq!(self.minute, other.minute, "entries of different minutes");
        if other.measured.rank() > self.measured.rank() {
            self.measured = other.measured;
        }
        merge_named(&mut self.decisions, other.decisions, |decision| &decision.record);
        merge_named(&mut self.events, other.events, |event| &event.record);
    }

    /// Names of the records that lie in this minute.
    pub fn records(&self) -> impl Iterator<Item = &str> {
        let decisions = self.decisions.iter().map(|decision| decision.record.as_str());
        decisions.chain(self.events.iter().map(|event| event.record.as_str()))
    }

    /// What each pool had at the end of this minute, if a decision looked.
    pub fn pools(&self) -> Option<&BTreeMap<String, PaidCapacity>> {
        self.decisions.last().map(|decision| &decision.pools)
    }
}

impl Measured {
    fn of(name: &str, signals: &[String], sample: &Sample) -> Self {
        let value = |(signal, value): (&String, &Option<f64>)| Some((signal.clone(), (*value)?));
        Self {
            serving: sample.serving,
            total: sample.total,
            signals: signals.iter().zip(&sample.values).filter_map(value).collect(),
            taken_in_by: Some(name.to_owned()),
        }
    }

    /// Of two that were taken in of the same minute, the one that knows more stands; of equals the later.
    fn rank(&self) -> (usize, &Option<String>) {
        (self.signals.len(), &self.taken_in_by)
    }
}

impl PastDecision {
    fn of(name: &str, time: DateTime<Utc>, decision: &Decision) -> Self {
        Self {
            record: name.to_owned(),
            time,
            trigger: decision.trigger.kind.clone(),
            mode: decision.mode,
            dry_run: decision.dry_run,
            policy: decision.policy.clone(),
            current: decision.guardrail_inputs.current,
            proposed: decision.proposal.target,
            target: decision.target,
            guardrails: decision.guardrails.iter().map(|step| step.rule).collect(),
            lead_minutes: decision.seen.lead_minutes,
            demand: match &decision.proposal.evidence {
                Evidence::Predictive(evidence) => Some(evidence.newest_demand),
                _ => None,
            },
            missing: decision.seen.missing.keys().cloned().collect(),
            problems: decision.problems.clone(),
            pools: decision.left.clone(),
            spent: decision.spent,
            http_calls: decision.http_calls,
            duration_ms: decision.duration_ms,
        }
    }
}

/// The union by name, in the order of the names.
fn merge_named<T>(mine: &mut Vec<T>, others: Vec<T>, name: impl Fn(&T) -> &String) {
    for other in others {
        if let Err(place) = mine.binary_search_by(|known| name(known).cmp(name(&other))) {
            mine.insert(place, other);
        }
    }
}

/// A minute as a point in time, as other tools read it.
mod as_time {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Minute;

    pub(super) fn serialize<S: Serializer>(minute: &Minute, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&minute.start().to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Minute, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Minute::containing)
    }
}
