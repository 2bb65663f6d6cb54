//! From what each instance reported to what the group did.
//!
//! Instances report late, begin late (the agent of a new one takes minutes), and fall silent. A new one must not make the
//! group blind, a silent one must not make it look idle.

use std::ops::RangeInclusive;

use super::series::Series;
use crate::model::Minute;

/// An instance that reported this many minutes ago or later is expected to report.
pub(super) const SILENT_AFTER_MINUTES: i64 = 4;

/// How the values of several instances become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    /// Their mean: shares, latencies.
    Mean,
    /// Their sum: rates, lengths.
    Sum,
}

/// What a group of instances reported.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Combined {
    pub(super) series: Series,
    /// Instances that reported, minute by minute of the window; none where there is no value.
    pub(super) reporters: Vec<Option<u32>>,
    /// What is doubtful about it, if anything.
    pub(super) doubt: Option<String>,
}

/// Combines the series of the instances, which reach at least [`SILENT_AFTER_MINUTES`] further back than `window`. Minutes
/// after `due` may still be coming in.
///
/// A sum needs all of the instances that are expected to report, since part of a sum is no sum. A mean of a minute that is
/// due needs half of them, since the rest would hardly move it; that some are missing is doubtful all the same. Before it
/// is due, a minute is waited for until it is complete. Expected are those that have begun and have not been silent for
/// long; that others serve and report nothing is doubtful for a sum, and for a mean where they are half.
pub(super) fn combine(
    window: &RangeInclusive<Minute>,
    due: Minute,
    instances: &[Series],
    combine: Combine,
) -> Combined {
    let mut series = Series::empty(window);
    let mut reporters = Vec::new();
    let mut doubt = None;
    for minute in (window.start().0..=window.end().0).map(Minute) {
        let values: Vec<f64> = instances.iter().filter_map(|instance| instance.value(minute)).collect();
        let expected = instances.iter().filter(|instance| is_expected(instance, minute)).count();
        let is_enough = match combine {
            Combine::Mean if minute <= due => 2 * values.len() >= expected,
            Combine::Sum | Combine::Mean => values.len() == expected,
        };
        let is_known = is_enough && !values.is_empty();
        if is_known {
            let sum: f64 = values.iter().sum();
            let value = if combine == Combine::Mean { sum / values.len() as f64 } else { sum };
            series.hold(minute..=minute, value);
        }
        reporters.push(is_known.then(|| u32::try_from(values.len()).unwrap_or(u32::MAX)));
        if !values.is_empty() && minute <= due {
            let is_partial = values.len() < expected;
            doubt = is_partial.then(|| format!("{} of {expected} instances have reported {minute}", values.len()));
        }
    }
    let silent = instances.iter().filter(|instance| instance.last().is_none()).count();
    let is_much = combine == Combine::Sum || 2 * silent >= instances.len();
    if doubt.is_none() && silent > 0 && is_much {
        doubt = Some(format!("{silent} of {} instances report nothing", instances.len()));
    }
    Combined { series, reporters, doubt }
}

fn is_expected(instance: &Series, minute: Minute) -> bool {
    let has_begun = instance.first().is_some_and(|first| first <= minute);
    has_begun && instance.last().is_some_and(|last| minute - last <= SILENT_AFTER_MINUTES)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: RangeInclusive<Minute> = Minute(20)..=Minute(22);

    /// An instance that reported `value` during these minutes.
    fn instance(minutes: impl IntoIterator<Item = i64>, value: f64) -> Series {
        let mut series = Series::empty(&(Minute(16)..=Minute(22)));
        for minute in minutes {
            series.hold(Minute(minute)..=Minute(minute), value);
        }
        series
    }

    fn values(combined: &Combined) -> [Option<f64>; 3] {
        [20, 21, 22].map(|minute| combined.series.value(Minute(minute)))
    }

    #[test]
    fn values_of_all_instances_are_averaged_or_summed() {
        let instances = [instance(16..=22, 40.0), instance(16..=22, 60.0)];
        let mean = combine(&WINDOW, Minute(22), &instances, Combine::Mean);
        assert_eq!(values(&mean), [Some(50.0); 3]);
        assert_eq!((mean.reporters, mean.doubt), (vec![Some(2); 3], None));
        assert_eq!(values(&combine(&WINDOW, Minute(22), &instances, Combine::Sum)), [Some(100.0); 3]);
    }

    #[test]
    fn a_new_instance_counts_from_its_first_report() {
        let instances = [instance(16..=22, 10.0), instance(16..=22, 10.0), instance(22..=22, 40.0), instance([], 0.0)];
        let sum = combine(&WINDOW, Minute(22), &instances, Combine::Sum);
        assert_eq!(values(&sum), [Some(20.0), Some(20.0), Some(60.0)]);
        assert_eq!(sum.reporters, [Some(2), Some(2), Some(3)]);
        assert_eq!(sum.doubt.as_deref(), Some("1 of 4 instances report nothing"), "it may carry its share");
        assert_eq!(combine(&WINDOW, Minute(22), &instances, Combine::Mean).doubt, None);
    }

    #[test]
    fn a_minute_of_which_most_reports_are_missing_is_not_known_yet() {
        let instances = [instance(16..=22, 10.0), instance(16..=21, 90.0), instance(16..=21, 90.0)];
        let mean = combine(&WINDOW, Minute(22), &instances, Combine::Mean);
        assert_eq!(values(&mean)[2], None);
        assert_eq!(mean.reporters[2], None);
        assert_eq!(mean.doubt.unwrap(), format!("1 of 3 instances have reported {}", Minute(22)));
    }

    #[test]
    fn a_minute_that_is_not_due_yet_is_waited_for_and_doubted_by_nobody() {
        let instances = [instance(16..=22, 10.0), instance(16..=22, 10.0), instance(16..=21, 90.0)];
        let mean = combine(&WINDOW, Minute(21), &instances, Combine::Mean);
        assert_eq!(values(&mean)[1..], [Some(110.0 / 3.0), None]);
        assert_eq!(mean.doubt, None);
    }

    #[test]
    fn one_silent_instance_spoils_a_sum_and_not_a_mean() {
        let instances = [instance(16..=22, 10.0), instance(16..=22, 20.0), instance(16..=20, 90.0)];
        assert_eq!(values(&combine(&WINDOW, Minute(22), &instances, Combine::Mean))[1..], [Some(15.0); 2]);
        assert_eq!(values(&combine(&WINDOW, Minute(22), &instances, Combine::Sum)), [Some(120.0), None, None]);
    }

    #[test]
    fn an_instance_that_has_long_been_silent_is_not_waited_for() {
        let instances = [instance(16..=22, 10.0), instance(16..=17, 90.0)];
        let sum = combine(&WINDOW, Minute(22), &instances, Combine::Sum);
        assert_eq!(values(&sum), [None, None, Some(10.0)]);
    }

    #[test]
    fn a_group_of_which_half_report_nothing_is_doubtful() {
        let instances = [instance(16..=22, 10.0), instance([], 0.0)];
        let mean = combine(&WINDOW, Minute(22), &instances, Combine::Mean);
        assert_eq!(values(&mean), [Some(10.0); 3]);
        assert_eq!(mean.doubt.as_deref(), Some("1 of 2 instances report nothing"));
        let nobody = combine(&WINDOW, Minute(22), &[instance([], 0.0)], Combine::Mean);
        assert_eq!((values(&nobody), nobody.reporters), ([None; 3], vec![None; 3]));
    }

    /// Instances that each reported some of the minutes.
    fn reports() -> impl Strategy<Value = Vec<Series>> {
        let minutes = prop::collection::vec((16_i64..=22, 0.0..100.0), 0..7);
        let one = minutes.prop_map(|minutes| {
            let mut series = Series::empty(&(Minute(16)..=Minute(22)));
            minutes.into_iter().for_each(|(minute, value)| series.hold(Minute(minute)..=Minute(minute), value));
            series
        });
        prop::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn a_mean_lies_within_what_was_reported_and_a_sum_misses_nobody(instances in reports()) {
            let mean = combine(&WINDOW, Minute(22), &instances, Combine::Mean);
            let sum = combine(&WINDOW, Minute(22), &instances, Combine::Sum);
            for minute in (20..=22).map(Minute) {
                let reported: Vec<f64> = instances.iter().filter_map(|instance| instance.value(minute)).collect();
                if let Some(mean) = mean.series.value(minute) {
                    let least = reported.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = reported.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    prop_assert!(least - 1e-9 <= mean && mean <= most + 1e-9);
                }
                if sum.series.value(minute).is_some() {
                    let silent_and_expected = instances
                        .iter()
                        .filter(|instance| instance.value(minute).is_none() && is_expected(instance, minute));
                    prop_assert_eq!(silent_and_expected.count(), 0);
                }
                prop_assert!(!reported.is_empty() || mean.series.value(minute).is_none(), "nothing is never zero");
            }
        }

        #[test]
        fn one_who_reports_nothing_changes_no_value(instances in reports()) {
            let mut more = instances.clone();
            more.push(Series::empty(&(Minute(16)..=Minute(22))));
            for how in [Combine::Mean, Combine::Sum] {
                prop_assert_eq!(combine(&WINDOW, Minute(22), &instances, how).series, combine(&WINDOW, Minute(22), &more, how).series);
            }
        }
    }
}
