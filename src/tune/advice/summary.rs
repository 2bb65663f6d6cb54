use chrono::{DateTime, Utc};
use serde::Serialize;

use super::answer::plain;
use crate::model::{Figures, Minute, Tunables};
use crate::tune::Ground;
use crate::tune::space::{Parameter, parameters};

/// Longest name that is told.
const LONGEST_NAME: usize = 64;
const DAY_MINUTES: i64 = 1440;

/// What the adviser is shown of a group: numbers, and names that its operator has given. No secret, no address, and no
/// text from outside. All loads are in work per second, all times in UTC.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    group: String,
    /// The minute after the last that is told of.
    until: String,
    days: f64,
    load: Load,
    limits: Limits,
    /// Known events, each as it took place last.
    known_events: Vec<KnownEvent>,
    engine: &'static str,
    parameters: Vec<Told>,
    /// How the policy in force did on the days told of, by replay.
    results: Results,
    /// The same by the day, oldest first.
    daily_results: Vec<Results>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Load {
    mean: f64,
    median: f64,
    p95: f64,
    p99: f64,
    highest: f64,
    /// Standard deviation over mean.
    variation: f64,
    /// Mean of the last day over that of the first.
    last_day_over_first: f64,
    /// Largest growth from one minute to the fifth after it.
    steepest_five_minutes: f64,
    /// Mean by the hour of the day.
    hourly_mean: Vec<f64>,
    /// Highest by the hour of the day.
    hourly_highest: Vec<f64>,
    /// Mean of each day, oldest first.
    daily_mean: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Limits {
    min_instances: u32,
    max_instances: u32,
    instance_capacity: f64,
    lead_minutes: u32,
    metric_delay_minutes: u32,
    slo_ms: f64,
    violation_price: f64,
    price_per_hour: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct KnownEvent {
    name: String,
    last_start: Option<DateTime<Utc>>,
    duration_minutes: u32,
    expected_multiple: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Told {
    name: String,
    value: f64,
    least: f64,
    most: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Results {
    j: f64,
    instance_hours: f64,
    in_slo: f64,
    changes: u32,
}

impl Summary {
    /// What there is to tell of the load of `ground` and of the policy in force.
    pub fn new(ground: &Ground, before: &Tunables) -> Self {
        let range = ground.trace.start..ground.end();
        let ledger = ground.play(before);
        let days = (0..(range.end - range.start) / DAY_MINUTES)
            .map(|day| range.start + day * DAY_MINUTES..range.start + (day + 1) * DAY_MINUTES);
        let group = &ground.group;
        let known = parameters(group, before.engine).into_iter().filter(Parameter::is_number);
        Self {
            group: name(&group.name),
            until: range.end.to_string(),
            days: rounded(ground.trace.load.len() as f64 / DAY_MINUTES as f64),
            load: Load::new(ground),
            limits: Limits {
                min_instances: group.scaling.min_instances,
                max_instances: group.scaling.max_instances,
                instance_capacity: rounded(ground.settings.capacity.unwrap_or(1.0)),
                lead_minutes: ground.settings.lead_seconds.div_ceil(60),
                metric_delay_minutes: ground.settings.delay_minutes,
                slo_ms: group.policy.slo_ms,
                violation_price: group.policy.violation_price,
                price_per_hour: group.on_demand_price_per_hour(),
            },
            known_events: group
                .schedules
                .iter()
                .map(|schedule| KnownEvent {
                    name: name(&schedule.name),
                    last_start: schedule.last(range.end.start()).map(|occurrence| occurrence.start.to_utc()),
                    duration_minutes: schedule.duration_minutes,
                    expected_multiple: schedule.expected_multiple,
                })
                .collect(),
            engine: before.engine.name(),
            parameters: known
                .filter_map(|parameter| {
                    let value = parameter.of(before)?;
                    Some(Told { name: name(&parameter.name), value, least: parameter.least, most: parameter.most })
                })
                .collect(),
            results: Results::of(ledger.figures(&range)),
            daily_results: days.map(|day| Results::of(ledger.figures(&day))).collect(),
        }
    }
}

impl Load {
    fn new(ground: &Ground) -> Self {
        let load = &ground.trace.load;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let average = mean(load);
        let mut sorted = load.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let quantile = |share: f64| {
            let index = (share * sorted.len() as f64) as usize;
            rounded(sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default())
        };
        let variance = mean(&load.iter().map(|value| (value - average).powi(2)).collect::<Vec<_>>());
        let daily: Vec<f64> = load.chunks(DAY_MINUTES as usize).map(mean).collect();
        let (first, last) = (daily.first().copied(), daily.last().copied());
        let steepest = load.windows(6).map(|window| window[5] - window[0]).fold(0.0, f64::max);
        let mut hours = vec![Vec::new(); 24];
        for (minute, value) in (0i64..).zip(load) {
            let minute: Minute = ground.trace.start + minute;
            hours[(minute.of_day() / 60) as usize].push(*value);
        }
        Self {
            mean: rounded(average),
            median: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            highest: quantile(1.0),
            variation: rounded(variance.sqrt() / average.max(f64::MIN_POSITIVE)),
            last_day_over_first: rounded(
                last.zip(first).map_or(1.0, |(last, first)| last / first.max(f64::MIN_POSITIVE)),
            ),
            steepest_five_minutes: rounded(steepest),
            hourly_mean: hours.iter().map(|hour| rounded(mean(hour))).collect(),
            hourly_highest: hours.iter().map(|hour| rounded(hour.iter().copied().fold(0.0, f64::max))).collect(),
            daily_mean: daily.into_iter().map(rounded).collect(),
        }
    }
}

impl Results {
    fn of(figures: Figures) -> Self {
        Self {
            j: rounded(figures.j),
            instance_hours: rounded(figures.cost_hours),
            in_slo: (figures.in_slo * 1e4).round() / 1e4,
            changes: figures.actions,
        }
    }
}

/// Four significant digits: more would be tokens for nothing.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

/// A name as an identifier: what an operator may not configure anyway is taken out, so that none can carry instructions.
fn name(text: &str) -> String {
    let allowed = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    plain(text).chars().filter(allowed).take(LONGEST_NAME + "signals..scale_out".len()).collect()
}
