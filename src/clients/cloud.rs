//! The cloud as one invocation sees it: region, project, credentials, and the time that is left.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;
use url::Url;

use super::api::Api;
use super::auto_scaling::AutoScaling;
use super::cloud_eye::CloudEye;
use super::csms::Csms;
use super::cts::Cts;
use super::ecs::Ecs;
use super::elb::Elb;
use super::function_graph::FunctionGraph;
use super::http::Transport;
use super::iam::Iam;
use super::smn::Smn;
use super::{Credentials, Secret, SecretError, Secrets};
use crate::model::{Endpoints, SecretSource};

/// All APIs of one project in one region. Made anew for each invocation, since credentials and deadline differ, around a
/// process-wide [`reqwest::Client`]. Cheap to clone; clones share the count of calls.
#[derive(Clone, Debug)]
pub struct Cloud {
    region: Arc<str>,
    project_id: Arc<str>,
    endpoints: Arc<Endpoints>,
    credentials: Arc<Credentials>,
    transport: Transport,
    secrets: Arc<Secrets>,
}

/// A region that no address can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("region {0:?} is not a name like `cn-north-4`")]
pub struct InvalidRegion(pub String);

impl Cloud {
    /// The region's public addresses, except where `endpoints` names others.
    ///
    /// # Errors
    /// If `region` holds anything but letters, digits and `-`.
    pub fn new(
        region: &str,
        project_id: &str,
        endpoints: &Endpoints,
        credentials: Credentials,
        transport: Transport,
    ) -> Result<Self, InvalidRegion> {
        let is_name = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name || public_address("as", region).is_err() {
            return Err(InvalidRegion(region.to_owned()));
        }
        Ok(Self {
            region: region.into(),
            project_id: project_id.into(),
            endpoints: Arc::new(endpoints.clone()),
            credentials: Arc::new(credentials),
            transport,
            secrets: Arc::new(Secrets::new(|_| None)),
        })
    }

    /// The same, finding secrets by these, which are kept from one invocation to the next. Without them there are no
    /// secrets from the environment.
    pub fn with_secrets(self, secrets: Arc<Secrets>) -> Self {
        Self { secrets, ..self }
    }

    /// The secret that the configuration names by its source.
    ///
    /// # Errors
    /// If the variable is unset, or the secret store refuses or does not answer.
    pub async fn secret(&self, source: &SecretSource) -> Result<Secret, SecretError> {
        self.secrets.find(self, source).await
    }

    /// The same, but done within `limit` from now.
    pub fn within(&self, limit: Duration) -> Self {
        Self { transport: self.transport.within(limit), ..self.clone() }
    }

    /// Name of the region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Id of the project.
    pub fn project_id(&self) -> &str {
        &self.project_id
    }

    /// What sends the requests; shared with users' own systems, so that their calls are counted too.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Requests sent so far, every try counted.
    pub fn calls(&self) -> u64 {
        self.transport.calls()
    }

    /// When everything must be done.
    pub fn deadline(&self) -> Instant {
        self.transport.deadline()
    }

    /// Auto Scaling.
    pub fn auto_scaling(&self) -> AutoScaling {
        AutoScaling(self.api("as", self.endpoints.auto_scaling.as_ref()))
    }

    /// Cloud Eye.
    pub fn cloud_eye(&self) -> CloudEye {
        CloudEye(self.api("ces", self.endpoints.ces.as_ref()))
    }

    /// Elastic Cloud Server.
    pub fn ecs(&self) -> Ecs {
        Ecs(self.api("ecs", self.endpoints.ecs.as_ref()))
    }

    /// Elastic Load Balance.
    pub fn elb(&self) -> Elb {
        Elb(self.api("elb", self.endpoints.elb.as_ref()))
    }

    /// Simple Message Notification.
    pub fn smn(&self) -> Smn {
        Smn(self.api("smn", self.endpoints.smn.as_ref()))
    }

    /// FunctionGraph.
    pub fn function_graph(&self) -> FunctionGraph {
        FunctionGraph(self.api("functiongraph", self.endpoints.functiongraph.as_ref()))
    }

    /// Secret store.
    pub fn csms(&self) -> Csms {
        Csms(self.api("csms", self.endpoints.csms.as_ref()))
    }

    /// Cloud Trace.
    pub fn cts(&self) -> Cts {
        Cts(self.api("cts", self.endpoints.cts.as_ref()))
    }

    /// Identity. It belongs to no project.
    pub fn iam(&self) -> Iam {
        Iam(Api { project_id: None, ..self.api("iam", self.endpoints.iam.as_ref()) })
    }

    /// An API by its endpoint, if one is configured, or else by its public name.
    fn api(&self, service: &str, endpoint: Option<&Url>) -> Api {
        let public = || public_address(service, &self.region).expect("the region was tried when this was made");
        let base = endpoint.cloned().unwrap_or_else(public);
        Api {
            transport: self.transport.clone(),
            base: Arc::new(base),
            project_id: Some(Arc::clone(&self.project_id)),
            credentials: Arc::clone(&self.credentials),
            now: Utc::now,
        }
    }
}

fn public_address(service: &str, region: &str) -> Result<Url, url::ParseError> {
    Url::parse(&format!("https://{service}.{region}.myhuaweicloud.com"))
}
