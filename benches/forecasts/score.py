"""Scores forecasting packages from PyPI on the very minutes and origins that `forecast-scores --out DIR` has left.

An outside check, no part of the tests. Needs `pip install statsforecast prophet` (which bring numpy, pandas, scipy).

    cargo run --release -p forecast-scores -- TRACE... --origins 40 --out DIR
    python3 benches/forecasts/score.py DIR [--without-prophet]

Prints the same tables: statsforecast's SeasonalNaive, AutoETS and MSTL, and Prophet, each fitted anew at every origin to
what was known there.
"""

import argparse
import json
import logging
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd
from statsforecast.models import MSTL, AutoETS, SeasonalNaive

LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]
HORIZONS = [2, 5, 15, 60]
DAY = 1440
# As in the Rust contest: what the models are fitted to.
ETS_MINUTES = 240
SEASONAL_MINUTES = 3 * DAY
# Two-sided levels in per cent whose bounds are LEVELS.
TWO_SIDED = [20, 40, 60, 80, 90, 96, 98]


class Scores:
    """Weighted quantile loss, coverage, scaled error of one model at one horizon."""

    def __init__(self):
        self.quantiles, self.actual, self.baseline = [], [], []

    def push(self, quantiles, actual, baseline):
        self.quantiles.append(np.maximum(np.sort(quantiles), 0.0))
        self.actual.append(actual)
        self.baseline.append(baseline)

    def row(self):
        quantiles, actual = np.array(self.quantiles), np.array(self.actual)
        short = actual[:, None] - quantiles
        levels = np.array(LEVELS)
        loss = np.maximum(levels * short, (levels - 1.0) * short).sum()
        covered = (short <= 0).mean(axis=0)
        error = np.abs(actual - quantiles[:, LEVELS.index(0.5)]).sum()
        return {
            "weighted_quantile_loss": 2.0 * loss / len(LEVELS) / np.abs(actual).sum(),
            "coverage_90": covered[LEVELS.index(0.9)],
            "coverage_98": covered[LEVELS.index(0.98)],
            "scaled_error": error / np.abs(actual - np.array(self.baseline)).sum(),
            "forecasts": len(actual),
        }


def with_statsforecast(model):
    """Forecasts of a statsforecast model: one row a step, one column a level."""

    def forecast(seen, steps, _freq):
        made = model().forecast(y=seen, h=steps, level=TWO_SIDED)
        columns = []
        for level in LEVELS:
            if level == 0.5:
                columns.append(made["mean"])
            else:
                side = "lo" if level < 0.5 else "hi"
                columns.append(made[f"{side}-{round(abs(2 * level - 1) * 100)}"])
        return np.stack(columns, axis=1)

    return forecast


def prophet(seen, steps, freq):
    from prophet import Prophet

    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=len(seen), freq=freq), "y": seen})
    model = Prophet(uncertainty_samples=300).fit(frame)
    future = model.make_future_dataframe(periods=steps, freq=freq, include_history=False)
    samples = model.predictive_samples(future)["yhat"]
    return np.quantile(samples, LEVELS, axis=1).T


def models(season, last, without_prophet):
    """Name, forecast, and how many of the newest values it is fitted to."""
    week = [season, 7 * season] if season == 24 else season
    listed = [
        ("SeasonalNaive (statsforecast)", with_statsforecast(lambda: SeasonalNaive(season_length=season)), last),
        ("AutoETS (statsforecast)", with_statsforecast(lambda: AutoETS(season_length=season if season == 24 else 1)), ETS_MINUTES if season == DAY else last),
        ("MSTL (statsforecast)", with_statsforecast(lambda: MSTL(season_length=week, trend_forecaster=AutoETS(model="ZZN" if season == 24 else "ANN"))), last),
    ]
    return listed if without_prophet else [*listed, ("Prophet", prophet, last)]


def score(subject, without_prophet):
    minutes = np.array(subject["minutes"])
    rows = []
    boards = {}
    for origin in subject["origins"]:
        for name, forecast, most in models(DAY, SEASONAL_MINUTES, without_prophet):
            made = forecast(minutes[max(0, origin - most) : origin], HORIZONS[-1], "min")
            for horizon in HORIZONS:
                target = origin - 1 + horizon
                board = boards.setdefault((f"{horizon} min", name), Scores())
                board.push(made[horizon - 1], minutes[target], minutes[target - DAY])
    hours = minutes[: len(minutes) // 60 * 60].reshape(-1, 60).mean(axis=1)
    for origin in subject["day_origins"]:
        hour = origin // 60
        for name, forecast, most in models(24, 28 * 24, without_prophet):
            made = forecast(hours[max(0, hour - most) : hour], 24, "h")
            board = boards.setdefault(("24 h", name), Scores())
            for ahead in range(24):
                board.push(made[ahead], hours[hour + ahead], hours[hour + ahead - 24])
    for (horizon, name), board in boards.items():
        rows.append({"horizon": horizon, "model": name, **board.row()})
    return rows


def show(rows, title):
    print(f"\n{title}\n{'horizon':<8} {'model':<30} {'WQL':>7} {'cov 90':>7} {'cov 98':>7} {'MASE':>7} {'count':>7}")
    order = [f"{horizon} min" for horizon in HORIZONS] + ["24 h"]
    for row in sorted(rows, key=lambda row: order.index(row["horizon"])):
        print(
            f"{row['horizon']:<8} {row['model']:<30} {row['weighted_quantile_loss']:>7.4f} {row['coverage_90']:>7.3f}"
            f" {row['coverage_98']:>7.3f} {row['scaled_error']:>7.3f} {row['forecasts']:>7}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="what forecast-scores --out has left")
    parser.add_argument("--without-prophet", action="store_true")
    parser.add_argument("--minute-origins", type=int, help="at most so many of the minutes' origins; 0 for the day ahead alone")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    for noisy in ("cmdstanpy", "prophet"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    for subject in json.loads((arguments.folder / "subjects.json").read_text()):
        subject["origins"] = subject["origins"][: arguments.minute_origins]
        show(score(subject, arguments.without_prophet), subject["name"])
        sys.stdout.flush()


if __name__ == "__main__":
    main()
