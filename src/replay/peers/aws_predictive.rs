use std::collections::VecDeque;

use super::TargetTrackingPeer;
use crate::replay::driver::{Player, View};

const HOUR: i64 = 60;
const DAY_HOURS: i64 = 24;
/// Hours of history that a forecast looks at.
const MOST_HISTORY_HOURS: i64 = 14 * DAY_HOURS;
/// Hours of history that a forecast needs.
const LEAST_HISTORY_HOURS: i64 = DAY_HOURS;
/// Minutes before the hour at which its capacity is asked for.
const BUFFER_MINUTES: i64 = 5;

/// A cloud's predictive scaling with target tracking: an hourly forecast is a floor under what target tracking asks for,
/// raised five minutes before the hour; the forecast alone never scales in.
///
/// The cloud does not publish its forecaster. Here an hour is forecast by the mean of the same hour on the days seen, at
/// most fourteen, each day weighing half as much as the day after it, and turned into instances at the same target.
#[derive(Clone, Debug)]
pub struct AwsPredictive {
    target: f64,
    tracking: TargetTrackingPeer,
    /// Mean busy instances of each full hour, oldest first, and the number of the newest.
    hours: VecDeque<f64>,
    newest_hour: i64,
    current_hour: Option<i64>,
    sum: f64,
    count: u32,
    first_minute: Option<i64>,
}

impl AwsPredictive {
    /// Holds `target` per cent.
    pub fn new(target: f64) -> Self {
        Self {
            target,
            tracking: TargetTrackingPeer::new(target),
            hours: VecDeque::new(),
            newest_hour: i64::MIN,
            current_hour: None,
            sum: 0.0,
            count: 0,
            first_minute: None,
        }
    }

    fn take_in(&mut self, minute: i64, busy: f64) {
        let first = *self.first_minute.get_or_insert(minute);
        let hour = (minute - first).div_euclid(HOUR);
        if let Some(current) = self.current_hour.filter(|current| *current != hour) {
            if self.hours.len() as i64 == MOST_HISTORY_HOURS {
                self.hours.pop_front();
            }
            self.hours.push_back(self.sum / f64::from(self.count.max(1)));
            self.newest_hour = current;
            (self.sum, self.count) = (0.0, 0);
        }
        self.current_hour = Some(hour);
        self.sum += busy;
        self.count += 1;
    }

    /// Mean busy instances expected in an hour; `None` before there is a day of history.
    fn forecast(&self, hour: i64) -> Option<f64> {
        if (self.hours.len() as i64) < LEAST_HISTORY_HOURS {
            return None;
        }
        let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
        let mut same = hour - DAY_HOURS;
        while same > self.newest_hour {
            same -= DAY_HOURS;
        }
        let oldest = self.newest_hour - self.hours.len() as i64 + 1;
        while same >= oldest {
            sum += weight * self.hours[(same - oldest) as usize];
            weights += weight;
            weight *= 0.5;
            same -= DAY_HOURS;
        }
        (weights > 0.0).then(|| sum / weights)
    }

    fn floor(&self, now: i64) -> u32 {
        let Some(first) = self.first_minute else { return 0 };
        let instances = |minute: i64| {
            let busy = self.forecast((minute - first).div_euclid(HOUR)).unwrap_or(0.0);
            (busy / (self.target / 100.0) - super::ROUNDING).ceil().max(0.0) as u32
        };
        instances(now).max(instances(now + BUFFER_MINUTES))
    }
}

impl Player for AwsPredictive {
    fn decide(&mut self, view: &View) -> u32 {
        if let Some((minute, metrics)) = view.newest {
            self.take_in(minute.0, f64::from(metrics.serving) * metrics.utilisation / 100.0);
        }
        self.tracking.decide(view).max(self.floor(view.now.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two days: 6 busy instances in hour 10 of each day, 3 at all other times.
    fn after_two_days() -> AwsPredictive {
        let mut peer = AwsPredictive::new(60.0);
        for minute in 0..2 * 1440 + 1 {
            peer.take_in(minute, if minute / 60 % 24 == 10 { 6.0 } else { 3.0 });
        }
        peer
    }

    #[test]
    fn the_floor_rises_five_minutes_before_the_hour() {
        let peer = after_two_days();
        let ten = 2 * 1440 + 600;
        assert_eq!(peer.floor(ten - 6), 5);
        assert_eq!(peer.floor(ten - 5), 10);
        assert_eq!(peer.floor(ten + 59), 10);
        assert_eq!(peer.floor(ten + 60), 5);
    }

    #[test]
    fn a_day_of_history_is_needed() {
        let mut peer = AwsPredictive::new(60.0);
        for minute in 0..1440 {
            peer.take_in(minute, 6.0);
        }
        assert_eq!(peer.floor(1440), 0);
        peer.take_in(1440, 6.0);
        assert_eq!(peer.floor(1440), 10);
    }

    #[test]
    fn a_newer_day_weighs_twice_the_day_before() {
        let mut peer = AwsPredictive::new(100.0);
        for minute in 0..2 * 1440 + 1 {
            peer.take_in(minute, if minute < 1440 { 3.0 } else { 6.0 });
        }
        assert_eq!(peer.forecast(50), Some(5.0));
    }
}
