//! Actions on named instances of a group.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;

use super::super::activity::ActivityKind;
use super::super::errors::ApiError;
use super::super::instance::{Instance, InstanceKey, Phase};
use super::super::region::Region;
use super::super::state::State;
use super::{AS, group};

/// Most instances of one call.
const LIMIT: usize = 10;

#[derive(Deserialize)]
struct Batch {
    instances_id: Vec<String>,
    action: Action,
    #[serde(default)]
    instance_delete: Option<YesNo>,
    #[serde(default)]
    instance_append: Option<YesNo>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Action {
    Add,
    Remove,
    Protect,
    Unprotect,
    EnterStandby,
    ExitStandby,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum YesNo {
    Yes,
    No,
}

pub(super) async fn act(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let batch: Batch = AS.parse(&body)?;
    let ids: BTreeSet<&str> = batch.instances_id.iter().map(String::as_str).collect();
    if ids.len() > LIMIT {
        return Err(AS.error(400, "AS.4043", format!("{} instances are more than {LIMIT}", ids.len())));
    }
    let mut state = region.lock();
    group(&state, &id)?;
    match batch.action {
        Action::Add => add(&mut state, &id, &ids)?,
        Action::Remove => remove(&mut state, &id, &ids, batch.instance_delete == Some(YesNo::Yes))?,
        Action::Protect | Action::Unprotect => {
            let keys = pick(&state, &id, &ids, "AS.4033", |_| true)?;
            for key in keys {
                if let Some(instance) = state.instances.get_mut(&key) {
                    instance.protected = batch.action == Action::Protect;
                }
            }
        }
        Action::EnterStandby => enter_standby(&mut state, &id, &ids, batch.instance_append == Some(YesNo::Yes))?,
        Action::ExitStandby => {
            let keys = pick(&state, &id, &ids, "AS.4029", |instance| instance.phase == Phase::Standby)?;
            let before = group_size(&state, &id);
            raise_desired(&mut state, &id, keys.len() as u32)?;
            state.log_activity(&id, ActivityKind::ExitStandby, before, &keys, &[]);
            for key in keys {
                state.run(key);
            }
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The members of these ids, if each is one and in the right state; else an error that names those that are not.
fn pick(
    state: &State,
    group: &str,
    ids: &BTreeSet<&str>,
    code: &str,
    fits: impl Fn(&Instance) -> bool,
) -> Result<Vec<InstanceKey>, ApiError> {
    let mut keys = Vec::new();
    let mut wrong = Vec::new();
    for &id in ids {
        match state.live_instance(id).filter(|(_, instance)| instance.scaling_group.as_deref() == Some(group)) {
            None => wrong.push(format!("{id}: not in the AS group")),
            Some((_, instance)) if !fits(instance) => wrong.push(format!("{id}: {}", instance.life_cycle_state())),
            Some((key, _)) => keys.push(key),
        }
    }
    if wrong.is_empty() { Ok(keys) } else { Err(AS.error(400, code, wrong.join("; "))) }
}

fn group_size(state: &State, group: &str) -> u32 {
    state.groups.get(group).map_or(0, |group| group.desired)
}

/// Removes serving instances. The group's number falls with them, never under its minimum.
fn remove(state: &mut State, group: &str, ids: &BTreeSet<&str>, delete: bool) -> Result<(), ApiError> {
    let keys =
        pick(state, group, ids, "AS.4030", |instance| matches!(instance.phase, Phase::Serving | Phase::Standby))?;
    let before = group_size(state, group);
    let counted = keys.iter().filter(|key| state.instances.get(key).is_some_and(|it| it.is_in_service())).count();
    if let Some(group) = state.groups.get_mut(group) {
        let rest = group.desired.saturating_sub(counted as u32);
        if rest < group.settings.min_instances {
            let message = format!("{rest} instances would be fewer than {}", group.settings.min_instances);
            return Err(AS.error(400, "AS.2036", message));
        }
        group.desired = rest;
        group.changed = Some(state.now);
    }
    let kind = if delete { ActivityKind::ManualDelete } else { ActivityKind::ManualRemove };
    state.log_activity(group, kind, before, &[], &keys);
    for key in keys {
        if delete {
            state.end_or_hold(key);
        } else {
            state.detach(key);
        }
    }
    Ok(())
}

/// Puts running servers that belong to no group into this one, where they serve at once.
fn add(state: &mut State, group: &str, ids: &BTreeSet<&str>) -> Result<(), ApiError> {
    let mut keys = Vec::new();
    for &id in ids {
        match state.live_instance(id) {
            Some((key, instance)) if instance.scaling_group.is_none() && instance.phase != Phase::Starting => {
                keys.push(key)
            }
            _ => return Err(AS.error(400, "AS.4029", format!("{id}: not a running server outside every AS group"))),
        }
    }
    let before = group_size(state, group);
    raise_desired(state, group, keys.len() as u32)?;
    state.log_activity(group, ActivityKind::ManualAdd, before, &keys, &[]);
    for key in keys {
        let workload = state.groups.get(group).map(|group| group.workload);
        let Some(instance) = state.instances.get_mut(&key) else {
            continue;
        };
        instance.scaling_group = Some(group.to_owned());
        instance.added_by_hand = true;
        instance.weight = Some(1);
        if let Some(left) = instance.workload.take() {
            state.workloads[left].members.remove(&key);
        }
        instance.workload = workload;
        if let Some(joined) = workload {
            state.workloads[joined].members.insert(key);
        }
        if let Some(group) = state.groups.get_mut(group) {
            group.members.insert(key);
        }
        state.run(key);
    }
    Ok(())
}

/// Takes serving instances out of service and keeps them. The group's number falls with them, unless others are to be
/// started in their place. (The documents don't say so in one sentence; it is what keeps the number and the members equal.)
fn enter_standby(state: &mut State, group: &str, ids: &BTreeSet<&str>, append: bool) -> Result<(), ApiError> {
    let keys = pick(state, group, ids, "AS.4029", Instance::is_in_service)?;
    let count = keys.len() as u32;
    let before = group_size(state, group);
    for &key in &keys {
        state.enter(key, Phase::Standby);
    }
    let launched = if append {
        state.launch_members(group, count)
    } else {
        if let Some(group) = state.groups.get_mut(group) {
            group.desired = group.desired.saturating_sub(count);
        }
        Vec::new()
    };
    state.log_activity(group, ActivityKind::EnterStandby, before, &launched, &keys);
    Ok(())
}

fn raise_desired(state: &mut State, id: &str, count: u32) -> Result<(), ApiError> {
    let now = state.now;
    let Some(group) = state.groups.get_mut(id) else {
        return Ok(());
    };
    let wanted = group.desired + count;
    if wanted > group.settings.max_instances {
        let message = format!("{wanted} instances would be more than {}", group.settings.max_instances);
        return Err(AS.error(400, "AS.2035", message));
    }
    group.desired = wanted;
    group.changed = Some(now);
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct RemoveQuery {
    #[serde(default)]
    instance_delete: Option<YesNo>,
}

/// Removes the one instance of the path.
pub(super) async fn remove_one(
    Extract(region): Extract<Arc<Region>>,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, ApiError> {
    let mut state = region.lock();
    let group = state.live_instance(&id).and_then(|(_, instance)| instance.scaling_group.clone());
    let group = group.ok_or_else(|| AS.error(400, "AS.4000", format!("The instance does not exist: {id}")))?;
    remove(&mut state, &group, &BTreeSet::from([id.as_str()]), query.instance_delete == Some(YesNo::Yes))?;
    Ok(StatusCode::NO_CONTENT)
}
