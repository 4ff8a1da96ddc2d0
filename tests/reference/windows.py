"""Plain lists of what happened, and the window formula recomputed in full at every question."""

import math
from fractions import Fraction

SECOND = 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
# (bucket width, how far back the level reaches), finest first.
SUM_LEVELS = [(10 * SECOND, HOUR), (MINUTE, 6 * HOUR), (10 * MINUTE, 3 * DAY), (HOUR, 35 * DAY)]
DISTINCT_LEVELS = [(10 * MINUTE, 6 * HOUR), (HOUR, 35 * DAY)]
MERGED_LEVELS = [(MINUTE, 6 * HOUR), (HOUR, 35 * DAY)]
BUILT_IN = [(), ("agent",), ("type",), ("model",), ("category",), ("service",)]


def bounds(at, window, levels, defect=None):
    """[from, to) in nanoseconds: the buckets b with floor(T/r) - W/r < b <= floor(T/r)."""
    width = next(width for width, reach in levels if window <= reach)
    last = at // width
    first = last - window // width + 1
    if defect == "off-by-one-bucket":
        first -= 1
    return first * width, (last + 1) * width


def sketch_index(value):
    """DDSketch with 64 equal buckets in each power of two, as rules/window/sketch.h defines it."""
    size = abs(value)
    if size >= 64:
        exponent = size.bit_length() - 1
        size = (exponent - 5) * 64 + ((size >> (exponent - 6)) & 63)
    return size if value >= 0 else -size


class Cell:
    """One tuple of values of a projection: for each measure the (time, value, count) that came."""

    def __init__(self, judged_from):
        self.series = {}
        self.judged_from = judged_from

    def add(self, sort, name, qualifier, time, value, count):
        self.series.setdefault((sort, name, qualifier), []).append((time, value, count))

    def inside(self, sort, name, qualifier, low, high):
        entries = self.series.get((sort, name, qualifier), ())
        return [entry for entry in entries if low <= entry[0] < high]

    def sum_between(self, name, qualifier, low, high):
        return sum(value for _, value, _ in self.inside("sum", name, qualifier, low, high))


class Projection:
    """A set of dimensions and filters."""

    def __init__(self, by, where, built_in=False):
        self.by, self.where, self.built_in = tuple(by), where, built_in
        self.cells = {}
        self.identity = self.by, tuple(sorted((name, tuple(values))
                                              for name, values in where.items()))

    def key(self):
        return self.identity

    def cell_of(self, dimensions, time, log_time):
        """The event's cell, made when it is the first one; None when the event is not meant."""
        if any(dimensions.get(name, "") not in values for name, values in self.where.items()):
            return None
        values = tuple(dimensions.get(name, "") for name in self.by)
        if self.built_in and self.by and not values[0]:
            return None
        if values not in self.cells:
            self.cells[values] = Cell(max(log_time, time))
        return self.cells[values]


class Store:
    """All projections of one tenant."""

    def __init__(self, defect=None):
        self.defect = defect
        self.projections = {}
        for by in BUILT_IN:
            projection = Projection(by, {}, built_in=True)
            self.projections[projection.key()] = projection

    def configure(self, wanted):
        """Keeps built-in and wanted projections, adds the ones that are new."""
        keys = {projection.key() for projection in wanted}
        self.projections = {k: p for k, p in self.projections.items() if p.built_in or k in keys}
        for projection in wanted:
            self.projections.setdefault(projection.key(), projection)

    def forget(self, name, qualifier):
        for projection in self.projections.values():
            for cell in projection.cells.values():
                cell.series.pop(("sum", name, qualifier), None)

    def add(self, dimensions, time, log_time, yields, count):
        """Returns (projection, values) of every cell that was touched."""
        touched = []
        if not yields:
            return touched
        for projection in self.projections.values():
            cell = projection.cell_of(dimensions, time, log_time)
            if cell is None:
                continue
            for sort, name, qualifier, value in yields:
                cell.add(sort, name, qualifier, time, value, count)
            values = tuple(dimensions.get(name, "") for name in projection.by)
            touched.append((projection.key(), values))
        return touched

    def cell(self, by, where, values):
        key = Projection(by, where).key()
        return self.projections[key].cells.get(tuple(values)) if key in self.projections else None

    def answer(self, question):
        """One windowed number as the query of docs in README.md asks it."""
        cell = self.cell(question["by"], question["where"], question["values"])
        if cell is None:
            return {"missing": True}
        at, window = question.get("at_ns"), question.get("window_ns")
        name, qualifier, kind = question["measure"], question["qualifier"], question["kind"]
        if kind == "between":
            low, high = question["from_ns"], question["to_ns"]
            return {"sum": str(cell.sum_between(name, qualifier, low, high))}
        if kind == "sum":
            low, high = bounds(at, window, SUM_LEVELS, self.defect)
            return {"sum": str(cell.sum_between(name, qualifier, low, high))}
        levels = DISTINCT_LEVELS if kind == "distinct" else MERGED_LEVELS
        low, high = bounds(at, window, levels, self.defect)
        if kind == "distinct":
            entries = cell.inside("distinct", name, qualifier, low, high)
            return {"distinct": len({text for _, text, _ in entries})}
        if kind == "gauge":
            return self.gauge(cell.inside("level", name, qualifier, low, high))
        entries = cell.inside("value", name, qualifier, low, high)
        return self.quantile(entries, Fraction(question["q"]))

    @staticmethod
    def gauge(entries):
        if not entries:
            return {"count": 0}
        latest = max(time for time, _, _ in entries)
        return {
            "count": sum(count for _, _, count in entries),
            "last": [value for time, value, _ in entries if time == latest][-1],
            "min": min(value for _, value, _ in entries),
            "max": max(value for _, value, _ in entries),
            "sum": str(sum(value * count for _, value, count in entries)),
        }

    @staticmethod
    def quantile(entries, share):
        total = sum(count for _, _, count in entries)
        if total == 0:
            return {"count": 0}
        rank = max(1, math.ceil(share * total))
        for _, value, count in sorted(entries, key=lambda entry: entry[1]):
            rank -= count
            if rank <= 0:
                return {"count": total, "bucket": sketch_index(value), "exact": value}
        raise AssertionError("the rank is at most the count")
