//! `tune`: a group's policy versions, and what a person can do about them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use comfy_table::Table;
use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use tokio::time::Instant;

use super::stored::{OpenGroup, PATIENCE, StoredGroup, wait_for};
use super::{CliError, print};
use crate::clients::http::Proxies;
use crate::clients::{Secret, Transport, client};
use crate::config::{AdviserMode, Config};
use crate::handlers::tune::{
    Adviser, Ask, Haste, ListedVersion, OrderError, Overview, VersionStory, Wanted, give_order, overview, story,
    tune_group,
};
use crate::model::{Comparison, PolicyEvent, PolicyOrder, SecretSource};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// All versions of a group's policy, newest first.
    List(ListArguments),
    /// One version: what it changes, what replay says of it, and what happened to it.
    Show(VersionArguments),
    /// Look for better policies now, on the group's own past.
    Run(RunArguments),
    /// Let a version that passed the gate take effect.
    Approve(OrderArguments),
    /// Have a version not take effect.
    Reject(OrderArguments),
    /// Have a version decide no longer.
    Rollback(OrderArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    stored: StoredGroup,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct VersionArguments {
    /// The version, as `tune list` names it.
    version: String,
    #[command(flatten)]
    stored: StoredGroup,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    stored: StoredGroup,
    /// What counts as now. Default: the time of the newest record.
    #[arg(long, value_name = "TIME")]
    now: Option<DateTime<Utc>>,
    /// Judge, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Seconds that it may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    timeout: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct OrderArguments {
    /// The version, as `tune list` names it.
    version: String,
    #[command(flatten)]
    stored: StoredGroup,
    /// Who orders it.
    #[arg(long, env = "USER", value_name = "NAME")]
    who: String,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// What counts as now. Default: the time of the newest record.
    #[arg(long, value_name = "TIME")]
    now: Option<DateTime<Utc>>,
}

/// What to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines and a table for people.
    Table,
    /// One JSON document.
    Json,
}

pub(super) fn run(command: &Command) -> Result<(), CliError> {
    match command {
        Command::List(arguments) => list(arguments),
        Command::Show(arguments) => show(arguments),
        Command::Run(arguments) => wait_for(run_now(arguments)),
        Command::Approve(arguments) => order(arguments, PolicyOrder::Approve),
        Command::Reject(arguments) => order(arguments, PolicyOrder::Reject),
        Command::Rollback(arguments) => order(arguments, PolicyOrder::RollBack),
    }
}

fn list(arguments: &ListArguments) -> Result<(), CliError> {
    let found = wait_for(async {
        let stored = arguments.stored.open().await?;
        overview(&stored.store, &stored.name, Instant::now() + PATIENCE).await.map_err(CliError::failed)
    })?;
    match arguments.format {
        Format::Json => print_json(&found),
        Format::Table => print(&table(&found)),
    }
}

fn table(found: &Overview) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY);
    table.set_header(["version", "stands", "J", "J before", "saves at least", "what it changes"]);
    for ListedVersion { version, standing, ordered, j, j_before, saved_at_least, changes, .. } in &found.versions {
        let ordered = match ordered {
            Some(PolicyOrder::Approve) => ", approved",
            Some(PolicyOrder::Reject) => ", not wanted",
            Some(PolicyOrder::RollBack) => ", to be rolled back",
            None => "",
        };
        table.add_row([
            version.clone(),
            format!("{}{ordered}", standing.map_or("unknown", |standing| standing.name())),
            format!("{j:.3}"),
            format!("{j_before:.3}"),
            format!("{:.1} %", saved_at_least * 100.0),
            shortened(changes),
        ]);
    }
    let mut told = format!("{table}\ndecides: {}", found.active);
    if let Some(shadow) = &found.shadow {
        told += &format!(", beside it: {shadow}");
    }
    told += "\nJ: cost and violations on days that the version was not chosen on, as a multiple of what perfect foresight pays.\n";
    for problem in &found.problems {
        told += &format!("{problem}\n");
    }
    told
}

fn shortened(changes: &[String]) -> String {
    const TOLD: usize = 2;
    let told = changes.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    match changes.len().checked_sub(TOLD) {
        Some(more @ 1..) => format!("{told} and {more} more"),
        _ => told,
    }
}

fn show(arguments: &VersionArguments) -> Result<(), CliError> {
    let found = wait_for(async {
        let stored = arguments.stored.open().await?;
        let deadline = Instant::now() + PATIENCE;
        let found = story(&stored.store, &stored.name, &arguments.version, deadline).await.map_err(CliError::failed)?;
        found.ok_or_else(|| CliError::Input(format!("there is no version {} of the policy", arguments.version)))
    })?;
    match arguments.format {
        Format::Json => print_json(&found),
        Format::Table => print(&told(&found)),
    }
}

fn told(VersionStory { version, story }: &VersionStory) -> String {
    let evidence = &version.evidence;
    let mut told = format!(
        "{} by {}, compared with {}\n{}\n\n",
        version.version,
        version.author.name(),
        version.parent,
        version.why
    );
    for change in &version.changes {
        told += &format!("  {change}\n");
    }
    told += &format!("\nReplayed on {} to {}:\n", evidence.from, evidence.until);
    told += &line("days it was chosen on", &evidence.training);
    told += &line("held-out days", &evidence.held_out);
    for day in &evidence.days {
        told += &line(&format!("  {}", day.from), day);
    }
    for result in &evidence.stress {
        let verdict = if result.passed { "" } else { "  worse" };
        told += line(&format!("a day with {}", result.name.replace('_', " ")), &result.comparison).trim_end();
        told += &format!("{verdict}\n");
    }
    told += &format!(
        "saves at least {:.1} % of J at {:.1} % confidence (seed {})\n",
        evidence.saved_at_least * 100.0,
        evidence.confidence * 100.0,
        evidence.seed
    );
    if !evidence.not_replayed.is_empty() {
        told += &format!("played without {}, which a replay cannot tell\n", evidence.not_replayed.join(", "));
    }
    for objection in &evidence.objections {
        told += &format!("did not pass: {objection}\n");
    }
    told += "\n";
    for change in story {
        let what = match change.what {
            PolicyEvent::Became(standing) => standing.name(),
            PolicyEvent::Ordered(PolicyOrder::Approve) => "approved",
            PolicyEvent::Ordered(PolicyOrder::Reject) => "not wanted",
            PolicyEvent::Ordered(PolicyOrder::RollBack) => "to be rolled back",
        };
        told += &format!("{}  {what}, by {}: {}\n", change.time.format("%Y-%m-%d %H:%M"), change.who, change.why);
    }
    told
}

fn line(name: &str, Comparison { before, after, .. }: &Comparison) -> String {
    format!(
        "{name:<26} J {:>7.3} instead of {:>7.3}, {:>6.2} % in SLO instead of {:>6.2} %, {:>8.1} h instead of {:>8.1} h\n",
        after.j,
        before.j,
        after.in_slo * 100.0,
        before.in_slo * 100.0,
        after.cost_hours,
        before.cost_hours
    )
}

async fn run_now(arguments: &RunArguments) -> Result<(), CliError> {
    let stored = arguments.stored.open().await?;
    let config = stored.configuration()?;
    let group = stored.configured()?;
    let deadline = Instant::now() + Duration::from_secs(arguments.timeout);
    let adviser = adviser(config, deadline);
    let ask = Ask {
        config,
        adviser: adviser.as_ref().map_err(String::as_str),
        now: now(&stored, arguments.now).await?,
        deadline,
        haste: Haste::Now,
        dry_run: arguments.dry_run,
    };
    print_json(&tune_group(&stored.store, group, &ask).await.map_err(CliError::failed)?)
}

/// The adviser, where its key is in the environment: a command has no cloud whose secret store it could ask.
fn adviser(config: &Config, deadline: Instant) -> Result<Adviser, String> {
    if config.deepseek.mode == AdviserMode::Off {
        return Err("the adviser is off".to_owned());
    }
    let Some(SecretSource::Env(name)) = &config.deepseek.api_key else {
        return Err("its key is not in the environment".to_owned());
    };
    let key = std::env::var(name).ok().filter(|key| !key.trim().is_empty());
    let key = key.ok_or_else(|| format!("the environment variable {name} is not set"))?;
    let client = client(Proxies::Environment).map_err(|error| error.to_string())?;
    Ok(Adviser::new(Transport::new(client, deadline), &config.deepseek, Secret::new(key.trim())))
}

fn order(arguments: &OrderArguments, order: PolicyOrder) -> Result<(), CliError> {
    let change = wait_for(async {
        let stored = arguments.stored.open().await?;
        let now = now(&stored, arguments.now).await?;
        let deadline = Instant::now() + PATIENCE;
        let wanted = Wanted {
            group: &stored.name,
            configured: stored.configured().ok(),
            version: &arguments.version,
            order,
            who: &arguments.who,
            why: &arguments.why,
        };
        give_order(&stored.store, wanted, now, deadline).await.map_err(|error| match error {
            OrderError::Store(error) => CliError::failed(error),
            error => CliError::input(error),
        })
    })?;
    let from = match order {
        PolicyOrder::Approve => "the next run of tune",
        PolicyOrder::Reject | PolicyOrder::RollBack => "the next evaluation",
    };
    print(&format!("{}: recorded, obeyed from {from} on\n", change.version))
}

/// What counts as now: what was said, or for a store whose clock is that of a played trace the time of its newest record.
async fn now(stored: &OpenGroup, said: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, CliError> {
    match said {
        Some(now) => Ok(now),
        None => Ok(stored.newest().await?.unwrap_or_else(Utc::now)),
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), CliError> {
    print(&format!("{}\n", serde_json::to_string_pretty(value).map_err(CliError::failed)?))
}
