use crate::replay::driver::{Player, View};

/// Most that one step multiplies the group by.
const MOST_UP: f64 = 1000.0;
/// Most that one step divides the group by.
const MOST_DOWN: f64 = 2.0;
/// Wanted over ready instances from which on it panics.
const PANIC_THRESHOLD: f64 = 2.0;
/// A panic lasts for the stable window after its newest cause. Metrics are a minute apart, so the stable window of 60 s
/// and the panic window of 6 s both see the newest minute.
const STABLE_WINDOW_MINUTES: i64 = 1;

/// The Knative pod autoscaler: concurrency over target, halving at most on the way down, and never down in a panic.
///
/// Concurrency is what its queue proxies count, requests in service and waiting, here in instances' worth of work: busy
/// instances, times the minute's served and queued work over the served.
#[derive(Clone, Debug)]
pub struct KnativeKpa {
    target: f64,
    panicking_since: Option<i64>,
    most_in_panic: u32,
    started: bool,
}

impl KnativeKpa {
    /// Holds `target` per cent of an instance's concurrency.
    pub fn new(target: f64) -> Self {
        Self { target, panicking_since: None, most_in_panic: 0, started: false }
    }

    /// One tick, given concurrency in instances.
    fn tick(&mut self, now: i64, ready: u32, concurrency: f64) -> u32 {
        let ready = f64::from(ready.max(1));
        let wanted = (concurrency / (self.target / 100.0) - super::ROUNDING).ceil();
        let limited = wanted.clamp((ready / MOST_DOWN).floor(), (MOST_UP * ready).ceil());
        // A fresh autoscaler panics at the size it finds: what it has forgotten must not shrink the group.
        let over = wanted / ready >= PANIC_THRESHOLD || !self.started;
        if !self.started {
            self.started = true;
            self.most_in_panic = ready as u32;
        }
        match self.panicking_since {
            None if over => {
                self.panicking_since = Some(now);
                self.most_in_panic = self.most_in_panic.max(ready as u32);
            }
            Some(_) if over => self.panicking_since = Some(now),
            Some(since) if now > since + STABLE_WINDOW_MINUTES => {
                self.panicking_since = None;
                self.most_in_panic = 0;
            }
            _ => {}
        }
        if self.panicking_since.is_none() {
            return limited as u32;
        }
        self.most_in_panic = self.most_in_panic.max(limited as u32);
        self.most_in_panic
    }
}

impl Player for KnativeKpa {
    fn decide(&mut self, view: &View) -> u32 {
        let Some((_, metrics)) = view.newest else { return view.capacity.total() };
        let served = metrics.served_per_second * 60.0;
        let waiting = if served > 0.0 { metrics.queue / served } else { 0.0 };
        let busy = f64::from(metrics.serving) * metrics.utilisation / 100.0;
        self.tick(view.now.0, view.capacity.serving, busy * (1.0 + waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ready follows what is wanted at once.
    fn play(kpa: &mut KnativeKpa, ready: u32, concurrency: &[f64]) -> Vec<u32> {
        let mut ready = ready;
        let mut tick = |(now, concurrency): (i64, &f64)| {
            ready = kpa.tick(now, ready, *concurrency);
            ready
        };
        (0..).zip(concurrency).map(&mut tick).collect()
    }

    #[test]
    fn it_holds_the_target_and_halves_at_most() {
        // 7 instances' worth at 70 % are 10 instances. The first ticks are a panic at the size found.
        assert_eq!(play(&mut KnativeKpa::new(70.0), 10, &[7.0; 4]), [10; 4]);
        assert_eq!(play(&mut KnativeKpa::new(70.0), 40, &[7.0; 6]), [40, 40, 20, 10, 10, 10]);
    }

    #[test]
    fn it_never_shrinks_in_a_panic_and_remembers_the_highest() {
        let concurrency = [7.0, 7.0, 7.0, 14.0, 10.0, 7.0, 7.0];
        // 14 / 0.7 = 20 = twice the 10 ready: panic; it holds 20 for the stable window, then follows.
        assert_eq!(play(&mut KnativeKpa::new(70.0), 10, &concurrency), [10, 10, 10, 20, 20, 10, 10]);
    }

    #[test]
    fn a_restart_with_many_instances_does_not_shrink_at_once() {
        assert_eq!(play(&mut KnativeKpa::new(70.0), 50, &[0.7])[0], 50);
    }
}
