//! Views of what is to come, each a distribution of demand at every horizon. They are of quite different kinds, so that a
//! load that one of them misreads is read by another.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::past_days::PastDays;
use super::sizing::{DemandDistribution, ExpectedLate, LateTable, row_of};
use crate::forecast::online::OnlineForecast;

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

    /// What [`View::Blend`] is made of.
    pub(super) const BLENDED: [Self; 2] = [Self::Additive, Self::TimeOfDay];

    /// Which of `count` horizons it looks at: all, or the furthest where they look alike.
    pub(super) fn horizons(self, count: usize) -> Range<usize> {
        let all = matches!(self, Self::Additive | Self::Multiplicative | Self::TimeOfDay | Self::Blend);
        if all { 0..count } else { count.saturating_sub(1)..count }
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

    /// Visits what this view sees at one horizon, in ascending order: probability, and row of the demand. [`View::Blend`] is
    /// made of others and has none of its own.
    fn for_each(self, forecast: &OnlineForecast, days: &PastDays, horizon: usize, mut visit: impl FnMut(f32, u16)) {
        let newest = forecast.history().back(0).unwrap_or_default();
        let mut always = |demand: f64| visit(1.0, row_of(demand));
        match self {
            Self::Additive => for_each_outcome(forecast, 0, horizon, visit),
            Self::Multiplicative => for_each_outcome(forecast, 1, horizon, visit),
            // On the first day, the online forecast stands in.
            Self::TimeOfDay if days.are_unknown(forecast, horizon) => for_each_outcome(forecast, 0, horizon, visit),
            Self::TimeOfDay => days.for_each(forecast, horizon, visit),
            Self::Blend => {}
            Self::DayMaximum => always(forecast.maxima().of_days(1)),
            Self::ThreeDayMaximum => always(forecast.maxima().of_days(3)),
            Self::WeekMaximum => always(forecast.maxima().of_days(7)),
            Self::Reactive60 => always(newest / 0.6),
            Self::Reactive40 => always(newest / 0.4),
        }
    }

    /// What this view sees at one horizon.
    pub(super) fn distribution(self, forecast: &OnlineForecast, days: &PastDays, horizon: usize) -> DemandDistribution {
        if self == Self::Blend {
            let [one, other] = Self::BLENDED.map(|part| part.distribution(forecast, days, horizon));
            return DemandDistribution::blend(&one, &other);
        }
        let mut distribution = DemandDistribution::default();
        self.for_each(forecast, days, horizon, |probability, row| distribution.push_row(probability, row));
        distribution
    }

    /// Late work that this view expects at one horizon, of instances that do `share` of what their utilisation says.
    pub(super) fn expect(
        self,
        forecast: &OnlineForecast,
        days: &mut PastDays,
        horizon: usize,
        (table, share): (&LateTable, f64),
        expected: &mut ExpectedLate,
    ) {
        if self == Self::TimeOfDay && !days.are_unknown(forecast, horizon) {
            days.expect(forecast, horizon, (table, share), expected);
            return;
        }
        expected.clear(share);
        // Outcomes that are not told apart are added up first.
        let mut last = (0.0, 0);
        self.for_each(forecast, days, horizon, |probability: f32, row| {
            if row > last.1 {
                table.add(last.1, last.0, expected);
                last = (0.0, row);
            }
            last.0 += probability;
        });
        table.add(last.1, last.0, expected);
        expected.finish();
    }
}

/// The online forecast in one of its log spaces.
fn for_each_outcome(forecast: &OnlineForecast, space: usize, horizon: usize, mut visit: impl FnMut(f32, u16)) {
    forecast.for_each_outcome(space, horizon, |probability, demand| visit(probability as f32, row_of(demand)));
}
