//! Whether the signals arrive, and how old they are.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clients::Cloud;
use crate::clients::cloud_eye::{CustomValue, Filter, Metric};
use crate::model::{CloudEyeSource, Group, Minute, Per, Signal, SignalSource};
use crate::observe::observe;

use super::report::Report;

pub(super) const AREA: &str = "cloud eye";
/// Instances whose metrics are looked at.
const MOST_INSTANCES: usize = 20;
/// How far back is looked.
const WINDOW_MINUTES: i64 = 40;
/// Names of other metrics that are shown where one has no value.
const MOST_NAMES: usize = 20;
/// What the way from the instance to the API may take, beside two periods.
const SLACK_SECONDS: i64 = 180;

/// Examines the Cloud Eye signals of a group whose serving instances these are.
pub(super) async fn examine(
    report: &mut Report,
    cloud: &Cloud,
    group: &Group,
    instances: &[String],
    now: DateTime<Utc>,
) {
    for signal in &group.signals {
        let check = format!("{}: {}", group.name, signal.name);
        let SignalSource::CloudEye(source) = &signal.source else { continue };
        let series = series(source, instances);
        if series.is_empty() {
            report.skipped(AREA, check, "no instance serves");
            continue;
        }
        let period = source.period_seconds();
        let from = now - TimeDelta::minutes(WINDOW_MINUTES);
        let points = cloud.cloud_eye().query(&series, from, now, period, Filter::Average).await;
        let reading = Reading { now, period_seconds: i64::from(period), per_instance: source.per.is_some() };
        match points {
            Ok(points) => {
                let newest: Vec<Option<DateTime<Utc>>> =
                    points.iter().map(|points| points.last().map(|point| point.start)).collect();
                let others = match newest.iter().any(Option::is_some) {
                    true => String::new(),
                    false => others(cloud, &series[0]).await,
                };
                reading.judge(report, check, source, &newest, &others);
            }
            Err(error) => report.red(AREA, check, error.to_string(), super::rights::mend(&error)),
        }
    }
}

/// Reads the signals of users' own systems as the functions do. Secrets come from this process's variables.
pub(super) async fn examine_own_systems(report: &mut Report, cloud: &Cloud, group: &Group, look: bool, now: Minute) {
    const AREA: &str = "own systems";
    let own = |signal: &&Signal| !matches!(signal.source, SignalSource::CloudEye(_));
    let signals: Vec<Signal> = group.signals.iter().filter(own).cloned().collect();
    if !look {
        for signal in &signals {
            let reason = "--own-systems looks, from where they can be reached";
            report.skipped(AREA, format!("{}: {}", group.name, signal.name), reason);
        }
        return;
    }
    let group = Group { signals, ..group.clone() };
    let observed = observe(cloud, &group, &[], &|_| None, now + -1..=now + -1).await;
    for signal in &group.signals {
        let check = format!("{}: {}", group.name, signal.name);
        match observed.problems.iter().find(|problem| problem.signal == signal.name) {
            Some(problem) => {
                let mend = "look at its address, its secret, and whether it can be reached from here at all";
                report.red(AREA, check, &problem.why, mend);
            }
            None => report.green(AREA, check, "answers"),
        }
    }
}

/// Asks to write a value of ten days ago, which is always refused: for its age, or for a missing right.
pub(super) async fn right_to_write(report: &mut Report, cloud: &Cloud, now: DateTime<Utc>) {
    let value = CustomValue {
        metric: Metric::new("FLEXUS.DOCTOR", "probe", [("check", "doctor")]),
        ttl: 1,
        at: now - TimeDelta::days(10),
        value: 0.0,
        unit: None,
    };
    report.right(AREA, "may write metrics", cloud.cloud_eye().write(&[value]).await);
}

/// Which metrics the resource has in that namespace, for whoever has misspelt one. Nothing where that cannot be asked.
async fn others(cloud: &Cloud, metric: &Metric) -> String {
    let resource = metric.dimensions.first().map(|dimension| (dimension.name.as_str(), dimension.value.as_str()));
    let Ok(listed) = cloud.cloud_eye().list(&metric.namespace, resource).await else { return String::new() };
    let names: BTreeSet<String> = listed.into_iter().map(|metric| metric.metric_name).collect();
    let resource = resource.map_or_else(|| "there".to_owned(), |(name, value)| format!("{name} {value}"));
    if names.is_empty() {
        return format!("; {resource} has nothing in that namespace");
    }
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names: Vec<String> = names.into_iter().take(MOST_NAMES).collect();
    format!("; {resource} has {}{more}", names.join(", "))
}

fn series(source: &CloudEyeSource, instances: &[String]) -> Vec<Metric> {
    match source.per {
        Some(Per::Instance) => instances
            .iter()
            .take(MOST_INSTANCES)
            .map(|id| Metric::new(&source.namespace, &source.metric, [("instance_id", id.as_str())]))
            .collect(),
        None => {
            let dimensions = source.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            vec![Metric::new(&source.namespace, &source.metric, dimensions)]
        }
    }
}

struct Reading {
    now: DateTime<Utc>,
    period_seconds: i64,
    per_instance: bool,
}

impl Reading {
    fn judge(
        &self,
        report: &mut Report,
        check: String,
        source: &CloudEyeSource,
        newest_starts: &[Option<DateTime<Utc>>],
        others: &str,
    ) {
        // A value is complete at the end of its period.
        let age = |start: &DateTime<Utc>| (self.now - *start).num_seconds() - self.period_seconds;
        let known: Vec<i64> = newest_starts.iter().flatten().map(age).collect();
        let name = format!("{} {}", source.namespace, source.metric);
        let Some(oldest) = known.iter().max() else {
            let mend = if source.namespace == "AGT.ECS" {
                "install the Cloud Eye agent on the instances; a new one needs about ten minutes for its first value"
            } else {
                "look at the namespace, the metric's name and the dimensions; a load balancer without traffic has none"
            };
            report.red(AREA, check, format!("{name}: no value in {WINDOW_MINUTES} minutes{others}"), mend);
            return;
        };
        let of = if self.per_instance {
            format!(", {} of {} instances have it", known.len(), newest_starts.len())
        } else {
            String::new()
        };
        let fresh = *oldest <= 2 * self.period_seconds + SLACK_SECONDS;
        let complete = known.len() == newest_starts.len();
        let seen = format!("{name}: {oldest} s after its period{of}");
        let mend = "stale or missing values never lower a group; look at the agent of those instances";
        report.must(AREA, check, fresh && complete, seen, mend);
    }
}
