//! `cost`: what a group has cost, what of it was wasted, what would be cheaper.

use std::fmt::Write;

use chrono::TimeDelta;
use clap::ValueEnum;

use super::numbers::positive;
use super::stored::{CHOOSE_A_PERIOD, Period, StoredGroup};
use super::{CliError, print};
use crate::cost::weekly::{Language, sentence};
use crate::cost::{CostReport, Terms, analyse};
use crate::model::Purchase;

/// Days that are analysed without being asked for others.
const USUAL: TimeDelta = TimeDelta::days(7);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    stored: StoredGroup,
    #[command(flatten)]
    period: Period,
    #[command(flatten)]
    terms: TermArguments,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Prices that the configuration does not have.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct TermArguments {
    /// Price of an instance that is paid by the month or the year, on demand being 1.
    #[arg(long, value_name = "PRICE", value_parser = positive)]
    reserved_price: Option<f64>,
    /// Price of a vCPU-hour, to put money to another size of Flexus X instances.
    #[arg(long, value_name = "PRICE", value_parser = positive)]
    vcpu_price: Option<f64>,
    /// Price of a GiB-hour of memory, likewise.
    #[arg(long, value_name = "PRICE", value_parser = positive)]
    gib_price: Option<f64>,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people.
    Table,
    /// One JSON document.
    Json,
}

impl TermArguments {
    pub(super) fn terms(self) -> Terms {
        Terms { reserved_price: self.reserved_price, vcpu_per_hour: self.vcpu_price, gib_per_hour: self.gib_price }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let (open, past) = arguments.stored.read(&arguments.period, Some(USUAL), CHOOSE_A_PERIOD)?;
    let report = analyse(open.configured()?, &past.minutes, &arguments.terms.terms()).map_err(CliError::failed)?;
    print(&match arguments.format {
        Format::Table => told(&report),
        Format::Json => serde_json::to_string_pretty(&report).map_err(CliError::failed)? + "\n",
    })
}

fn told(report: &CostReport) -> String {
    let mut text = format!(
        "{}: {} to {} UTC, {:.1} hours, money in the account's currency\n\n",
        report.group,
        report.from.format("%Y-%m-%d %H:%M"),
        report.until.format("%Y-%m-%d %H:%M"),
        report.hours
    );
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<22} {value}");
    };
    line("spent", format!("{:.2}", report.spent));
    for pool in &report.pools {
        let purchase = if pool.purchase == Purchase::Spot { "spot" } else { "on demand" };
        let name = format!("  {} ({purchase})", pool.pool);
        line(&name, format!("{:.2} for {:.1} instance-hours", pool.spent, pool.instance_hours));
    }
    let bill = &report.bill;
    line(
        "  by lifetimes",
        format!("{:.2}, {} instances lived {:.1} hours", bill.amount, bill.instances, bill.instance_hours),
    );
    if let Some(estimate) = bill.estimate {
        line("  reckoned meanwhile", format!("{estimate:.2}"));
    }
    let service = &report.service;
    line("a thousand of work", format!("{:.4} ({:.0} offered)", service.per_thousand, service.work));
    line("in service level", format!("{:.3} %, {:.3} % lost", service.in_slo * 100.0, service.lost * 100.0));
    line("used", format!("{:.1} %, {} changes", service.utilisation, service.actions));
    let waste = &report.waste;
    line(
        "not needed",
        format!(
            "{:.2} ({:.1} %), {:.1} instance-hours; {:.1} were missing",
            waste.amount,
            waste.share * 100.0,
            waste.instance_hours,
            waste.short_hours
        ),
    );
    line("paid while starting", format!("{:.1} instance-hours", report.starting_hours));
    if report.spot.instance_hours > 0.0 {
        let saved = report.spot.saved.map_or_else(|| "?".to_owned(), |saved| format!("{saved:.2}"));
        line(
            "spot",
            format!(
                "{:.1} % of the hours, saved {saved}, {} lost",
                report.spot.share * 100.0,
                report.spot.lost_instances
            ),
        );
    }
    let known = &report.known;
    line(
        "known",
        format!(
            "{} minutes; load interpolated in {}, full in {}, fleet unknown in {}",
            known.minutes, known.interpolated, known.saturated, report.unknown_minutes
        ),
    );
    text.push('\n');
    for recommendation in &report.recommendations {
        let _ = writeln!(text, "- {}", sentence(recommendation, Language::En));
    }
    if report.recommendations.is_empty() {
        text.push_str("Nothing was found that would be cheaper or better.\n");
    }
    text
}
