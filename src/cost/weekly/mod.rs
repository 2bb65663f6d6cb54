//! A week of a group as a report: what it cost, how it served, what was decided, what happened, what could be better.
//!
//! [`WeeklyReport::of`] gathers the figures, [`WeeklyReport::document`] puts them into words of a [`Language`], and the
//! document is written as Markdown, as one self-contained page, or as a message of limited length.

mod document;
mod events;
mod html;
mod language;
mod sentences;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;

pub use self::document::{Block, Document, Section};
pub use self::events::{Notable, NotableKind};
pub use self::language::Language;
pub use self::sentences::sentence;
use super::{CostReport, Terms, analyse};
use crate::engine::guardrails;
use crate::model::Group;
use crate::records::{HistoryMinute, PastDecision};
use crate::replay::history::PastError;

/// Longest message that Simple Message Notification takes, in bytes.
/// Source: the service's API, `PublishMessage`.
pub const LONGEST_MESSAGE_BYTES: usize = 256 * 1024;
/// Minutes that one point of the curve stands for.
const CURVE_MINUTES: usize = 30;

/// A week of a group, or whatever stretch of time it was made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeeklyReport {
    /// Money, service, waste, recommendations.
    pub cost: CostReport,
    /// The same of the time before, without recommendations, if that is known well enough to compare.
    pub before: Option<CostReport>,
    /// Day by day.
    pub days: Vec<DayFigures>,
    /// What was decided.
    pub decisions: DecisionFigures,
    /// What is worth knowing, oldest first.
    pub notable: Vec<Notable>,
    /// Instances that were paid and that were needed, half-hourly means.
    pub curve: Vec<(f64, f64)>,
}

/// A day in figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DayFigures {
    /// The day, UTC.
    pub day: NaiveDate,
    /// Money spent.
    pub spent: f64,
    /// Instances paid, on average.
    pub mean_instances: f64,
    /// Most instances paid.
    pub most_instances: u32,
    /// Instances needed to hold the service level, on average.
    pub mean_needed: f64,
    /// Minutes whose measured response time was over the objective.
    pub slow_minutes: usize,
}

/// Decisions in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DecisionFigures {
    /// Evaluations that came to a decision.
    pub evaluations: usize,
    /// Those that wanted more than there was.
    pub grew: usize,
    /// Those that wanted less.
    pub shrank: usize,
    /// Guardrails that changed a number, and how often.
    pub guardrails: BTreeMap<String, usize>,
    /// Versions of the policy that decided, and how often.
    pub policies: BTreeMap<String, usize>,
    /// Decisions in which something went wrong on the way.
    pub with_problems: usize,
    /// Decisions in which a signal was missing, stale or contradictory.
    pub with_missing_signals: usize,
    /// HTTP calls of an evaluation, on average.
    pub mean_http_calls: f64,
}

impl WeeklyReport {
    /// Gathers the figures. `before` is the time before, to compare with.
    ///
    /// # Errors
    /// When too little is known of the time that is reported.
    pub fn of(
        group: &Group,
        minutes: &[HistoryMinute],
        before: &[HistoryMinute],
        terms: &Terms,
    ) -> Result<Self, PastError> {
        let past = crate::replay::history::past(group, minutes)?;
        let ledger = super::ledger::Ledger::over(group, &past, minutes);
        let cost = analyse(group, minutes, terms)?;
        let before = super::account_only(group, before).ok();
        Ok(Self {
            days: days(group, minutes, &ledger),
            decisions: DecisionFigures::of(minutes.iter().flat_map(|entry| &entry.decisions)),
            notable: events::notable(group, minutes),
            curve: curve(&ledger),
            cost,
            before,
        })
    }

    /// The report in words.
    pub fn document(&self, language: Language) -> Document {
        words::document(self, language)
    }

    /// As Markdown.
    pub fn markdown(&self, language: Language) -> String {
        self.document(language).markdown()
    }

    /// As one self-contained page for a browser.
    pub fn html(&self, language: Language) -> String {
        html::page(self, &self.document(language), language)
    }
}

/// A message's subject and text, no longer than [`LONGEST_MESSAGE_BYTES`]: what is said last is left out first.
pub fn weekly_report_text(report: &WeeklyReport, language: Language) -> (String, String) {
    let document = report.document(language);
    (document.title.clone(), document.plain(LONGEST_MESSAGE_BYTES))
}

impl DecisionFigures {
    fn of<'a>(decisions: impl Iterator<Item = &'a PastDecision>) -> Self {
        let mut figures = Self::default();
        let mut calls = 0;
        for decision in decisions.filter(|decision| !decision.dry_run) {
            figures.evaluations += 1;
            figures.grew += usize::from(decision.target > decision.current);
            figures.shrank += usize::from(decision.target < decision.current);
            figures.with_problems += usize::from(!decision.problems.is_empty());
            figures.with_missing_signals += usize::from(!decision.missing.is_empty());
            *figures.policies.entry(decision.policy.clone()).or_default() += 1;
            for rule in &decision.guardrails {
                *figures.guardrails.entry(rule_name(*rule)).or_default() += 1;
            }
            calls += decision.http_calls;
        }
        figures.mean_http_calls = calls as f64 / figures.evaluations.max(1) as f64;
        figures
    }
}

/// As records have it.
fn rule_name(rule: guardrails::Rule) -> String {
    let name = serde_json::to_value(rule).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn days(group: &Group, minutes: &[HistoryMinute], ledger: &super::ledger::Ledger) -> Vec<DayFigures> {
    let mut slow: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    for entry in minutes.iter().filter(|entry| events::is_slow(group, entry)) {
        *slow.entry(entry.minute.start().date_naive()).or_default() += 1;
    }
    let mut by_day: BTreeMap<NaiveDate, (DayFigures, usize)> = BTreeMap::new();
    for line in &ledger.lines {
        let day = line.minute.start().date_naive();
        let (figures, count) = by_day.entry(day).or_insert_with(|| {
            let slow_minutes = slow.get(&day).copied().unwrap_or_default();
            let (spent, mean_instances, mean_needed) = (0.0, 0.0, 0.0);
            (DayFigures { day, spent, mean_instances, most_instances: 0, mean_needed, slow_minutes }, 0)
        });
        figures.spent += line.per_hour() / 60.0;
        figures.mean_instances += f64::from(line.total());
        figures.mean_needed += f64::from(line.needed);
        figures.most_instances = figures.most_instances.max(line.total());
        *count += 1;
    }
    let mean = |(mut figures, count): (DayFigures, usize)| {
        figures.mean_instances /= count.max(1) as f64;
        figures.mean_needed /= count.max(1) as f64;
        figures
    };
    by_day.into_values().map(mean).collect()
}

fn curve(ledger: &super::ledger::Ledger) -> Vec<(f64, f64)> {
    let mean = |lines: &[super::ledger::Line]| {
        let count = lines.len().max(1) as f64;
        let paid: f64 = lines.iter().map(|line| f64::from(line.total())).sum();
        let needed: f64 = lines.iter().map(|line| f64::from(line.needed)).sum();
        (paid / count, needed / count)
    };
    ledger.lines.chunks(CURVE_MINUTES).map(mean).collect()
}
