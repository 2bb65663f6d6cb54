//! From signal sources to samples: fetched in parallel, batched, dated, and never guessed.

mod cloud_eye;
mod combine;
mod instant;
mod series;

use std::ops::RangeInclusive;
use std::time::Duration;

use futures::future;

use self::series::Series;
use crate::clients::Cloud;
use crate::model::{Group, Minute, Sample};

/// Minutes back from the newest for which a value that was measured now stands. Cloud Eye is two or three minutes late:
/// without this the two kinds of values would never meet in one sample.
const INSTANT_STANDS_MINUTES: i64 = 4;

/// Longest time that Cloud Eye may take, tries included. The decision needs the rest.
const CLOUD_EYE_LIMIT: Duration = Duration::from_secs(15);

/// How many instances served in a minute, where that is known.
pub type Serving<'a> = &'a (dyn Fn(Minute) -> Option<u32> + Sync);

/// What the sources gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// One sample a minute of the window in which anything is known, oldest first. Values are in the order of the group's
    /// signals. `serving` is how many instances reported a utilisation; `total` is not known here.
    pub samples: Vec<Sample>,
    /// Signals that could not be read, or only in part.
    pub problems: Vec<SignalProblem>,
}

/// A signal that could not be read, or only in part, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalProblem {
    /// Its name.
    pub signal: String,
    /// Why, in words.
    pub why: String,
}

/// Reads all signals of a group for the minutes of `window`, whose last is the newest complete minute. `instances` are the
/// ids of those that serve. A source that fails is named, and never fails the others; one that hangs is left in time.
///
/// Cloud Eye is asked once for all signals of one period, however many instances there are, up to its own limits. Values
/// measured per instance are averaged (utilisation, latency, per cent) or summed (rates, lengths). Prometheus, Redis and
/// HTTP sources tell what is the case at the end of the window: their value stands for its last four minutes.
///
/// A utilisation of a longer period stands until the next one is due, as the load that was carried then makes those busy
/// that are `serving` in each minute: otherwise what was done about it would have to be done once more.
pub async fn observe(
    cloud: &Cloud,
    group: &Group,
    instances: &[String],
    serving: Serving<'_>,
    window: RangeInclusive<Minute>,
) -> Observed {
    let mut gathered = Gathered::new(group, serving, window.clone());
    let newest = *window.end();
    let now = (newest + 1).start();
    let cloud_eye = cloud.within(CLOUD_EYE_LIMIT).cloud_eye();
    let from_cloud_eye = cloud_eye::read(&cloud_eye, group, instances, window.clone(), &mut gathered);
    let ((), instants) = future::join(from_cloud_eye, instant::read(cloud, group, now)).await;
    for (index, value) in instants {
        match value {
            Ok(Some(value)) => {
                let mut series = Series::empty(&window);
                series.hold(newest - (INSTANT_STANDS_MINUTES - 1)..=newest, value);
                gathered.take(index, Got { series: Some(series), ..Got::default() });
            }
            Ok(None) => gathered.fail(index, "the source has no value for it now"),
            Err(error) => gathered.fail(index, error),
        }
    }
    gathered.into_observed()
}

/// What has come in so far, signal by signal.
struct Gathered<'a> {
    group: &'a Group,
    serving: Serving<'a>,
    window: RangeInclusive<Minute>,
    got: Vec<Got>,
    problems: Vec<SignalProblem>,
}

/// What has come in of one signal.
#[derive(Clone, Debug, Default)]
struct Got {
    series: Option<Series>,
    /// Instances that reported, minute by minute of the window, where that tells how many serve.
    reporters: Vec<Option<u32>>,
    doubt: Option<String>,
}

impl<'a> Gathered<'a> {
    fn new(group: &'a Group, serving: Serving<'a>, window: RangeInclusive<Minute>) -> Self {
        Self { group, serving, window, got: vec![Got::default(); group.signals.len()], problems: Vec::new() }
    }

    fn take(&mut self, signal: usize, got: Got) {
        if let Some(doubt) = &got.doubt {
            self.fail(signal, doubt);
        }
        self.got[signal] = got;
    }

    fn fail(&mut self, signal: usize, why: impl std::fmt::Display) {
        self.problems.push(SignalProblem { signal: self.group.signals[signal].name.clone(), why: why.to_string() });
    }

    fn into_observed(self) -> Observed {
        let minutes = (self.window.start().0..=self.window.end().0).map(Minute);
        let samples = minutes
            .enumerate()
            .map(|(place, minute)| Sample {
                minute,
                serving: self.got.iter().filter_map(|got| got.reporters.get(place).copied().flatten()).max(),
                total: None,
                values: self.got.iter().map(|got| got.series.as_ref()?.value(minute)).collect(),
            })
            .filter(|sample| sample.values.iter().any(Option::is_some))
            .collect();
        Observed { samples, problems: self.problems }
    }
}

#[cfg(test)]
mod tests;
