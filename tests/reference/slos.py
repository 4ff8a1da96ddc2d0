"""SLOs: good and total events or time slices, burn rates, error budgets (design section 7)."""

import math
from fractions import Fraction

import windows
from rule import Rule, Verdict
from windows import MINUTE

FIRST_BAD_WINDOW = 5 * MINUTE  # of an objective of 100 %


class Row:
    """bad / total must be above `tolerated` over both windows."""

    def __init__(self, condition, long_window, short_window, tolerated):
        self.condition, self.tolerated = condition, tolerated
        self.long, self.short = long_window, short_window


class Slo(Rule):
    """One objective of the configuration, and the alerts that each of its instances has."""

    def __init__(self, spec, configured_at, defect):
        super().__init__(spec)
        self.configured_at = configured_at
        self.allowed = 1 - Fraction(spec["objective_ppb"], 10**9)
        self.slice = spec.get("slice")
        self.levels = []
        by_severity = {}
        if self.allowed == 0:
            first_bad = Row("first bad event", FIRST_BAD_WINDOW, FIRST_BAD_WINDOW, Fraction(0))
            by_severity[spec["severity"]] = [first_bad]
        for row in spec["burn"]:
            long_window = row["short_ns"] if defect == "wrong-factor" else row["long_ns"]
            factor = Fraction(row["budget"]) * Fraction(spec["period_ns"], long_window)
            made = Row(row["condition"], row["long_ns"], row["short_ns"], factor * self.allowed)
            by_severity.setdefault(row["severity"], []).append(made)
        self.levels += [(severity, "", rows) for severity, rows in by_severity.items()]
        if "freeze_below" in spec:
            tolerated = (1 - Fraction(spec["freeze_below"])) * self.allowed
            freeze = Row("freeze", spec["period_ns"], spec["period_ns"], tolerated)
            self.levels.append((spec["severity"], "freeze", [freeze]))

    def take_over(self, old, history, known):
        if isinstance(old, Slo) and old.slice_identity() == self.slice_identity():
            self.configured_at = old.configured_at

    def sliced(self):
        return self.slice["slice_ns"] if self.slice else 0

    def slice_identity(self):
        """Slices keep their history while this stays. Sums are integers, so only the integer
        beside the bound counts."""
        if not self.slice:
            return None
        bound = self.slice_bound()
        edge = math.floor(bound) if self.slice["above"] else math.ceil(bound)
        spec = self.slice
        return self.projection().key(), spec["measure"], spec["slice_ns"], spec["above"], edge

    def slice_bound(self):
        length = Fraction(self.slice["slice_ns"], self.slice["per_ns"])
        return Fraction(self.slice["bound"]) * length

    # --- What the numbers are --------------------------------------------------------------------

    def good_and_total(self, history, cell, low, high):
        if self.slice:
            return self.slices(history, cell, low, high)
        sums = []
        for indicator in (self.spec["good"], self.spec["total"]):
            qualifier = "<=%d" % indicator["at_most_nanos"] if "at_most_nanos" in indicator else ""
            sums.append(cell.sum_between(indicator["measure"], qualifier, low, high))
        return tuple(sums)

    def slices(self, history, cell, low, high):
        """Slices whose last nanosecond lies in [low, high): how many were good, and of how many."""
        length = self.slice["slice_ns"]
        bound = self.slice_bound()
        good = total = 0
        known_from = max(cell.judged_from, self.configured_at)
        first_end = max(low, known_from) // length * length
        gaps = [gap for gap in history.gaps if gap[1] > low - length]
        for end in range(first_end, min(history.log_time, high) + 1, length):
            start = end - length
            excluded = any(begin < end and start < stop for begin, stop in gaps)
            if end <= known_from or excluded or not low <= end - 1 < high:
                continue
            amount = cell.sum_between(self.slice["measure"], "", start, end)
            total += 1
            good += amount > bound if self.slice["above"] else amount < bound
        return good, total

    def share(self, history, cell, at, window):
        """Bad and all over a window."""
        low, high = windows.bounds(at, window, windows.SUM_LEVELS, history.defect)
        good, total = self.good_and_total(history, cell, low, high)
        return max(total - good, 0), max(total, 0)

    def budgets(self, history, at):
        """The error budget of every instance."""
        found = []
        for values, cell in history.cells(self).items():
            period = self.spec["period_ns"]
            low, high = windows.bounds(at, period, windows.SUM_LEVELS, history.defect)
            good, total = self.good_and_total(history, cell, low, high)
            bad = max(total - good, 0)
            allowed = max(total, 0) * self.allowed
            remaining = Fraction(0 if bad else 1) if allowed == 0 else 1 - bad / allowed
            found.append({"rule": self.name, "labels": dict(zip(self.by, values)),
                          "good": str(good), "total": str(total),
                          "remaining": float(remaining)})
        return found

    # --- Whether it holds ------------------------------------------------------------------------

    def holds(self, history, cell, row, at):
        bad, total = self.share(history, cell, at, row.short)
        if total == 0 or Fraction(bad, total) <= row.tolerated:
            return False
        bad, total = self.share(history, cell, at, row.long)
        if total == 0 or total < self.spec["min_events"]:
            return False
        return Fraction(bad, total) > row.tolerated

    def verdicts(self, history, values, now):
        cell = history.cells(self)[values]
        found = []
        for _, _, rows in self.levels:
            row = next((row for row in rows if self.holds(history, cell, row, now)), None)
            quiet = all(self.share(history, cell, now, row.short)[1] == 0 or
                        self.share(history, cell, now, row.long)[1] < self.spec["min_events"]
                        for row in rows)
            found.append(Verdict(row is not None, row.condition if row else "", quiet=quiet))
        return found

    def blinded(self, history, values, level, now):
        """Whether some row may be false only because the last stop left its windows with too few
        events."""
        cell = history.cells(self)[values]
        _, policy, rows = self.levels[level]
        for row in rows if not policy else ():
            bad, total = self.share(history, cell, now, row.short)
            if total == 0:
                if now - row.short < history.resumed_at:
                    return True
            elif Fraction(bad, total) > row.tolerated and now - row.long < history.resumed_at:
                bad, total = self.share(history, cell, now, row.long)
                if 0 < total < self.spec["min_events"] and Fraction(bad, total) > row.tolerated:
                    return True
        return False
