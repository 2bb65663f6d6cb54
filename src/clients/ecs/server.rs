use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::clients::wire::{lenient_time, null_as_default};
use crate::model::Tag;

/// A server as the tag query gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaggedServer {
    /// Its id.
    #[serde(rename = "resource_id")]
    pub id: String,
    /// Its name.
    #[serde(rename = "resource_name", default, deserialize_with = "null_as_default")]
    pub name: String,
    /// All its tags.
    #[serde(default, deserialize_with = "tags")]
    pub tags: Vec<Tag>,
}

/// Tags as the API writes them: what it may add to one some day is passed over. Our own [`Tag`], which people write, is
/// strict.
fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Tag>, D::Error> {
    #[derive(Deserialize)]
    struct Told {
        key: String,
        #[serde(default, deserialize_with = "null_as_default")]
        value: String,
    }
    let told: Vec<Told> = null_as_default(deserializer)?;
    Ok(told.into_iter().map(|Told { key, value }| Tag { key, value }).collect())
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Whether it runs.
    #[serde(default, deserialize_with = "null_as_default")]
    pub status: ServerStatus,
    /// What is being done with it: `deleting`, `powering-off` and the like.
    #[serde(rename = "OS-EXT-STS:task_state", default)]
    pub task_state: Option<String>,
    /// Availability zone.
    #[serde(rename = "OS-EXT-AZ:availability_zone", default, deserialize_with = "null_as_default")]
    pub zone: String,
    /// When it was ordered.
    #[serde(default, deserialize_with = "lenient_time")]
    pub created: Option<DateTime<Utc>>,
    /// When it first ran.
    #[serde(rename = "OS-SRV-USG:launched_at", default, deserialize_with = "lenient_time")]
    pub launched_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "null_as_default")]
    flavor: Flavor,
    #[serde(default, deserialize_with = "null_as_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "null_as_default")]
    addresses: BTreeMap<String, Vec<Address>>,
    #[serde(default, deserialize_with = "null_as_default")]
    tags: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Flavor {
    #[serde(default, deserialize_with = "null_as_default")]
    id: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Metadata {
    #[serde(default)]
    charging_mode: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Address {
    addr: String,
    #[serde(rename = "OS-EXT-IPS:type", default)]
    kind: Option<String>,
}

/// Whether a server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerStatus {
    /// It runs.
    Active,
    /// It is being made.
    Build,
    /// It could not be made, or broke.
    Error,
    /// It is gone.
    Deleted,
    /// It is switched off.
    Shutoff,
    /// It starts again.
    Reboot,
    /// It starts again, hard.
    HardReboot,
    /// A status that this version does not know, or has no use for.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Server {
    /// Its flavor.
    pub fn flavor_id(&self) -> &str {
        &self.flavor.id
    }

    /// Whether it is a spot server. None if the API does not tell.
    pub fn is_spot(&self) -> Option<bool> {
        Some(self.metadata.charging_mode.as_deref()? == "2")
    }

    /// Whether it is on its way out.
    pub fn is_leaving(&self) -> bool {
        self.status == ServerStatus::Deleted || self.task_state.as_deref() == Some("deleting")
    }

    /// Its first private address.
    pub fn private_address(&self) -> Option<&str> {
        let mut addresses = self.addresses.values().flatten();
        Some(&addresses.find(|address| address.kind.as_deref() != Some("floating"))?.addr)
    }

    /// Value of a tag, which the API writes as `key=value` or `key.value`.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find_map(|tag| tag.strip_prefix(key)?.strip_prefix(['=', '.']))
    }
}
