//! Identity and Access Management (IAM): which project a region's resources are in.

use serde::Deserialize;

use super::api::{Api, Request};
use super::error::ClientError;
use super::wire::null_as_default;

/// The IAM API.
#[derive(Clone, Debug)]
pub struct Iam(pub(super) Api);

/// A project of the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name: that of the region, for a region's own project.
    pub name: String,
}

impl Iam {
    /// Projects of that name.
    ///
    /// # Errors
    /// If the API refuses or does not answer.
    pub async fn projects(&self, name: &str) -> Result<Vec<Project>, ClientError> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default, deserialize_with = "null_as_default")]
            projects: Vec<Project>,
        }
        let request = Request::get("list projects named", name, "/v3/projects".to_owned()).query("name", name);
        Ok(self.0.call::<Listed>(request).await?.projects)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Planned, Server};

    #[tokio::test]
    async fn a_project_is_found_by_the_name_of_its_region() {
        let project = json!({"id": "p-1", "name": "cn-north-4", "enabled": true, "links": {"self": "s"}});
        let server = Server::start([Planned::json(200, json!({"projects": [project]}))]).await;
        let projects = server.cloud().iam().projects("cn-north-4").await.unwrap();
        assert_eq!(projects, [Project { id: "p-1".to_owned(), name: "cn-north-4".to_owned() }]);
        assert_eq!(server.lines(), ["GET /v3/projects?name=cn-north-4"]);
        assert_eq!(server.received()[0].header("x-project-id"), None, "a global service");
    }
}
