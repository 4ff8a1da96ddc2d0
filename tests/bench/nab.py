#!/usr/bin/python3
"""How good the `anomaly` rule is on labelled series, beside a plain Gaussian tail: docs/anomaly.md.

Ten series of the Numenta Anomaly Benchmark run through the evaluator of live servers (`barograph rules test`, log time = event
time), one setting for all of them. The data are not part of the repository: they are looked for in ../shared/data, or where
BAROGRAPH_DATASETS says; without them the exit status is 77 (skipped), with the reason.

A window is found when an alert starts to fire inside it. A false alarm is an alert whose condition held in no window at all. What
starts in the first 15 % of a series counts for nothing. Precision is found / (found + false alarms), recall is found / windows.
Left out: what a series scores under the setting that is best on the other nine.
"""

import argparse
import bisect
import concurrent.futures
import csv
import datetime
import gzip
import itertools
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("BAROGRAPH_DATASETS", ROOT.parent / "shared/data"))
SKIPPED = 77
DAY = 86400
WARM_UP = 0.15
KEEP = DAY  # keep_firing_for of both detectors
# The same sweep for both: window, history in days, limit, direction.
SWEEP = list(itertools.product((300, 3600), (7, 10, 14), (4, 5, 6), ("both", "up")))
CHOSEN = (300, 10, 5, "both")  # recommended by docs/anomaly.md
SAMPLES_MAX = 4200  # judged by one scenario file, beside the history that it reads: a file holds at most 100,000 values
STEP = re.compile(r"\{at: ([0-9dhms]+), rule: r(\d+), .*state: (firing|resolved)")


class Series:
    def __init__(self, path, windows):
        self.name = path.name.removesuffix(".csv.gz")
        with gzip.open(path, "rt", newline="") as file:
            rows = [(seconds(row["timestamp"]), row["value"]) for row in csv.DictReader(file)]
        rows.sort(key=lambda row: row[0])
        self.times, self.texts = [time for time, _ in rows], [text for _, text in rows]
        self.values = [float(text) for text in self.texts]
        self.judged_from = self.times[0] + WARM_UP * (self.times[-1] - self.times[0])
        self.days = (self.times[-1] - self.judged_from) / DAY
        self.windows = [(seconds(begin), seconds(end)) for begin, end in windows]


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp())


def read_series(folder):
    labels = json.loads((folder / "labels.json").read_text())
    return [Series(folder / (name + ".gz"), windows) for name, windows in sorted(labels.items())]


# --- Barograph -------------------------------------------------------------------------------------


def offset(text):
    unit = {"d": DAY, "h": 3600, "m": 60, "s": 1}
    return sum(int(number) * unit[letter] for number, letter in re.findall(r"(\d+)([dhms])", text))


def scenario(series, first, last, settings):
    """A scenario file of the samples [first, last) with a rule for each setting."""
    begin = series.times[first]
    start = datetime.datetime.fromtimestamp(begin, datetime.timezone.utc)
    lines = ["apiVersion: barograph/v1", "thresholds:"]
    for number, (over, days, limit, direction) in enumerate(settings):
        lines.append(f"  - {{name: r{number}, when: {{mean: sample:value, over: {over}s, anomaly: {limit}, "
                     f"of_baseline: {days}d, direction: {direction}}}, keep_firing_for: {KEEP}s}}")
    lines += ["scenarios:", f"  - name: {series.name}", f"    start: {start:%Y-%m-%d %H:%M:%S}", "    never: others",
              f"    until: {series.times[last - 1] - begin + 2 * KEEP}s", "    events:"]
    lines += [f"      - {{at: {series.times[i] - begin}s, sample: {{name: value, value: {series.texts[i]}, type: GAUGE}}}}"
              for i in range(first, last)]
    return "\n".join(lines) + "\n"


def parts(series, settings):
    """[(first sample read, first that counts, end)]: as many as one file takes, each with the history it looks at."""
    history = max(days for _, days, _, _ in settings) * DAY + 2 * KEEP
    begin, found = 0, []
    while begin < len(series.times):
        first = bisect.bisect_left(series.times, series.times[begin] - history)
        end = min(len(series.times), begin + SAMPLES_MAX)
        found.append((first, begin, end))
        begin = end
    return found


def run_part(barograph, series, settings, part):
    """The steps of each rule: {number of the setting: [(time, state)]}."""
    first, _, end = part
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(scenario(series, first, end, settings))
        file.flush()
        done = subprocess.run([barograph, "rules", "test", file.name, "--show", "-o", "json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    answer = json.loads(done.stdout)["files"][0]
    if answer.get("refused") or answer["scenarios"][0].get("error"):
        raise RuntimeError(answer.get("refused") or answer["scenarios"][0]["error"])
    steps = {number: [] for number in range(len(settings))}
    for text in answer["scenarios"][0].get("came", []):
        match = STEP.search(text)
        if match:
            steps[int(match[2])].append((series.times[first] + offset(match[1]), match[3]))
    return steps


def alerts_of(series, steps, part):
    """[(start, last moment at which the condition held)] of one part, without what belongs to the part before.

    Every alert resolves: a scenario goes on for twice KEEP without samples.
    """
    _, begin, end = part
    counts_from = series.times[begin]
    counts_to = series.times[end] if end < len(series.times) else math.inf
    found, start = [], None
    for time, state in steps:
        if state == "firing":
            start = time
        else:
            found.append((start, time - KEEP))
    return [(start, last) for start, last in found if counts_from <= start < counts_to]


def run_barograph(barograph, every, settings, jobs):
    """{series name: [alerts of each setting]}"""
    work = [(series, part) for series in every for part in parts(series, settings)]
    work.sort(key=lambda item: item[0].times[item[1][0]] - item[0].times[item[1][2] - 1])  # the longest first
    results = {series.name: [[] for _ in settings] for series in every}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        ran = pool.map(lambda item: run_part(barograph, item[0], settings, item[1]), work)
        for done, ((series, part), steps) in enumerate(zip(work, ran), 1):
            if sys.stderr.isatty():
                print(f"\r{done} of {len(work)} runs", end="\n" if done == len(work) else "", file=sys.stderr, flush=True)
            for number, own in steps.items():
                results[series.name][number] += alerts_of(series, own, part)
    return results


# --- The peer --------------------------------------------------------------------------------------


def gaussian(series, setting):
    """|x - mean| > limit x standard deviation, of the windows that ended in the history before this one began."""
    over, days, limit, direction = setting
    times = series.times
    sums = list(itertools.accumulate(series.values, initial=0.0))
    means = []
    for i, time in enumerate(times):
        first = bisect.bisect_right(times, time - over)
        means.append((sums[i + 1] - sums[first]) / (i + 1 - first))
    sums = list(itertools.accumulate(means, initial=0.0))
    squares = list(itertools.accumulate((one * one for one in means), initial=0.0))
    found = []
    for i, time in enumerate(times):
        first, last = bisect.bisect_left(times, time - over - days * DAY), bisect.bisect_right(times, time - over)
        if time < series.judged_from or last - first < 2:
            continue
        mean = (sums[last] - sums[first]) / (last - first)
        deviation = math.sqrt(max((squares[last] - squares[first]) / (last - first) - mean * mean, 0.0))
        distance = means[i] - mean if direction == "up" else abs(means[i] - mean)
        if deviation <= 1e-9 or distance <= limit * deviation:
            continue
        if found and time - found[-1][1] < KEEP:
            found[-1][1] = time
        else:
            found.append([time, time])
    return [tuple(one) for one in found]


# --- Scores ----------------------------------------------------------------------------------------


class Score:
    def __init__(self, windows=0, found=0, false=0, days=0.0, delays=()):
        self.windows, self.found, self.false, self.days, self.delays = windows, found, false, days, list(delays)

    @staticmethod
    def of(series, alerts):
        alerts = [one for one in alerts if one[0] >= series.judged_from]
        delays = []
        for begin, end in series.windows:
            starts = [start for start, _ in alerts if begin <= start <= end]
            if starts:
                delays.append(min(starts) - begin)
        false = sum(not any(start <= end and last >= begin for begin, end in series.windows) for start, last in alerts)
        return Score(len(series.windows), len(delays), false, series.days, delays)

    @staticmethod
    def total(scores):
        scores = list(scores)
        return Score(*(sum(getattr(one, field) for one in scores) for field in ("windows", "found", "false", "days")),
                     [delay for one in scores for delay in one.delays])

    @property
    def precision(self):
        return self.found / (self.found + self.false) if self.found + self.false else 0.0

    @property
    def recall(self):
        return self.found / self.windows

    @property
    def f1(self):
        return 2 * self.found / max(self.found + self.false + self.windows, 1)

    def cells(self):
        delay = f"{statistics.median(self.delays) / 3600:.1f} h" if self.delays else "-"
        return (f"{self.found} of {self.windows}", str(self.false), f"{self.precision:.2f}", f"{self.recall:.2f}",
                f"{self.f1:.2f}", delay, f"{self.false / self.days:.3f}")


def best(table, names):
    """The setting with the highest F1 over these series; of equal ones the first."""
    return max(range(len(table[names[0]])), key=lambda number: Score.total(table[name][number] for name in names).f1)


def summary(table):
    """The best setting, its total, and the total of what each series scores under the best setting of the others."""
    names = list(table)
    chosen = best(table, names)
    left_out = {name: best(table, [other for other in names if other != name]) for name in names}
    return (chosen, Score.total(table[name][chosen] for name in names),
            Score.total(table[name][number] for name, number in left_out.items()))


def text_of(setting):
    over, days, limit, direction = setting
    return f"mean over {over // 60}m, anomaly {limit}, of_baseline {days}d, direction {direction}"


def print_table(title, table, settings):
    chosen, total, left_out = summary(table)
    print(f"{title}: {text_of(settings[chosen])}, the best of {len(settings)}\n")
    print("| Series | Found | False alarms | Precision | Recall | F1 | Median delay | False alarms a day |")
    print("|---|---|---|---|---|---|---|---|")
    for name, scores in table.items():
        print("| " + " | ".join((name, *scores[chosen].cells())) + " |")
    print("| " + " | ".join(("**all**", *total.cells())) + " |")
    if len(settings) > 1:
        print("| " + " | ".join(("left out", *left_out.cells())) + " |")
    every = [Score.total(scores[number] for scores in table.values()).f1 for number in range(len(settings))]
    print(f"\nF1 of all settings: median {statistics.median(every):.2f}, from {min(every):.2f}\n")
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--barograph", default=str(ROOT / "build/release/barograph"))
    parser.add_argument("--data", type=pathlib.Path, default=FOLDER, help="the folder that holds nab/ (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="scenarios at once (%(default)s)")
    parser.add_argument("--chosen", action="store_true", help="only the setting that docs/anomaly.md recommends")
    parser.add_argument("--series", default="", help="only series whose name contains this")
    options = parser.parse_args()
    folder = options.data / "nab"
    if not folder.exists():
        print(f"skipped: the series are not in {folder}", file=sys.stderr)
        return SKIPPED
    every = [series for series in read_series(folder) if options.series in series.name]
    settings = [CHOSEN] if options.chosen else SWEEP
    alerts = run_barograph(options.barograph, every, settings, options.jobs)
    ours = {series.name: [Score.of(series, one) for one in alerts[series.name]] for series in every}
    peer = {series.name: [Score.of(series, gaussian(series, setting)) for setting in settings] for series in every}
    ahead = print_table("Barograph", ours, settings).f1 - print_table("Gaussian tail", peer, settings).f1
    print(f"F1 of Barograph less that of the Gaussian tail: {ahead:+.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
