//! What a function keeps between invocations of one warm instance: connections, the store, the configuration.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{ConfigLocation, Settings, SettingsError};
use crate::clients::http::{self, Carrier, Proxies};
use crate::clients::{ClientError, Cloud, Credentials, InvalidRegion, Secrets, Transport};
use crate::config::{Config, ConfigError};
use crate::functiongraph::{Environment, Invocation};
use crate::state::{Store, StoreError};

/// How long a configuration that was read from the store is used before it is read again.
const CONFIG_AGE: Duration = Duration::from_secs(300);

/// The workplace of a handler. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Workplace {
    /// What the environment says.
    pub settings: Arc<Settings>,
    /// The environment itself, for secrets that the configuration names.
    pub environment: Arc<Environment>,
    carrier: Carrier,
    secrets: Arc<Secrets>,
    kept: Arc<Mutex<Kept>>,
    /// What is now on a stage.
    #[cfg(test)]
    staged: Option<Arc<Mutex<DateTime<Utc>>>>,
}

#[derive(Default)]
struct Kept {
    store: Option<Store>,
    config: Option<(Arc<Config>, Instant)>,
}

impl fmt::Debug for Workplace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Workplace").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a handler cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkplaceError {
    /// A variable of the environment.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No credentials.
    #[error("no credentials: give the function an agency, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")]
    NoCredentials,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no configuration.
    #[error("there is no configuration at {0}; write one there, or name another place by AUTOSCALER_CONFIG")]
    NoConfig(String),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The region is no name.
    #[error(transparent)]
    Region(#[from] InvalidRegion),
    /// The HTTP client could not be made.
    #[error("HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// A request to the cloud.
    #[error(transparent)]
    Cloud(#[from] ClientError),
}

impl Workplace {
    /// Reads the settings. Nothing is opened yet.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn new(environment: &Environment) -> Result<Self, WorkplaceError> {
        let settings = Arc::new(Settings::from_environment(environment)?);
        let environment = Arc::new(environment.clone());
        let variables = Arc::clone(&environment);
        Ok(Self {
            settings,
            environment,
            secrets: Arc::new(Secrets::new(move |name| variables.variable(name).map(str::to_owned))),
            carrier: Carrier::Network(http::client(Proxies::Environment)?),
            kept: Arc::default(),
            #[cfg(test)]
            staged: None,
        })
    }

    /// The time to decide for, of an event that carries this time.
    pub fn now(&self, event_time: Option<DateTime<Utc>>) -> DateTime<Utc> {
        #[cfg(test)]
        if let Some(now) = &self.staged {
            return *now.lock().unwrap_or_else(PoisonError::into_inner);
        }
        self.settings.clock.now(event_time)
    }

    /// A workplace of that environment, but with this store, this cloud and this clock.
    #[cfg(test)]
    pub(super) fn on_stage(
        environment: &Environment,
        store: Store,
        carrier: Carrier,
        now: Arc<Mutex<DateTime<Utc>>>,
    ) -> Self {
        let settings = Arc::new(Settings::from_environment(environment).unwrap());
        let kept = Kept { store: Some(store), config: None };
        Self {
            settings,
            environment: Arc::new(environment.clone()),
            secrets: Arc::new(Secrets::new(|_| None)),
            carrier,
            kept: Arc::new(Mutex::new(kept)),
            staged: Some(now),
        }
    }

    /// The credentials of an invocation: the agency's, or without one those of the environment.
    ///
    /// # Errors
    /// When there are none.
    pub fn credentials(&self, invocation: &Invocation) -> Result<Credentials, WorkplaceError> {
        invocation.credentials.clone().or_else(|| self.environment.credentials()).ok_or(WorkplaceError::NoCredentials)
    }

    /// The store, signed for with these credentials from now on.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self, credentials: &Credentials) -> Result<Store, WorkplaceError> {
        let mut kept = self.kept();
        if let Some(store) = &kept.store {
            store.renew(credentials);
            return Ok(store.clone());
        }
        let store = Store::open(&self.settings.store, Some(credentials))?;
        kept.store = Some(store.clone());
        Ok(store)
    }

    /// The configuration, read again when it is more than five minutes old.
    ///
    /// # Errors
    /// When it is not there, cannot be read or makes no sense. A configuration that was good before stays in use for an
    /// invocation in which the store fails.
    pub async fn config(&self, store: &Store, deadline: Instant) -> Result<Arc<Config>, WorkplaceError> {
        let known = self.kept().config.clone();
        if let Some((config, read)) = &known
            && read.elapsed() < CONFIG_AGE
        {
            return Ok(Arc::clone(config));
        }
        let (place, found) = match &self.settings.config {
            ConfigLocation::Key(key) => match (store.get(key, deadline).await, known) {
                (Ok(bytes), _) => (key.clone(), bytes.map(Vec::from)),
                (Err(_), Some((config, _))) => return Ok(config),
                (Err(error), None) => return Err(error.into()),
            },
            ConfigLocation::File(path) => (path.display().to_string(), std::fs::read(path).ok()),
        };
        let config = Arc::new(Config::parse(&found.ok_or(WorkplaceError::NoConfig(place))?)?);
        self.kept().config = Some((Arc::clone(&config), Instant::now()));
        Ok(config)
    }

    /// The cloud as one invocation sees it.
    ///
    /// # Errors
    /// When the configuration names no proper region.
    pub fn cloud(&self, config: &Config, credentials: Credentials, deadline: Instant) -> Result<Cloud, WorkplaceError> {
        let transport = Transport::over(self.carrier.clone(), deadline);
        let cloud = Cloud::new(&config.region, &config.project_id, &config.endpoints, credentials, transport)?;
        Ok(cloud.with_secrets(Arc::clone(&self.secrets)))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
