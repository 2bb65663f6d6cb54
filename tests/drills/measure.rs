//! What is measured of a drill, and how it is told.

use super::drill::Drill;
use super::stage::Twin;

/// Minutes for which a group must keep its twin's size before it counts as recovered.
pub(super) const STEADY_MINUTES: usize = 5;

/// How many times its twin's instances a group may have at most, whatever it is told.
const MOST_MULTIPLE: u32 = 3;

/// How a drill went.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) name: &'static str,
    /// Share of the work in its service level.
    pub(super) in_slo: f64,
    /// The same of the twin, in the same minutes.
    pub(super) twin_in_slo: f64,
    /// Instances taken away by the functions when their data were bad, or when what stayed could not carry the load.
    pub(super) removed_wrongly: u32,
    /// Changes without a record, records that cannot be read or decided again, calls for more that were never taken in.
    pub(super) records_lost: u32,
    /// How often what went wrong was met.
    pub(super) met: u64,
    /// Instances when the fault began, when it ended, and ten minutes later; the twin's beside them.
    pub(super) sizes: [(u32, u32); 3],
    /// The most instances at any time, and the twin's.
    pub(super) largest: (u32, u32),
    /// Minutes from the fault's end until the group was as large as its twin.
    pub(super) recovery: Option<usize>,
    /// Invocations, and those that gave no answer.
    pub(super) invocations: u32,
    pub(super) failed: u32,
    /// Those of them before the fault began or after it ended.
    pub(super) failed_outside: u32,
    /// What was said first when one failed.
    pub(super) error: Option<String>,
    /// What is wrong with the records, in words.
    pub(super) lost: Vec<String>,
    /// When and what was taken away wrongly.
    pub(super) removals: Vec<String>,
}

impl Measured {
    /// All of it in a line.
    pub(super) fn summary(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(|(own, twin)| format!("{own} ({twin})")).collect();
        let error: String = self.error.iter().flat_map(|error| error.chars()).take(160).collect();
        format!(
            "met {} times, in_slo {:.4} ({:.4}), sizes {}, {} removed wrongly, {} records lost, recovered in {:?}, {} of {} without an answer {error}",
            self.met,
            self.in_slo,
            self.twin_in_slo,
            sizes.join(" "),
            self.removed_wrongly,
            self.records_lost,
            self.recovery,
            self.failed,
            self.invocations,
        )
    }

    /// What does not meet the expectation.
    pub(super) fn complaints(&self, drill: &Drill) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |is_wrong: bool, what: String| {
            if is_wrong {
                complaints.push(format!("{}: {what}", drill.name));
            }
        };
        complain(self.met == 0, "the fault was never met, so the drill says nothing".to_owned());
        complain(self.removed_wrongly > 0, format!("removed wrongly: {}", self.removals.join("; ")));
        complain(self.records_lost > 0, format!("records lost: {}", self.lost.join("; ")));
        let (largest, of_twin) = self.largest;
        complain(largest > of_twin * MOST_MULTIPLE, format!("{largest} instances were bought, {of_twin} by its twin"));
        let in_time = self.recovery.is_some_and(|minutes| minutes <= drill.recovers_in);
        complain(!in_time, format!("recovered in {:?}, not within {} minutes", self.recovery, drill.recovers_in));
        let loss = self.twin_in_slo - self.in_slo;
        complain(loss > drill.slo_loss, format!("in_slo is {loss:.4} under the twin's, more than {}", drill.slo_loss));
        let said = self.error.clone().unwrap_or_default();
        // A machine that is busy with other things may let one of them wait for too long.
        let few = self.invocations / 40;
        complain(self.failed > few && !drill.may_fail, format!("{} invocations failed: {said}", self.failed));
        complain(self.failed_outside > few, format!("{} failed outside of the fault: {said}", self.failed_outside));
        complaints
    }
}

/// Prints the table as it stands in the documentation.
pub(super) fn print(drills: &[Drill], measured: &[Measured], twins: &[Twin]) {
    println!("| drill | expected | met | in_slo | twin | removed wrongly | records lost | recovery | no answer |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (drill, it) in drills.iter().zip(measured) {
        let recovery = it.recovery.map_or("never".to_owned(), |minutes| format!("{minutes} min"));
        println!(
            "| {} ({} min) | {} | {} | {:.4} | {:.4} | {} | {} | {recovery} | {} of {} |",
            drill.name,
            drill.minutes,
            drill.expectation,
            it.met,
            it.in_slo,
            it.twin_in_slo,
            it.removed_wrongly,
            it.records_lost,
            it.failed,
            it.invocations,
        );
    }
    for twin in twins {
        println!(
            "\nThe undisturbed twin on {:?}: {} minutes, in_slo {:.4}, {:.2} HTTP calls an evaluation.",
            twin.fleet,
            twin.totals.len(),
            twin.in_slo(),
            twin.calls
        );
    }
}
