//! What people see of a policy's versions, and what they order.

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::model::{
    Author, CONFIG_VERSION, Group, PolicyChange, PolicyEvent, PolicyOrder, PolicyVersion, Standing, basis,
};
use crate::records::SCHEMA_VERSION;
use crate::state::policies::{self, AT_ONCE, FoundCourse};
use crate::state::{Store, StoreError};
use crate::tune::course::statuses;

/// Versions that are listed, newest first.
const MOST_LISTED: usize = 50;

/// A group's versions.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Overview {
    /// The version that decides; `config` where the configuration's policy does.
    pub active: String,
    /// The version that decides beside.
    pub shadow: Option<String>,
    /// Versions, newest first, at most fifty.
    pub versions: Vec<ListedVersion>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// A version in short.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ListedVersion {
    /// Its name.
    pub version: String,
    /// Who came up with it.
    pub author: Author,
    /// When.
    pub created: DateTime<Utc>,
    /// The version that it was compared with.
    pub parent: String,
    /// How it stands.
    pub standing: Option<Standing>,
    /// What a person has ordered last.
    pub ordered: Option<PolicyOrder>,
    /// Why it should be better.
    pub why: String,
    /// What it changes.
    pub changes: Vec<String>,
    /// J on the held-out days.
    pub j: f64,
    /// J of its parent on the same days.
    pub j_before: f64,
    /// Share of J that is saved at least.
    pub saved_at_least: f64,
}

/// A version with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VersionStory {
    /// The version and its evidence.
    pub version: PolicyVersion,
    /// What happened to it, oldest first.
    pub story: Vec<PolicyChange>,
}

/// What a person wants of a version.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The group.
    pub group: &'a str,
    /// As it is configured, where that is known.
    pub configured: Option<&'a Group>,
    /// The version.
    pub version: &'a str,
    /// What shall become of it.
    pub order: PolicyOrder,
    /// Who wants it.
    pub who: &'a str,
    /// And why.
    pub why: &'a str,
}

/// An order that cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// There is no such version.
    #[error("there is no version {0} of the policy")]
    UnknownVersion(String),
    /// It is past.
    #[error("version {version} is {standing}; nothing can be ordered of it any more")]
    Past {
        /// The version.
        version: String,
        /// How it stands.
        standing: &'static str,
    },
    /// It does not wait for a word.
    #[error("version {version} is {standing}; only one that is proposed can be approved")]
    NotWaiting {
        /// The version.
        version: String,
        /// How it stands.
        standing: &'static str,
    },
    /// It was made for another configuration.
    #[error("version {0} is for a configuration of the policy that has changed since; the next run of tune drops it")]
    Outdated(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A group's versions, as people see them.
///
/// # Errors
/// When the store fails.
pub async fn overview(store: &Store, group: &str, deadline: Instant) -> Result<Overview, StoreError> {
    let mut problems = Vec::new();
    let course = match policies::read_course(store, group, deadline).await? {
        FoundCourse::Whole(course) => Some(course),
        FoundCourse::Nothing => None,
        FoundCourse::Unusable { why, .. } => {
            problems.push(why);
            None
        }
    };
    let names = policies::version_names(store, group, deadline).await?;
    let newest = names.iter().rev().take(MOST_LISTED);
    let reads: Vec<_> = newest.map(|name| policies::read_version(store, group, name, deadline)).collect();
    let mut found = Vec::new();
    for read in stream::iter(reads).buffered(AT_ONCE).collect::<Vec<_>>().await {
        match read {
            Ok(version) => found.extend(version),
            Err(error) => problems.push(error.to_string()),
        }
    }
    // Of a group that has been tuned for years only what happened to the versions that are listed is read.
    let since = found.iter().map(|version| version.created).min();
    let (changes, unread) = match since {
        Some(since) => policies::read_changes(store, group, since, deadline).await?,
        None => Default::default(),
    };
    problems.extend(unread);
    let statuses = statuses(&changes);
    let listed = |version: PolicyVersion| {
        let status = statuses.get(&version.version).copied().unwrap_or_default();
        ListedVersion {
            version: version.version,
            author: version.author,
            created: version.created,
            parent: version.parent,
            standing: status.standing,
            ordered: status.order,
            why: version.why,
            changes: version.changes,
            j: version.evidence.held_out.after.j,
            j_before: version.evidence.held_out.before.j,
            saved_at_least: version.evidence.saved_at_least,
        }
    };
    let versions = found.into_iter().map(listed).collect();
    let named = |in_force: Option<crate::model::InForce>| in_force.map(|version| version.version);
    let (active, shadow) = course.map_or((None, None), |course| (named(course.active), named(course.shadow)));
    Ok(Overview { active: active.unwrap_or_else(|| CONFIG_VERSION.to_owned()), shadow, versions, problems })
}

/// A version with all that is known of it. `None` where there is none.
///
/// # Errors
/// When the store fails, or the version is torn.
pub async fn story(
    store: &Store,
    group: &str,
    version: &str,
    deadline: Instant,
) -> Result<Option<VersionStory>, StoreError> {
    let Some(version) = policies::read_version(store, group, version, deadline).await? else { return Ok(None) };
    let (changes, _) = policies::read_changes(store, group, version.created, deadline).await?;
    let story = changes.into_iter().filter(|change| change.version == version.version).collect();
    Ok(Some(VersionStory { version, story }))
}

/// Records a person's order about a version.
///
/// # Errors
/// When there is no such version, it is past or of another configuration, or the store fails.
pub async fn give_order(
    store: &Store,
    wanted: Wanted<'_>,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<PolicyChange, OrderError> {
    let Wanted { group, configured, version, order, who, why } = wanted;
    let unknown = || OrderError::UnknownVersion(version.to_owned());
    let VersionStory { version: known, story } = story(store, group, version, deadline).await?.ok_or_else(unknown)?;
    let standing = statuses(&story).get(version).and_then(|status| status.standing);
    if let Some(past @ (Standing::Rejected | Standing::RolledBack | Standing::Lapsed)) = standing {
        return Err(OrderError::Past { version: version.to_owned(), standing: past.name() });
    }
    if let (PolicyOrder::Approve, Some(other @ (Standing::Shadow | Standing::Canary | Standing::Active))) =
        (order, standing)
    {
        return Err(OrderError::NotWaiting { version: version.to_owned(), standing: other.name() });
    }
    if order == PolicyOrder::Approve && configured.is_some_and(|group| basis(group) != known.basis) {
        return Err(OrderError::Outdated(version.to_owned()));
    }
    let change = PolicyChange {
        schema: SCHEMA_VERSION,
        id: uuid::Uuid::now_v7().simple().to_string(),
        version: version.to_owned(),
        time: now,
        what: PolicyEvent::Ordered(order),
        who: who.to_owned(),
        why: why.to_owned(),
    };
    policies::write_order(store, group, &change, deadline).await?;
    Ok(change)
}
