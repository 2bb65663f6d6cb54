//! Auto Scaling (AS): groups of instances that the cloud keeps at a desired number.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::api::{Api, Request};
use super::error::{ClientError, Failure};
use super::signing::path_segment;
use super::wire::{lenient_time, null_as_default};

/// Instances asked for at once; the API's limit.
const PAGE: usize = 100;
/// Most pages that are read.
const MOST_PAGES: usize = 100;

/// The Auto Scaling API.
#[derive(Clone, Debug)]
pub struct AutoScaling(pub(super) Api);

/// An AS group. An answer without its numbers is not understood: what is missing is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ScalingGroup {
    /// Its id.
    #[serde(rename = "scaling_group_id")]
    pub id: String,
    /// Its name.
    #[serde(rename = "scaling_group_name", default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Whether it scales at all.
    #[serde(rename = "scaling_group_status", default, deserialize_with = "null_as_default")]
    pub status: GroupStatus,
    /// What new instances are made of.
    #[serde(rename = "scaling_configuration_id", default)]
    pub configuration_id: Option<String>,
    /// Instances in service.
    #[serde(rename = "current_instance_number", default, deserialize_with = "null_as_default")]
    pub current: u32,
    /// Instances that there shall be.
    #[serde(rename = "desire_instance_number")]
    pub desired: u32,
    /// Never fewer.
    #[serde(rename = "min_instance_number")]
    pub min: u32,
    /// Never more.
    #[serde(rename = "max_instance_number")]
    pub max: u32,
    /// Whether an activity is running.
    #[serde(default, deserialize_with = "null_as_default")]
    pub is_scaling: bool,
    /// Errors of a scaling action that failed (API reference: Querying an AS Group; it does not say when they are cleared).
    #[serde(default)]
    pub detail: Option<String>,
    /// Zones that instances are placed in.
    #[serde(rename = "available_zones", default, deserialize_with = "null_as_default")]
    pub zones: Vec<String>,
    /// Load-balancer listeners that instances are registered with.
    #[serde(rename = "lbaas_listeners", default, deserialize_with = "null_as_default")]
    pub listeners: Vec<GroupListener>,
}

/// A load-balancer listener of an AS group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupListener {
    /// Pool that instances become members of.
    pub pool_id: String,
    /// Port that the load balancer sends to.
    #[serde(default)]
    pub protocol_port: Option<u16>,
}

/// Whether an AS group scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum GroupStatus {
    /// It does.
    InService,
    /// It is switched off; a desired number has no effect.
    Paused,
    /// Something is wrong, see the group's detail.
    Error,
    /// It is being deleted.
    Deleting,
    /// The account is frozen.
    Freezed,
    /// A status that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// An instance of an AS group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupInstance {
    /// Id of the server. None while it is being made.
    #[serde(rename = "instance_id", default, deserialize_with = "null_as_default")]
    pub id: Option<String>,
    /// Its name.
    #[serde(rename = "instance_name", default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Where it stands between joining and leaving.
    #[serde(rename = "life_cycle_state", default, deserialize_with = "null_as_default")]
    pub state: LifeCycleState,
    /// What the health check says.
    #[serde(rename = "health_status", default, deserialize_with = "null_as_default")]
    pub health: HealthStatus,
    /// The configuration that it was made of. None if it was added by hand.
    #[serde(rename = "scaling_configuration_id", default)]
    pub configuration_id: Option<String>,
    /// When it joined.
    #[serde(rename = "create_time", default, deserialize_with = "lenient_time")]
    pub created_at: Option<DateTime<Utc>>,
    /// Whether lowering the desired number passes it over.
    #[serde(rename = "protect_from_scaling_down", default, deserialize_with = "null_as_default")]
    pub protected: bool,
}

/// Where an instance stands between joining and leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LifeCycleState {
    /// It serves.
    #[serde(rename = "INSERVICE")]
    InService,
    /// It is being made and added.
    Pending,
    /// A lifecycle hook holds it before it serves.
    PendingWait,
    /// It is being removed.
    Removing,
    /// A lifecycle hook holds it before it goes.
    RemovingWait,
    /// It belongs to the group and does not serve.
    Standby,
    /// It is leaving service.
    EnteringStandby,
    /// A state that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What the health check says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// It was not checked yet. The documents print two spellings.
    #[serde(alias = "INITAILIZING")]
    Initializing,
    /// It is well.
    Normal,
    /// It is not; AS will replace it.
    Error,
    /// A status that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What became of a new desired number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesiredNumber {
    /// It was accepted; instances follow.
    Accepted,
    /// The group has that desired number already (AS.2028).
    Unchanged,
}

/// What shall become of an instance that a lifecycle hook holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HookResult {
    /// Go on.
    Continue,
    /// Joining: delete it. Leaving: go on without further hooks.
    Abandon,
    /// Hold it for another hour.
    Extend,
}

/// An instance that a lifecycle hook holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HangingInstance {
    /// Name of the hook.
    #[serde(rename = "lifecycle_hook_name")]
    pub hook_name: String,
    /// Key by which the hook is completed.
    #[serde(rename = "lifecycle_action_key")]
    pub action_key: String,
    /// Id of the server.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// `HANGING`, `CONTINUE` or `ABANDON`.
    #[serde(rename = "lifecycle_hook_status", default, deserialize_with = "null_as_default")]
    pub status: String,
    /// When the hook's default takes effect.
    #[serde(default, deserialize_with = "lenient_time")]
    pub timeout: Option<DateTime<Utc>>,
}

/// A lifecycle hook of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LifecycleHook {
    /// Its name.
    #[serde(rename = "lifecycle_hook_name")]
    pub name: String,
    /// `INSTANCE_LAUNCHING` or `INSTANCE_TERMINATING`.
    #[serde(rename = "lifecycle_hook_type")]
    pub kind: String,
    /// Topic that it tells.
    #[serde(rename = "notification_topic_urn", default)]
    pub topic_urn: Option<String>,
}

impl AutoScaling {
    /// A group as it is now. A missing one is an error for which [`ClientError::is_not_found`] holds.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn group(&self, group_id: &str) -> Result<ScalingGroup, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            scaling_group: ScalingGroup,
        }
        let path = self.path(&format!("scaling_group/{}", path_segment(group_id)));
        Ok(self.0.call::<Shown>(Request::get("show AS group", group_id, path)).await?.scaling_group)
    }

    /// All instances of a group, those without an id yet included.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn instances(&self, group_id: &str) -> Result<Vec<GroupInstance>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            total_number: Option<usize>,
            #[serde(default, deserialize_with = "null_as_default")]
            scaling_group_instances: Vec<GroupInstance>,
        }
        let path = self.path(&format!("scaling_group_instance/{}/list", path_segment(group_id)));
        let mut instances: Vec<GroupInstance> = Vec::new();
        let mut known: HashSet<String> = HashSet::new();
        let mut start = 0;
        for _ in 0..MOST_PAGES {
            let request = Request::get("list instances of AS group", group_id, path.clone())
                .query("start_number", start)
                .query("limit", PAGE);
            let page: Page = self.0.call(request).await?;
            let received = page.scaling_group_instances.len();
            start += received;
            let is_last = received == 0 || page.total_number.map_or(received < PAGE, |total| start >= total);
            for instance in page.scaling_group_instances {
                // One that moved to the next page meanwhile is seen twice.
                if instance.id.as_ref().is_none_or(|id| known.insert(id.clone())) {
                    instances.push(instance);
                }
            }
            if is_last {
                return Ok(instances);
            }
        }
        let reason = format!("more than {MOST_PAGES} pages of instances, which no group has");
        Err(ClientError::new("list instances of AS group", group_id, Failure::Unreadable(reason)))
    }

    /// Says how many instances there shall be. The number that is already set is a success.
    ///
    /// # Errors
    /// AS.2005 outside the group's limits, AS.2010 fewer than are protected, AS.2047 or AS.2054 while an activity runs.
    pub async fn set_desired(&self, group_id: &str, desired: u32) -> Result<DesiredNumber, ClientError> {
        #[derive(Serialize)]
        struct Update {
            desire_instance_number: u32,
        }
        let path = self.path(&format!("scaling_group/{}", path_segment(group_id)));
        let update = Update { desire_instance_number: desired };
        match self.0.call_unit(Request::put("set desired number of AS group", group_id, path).json(&update)).await {
            Ok(()) => Ok(DesiredNumber::Accepted),
            Err(error) if error.code() == Some("AS.2028") => Ok(DesiredNumber::Unchanged),
            Err(error) => Err(error),
        }
    }

    /// The group's lifecycle hooks.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn lifecycle_hooks(&self, group_id: &str) -> Result<Vec<LifecycleHook>, ClientError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default, deserialize_with = "null_as_default")]
            lifecycle_hooks: Vec<LifecycleHook>,
        }
        let path = self.path(&format!("scaling_lifecycle_hook/{}/list", path_segment(group_id)));
        let request = Request::get("list lifecycle hooks of AS group", group_id, path);
        Ok(self.0.call::<Listed>(request).await?.lifecycle_hooks)
    }

    /// Instances that lifecycle hooks hold.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn hanging_instances(&self, group_id: &str) -> Result<Vec<HangingInstance>, ClientError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default, deserialize_with = "null_as_default")]
            instance_hanging_info: Vec<HangingInstance>,
        }
        let path = self.path(&format!("scaling_instance_hook/{}/list", path_segment(group_id)));
        let request = Request::get("list hanging instances of AS group", group_id, path);
        Ok(self.0.call::<Listed>(request).await?.instance_hanging_info)
    }

    /// Completes, or extends, what a lifecycle hook holds.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn complete_hook(&self, group_id: &str, action_key: &str, result: HookResult) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Callback<'a> {
            lifecycle_action_key: &'a str,
            lifecycle_action_result: HookResult,
        }
        let path = self.path(&format!("scaling_instance_hook/{}/callback", path_segment(group_id)));
        let callback = Callback { lifecycle_action_key: action_key, lifecycle_action_result: result };
        let request = Request::put("complete lifecycle hook of AS group", group_id, path).json(&callback);
        // An hour more is added each time.
        let request = if result == HookResult::Extend { request.once() } else { request };
        self.0.call_unit(request).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/autoscaling-api/v1/{}/{rest}", self.0.project())
    }
}

#[cfg(test)]
mod tests;
