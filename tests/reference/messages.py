"""What the reference model tells of single events: who is told, and what the limits hold back."""

import measures
import windows
from windows import SECOND

TOLD_LATE = windows.HOUR  # older events are told in a digest, not alone


def duration_text(seconds):
    parts = [(seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s")]
    return "".join("%d%s" % part for part in parts if part[0]) or "0s"


class NoticeRule:
    """One notice of the configuration, and its window."""

    def __init__(self, spec):
        self.spec = spec
        self.begin, self.told, self.more = None, 0, 0
        self.owed, self.owed_begin = 0, None  # of windows that are over

    def labels(self, dimensions=None):
        labels = {"alertname": self.spec["name"], "rule": self.spec["name"], "severity": "info"}
        for name in self.spec["by"]:
            if (dimensions or {}).get(name):
                labels.setdefault(name, dimensions[name])
        return labels

    def matches(self, dimensions, names):
        where = self.spec["where"]
        passes = all(dimensions.get(name, "") in values for name, values in where.items())
        return passes and self.spec["each"] in names

    def take(self, log_time, extra):
        """Whether the event is told alone."""
        if self.begin is None or log_time >= self.begin + self.spec["per_ns"]:
            if self.more and not self.owed:
                self.owed_begin = self.begin
            self.owed += self.more
            self.begin, self.told, self.more = log_time, 0, 0
        if self.told >= self.spec["limit"] + extra:
            self.more += 1
            return False
        self.told += 1
        return True

    def summary(self, now):
        """What is to be told of windows that are over, an empty text for nothing."""
        if self.owed:
            return self.text(self.owed, self.owed_begin)
        over = self.more and now >= self.begin + self.spec["per_ns"]
        return self.text(self.more, self.begin) if over else ""

    def summed_up(self):
        if self.owed:
            self.owed, self.owed_begin = 0, None
        else:
            self.begin, self.told, self.more = None, 0, 0

    def text(self, count, begin):
        text = duration_text(self.spec["per_ns"] // SECOND)
        return "and %d more within %s from %s" % (count, text, measures.utc(begin // SECOND))


class Messages:
    def __init__(self, notifier, defect=None):
        self.notifier, self.defect = notifier, defect
        self.rules = {}
        self.waiting = []  # (labels, text), for the next evaluation

    def configure(self, specs):
        before, self.rules = self.rules, {}
        for spec in specs:
            rule = self.rules[spec["name"]] = NoticeRule(spec)
            if spec["name"] in before:
                rule.__dict__.update(before[spec["name"]].__dict__, spec=spec)
        if not self.rules:
            self.waiting = []

    def held(self, labels):
        if self.defect == "silence-ignored":
            return False
        return (self.notifier.silenced(labels) or
                self.notifier.inhibited(labels, self.notifier.firing))

    def take(self, event, dimensions, time, log_time, names):
        if time < log_time - TOLD_LATE:
            return
        extra = 1 if self.defect == "limit-off-by-one" else 0
        for rule in self.rules.values():
            labels = rule.labels(dimensions)
            if not rule.matches(dimensions, names) or self.held(labels):
                continue
            if rule.take(log_time, extra):
                kind = measures.kind_of(event)
                customer = event[kind].get("customer", "")
                text = "%s of %s by %s" % (kind, customer, event.get("agent", ""))
                self.waiting.append((labels, text))

    def told(self, labels, text):
        return [{"receiver": node["receiver"], "text": text}
                for _, node in self.notifier.routes(labels)]

    def decide(self):
        waiting, self.waiting = self.waiting, []
        return [one for labels, text in waiting for one in self.told(labels, text)]

    def whole_second(self, now):
        """Windows that are over, one a rule; a silence puts them off."""
        found = []
        for rule in self.rules.values():
            text = rule.summary(now)
            if text and not self.held(rule.labels()):
                found += self.told(rule.labels(), text)
                rule.summed_up()
        return found
