"""Budgets and goals: what is spent or reached in a period (docs/budgets.md)."""

from fractions import Fraction

import calendars
import windows
from rule import Rule, Verdict
from windows import DAY, HOUR, SECOND

PROFILE_DAYS = 14
PPB = 10**9


def percent(share_ppb):
    """"12.5%"."""
    whole, rest = divmod(share_ppb * 100, PPB)
    return "%d%s%%" % (whole, (".%09d" % rest).rstrip("0") if rest else "")


class Spending(Rule):
    """What budgets and goals have in common: a measure that is summed up in periods."""

    def __init__(self, spec):
        super().__init__(spec)
        self.calendar = spec["period"]
        self.sum = spec["measure"], spec["currency"]

    def sum_identity(self):
        return (self.projection().key(), *self.sum, calendars.key_of(self.calendar))

    def period(self, history, at):
        return history.calendars.at(calendars.key_of(self.calendar), at)

    def total(self, history, values, period):
        return history.calendars.total(self.sum_identity(), values, period)

    def instances(self, history):
        """Those that had an event; without `by`, the one that is expected, too."""
        found = super().instances(history)
        return found if found or self.by else [()]

    def cell(self, history, values):
        return history.cells(self).get(values) or windows.Cell(0)

    def window(self, history, values, at, span):
        low, high = windows.bounds(at, span, windows.SUM_LEVELS, history.defect)
        return self.cell(history, values).sum_between(*self.sum, low, high)

    def is_few(self, events):
        """Whether what was counted is too little to be judged."""
        return 0 < self.spec["min_events"] and events < self.spec["min_events"]

    def standings(self, history, at):
        return [{"rule": self.name, "labels": dict(zip(self.by, values)),
                 **self.standing(history, values, at)} for values in self.instances(history)]


class Budget(Spending):
    def __init__(self, spec):
        super().__init__(spec)
        self.limit = int(spec["limit"])
        self.levels = [(one["severity"], "", [one]) for one in spec["alert_at"]]
        burn = {}
        for row in spec["burn"]:
            burn.setdefault(row["severity"], []).append(row)
        self.levels += [(severity, "burn", rows) for severity, rows in burn.items()]

    def spent(self, history, values, at):
        """None where no period is open."""
        if self.calendar is None:
            return self.window(history, values, at, self.spec["rolling_ns"])
        period = self.period(history, at)
        return None if period is None else self.total(history, values, period)

    def bound(self, row):
        return Fraction(self.limit * row["share_ppb"], PPB)

    def burns(self, history, values, row, at):
        long, short = row["long_ns"], row["short_ns"]
        return (not self.is_few(self.window(history, values, at, long)) and
                self.window(history, values, at, long) > self.bound(row) and
                self.window(history, values, at, short) * Fraction(long, short) > self.bound(row))

    def verdicts(self, history, values, now):
        spent = self.spent(history, values, now)
        found = []
        for _, policy, rows in self.levels:
            quiet = spent is None
            if quiet:
                holds = None
            elif policy:
                holds = next((row["condition"] for row in rows
                              if self.burns(history, values, row, now)), None)
                quiet = all(self.is_few(self.window(history, values, now, row["long_ns"]))
                            for row in rows)
            else:
                quiet = self.is_few(spent)
                reached = not quiet and spent >= self.bound(rows[0])
                holds = percent(rows[0]["share_ppb"]) if reached else None
            found.append(Verdict(holds is not None, holds, quiet=quiet))
        return found

    def blinded(self, history, values, level, now):
        """A short window without anything that reaches back into a stop."""
        return any("short_ns" in row and now - row["short_ns"] < history.resumed_at and
                   self.window(history, values, now, row["short_ns"]) == 0
                   for row in self.levels[level][2])

    def standing(self, history, values, at):
        spent = self.spent(history, values, at)
        period = self.period(history, at) if self.calendar else None
        begin = at - self.spec["rolling_ns"] if self.calendar is None else period and period[0]
        left = None if spent is None else self.limit - spent
        gone = None
        if left is not None and left <= 0:
            gone = at
        elif left is not None:
            rate = self.window(history, values, at, HOUR)
            most = period[1] - at if period else self.spec["rolling_ns"]
            seconds = left * 3600 // rate if rate > 0 else None
            if seconds is not None and seconds < most // SECOND:
                gone = at + seconds * SECOND
        return {"amount": str(spent or 0), "period": period, "expected_ppb": 0,
                "exhausted_at_ns": gone, "filling": begin is not None and self.since > begin}


class Goal(Spending):
    def __init__(self, spec, defect):
        super().__init__(spec)
        self.defect = defect
        self.target = int(spec["target"])
        self.levels = [(one["severity"], "", [one["share_ppb"]]) for one in spec["alerts"]]
        self.levels += [("INFO", "milestone-" + percent(share).removesuffix("%"), [share])
                        for share in spec["milestones"]]

    def over(self, period, at):
        """The part of a period that is over, in whole seconds."""
        return Fraction((at - period[0]) // SECOND, (period[1] - period[0]) // SECOND)

    def expected(self, history, values, period, at):
        """The share of the target that is expected by now."""
        if self.defect == "proration-ignored":
            return Fraction(1)
        if self.spec["prorate"] == "none":
            return Fraction(0)
        if self.spec["prorate"] == "profile":
            share = self.profile(history, values, period, at)
            if share is not None:
                return share
        return self.over(period, at)

    def profile(self, history, values, period, at):
        """What the same part of the day brought on average. Days before are stretches of 24 hours
        from the whole hour of UTC that holds the period's start."""
        days = (period[0] - self.since) // DAY
        if days < PROFILE_DAYS:
            return None
        cell = self.cell(history, values)
        hour, rest = divmod(at - period[0], HOUR)
        so_far = whole_day = Fraction(0)
        for day in range(1, min(days, 2 * PROFILE_DAYS) + 1):
            start = period[0] // HOUR * HOUR - day * DAY
            now = start + hour * HOUR
            so_far += cell.sum_between(*self.sum, start, now)
            so_far += (cell.sum_between(*self.sum, now, now + HOUR) *
                       Fraction(rest // SECOND, 3600))
            whole_day += cell.sum_between(*self.sum, start, start + DAY)
        return min(max(so_far / whole_day, Fraction(0)), Fraction(1)) if whole_day > 0 else None

    def judged(self, history, values, at):
        """(reached, expected share) of the period that is judged, or None."""
        if self.spec["prorate"] == "none":
            ended = [period for period in history.calendars.opened[calendars.key_of(self.calendar)]
                     if period[1] <= at < period[1] + HOUR and self.since <= period[0]]
            if not ended:
                return None
            return self.total(history, values, min(ended)), Fraction(1)
        period = self.period(history, at)
        if period is None or self.since > period[0]:
            return None
        if self.over(period, at) < Fraction(self.spec["not_before_ppb"], PPB):
            return None
        return self.total(history, values, period), self.expected(history, values, period, at)

    def verdicts(self, history, values, now):
        judged = self.judged(history, values, now)
        period = self.period(history, now)
        less_is_better = self.spec["at_most"]
        found = []
        for _, policy, (share,) in self.levels:
            if policy:
                reached = None if period is None else self.total(history, values, period)
                quiet = reached is None or self.is_few(reached)
                holds = not quiet and reached * PPB >= self.target * share
                found.append(Verdict(holds, percent(share), quiet=quiet))
                continue
            holds = False
            quiet = judged is None or self.is_few(judged[0])
            if not quiet:
                reached, expected = judged
                bound = Fraction(self.target * share, PPB) * expected
                holds = reached > bound if less_is_better else reached < bound
            condition = ("above " if less_is_better else "below ") + percent(share)
            found.append(Verdict(holds, condition, quiet=quiet,
                                 missing=not less_is_better))
        return found

    def standing(self, history, values, at):
        period = self.period(history, at)
        found = {"amount": "0", "period": period, "expected_ppb": 0, "exhausted_at_ns": None,
                 "filling": period is not None and self.since > period[0]}
        if period is not None:
            share = self.expected(history, values, period, at)
            found["expected_ppb"] = int(share * PPB)
            found["amount"] = str(self.total(history, values, period))
        return found
