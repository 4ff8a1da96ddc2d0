#!/usr/bin/env python3
"""Runs the engine and the reference model over the same random streams and compares every answer.

Exact: sums, counts, gauges, distinct counts, error budgets, transitions, notices, messages about
events. Quantiles: the same bucket index, and a value within 1 % of the exact one. With --defect the
model makes one mistake on purpose, and the run succeeds when it is caught.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import model

MODEL = pathlib.Path(__file__).with_name("model.py")
WIDEST_ERROR = 0.01
WORKERS = os.cpu_count() or 1


def ordered(items):
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def differences(engine, reference):
    """What two answers to one line disagree on; an empty text when they agree."""
    engine, reference = dict(engine), dict(reference)
    for answer in (engine, reference):
        for notice in answer.get("notices", ()):
            notice["members"] = ordered(notice["members"])
        for name in ("transitions", "messages", "budgets", "spending", "notices"):
            if name in answer:
                answer[name] = ordered(answer[name])
    if "exact" in reference:
        exact, value = reference.pop("exact"), engine.pop("value", 0)
        if abs(value - exact) > WIDEST_ERROR * abs(exact):
            return "quantile %r is not within 1 %% of %r" % (value, exact)
    if "budgets" in engine and len(engine["budgets"]) == len(reference.get("budgets", ())):
        # The last digit of a double that was rounded twice.
        for one, other in zip(engine["budgets"], reference["budgets"]):
            error = abs(one["remaining"] - other["remaining"])
            if error <= 1e-12 * max(1, abs(other["remaining"])):
                other["remaining"] = one["remaining"]
    if engine == reference:
        return ""
    texts = tuple(json.dumps(answer, sort_keys=True) for answer in (engine, reference))
    return "engine    %s\n  reference %s" % texts


def run_seed(driver, seed, seconds, defect, keep):
    """(difference, counts) of one seed; stops at the first difference."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(keep or folder)
        folder.mkdir(parents=True, exist_ok=True)
        given, answered = folder / ("input-%d.ndjson" % seed), folder / ("answers-%d.ndjson" % seed)
        subprocess.run([driver, str(seed), str(seconds), given, answered], check=True)
        command = [sys.executable, MODEL] + (["--defect", defect] if defect else [])
        with open(given, encoding="utf-8") as lines:
            run = subprocess.run(command, stdin=lines, check=True, text=True,
                                 stdout=subprocess.PIPE)
        engine = [json.loads(line) for line in answered.read_text(encoding="utf-8").splitlines()]
        reference = [json.loads(line) for line in run.stdout.splitlines()]
    counts = {"answers": len(engine)}
    for name in ("transitions", "notices", "messages"):
        counts[name] = sum(len(answer.get(name, ())) for answer in engine)
    for one, other in itertools.zip_longest(engine, reference, fillvalue={}):
        difference = differences(one, other)
        if difference:
            place = "seed %d, line %s:\n  %s" % (seed, one.get("line"), difference)
            return place, counts
    return "", counts


def run_seeds(options, defect):
    """The first difference over all seeds, with the numbers of what was compared."""
    counts = {}
    first = ""
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        fixed = (options.seconds, defect, options.keep)
        work = [pool.submit(run_seed, options.driver, seed, *fixed) for seed in seeds]
        for one in work:
            if first and defect:
                one.cancel()
                continue
            difference, some = one.result()
            counts = {name: counts.get(name, 0) + number for name, number in some.items()}
            if difference and not (first and defect):
                first = first or difference
                if not defect:
                    print(difference)
    return first, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", required=True, help="path of reference_replay_driver")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=420, help="simulated seconds a seed")
    parser.add_argument("--defect", choices=model.DEFECTS)
    parser.add_argument("--all-defects", action="store_true")
    parser.add_argument("--keep", help="folder in which inputs and answers stay")
    options = parser.parse_args()
    if options.all_defects or options.defect:
        missed = []
        for defect in [options.defect] if options.defect else model.DEFECTS:
            first, _ = run_seeds(options, defect)
            verdict = "caught at " + first.splitlines()[0] if first else "NOT caught"
            print("%s: %s" % (defect, verdict))
            missed += [] if first else [defect]
        return 1 if missed else 0
    first, counts = run_seeds(options, None)
    told = ", ".join("%d %s" % (number, name) for name, number in counts.items())
    print("%d seeds, %s: %s" % (options.seeds, told, "DIFFERENT" if first else "equal"))
    tame = any(number == 0 for number in counts.values())
    if tame:
        print("nothing of one of them: the streams are too tame to prove anything")
    return 1 if first or tame else 0


if __name__ == "__main__":
    sys.exit(main())
