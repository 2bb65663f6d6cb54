//! Many groups are evaluated by many invocations: the platform itself is the distributed engine. State is a group's own,
//! so shards share nothing.

use chrono::{DateTime, Utc};
use futures::future;

use crate::clients::Cloud;
use crate::functiongraph::events::{Action, Evaluation};
use crate::handlers::Workplace;
use crate::model::Group;

/// Groups that one invocation evaluates itself, unless `AUTOSCALER_SHARD_GROUPS` says otherwise.
const SHARD_GROUPS: usize = 20;

/// Hands all groups but the first shard to further invocations and returns their names. A shard that cannot be handed over
/// stays in `due`, and so does everything where the platform does not say which function this is.
pub(super) async fn dispatch(
    cloud: &Cloud,
    workplace: &Workplace,
    due: &mut Vec<&Group>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let size = workplace
        .environment
        .variable("AUTOSCALER_SHARD_GROUPS")
        .and_then(|text| text.parse().ok())
        .filter(|size| *size > 0)
        .unwrap_or(SHARD_GROUPS);
    let Some(urn) = workplace.environment.function.urn(cloud.region()) else { return Vec::new() };
    if due.len() <= size {
        return Vec::new();
    }
    let rest = due.split_off(size);
    let shards: Vec<&[&Group]> = rest.chunks(size).collect();
    let function_graph = cloud.function_graph();
    let asked = shards.iter().map(|shard| {
        let event = Evaluation {
            action: Action::Evaluate,
            groups: shard.iter().map(|group| group.name.clone()).collect(),
            time: Some(now),
            dry_run: false,
        };
        let (function_graph, urn) = (&function_graph, &urn);
        async move { function_graph.invoke_async(urn, &event).await }
    });
    let answers = future::join_all(asked).await;
    let mut dispatched = Vec::new();
    for (shard, answer) in shards.into_iter().zip(answers) {
        match answer {
            Ok(_) => dispatched.extend(shard.iter().map(|group| group.name.clone())),
            Err(error) => {
                tracing::warn!(%error, groups = shard.len(), "a shard could not be handed over and is evaluated here");
                due.extend_from_slice(shard);
            }
        }
    }
    dispatched
}
