//! `doctor`: whether everything that the functions need is there, before they need it.

mod clock;
mod cloud;
mod metrics;
mod report;
mod rights;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::clients::http::{Proxies, client};
use crate::clients::{Cloud, Credentials, Secrets, Transport};
use crate::config::Config;
use crate::state::{Store, StoreLocation};

use self::cloud::Scope;
use self::report::{Outcome, Report};
use super::{CliError, print, read_file, terminal};

/// All probes together may take this long.
const PATIENCE: Duration = Duration::from_secs(180);

/// Looks at every API, right and metric that a configuration needs, and at the store. Changes nothing but an object of
/// its own under `doctor/`. Keys come from `HUAWEICLOUD_SDK_AK`, `HUAWEICLOUD_SDK_SK` and `HUAWEICLOUD_SDK_SECURITY_TOKEN`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; without it, `config.json` of the store.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The store: obs://bucket/prefix, s3://bucket/prefix or file:///directory.
    #[arg(long, env = "AUTOSCALER_STORE", value_name = "URL")]
    store: Option<String>,
    /// Address of the store where it is not the region's public one.
    #[arg(long, env = "AUTOSCALER_STORE_ENDPOINT", value_name = "URL")]
    store_endpoint: Option<String>,
    /// Region that the store is in, where no configuration file says it.
    #[arg(long, env = "AUTOSCALER_REGION")]
    region: Option<String>,
    /// Look at the rights that acting needs, also of groups that only observe.
    #[arg(long)]
    acting: bool,
    /// Also read Prometheus, Redis and HTTP sources, from where they can be reached. Secrets that the configuration takes
    /// from variables are taken from this process's.
    #[arg(long)]
    own_systems: bool,
    /// URN of the function evaluate, to see whether it may be invoked.
    #[arg(long, value_name = "URN")]
    evaluate_urn: Option<String>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::failed)?;
    // A file is looked at before keys are: whoever writes one need not have them yet.
    arguments.config.as_deref().map(named_config).transpose()?;
    let credentials = Credentials::from_variables(|name| std::env::var(name).ok())
        .map_err(|error| CliError::Input(error.to_string()))?;
    let looking = terminal::spinner("looking at every API, right and metric");
    let report = runtime.block_on(examine(arguments, credentials));
    looking.finish_and_clear();
    let report = report?;
    match arguments.format {
        Format::Table => print(&report.table())?,
        Format::Json => print(&(serde_json::to_string_pretty(&report).map_err(CliError::failed)? + "\n"))?,
    }
    match report.count(Outcome::Red) {
        0 => Ok(()),
        red => Err(CliError::Failed(format!("{red} of {} checks are red", report.checks.len()))),
    }
}

/// Runs every check. Fails only where there is nothing to look at: no configuration, no store address, no region.
async fn examine(arguments: &Arguments, credentials: Credentials) -> Result<Report, CliError> {
    let named = arguments.config.as_deref().map(named_config).transpose()?;
    let region = arguments.region.as_deref().or(named.as_ref().map(|config| config.region.as_str()));
    let stores = Stores::open(arguments, region, &credentials)?;
    let config = match (named, &stores) {
        (Some(config), _) => config,
        (None, Some(stores)) => stored_config(stores).await?,
        (None, None) => return Err(CliError::Input("name a configuration (--config) or a store (--store)".to_owned())),
    };
    let mut report = Report::default();
    report.green("config", "form", format!("{} groups in {}", config.groups.len(), config.region));

    let client = client(proxies(&config)).map_err(CliError::failed)?;
    let transport = Transport::new(client.clone(), Instant::now() + PATIENCE);
    let cloud = Cloud::new(&config.region, &config.project_id, &config.endpoints, credentials, transport)
        .map_err(|error| CliError::Input(error.to_string()))?
        .with_secrets(Arc::new(Secrets::new(|name| std::env::var(name).ok())));

    clock::examine(&mut report, &client, some_address(&config)).await;
    let scope = Scope {
        as_if_acting: arguments.acting,
        own_systems: arguments.own_systems,
        evaluate_urn: arguments.evaluate_urn.clone(),
        now: Utc::now(),
    };
    cloud::examine(&mut report, &cloud, &config, &scope).await;
    match &stores {
        Some(stores) => {
            store::examine(&mut report, &stores.plain, &stores.conditional, &Uuid::new_v4().to_string()).await;
        }
        None => report.skipped("store", "semantics", "--store or AUTOSCALER_STORE names it"),
    }
    Ok(report)
}

/// The store as the functions use it, and the same one sending conditions with its writes.
struct Stores {
    plain: Store,
    conditional: Store,
}

impl Stores {
    fn open(arguments: &Arguments, region: Option<&str>, credentials: &Credentials) -> Result<Option<Self>, CliError> {
        let Some(address) = &arguments.store else { return Ok(None) };
        let location =
            StoreLocation::parse(address, arguments.store_endpoint.as_deref(), region).map_err(CliError::input)?;
        let plain = Store::open(&location, Some(credentials)).map_err(CliError::failed)?;
        let conditional = Store::open_with_conditions(&location, Some(credentials)).map_err(CliError::failed)?;
        Ok(Some(Self { plain, conditional }))
    }
}

fn named_config(path: &Path) -> Result<Config, CliError> {
    Config::parse(&read_file(path)?).map_err(|error| CliError::Input(format!("{}: {error}", path.display())))
}

async fn stored_config(stores: &Stores) -> Result<Config, CliError> {
    const KEY: &str = "config.json";
    let read = stores.plain.get(KEY, Instant::now() + Duration::from_secs(20)).await.map_err(CliError::failed)?;
    let text = read.ok_or_else(|| CliError::Failed(format!("the store holds no {KEY}")))?;
    Config::parse(&text).map_err(|error| CliError::Input(error.to_string()))
}

/// Servers on this machine are not reached by way of a proxy.
fn proxies(config: &Config) -> Proxies {
    let address = some_address(config);
    let here = match address.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if here { Proxies::None } else { Proxies::Environment }
}

/// An address of the region: that of Auto Scaling.
fn some_address(config: &Config) -> Url {
    let public = || format!("https://as.{}.myhuaweicloud.com", config.region);
    let configured = config.endpoints.auto_scaling.clone();
    configured.or_else(|| Url::parse(&public()).ok()).unwrap_or_else(|| {
        // A region whose name is no part of an address is refused right after.
        Url::parse("https://invalid.invalid").expect("a constant address")
    })
}
