#!/usr/bin/env python3
"""The reference model: a slow and simple second opinion on windows, error budgets and alerts.

It reads what agents sent, the configuration and the evaluation points (README.md), never what the
server decided, and prints what the server must answer. It works from plain lists and recomputes
every window in full.
"""

import argparse
import json
import sys

import absences
import budgets
import expectations
import life
import measures
import messages
import notices
import slos
import thresholds
import windows
from rule import PHASES, History
from windows import MINUTE, SECOND

DEFECTS = ["off-by-one-bucket", "late-event-dropped", "wrong-factor", "for-reset", "double-count",
           "inhibition-everywhere", "repeat-early", "ack-for-ever", "gap-counts", "grace-ignored",
           "limit-off-by-one", "silence-ignored", "zone-ignored", "proration-ignored",
           "answer-of-before", "shadow-speaks", "mute-ignored", "flapping-told", "ladder-climbs-on"]
LATE = 5 * MINUTE  # only for the seeded defect


def dimensions_of(alert):
    """What an alert counts under."""
    return {"environment": "production", **alert.labels, "name": alert.rule,
            "severity": alert.labels["severity"].upper()}


class Model:
    def __init__(self, defect=None):
        self.defect = defect
        self.yields = measures.Yields()
        self.store = windows.Store(defect)
        self.history = History(self.store, defect)
        self.seen = set()
        self.rules = {}  # name -> Rule of any kind
        self.since = {}  # projection of a rule -> when it came into force
        self.evaluated = 0  # newest whole second
        self.woken = set()  # (rule, values) whose end waits for the next whole second
        self.lives = life.Lives(self.history)
        self.changed = set()  # (projection, values) that a rule reads
        self.orphans_due = False
        self.notifier = notices.Notifier(defect)
        self.notices = []
        self.messages = messages.Messages(self.notifier, defect)

    # --- What happened ---------------------------------------------------------------------------

    def take(self, line):
        """The answer to one line of input, or None for a line that asks nothing."""
        if "record" in line:
            return self.take_record(line["record"], line["events"])
        if "rules" in line:
            return self.take_rules(line["rules"], line["log_time_ns"])
        if "prices" in line:
            self.yields.prices.apply(line["prices"])
            return self.advance(line["log_time_ns"])
        if "resumed" in line:
            return self.take_gap(line["resumed"]["stopped_at_ns"], line["resumed"]["resumed_at_ns"])
        if "evaluate_changed" in line:
            transitions = self.evaluate_changed(line["evaluate_changed"])
            return self.told(transitions, self.messages.decide(line["evaluate_changed"]))
        if "evaluate_second" in line:
            now = line["evaluate_second"]
            transitions = self.evaluate_second(now)
            found, any_event = self.notifier.whole_second(now, lambda: self.lives.settle(now))
            self.notices += found
            told = self.messages.decide(now) + self.messages.whole_second(now)
            if any_event or told:
                self.advance(now)
            return self.told(transitions, told)
        if "silence" in line:
            self.notifier.take_silence(line["silence"])
            return self.advance(line["log_time_ns"])
        if "expire" in line:
            self.notifier.end_silence(line["expire"]["id"], line["log_time_ns"])
            return self.advance(line["log_time_ns"])
        if "acknowledge" in line:
            return self.take_acknowledgement(line["acknowledge"]["matchers"], line["log_time_ns"])
        if "budgets" in line:
            return self.budgets(line["budgets"]["at_ns"])
        return self.store.answer(line["query"])

    def told(self, transitions, told):
        found, self.notices = self.notices, []
        return {"transitions": transitions, "notices": found, "messages": told}

    def take_record(self, record, events):
        log_time = record["log_time_ns"]
        if self.history.first_event_at is None:
            self.history.first_event_at = log_time
        for event in events:
            if event.get("id") in self.seen and self.defect != "double-count":
                continue
            self.seen.add(event.get("id"))
            time = measures.time_ns(event["time"]) if "time" in event else log_time
            if self.defect == "late-event-dropped" and time < log_time - LATE:
                continue
            found, count = self.yields.of(event, time)
            dimensions = measures.dimensions(event)
            self.add(dimensions, time, found, count, log_time)
            names = {name for _, name, _, _ in found}
            self.messages.take(event, dimensions, time, log_time, names)
        self.advance(log_time)

    def add(self, dimensions, time, found, count, now):
        for projection, values in self.store.add(dimensions, time, self.history.log_time, found,
                                                 count):
            self.touch(projection, values)
            self.history.calendars.count(projection, values, time, found)
            for rule in self.rules.values():
                if rule.see(self.history, projection, values, time, found, now):
                    self.touch(rule.projection().key(), values)

    def touch(self, projection, values):
        if any(rule.projection().key() == projection for rule in self.rules.values()):
            self.changed.add((projection, values))

    def touch_all(self):
        """After a start or a reload every instance counts as changed."""
        self.woken = set()
        for rule in self.rules.values():
            for values in rule.instances(self.history):
                self.touch(rule.projection().key(), values)

    def advance(self, log_time):
        """Log time moved; slices that ended count from now on, which changes their instances."""
        before = self.history.log_time
        self.history.log_time = max(before, log_time)
        for rule in self.rules.values():
            length = rule.sliced()
            if length and before // length != self.history.log_time // length:
                for values in self.history.cells(rule):
                    self.touch(rule.projection().key(), values)

    def take_rules(self, rules, log_time):
        self.evaluated = self.evaluated or log_time // SECOND * SECOND
        self.take_counters(rules["slos"])
        before, self.rules = self.rules, {}
        known = set(self.store.projections)
        for rule in self.made(rules):
            self.rules[rule.name] = rule
        self.store.configure([projection for rule in self.rules.values()
                              for projection in rule.projections()])
        self.history.calendars.configure([rule for rule in self.rules.values()
                                          if getattr(rule, "calendar", None)], self.store)
        keys = [projection.key() for rule in self.rules.values()
                for projection in rule.projections()]
        self.since = {key: self.since.get(key, log_time) for key in keys}
        first_event_at = self.history.first_event_at
        for rule in self.rules.values():
            key = rule.projection().key()
            rule.since = self.since[key]
            rule.whole = first_event_at is None or rule.since <= first_event_at
            rule.take_over(before.get(rule.name), self.history, key in known)
        self.lives.flap = rules["flapping"]
        self.notifier.configure(rules)
        self.messages.configure(rules["notices"])
        self.orphans_due = True
        self.advance(log_time)
        self.touch_all()

    def take_counters(self, specs):
        """Exact counters of distributions count from when some SLO names them."""
        indicators = [one for spec in specs for one in (spec["good"], spec["total"])]
        counters = {(one["measure"], one["at_most_nanos"])
                    for one in indicators if "at_most_nanos" in one}
        for base, bound in set(self.yields.at_most) - counters:
            self.store.forget(base, "<=%d" % bound)
        self.yields.at_most = sorted(counters)

    def made(self, rules):
        """The rules of a configuration."""
        objectives = [slos.Slo(spec, self.history.log_time, self.defect) for spec in rules["slos"]]
        return (objectives +
                [budgets.Budget(spec) for spec in rules["budgets"]] +
                [budgets.Goal(spec, self.defect) for spec in rules["goals"]] +
                [thresholds.Threshold(spec, rules["derived"], objectives)
                 for spec in rules["thresholds"]] +
                [absences.Absence(spec) for spec in rules["absences"]] +
                [expectations.Expectation(spec, self.defect) for spec in rules["expects"]])

    def take_gap(self, stopped_at, resumed_at):
        self.history.gaps.append((stopped_at, resumed_at))
        self.history.resumed_at = resumed_at
        self.evaluated = max(self.evaluated, resumed_at // SECOND * SECOND)
        self.lives.skip_gap(resumed_at - stopped_at)
        self.advance(resumed_at)
        self.touch_all()

    def budgets(self, at):
        found = {"budgets": [], "spending": []}
        for rule in self.rules.values():
            if isinstance(rule, slos.Slo):
                found["budgets"] += rule.budgets(self.history, at)
            elif isinstance(rule, budgets.Spending):
                found["spending"] += rule.standings(self.history, at)
        return found

    # --- What is decided -------------------------------------------------------------------------

    def evaluate_changed(self, now):
        changed, self.changed = self.changed, set()
        told = []
        for rule in self.rules.values():
            for values in rule.instances(self.history):
                if (rule.projection().key(), values) in changed:
                    decided, waits = self.lives.decide(rule, values, now, False)
                    told += decided
                    if waits:
                        self.woken.add((rule.name, values))
        return self.fold(told, now)

    def evaluate_second(self, now):
        if self.history.calendars.whole_second(now, self.store):
            self.advance(now)
        told = self.lives.end_orphans(self.rules.values()) if self.orphans_due else []
        self.orphans_due = False
        for rule in self.rules.values():
            for values in rule.instances(self.history):
                if self.is_due(rule, values, now):
                    told += self.lives.decide(rule, values, now, True)[0]
        self.evaluated, self.woken = now, set()
        told = self.fold(told, now)
        overdue = self.yields.overdue(now)
        for task in overdue:
            dimensions = {"agent": task["agent"], "type": task["type"], "environment": "production"}
            self.add(dimensions, now, [("sum", "tasks.late", "", 1)], 1, now)
        # Log time of a tenant moves with its records. One that is silent gets one with the first
        # whole second of a minute, so that slices end; this second's judgements came before it.
        silent_minute = now // MINUTE > self.history.log_time // MINUTE
        has_slices = any(rule.sliced() and self.history.cells(rule)
                         for rule in self.rules.values())
        if overdue or (silent_minute and has_slices):
            self.advance(now)
        return told

    def take_acknowledgement(self, matchers, now):
        for labels in self.notifier.take_acknowledgement(matchers):
            alert = self.lives.alerts[tuple(sorted(labels.items()))]
            self.add(dimensions_of(alert), now,
                     [("value", "alert.ack.duration", "", now - alert.fired_at)], 1, now)
        self.advance(now)

    def is_due(self, rule, values, now):
        """In its phase, or because a timer is due or time alone changed what holds."""
        moments = rule.moments(self.history, values)
        return (rule.phase(values) == now // SECOND % PHASES or
                (rule.name, values) in self.woken or
                any(self.evaluated < moment <= now for moment in moments) or
                self.lives.is_due(rule, values, now))

    def fold(self, told, now):
        """Puts decisions into effect; returns those that move an alert to another state."""
        transitions, stepped = self.lives.fold(told, now)
        begin = [alert for alert in stepped if self.lives.begins_to_flap(alert, now)]
        if self.defect != "shadow-speaks":
            stepped = [alert for alert in stepped if "shadow" not in alert.labels]
        for alert in stepped:
            if alert.state == "firing":
                self.add(dimensions_of(alert), now, [("sum", "alerts.fired", "", 1)], 1, now)
        if told:
            self.advance(now)
        steps = [notices.Step(alert, alert in begin) for alert in stepped]
        for alert in begin:
            alert.flapping = True
        self.notices += self.notifier.decide(steps, now)
        return transitions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--defect", choices=DEFECTS, help="make one mistake on purpose")
    arguments = parser.parse_args()
    model = Model(arguments.defect)
    for number, text in enumerate(sys.stdin, start=1):
        answer = model.take(json.loads(text))
        if answer is not None:
            print(json.dumps({"line": number, **answer}, sort_keys=True))


if __name__ == "__main__":
    main()
