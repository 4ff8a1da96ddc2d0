"""What the reference model knows of absences: the newest event of each instance."""

from rule import Rule, Verdict
from windows import SECOND


class Absence(Rule):
    """One absence of the configuration."""

    def __init__(self, spec):
        super().__init__({**spec, "for_ns": 0})
        self.levels = [(spec["severity"], "", [])]
        self.seen = {}  # values -> event time

    def identity(self):
        return self.projection().key(), self.spec["measure"]

    def take_over(self, old, history, known):
        if isinstance(old, Absence) and old.identity() == self.identity():
            self.seen = old.seen
        elif known:
            self.seen = newest_buckets(history.cells(self), self.spec["measure"])

    def see(self, history, projection, values, time, found, now):
        if (projection == self.projection().key() and
                any(name == self.spec["measure"] for _, name, _, _ in found)):
            self.seen[values] = max(time, self.seen.get(values, time))

    def expects(self):
        return {(name,) for name in self.spec["expected"]} if self.by else {()}

    def instances(self, history):
        """Those that had an event, and those that are expected."""
        found = super().instances(history)
        return found + [values for values in self.expects() if values not in history.cells(self)]

    def silent_since(self, values):
        """None for whom nobody expects before the first event."""
        if values in self.seen:
            return self.seen[values]
        return self.since if values in self.expects() else None

    def moments(self, history, values):
        since = self.silent_since(values)
        if since is None:
            return []
        spans = [self.spec["silence_ns"]]
        if values not in self.expects():
            spans.append(self.spec["seen_within_ns"])
        return [max(after(history.known_gaps(), since, span), history.grace_end())
                for span in spans]

    def verdicts(self, history, values, now):
        since = self.silent_since(values)
        silent = 0 if since is None else counted(history.known_gaps(), since, now)
        if silent < self.spec["silence_ns"]:
            return [Verdict()]
        gone = silent >= self.spec["seen_within_ns"] and values not in self.expects()
        return [Verdict(not gone, "silent", missing=True, ended=gone)]


def newest_buckets(cells, measure):
    """For a rule that is new for cells with history: the bucket of ten seconds that held the newest
    event of each."""
    found = {}
    for values, cell in cells.items():
        times = [time // (10 * SECOND) * (10 * SECOND)
                 for (_, name, _), entries in cell.series.items() if name == measure
                 for time, _, _ in entries]
        if times:
            found[values] = max(times)
    return found


def counted(gaps, start, end):
    """Time between the two without the gaps."""
    away = sum(max(0, min(stop, end) - max(begin, start)) for begin, stop in gaps)
    return max(0, end - start - away)


def after(gaps, start, span):
    """The moment at which so much has counted."""
    moment = start + span
    for begin, stop in sorted(gaps):
        if stop > start and begin < moment:
            moment += stop - max(begin, start)
    return moment
