use std::fmt::Write as _;

use axum::http::header;
use axum::response::IntoResponse;
use futures::{StreamExt as _, stream};

use super::groups::find;
use super::{Desk, decisions};
use crate::handlers::measures::{self, Measure};
use crate::model::Group;
use crate::records::Happening;

/// Groups that are read at the same time.
const AT_ONCE: usize = 16;
/// Media type of Prometheus' text format (`docs/instrumenting/exposition_formats.md` of prometheus/docs).
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
const PREFIX: &str = "autoscaler_";

/// The last decision of every group as numbers, in Prometheus' text format. A group that cannot be read is told by its
/// `autoscaler_up` of 0, and does not hide the others.
pub(super) async fn measured(desk: Desk) -> impl IntoResponse {
    let reading: Vec<_> = desk.config.groups.iter().map(|group| read(&desk, group)).collect();
    let all: Vec<(&Group, Option<Vec<Measure>>)> = stream::iter(reading).buffered(AT_ONCE).collect().await;
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], exposition(&all))
}

async fn read<'a>(desk: &Desk, group: &'a Group) -> (&'a Group, Option<Vec<Measure>>) {
    let measures = async {
        let snapshot = find(desk, group).await.ok()??;
        let latest = decisions::latest(desk, group, &snapshot).await.ok()??;
        let age = (desk.now - latest.record.time).num_seconds() as f64;
        let Happening::Decision(decision) = latest.record.what else { return None };
        let mut measures = measures::of(group, &decision, &snapshot);
        measures.push(Measure {
            name: "decision_age_seconds",
            unit: "s",
            help: "Seconds since the last decision.",
            value: age,
        });
        Some(measures)
    };
    (group, measures.await)
}

/// One metric after the other, as the format wants it; a group is a label.
fn exposition(groups: &[(&Group, Option<Vec<Measure>>)]) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, values: &[(&str, f64)]| {
        // Names of groups are letters, digits, `-` and `_`: nothing to escape.
        let _ = writeln!(text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} gauge");
        for (group, value) in values {
            let _ = writeln!(text, "{PREFIX}{name}{{group=\"{group}\"}} {value}");
        }
    };
    let up: Vec<_> =
        groups.iter().map(|(group, known)| (group.name.as_str(), f64::from(u8::from(known.is_some())))).collect();
    metric("up", "1 if the group's last decision could be read.", &up);
    let mut told: Vec<&str> = Vec::new();
    for measure in groups.iter().flat_map(|(_, known)| known.iter().flatten()) {
        if told.contains(&measure.name) {
            continue;
        }
        told.push(measure.name);
        let of_group = |(group, known): &'_ (&Group, Option<Vec<Measure>>)| {
            let same = known.iter().flatten().find(|other| other.name == measure.name)?;
            Some((group.name.clone(), same.value))
        };
        let values: Vec<(String, f64)> = groups.iter().filter_map(of_group).collect();
        let values: Vec<(&str, f64)> = values.iter().map(|(group, value)| (group.as_str(), *value)).collect();
        metric(measure.name, measure.help, &values);
    }
    text
}
