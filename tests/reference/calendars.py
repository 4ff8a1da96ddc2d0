"""Periods of calendars in time zones, and what is summed up in them (docs/budgets.md).

A period begins to count when it is opened, at a whole second: the one of now, then the one that
follows. A sum that is new for a period takes over what its cell has of it, where the period lies on
whole hours of UTC; else it counts what arrives from then on.
"""

import datetime
import zoneinfo

from windows import HOUR, SECOND


def dates_of(calendar, day):
    """First day of the period that holds `day`, and of the one after it."""
    unit = calendar["unit"]
    if unit == "dates":
        first, last = (datetime.date.fromisoformat(calendar[name]) for name in ("from", "to"))
        return first, last + datetime.timedelta(days=1)
    if unit == "day":
        return day, day + datetime.timedelta(days=1)
    if unit == "week":
        monday = day - datetime.timedelta(days=day.weekday())
        return monday, monday + datetime.timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    ahead = first.month - 1 + months
    return first, first.replace(year=first.year + ahead // 12, month=ahead % 12 + 1)


def period_of(calendar, at):
    """[start, end) of the calendar's period that holds `at`; of dates the only one."""
    zone = zoneinfo.ZoneInfo(calendar["timezone"])
    day = datetime.datetime.fromtimestamp(at // SECOND, zone).date()
    # A midnight that the clocks skip stands for the moment at which they do, one that comes twice
    # for the first.
    return tuple(int(datetime.datetime(one.year, one.month, one.day, tzinfo=zone).timestamp()) *
                 SECOND for one in dates_of(calendar, day))


def key_of(calendar):
    return tuple(calendar[name] for name in ("unit", "timezone", "from", "to"))


class CalendarSum:
    """What cells of one projection count of a measure in each open period."""

    def __init__(self):
        self.totals = {}  # (values, period) -> total

    def add(self, values, period, amount):
        self.totals[values, period] = self.totals.get((values, period), 0) + amount


class Calendars:
    def __init__(self, defect=None):
        self.defect = defect
        self.calendars = {}  # key -> calendar
        self.opened = {}  # key -> periods
        self.sums = {}  # (projection, measure, qualifier, key) -> CalendarSum

    def configure(self, rules, store):
        """`rules`: budgets and goals of calendars."""
        before, self.sums = self.sums, {}
        self.calendars = {key_of(rule.calendar): rule.calendar for rule in rules}
        self.opened = {key: self.opened.get(key, []) for key in self.calendars}
        for rule in rules:
            identity = rule.sum_identity()
            if identity in self.sums:
                continue
            self.sums[identity] = before.get(identity) or CalendarSum()
            if identity not in before:
                for period in self.opened[identity[-1]]:
                    self.take_over(identity, period, store)

    def take_over(self, identity, period, store):
        projection, measure, qualifier, _ = identity
        if any(time % HOUR for time in period):
            return
        for values, cell in store.projections[projection].cells.items():
            amount = cell.sum_between(measure, qualifier, *period)
            self.sums[identity].add(values, period, amount)

    def whole_second(self, now, store):
        """Whether a period was opened."""
        any_opened = False
        for key, calendar in self.calendars.items():
            period = self.at(key, now)
            asked = {**calendar, "timezone": "UTC"} if self.defect == "zone-ignored" else calendar
            wanted = period_of(asked, now if period is None else period[1])
            if wanted in self.opened[key]:
                continue
            self.opened[key].append(wanted)
            any_opened = True
            for identity in self.sums:
                if identity[-1] == key:
                    self.take_over(identity, wanted, store)
        return any_opened

    def at(self, key, time):
        """The open period that holds a moment."""
        return next((period for period in self.opened[key] if period[0] <= time < period[1]), None)

    def count(self, projection, values, time, found):
        for (of, measure, qualifier, key), total in self.sums.items():
            period = self.at(key, time) if of == projection else None
            if period is None:
                continue
            total.add(values, period, sum(amount for sort, name, unit, amount in found
                                          if (sort, name, unit) == ("sum", measure, qualifier)))

    def total(self, identity, values, period):
        return self.sums[identity].totals.get((values, period), 0)
