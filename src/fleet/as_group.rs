//! An Auto Scaling group, driven by its desired number.

use chrono::{DateTime, TimeDelta, Utc};

use super::{FleetError, View};
use crate::clients::auto_scaling::{
    AutoScaling, DesiredNumber, GroupStatus, HealthStatus, LifeCycleState, ScalingGroup,
};
use crate::model::{AsGroupSource, Capacity};
use crate::state::FleetMemory;

/// How long a settled group's list of instances is trusted: an instance may be replaced without a change in number.
const LIST_AGE: TimeDelta = TimeDelta::minutes(5);

/// One call for a settled group; a second one lists its instances while it moves, and now and then.
pub(super) async fn look(
    api: &AutoScaling,
    source: &AsGroupSource,
    memory: &mut FleetMemory,
    now: DateTime<Utc>,
) -> Result<View, FleetError> {
    let group = api.group(&source.scaling_group_id).await?;
    if must_list(&group, memory, now) {
        let instances = api.instances(&source.scaling_group_id).await?;
        memory.instances = instances
            .into_iter()
            .filter(|instance| instance.state == LifeCycleState::InService && instance.health != HealthStatus::Error)
            .filter_map(|instance| instance.id)
            .collect();
        memory.listed = Some(now);
    }
    // While a group shrinks, instances that are still in service are on their way out.
    let serving = u32::try_from(memory.instances.len()).unwrap_or(u32::MAX).min(group.desired);
    Ok(View {
        capacity: Capacity { serving, starting: group.desired - serving },
        serving: memory.instances.clone(),
        least: group.min,
        most: group.max,
        going: None,
        is_unsettled: false,
        trouble: group.detail.filter(|detail| serving < group.desired && !detail.trim().is_empty()),
        inventory: None,
    })
}

/// Whether the remembered list may be wrong: as many instances as it holds are in service, and it is not old. Should a
/// region count instances that are still joining too (the documents leave it open), it is listed while the group grows.
fn must_list(group: &ScalingGroup, memory: &FleetMemory, now: DateTime<Utc>) -> bool {
    let same_number = usize::try_from(group.current) == Ok(memory.instances.len());
    let age = memory.listed.map(|listed| now - listed);
    !same_number || !age.is_some_and(|age| age >= TimeDelta::zero() && age < LIST_AGE)
}

pub(super) async fn scale(api: &AutoScaling, source: &AsGroupSource, target: u32) -> Result<(), FleetError> {
    let id = &source.scaling_group_id;
    match api.set_desired(id, target).await {
        Ok(DesiredNumber::Accepted | DesiredNumber::Unchanged) => Ok(()),
        // A refusal for the group's status says little; the group itself says what to do.
        Err(error) => match api.group(id).await {
            Ok(group) if group.status == GroupStatus::Paused => Err(FleetError::NotInService {
                group: id.clone(),
                status: "paused".to_owned(),
                mend: "enable it in the console or by the AS API (action resume)",
            }),
            _ => Err(error.into()),
        },
    }
}
