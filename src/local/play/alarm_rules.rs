//! The alarm rules that the Terraform module would make for a group, in the region's own form.

use serde_json::{Value, json};

use super::super::alarms::AlarmRule;
use crate::model::{CloudEyeSource, FleetSource, Group, Per, SignalSource};

/// The topic that the rules publish to.
pub(super) const ALARM_TOPIC: &str = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:autoscaler-alarms";
/// Raw values in a row that a rule may ask for at most.
const LONGEST_ROW: u32 = 5;
/// Period of a scaling group's own metrics, in seconds.
const GROUP_PERIOD_SECONDS: u32 = 300;
/// Seconds until a rule that still fires tells again.
const SUPPRESS_SECONDS: u32 = 300;

/// A rule for each signal that has a threshold, by its id: on the scaling groups' averages where the signal is measured on
/// instances, else on the resource itself. A pool of tagged servers has no average to watch.
pub(super) fn alarm_rules(group: &Group) -> Vec<(String, AlarmRule)> {
    let watched = group.signals.iter().filter_map(|signal| match &signal.source {
        SignalSource::CloudEye(source) => {
            signal.scale_out.filter(|out| *out > 0.0).map(|out| (signal, source, out / source.scale.unwrap_or(1.0)))
        }
        _ => None,
    });
    let rules = watched.flat_map(|(signal, source, threshold)| match source.per {
        None => {
            let dimensions = source.dimensions.iter().map(|(name, value)| json!({"name": name, "value": value}));
            let period = signal.period_minutes() * 60;
            let watch = Watch { namespace: &source.namespace, period, seconds: signal.duration, threshold };
            vec![watch.rule(&format!("{}-{}", group.name, signal.name), source, dimensions.collect())]
        }
        Some(Per::Instance) => {
            let watch =
                Watch { namespace: "SYS.AS", period: GROUP_PERIOD_SECONDS, seconds: signal.duration, threshold };
            let rule = |pool: &crate::model::Pool| match &pool.fleet {
                FleetSource::AsGroup(fleet) => {
                    let dimension = json!({"name": "AutoScalingGroup", "value": fleet.scaling_group_id});
                    Some(watch.rule(&format!("{}-{}-{}", group.name, signal.name, pool.name), source, vec![dimension]))
                }
                FleetSource::Ecs(_) => None,
            };
            group.pools.iter().filter_map(rule).collect()
        }
    });
    rules.flatten().collect()
}

/// What a rule watches for.
struct Watch<'a> {
    namespace: &'a str,
    period: u32,
    seconds: u32,
    threshold: f64,
}

impl Watch<'_> {
    fn rule(&self, name: &str, source: &CloudEyeSource, resource: Vec<Value>) -> Option<(String, AlarmRule)> {
        let rule = json!({
            "name": format!("autoscaler-{name}"),
            "namespace": self.namespace,
            "type": "MULTI_INSTANCE",
            "resources": [resource],
            "policies": [{
                "metric_name": source.metric,
                "period": if self.period == 60 { 1 } else { self.period },
                "filter": "average",
                "comparison_operator": ">",
                "value": self.threshold,
                "count": self.seconds.div_ceil(self.period).clamp(1, LONGEST_ROW),
                "suppress_duration": SUPPRESS_SECONDS,
                "level": 2,
            }],
            "alarm_notifications": [{"type": "notification", "notification_list": [ALARM_TOPIC]}],
        });
        serde_json::from_value(rule).ok().map(|rule| (format!("al-{name}"), rule))
    }
}
