//! A group whose state lies on a store, as arguments name it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::{CliError, read_file, terminal};
use crate::clients::Credentials;
use crate::config::Config;
use crate::model::Group;
use crate::state::history::{self, History};
use crate::state::{Store, StoreLocation};

/// All that one command asks of a store may take this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// How another stretch of time is chosen.
pub(super) const CHOOSE_A_PERIOD: &str = "--from and --to choose another stretch of time";
/// How the ends of a stretch of time are told.
const TO_THE_MINUTE: &str = "%Y-%m-%dT%H:%MZ";
/// Key of the configuration in a store.
const CONFIG_KEY: &str = "config.json";

/// Which group on which store. Keys come from `HUAWEICLOUD_SDK_AK`, `HUAWEICLOUD_SDK_SK` and
/// `HUAWEICLOUD_SDK_SECURITY_TOKEN`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct StoredGroup {
    /// The store: obs://bucket/prefix, s3://bucket/prefix, file:///directory, or a directory that `local --out` has filled.
    #[arg(long, env = "AUTOSCALER_STORE", value_name = "URL")]
    pub(super) store: String,
    /// Address of the store where it is not the region's public one.
    #[arg(long, env = "AUTOSCALER_STORE_ENDPOINT", value_name = "URL")]
    pub(super) store_endpoint: Option<String>,
    /// Region that the store is in.
    #[arg(long, env = "AUTOSCALER_REGION")]
    pub(super) region: Option<String>,
    /// The group. Default: the only one of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(super) group: Option<String>,
    /// The configuration. Default: config.json of the store.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Which stretch of time.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct Period {
    /// From here on: a date or a time (`2026-03-01`, `2026-03-01T08:00:00Z`), in UTC.
    #[arg(long, value_name = "TIME", value_parser = point_in_time)]
    pub(super) from: Option<DateTime<Utc>>,
    /// Up to here.
    #[arg(long, value_name = "TIME", value_parser = point_in_time)]
    pub(super) to: Option<DateTime<Utc>>,
}

/// A group whose store is open.
#[derive(Debug)]
pub(super) struct OpenGroup {
    pub(super) store: Store,
    pub(super) name: String,
    /// As it is configured, where there is a configuration.
    configured: Option<Group>,
    /// The whole configuration.
    config: Option<Config>,
}

impl StoredGroup {
    /// Opens the store and finds the group.
    pub(super) async fn open(&self) -> Result<OpenGroup, CliError> {
        let named = self.config.as_deref().map(configuration).transpose()?;
        let region = self.region.as_deref().or(named.as_ref().map(|config| config.region.as_str()));
        let location = location(&self.store, self.store_endpoint.as_deref(), region)?;
        let store = match &location {
            StoreLocation::Directory(directory) if !directory.is_dir() => {
                return Err(CliError::Input(format!("store {}: there is no such directory", directory.display())));
            }
            StoreLocation::Directory(_) => Store::open(&location, None),
            StoreLocation::Bucket(_) => {
                let keys = Credentials::from_variables(|name| std::env::var(name).ok()).map_err(CliError::input)?;
                Store::open(&location, Some(&keys))
            }
        };
        let store = store.map_err(CliError::failed)?;
        let config = match named {
            Some(config) => Some(config),
            None => match store.get(CONFIG_KEY, Instant::now() + PATIENCE).await.map_err(CliError::failed)? {
                Some(document) => Some(
                    Config::parse(&document)
                        .map_err(|error| CliError::Input(format!("{CONFIG_KEY} of {}:\n{error}", self.store)))?,
                ),
                None => None,
            },
        };
        let (name, configured) = self.choose(config.clone())?;
        if configured.is_none() {
            look_for(&store, &name, config.as_ref()).await?;
        }
        Ok(OpenGroup { store, name, configured, config })
    }

    fn choose(&self, config: Option<Config>) -> Result<(String, Option<Group>), CliError> {
        let Some(config) = config else {
            let missing =
                || format!("{} holds no {CONFIG_KEY}; name a group (--group) or a file (--config)", self.store);
            return Ok((self.group.clone().ok_or_else(|| CliError::Input(missing()))?, None));
        };
        match chosen(config, self.group.as_deref()) {
            Ok(group) => Ok((group.name.clone(), Some(group))),
            // One that is configured no more still has its past.
            Err(error) => match &self.group {
                Some(name) if self.config.is_none() => Ok((name.clone(), None)),
                _ => Err(error),
            },
        }
    }

    /// Opens the store and reads what it knows of the group's past, records that were not compacted yet among it. Without a
    /// beginning in `period`, the last `usual` before its end; without that, all of it. `others` says how another stretch is
    /// chosen, for when there is nothing in this one.
    pub(super) fn read(
        &self,
        period: &Period,
        usual: Option<TimeDelta>,
        others: &str,
    ) -> Result<(OpenGroup, History), CliError> {
        let spinner = terminal::spinner("reading history");
        let read = wait_for(async {
            let stored = self.open().await?;
            let newest = stored.newest().await?.ok_or_else(|| {
                CliError::Failed(format!("{} knows nothing of group {} yet", self.store, stored.name))
            })?;
            let until = period.to.unwrap_or(newest + TimeDelta::minutes(1));
            let from = period.from.or(usual.map(|usual| until - usual)).unwrap_or(DateTime::UNIX_EPOCH);
            if from >= until {
                return Err(CliError::Input(format!("--from {from} is not before --to {until}")));
            }
            let deadline = Instant::now() + PATIENCE;
            let past = history::read(&stored.store, &stored.name, from, until, true, deadline).await;
            let past = past.map_err(CliError::failed)?;
            // An export of nothing is an empty table; a reckoning of nothing says where it looked.
            if past.minutes.is_empty() && usual.is_some() {
                return Err(CliError::Failed(format!(
                    "{} holds no minute of group {} from {} to {}; {others}",
                    self.store,
                    stored.name,
                    from.format(TO_THE_MINUTE),
                    until.format(TO_THE_MINUTE),
                )));
            }
            Ok((stored, past))
        });
        spinner.finish_and_clear();
        if let Ok((_, past)) = &read {
            past.problems.iter().for_each(|problem| eprintln!("flexus-autoscaler: {problem}"));
        }
        read
    }
}

impl OpenGroup {
    /// When the newest thing happened that the store knows of the group.
    pub(super) async fn newest(&self) -> Result<Option<DateTime<Utc>>, CliError> {
        history::newest(&self.store, &self.name, Instant::now() + PATIENCE).await.map_err(CliError::failed)
    }

    /// The whole configuration.
    pub(super) fn configuration(&self) -> Result<&Config, CliError> {
        let missing = || format!("group {} is not configured; name a configuration (--config) that has it", self.name);
        self.config.as_ref().ok_or_else(|| CliError::Input(missing()))
    }

    /// As it is configured.
    pub(super) fn configured(&self) -> Result<&Group, CliError> {
        let missing = || format!("group {} is not configured; name a configuration (--config) that has it", self.name);
        self.configured.as_ref().ok_or_else(|| CliError::Input(missing()))
    }
}

/// Refuses a group that neither the configuration nor the store knows, where they know others.
async fn look_for(store: &Store, name: &str, config: Option<&Config>) -> Result<(), CliError> {
    let stored = history::groups(store, Instant::now() + PATIENCE).await.map_err(CliError::failed)?;
    let configured = config.into_iter().flat_map(|config| &config.groups).map(|group| group.name.clone());
    let known: BTreeSet<String> = configured.chain(stored).collect();
    if known.is_empty() || known.contains(name) {
        return Ok(());
    }
    Err(no_group(name, known))
}

fn no_group(name: &str, known: impl IntoIterator<Item = String>) -> CliError {
    let known: Vec<String> = known.into_iter().collect();
    CliError::Input(format!("no group {name}; there are: {}", known.join(", ")))
}

/// Waits for something that speaks to a store.
pub(super) fn wait_for<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::failed)?;
    runtime.block_on(work)
}

/// The group of that name, or the only one.
pub(super) fn chosen(config: Config, name: Option<&str>) -> Result<Group, CliError> {
    let names: Vec<String> = config.groups.iter().map(|group| group.name.clone()).collect();
    let count = config.groups.len();
    if count == 0 {
        return Err(CliError::input("the configuration has no group"));
    }
    let mut groups = config.groups.into_iter();
    match name {
        Some(name) => groups.find(|group| group.name == name).ok_or_else(|| no_group(name, names)),
        None => groups
            .next()
            .filter(|_| count == 1)
            .ok_or_else(|| CliError::Input(format!("name one of the groups (--group): {}", names.join(", ")))),
    }
}

/// Reads a configuration that a user named.
pub(super) fn configuration(path: &Path) -> Result<Config, CliError> {
    Config::parse(&read_file(path)?).map_err(|error| CliError::Input(format!("{}:\n{error}", path.display())))
}

/// An address, or a directory as it is written on a command line.
fn location(address: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<StoreLocation, CliError> {
    if address.contains("://") {
        return StoreLocation::parse(address, endpoint, region).map_err(CliError::input);
    }
    let directory = Path::new(address);
    let holds_state = |directory: &Path| directory.join("groups").is_dir();
    // `local` keeps its one bucket as a directory below.
    let below =
        || std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).find(|path| holds_state(path));
    let found = if holds_state(directory) { None } else { below() };
    let absolute = std::path::absolute(found.as_deref().unwrap_or(directory)).map_err(CliError::failed)?;
    Ok(StoreLocation::Directory(absolute))
}

/// A date or a time, as an argument.
pub(super) fn point_in_time(text: &str) -> Result<DateTime<Utc>, String> {
    let date = || text.parse::<NaiveDate>().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    text.parse::<DateTime<Utc>>()
        .or_else(|_| date())
        .map_err(|_| "a date or a time is needed, as 2026-03-01 or 2026-03-01T08:00:00Z".to_owned())
}
