//! Which group an alarm is about, and which of its signals.

use crate::config::Config;
use crate::functiongraph::events::Alarm;
use crate::model::{CloudEyeSource, FleetSource, Group, Per, SignalSource};

/// Where an alarm's group is to be found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Subject<'a> {
    /// In the configuration.
    Groups(Vec<&'a Group>),
    /// Among the groups that know this instance.
    Instance(&'a str),
    /// Nowhere: neither resource nor rule belong to a group.
    Nobody,
}

/// Finds the groups of an alarm: by the resource that it measures, else by the rule's name, which holds the group's
/// (`inference-cpu-high` and `autoscaler-inference-cpu` are of `inference`).
pub(super) fn subject<'a>(config: &'a Config, alarm: &'a Alarm) -> Subject<'a> {
    let by_resource: Vec<&Group> = config.groups.iter().filter(|group| measures_resource_of(alarm, group)).collect();
    if !by_resource.is_empty() {
        return Subject::Groups(by_resource);
    }
    if let Some(group) = named_by_rule(config, alarm) {
        return Subject::Groups(vec![group]);
    }
    match alarm.dimensions.get("instance_id") {
        Some(instance) => Subject::Instance(instance),
        None => Subject::Nobody,
    }
}

/// The signal whose metric the alarm measured, and what its values are multiplied by.
pub(super) fn signal_of(group: &Group, alarm: &Alarm) -> Option<(usize, f64)> {
    group.signals.iter().enumerate().find_map(|(index, signal)| match &signal.source {
        SignalSource::CloudEye(source) if is_metric(source, alarm) => Some((index, source.scale.unwrap_or(1.0))),
        _ => None,
    })
}

fn measures_resource_of(alarm: &Alarm, group: &Group) -> bool {
    let is_pool = group.pools.iter().any(|pool| match &pool.fleet {
        FleetSource::AsGroup(source) => alarm.dimensions.values().any(|value| *value == source.scaling_group_id),
        FleetSource::Ecs(_) => false,
    });
    let is_signal = group.signals.iter().any(|signal| match &signal.source {
        SignalSource::CloudEye(source) => !source.dimensions.is_empty() && is_metric(source, alarm),
        _ => false,
    });
    is_pool || is_signal
}

fn is_metric(source: &CloudEyeSource, alarm: &Alarm) -> bool {
    let is_metric = alarm.metric_name.as_deref() == Some(&source.metric);
    let namespace = alarm.namespace.as_deref();
    let own = namespace == Some(&source.namespace);
    is_metric
        && match source.per {
            // A scaling group's average of an instance metric has the same name, in a namespace of its own.
            Some(Per::Instance) => own && alarm.dimensions.contains_key("instance_id") || namespace == Some("SYS.AS"),
            None => own && source.dimensions.iter().all(|(name, value)| alarm.dimensions.get(name) == Some(value)),
        }
}

/// The group with the longest name that stands in the rule's name as words of its own.
fn named_by_rule<'a>(config: &'a Config, alarm: &Alarm) -> Option<&'a Group> {
    let rule = alarm.alarm_name.as_deref()?;
    config.groups.iter().filter(|group| names(rule, &group.name)).max_by_key(|group| group.name.len())
}

/// Whether `name` stands in `text` with neither letter nor digit beside it.
pub(super) fn names(text: &str, name: &str) -> bool {
    let is_edge = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
    !name.is_empty()
        && text.match_indices(name).any(|(start, _)| {
            is_edge(text[..start].chars().next_back()) && is_edge(text[start + name.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::reading;
    use super::*;
    use crate::functiongraph::events::{Event, Message};

    const INSTANCE: &str = "5a3f0c1e-7c1b-4a86-9f0e-0b7a2d9c4e11";

    fn config(names: &[&str]) -> Config {
        let group = |name: &str| {
            json!({
                "name": name,
                "pools": [{
                    "name": "base", "purchase": "on_demand", "price_per_hour": 1,
                    "fleet": {"as_group": {"scaling_group_id": format!("as-{name}")}},
                }],
                "signals": [
                    {"name": "cpu", "kind": "utilisation", "scale_out": 70, "scale_in": 30,
                     "source": {"cloud_eye": {"namespace": "AGT.ECS", "metric": "cpu_usage", "per": "instance"}}},
                    {"name": "response_time", "kind": "latency_ms", "scale_out": 2000, "scale_in": 500,
                     "source": {"cloud_eye": {"namespace": "SYS.ELB", "metric": "m17_l7_upstream_rt", "scale": 1000,
                                              "dimensions": {"lbaas_instance_id": format!("lb-{name}")}}}},
                ],
                "policy": {"engine": "target_tracking"},
            })
        };
        let groups: Vec<_> = names.iter().map(|name| group(name)).collect();
        let document = json!({"region": "r-1", "project_id": "p", "groups": groups});
        Config::parse(document.to_string().as_bytes()).unwrap()
    }

    /// The sample alarm, of another metric of another resource under another rule.
    fn alarm(rule: &str, namespace: &str, metric: &str, dimension: (&str, &str)) -> Alarm {
        let path = format!("{}/events/alarm-metric.json", env!("CARGO_MANIFEST_DIR"));
        let Ok(Event::Notifications(notifications)) = Event::parse(&std::fs::read(path).unwrap()) else { panic!() };
        let Message::Alarm(alarm) = notifications[0].content() else { panic!() };
        Alarm {
            alarm_name: Some(rule.to_owned()),
            namespace: Some(namespace.to_owned()),
            metric_name: Some(metric.to_owned()),
            dimensions: [(dimension.0.to_owned(), dimension.1.to_owned())].into(),
            ..*alarm
        }
    }

    fn groups(subject: &Subject<'_>) -> Vec<String> {
        match subject {
            Subject::Groups(groups) => groups.iter().map(|group| group.name.clone()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_scaling_group_and_a_load_balancer_tell_their_group_whatever_the_rule_is_called() {
        let config = config(&["a", "b"]);
        let of_pool = alarm("a-rule", "SYS.AS", "cpu_util", ("AutoScalingGroup", "as-b"));
        assert_eq!(groups(&subject(&config, &of_pool)), ["b"]);
        let of_balancer = alarm("x", "SYS.ELB", "m17_l7_upstream_rt", ("lbaas_instance_id", "lb-b"));
        assert_eq!(groups(&subject(&config, &of_balancer)), ["b"]);
    }

    #[test]
    fn an_instance_is_of_the_group_that_the_rule_is_named_after() {
        let config = config(&["web", "web-eu", "webshop"]);
        let of = |rule| alarm(rule, "AGT.ECS", "cpu_usage", ("instance_id", INSTANCE));
        assert_eq!(groups(&subject(&config, &of("web-cpu-high"))), ["web"]);
        assert_eq!(groups(&subject(&config, &of("web-eu-cpu-high"))), ["web-eu"]);
        assert_eq!(groups(&subject(&config, &of("webshop"))), ["webshop"]);
        assert_eq!(groups(&subject(&config, &of("autoscaler-web-cpu"))), ["web"]);
    }

    #[test]
    fn an_instance_under_a_rule_of_no_group_is_to_be_looked_for() {
        let config = config(&["a"]);
        let alarm = alarm("cpu-high", "AGT.ECS", "cpu_usage", ("instance_id", INSTANCE));
        assert_eq!(subject(&config, &alarm), Subject::Instance(INSTANCE));
    }

    #[test]
    fn what_belongs_to_no_group_belongs_to_nobody() {
        let config = config(&["a"]);
        let of_database = alarm("rds-cpu", "SYS.RDS", "cpu", ("rds_cluster_id", "x"));
        assert_eq!(subject(&config, &of_database), Subject::Nobody);
    }

    #[test]
    fn a_scaling_groups_average_is_of_the_signal_of_its_instances() {
        let config = config(&["a"]);
        let alarm = alarm("a", "SYS.AS", "cpu_usage", ("AutoScalingGroup", "as-a"));
        assert_eq!(signal_of(&config.groups[0], &alarm), Some((0, 1.0)));
    }

    #[test]
    fn what_one_instance_measures_is_no_value_of_the_group() {
        let config = config(&["a"]);
        let value = |namespace, dimension| {
            let alarm = alarm("a", namespace, "cpu_usage", dimension);
            reading(&config.groups[0], &alarm).is_some()
        };
        assert!(value("SYS.AS", ("AutoScalingGroup", "as-a")));
        assert!(!value("AGT.ECS", ("instance_id", INSTANCE)));
    }

    #[test]
    fn an_alarms_signal_is_the_one_of_its_metric_and_resource() {
        let config = config(&["a"]);
        let signal =
            |namespace, metric, dimension| signal_of(&config.groups[0], &alarm("a", namespace, metric, dimension));
        assert_eq!(signal("AGT.ECS", "cpu_usage", ("instance_id", INSTANCE)), Some((0, 1.0)));
        assert_eq!(signal("SYS.ELB", "m17_l7_upstream_rt", ("lbaas_instance_id", "lb-a")), Some((1, 1000.0)));
        assert_eq!(signal("SYS.ELB", "m17_l7_upstream_rt", ("lbaas_instance_id", "lb-b")), None);
        assert_eq!(signal("AGT.ECS", "mem_usedPercent", ("instance_id", INSTANCE)), None);
    }
}
