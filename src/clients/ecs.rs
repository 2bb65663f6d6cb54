//! Elastic Cloud Server (ECS), through which Flexus X instances are bought too.

mod create;
mod job;
mod server;

pub use create::{Created, NewServers, Spot};
pub use job::{Job, JobStatus, ServerOutcome};
pub use server::{Server, ServerStatus, TaggedServer};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::api::{Api, Request};
use super::error::{ClientError, Failure};
use super::signing::path_segment;
use super::wire::null_as_default;
use crate::model::Tag;

/// Servers asked for at once: ids stand in the address, which must not grow too long.
const IDS_PER_CALL: usize = 100;
/// Tagged servers and sell policies asked for at once; the API's limit.
const PAGE: usize = 1000;
/// Most pages that are read.
const MOST_PAGES: usize = 50;

/// The ECS API.
#[derive(Clone, Debug)]
pub struct Ecs(pub(super) Api);

/// Whether a flavor can be bought in a zone, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SellPolicy {
    #[serde(default)]
    id: i64,
    /// The flavor.
    pub flavor_id: String,
    /// `available` or `sellout`.
    #[serde(rename = "sell_status")]
    pub status: String,
    /// The availability zone.
    #[serde(rename = "availability_zone_id")]
    pub zone: String,
    /// `postPaid`, `prePaid`, `spot` or `ri`.
    #[serde(rename = "sell_mode")]
    pub mode: String,
}

impl SellPolicy {
    /// Whether it can be bought now.
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }
}

/// Quotas of the project and what is used of them. A quota below zero is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Servers allowed.
    #[serde(rename = "maxTotalInstances")]
    pub instances: i64,
    /// Servers used.
    #[serde(rename = "totalInstancesUsed")]
    pub instances_used: i64,
    /// vCPUs allowed.
    #[serde(rename = "maxTotalCores")]
    pub cores: i64,
    /// vCPUs used.
    #[serde(rename = "totalCoresUsed")]
    pub cores_used: i64,
    /// Memory allowed, in MB.
    #[serde(rename = "maxTotalRAMSize")]
    pub memory_mb: i64,
    /// Memory used, in MB.
    #[serde(rename = "totalRAMUsed")]
    pub memory_mb_used: i64,
    /// Spot servers allowed, where the region tells.
    #[serde(rename = "maxTotalSpotInstances")]
    pub spot_instances: Option<i64>,
    /// Spot servers used, where the region tells.
    #[serde(rename = "totalSpotInstancesUsed")]
    pub spot_instances_used: Option<i64>,
}

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

impl Ecs {
    /// Orders servers. The order with the same token is carried out once, however often it is sent within eight hours.
    ///
    /// # Errors
    /// Ecs.0018 and Ecs.0319 sold out, Ecs.0001 quota, Ecs.0703 bid below the market, Ecs.0122 token of another order.
    pub async fn create(&self, servers: &NewServers, client_token: Uuid) -> Result<Created, ClientError> {
        let request = Request::post("create servers", &servers.name, self.path("cloudservers"))
            .header("x-client-token", client_token.hyphenated().to_string())
            .json(&servers.order(false));
        self.0.call(request).await
    }

    /// Asks whether servers could be ordered, and orders none.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn check_create(&self, servers: &NewServers) -> Result<(), ClientError> {
        let request = Request::post("check order of servers", &servers.name, self.path("cloudservers"));
        self.0.call_unit(request.json(&servers.order(true))).await
    }

    /// Deletes servers with their disks and public addresses. Gives the id of the job that does it.
    ///
    /// # Errors
    /// Ecs.0114 if one does not exist, Ecs.0605 if one is locked.
    pub async fn delete(&self, server_ids: &[String]) -> Result<String, ClientError> {
        #[derive(Serialize)]
        struct Delete<'a> {
            servers: Vec<Id<'a>>,
            delete_publicip: bool,
            delete_volume: bool,
        }
        #[derive(Deserialize)]
        struct Accepted {
            job_id: String,
        }
        let servers = server_ids.iter().map(|id| Id { id }).collect();
        let subject = server_ids.join(", ");
        let request = Request::post("delete servers", &subject, self.path("cloudservers/delete"));
        let delete = Delete { servers, delete_publicip: true, delete_volume: true };
        Ok(self.0.call::<Accepted>(request.json(&delete)).await?.job_id)
    }

    /// All servers that carry a tag, by id and name only; [`Self::servers`] tells more.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn servers_with_tag(&self, tag: &Tag) -> Result<Vec<TaggedServer>, ClientError> {
        #[derive(Serialize)]
        struct Filter<'a> {
            action: &'static str,
            limit: String,
            offset: String,
            tags: [TagFilter<'a>; 1],
        }
        #[derive(Serialize)]
        struct TagFilter<'a> {
            key: &'a str,
            values: [&'a str; 1],
        }
        #[derive(Deserialize)]
        struct Page {
            #[serde(default, deserialize_with = "null_as_default")]
            resources: Vec<TaggedServer>,
            #[serde(default)]
            total_count: Option<usize>,
        }
        let subject = format!("{}={}", tag.key, tag.value);
        let mut servers: Vec<TaggedServer> = Vec::new();
        let mut offset = 0;
        for _ in 0..MOST_PAGES {
            let filter = Filter {
                action: "filter",
                limit: PAGE.to_string(),
                offset: offset.to_string(),
                tags: [TagFilter { key: &tag.key, values: [&tag.value] }],
            };
            let request =
                Request::post("list servers with tag", &subject, self.path("cloudservers/resource_instances/action"));
            let page: Page = self.0.call(request.json(&filter)).await?;
            let received = page.resources.len();
            offset += received;
            servers.extend(page.resources);
            if received == 0 || page.total_count.map_or(received < PAGE, |total| offset >= total) {
                servers.sort_by(|left, right| left.id.cmp(&right.id));
                servers.dedup_by(|left, right| left.id == right.id);
                return Ok(servers);
            }
        }
        // Half of a fleet would be taken for all of it, and the other half bought again.
        let reason = format!("more than {MOST_PAGES} pages of servers, which no fleet has");
        Err(ClientError::new("list servers with tag", &subject, Failure::Unreadable(reason)))
    }

    /// Servers by their ids. Those that do not exist any more are left out.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn servers(&self, server_ids: &[String]) -> Result<Vec<Server>, ClientError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default, deserialize_with = "null_as_default")]
            servers: Vec<Server>,
        }
        let mut servers = Vec::with_capacity(server_ids.len());
        for ids in server_ids.chunks(IDS_PER_CALL) {
            // Pages are counted from one here, and one holds all.
            let request = Request::get("list servers", "", self.path("cloudservers/detail"))
                .query("server_id", ids.join(","))
                .query("limit", PAGE)
                .query("offset", 1);
            servers.extend(self.0.call::<Listed>(request).await?.servers);
        }
        Ok(servers)
    }

    /// One server.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] if there is none of that id.
    pub async fn server(&self, server_id: &str) -> Result<Server, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            server: Server,
        }
        let path = self.path(&format!("cloudservers/{}", path_segment(server_id)));
        Ok(self.0.call::<Shown>(Request::get("show server", server_id, path)).await?.server)
    }

    /// How an order or a deletion stands.
    ///
    /// # Errors
    /// If the API refuses or does not answer. A job that failed is no error of this call.
    pub async fn job(&self, job_id: &str) -> Result<Job, ClientError> {
        let path = self.path(&format!("jobs/{}", path_segment(job_id)));
        Ok(self.0.call::<job::ShownJob>(Request::get("show job", job_id, path)).await?.into())
    }

    /// Where a flavor can be bought: the authority on whether it is offered as spot in a zone. `mode` is `postPaid` or `spot`.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn sell_policies(&self, flavor_id: &str, mode: &str) -> Result<Vec<SellPolicy>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default, deserialize_with = "null_as_default")]
            sell_policies: Vec<SellPolicy>,
        }
        let mut policies: Vec<SellPolicy> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut request =
                Request::get("list sell policies of flavor", flavor_id, self.path("cloudservers/flavor-sell-policies"))
                    .query("flavor_id", flavor_id)
                    .query("sell_mode", mode)
                    .query("limit", PAGE);
            if let Some(last) = policies.last() {
                request = request.query("marker", last.id);
            }
            let page = self.0.call::<Page>(request).await?.sell_policies;
            let is_last = page.len() < PAGE;
            policies.extend(page);
            if is_last {
                break;
            }
        }
        Ok(policies)
    }

    /// Quotas of the project.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn limits(&self) -> Result<Limits, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            absolute: Limits,
        }
        Ok(self.0.call::<Shown>(Request::get("show ECS quotas", "", self.path("cloudservers/limits"))).await?.absolute)
    }

    /// Sets tags of a server; those it has with the same keys are replaced.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] if there is no such server.
    pub async fn set_tags(&self, server_id: &str, tags: &[Tag]) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Action<'a> {
            action: &'static str,
            tags: &'a [Tag],
        }
        let path = self.path(&format!("cloudservers/{}/tags/action", path_segment(server_id)));
        let action = Action { action: "create", tags };
        self.0.call_unit(Request::new("set tags of server", server_id, Method::POST, path).json(&action)).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/{}/{rest}", self.0.project())
    }
}

/// Start-up script as the API takes it.
fn encoded(user_data: &str) -> String {
    BASE64_STANDARD.encode(user_data)
}

#[cfg(test)]
mod tests;
