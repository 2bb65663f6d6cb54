//! Cloud Secret Management Service (CSMS): secrets that the configuration only names.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use super::Secret;
use super::api::{Api, Request};
use super::error::{ClientError, Failure};
use super::signing::path_segment;

/// The CSMS API.
#[derive(Clone, Debug)]
pub struct Csms(pub(super) Api);

impl Csms {
    /// The newest version of a secret's text. A binary secret must be UTF-8.
    ///
    /// # Errors
    /// [`ClientError::is_not_found`] if there is none of that name.
    pub async fn secret(&self, name: &str) -> Result<Secret, ClientError> {
        #[derive(Deserialize)]
        struct Shown {
            version: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            #[serde(default)]
            secret_string: Option<String>,
            #[serde(default)]
            secret_binary: Option<String>,
        }
        const OPERATION: &str = "show secret";
        let path = format!("/v1/{}/secrets/{}/versions/latest", self.0.project(), path_segment(name));
        let version = self.0.call::<Shown>(Request::get(OPERATION, name, path)).await?.version;
        let from_binary = |text: String| String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok();
        let text = version.secret_string.or_else(|| version.secret_binary.and_then(from_binary));
        let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let unreadable = || ClientError::new(OPERATION, name, Failure::Unreadable("it holds no text".to_owned()));
        text.map(Secret::new).ok_or_else(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::clients::testing::{Planned, Server};

    #[tokio::test]
    async fn the_newest_version_is_read_as_text() {
        let version = |version| Planned::json(200, json!({ "version": version }));
        let server = Server::start([
            version(json!({"version_metadata": {"id": "v3"}, "secret_string": "sk-made-up\n", "secret_binary": null})),
            version(json!({"secret_binary": "c2stbWFkZS11cA=="})),
            version(json!({"secret_string": ""})),
        ])
        .await;
        let csms = server.cloud().csms();
        assert_eq!(csms.secret("deepseek/key").await.unwrap().expose(), "sk-made-up");
        assert_eq!(csms.secret("deepseek").await.unwrap().expose(), "sk-made-up");
        assert_eq!(
            csms.secret("deepseek").await.unwrap_err().to_string(),
            "show secret deepseek: the answer cannot be read: it holds no text"
        );
        assert_eq!(server.lines()[0], "GET /v1/project/secrets/deepseek%2Fkey/versions/latest");
    }
}
