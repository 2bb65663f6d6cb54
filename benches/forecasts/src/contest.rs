//! The same forecasts by all models, from the same origins.

use flexus_autoscaler::forecast::online::OnlineForecast;
use flexus_autoscaler::forecast::score::Scores;
use flexus_autoscaler::forecast::{PathModel, Request, paths};
use flexus_autoscaler::model::Minute;
use flexus_autoscaler::replay::Trace;
use serde::Serialize;

use crate::baselines::{Quantiles, ets, mstl, with_errors};

/// Levels of the quantiles.
pub(crate) const LEVELS: [f64; 12] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
const MEDIAN: usize = 4;
/// Horizons of a minute's value, in minutes.
pub(crate) const HORIZONS: [u32; 4] = [2, 5, 15, 60];
/// Busy instances on average, as in a replay: 12 at 60 %.
const MEAN_DEMAND: f64 = 7.2;
const DAY: usize = 1440;
/// Days before the first forecast.
const WARM_UP: usize = 3 * DAY;
/// Newest errors that the naive forecasts take their quantiles from.
const ERRORS: usize = DAY;
/// Minutes that exponential smoothing is fitted to.
const ETS_MINUTES: usize = 240;
/// Minutes that a decomposition is fitted to.
const MSTL_MINUTES: usize = 3 * DAY;
/// Days of minutes that the day ahead is forecast from.
const PATHS_DAYS: usize = 28;
/// Hours that errors of the naive forecasts of the day ahead are taken from.
const ERROR_HOURS: usize = 14 * 24;

/// A load in busy instances, and the minutes that it is forecast from: what is known ends before them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Subject {
    pub(crate) name: String,
    start: Minute,
    minutes: Vec<f64>,
    /// For the horizons of minutes.
    origins: Vec<usize>,
    /// For the day ahead; whole hours.
    day_origins: Vec<usize>,
}

impl Subject {
    pub(crate) fn new(trace: &Trace, origins: usize) -> Option<Self> {
        let minutes = trace.load.len();
        if minutes < WARM_UP + 2 * DAY {
            return None;
        }
        let mean = trace.load.iter().sum::<f64>() / minutes as f64;
        let spread = |from: usize, to: usize, count: usize| {
            (0..count).map(|at| from + (to - from) * at / count).collect::<Vec<_>>()
        };
        let hours = (minutes - DAY) / 60 - WARM_UP / 60;
        let day_origins =
            spread(WARM_UP / 60, minutes / 60 - 24, hours.min(origins / 2)).iter().map(|hour| hour * 60).collect();
        Some(Self {
            name: trace.name.clone(),
            start: trace.start,
            minutes: trace.load.iter().map(|load| load / mean * MEAN_DEMAND).collect(),
            origins: spread(WARM_UP, minutes - HORIZONS[3] as usize, origins),
            day_origins,
        })
    }
}

/// All scores of one trace.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TraceScores {
    pub(crate) trace: String,
    pub(crate) rows: Vec<Row>,
    /// Models in use for the day ahead, and how often.
    pub(crate) in_use: Vec<(PathModel, usize)>,
}

/// One model at one horizon.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) horizon: String,
    pub(crate) model: &'static str,
    pub(crate) weighted_quantile_loss: f64,
    pub(crate) coverage_90: f64,
    pub(crate) coverage_98: f64,
    /// Mean absolute error of the median over that of the seasonal naive forecast.
    pub(crate) scaled_error: f64,
    pub(crate) forecasts: u64,
}

/// Scores kept by model, in the order in which models were first seen.
#[derive(Default)]
struct Board(Vec<(&'static str, Scores)>);

impl Board {
    fn push(&mut self, model: &'static str, quantiles: &Quantiles, baseline: f64, actual: f64) {
        let at = self.0.iter().position(|(known, _)| *known == model).unwrap_or_else(|| {
            self.0.push((model, Scores::new(&LEVELS)));
            self.0.len() - 1
        });
        self.0[at].1.push(quantiles, quantiles[MEDIAN], baseline, actual);
    }

    fn rows(self, horizon: &str) -> Vec<Row> {
        let row = |(model, scores): (&'static str, Scores)| {
            let coverage = scores.coverage();
            Row {
                horizon: horizon.to_owned(),
                model,
                weighted_quantile_loss: scores.weighted_quantile_loss().unwrap_or(f64::NAN),
                coverage_90: coverage[8],
                coverage_98: coverage[10],
                scaled_error: scores.scaled_error().unwrap_or(f64::NAN),
                forecasts: scores.count(),
            }
        };
        self.0.into_iter().map(row).collect()
    }
}

/// Scores all models on one load. `quick` leaves out what is fitted anew for each forecast.
pub(crate) fn score(subject: &Subject, quick: bool) -> TraceScores {
    let mut rows = minutes_ahead(subject, quick);
    let (day, in_use) = day_ahead(subject, quick);
    rows.extend(day);
    eprintln!("{} is scored", subject.name);
    TraceScores { trace: subject.name.clone(), rows, in_use }
}

fn minutes_ahead(subject: &Subject, quick: bool) -> Vec<Row> {
    let values = &subject.minutes;
    let mut boards: Vec<Board> = HORIZONS.iter().map(|_| Board::default()).collect();
    let mut online = OnlineForecast::new(&HORIZONS);
    let mut known = 0;
    for &origin in &subject.origins {
        for (at, value) in (0i64..).zip(values).take(origin).skip(known) {
            online.push(subject.start + at, *value);
        }
        known = origin;
        let seen = &values[..origin];
        let furthest = HORIZONS[3] as usize;
        let fitted = |fit: fn(&[f64], usize) -> Option<Vec<Quantiles>>, most: usize| {
            if quick { None } else { fit(&seen[origin.saturating_sub(most)..], furthest) }
        };
        let smoothed = fitted(ets, ETS_MINUTES);
        let decomposed = fitted(|seen, steps| mstl(seen, &[DAY], steps), MSTL_MINUTES);
        for ((at, &horizon), board) in HORIZONS.iter().enumerate().zip(&mut boards) {
            let target = origin - 1 + horizon as usize;
            let (actual, day_before) = (values[target], values[target - DAY]);
            let errors = |lag: usize| (origin - ERRORS..origin).map(|at| values[at] - values[at - lag]).collect();
            let mut push = |model, quantiles: &Quantiles| board.push(model, quantiles, day_before, actual);
            push("naive", &with_errors(seen[origin - 1], errors(horizon as usize)));
            push("seasonal naive", &with_errors(day_before, errors(DAY)));
            for (model, forecast) in [("ETS (augurs)", &smoothed), ("MSTL (augurs)", &decomposed)] {
                if let Some(quantiles) = forecast.as_ref().and_then(|steps| steps.get(horizon as usize - 1)) {
                    push(model, quantiles);
                }
            }
            let (additive, multiplicative) = (outcomes(&online, 0, at), outcomes(&online, 1, at));
            push("online, additive", &quantiles_of(additive.iter().copied()));
            push("online, multiplicative", &quantiles_of(multiplicative.iter().copied()));
        }
    }
    let rows = HORIZONS.iter().zip(boards).flat_map(|(horizon, board)| board.rows(&format!("{horizon} min")));
    rows.collect()
}

fn outcomes(online: &OnlineForecast, space: usize, at: usize) -> Vec<(f64, f64)> {
    let mut outcomes = Vec::new();
    online.for_each_outcome(space, at, |probability, demand| outcomes.push((probability, demand)));
    outcomes
}

fn quantiles_of(outcomes: impl Iterator<Item = (f64, f64)> + Clone) -> Quantiles {
    LEVELS.map(|level| {
        let mut sum = 0.0;
        let mut last = 0.0;
        for (probability, demand) in outcomes.clone() {
            sum += probability;
            last = demand;
            if sum >= level {
                break;
            }
        }
        last
    })
}

fn day_ahead(subject: &Subject, quick: bool) -> (Vec<Row>, Vec<(PathModel, usize)>) {
    let hours: Vec<f64> = subject.minutes.chunks_exact(60).map(|hour| hour.iter().sum::<f64>() / 60.0).collect();
    let mut board = Board::default();
    let mut in_use: Vec<(PathModel, usize)> = Vec::new();
    let request = Request { levels: LEVELS.to_vec(), ..Request::day_ahead(60) };
    for &origin in &subject.day_origins {
        let hour = origin / 60;
        let seen = &hours[..hour];
        let smoothed = if quick { None } else { ets(seen, 24) };
        let decomposed = if quick { None } else { mstl(seen, &[24, 168], 24) };
        let minutes: Vec<Option<f64>> =
            subject.minutes[origin.saturating_sub(PATHS_DAYS * DAY)..origin].iter().copied().map(Some).collect();
        let ours = paths(&minutes, subject.start + (origin as i64 - 1), &request);
        if let Some(ours) = &ours {
            match in_use.iter_mut().find(|(model, _)| *model == ours.model) {
                Some((_, count)) => *count += 1,
                None => in_use.push((ours.model, 1)),
            }
        }
        for ahead in 0..24 {
            let (actual, day_before) = (hours[hour + ahead], hours[hour + ahead - 24]);
            let errors = |lag: usize| {
                (hour.saturating_sub(ERROR_HOURS).max(lag)..hour).map(|at| hours[at] - hours[at - lag]).collect()
            };
            let mut push = |model, quantiles: &Quantiles| board.push(model, quantiles, day_before, actual);
            push("naive", &with_errors(seen[hour - 1], errors(ahead + 1)));
            push("seasonal naive", &with_errors(day_before, errors(24)));
            for (model, forecast) in [("ETS (augurs)", &smoothed), ("MSTL (augurs)", &decomposed)] {
                if let Some(quantiles) = forecast.as_ref().and_then(|steps| steps.get(ahead)) {
                    push(model, quantiles);
                }
            }
            if let Some(row) =
                ours.as_ref().and_then(|ours| Quantiles::try_from(ours.quantiles.get(ahead)?.as_slice()).ok())
            {
                push("paths", &row);
            }
        }
    }
    (board.rows("24 h"), in_use)
}
