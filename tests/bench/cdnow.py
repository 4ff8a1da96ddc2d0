#!/usr/bin/python3
"""How good forecasts of real payments are: the CDNOW purchases of 1997 and 1998, beside seasonal naive: docs/forecasting.md.

Revenue by day (seven days a season, 14 days ahead) and by week (4 weeks ahead), forecast from every origin of the last nine months and
compared with what came; both forecasters see only what was paid before. The data are not part of the repository: they are looked for in
../shared/data, or where BAROGRAPH_DATASETS says; without them the exit status is 77 (skipped), with the reason.

Seasonal naive repeats the last season; its intervals are the 80 % and 95 % quantiles of its own absolute errors at earlier origins of the
same history, for each step ahead.
"""

import argparse
import datetime
import gzip
import pathlib
import sys

from m4 import FOLDER, ROOT, SKIPPED, Frequency, answers, inside, interval_score, mean, smape


def daily_revenue(path):
    paid = {}
    with gzip.open(path, "rt") as file:
        next(file)
        for line in file:
            _, day, _, dollars = line.split()
            paid[datetime.datetime.strptime(day, "%Y%m%d").date()] = paid.get(
                datetime.datetime.strptime(day, "%Y%m%d").date(), 0.0) + float(dollars)
    first, last = min(paid), max(paid)
    days = [first + datetime.timedelta(n) for n in range((last - first).days + 1)]
    return days, [paid.get(day, 0.0) for day in days]


def naive(series, season, horizon):
    return [series[len(series) - season + h % season] for h in range(horizon)]


def naive_quantiles(series, season, horizon, share):
    """Of each step: what a share of the absolute errors at earlier origins did not exceed."""
    errors = [[] for _ in range(horizon)]
    for origin in range(max(season, len(series) // 2), len(series) - horizon + 1):
        for h, guess in enumerate(naive(series[:origin], season, horizon)):
            errors[h].append(abs(series[origin + h] - guess))
    return [sorted(one)[min(int(share * len(one)), len(one) - 1)] for one in errors]


class Total:
    def __init__(self):
        self.rows = []

    def add(self, actual, centre, bands):
        (low80, high80), (low95, high95) = bands
        self.rows.append((mean(abs(a - f) for a, f in zip(actual, centre)), smape(actual, centre), inside(actual, low80, high80),
                          inside(actual, low95, high95), interval_score(actual, low95, high95, 0.05),
                          abs(sum(actual) - sum(centre))))

    def cells(self):
        error, relative, in80, in95, score, whole = (mean(column) for column in zip(*self.rows))
        return f"{error:,.0f} | {relative:.1f} | {in80:.3f} | {in95:.3f} | {score:,.0f} | {whole:,.0f}"


def compare(driver, title, series, first, frequency, jobs):
    """Origins from index `first` on, each one step after the other."""
    h, season = frequency.horizon, frequency.season
    origins = range(first, len(series) - h + 1)
    said = answers(driver, frequency, [(str(origin), series[:origin]) for origin in origins], jobs)
    ours, theirs, refused = Total(), Total(), 0
    for origin in origins:
        actual, cells = series[origin:origin + h], said[str(origin)]
        if cells[1] != "ok":
            refused += 1
            continue
        numbers = [float(cell) for cell in cells[3:]]
        parts = [numbers[i * h:(i + 1) * h] for i in range(5)]
        ours.add(actual, parts[0], (parts[1:3], parts[3:5]))
        centre, bands = naive(series[:origin], season, h), []
        for share in (0.80, 0.95):
            size = naive_quantiles(series[:origin], season, h, share)
            bands.append(([max(c - s, 0) for c, s in zip(centre, size)], [c + s for c, s in zip(centre, size)]))
        theirs.add(actual, centre, bands)
    print(f"CDNOW revenue by {title}, {h} ahead, {len(origins)} origins, {refused} refused\n")
    print("| | mean error, USD | sMAPE | inside 80 % | inside 95 % | interval score 95 % | error of the sum, USD |")
    print("|---|---|---|---|---|---|---|")
    print(f"| **Barograph** | {ours.cells()} |")
    print(f"| {'seasonal naive' if season > 1 else 'naive'} | {theirs.cells()} |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", default=str(ROOT / "build/release/peers/forecast_series"))
    parser.add_argument("--data", type=pathlib.Path, default=FOLDER, help="the folder of the file (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (%(default)s)")
    options = parser.parse_args()
    path = options.data / "cdnow_transactions.txt.gz"
    if not path.exists():
        print(f"skipped: {path} is not there", file=sys.stderr)
        return SKIPPED
    days, revenue = daily_revenue(path)
    first = next(index for index, day in enumerate(days) if day >= datetime.date(1997, 10, 1))
    compare(options.driver, "day", revenue, first, Frequency("day", 14, 7, "7", None, {}), options.jobs)
    weeks = [sum(revenue[i:i + 7]) for i in range(0, len(revenue) - 6, 7)]
    compare(options.driver, "week", weeks, first // 7, Frequency("week", 4, 1, "52", None, {}), options.jobs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
