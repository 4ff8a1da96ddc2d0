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
        labels = {**self.spec["labels"], "alertname": self.spec["name"],
                  "rule": self.spec["name"], "severity": "info"}
        if self.spec["owner"]:
            labels.setdefault("owner", self.spec["owner"])
        for name in self.spec["by"]:
            if (dimensions or {}).get(name):
                labels.setdefault(name, dimensions[name])
        return labels

    def in_force(self, now):
        begin, end = self.spec.get("active_from_ns"), self.spec.get("active_to_ns")
        return (begin is None or begin <= now) and (end is None or now < end)

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
        for spec in (spec for spec in specs if not spec["shadow"]):
            rule = self.rules[spec["name"]] = NoticeRule(spec)
            if spec["name"] in before:
                rule.__dict__.update(before[spec["name"]].__dict__, spec=spec)
        self.waiting = [one for one in self.waiting if one[0]["rule"] in self.rules]

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
            if not rule.in_force(log_time) or not rule.matches(dimensions, names):
                continue
            if self.held(labels):
                continue
            if rule.take(log_time, extra):
                kind = measures.kind_of(event)
                customer = event[kind].get("customer", "")
                text = "%s of %s by %s" % (kind, customer, event.get("agent", ""))
                self.waiting.append((labels, text))

    def told(self, labels, text, now):
        return [{"receiver": node["receiver"], "text": text}
                for node in self.notifier.audible(labels, now)]

    def decide(self, now):
        """What waits is told where a route speaks now, and waits on while none does."""
        waiting, self.waiting = self.waiting, []
        found = []
        for labels, text in waiting:
            told = self.told(labels, text, now)
            found += told
            if not told:
                self.waiting.append((labels, text))
        return found

    def whole_second(self, now):
        """Windows that are over, one a rule; a silence or a mute time puts them off."""
        found = []
        for rule in self.rules.values():
            text = rule.summary(now)
            told = self.told(rule.labels(), text, now) if text else []
            if told and not self.held(rule.labels()):
                found += told
                rule.summed_up()
        return found
