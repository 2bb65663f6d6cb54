//! Cloud Eye's alarm rules: what they watch, when they change, and what they tell.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::Minute;

use super::metrics::{Dimensions, Filter};
use super::state::State;

const MINUTE_MS: i64 = 60_000;

/// A rule as it is asked for.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AlarmRule {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) namespace: String,
    /// Dimensions of the watched resources. A dimension without a value stands for every value.
    #[serde(default)]
    pub(super) resources: Vec<Vec<WatchedDimension>>,
    pub(super) policies: Vec<AlarmPolicy>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    alarm_notifications: Vec<Notification>,
    #[serde(default)]
    ok_notifications: Vec<Notification>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default = "yes")]
    notification_enabled: bool,
}

fn yes() -> bool {
    true
}

/// A dimension of a watched resource.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WatchedDimension {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<String>,
}

/// When a metric is out of bounds.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AlarmPolicy {
    pub(super) metric_name: String,
    pub(super) period: i64,
    pub(super) filter: String,
    pub(super) comparison_operator: String,
    pub(super) value: f64,
    #[serde(default)]
    pub(super) unit: Option<String>,
    pub(super) count: usize,
    #[serde(default)]
    pub(super) suppress_duration: Option<i64>,
    #[serde(default)]
    pub(super) level: Option<u32>,
}

impl AlarmPolicy {
    /// Whether a value is out of bounds; `None` if the operator isn't known here.
    pub(super) fn is_broken_by(&self, value: f64) -> Option<bool> {
        Some(match self.comparison_operator.as_str() {
            ">" => value > self.value,
            ">=" => value >= self.value,
            "<" => value < self.value,
            "<=" => value <= self.value,
            "=" => value == self.value,
            "!=" => value != self.value,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, Deserialize)]
struct Notification {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    notification_list: Vec<String>,
}

/// Rules by id, and how each stands.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    pub(super) rules: BTreeMap<String, AlarmRule>,
    /// What fires, by rule, number of its policy and resource: since when it was last told.
    pub(super) firing: BTreeMap<(String, usize, Dimensions), Minute>,
}

/// A policy that looks at one resource.
struct Watch {
    rule_id: String,
    policy: usize,
    dimensions: Dimensions,
}

impl State {
    /// Looks at every rule and tells what has changed.
    pub(super) fn watch_alarms(&mut self) {
        for watch in self.watches() {
            self.look(watch);
        }
    }

    fn watches(&self) -> Vec<Watch> {
        let mut watches = Vec::new();
        for (rule_id, rule) in self.alarms.rules.iter().filter(|(_, rule)| rule.enabled) {
            for (policy, watched) in rule.policies.iter().enumerate() {
                for dimensions in rule.resources.iter().flat_map(|resource| self.resources(rule, watched, resource)) {
                    watches.push(Watch { rule_id: rule_id.clone(), policy, dimensions });
                }
            }
        }
        watches
    }

    /// The resources that a list of dimensions names.
    fn resources(&self, rule: &AlarmRule, policy: &AlarmPolicy, asked: &[WatchedDimension]) -> Vec<Dimensions> {
        let value = |dimension: &WatchedDimension| dimension.value.clone().filter(|value| !value.is_empty());
        if let Some(named) = asked.iter().map(|each| Some((each.name.clone(), value(each)?))).collect() {
            return vec![named];
        }
        self.all_series()
            .into_iter()
            .filter(|(namespace, metric, dimensions, _)| {
                *namespace == rule.namespace
                    && *metric == policy.metric_name
                    && dimensions.len() == asked.len()
                    && asked.iter().all(|each| {
                        let known = dimensions.get(&each.name);
                        known.is_some() && value(each).is_none_or(|wanted| known == Some(&wanted))
                    })
            })
            .map(|(_, _, dimensions, _)| dimensions)
            .collect()
    }

    fn look(&mut self, Watch { rule_id, policy: number, dimensions }: Watch) {
        let Some(rule) = self.alarms.rules.get(&rule_id).cloned() else {
            return;
        };
        let policy = &rule.policies[number];
        let Some(points) = self.newest_points(&rule, policy, &dimensions) else {
            return;
        };
        let broken = points.iter().all(|&(_, value)| policy.is_broken_by(value) == Some(true));
        let key = (rule_id, number, dimensions);
        let (now, told) = (self.now, self.alarms.firing.get(&key).copied());
        let again = |told: Minute| {
            let pause = policy.suppress_duration.unwrap_or(0);
            pause > 0 && (now - told) * 60 >= pause
        };
        let status = match (broken, told) {
            (true, None) => "alarm",
            (true, Some(told)) if again(told) => "alarm",
            (false, Some(_)) => "ok",
            _ => return,
        };
        let notifications = if broken {
            self.alarms.firing.insert(key.clone(), now);
            &rule.alarm_notifications
        } else {
            self.alarms.firing.remove(&key);
            &rule.ok_notifications
        };
        if notifications.iter().any(|each| each.kind == "autoscaling") {
            self.wake_policies(&key.0);
        }
        if !rule.notification_enabled {
            return;
        }
        let message = self.alarm_message(&key.0, &rule, policy, &key.2, status, &points).to_string();
        let subject = format!("[Cloud Eye] {}: {status}", rule.name);
        let topics =
            notifications.iter().filter(|each| each.kind == "notification").flat_map(|it| &it.notification_list);
        for topic in topics {
            self.outbox.message(topic, &subject, &message, now);
        }
    }

    /// The newest points that a policy counts, if all of them are there.
    fn newest_points(
        &self,
        rule: &AlarmRule,
        policy: &AlarmPolicy,
        dimensions: &Dimensions,
    ) -> Option<Vec<(i64, f64)>> {
        let series = self.series(&rule.namespace, &policy.metric_name, dimensions)?;
        let step_ms = policy.period.max(60).max(series.step_seconds()) * 1_000;
        let to_ms = self.now.0 * MINUTE_MS;
        let late_ms = i64::from(self.settings.metric_delay_minutes) * MINUTE_MS;
        let from_ms = to_ms - late_ms - (policy.count as i64 + 1) * step_ms;
        let filter = Filter::parse(&policy.filter)?;
        let mut points = series.rolled_up((from_ms, to_ms), self.newest_visible(), policy.period, filter);
        // A point that has been looked at before, while newer ones are missing, changes nothing.
        points.retain(|&(time, _)| time >= from_ms);
        let first = points.len().checked_sub(policy.count)?;
        Some(points.split_off(first))
    }

    fn alarm_message(
        &self,
        id: &str,
        rule: &AlarmRule,
        policy: &AlarmPolicy,
        dimensions: &Dimensions,
        status: &str,
        points: &[(i64, f64)],
    ) -> Value {
        let unit = policy.unit.as_deref().unwrap_or("");
        let newest = points.last().map_or(0.0, |&(_, value)| value);
        let resource = dimensions.values().next().cloned().unwrap_or_default();
        let instance = self.instance(&resource).map(|(key, instance)| (key, instance.name.clone()));
        let filter = if policy.period == 1 { "Raw data" } else { policy.filter.as_str() };
        let dimension: Vec<String> = dimensions.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let values: Vec<Value> = points.iter().map(|(time, value)| json!({"time": time, "value": value})).collect();
        json!({
            "message_type": "alarm",
            "alarm_id": id,
            "alarm_name": rule.name,
            "alarm_status": status,
            "time": self.now.0 * MINUTE_MS,
            "namespace": rule.namespace,
            "metric_name": policy.metric_name,
            "dimension": dimension.join(","),
            "period": policy.period,
            "filter": filter,
            "comparison_operator": policy.comparison_operator,
            "value": policy.value,
            "unit": unit,
            "count": policy.count,
            "alarmValue": values,
            "sms_content": format!("[Cloud Eye] {}: {status} at {newest:.2}{unit}.", rule.name),
            "default_content": "",
            "template_variable": {
                "AccountName": "demo",
                "Namespace": rule.namespace,
                "ResourceName": instance.as_ref().map(|(_, name)| name),
                "ResourceId": resource,
                "PrivateIp": instance.as_ref().map(|(key, _)| super::instance::Instance::address(*key)),
                "MetricName": policy.metric_name,
                "IsAlarm": status == "alarm",
                "AlarmLevel": match policy.level { Some(1) => "Critical", Some(3) => "Minor", Some(4) => "Informational", _ => "Major" },
                "Region": self.settings.region,
                "CurrentData": format!("{newest:.2}{unit}"),
                "AlarmRuleName": rule.name,
                "AlarmId": id,
                "ComparisonOperator": policy.comparison_operator,
                "Value": format!("{}{unit}", policy.value),
                "Unit": unit,
                "Count": policy.count,
                "EventContent": "",
            },
        })
    }
}
