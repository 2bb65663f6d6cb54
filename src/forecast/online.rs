//! An online forecast of demand minutes ahead, as a distribution: location, scale and shape are all learnt on the way.
//!
//! Location: recursive least squares in log space on recent levels and seasonal lags. Scale: a learned mixture of
//! variances. Shape: the histogram of past standardised errors. Every minute costs the same, and so does its state.

use serde::{Deserialize, Serialize};

use super::extremes::HourlyMaxima;
use super::features::{FEATURES, FIRST_FEATURES, LogSeries};
use super::history::History;
use super::regression::RecursiveLeastSquares;
use super::scale::{COMPONENTS, ScaleContext, ScaleMixture, level_of};
use super::shape::{BINS, Bins, ResidualShape};
use crate::model::Minute;

/// Offsets of the two log spaces, in multiples of the mean demand: nearly additive errors, nearly multiplicative ones.
pub const OFFSETS: [f64; 2] = [5.5, 0.7];
/// Minutes that must have been seen before the forecast is used.
pub const WARM_UP_MINUTES: u64 = 37;
/// Forgetting of the regression: a memory of 4000 minutes.
const MEMORY: f64 = 1.0 - 1.0 / 4000.0;
/// Largest change that a forecast may predict, in log space.
const LARGEST_STEP: f64 = 3.0;
/// Minutes over which the mean demand is taken.
const MEAN_SPAN_MINUTES: f64 = 4320.0;
/// The reference demand is moved when the mean has left it by this factor.
const REBASE_FACTOR: f64 = 1.5;
/// A forecast goes no higher than this multiple of the largest demand seen.
const HEADROOM: f64 = 1.5;
/// Share by which the largest demand seen fades in a minute.
const PEAK_DECAY: f64 = 0.00005;
/// Errors that are expected before any was seen, relative to the demand.
const PRIOR_ERROR: f64 = 0.15;

/// Forecasts of one demand series at a few horizons, in both log spaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnlineForecast {
    history: History,
    maxima: HourlyMaxima,
    newest: Option<Minute>,
    reference: f64,
    mean: f64,
    peak: f64,
    horizons: Vec<u32>,
    spaces: Vec<LogSpace>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LogSpace {
    series: LogSeries,
    models: Vec<HorizonModel>,
}

/// One horizon's model and its forecasts that are still to be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct HorizonModel {
    horizon: u32,
    regression: RecursiveLeastSquares,
    scale: ScaleMixture,
    shape: ResidualShape,
    /// Forecasts made at the newest minutes, one slot a minute modulo the horizon.
    pending: Vec<Option<Pending>>,
    location: f64,
    deviation: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    features: [f64; FEATURES],
    origin: f64,
    location: f64,
    context: ScaleContext,
    components: [f64; COMPONENTS],
    variance: f64,
}

impl OnlineForecast {
    /// A forecast that has seen nothing. `horizons` are minutes after the newest one seen, ascending.
    pub fn new(horizons: &[u32]) -> Self {
        let spaces = OFFSETS
            .iter()
            .map(|&offset| LogSpace {
                series: LogSeries::new(offset),
                models: horizons.iter().map(|&horizon| HorizonModel::new(horizon, offset)).collect(),
            })
            .collect();
        Self {
            history: History::default(),
            maxima: HourlyMaxima::default(),
            newest: None,
            reference: 0.0,
            mean: 0.0,
            peak: 0.0,
            horizons: horizons.to_vec(),
            spaces,
        }
    }

    /// The horizons that are forecast.
    pub fn horizons(&self) -> &[u32] {
        &self.horizons
    }

    /// Moves to other horizons. A new one starts from what its nearest neighbour has learnt.
    pub fn set_horizons(&mut self, horizons: &[u32]) {
        if self.horizons == horizons {
            return;
        }
        for space in &mut self.spaces {
            let known = std::mem::take(&mut space.models);
            space.models = horizons
                .iter()
                .map(|&horizon| {
                    let nearest = known.iter().min_by_key(|model| model.horizon.abs_diff(horizon));
                    match nearest {
                        Some(model) if model.horizon == horizon => model.clone(),
                        Some(model) => model.moved_to(horizon),
                        None => HorizonModel::new(horizon, space.series.offset()),
                    }
                })
                .collect();
        }
        self.horizons = horizons.to_vec();
    }

    /// The newest minute that was taken in.
    pub fn newest(&self) -> Option<Minute> {
        self.newest
    }

    /// What was seen.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The largest demands of the last days.
    pub fn maxima(&self) -> &HourlyMaxima {
        &self.maxima
    }

    /// Mean demand of the last days.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// A forecast never goes above this.
    pub fn ceiling(&self) -> f64 {
        HEADROOM * self.peak
    }

    /// True once enough was seen to be relied on.
    pub fn is_warm(&self) -> bool {
        self.history.seen() >= WARM_UP_MINUTES
    }

    /// Takes in the demand of `minute`, not older than the newest known. Minutes in between were not seen: a straight line
    /// stands in for them, from which nothing is learnt.
    pub fn push(&mut self, minute: Minute, demand: f64) {
        let demand = demand.clamp(0.0, 1e9);
        self.restore();
        if let Some(newest) = self.newest {
            let gap = minute - newest;
            if gap <= 0 {
                return;
            }
            if gap > super::history::KEPT_MINUTES as i64 {
                *self = Self::new(&self.horizons);
            } else if let Some(last) = self.history.back(0) {
                for missing in 1..gap {
                    let between = last + (demand - last) * missing as f64 / gap as f64;
                    self.advance(newest + missing, between, false);
                }
            }
        }
        self.advance(minute, demand, true);
    }

    /// The distribution of demand `horizons()[at]` minutes after the newest one: fills in probabilities, and demands in
    /// ascending order. False, and nothing is filled in, where there is no such forecast.
    pub fn outcomes(&self, space: usize, at: usize, probabilities: &mut Bins, demands: &mut Bins) -> bool {
        let Some((space, model)) = self.spaces.get(space).and_then(|space| Some((space, space.models.get(at)?))) else {
            return false;
        };
        let ceiling = self.ceiling();
        model.shape.outcomes(probabilities, demands);
        for demand in demands {
            let transformed = model.location + model.deviation * *demand;
            *demand = space.series.demand(transformed, self.reference).min(ceiling);
        }
        true
    }

    /// Calls `visit` with probability and demand of each of the [`outcomes`](Self::outcomes).
    pub fn for_each_outcome(&self, space: usize, at: usize, mut visit: impl FnMut(f64, f64)) {
        let (mut probabilities, mut demands) = ([0.0; BINS], [0.0; BINS]);
        if self.outcomes(space, at, &mut probabilities, &mut demands) {
            probabilities.into_iter().zip(demands).for_each(|(probability, demand)| visit(probability, demand));
        }
    }

    /// True if the parts fit together, as they do unless the state was damaged.
    pub fn is_sound(&self) -> bool {
        self.history.is_sound()
            && self.maxima.is_sound()
            && self.spaces.len() == OFFSETS.len()
            && self.reference.is_finite()
            && self.spaces.iter().all(|space| {
                space.models.len() == self.horizons.len() && space.models.iter().all(HorizonModel::is_sound)
            })
    }

    fn restore(&mut self) {
        for space in &mut self.spaces {
            if !space.series.is_restored(&self.history) {
                space.series.restore(&self.history, self.reference);
            }
        }
    }

    fn advance(&mut self, minute: Minute, demand: f64, observed: bool) {
        self.history.push(demand as f32);
        let demand = self.history.back(0).unwrap_or_default();
        self.newest = Some(minute);
        let seen = self.history.seen();
        self.mean += (1.0 / seen as f64).max(1.0 / MEAN_SPAN_MINUTES) * (demand - self.mean);
        self.maxima.push(minute, demand);
        self.peak = (self.peak * (1.0 - PEAK_DECAY)).max(demand);
        self.follow_mean(seen);
        let reference = self.reference;
        for LogSpace { series, models } in &mut self.spaces {
            series.push(&self.history, reference);
            if seen < FIRST_FEATURES {
                continue;
            }
            let base = series.base_features(&self.history);
            let newest = series.newest(&self.history);
            let ramp = series.ramp();
            for model in models {
                model.judge(minute, newest, observed);
                let mut features = base;
                series.fill_seasons(&self.history, model.horizon, &mut features);
                let minute_of_day = (minute + i64::from(model.horizon)).of_day() as u16;
                model.forecast(minute, newest, features, observed, |location| ScaleContext {
                    level: level_of(demand.max(series.demand(location, reference))),
                    minute_of_day,
                    ramp,
                });
            }
        }
    }

    /// Keeps the reference near the mean demand, from which the offsets of the log spaces are measured.
    fn follow_mean(&mut self, seen: u64) {
        let wanted = self.mean.max(1e-3);
        if self.reference <= 0.0 {
            self.reference = wanted;
        } else if seen.is_multiple_of(30) && !(1.0 / REBASE_FACTOR..REBASE_FACTOR).contains(&(wanted / self.reference))
        {
            let old = std::mem::replace(&mut self.reference, wanted);
            for space in &mut self.spaces {
                space.series.rebase(&self.history, old, wanted);
                let offset = space.series.offset();
                let ratio = old / wanted * (1.0 + offset) / (old / wanted + offset);
                for model in &mut space.models {
                    model.scale.rescale(ratio * ratio);
                    model.pending.fill(None);
                }
            }
        }
    }
}

impl HorizonModel {
    fn new(horizon: u32, offset: f64) -> Self {
        Self {
            horizon,
            regression: RecursiveLeastSquares::new(FEATURES, 10.0),
            scale: ScaleMixture::new((PRIOR_ERROR / (1.0 + offset)).powi(2)),
            shape: ResidualShape::default(),
            pending: vec![None; horizon as usize],
            location: 0.0,
            deviation: 0.0,
        }
    }

    fn moved_to(&self, horizon: u32) -> Self {
        Self { horizon, pending: vec![None; horizon as usize], ..self.clone() }
    }

    fn slot(&self, minute: Minute) -> usize {
        minute.0.rem_euclid(i64::from(self.horizon)) as usize
    }

    /// Learns from the forecast that was made for `minute`.
    fn judge(&mut self, minute: Minute, value: f64, observed: bool) {
        let slot = self.slot(minute);
        let Some(made) = self.pending[slot].take() else { return };
        if !observed {
            return;
        }
        let deviation = made.variance.sqrt();
        let predicted = made.origin + self.regression.predict(&made.features);
        let innovation = (value - predicted).clamp(-4.0 * deviation, 4.0 * deviation);
        self.regression.learn(&made.features, innovation, MEMORY);
        let error = value - made.location;
        self.scale.learn(&made.context, &made.components, made.variance, error);
        self.shape.learn(error / deviation);
    }

    fn forecast(
        &mut self,
        minute: Minute,
        newest: f64,
        features: [f64; FEATURES],
        observed: bool,
        context: impl Fn(f64) -> ScaleContext,
    ) {
        self.location = newest + self.regression.predict(&features).clamp(-LARGEST_STEP, LARGEST_STEP);
        let context = context(self.location);
        let components = self.scale.components(&context);
        let variance = self.scale.variance(&components);
        self.deviation = variance.sqrt();
        let slot = self.slot(minute);
        self.pending[slot] = observed.then_some(Pending {
            features,
            origin: newest,
            location: self.location,
            context,
            components,
            variance,
        });
    }

    fn is_sound(&self) -> bool {
        self.horizon > 0
            && self.pending.len() == self.horizon as usize
            && self.regression.is_sound(FEATURES)
            && self.scale.is_sound()
            && self.shape.is_sound()
            && self.location.is_finite()
            && self.deviation.is_finite()
    }
}
