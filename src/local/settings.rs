//! What a region is made of.

use std::collections::BTreeMap;

use crate::clients::{Credentials, Secret};
use crate::model::{Minute, Purchase, Tag};
use crate::queueing::ServiceModel;

use super::identifiers::identifier;

/// What a region is made of. [`RegionSettings::default`] is a region without workloads.
#[derive(Clone, Debug)]
pub struct RegionSettings {
    /// Name, `cn-north-4` and the like.
    pub region: String,
    /// The one project that the region knows.
    pub project_id: String,
    /// Long-lived keys, as a person has them.
    pub user: Credentials,
    /// Temporary keys with a token, as a function's agency has them.
    pub agency: Credentials,
    /// The minute at which the clock starts.
    pub start: Minute,
    /// Minutes by which metrics arrive late: at minute t the newest visible one is t - 1 - delay.
    pub metric_delay_minutes: u32,
    /// Availability zones.
    pub zones: Vec<String>,
    /// Flavors that can be bought, by id.
    pub flavors: BTreeMap<String, FlavorSettings>,
    /// Most servers of the project.
    pub server_quota: u32,
    /// Minutes from the notice of a reclaim until the spot server is gone.
    pub reclaim_notice_minutes: u32,
    /// What carries load.
    pub workloads: Vec<WorkloadSettings>,
    /// Secrets of the secret store, by name.
    pub secrets: BTreeMap<String, String>,
    /// Key that the language model wants.
    pub model_key: Secret,
}

/// A size of server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlavorSettings {
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Price of an hour on demand.
    pub price_per_hour: f64,
    /// Price of an hour as spot; `None` where it is not sold as spot.
    pub spot_price_per_hour: Option<f64>,
}

/// One scaled service: a load, and the pools whose instances share it evenly.
#[derive(Clone, Debug)]
pub struct WorkloadSettings {
    /// Name; the ids of what belongs to it follow from it.
    pub name: String,
    /// What one instance can do.
    pub model: ServiceModel,
    /// Where its instances come from.
    pub pools: Vec<PoolSettings>,
}

/// A source of instances.
#[derive(Clone, Debug)]
pub enum PoolSettings {
    /// An Auto Scaling group.
    AutoScaling(AsGroupSettings),
    /// Servers that carry a tag, created and deleted through the ECS API.
    Tagged(TaggedSettings),
}

/// An Auto Scaling group.
#[derive(Clone, Debug)]
pub struct AsGroupSettings {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Never fewer.
    pub min_instances: u32,
    /// Never more.
    pub max_instances: u32,
    /// Instances that serve when the clock starts.
    pub initial: u32,
    /// How its configuration buys instances.
    pub purchase: Purchase,
    /// Its configuration's flavor.
    pub flavor: String,
    /// Seconds for which alarm policies rest after a change.
    pub cool_down_seconds: u32,
}

/// Servers that carry a tag.
#[derive(Clone, Debug)]
pub struct TaggedSettings {
    /// The tag.
    pub tag: Tag,
    /// Servers that serve when the clock starts.
    pub initial: u32,
    /// How those are bought.
    pub purchase: Purchase,
    /// Their flavor.
    pub flavor: String,
    /// A server serves only as a member of the load balancer's pool, which somebody must make it. Else it joins by itself.
    pub needs_member: bool,
}

impl Default for RegionSettings {
    fn default() -> Self {
        let flavor = |vcpus, memory_mib, price_per_hour, spot_price_per_hour| FlavorSettings {
            vcpus,
            memory_mib,
            price_per_hour,
            spot_price_per_hour,
        };
        Self {
            region: "cn-north-4".to_owned(),
            project_id: "0123456789abcdef0123456789abcdef".to_owned(),
            user: Credentials::new("DEMOACCESSKEY0000001", "demo-secret-key-for-the-local-region-only", None),
            agency: Credentials::new(
                "DEMOAGENCYKEY0000001",
                "demo-agency-secret-for-the-local-region",
                Some("demo-security-token-for-the-local-region".to_owned()),
            ),
            start: Minute(0),
            metric_delay_minutes: 1,
            zones: ["a", "b", "c"].map(|zone| format!("cn-north-4{zone}")).to_vec(),
            flavors: BTreeMap::from([
                ("x1.2u.4g".to_owned(), flavor(2, 4_096, 0.66, None)),
                ("x1.4u.8g".to_owned(), flavor(4, 8_192, 1.32, None)),
                ("c7.large.2".to_owned(), flavor(2, 4_096, 0.72, Some(0.24))),
                ("c7.xlarge.2".to_owned(), flavor(4, 8_192, 1.44, Some(0.48))),
                ("pi2.2xlarge.4".to_owned(), flavor(8, 32_768, 12.0, Some(4.2))),
            ]),
            server_quota: 100_000,
            reclaim_notice_minutes: 5,
            workloads: Vec::new(),
            secrets: BTreeMap::new(),
            model_key: Secret::new("sk-demo-key-for-the-local-region"),
        }
    }
}

impl WorkloadSettings {
    /// A workload on one Auto Scaling group of on-demand instances, named as the workload.
    pub fn on_auto_scaling(
        name: &str,
        model: ServiceModel,
        initial: u32,
        min_instances: u32,
        max_instances: u32,
    ) -> Self {
        let group = AsGroupSettings {
            id: identifier(&["scaling_group", name]),
            name: name.to_owned(),
            min_instances,
            max_instances,
            initial,
            purchase: Purchase::OnDemand,
            flavor: "x1.2u.4g".to_owned(),
            cool_down_seconds: 300,
        };
        Self { name: name.to_owned(), model, pools: vec![PoolSettings::AutoScaling(group)] }
    }

    /// Id of the load balancer in front of it: the dimension `lbaas_instance_id` of its metrics.
    pub fn load_balancer_id(&self) -> String {
        identifier(&["load_balancer", &self.name])
    }

    /// Id of the load balancer's pool of members.
    pub fn load_balancer_pool_id(&self) -> String {
        identifier(&["load_balancer_pool", &self.name])
    }

    /// Ids of its Auto Scaling groups.
    pub fn scaling_group_ids(&self) -> impl Iterator<Item = &str> {
        self.pools.iter().filter_map(|pool| match pool {
            PoolSettings::AutoScaling(group) => Some(group.id.as_str()),
            PoolSettings::Tagged(_) => None,
        })
    }
}
