//! Elastic Load Balance (ELB): who gets traffic.

use serde::{Deserialize, Serialize};

use super::api::{Api, Request};
use super::error::{ClientError, Failure};
use super::signing::path_segment;
use super::wire::null_as_default;

/// Members asked for at once; the API's limit.
const PAGE: usize = 2000;
/// Members changed at once. The API's own limit is not published.
const BATCH: usize = 100;
/// Most pages that are read.
const MOST_PAGES: usize = 10;

/// The ELB API, version 3.
#[derive(Clone, Debug)]
pub struct Elb(pub(super) Api);

/// A member of a load-balancer pool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Private address of the server.
    pub address: String,
    /// Port that the load balancer sends to.
    #[serde(default)]
    pub protocol_port: u16,
    /// Share of new requests; 0 drains.
    #[serde(default, deserialize_with = "null_as_default")]
    pub weight: u32,
    /// `ONLINE`, `OFFLINE`, `NO_MONITOR`, `INITIAL` or `UNKNOWN`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub operating_status: String,
    /// The server, where the API tells.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
}

/// A member to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewMember {
    /// Name, for people.
    pub name: String,
    /// Private address of the server.
    pub address: String,
    /// Port that the load balancer sends to.
    pub protocol_port: u16,
    /// IPv4 subnet that the address lies in: the Neutron subnet, not the network that servers are ordered with. Needed
    /// unless the load balancer sends to addresses outside its VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_cidr_id: Option<String>,
    /// Share of new requests, 0 to 100.
    pub weight: u32,
}

#[derive(Serialize, Deserialize)]
struct Wrapped<T> {
    member: T,
}

#[derive(Serialize)]
struct Members<'a, T> {
    members: &'a [T],
}

impl Elb {
    /// All members of a pool.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn members(&self, pool_id: &str) -> Result<Vec<Member>, ClientError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default, deserialize_with = "null_as_default")]
            members: Vec<Member>,
            #[serde(default, deserialize_with = "null_as_default")]
            page_info: PageInfo,
        }
        #[derive(Default, Deserialize)]
        struct PageInfo {
            #[serde(default)]
            next_marker: Option<String>,
        }
        let mut members = Vec::new();
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let mut request =
                Request::get("list members of pool", pool_id, self.path(pool_id, "")).query("limit", PAGE);
            if let Some(marker) = &marker {
                request = request.query("marker", marker);
            }
            let page: Page = self.0.call(request).await?;
            let is_last = page.members.len() < PAGE;
            members.extend(page.members);
            marker = page.page_info.next_marker;
            if is_last || marker.is_none() {
                return Ok(members);
            }
        }
        let reason = format!("more than {MOST_PAGES} pages of members, which no pool has");
        Err(ClientError::new("list members of pool", pool_id, Failure::Unreadable(reason)))
    }

    /// Adds a member.
    ///
    /// # Errors
    /// 409 if the pool has that address and port already.
    pub async fn add_member(&self, pool_id: &str, member: &NewMember) -> Result<Member, ClientError> {
        let request = Request::post("add member to pool", pool_id, self.path(pool_id, "")).json(&Wrapped { member });
        // A second try after an unseen success would be refused; the caller looks first anyway.
        Ok(self.0.call::<Wrapped<Member>>(request.once()).await?.member)
    }

    /// Sets a member's share of new requests. 0 drains: it gets no new ones and finishes the old.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] if there is no such member.
    pub async fn set_weight(&self, pool_id: &str, member_id: &str, weight: u32) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Weight {
            weight: u32,
        }
        let path = self.path(pool_id, &format!("/{}", path_segment(member_id)));
        let request = Request::put("set weight of member", member_id, path);
        self.0.call_unit(request.json(&Wrapped { member: Weight { weight } })).await
    }

    /// Removes a member. One that is not there is a success.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn remove_member(&self, pool_id: &str, member_id: &str) -> Result<(), ClientError> {
        let path = self.path(pool_id, &format!("/{}", path_segment(member_id)));
        match self.0.call_unit(Request::delete("remove member from pool", member_id, path)).await {
            Err(error) if error.is_not_found() => Ok(()),
            result => result,
        }
    }

    /// Adds members, many by one call.
    ///
    /// # Errors
    /// 409 if the pool has one of the addresses and ports already; those before it may have been added.
    pub async fn add_members(&self, pool_id: &str, members: &[NewMember]) -> Result<(), ClientError> {
        for members in members.chunks(BATCH) {
            let path = self.path(pool_id, "/batch-add");
            let request = Request::post("add members to pool", pool_id, path).json(&Members { members });
            self.0.call_unit(request.once()).await?;
        }
        Ok(())
    }

    /// Sets the share of new requests of members, many by one call. 0 drains.
    ///
    /// # Errors
    /// If the API refuses or does not answer; those before may have been set.
    pub async fn set_weights(&self, pool_id: &str, member_ids: &[String], weight: u32) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Weight<'a> {
            id: &'a str,
            weight: u32,
        }
        for ids in member_ids.chunks(BATCH) {
            let members: Vec<Weight<'_>> = ids.iter().map(|id| Weight { id, weight }).collect();
            let path = self.path(pool_id, "/batch-update");
            let request = Request::post("set weights of members", pool_id, path).json(&Members { members: &members });
            self.0.call_unit(request).await?;
        }
        Ok(())
    }

    /// Removes members, many by one call.
    ///
    /// # Errors
    /// If the API refuses or does not answer; those before may have been removed.
    pub async fn remove_members(&self, pool_id: &str, member_ids: &[String]) -> Result<(), ClientError> {
        #[derive(Serialize)]
        struct Id<'a> {
            id: &'a str,
        }
        for ids in member_ids.chunks(BATCH) {
            let members: Vec<Id<'_>> = ids.iter().map(|id| Id { id }).collect();
            let path = self.path(pool_id, "/batch-delete");
            let request = Request::post("remove members from pool", pool_id, path).json(&Members { members: &members });
            self.0.call_unit(request).await?;
        }
        Ok(())
    }

    fn path(&self, pool_id: &str, rest: &str) -> String {
        format!("/v3/{}/elb/pools/{}/members{rest}", self.0.project(), path_segment(pool_id))
    }
}

#[cfg(test)]
mod tests;
