//! What an examination found, for people and for programs.

use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use serde::Serialize;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// As it should be.
    Green,
    /// Something must be mended.
    Red,
    /// Not looked at, and why.
    Skipped,
}

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    /// What it belongs to: `auto scaling`, `store`.
    pub(super) area: &'static str,
    /// What was looked at.
    pub(super) check: String,
    pub(super) outcome: Outcome,
    /// What was seen.
    pub(super) detail: String,
    /// What to do about a red one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// All lines, in the order in which they were looked at.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) checks: Vec<Check>,
}

impl Report {
    pub(super) fn green(&mut self, area: &'static str, check: impl Into<String>, detail: impl Into<String>) {
        self.add(area, check, Outcome::Green, detail, None);
    }

    pub(super) fn red(
        &mut self,
        area: &'static str,
        check: impl Into<String>,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.add(area, check, Outcome::Red, detail, Some(mend.into()).filter(|mend| !mend.is_empty()));
    }

    pub(super) fn skipped(&mut self, area: &'static str, check: impl Into<String>, reason: impl Into<String>) {
        self.add(area, check, Outcome::Skipped, reason, None);
    }

    /// Green if `holds`, else red with the mend.
    pub(super) fn must(
        &mut self,
        area: &'static str,
        check: impl Into<String>,
        holds: bool,
        detail: impl Into<String>,
        mend: impl Into<String>,
    ) {
        if holds { self.green(area, check, detail) } else { self.red(area, check, detail, mend) }
    }

    fn add(
        &mut self,
        area: &'static str,
        check: impl Into<String>,
        outcome: Outcome,
        detail: impl Into<String>,
        mend: Option<String>,
    ) {
        self.checks.push(Check { area, check: check.into(), outcome, detail: detail.into(), mend });
    }

    /// How many lines have that outcome.
    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }

    /// The table, and below it what to do about what is red.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["", "area", "check", "seen"]);
        for check in &self.checks {
            let mark = match check.outcome {
                Outcome::Green => Cell::new("ok").fg(Color::Green),
                Outcome::Red => Cell::new("RED").fg(Color::Red).add_attribute(Attribute::Bold),
                Outcome::Skipped => Cell::new("-"),
            };
            table.add_row([mark, Cell::new(check.area), Cell::new(&check.check), Cell::new(&check.detail)]);
        }
        let mut text = format!("{table}\n\n");
        for check in self.checks.iter().filter(|check| check.outcome == Outcome::Red) {
            if let Some(mend) = &check.mend {
                text += &format!("{}: {}: {mend}\n", check.area, check.check);
            }
        }
        let (green, red, skipped) =
            (self.count(Outcome::Green), self.count(Outcome::Red), self.count(Outcome::Skipped));
        text + &format!("{green} ok, {red} red, {skipped} not looked at\n")
    }
}
