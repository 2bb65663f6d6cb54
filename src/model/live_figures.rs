use serde::{Deserialize, Serialize};

use super::{Expected, Minute, WATCH_MINUTES, Worst};

/// Less work than this, in instance-minutes, tells nothing.
const LEAST_WORK: f64 = 1.0;
/// Minutes that a policy has at least before it is judged by what is measured.
pub const LEAST_WATCHED_MINUTES: u32 = 60;
/// Price of work that is still as expected, as a multiple of the highest that was expected ...
const MOST_DEARER: f64 = 1.25;
/// ... and on top of it.
const DEARER_SLACK: f64 = 0.1;
/// Share of late work that is still as expected, beyond the highest that was expected.
const LATE_SLACK: f64 = 0.05;

/// What can be measured live as well as in a replay, summed over minutes, in instance-minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveFigures {
    /// Instances that were paid.
    pub paid: f64,
    /// Work that was done.
    pub work: f64,
    /// Work done in minutes whose response time was over the service level.
    pub late_work: f64,
    /// Price of late work.
    pub penalty: f64,
    /// Minutes.
    pub minutes: u32,
}

impl LiveFigures {
    /// One minute: instances serving and in all, their utilisation in per cent, and the mean response time, where known.
    pub fn minute(
        total: u32,
        serving: u32,
        utilisation: f64,
        latency_ms: Option<f64>,
        slo_ms: f64,
        violation_price: f64,
    ) -> Self {
        let work = f64::from(serving) * utilisation.clamp(0.0, 100.0) / 100.0;
        let is_late = latency_ms.is_some_and(|latency| latency > slo_ms);
        let late_work = if is_late { work } else { 0.0 };
        Self { paid: f64::from(total), work, late_work, penalty: violation_price * late_work, minutes: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            paid: self.paid + other.paid,
            work: self.work + other.work,
            late_work: self.late_work + other.late_work,
            penalty: self.penalty + other.penalty,
            minutes: self.minutes + other.minutes,
        }
    }

    /// What an instance-minute of work costs. 0 where there was hardly any.
    pub fn price_of_work(&self) -> f64 {
        if self.work < LEAST_WORK { 0.0 } else { (self.paid + self.penalty) / self.work }
    }

    /// Share of the work that was late. 0 where there was hardly any.
    pub fn late_share(&self) -> f64 {
        if self.work < LEAST_WORK { 0.0 } else { self.late_work / self.work }
    }

    /// How it is worse than expected, if it is and there are minutes enough to tell.
    pub fn worse_than(&self, expected: &Worst) -> Option<String> {
        if self.minutes < LEAST_WATCHED_MINUTES {
            return None;
        }
        let most_late = expected.late_share + LATE_SLACK;
        if self.late_share() > most_late {
            let (late, most) = (self.late_share() * 100.0, most_late * 100.0);
            return Some(format!(
                "{late:.1} % of the work of {} minutes was late, more than {most:.1} %",
                self.minutes
            ));
        }
        let most_dear = expected.price_of_work * MOST_DEARER + DEARER_SLACK;
        let price = self.price_of_work();
        (price > most_dear).then(|| {
            format!(
                "work costs {price:.2} instance-minutes a minute over {} minutes, more than {most_dear:.2}",
                self.minutes
            )
        })
    }
}

/// Minutes after a version has taken effect, or is left to itself again, that are still the doing of what was before.
const INHERITED_MINUTES: i64 = 15;

/// Share of a window's minutes that must have been measured to judge it as a whole.
const WHOLE: f64 = 0.9;

/// What is measured of a version that is watched, in windows of [`WATCH_MINUTES`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// The version.
    pub version: String,
    /// First minute of the window.
    from: Minute,
    /// The window so far.
    tally: LiveFigures,
    /// Minutes that were measured in all windows.
    #[serde(default)]
    pub measured_minutes: u32,
}

impl Watch {
    /// Of a version that takes effect at that minute.
    pub fn begin(version: &str, since: Minute) -> Self {
        Self {
            version: version.to_owned(),
            from: since + INHERITED_MINUTES,
            tally: LiveFigures::default(),
            measured_minutes: 0,
        }
    }

    /// Takes in a minute, and tells how the version is worse than expected, if it is. A window is judged when it is over, and
    /// before that by what its first minutes may be at worst: an hour with a burst is worse than six with the same burst.
    pub fn note(&mut self, minute: Minute, measured: &LiveFigures, expected: &Expected) -> Option<String> {
        if minute < self.from {
            return None;
        }
        let mut worse = None;
        if minute - self.from >= WATCH_MINUTES {
            let is_whole = f64::from(self.tally.minutes) >= WHOLE * WATCH_MINUTES as f64;
            worse = if is_whole { self.tally.worse_than(&expected.window) } else { None };
            self.from = minute;
            self.tally = LiveFigures::default();
        }
        self.tally = self.tally.and(measured);
        self.measured_minutes = self.measured_minutes.saturating_add(1);
        worse.or_else(|| self.tally.worse_than(expected.early.as_ref()?))
    }

    /// What is measured now is not the version's doing, and neither is what follows at once: the window begins anew.
    pub fn interrupt(&mut self, minute: Minute) {
        self.from = minute + INHERITED_MINUTES;
        self.tally = LiveFigures::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(count: u32, utilisation: f64, latency_ms: f64) -> LiveFigures {
        let minute = LiveFigures::minute(10, 10, utilisation, Some(latency_ms), 2000.0, 20.0);
        (0..count).fold(LiveFigures::default(), |sum, _| sum.and(&minute))
    }

    #[test]
    fn late_work_and_dear_work_are_worse_than_expected() {
        let expected = Worst { price_of_work: 1.6, late_share: 0.01 };
        assert_eq!(minutes(120, 70.0, 600.0).worse_than(&expected), None);
        assert!(minutes(120, 70.0, 2500.0).worse_than(&expected).is_some_and(|why| why.contains("was late")));
        assert!(minutes(120, 30.0, 600.0).worse_than(&expected).is_some_and(|why| why.contains("work costs")));
    }

    #[test]
    fn a_few_minutes_tell_nothing_and_neither_does_an_idle_night() {
        let expected = Worst { price_of_work: 1.6, late_share: 0.01 };
        assert_eq!(minutes(59, 70.0, 2500.0).worse_than(&expected), None);
        assert_eq!(minutes(120, 0.0, 500.0).worse_than(&expected), None);
    }

    #[test]
    fn what_a_version_has_inherited_is_not_held_against_it_and_what_is_long_past_neither() {
        let worst = Worst { price_of_work: 1.6, late_share: 0.01 };
        let expected = Expected { window: worst, early: Some(worst) };
        let late = LiveFigures::minute(10, 10, 90.0, Some(9000.0), 2000.0, 20.0);
        let good = LiveFigures::minute(10, 10, 70.0, Some(600.0), 2000.0, 20.0);
        let mut watch = Watch::begin("v", Minute(0));
        let worse = |watch: &mut Watch, minutes: std::ops::Range<i64>, measured: &LiveFigures| {
            minutes.filter_map(|minute| watch.note(Minute(minute), measured, &expected)).count()
        };
        assert_eq!(worse(&mut watch, 0..15, &late), 0);
        assert_eq!(worse(&mut watch, 15..375, &good), 0);
        assert_eq!(worse(&mut watch, 375..434, &late), 0, "a new window has begun");
        assert_eq!(worse(&mut watch, 434..440, &late), 6);
    }

    #[test]
    fn an_hour_may_be_worse_than_a_window_and_a_window_is_judged_when_it_is_over() {
        let late = LiveFigures::minute(10, 10, 90.0, Some(9000.0), 2000.0, 20.0);
        let good = LiveFigures::minute(10, 10, 70.0, Some(600.0), 2000.0, 20.0);
        let expected = Expected {
            window: Worst { price_of_work: 4.0, late_share: 0.12 },
            early: Some(Worst { price_of_work: 12.0, late_share: 0.5 }),
        };
        let judged = |late_minutes: i64, expected: &Expected| {
            let mut watch = Watch::begin("v", Minute(-INHERITED_MINUTES));
            let note = |minute: i64| {
                let measured = if minute < late_minutes { &late } else { &good };
                watch.note(Minute(minute), measured, expected).map(|_| minute)
            };
            (0..400).find_map(note)
        };
        assert_eq!(judged(25, &expected), None, "half of an hour, a tenth of the window");
        assert_eq!(judged(50, &expected), Some(59), "worse than any hour");
        assert_eq!(judged(30 + 60, &Expected { early: None, ..expected }), Some(360), "a quarter of the window");
        let mut watch = Watch::begin("v", Minute(-INHERITED_MINUTES));
        let measured = (0..70).chain([400, 401]);
        let note = |minute: i64| watch.note(Minute(minute), if minute < 28 { &late } else { &good }, &expected);
        assert_eq!(measured.filter_map(note).count(), 0, "hardly anything of the window was measured");
    }

    #[test]
    fn what_is_not_its_doing_is_not_held_against_a_version() {
        let worst = Worst { price_of_work: 1.6, late_share: 0.01 };
        let expected = Expected { window: worst, early: Some(worst) };
        let late = LiveFigures::minute(10, 10, 90.0, Some(9000.0), 2000.0, 20.0);
        let mut watch = Watch::begin("v", Minute(-INHERITED_MINUTES));
        for minute in 0..200 {
            watch.interrupt(Minute(minute));
            assert_eq!(watch.note(Minute(minute), &late, &expected), None);
        }
        assert_eq!(watch.measured_minutes, 0);
        assert!((200..280).any(|minute| watch.note(Minute(minute), &late, &expected).is_some()));
    }
}
