//! A decision's numbers as custom metrics of Cloud Eye: one call, after everything that matters.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clients::Cloud;
use crate::clients::cloud_eye::{CustomValue, Metric};
use crate::handlers::measures::Measure;

/// Namespace of our metrics; their one dimension is the group.
pub(super) const NAMESPACE: &str = "AUTOSCALER.GROUP";
const DIMENSION: &str = "group";
/// Seconds that raw values are kept: two days, as Cloud Eye keeps its own.
const KEPT_SECONDS: u32 = 172_800;
/// Whoever only tells must not keep a decision waiting.
const PATIENCE: Duration = Duration::from_secs(3);

/// Writes them. That it fails is logged, and stops nothing.
pub(super) async fn publish(cloud: &Cloud, group: &str, measures: &[Measure], now: DateTime<Utc>) {
    let value = |measure: &Measure| CustomValue {
        metric: Metric::new(NAMESPACE, measure.name, [(DIMENSION, group)]),
        ttl: KEPT_SECONDS,
        at: now,
        value: measure.value,
        unit: Some(measure.unit.to_owned()).filter(|unit| !unit.is_empty()),
    };
    let values: Vec<CustomValue> = measures.iter().map(value).collect();
    if let Err(error) = cloud.within(PATIENCE).cloud_eye().write(&values).await {
        tracing::warn!(group, %error, "metrics could not be published");
    }
}
