#!/usr/bin/python3
"""How good forecasts are on the Weekly and Hourly series of the M4 competition, beside what was published: docs/forecasting.md.

All series run through `ForecastOf` of rules/forecast with the seasons of their frequency, one setting for all. The data are not part of
the repository: they are looked for in ../shared/data, or where BAROGRAPH_DATASETS says; without them the exit status is 77 (skipped),
with the reason.

--validate holds out the last steps of the training series and opens no test file: every choice was made with it. Without it the test
files are opened and scored. Scores as the competition defines them: sMAPE, MASE, OWA relative to Naive2, and for 95 % intervals
MSIS, the mean width plus 40 times what lies outside, over the scale of MASE.
"""

import argparse
import concurrent.futures
import csv
import gzip
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("BAROGRAPH_DATASETS", ROOT.parent / "shared/data"))
SKIPPED = 77


class Frequency:
    """`season` is the competition's for scoring; `periods` are what the forecaster is told."""

    def __init__(self, name, horizon, season, periods, goal, published):
        self.name, self.horizon, self.season, self.periods = name, horizon, season, periods
        self.goal, self.published = goal, published


# OWA, and MSIS where known, of all series of the frequency: Mcompetitions/M4-methods, "Evaluation and Ranks". The hourly series here are
# the first half of them, so that only rows marked with * are of the same series.
WEEKLY = Frequency("weekly", 13, 1, "52", 0.80, {
    "Naive2 = sNaive *": (1.000, 26.358), "Theta *": (0.971, None), "Comb *": (0.926, None), "ES-RNN (first) *": (0.851, 22.034),
    "FFORMA (second) *": (0.796, 21.531), "Card *": (0.782, 16.469), "SCUM *": (0.751, 16.200), "Forecast Pro *": (0.739, None),
    "ETS *": (None, 20.386), "ARIMA *": (None, 19.575)})
HOURLY = Frequency("hourly", 48, 24, "24,168", 0.46, {
    "sNaive *": (0.574, None), "Theta": (1.006, None), "Comb": (1.556, None), "SCUM": (0.663, 13.559), "Forecast Pro": (0.496, None),
    "FFORMA (second)": (0.484, 18.509), "ES-RNN (first)": (0.440, 7.928), "Card": (0.410, 6.139), "ETS": (None, 17.487),
    "ARIMA": (None, 7.538)})


def rows_of(path):
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.reader(file))
    return [(row[0], [float(cell) for cell in row[1:] if cell not in ("", "NA")]) for row in rows[1:]]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


# --- The competition's benchmark -------------------------------------------------------------------


def is_seasonal(series, period):
    """The autocorrelation at one period, tested at 90 % as the competition's code does."""
    count = len(series)
    if period < 2 or count < 3 * period:
        return False
    middle = mean(series)
    apart = [one - middle for one in series]
    square = sum(one * one for one in apart)
    if square == 0:
        return False
    lags = [sum(a * b for a, b in zip(apart[lag:], apart)) / square for lag in range(1, period + 1)]
    return abs(lags[-1]) > 1.645 * ((1 + 2 * sum(one * one for one in lags[:-1])) / count) ** 0.5


def naive2(series, period, horizon):
    """The last value without its season, and the season again: classical multiplicative decomposition."""
    if not is_seasonal(series, period):
        return [series[-1]] * horizon
    count, half = len(series), period // 2
    ratios = [[] for _ in range(period)]
    for t in range(half, count - half):
        window = series[t - half:t + half + 1]
        trend = (sum(window) - (window[0] + window[-1]) / 2) / period if period % 2 == 0 else sum(window) / period
        ratios[t % period].append(series[t] / trend)
    index = [mean(one) for one in ratios]
    scale = mean(index)
    index = [one / scale for one in index]
    level = series[-1] / index[(count - 1) % period]
    return [level * index[(count + h) % period] for h in range(horizon)]


# --- Scores ----------------------------------------------------------------------------------------


def smape(actual, forecast):
    return mean(200 * abs(a - f) / (abs(a) + abs(f)) if a or f else 0.0 for a, f in zip(actual, forecast))


def scale_of(series, season):
    return mean(abs(a - b) for a, b in zip(series[season:], series))


def inside(actual, low, high):
    return mean(float(l <= a <= h) for a, l, h in zip(actual, low, high))


def interval_score(actual, low, high, level):
    return mean(h - l + 2 / level * (max(l - a, 0) + max(a - h, 0)) for a, l, h in zip(actual, low, high))


class Score:
    """Sums over series, each an average over its steps."""

    FIELDS = ("smape", "mase", "smape2", "mase2", "inside80", "inside95", "msis", "seconds")

    def __init__(self):
        self.rows, self.refused = [], []

    def add(self, frequency, series, actual, answer):
        scale = scale_of(series, frequency.season)
        benchmark = naive2(series, frequency.season, frequency.horizon)
        cells, h = [float(cell) for cell in answer[3:]], frequency.horizon
        centre, low80, high80, low95, high95 = (cells[i * h:(i + 1) * h] for i in range(5))
        self.rows.append(dict(zip(self.FIELDS, (
            smape(actual, centre), mean(abs(a - f) for a, f in zip(actual, centre)) / scale, smape(actual, benchmark),
            mean(abs(a - f) for a, f in zip(actual, benchmark)) / scale, inside(actual, low80, high80),
            inside(actual, low95, high95), interval_score(actual, low95, high95, 0.05) / scale, float(answer[2])))))

    def __getattr__(self, field):
        return mean(row[field] for row in self.rows)

    @property
    def owa(self):
        return (self.smape / self.smape2 + self.mase / self.mase2) / 2


def answers(driver, frequency, every, jobs):
    """What the forecaster says of [(id, series)]; in as many processes as jobs."""
    command = [driver, str(frequency.horizon), frequency.periods]
    parts = [every[i::jobs] for i in range(jobs)]
    running = []
    for part in parts:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append((process, "".join(f"{name},{','.join(map(repr, series))}\n" for name, series in part)))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        outputs = list(pool.map(lambda pair: pair[0].communicate(pair[1])[0], running))
    return {cells[0]: cells for output in outputs for cells in csv.reader(output.splitlines())}


def scored(driver, folder, frequency, held_out, jobs):
    """With held_out, the steps before the last `held_out - 1` horizons of the training series are the test."""
    train = rows_of(folder / f"m4_{frequency.name}_train.csv.gz")
    if held_out:
        cut = [(name, series[:len(series) - held_out * frequency.horizon]) for name, series in train]
        ahead = [series[len(short):len(short) + frequency.horizon] for (_, series), (_, short) in zip(train, cut)]
        train, actuals = cut, ahead
    else:
        actuals = [actual for _, actual in rows_of(folder / f"m4_{frequency.name}_test.csv.gz")]
    said = answers(driver, frequency, train, jobs)
    score = Score()
    for (name, series), actual in zip(train, actuals):
        answer = said[name]
        if answer[1] != "ok":
            # Whoever cannot say is scored as the benchmark, with intervals of no width.
            score.refused.append((name, answer[3]))
            answer = [*answer[:3], *naive2(series, frequency.season, frequency.horizon) * 5]
        score.add(frequency, series, actual, answer)
    return score


def print_score(frequency, score, held_out):
    where = f"{held_out} horizon(s) before the end of the training series" if held_out else "test files"
    print(f"M4 {frequency.name}, {len(score.rows)} series, {where}; horizon {frequency.horizon}\n")
    print("| | OWA | sMAPE | MASE | MSIS | inside 80 % | inside 95 % | CPU s / 100 series |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| **Barograph** | **{score.owa:.3f}** | {score.smape:.3f} | {score.mase:.3f} | {score.msis:.2f} | {score.inside80:.3f} | "
          f"{score.inside95:.3f} | {100 * score.seconds:.1f} |")
    print(f"| Naive2 | 1.000 | {score.smape2:.3f} | {score.mase2:.3f} | | | | |")
    if not held_out:
        for name, (owa, msis) in frequency.published.items():
            print(f"| {name} | {'' if owa is None else f'{owa:.3f}'} | | | {'' if msis is None else f'{msis:.2f}'} | | | |")
    for name, reason in score.refused:
        print(f"\nrefused {name}: {reason}")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", default=str(ROOT / "build/release/peers/forecast_series"))
    parser.add_argument("--data", type=pathlib.Path, default=FOLDER, help="the folder of the series (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    parser.add_argument("--validate", type=int, default=0, metavar="N",
                        help="hold out the last N horizons of the training series, score the first of them, open no test file")
    parser.add_argument("--only", choices=("weekly", "hourly"))
    options = parser.parse_args()
    if not (options.data / "m4_weekly_train.csv.gz").exists():
        print(f"skipped: the series are not in {options.data}", file=sys.stderr)
        return SKIPPED
    met = True
    for frequency in (WEEKLY, HOURLY):
        if options.only in (None, frequency.name):
            score = scored(options.driver, options.data, frequency, options.validate, options.jobs)
            print_score(frequency, score, options.validate)
            met = met and score.owa <= frequency.goal and abs(score.inside95 - 0.95) <= 0.02
    if not options.validate:
        print("goals (OWA 0.80 weekly and 0.46 hourly, 95 % intervals within 0.02): " + ("met" if met else "missed"))
    return 0 if met or options.validate else 1


if __name__ == "__main__":
    sys.exit(main())
