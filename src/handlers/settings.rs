//! What a function's environment says about its store, its configuration and its clock.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use url::Url;

use crate::functiongraph::Environment;
use crate::state::{LocationError, StoreLocation};

/// Settings of a function, read once at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where state lives (`AUTOSCALER_STORE`, `AUTOSCALER_STORE_ENDPOINT`, `AUTOSCALER_REGION`).
    pub store: StoreLocation,
    /// Where the configuration lies (`AUTOSCALER_CONFIG`, default `config.json` in the store).
    pub config: ConfigLocation,
    /// What *now* is for decisions (`AUTOSCALER_CLOCK`, default `system`).
    pub clock: Clock,
}

/// Where the configuration lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigLocation {
    /// Under a key of the store.
    Key(String),
    /// In a file.
    File(PathBuf),
}

/// What *now* is for decisions, metric windows and object names. Signing and deadlines never follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    System,
    /// The trigger's own time, for replays and tests. An event without a time falls back to the system clock.
    Event,
}

impl Clock {
    /// The time to decide for.
    pub fn now(self, event_time: Option<DateTime<Utc>>) -> DateTime<Utc> {
        match (self, event_time) {
            (Self::Event, Some(time)) => time,
            _ => Utc::now(),
        }
    }
}

/// An environment that a function cannot work in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A variable is missing.
    #[error("environment variable {0} is missing: {1}")]
    Missing(&'static str, &'static str),
    /// A variable makes no sense.
    #[error("environment variable {name} is `{value}`: expected {expected}")]
    Wrong {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// The store is not named rightly.
    #[error(transparent)]
    Store(#[from] LocationError),
}

impl Settings {
    /// Reads a function's settings.
    ///
    /// # Errors
    /// Names the variable and how to mend it.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingsError> {
        let address = environment
            .variable("AUTOSCALER_STORE")
            .ok_or(SettingsError::Missing("AUTOSCALER_STORE", "set it to obs://bucket/prefix or file:///directory"))?;
        let store = StoreLocation::parse(
            address,
            environment.variable("AUTOSCALER_STORE_ENDPOINT"),
            environment.variable("AUTOSCALER_REGION"),
        )?;
        let config = match environment.variable("AUTOSCALER_CONFIG") {
            None => ConfigLocation::Key("config.json".to_owned()),
            Some(key) if !key.contains("://") => ConfigLocation::Key(key.to_owned()),
            Some(address) => Url::parse(address)
                .ok()
                .filter(|url| url.scheme() == "file")
                .and_then(|url| url.to_file_path().ok())
                .map(ConfigLocation::File)
                .ok_or_else(|| SettingsError::Wrong {
                    name: "AUTOSCALER_CONFIG",
                    value: address.to_owned(),
                    expected: "a key in the store, or file:///path",
                })?,
        };
        let clock = match environment.variable("AUTOSCALER_CLOCK") {
            None | Some("system") => Clock::System,
            Some("event") => Clock::Event,
            Some(other) => {
                return Err(SettingsError::Wrong {
                    name: "AUTOSCALER_CLOCK",
                    value: other.to_owned(),
                    expected: "system or event",
                });
            }
        };
        Ok(Self { store, config, clock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_environment(&Environment::from_variables(variables.iter().copied()).unwrap())
    }

    #[test]
    fn a_store_is_all_that_must_be_named() {
        let settings = settings(&[("AUTOSCALER_STORE", "file:///tmp/a")]).unwrap();
        assert_eq!(settings.config, ConfigLocation::Key("config.json".to_owned()));
        assert_eq!(settings.clock, Clock::System);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let said = |variables| settings(variables).unwrap_err().to_string();
        assert!(said(&[]).contains("AUTOSCALER_STORE is missing"));
        let clock = said(&[("AUTOSCALER_STORE", "file:///tmp/a"), ("AUTOSCALER_CLOCK", "wall")]);
        assert_eq!(clock, "environment variable AUTOSCALER_CLOCK is `wall`: expected system or event");
        assert!(said(&[("AUTOSCALER_STORE", "file:///a"), ("AUTOSCALER_CONFIG", "http://x")]).contains("file:///path"));
    }

    #[test]
    fn the_clock_follows_the_event_only_when_told_to_and_only_where_it_has_a_time() {
        let time = DateTime::from_timestamp(1_000_000, 0);
        assert_eq!(Some(Clock::Event.now(time)), time);
        assert!(Clock::Event.now(None) > time.unwrap());
        assert!(Clock::System.now(time) > time.unwrap());
    }
}
