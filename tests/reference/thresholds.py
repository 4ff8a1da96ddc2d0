"""Thresholds: a number over a window against a bound, its past, or what is usual.

Written from docs/rules.md. Values are fractions, recomputed from the lists of windows.py each time.
"""

import math
from fractions import Fraction

import windows
from rule import RESUME_GRACE, Rule, Verdict
from windows import DAY, HOUR, MINUTE, SECOND

KEPT = 35 * DAY
DAYS_MIN = 3
SPARSE = 25
HOURS_BESIDE = 2
# Shewhart's d2: the mean range of so many normal samples, in standard deviations.
MEAN_RANGES = [(2, 1.1284), (3, 1.6926), (4, 2.0588), (5, 2.3259), (6, 2.5344), (8, 2.8472), (12, 3.2585), (16, 3.532),
               (24, 3.8953), (32, 4.1393), (48, 4.4662), (64, 4.6875), (96, 4.9859), (128, 5.1892), (256, 5.6537),
               (512, 6.0878), (1024, 6.4965), (2048, 6.8836), (4096, 7.2522)]
MONEY = {"cost", "cost.amount", "fees", "payment.amount", "payouts", "revenue.gross",
         "revenue.net", "revenue.refunds", "task.value"}
DISTRIBUTIONS = {"cost.amount", "feedback.score", "payment.amount", "request.duration",
                 "task.duration", "task.quality"}
NANO = 10**9


def unit(name):
    """Parts of one unit that sums of this measure are integers of."""
    return NANO if name in MONEY or name in DISTRIBUTIONS or name.startswith("sample:") else 1


def floor_to(time, width):
    return time // width * width


def representative(index):
    """The value that stands for a bucket of the sketch, in doubles as docs of sketch.h say."""
    size = abs(index)
    if size < 64:
        return float(index)
    shift = size // 64 - 1
    low = math.ldexp(64 + size % 64, shift)
    high = low + math.ldexp(1.0, shift)
    shown = low if shift == 0 else 2 * low * high / (low + high)
    return shown if index >= 0 else -shown


def overlap(first_from, first_to, other_from, other_to):
    return max(0, min(first_to, other_to) - max(first_from, other_from))


class Reading:
    """What a form reads over one window. `value` is None when there is none."""

    def __init__(self, value, events, empty):
        self.value, self.events, self.empty = value, events, empty


class Threshold(Rule):
    """One `thresholds:` item."""

    def __init__(self, spec, derived, slos):
        super().__init__(spec)
        self.derived = {one["name"]: one for one in derived}
        self.form = spec["form"]
        self.slo = next((slo for slo in slos if slo.name == spec["slo"]), None)
        of_slo = self.form == "budget_remaining"
        if of_slo:
            self.by, self.where = self.slo.by, self.slo.where
        self.levels = [(spec["severity"], "", [])]
        self.over, self.span, self.per = spec["over_ns"], spec["span_ns"], spec["per_ns"]
        self.bound = Fraction(spec["bound"])
        self.currency = spec["currency"] or "USD"
        if of_slo:
            return
        self.of, self.to = self.parts(spec["measure"], spec["whole"])
        self.is_sum = self.of[0][0] not in DISTRIBUTIONS and self.form not in ("mean", "last", "distinct")
        self.additive = self.form == "distinct" or self.form == "count" or (self.is_sum and self.form != "ratio")

    # --- What is measured ------------------------------------------------------------------------

    def terms(self, name, sign=1):
        """[(measure, sign)] that a name comes down to."""
        made = self.derived.get(name)
        if made is None:
            return [(name, sign)]
        found = []
        for place, part in enumerate(made["parts"]):
            found += self.terms(part, -sign if made["type"] == "minus" and place else sign)
        return found

    def parts(self, measure, whole):
        if self.form != "ratio":
            return self.terms(measure), []
        if not whole:
            measure, whole = self.derived[measure]["parts"]
        return self.terms(measure), self.terms(whole)

    def qualifier(self, name):
        return self.currency if name in MONEY else ""

    def sum_now(self, terms, cell, at, span):
        low, high = windows.bounds(at, span, windows.SUM_LEVELS)
        return sum(sign * cell.sum_between(name, self.qualifier(name), low, high)
                   for name, sign in terms)

    def sum_ago(self, terms, cell, at, span, ago):
        """Buckets that [at - ago - span, at - ago) covers in part count by their share."""
        width = next(width for width, reach in windows.SUM_LEVELS if span + ago <= reach)
        end = floor_to(at - ago, SECOND)
        begin = end - span
        total = Fraction(0)
        for name, sign in terms:
            low, high = floor_to(begin, width), floor_to(end - 1, width) + width
            for time, value, _ in cell.inside("sum", name, self.qualifier(name), low, high):
                bucket = floor_to(time, width)
                share = Fraction(overlap(begin, end, bucket, bucket + width), width)
                total += sign * value * share
        return total

    def had_begun(self, cell, at, time):
        if cell.judged_from <= time:
            return True
        ago = at - time
        before = KEPT - -(-ago // HOUR) * HOUR
        return before > 0 and any(self.sum_ago([(name, 1)], cell, at, before, ago) != 0
                                  for name, _ in self.of + self.to)

    def of_sums(self, of, to):
        counted = self.to if self.form == "ratio" else self.of
        counts = unit(counted[0][0]) == 1
        of_unit = unit(self.of[0][0])
        if self.form == "ratio":
            value = Fraction(of) * unit(self.to[0][0]) / (of_unit * to) if to > 0 else None
            events = math.floor(abs(to)) * (1 if to >= 0 else -1) if counts else 0
            return Reading(value, events, to <= 0)
        value = Fraction(of) / of_unit
        if self.form == "rate":
            value = value * self.per / self.over
        events = math.floor(abs(of)) * (1 if of >= 0 else -1) if counts else 0
        return Reading(value, events, of == 0)

    def of_values(self, cell, low, high):
        name = self.of[0][0]
        if self.form in ("mean", "last"):
            found = windows.Store.gauge(cell.inside("level", name, "gauge", low, high))
            count = found["count"]
            if count == 0:
                return Reading(None, 0, True)
            if self.form == "last":
                return Reading(Fraction(found["last"], NANO), count, False)
            return Reading(Fraction(int(found["sum"]), NANO * count), count, False)
        entries = cell.inside("value", name, self.qualifier(name), low, high)
        share = Fraction(self.spec["quantile"]) if self.form == "quantile" else Fraction(0)
        found = windows.Store.quantile(entries, share)
        count = found["count"]
        if self.form == "count":
            return Reading(Fraction(count), count, count == 0)
        if count == 0:
            return Reading(None, 0, True)
        return Reading(Fraction(int(representative(found["bucket"])), NANO), count, False)

    def now(self, cell, at):
        if self.is_sum:
            return self.of_sums(self.sum_now(self.of, cell, at, self.over),
                                self.sum_now(self.to, cell, at, self.over))
        if self.form == "distinct":
            low, high = windows.bounds(at, self.over, windows.DISTINCT_LEVELS)
            entries = cell.inside("distinct", self.of[0][0], "", low, high)
            count = len({text for _, text, _ in entries})
            return Reading(Fraction(count), count, count == 0)
        return self.of_values(cell, *windows.bounds(at, self.over, windows.MERGED_LEVELS))

    def before(self, cell, at, ago):
        end = at - ago
        begin = end - self.over
        if not self.is_sum:
            return self.of_values(cell, floor_to(begin, HOUR), floor_to(end - 1, HOUR) + HOUR)
        reading = self.of_sums(self.sum_ago(self.of, cell, at, self.over, ago),
                               self.sum_ago(self.to, cell, at, self.over, ago))
        if self.form != "ratio" and not self.had_begun(cell, at, begin):
            reading.value = None
        return reading

    # --- What it is compared with ----------------------------------------------------------------

    def stretched(self, value, away):
        return value * (self.over // SECOND) / max((self.over - away) // SECOND, 1)

    def references(self, cell, at, gaps):
        previous = self.spec["versus"] == "previous"
        step, count = (self.span, 1) if previous else (DAY, self.span // DAY)
        found = []
        for number in range(1, count + 1):
            value = self.before(cell, at, number * step).value
            away = self.away(at - number * step, gaps)
            if value is None or 2 * away > self.over:
                continue
            found.append(self.stretched(value, away) if self.additive and away else value)
        return found

    def hours_of_level(self, cell, at, gaps):
        """Of a level: the days that are known, and [(mean, spread of the samples)] of their hours and those beside."""
        known, found = 0, []
        for day in range(1, self.span // DAY + 1):
            for beside in range(-HOURS_BESIDE, HOURS_BESIDE + 1):
                end = at - day * DAY - beside * HOUR
                low, high = floor_to(end - self.over, HOUR), floor_to(end - 1, HOUR) + HOUR
                gauge = windows.Store.gauge(cell.inside("level", self.of[0][0], "gauge", low, high))
                if gauge["count"] == 0 or 2 * self.away(end, gaps) > self.over:
                    continue
                known += beside == 0
                spread = (gauge["max"] - gauge["min"]) / NANO / mean_range(gauge["count"])
                found.append((int(gauge["sum"]) / (NANO * gauge["count"]), spread if gauge["count"] > 1 else None))
        return known, found

    def within(self, hours):
        """What a window shorter than an hour has of the spread of samples within the hours."""
        spreads = sorted(spread for _, spread in hours if spread is not None)
        if not spreads:
            return 0.0
        return spreads[math.ceil(0.75 * len(spreads)) - 1] * math.sqrt(max(HOUR - self.over, 0) / HOUR)

    def is_beyond(self, value, references):
        """Whether `anomaly` holds; None when there is no scale."""
        within = 0.0
        if self.form == "mean":
            within, references = self.within(references), [mean for mean, _ in references]
        counts = self.form in ("sum", "count", "rate") and unit(self.of[0][0]) == 1
        if self.form == "rate":
            value, references = self.counted(value), [self.counted(one) for one in references]
        value, references = float(value), [float(one) for one in references]
        limit, size = float(self.bound), len(references)
        if counts and sum(references) < SPARSE * size:
            mean = (sum(references) - max(references) + 0.5) / (size - 1)
            return self.is_unlikely(value, mean, limit)
        centre = median(references)
        distances = sorted(abs(one - centre) for one in references)
        scale = 1.4826 * median(distances)
        if scale == 0:
            scale = 1.253314 * (sum(distances) / size)
        scale = max(math.hypot(scale, within), 0.01 * abs(centre))
        if counts:
            scale = max(scale, math.sqrt(max(centre, 1.0)))
        if scale == 0:
            return None
        return self.on_side(value > centre) and abs((value - centre) / scale) > limit

    def counted(self, rate):
        return rate * self.over / self.per

    def on_side(self, above):
        return self.spec["side"] == "both" or above == (self.spec["side"] == "above")

    def is_unlikely(self, value, mean, limit):
        count = int(max(value + 0.5, 0.0))
        tail = math.erfc(limit / math.sqrt(2)) / 2
        mass = [math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count + 400)]
        above = value > mean
        chance = math.fsum(mass[count:]) if above else math.fsum(mass[:count + 1])
        return self.on_side(above) and chance < tail

    def compare(self, value, reference):
        """`reference` is what the bound is a share of, or the references of an anomaly."""
        if self.spec["versus"] == "anomaly":
            return self.is_beyond(value, reference)
        bound = self.bound * reference
        return value > bound if self.spec["side"] == "above" else value < bound

    def yardstick(self, cell, at, gaps):
        """None while the rule is filling."""
        versus = self.spec["versus"]
        if versus == "number":
            filling = self.spec["side"] == "below" and self.additive
            return None if filling and not self.had_begun(cell, at, at - self.over) else Fraction(1)
        if versus == "anomaly" and self.form == "mean":
            known, references = self.hours_of_level(cell, at, gaps)
        else:
            references = self.references(cell, at, gaps)
            known = len(references)
        if versus == "previous":
            return references[0] if references else None
        days = self.span // DAY
        if known < max(DAYS_MIN, (days + 1) // 2):
            return None
        if versus == "baseline":
            return sorted(references)[(len(references) - 1) // 2]
        return references if self.is_beyond(Fraction(0), references) is not None else None

    # --- Whether it holds ------------------------------------------------------------------------

    def away(self, at, gaps):
        """Time of the window that ends at `at` without a server, or in the grace after a stop."""
        stretches = [(stop, back + RESUME_GRACE) for stop, back in gaps]
        begin, away = at - self.over, 0
        for stop, back in sorted(stretches):
            first, last = max(stop, begin), min(back, at)
            if first < last:
                away, begin = away + last - first, last
        return away

    def verdicts(self, history, values, now):
        cell = history.cells(self)[values]
        if self.form == "budget_remaining":
            verdict = self.judge_budget(history, cell, now)
        elif self.form == "new":
            verdict = self.judge_new(cell, now)
        else:
            verdict = self.judge(cell, now, history.gaps)
        verdict.condition = self.spec["condition"] if verdict.holds else ""
        return [verdict]

    def judge_budget(self, history, cell, now):
        bad, total = self.slo.share(history, cell, now, self.slo.spec["period_ns"])
        quiet = total == 0 or total < self.spec["min_events"]
        left = None if quiet else 1 - Fraction(bad, total) / self.slo.allowed
        return Verdict(not quiet and left < self.bound, quiet=quiet)

    def judge(self, cell, at, gaps):
        away = self.away(at, gaps)
        now = self.now(cell, at)
        few = now.events < self.spec["min_events"]
        if now.value is None or few:
            return Verdict(quiet=now.empty or few, unknown=away > 0)
        yardstick = self.yardstick(cell, at, gaps)
        if yardstick is None:
            return Verdict(quiet=True, unknown=away > 0)
        counted = self.compare(now.value, yardstick)
        verdict = Verdict(counted, quiet=now.empty)
        if away == 0 or not self.additive:
            return verdict
        if counted and self.spec["side"] == "above" and self.never_negative():
            return verdict
        if 2 * away <= self.over and self.compare(self.stretched(now.value, away), yardstick) == counted:
            return verdict
        return Verdict(quiet=now.empty, unknown=True)

    def never_negative(self):
        return not any(sign < 0 or name in ("revenue.net", "feedback.score") or
                       name.startswith("sample:") for name, sign in self.of)

    def judge_new(self, cell, at):
        count = sum(cell.sum_between(name, "", *windows.bounds(at, self.over, windows.SUM_LEVELS))
                    for name, _ in self.of)
        longer = sum(cell.sum_between(name, "", *windows.bounds(at, self.span, windows.SUM_LEVELS))
                     for name, _ in self.of)
        filling = not self.whole and at < self.since + self.span
        quiet = count == 0 or filling
        holds = not quiet and count >= self.spec["min_events"] and longer == count
        return Verdict(holds, quiet=quiet)


def mean_range(count):
    for (below, low), (above, high) in zip(MEAN_RANGES, MEAN_RANGES[1:]):
        if below <= count < above:
            return low + (count - below) / (above - below) * (high - low)
    return MEAN_RANGES[-1][1]


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
