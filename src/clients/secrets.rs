//! From where a secret is said to be to the secret itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{ClientError, Cloud, Secret};
use crate::model::SecretSource;

/// For how long a secret from the secret store is used before it is read again: it may have been rotated.
const KEPT: Duration = Duration::from_secs(600);

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Finds secrets in the environment and in the cloud's secret store. Kept for as long as the process lives.
pub struct Secrets {
    lookup: Box<Lookup>,
    stored: Mutex<HashMap<String, (Secret, Instant)>>,
}

/// A secret that is not where it is said to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The variable is unset or empty.
    #[error("the environment variable {0} is not set; it should hold the secret")]
    Unset(String),
    /// The secret store did not give it.
    #[error(transparent)]
    Store(#[from] ClientError),
}

impl Secrets {
    /// `lookup` gives the value of an environment variable.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup), stored: Mutex::default() }
    }

    /// The secret itself.
    ///
    /// # Errors
    /// If the variable is unset, or the secret store refuses or does not answer.
    pub async fn find(&self, cloud: &Cloud, source: &SecretSource) -> Result<Secret, SecretError> {
        match source {
            SecretSource::Env(name) => {
                let value = (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
                value.map(Secret::new).ok_or_else(|| SecretError::Unset(name.clone()))
            }
            SecretSource::Csms(name) => {
                if let Some((secret, read)) = self.stored().get(name)
                    && read.elapsed() < KEPT
                {
                    return Ok(secret.clone());
                }
                let secret = cloud.csms().secret(name).await?;
                self.stored().insert(name.clone(), (secret.clone(), Instant::now()));
                Ok(secret)
            }
        }
    }

    fn stored(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Secret, Instant)>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Secrets").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clients::testing::{Planned, Server};

    fn secrets() -> Secrets {
        Secrets::new(|name| (name == "TOKEN").then(|| " made-up \n".to_owned()))
    }

    #[tokio::test]
    async fn a_variable_is_read_each_time_and_a_missing_one_named() {
        let server = Server::start([Planned::text(500, "")]).await;
        let (cloud, secrets) = (server.cloud(), secrets());
        let found = secrets.find(&cloud, &SecretSource::Env("TOKEN".to_owned())).await.unwrap();
        assert_eq!(found.expose(), "made-up");
        let error = secrets.find(&cloud, &SecretSource::Env("OTHER".to_owned())).await.unwrap_err();
        assert_eq!(error, SecretError::Unset("OTHER".to_owned()));
        assert!(server.received().is_empty());
    }

    #[tokio::test]
    async fn the_secret_store_is_asked_once_in_a_while() {
        let version = json!({"version": {"secret_string": "made-up"}});
        let server = Server::start([Planned::json(200, version)]).await;
        let (cloud, secrets) = (server.cloud(), secrets());
        for _ in 0..3 {
            let found = secrets.find(&cloud, &SecretSource::Csms("token".to_owned())).await.unwrap();
            assert_eq!(found.expose(), "made-up");
        }
        assert_eq!(server.received().len(), 1);
        assert!(!format!("{secrets:?}").contains("made-up"));
    }
}
