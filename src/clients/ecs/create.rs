use serde::{Deserialize, Serialize};

use super::{Id, encoded};
use crate::model::{InterruptionPolicy, Tag};

/// Servers to be ordered, all alike.
#[derive(Clone, Debug, PartialEq)]
pub struct NewServers {
    /// Name; with a count above one the cloud appends `-0001` and so on.
    pub name: String,
    /// How many, 1 to 100.
    pub count: u32,
    /// Flavor id.
    pub flavor_id: String,
    /// Image id.
    pub image_id: String,
    /// VPC id.
    pub vpc_id: String,
    /// Subnet (network) id.
    pub subnet_id: String,
    /// Security group id.
    pub security_group_id: Option<String>,
    /// SSH key pair.
    pub key_pair_name: Option<String>,
    /// Start-up script, plain text.
    pub user_data: Option<String>,
    /// System disk type.
    pub root_volume_type: String,
    /// System disk size in GiB.
    pub root_volume_size_gib: u32,
    /// Availability zone. None: the cloud chooses.
    pub zone: Option<String>,
    /// Spot servers; none means on demand.
    pub spot: Option<Spot>,
    /// Tags, at most ten.
    pub tags: Vec<Tag>,
}

/// What makes an order one of spot servers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// Highest price an hour. None: the on-demand price is the cap.
    pub price_per_hour: Option<f64>,
    /// How the cloud takes it back.
    pub interruption_policy: Option<InterruptionPolicy>,
}

/// An order that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Created {
    /// Job that carries it out.
    pub job_id: String,
    /// Ids of the servers to be, where the API gives them.
    #[serde(rename = "serverIds", default)]
    pub server_ids: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Order<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    server: ServerOrder<'a>,
}

#[derive(Serialize)]
struct ServerOrder<'a> {
    name: &'a str,
    count: u32,
    #[serde(rename = "flavorRef")]
    flavor: &'a str,
    #[serde(rename = "imageRef")]
    image: &'a str,
    #[serde(rename = "vpcid")]
    vpc: &'a str,
    nics: [Nic<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    security_groups: Option<[Id<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
    root_volume: RootVolume<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone: Option<&'a str>,
    extendparam: ExtendParam,
    #[serde(skip_serializing_if = "<[Tag]>::is_empty")]
    server_tags: &'a [Tag],
}

#[derive(Serialize)]
struct Nic<'a> {
    subnet_id: &'a str,
}

#[derive(Serialize)]
struct RootVolume<'a> {
    volumetype: &'a str,
    size: u32,
}

#[derive(Serialize)]
struct ExtendParam {
    /// Pay per use.
    #[serde(rename = "chargingMode")]
    charging_mode: u32,
    #[serde(rename = "marketType", skip_serializing_if = "Option::is_none")]
    market_type: Option<&'static str>,
    #[serde(rename = "spotPrice", skip_serializing_if = "Option::is_none")]
    spot_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interruption_policy: Option<InterruptionPolicy>,
}

impl NewServers {
    pub(super) fn order(&self, dry_run: bool) -> Order<'_> {
        let extendparam = ExtendParam {
            charging_mode: 0,
            market_type: self.spot.map(|_| "spot"),
            spot_price: self.spot.and_then(|spot| spot.price_per_hour).map(|price| price.to_string()),
            interruption_policy: self.spot.and_then(|spot| spot.interruption_policy),
        };
        let server = ServerOrder {
            name: &self.name,
            count: self.count,
            flavor: &self.flavor_id,
            image: &self.image_id,
            vpc: &self.vpc_id,
            nics: [Nic { subnet_id: &self.subnet_id }],
            security_groups: self.security_group_id.as_deref().map(|id| [Id { id }]),
            key_name: self.key_pair_name.as_deref(),
            user_data: self.user_data.as_deref().map(encoded),
            root_volume: RootVolume { volumetype: &self.root_volume_type, size: self.root_volume_size_gib },
            availability_zone: self.zone.as_deref(),
            extendparam,
            server_tags: &self.tags,
        };
        Order { dry_run, server }
    }
}
