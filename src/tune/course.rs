//! Which version is in force: from proposed over shadow and canary to active, and back. Time and what was measured are
//! arguments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Course, InForce, PolicyChange, PolicyEvent, PolicyOrder, PolicyVersion, Standing, Tunables};
use crate::records::SCHEMA_VERSION;

/// Share of a shadow's evaluations in which it may have wanted fewer instances than the load kept busy.
const MOST_STARVED: f64 = 0.02;

/// Minutes that must have been measured of a version before it counts as watched.
const LEAST_MEASURED_MINUTES: u32 = 60;
/// How much longer a version is watched that too little was measured of.
const WATCHED_LONGER: TimeDelta = TimeDelta::hours(1);

/// How long what was rejected is not judged again: by then the load has other days.
const REJECTED_FOR: TimeDelta = TimeDelta::days(7);
/// How a version's name begins: with the time at which it was made.
pub(super) const VERSION_TIME: &str = "%Y%m%dT%H%MZ";

/// How long a version has to prove itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Evaluations that it decides beside.
    pub shadow_evaluations: u32,
    /// Hours that it is watched after it has taken effect.
    pub bake_hours: u32,
}

/// What `evaluate` knows of the versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// The shadow: its version, evaluations, and in how many of them it wanted fewer than the load kept busy.
    pub shadow: Option<(String, u32, u32)>,
    /// The version that is watched, and the minutes that were measured of it.
    pub watched: Option<(String, u32)>,
    /// Versions that are no longer followed, and why.
    pub refused: BTreeMap<String, String>,
}

impl Live {
    fn measured_minutes(&self, version: &str) -> u32 {
        self.watched.as_ref().filter(|(watched, _)| watched == version).map_or(0, |(_, minutes)| *minutes)
    }
}

/// A change of a version's standing, to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The version.
    pub version: String,
    /// How it stands now.
    pub standing: Standing,
    /// Why.
    pub why: String,
}

impl Step {
    fn new(version: &str, standing: Standing, why: impl Into<String>) -> Self {
        Self { version: version.to_owned(), standing, why: why.into() }
    }
}

/// How a version stands, and what a person has said of it, by all of its changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How it stands.
    pub standing: Option<Standing>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// The newest order of a person.
    pub order: Option<PolicyOrder>,
}

/// How each version stands.
pub fn statuses(changes: &[PolicyChange]) -> BTreeMap<String, Status> {
    let mut sorted: Vec<&PolicyChange> = changes.iter().collect();
    sorted.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    let mut statuses: BTreeMap<String, Status> = BTreeMap::new();
    for change in sorted {
        let status = statuses.entry(change.version.clone()).or_default();
        match change.what {
            PolicyEvent::Became(standing) => (status.standing, status.since) = (Some(standing), Some(change.time)),
            PolicyEvent::Ordered(order) => status.order = Some(order),
        }
    }
    statuses
}

impl Course {
    /// The configuration's policy decides, and nothing beside it.
    pub fn begin(basis: &str, now: DateTime<Utc>) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            written: now,
            basis: basis.to_owned(),
            last_round: None,
            active: None,
            previous: None,
            shadow: None,
            shadow_takes_effect: false,
        }
    }

    /// Whether candidates may be looked for: nothing is being tried already.
    pub fn is_settled(&self) -> bool {
        self.shadow.is_none() && self.active.as_ref().is_none_or(|active| active.watched_until.is_none())
    }

    /// Lets a version decide beside.
    pub fn shadow(&mut self, version: &PolicyVersion, takes_effect: bool, now: DateTime<Utc>) {
        self.shadow = Some(InForce {
            version: version.version.clone(),
            tunables: version.tunables.clone(),
            since: now,
            watched_until: None,
            expected: version.evidence.expected,
        });
        self.shadow_takes_effect = takes_effect;
    }
}

/// Takes the course on: what was refused goes, what has proved itself comes, and what a person has approved is tried.
/// `versions` are those that wait, newest last.
pub fn advance(
    course: Option<Course>,
    basis: &str,
    versions: &[PolicyVersion],
    changes: &[PolicyChange],
    live: &Live,
    patience: Patience,
    now: DateTime<Utc>,
) -> (Course, Vec<Step>) {
    let mut steps = Vec::new();
    let statuses = statuses(changes);
    let mut course = match course {
        Some(course) if course.basis == basis => course,
        Some(outdated) => {
            let in_force = [outdated.active, outdated.shadow].into_iter().flatten();
            steps.extend(
                in_force.map(|each| Step::new(&each.version, Standing::Lapsed, "the configured policy has changed")),
            );
            Course::begin(basis, now)
        }
        None => Course::begin(basis, now),
    };
    let refusal = |version: &str| {
        let ordered = statuses.get(version).and_then(|status| status.order);
        match ordered {
            Some(PolicyOrder::Reject | PolicyOrder::RollBack) => Some("a person does not want it".to_owned()),
            _ => live.refused.get(version).cloned(),
        }
    };
    go_back(&mut course, refusal, &mut steps);
    if let Some(active) = &mut course.active
        && active.watched_until.is_some_and(|until| until <= now)
    {
        let needs_watching = patience.bake_hours > 0;
        if needs_watching && live.measured_minutes(&active.version) < LEAST_MEASURED_MINUTES {
            // Nothing bad was seen because nothing was seen.
            active.watched_until = Some(now + WATCHED_LONGER);
        } else {
            active.watched_until = None;
            let why =
                if needs_watching { "it was watched and is as good as expected" } else { "it need not be watched" };
            steps.push(Step::new(&active.version, Standing::Active, why));
        }
    }
    prove_shadow(&mut course, live, patience, &mut steps, now);
    if course.shadow.is_none() {
        let approved = |version: &&PolicyVersion| {
            statuses.get(&version.version).is_some_and(|status| {
                status.standing == Some(Standing::Proposed) && status.order == Some(PolicyOrder::Approve)
            })
        };
        if let Some(version) = versions.iter().rev().filter(|version| version.basis == basis).find(approved) {
            course.shadow(version, true, now);
            steps.push(Step::new(&version.version, Standing::Shadow, "a person has approved it"));
        }
    }
    course.written = now;
    (course, steps)
}

/// Returns from what is not wanted.
fn go_back(course: &mut Course, refusal: impl Fn(&str) -> Option<String>, steps: &mut Vec<Step>) {
    course.previous = course.previous.take().filter(|previous| refusal(&previous.version).is_none());
    if let Some((active, why)) = course.active.as_ref().and_then(|active| Some((active, refusal(&active.version)?))) {
        steps.push(Step::new(&active.version, Standing::RolledBack, why));
        course.active = course.previous.take();
        if let Some(active) = &course.active {
            steps.push(Step::new(&active.version, Standing::Active, "the version after it was rolled back"));
        }
    }
    if let Some((shadow, why)) = course.shadow.as_ref().and_then(|shadow| Some((shadow, refusal(&shadow.version)?))) {
        steps.push(Step::new(&shadow.version, Standing::Rejected, why));
        course.shadow = None;
    }
}

/// Lets a shadow take effect that has decided beside long enough, or drops it.
fn prove_shadow(course: &mut Course, live: &Live, patience: Patience, steps: &mut Vec<Step>, now: DateTime<Utc>) {
    let Some(shadow) = &course.shadow else { return };
    let Some((_, evaluations, starved)) = live.shadow.as_ref().filter(|(version, ..)| *version == shadow.version)
    else {
        return;
    };
    if *evaluations < patience.shadow_evaluations {
        return;
    }
    if f64::from(*starved) > MOST_STARVED * f64::from(*evaluations) {
        let why =
            format!("in {starved} of {evaluations} evaluations it wanted fewer instances than the load kept busy");
        steps.push(Step::new(&shadow.version, Standing::Rejected, why));
        course.shadow = None;
        return;
    }
    if !course.shadow_takes_effect {
        return;
    }
    let Some(mut next) = course.shadow.take() else { return };
    next.since = now;
    next.watched_until = Some(now + TimeDelta::hours(i64::from(patience.bake_hours)));
    let why = format!("it has decided beside in {evaluations} evaluations and takes effect");
    steps.push(Step::new(&next.version, Standing::Canary, why));
    if let Some(active) = &course.active {
        steps.push(Step::new(&active.version, Standing::Lapsed, format!("{} takes its place", next.version)));
    }
    course.previous = course.active.replace(next);
}

/// Digests of what need not be judged again: what was rejected in the last days and since the version in force has been,
/// what was rolled back in the last days, and what a person does not want.
pub fn rejected_lately(statuses: &BTreeMap<String, Status>, course: &Course, now: DateTime<Utc>) -> BTreeSet<String> {
    let lately = now - REJECTED_FOR;
    let since = course.active.as_ref().map_or(lately, |active| active.since.max(lately));
    let since = since.format(VERSION_TIME).to_string();
    let is_rejected = |(version, status): &(&String, &Status)| match (status.order, status.standing) {
        (Some(PolicyOrder::Reject | PolicyOrder::RollBack), _) => true,
        (_, Some(Standing::Rejected)) => **version >= since,
        (_, Some(Standing::RolledBack)) => status.since >= Some(lately),
        _ => false,
    };
    let rejected = statuses.iter().filter(is_rejected);
    rejected.filter_map(|(version, _)| Some(version.rsplit_once('-')?.1.to_owned())).collect()
}

/// What tuning may do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freedom {
    /// Nothing.
    Nothing,
    /// Propose.
    Propose,
    /// Let versions take effect.
    Apply,
}

/// Takes back a shadow that was to take effect by itself, where that is no longer wanted. What a person has approved goes on.
pub fn restrain(course: &mut Course, changes: &[PolicyChange], freedom: Freedom) -> Option<Step> {
    let (standing, why) = match freedom {
        Freedom::Apply => return None,
        Freedom::Propose => (Standing::Proposed, "tuning only proposes now, and it waits for a person"),
        Freedom::Nothing => (Standing::Lapsed, "tuning is off now"),
    };
    let (takes_effect, statuses) = (course.shadow_takes_effect, statuses(changes));
    let shadow = course.shadow.take_if(|shadow| {
        let order = statuses.get(&shadow.version).and_then(|status| status.order);
        takes_effect && order != Some(PolicyOrder::Approve)
    })?;
    Some(Step::new(&shadow.version, standing, why))
}

/// The tunables in force, and the version that they come from.
pub fn in_force<'a>(course: &'a Course, configured: &'a Tunables) -> (&'a str, &'a Tunables) {
    match &course.active {
        Some(active) => (&active.version, &active.tunables),
        None => (crate::model::CONFIG_VERSION, configured),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::tests::version_named;

    const PATIENCE: Patience = Patience { shadow_evaluations: 60, bake_hours: 24 };
    const BASIS: &str = "basis";

    fn hour(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn change(id: &str, version: &str, what: PolicyEvent) -> PolicyChange {
        let (schema, version) = (SCHEMA_VERSION, version.to_owned());
        PolicyChange {
            schema,
            id: id.to_owned(),
            version,
            time: hour(1),
            what,
            who: "ada".to_owned(),
            why: "x".to_owned(),
        }
    }

    fn on(course: Course, live: &Live, hours: i64) -> (Course, Vec<(String, Standing)>) {
        let (course, steps) = advance(Some(course), BASIS, &[], &[], live, PATIENCE, hour(hours));
        (course, steps.into_iter().map(|step| (step.version, step.standing)).collect())
    }

    fn in_shadow(evaluations: u32, starved: u32) -> Live {
        Live { shadow: Some(("b".to_owned(), evaluations, starved)), ..Live::default() }
    }

    fn watched(minutes: u32) -> Live {
        Live { watched: Some(("b".to_owned(), minutes)), ..Live::default() }
    }

    /// Version a decides, version b decides beside.
    fn trying() -> Course {
        let mut course = Course::begin(BASIS, hour(0));
        course.shadow(&version_named("a"), true, hour(0));
        course.active = course.shadow.take();
        course.shadow(&version_named("b"), true, hour(0));
        course
    }

    #[test]
    fn a_shadow_takes_effect_when_it_has_proved_itself_and_stays_when_it_was_watched() {
        let (course, steps) = on(trying(), &in_shadow(59, 0), 1);
        assert!(steps.is_empty() && !course.is_settled());
        let (course, steps) = on(course, &in_shadow(60, 1), 2);
        assert_eq!(steps, [("b".to_owned(), Standing::Canary), ("a".to_owned(), Standing::Lapsed)]);
        let (course, steps) = on(course, &watched(600), 25);
        assert!(steps.is_empty() && !course.is_settled());
        let (course, steps) = on(course, &watched(600), 26);
        assert_eq!(steps, [("b".to_owned(), Standing::Active)]);
        assert!(course.is_settled());
    }

    #[test]
    fn a_version_that_too_little_was_measured_of_is_watched_longer() {
        let (course, _) = on(trying(), &in_shadow(60, 0), 2);
        let another = Live { watched: Some(("a".to_owned(), 600)), ..Live::default() };
        for live in [Live::default(), another, watched(59)] {
            let (course, steps) = on(course.clone(), &live, 26);
            assert!(steps.is_empty() && !course.is_settled());
            assert!(on(course.clone(), &watched(60), 26).1.is_empty(), "an hour longer");
            assert_eq!(on(course, &watched(60), 27).1, [("b".to_owned(), Standing::Active)]);
        }
    }

    #[test]
    fn a_shadow_that_would_have_starved_the_group_is_dropped() {
        let (course, steps) = on(trying(), &in_shadow(60, 2), 2);
        assert_eq!(steps, [("b".to_owned(), Standing::Rejected)]);
        assert!(course.shadow.is_none());
        assert_eq!(course.active.map(|active| active.version).as_deref(), Some("a"));
    }

    #[test]
    fn a_shadow_that_waits_for_a_person_does_not_take_effect() {
        let course = Course { shadow_takes_effect: false, ..trying() };
        assert!(on(course, &in_shadow(600, 0), 2).1.is_empty());
    }

    #[test]
    fn a_version_that_is_refused_gives_way_to_the_one_before() {
        let (course, _) = on(trying(), &in_shadow(60, 0), 2);
        let refused = Live { refused: [("b".to_owned(), "it was late".to_owned())].into(), ..Live::default() };
        assert_eq!(course.followed(|version| version == "b").map(|each| each.version.as_str()), Some("a"));
        let (course, steps) = on(course, &refused, 3);
        assert_eq!(steps, [("b".to_owned(), Standing::RolledBack), ("a".to_owned(), Standing::Active)]);
        assert_eq!(course.followed(|_| false).map(|each| each.version.as_str()), Some("a"));
        let both = Live { refused: [("a".to_owned(), "it was late".to_owned())].into(), ..Live::default() };
        assert_eq!(on(course, &both, 4).0.active, None);
    }

    #[test]
    fn a_person_wins_whatever_was_measured() {
        let roll_back = [change("1", "a", PolicyEvent::Ordered(PolicyOrder::RollBack))];
        let (course, steps) = advance(Some(trying()), BASIS, &[], &roll_back, &in_shadow(60, 0), PATIENCE, hour(2));
        assert_eq!((steps[0].version.as_str(), steps[0].standing), ("a", Standing::RolledBack));
        assert_eq!(course.active.map(|active| active.version).as_deref(), Some("b"), "and the shadow goes on");
    }

    #[test]
    fn what_a_person_approves_is_tried_and_nothing_else() {
        let waiting = [version_named("c"), version_named("d")];
        let proposed = |version| change("1", version, PolicyEvent::Became(Standing::Proposed));
        let mut changes = vec![proposed("c"), proposed("d")];
        let advance = |changes: &[PolicyChange]| {
            advance(None, BASIS, &waiting, changes, &Live::default(), PATIENCE, hour(2)).0.shadow
        };
        assert_eq!(advance(&changes), None);
        changes.push(change("2", "c", PolicyEvent::Ordered(PolicyOrder::Approve)));
        assert_eq!(advance(&changes).map(|shadow| shadow.version).as_deref(), Some("c"));
        changes.push(change("3", "c", PolicyEvent::Ordered(PolicyOrder::Reject)));
        assert_eq!(advance(&changes), None);
    }

    #[test]
    fn when_a_person_changes_the_configuration_all_versions_lapse() {
        let (course, steps) = advance(Some(trying()), "another", &[], &[], &Live::default(), PATIENCE, hour(2));
        assert!(course.active.is_none() && course.shadow.is_none() && course.basis == "another");
        assert!(steps.iter().all(|step| step.standing == Standing::Lapsed) && steps.len() == 2);
    }

    #[test]
    fn a_shadow_that_was_to_take_effect_by_itself_goes_where_tuning_may_do_less() {
        let mut course = Course::begin(BASIS, hour(0));
        course.shadow(&version_named("a"), true, hour(0));
        assert_eq!(restrain(&mut course, &[], Freedom::Apply), None);
        let approved = [change("1", "a", PolicyEvent::Ordered(PolicyOrder::Approve))];
        assert_eq!(restrain(&mut course, &approved, Freedom::Nothing), None);
        for (freedom, standing) in [(Freedom::Propose, Standing::Proposed), (Freedom::Nothing, Standing::Lapsed)] {
            let mut course = course.clone();
            assert_eq!(restrain(&mut course, &[], freedom).map(|step| step.standing), Some(standing));
            assert!(course.shadow.is_none());
        }
        course.shadow_takes_effect = false;
        assert_eq!(restrain(&mut course, &[], Freedom::Nothing), None, "it only decides beside");
    }

    #[test]
    fn what_was_refused_is_not_judged_again() {
        let rolled_back: DateTime<Utc> = "2026-03-04T12:00:00Z".parse().unwrap();
        let became = |version: &str, standing| change("1", version, PolicyEvent::Became(standing));
        let ordered = |version: &str, order| change("2", version, PolicyEvent::Ordered(order));
        let changes = [
            became("20260301T0000Z-search-old", Standing::Rejected),
            became("20260310T0000Z-search-new", Standing::Rejected),
            PolicyChange { time: rolled_back, ..became("20260201T0000Z-search-measured", Standing::RolledBack) },
            became("20260309T0000Z-search-earlier", Standing::RolledBack),
            became("20260101T0000Z-search-unwanted", Standing::Active),
            ordered("20260101T0000Z-search-unwanted", PolicyOrder::RollBack),
            ordered("20260102T0000Z-search-refused", PolicyOrder::Reject),
            ordered("20260103T0000Z-search-liked", PolicyOrder::Approve),
            became("20260105T0000Z-search-passed", Standing::Lapsed),
        ];
        let now: DateTime<Utc> = "2026-03-10T12:00:00Z".parse().unwrap();
        let mut course = Course::begin(BASIS, now);
        course.shadow(&version_named("b"), true, "2026-03-09T12:00:00Z".parse().unwrap());
        course.active = course.shadow.take();
        let rejected = rejected_lately(&statuses(&changes), &course, now);
        let rejected: Vec<&str> = rejected.iter().map(String::as_str).collect();
        assert_eq!(rejected, ["measured", "new", "refused", "unwanted"]);
    }
}
