//! A decision's numbers for monitoring, after everything that matters: one call to each place that asks for them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future;

use crate::clients::cloud_eye::{CustomValue, Metric};
use crate::clients::otlp::{self, Gauge};
use crate::clients::{ClientError, Cloud, SecretError};
use crate::config::{Config, Otlp};
use crate::handlers::measures::Measure;

/// Namespace of our metrics in Cloud Eye; their one dimension is the group.
pub(super) const NAMESPACE: &str = "AUTOSCALER.GROUP";
/// What names of our metrics begin with at a collector.
const PREFIX: &str = "autoscaler";
const DIMENSION: &str = "group";
/// Seconds that raw values are kept: two days, as Cloud Eye keeps its own.
const KEPT_SECONDS: u32 = 172_800;
/// Whoever only tells must not keep a decision waiting.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where decisions are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Telemetry {
    cloud_eye: bool,
    collector: Option<Otlp>,
}

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Telemetry {
    pub(super) fn of(config: &Config) -> Self {
        Self { cloud_eye: config.publish_metrics, collector: config.otlp.clone() }
    }

    /// Calls that telling a decision takes.
    pub(super) fn calls(&self) -> u64 {
        u64::from(self.cloud_eye) + u64::from(self.collector.is_some())
    }

    /// Tells a decision. That it fails is logged, and stops nothing.
    pub(super) async fn publish(&self, cloud: &Cloud, group: &str, measures: &[Measure], now: DateTime<Utc>) {
        let cloud = &cloud.within(PATIENCE);
        let to_cloud_eye = async {
            if self.cloud_eye
                && let Err(error) = write(cloud, group, measures, now).await
            {
                tracing::warn!(group, %error, "metrics could not be published");
            }
        };
        let to_collector = async {
            if let Some(collector) = &self.collector
                && let Err(error) = export(cloud, collector, group, measures, now).await
            {
                tracing::warn!(group, %error, "metrics could not be exported");
            }
        };
        future::join(to_cloud_eye, to_collector).await;
    }
}

async fn write(cloud: &Cloud, group: &str, measures: &[Measure], now: DateTime<Utc>) -> Result<(), ClientError> {
    let value = |measure: &Measure| CustomValue {
        metric: Metric::new(NAMESPACE, measure.name, [(DIMENSION, group)]),
        ttl: KEPT_SECONDS,
        at: now,
        value: measure.value,
        unit: Some(measure.unit.to_owned()).filter(|unit| !unit.is_empty()),
    };
    let values: Vec<CustomValue> = measures.iter().map(value).collect();
    cloud.cloud_eye().write(&values).await
}

async fn export(
    cloud: &Cloud,
    collector: &Otlp,
    group: &str,
    measures: &[Measure],
    now: DateTime<Utc>,
) -> Result<(), ExportError> {
    let token = match &collector.bearer_token {
        Some(source) => Some(cloud.secret(source).await?),
        None => None,
    };
    let names: Vec<String> = measures.iter().map(|measure| format!("{PREFIX}.{}", measure.name)).collect();
    let gauges: Vec<Gauge<'_>> = measures
        .iter()
        .zip(&names)
        .map(|(&Measure { unit, help, value, .. }, name)| {
            let unit = if matches!(unit, "count" | "") { "1" } else { unit };
            Gauge { name, unit, description: help, value }
        })
        .collect();
    let attributes = [(DIMENSION, group)];
    otlp::export(cloud.transport(), &collector.url, token.as_ref(), &attributes, now, &gauges).await?;
    Ok(())
}
