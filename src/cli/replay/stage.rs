//! What is played, by whom, and under which circumstances.

use chrono::TimeDelta;

use super::ReplayArgs;
use super::entrant::Entrant;
use crate::cli::CliError;
use crate::cli::stored::{Period, StoredGroup, chosen, configuration};
use crate::cli::trace::read_trace_and_column;
use crate::model::Group;
use crate::records::HistoryMinute;
use crate::replay::history::{self, Known, Past};
use crate::replay::{ACTUAL, Contestant, OWN, Settings, Trace, Window, demo_trace};
use crate::tune::SignalModel;

/// Days of a history that are played without being asked for more.
const USUAL_DAYS: i64 = 28;

pub(super) struct Stage {
    pub(super) traces: Vec<Trace>,
    /// Of each trace, the column that is its load, where its file has others.
    pub(super) columns: Vec<Option<String>>,
    pub(super) settings: Settings,
    pub(super) entrants: Vec<Entrant>,
    /// What an instance-hour costs, where that is known.
    pub(super) price_per_hour: Option<f64>,
    /// How well the group's own past is known, if it is that.
    pub(super) known: Option<Known>,
}

impl Stage {
    pub(super) fn set(arguments: &ReplayArgs) -> Result<Self, CliError> {
        match (&arguments.history, &arguments.config) {
            (Some(store), _) => Self::of_history(arguments, store),
            (None, Some(path)) => {
                let group = chosen(configuration(path)?, arguments.group.as_deref())?;
                Self::of_group(arguments, group)
            }
            (None, None) => {
                if arguments.group.is_some() {
                    return Err(CliError::input("--group needs --config or --history"));
                }
                let settings = adapted(arguments, Settings::default());
                let entrants = entrants(arguments, &settings, None, None)?;
                let (traces, columns) = traces(arguments)?;
                Ok(Self { traces, columns, settings, entrants, price_per_hour: None, known: None })
            }
        }
    }

    /// A trace, under the circumstances of a configured group.
    fn of_group(arguments: &ReplayArgs, group: Group) -> Result<Self, CliError> {
        let configured = history::settings(&group, group.scaling.lead_minutes(), 1.0);
        let settings = adapted(arguments, Settings { capacity: group.policy.instance_capacity, ..configured });
        let price_per_hour = price(&group);
        let signals = group.signals.iter().enumerate();
        let models = signals.map(|(index, signal)| SignalModel::of(&group, index, signal)).collect();
        let entrants = entrants(arguments, &settings, Some(Entrant::Own(Box::new(group), models)), None)?;
        let (traces, columns) = traces(arguments)?;
        Ok(Self { traces, columns, settings, entrants, price_per_hour, known: None })
    }

    /// A group's own past.
    fn of_history(arguments: &ReplayArgs, store: &str) -> Result<Self, CliError> {
        let stored = StoredGroup {
            store: store.to_owned(),
            store_endpoint: arguments.store_endpoint.clone(),
            region: arguments.region.clone(),
            group: arguments.group.clone(),
            config: arguments.config.clone(),
        };
        let days = arguments.days.and_then(|days| i64::try_from(days).ok()).unwrap_or(USUAL_DAYS);
        let usual = TimeDelta::try_days(days).ok_or_else(|| CliError::input("--days is too large"))?;
        let (open, past) = stored.read(
            &Period::default(),
            Some(usual),
            "--days plays more of the past, and `cost` looks at other stretches by --from and --to",
        )?;
        let group = open.configured()?.clone();
        let Past { trace, settings, actual, known, .. } =
            history::past(&group, &past.minutes).map_err(CliError::failed)?;
        let settings = adapted(arguments, settings);
        let price_per_hour = paid(&past.minutes).or(price(&group));
        let signals = group.signals.iter().enumerate();
        let models = signals.map(|(index, signal)| SignalModel::fitted(&group, index, signal, &past.minutes)).collect();
        let own = Entrant::Own(Box::new(group), models);
        let entrants = entrants(arguments, &settings, Some(own), Some(Entrant::Actual(actual)))?;
        Ok(Self { traces: vec![trace], columns: vec![None], settings, entrants, price_per_hour, known: Some(known) })
    }

    /// The policies among the entrants.
    pub(super) fn contestants(&self) -> impl Iterator<Item = Contestant> {
        self.entrants.iter().filter_map(|entrant| match entrant {
            Entrant::Contestant(contestant) => Some(*contestant),
            _ => None,
        })
    }
}

/// The circumstances, as far as arguments say otherwise.
fn adapted(arguments: &ReplayArgs, mut settings: Settings) -> Settings {
    settings.lead_seconds = arguments.lead.unwrap_or(settings.lead_seconds);
    settings.delay_minutes = arguments.delay.unwrap_or(settings.delay_minutes);
    if arguments.history.is_none() {
        settings.mean_instances = arguments.mean_instances;
        settings.capacity = arguments.capacity.or(settings.capacity);
    }
    if let Some(price) = arguments.violation_price.filter(|price| !settings.prices.contains(price)) {
        settings.prices.push(price);
        settings.prices.sort_by(f64::total_cmp);
    }
    settings
}

/// Every trace, and of each the column that is its load, where its file has others.
fn traces(arguments: &ReplayArgs) -> Result<(Vec<Trace>, Vec<Option<String>>), CliError> {
    let window = Window { from_day: arguments.from_day, days: arguments.days };
    if arguments.traces.is_empty() {
        return Ok((vec![demo_trace(window).map_err(CliError::input)?], vec![None]));
    }
    let read = |path: &std::path::PathBuf| {
        let (trace, column) =
            read_trace_and_column(path, arguments.column.as_deref(), window).map_err(CliError::input)?;
        column.tell(path);
        Ok((trace, column.name_among_others()))
    };
    arguments.traces.iter().map(read).collect()
}

/// Everybody that `--policy` names. What the group has and had comes first.
fn entrants(
    arguments: &ReplayArgs,
    settings: &Settings,
    own: Option<Entrant>,
    actual: Option<Entrant>,
) -> Result<Vec<Entrant>, CliError> {
    let asked: Vec<&str> = arguments.policy.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let wants = |name: &str| asked.iter().any(|item| *item == name || *item == "all");
    for (name, entrant, needed) in [(OWN, &own, "--config or --history"), (ACTUAL, &actual, "--history")] {
        if asked.contains(&name) && entrant.is_none() {
            return Err(CliError::Input(format!("the policy `{name}` needs {needed}")));
        }
    }
    let list = match (&arguments.spot_trace, arguments.policy.as_str()) {
        (Some(_), "all") => "predictive".to_owned(),
        _ => asked.iter().copied().filter(|name| ![OWN, ACTUAL].contains(name)).collect::<Vec<_>>().join(","),
    };
    let contestants = Contestant::parse_list(&list, &settings.prices).map_err(CliError::input)?;
    let mut entrants: Vec<Entrant> = Vec::new();
    entrants.extend(actual.filter(|_| wants(ACTUAL)));
    entrants.extend(own.filter(|_| wants(OWN)));
    entrants.extend(contestants.into_iter().map(Entrant::Contestant));
    if entrants.is_empty() {
        return Err(CliError::input("--policy names no policy"));
    }
    Ok(entrants)
}

/// Price of an instance-hour on demand; of the cheapest pool where there is none.
fn price(group: &Group) -> Option<f64> {
    let cheapest = || group.pools.iter().map(|pool| pool.price_per_hour).min_by(f64::total_cmp);
    group.on_demand_price_per_hour().or_else(cheapest)
}

/// Price of an instance-hour that was paid on average, of all pools together.
fn paid(minutes: &[HistoryMinute]) -> Option<f64> {
    let pools = || minutes.iter().filter_map(HistoryMinute::pools).flat_map(|pools| pools.values());
    let instances: f64 = pools().map(|pool| f64::from(pool.total())).sum();
    let money: f64 = pools().map(|pool| pool.per_hour()).sum();
    (instances > 0.0).then_some(money / instances)
}
