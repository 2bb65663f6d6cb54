//! From signal sources to samples: fetched in parallel, batched, dated, and never guessed.

mod cloud_eye;
mod series;

use std::ops::RangeInclusive;

use self::series::Series;
use crate::clients::Cloud;
use crate::model::{Group, Minute, Sample, SignalSource};

/// What the sources gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// One sample a minute of the window in which anything is known, oldest first. Values are in the order of the group's
    /// signals. `serving` is how many instances reported a utilisation; `total` is not known here.
    pub samples: Vec<Sample>,
    /// Signals that could not be read.
    pub problems: Vec<SignalProblem>,
}

/// A signal that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalProblem {
    /// Its name.
    pub signal: String,
    /// Why, in words.
    pub why: String,
}

/// Reads all signals of a group for the minutes of `window`. `instances` are the ids of those that serve. A source that
/// fails is named, and never fails the others.
pub async fn observe(cloud: &Cloud, group: &Group, instances: &[String], window: RangeInclusive<Minute>) -> Observed {
    let mut gathered = Gathered::new(group, window.clone());
    cloud_eye::read(&cloud.cloud_eye(), group, instances, window, &mut gathered).await;
    for (index, signal) in group.signals.iter().enumerate() {
        if !matches!(signal.source, SignalSource::CloudEye(_)) {
            gathered.fail(index, "this kind of source is not read by this version");
        }
    }
    gathered.into_observed()
}

/// What has come in so far, signal by signal.
struct Gathered<'a> {
    group: &'a Group,
    window: RangeInclusive<Minute>,
    series: Vec<Series>,
    problems: Vec<SignalProblem>,
}

impl<'a> Gathered<'a> {
    fn new(group: &'a Group, window: RangeInclusive<Minute>) -> Self {
        let series = group.signals.iter().map(|_| Series::new(&window)).collect();
        Self { group, window, series, problems: Vec::new() }
    }

    fn fail(&mut self, signal: usize, why: impl std::fmt::Display) {
        self.problems.push(SignalProblem { signal: self.group.signals[signal].name.clone(), why: why.to_string() });
    }

    fn into_observed(self) -> Observed {
        let reported = |minute| self.series.iter().filter_map(|series| series.reporters(minute)).max();
        let minutes = (self.window.start().0..=self.window.end().0).map(Minute);
        let samples = minutes
            .map(|minute| Sample {
                minute,
                serving: reported(minute),
                total: None,
                values: self.series.iter().map(|series| series.value(minute)).collect(),
            })
            .filter(|sample| sample.values.iter().any(Option::is_some))
            .collect();
        Observed { samples, problems: self.problems }
    }
}
