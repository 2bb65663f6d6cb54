//! Signals from users' own systems, which tell what is the case now and not what was.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future;

use crate::clients::prometheus::Prometheus;
use crate::clients::redis::{self, Structure};
use crate::clients::{ClientError, Cloud, Secret, SecretError, Transport, http_json};
use crate::model::{Group, RedisSource, SecretSource, Signal, SignalSource};

/// Longest time that one source may take. A source that hangs must not cost the others their decision.
const LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for one answer, so that there is time for a second try.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum InstantError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("no key is named; give one of list, stream and sorted_set")]
    NoKey,
}

/// Values of all signals that do not come from Cloud Eye, with their places among the group's signals. `None` is a source
/// that answered and has no value. Prometheus is asked for the instant `now`.
pub(super) async fn read(
    cloud: &Cloud,
    group: &Group,
    now: DateTime<Utc>,
) -> Vec<(usize, Result<Option<f64>, InstantError>)> {
    let signals = group.signals.iter().enumerate();
    let own = signals.filter(|(_, signal)| !matches!(signal.source, SignalSource::CloudEye(_)));
    future::join_all(own.map(|(index, signal)| async move { (index, value(cloud, signal, now).await) })).await
}

async fn value(cloud: &Cloud, signal: &Signal, now: DateTime<Utc>) -> Result<Option<f64>, InstantError> {
    let cloud = cloud.within(LIMIT);
    let transport = || cloud.transport().clone().with_try_timeout(TRY_TIMEOUT);
    match &signal.source {
        SignalSource::CloudEye(_) => Ok(None),
        SignalSource::Prometheus(source) => {
            let bearer = secret(&cloud, source.bearer_token.as_ref()).await?;
            Ok(Prometheus::new(transport(), &source.url, bearer).query(&source.query, now).await?)
        }
        SignalSource::HttpJson(source) => {
            let bearer = secret(&cloud, source.bearer_token.as_ref()).await?;
            Ok(http_json::number(&transport(), &source.url, &source.pointer, bearer.as_ref()).await?)
        }
        SignalSource::Redis(source) => {
            let password = secret(&cloud, source.password.as_ref()).await?;
            let structure = structure(source).ok_or(InstantError::NoKey)?;
            let left = time_left(cloud.transport());
            Ok(Some(redis::length(&source.url, password.as_ref(), structure, left).await? as f64))
        }
    }
}

async fn secret(cloud: &Cloud, source: Option<&SecretSource>) -> Result<Option<Secret>, SecretError> {
    match source {
        Some(source) => cloud.secret(source).await.map(Some),
        None => Ok(None),
    }
}

fn structure(source: &RedisSource) -> Option<Structure<'_>> {
    let list = source.list.as_deref().map(Structure::List);
    let stream = || source.stream.as_deref().map(Structure::Stream);
    list.or_else(stream).or_else(|| source.sorted_set.as_deref().map(Structure::SortedSet))
}

fn time_left(transport: &Transport) -> Duration {
    transport.deadline().saturating_duration_since(tokio::time::Instant::now())
}
