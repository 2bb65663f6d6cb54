//! Views of what is to come, each a distribution of demand at every horizon. They are of quite different kinds, so that a
//! load that one of them misreads is read by another.

use serde::{Deserialize, Serialize};

use super::sizing::DemandDistribution;
use crate::forecast::online::OnlineForecast;

/// Days back whose course at the same time is looked at.
const DAYS: u64 = 7;
/// Minutes before and after the same time of day.
const AROUND: u64 = 7;

/// A way to see what is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The online forecast in the log space with nearly additive errors.
    Additive,
    /// The online forecast in the log space with nearly multiplicative errors.
    Multiplicative,
    /// What the last days brought around the same time of day.
    TimeOfDay,
    /// Half [`View::Additive`], half [`View::TimeOfDay`].
    Blend,
    /// The largest demand of the last day comes again at any time.
    DayMaximum,
    /// The largest demand of the last three days comes again at any time.
    ThreeDayMaximum,
    /// The largest demand of the last week comes again at any time.
    WeekMaximum,
    /// The newest demand at 60 % utilisation: no forecast at all.
    Reactive60,
    /// The newest demand at 40 % utilisation.
    Reactive40,
}

impl View {
    /// All views, in the order of their discriminants; a view comes after those that it is made of.
    pub(super) const ALL: [Self; 9] = [
        Self::Additive,
        Self::Multiplicative,
        Self::TimeOfDay,
        Self::Blend,
        Self::DayMaximum,
        Self::ThreeDayMaximum,
        Self::WeekMaximum,
        Self::Reactive60,
        Self::Reactive40,
    ];

    /// Whether all horizons look alike, so that one stands for all.
    pub(super) fn is_flat(self) -> bool {
        !matches!(self, Self::Additive | Self::Multiplicative | Self::TimeOfDay | Self::Blend)
    }

    /// In words, to follow "judged by".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Additive => "the online forecast (additive errors)",
            Self::Multiplicative => "the online forecast (multiplicative errors)",
            Self::TimeOfDay => "the last days at this time of day",
            Self::Blend => "the online forecast and the last days at this time of day",
            Self::DayMaximum => "the largest load of the last day",
            Self::ThreeDayMaximum => "the largest load of the last three days",
            Self::WeekMaximum => "the largest load of the last week",
            Self::Reactive60 => "the newest load at 60 % utilisation",
            Self::Reactive40 => "the newest load at 40 % utilisation",
        }
    }

    /// Fills `target` with this view at one horizon. `earlier` are the views before it in [`Self::ALL`] at that horizon.
    pub(super) fn fill<'a>(
        self,
        forecast: &OnlineForecast,
        horizon: usize,
        earlier: impl Fn(Self) -> &'a DemandDistribution,
        target: &mut DemandDistribution,
    ) {
        target.clear();
        let newest = forecast.history().back(0).unwrap_or_default();
        match self {
            Self::Additive => {
                forecast.for_each_outcome(0, horizon, |probability, demand| target.push(probability, demand))
            }
            Self::Multiplicative => {
                forecast.for_each_outcome(1, horizon, |probability, demand| target.push(probability, demand));
            }
            Self::TimeOfDay => fill_time_of_day(forecast, horizon, target),
            Self::Blend => target.blend(earlier(Self::Additive), earlier(Self::TimeOfDay)),
            Self::DayMaximum => target.push(1.0, forecast.maxima().of_days(1)),
            Self::ThreeDayMaximum => target.push(1.0, forecast.maxima().of_days(3)),
            Self::WeekMaximum => target.push(1.0, forecast.maxima().of_days(7)),
            Self::Reactive60 => target.push(1.0, newest / 0.6),
            Self::Reactive40 => target.push(1.0, newest / 0.4),
        }
    }
}

/// Every minute around the same time of the last days, equally likely. On the first day: the online forecast.
fn fill_time_of_day(forecast: &OnlineForecast, horizon: usize, target: &mut DemandDistribution) {
    let history = forecast.history();
    let ahead = u64::from(forecast.horizons().get(horizon).copied().unwrap_or_default());
    // Bits of numbers that are not negative sort as the numbers do, and sooner.
    let mut seen = [0u32; (DAYS * (2 * AROUND + 1)) as usize];
    let mut count = 0;
    for day in 1..=DAYS {
        let same_time = day * 1440 - ahead;
        if same_time + AROUND >= history.seen() {
            break;
        }
        for age in same_time - AROUND..=same_time + AROUND {
            if let Some(demand) = history.back(age) {
                seen[count] = (demand as f32).to_bits();
                count += 1;
            }
        }
    }
    if count == 0 {
        forecast.for_each_outcome(0, horizon, |probability, demand| target.push(probability, demand));
        return;
    }
    let seen = &mut seen[..count];
    seen.sort_unstable();
    for &mut bits in seen {
        target.push(1.0 / count as f64, f64::from(f32::from_bits(bits)));
    }
}
