#!/usr/bin/env python3
"""The reference model: a slow and simple second opinion on windows, error budgets and alerts.

It reads what agents sent, the configuration and the evaluation points (README.md), never what the
server decided, and prints what the server must answer. It works from plain lists and recomputes
every window in full.
"""

import argparse
import json
import math
import sys
from fractions import Fraction

import absences
import measures
import messages
import notices
import thresholds
import windows
from rule import PHASES, Rule
from windows import MINUTE, SECOND

DEFECTS = ["off-by-one-bucket", "late-event-dropped", "wrong-factor", "for-reset", "double-count",
           "inhibition-everywhere", "repeat-early", "ack-for-ever", "gap-counts", "grace-ignored",
           "limit-off-by-one", "silence-ignored"]
CALM = 10 * SECOND  # a condition must be false for so long before a step down
RESUME_GRACE = 5 * MINUTE
FIRST_BAD_WINDOW = 5 * MINUTE  # of an objective of 100 %
LATE = 5 * MINUTE  # only for the seeded defect


class Row:
    """bad / total must be above `tolerated` over both windows."""

    def __init__(self, condition, long_window, short_window, tolerated):
        self.condition, self.tolerated = condition, tolerated
        self.long, self.short = long_window, short_window


class Slo(Rule):
    """One objective of the configuration, and the alerts that each of its instances has."""

    def __init__(self, spec, configured_at, defect):
        self.spec, self.configured_at = spec, configured_at
        self.name = spec["name"]
        self.by = tuple(sorted(set(spec["by"])))
        self.where = {name: sorted(values) for name, values in spec["where"].items()}
        self.allowed = 1 - Fraction(spec["objective_ppb"], 10**9)
        self.hold = spec["for_ns"]
        self.keep = spec["keep_firing_for_ns"]
        self.slice = spec.get("slice")
        self.levels = []  # (severity, is a freeze, rows)
        by_severity = {}
        if self.allowed == 0:
            first_bad = Row("first bad event", FIRST_BAD_WINDOW, FIRST_BAD_WINDOW, Fraction(0))
            by_severity[spec["severity"]] = [first_bad]
        for row in spec["burn"]:
            long_window = row["short_ns"] if defect == "wrong-factor" else row["long_ns"]
            factor = Fraction(row["budget"]) * Fraction(spec["period_ns"], long_window)
            made = Row(row["condition"], row["long_ns"], row["short_ns"], factor * self.allowed)
            by_severity.setdefault(row["severity"], []).append(made)
        self.levels += [(severity, False, rows) for severity, rows in by_severity.items()]
        if "freeze_below" in spec:
            tolerated = (1 - Fraction(spec["freeze_below"])) * self.allowed
            freeze = Row("freeze", spec["period_ns"], spec["period_ns"], tolerated)
            self.levels.append((spec["severity"], True, [freeze]))

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


class Alert:
    """Where one alert stands in its life."""

    def __init__(self, rule, labels):
        self.rule, self.labels = rule, labels
        self.state = "inactive"
        self.pending_from = None
        self.false_since = None
        self.fired_at, self.life = 0, 0

    def active(self):
        return self.state in ("pending", "firing")


class Model:
    def __init__(self, defect=None):
        self.defect = defect
        self.yields = measures.Yields()
        self.store = windows.Store(defect)
        self.seen = set()
        self.slos, self.absences = {}, {}  # the first has thresholds too, after the SLOs
        self.first_event_at = None
        self.since = {}  # projection of a rule -> when it came into force
        self.evaluated = 0  # newest whole second
        self.woken = set()  # (absence, values) whose end waits for the next whole second
        self.alerts = {}  # tuple of sorted labels -> Alert
        self.changed = set()  # (projection, values) that a rule reads
        self.log_time = 0
        self.resumed_at = 0
        self.gaps = []
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
            return self.told(transitions, self.messages.decide())
        if "evaluate_second" in line:
            now = line["evaluate_second"]
            transitions = self.evaluate_second(now)
            found, any_event = self.notifier.whole_second(now)
            self.notices += found
            told = self.messages.decide() + self.messages.whole_second(now)
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
            self.notifier.take_acknowledgement(line["acknowledge"]["matchers"])
            return self.advance(line["log_time_ns"])
        if "budgets" in line:
            return {"budgets": self.budgets(line["budgets"]["at_ns"])}
        return self.store.answer(line["query"])

    def told(self, transitions, told):
        found, self.notices = self.notices, []
        return {"transitions": transitions, "notices": found, "messages": told}

    def take_record(self, record, events):
        log_time = record["log_time_ns"]
        if self.first_event_at is None:
            self.first_event_at = log_time
        for event in events:
            if event.get("id") in self.seen and self.defect != "double-count":
                continue
            self.seen.add(event.get("id"))
            time = measures.time_ns(event["time"]) if "time" in event else log_time
            if self.defect == "late-event-dropped" and time < log_time - LATE:
                continue
            found, count = self.yields.of(event, time)
            dimensions = measures.dimensions(event)
            self.add(dimensions, time, found, count)
            names = {name for _, name, _, _ in found}
            self.messages.take(event, dimensions, time, log_time, names)
        self.advance(log_time)

    def add(self, dimensions, time, found, count):
        for projection, values in self.store.add(dimensions, time, self.log_time, found, count):
            self.touch(projection, values)
            for absence in self.absences.values():
                if absence.projection().key() == projection:
                    absence.see(values, time, found)

    def touch(self, projection, values):
        if any(rule.projection().key() == projection for rule in self.rules()):
            self.changed.add((projection, values))

    def touch_all(self):
        """After a start or a reload every instance counts as changed."""
        self.woken = set()
        for rule in self.rules():
            for values in self.instances(rule):
                self.touch(rule.projection().key(), values)

    def rules(self):
        return list(self.slos.values()) + list(self.absences.values())

    def instances(self, rule):
        """Values of a rule's instances: those that had an event, and those that are expected."""
        found = list(self.cells(rule))
        expected = rule.expects() if isinstance(rule, absences.Absence) else ()
        return found + [values for values in expected if values not in self.cells(rule)]

    def advance(self, log_time):
        """Log time moved; slices that ended count from now on, which changes their instances."""
        before, self.log_time = self.log_time, max(self.log_time, log_time)
        for slo in self.slos.values():
            length = slo.slice["slice_ns"] if slo.slice else 0
            if length and before // length != self.log_time // length:
                for values in self.cells(slo):
                    self.touch(slo.projection().key(), values)

    def take_rules(self, rules, log_time):
        indicators = [one for slo in rules["slos"] for one in (slo["good"], slo["total"])]
        counters = {(one["measure"], one["at_most_nanos"])
                    for one in indicators if "at_most_nanos" in one}
        for base, bound in set(self.yields.at_most) - counters:
            self.store.forget(base, "<=%d" % bound)
        self.yields.at_most = sorted(counters)
        before, self.slos = self.slos, {}
        for spec in rules["slos"]:
            old = before.get(spec["name"])
            new = Slo(spec, self.log_time, self.defect)
            if old is not None and old.slice_identity() == new.slice_identity():
                new.configured_at = old.configured_at
            self.slos[spec["name"]] = new
        self.take_thresholds(rules)
        self.take_absences(rules["absences"], log_time)
        self.notifier.configure(rules)
        self.messages.configure(rules["notices"])
        self.orphans_due = True
        self.advance(log_time)
        self.touch_all()

    def take_thresholds(self, rules):
        slos = list(self.slos.values())
        for spec in rules["thresholds"]:
            rule = thresholds.Threshold(spec, rules["derived"], slos)
            self.slos[rule.name] = rule

    def take_absences(self, specs, log_time):
        self.evaluated = self.evaluated or log_time // SECOND * SECOND
        before, self.absences = self.absences, {}
        for spec in specs:
            self.absences[spec["name"]] = absences.Absence(spec)
        history = {key: projection.cells for key, projection in self.store.projections.items()}
        self.store.configure([rule.projection() for rule in self.rules()])
        keys = [rule.projection().key() for rule in self.rules()]
        self.since = {key: self.since.get(key, log_time) for key in keys}
        for rule in self.rules():
            rule.since = self.since[rule.projection().key()]
            rule.whole = self.first_event_at is None or rule.since <= self.first_event_at
        for name, absence in self.absences.items():
            old = before.get(name)
            if old is not None and old.identity() == absence.identity():
                absence.seen = old.seen
            elif absence.projection().key() in history:
                absence.begin(self.cells(absence))

    def take_gap(self, stopped_at, resumed_at):
        gap = resumed_at - stopped_at
        self.gaps.append((stopped_at, resumed_at))
        self.resumed_at = resumed_at
        for alert in self.alerts.values():
            if alert.active():
                alert.pending_from = alert.pending_from and alert.pending_from + gap
                alert.false_since = alert.false_since and alert.false_since + gap
        self.advance(resumed_at)
        self.touch_all()

    # --- What the numbers are --------------------------------------------------------------------

    def cells(self, slo):
        return self.store.projections[slo.projection().key()].cells

    def good_and_total(self, slo, cell, low, high):
        if slo.slice:
            return self.slices(slo, cell, low, high)
        sums = []
        for indicator in (slo.spec["good"], slo.spec["total"]):
            qualifier = "<=%d" % indicator["at_most_nanos"] if "at_most_nanos" in indicator else ""
            sums.append(cell.sum_between(indicator["measure"], qualifier, low, high))
        return tuple(sums)

    def slices(self, slo, cell, low, high):
        """Slices whose last nanosecond lies in [low, high): how many were good, and of how many."""
        length = slo.slice["slice_ns"]
        bound = slo.slice_bound()
        good = total = 0
        first_end = max(low, cell.judged_from, slo.configured_at) // length * length
        for end in range(first_end, self.log_time + 1, length):
            start = end - length
            excluded = any(begin < end and start < stop for begin, stop in self.gaps)
            known = end > max(cell.judged_from, slo.configured_at) and not excluded
            if not known or not low <= end - 1 < high:
                continue
            amount = cell.sum_between(slo.slice["measure"], "", start, end)
            total += 1
            good += amount > bound if slo.slice["above"] else amount < bound
        return good, total

    def share(self, slo, cell, at, window):
        low, high = windows.bounds(at, window, windows.SUM_LEVELS, self.defect)
        good, total = self.good_and_total(slo, cell, low, high)
        return max(total - good, 0), max(total, 0)

    def holds(self, slo, cell, row, at):
        bad, total = self.share(slo, cell, at, row.short)
        if total == 0 or Fraction(bad, total) <= row.tolerated:
            return False
        bad, total = self.share(slo, cell, at, row.long)
        if total == 0 or total < slo.spec["min_events"]:
            return False
        return Fraction(bad, total) > row.tolerated

    def budgets(self, at):
        found = []
        for slo in self.slos.values():
            if isinstance(slo, thresholds.Threshold):
                continue
            for values, cell in self.cells(slo).items():
                period = slo.spec["period_ns"]
                low, high = windows.bounds(at, period, windows.SUM_LEVELS, self.defect)
                good, total = self.good_and_total(slo, cell, low, high)
                bad = max(total - good, 0)
                allowed = max(total, 0) * slo.allowed
                remaining = Fraction(0 if bad else 1) if allowed == 0 else 1 - bad / allowed
                found.append({"rule": slo.name, "labels": dict(zip(slo.by, values)),
                              "good": str(good), "total": str(total),
                              "remaining": float(remaining)})
        return found

    # --- What is decided -------------------------------------------------------------------------

    def evaluate_changed(self, now):
        changed, self.changed = self.changed, set()
        told = []
        for slo in self.slos.values():
            for values in self.cells(slo):
                if (slo.projection().key(), values) in changed:
                    told += self.judge(slo, values, now, False)
        for absence in self.absences.values():
            for values in self.instances(absence):
                if (absence.projection().key(), values) in changed:
                    told += self.judge_absence(absence, values, now, False)
        return self.fold(told, now)

    def evaluate_second(self, now):
        told = self.end_orphans() if self.orphans_due else []
        self.orphans_due = False
        for slo in self.slos.values():
            for values in self.cells(slo):
                in_phase = slo.phase(values) == now // SECOND % PHASES
                if in_phase or self.is_due(slo, values, now):
                    told += self.judge(slo, values, now, True)
        for absence in self.absences.values():
            for values in self.instances(absence):
                if self.is_due_absence(absence, values, now):
                    told += self.judge_absence(absence, values, now, True)
        self.evaluated, self.woken = now, set()
        told = self.fold(told, now)
        overdue = self.yields.overdue(now)
        for task in overdue:
            dimensions = {"agent": task["agent"], "type": task["type"], "environment": "production"}
            self.add(dimensions, now, [("sum", "tasks.late", "", 1)], 1)
        # Log time of a tenant moves with its records. One that is silent gets one with the first
        # whole second of a minute, so that slices end; this second's judgements came before it.
        silent_minute = now // MINUTE > self.log_time // MINUTE
        has_slices = any(slo.slice and self.cells(slo) for slo in self.slos.values())
        if overdue or (silent_minute and has_slices):
            self.advance(now)
        return told

    def alert_of(self, slo, values, level):
        labels = slo.labels(values, level)
        key = tuple(sorted(labels.items()))
        if key not in self.alerts:
            self.alerts[key] = Alert(slo.name, labels)
        return self.alerts[key]

    def is_due(self, slo, values, now):
        for level in range(len(slo.levels)):
            alert = self.alert_of(slo, values, level)
            if not alert.active():
                continue
            if alert.false_since is not None:
                wait = CALM if alert.state == "pending" else max(CALM, slo.keep)
                due = alert.false_since + wait
            elif alert.state == "pending":
                due = alert.pending_from + slo.hold
            else:
                continue
            if now >= due:
                return True
        return False

    def judge_threshold(self, rule, values, now, whole_second):
        cell = self.cells(rule)[values]
        if rule.form == "budget_remaining":
            verdict = self.judge_budget(rule, cell, now)
        else:
            verdict = rule.judge(cell, now, self.gaps)
        alert = self.alert_of(rule, values, 0)
        unknown = verdict.unknown or (verdict.quiet and now < self.resumed_at + RESUME_GRACE)
        step = self.step_up(rule, alert, now) if verdict.holds else None
        if not verdict.holds and whole_second and not unknown:
            step = self.step_down(rule, alert, now)
        if step is None:
            return []
        return [(alert, step, rule.spec["condition"] if verdict.holds else "")]

    def judge_budget(self, rule, cell, now):
        slo = rule.slo
        bad, total = self.share(slo, cell, now, slo.spec["period_ns"])
        quiet = total == 0 or total < rule.spec["min_events"]
        left = None if quiet else 1 - Fraction(bad, total) / slo.allowed
        return thresholds.Verdict(not quiet and left < rule.bound, quiet=quiet)

    def judge(self, slo, values, now, whole_second):
        if isinstance(slo, thresholds.Threshold):
            return self.judge_threshold(slo, values, now, whole_second)
        cell = self.cells(slo)[values]
        told = []
        for level, (_, _, rows) in enumerate(slo.levels):
            row = next((row for row in rows if self.holds(slo, cell, row, now)), None)
            alert = self.alert_of(slo, values, level)
            silent = all(self.share(slo, cell, now, row.short)[1] == 0 or
                         self.share(slo, cell, now, row.long)[1] < slo.spec["min_events"] for row in rows)
            unknown = now < self.resumed_at + RESUME_GRACE and silent
            if alert.active() and self.blinded_by_stop(slo, cell, level, now):
                unknown = True
            step = self.step_up(slo, alert, now) if row else None
            if row is None and whole_second and not unknown:
                step = self.step_down(slo, alert, now)
            if step is not None:
                told.append((alert, step, row.condition if row else ""))
        return told

    def grace_end(self):
        grace = 0 if self.defect == "grace-ignored" else RESUME_GRACE
        return max((stop for _, stop in self.gaps), default=0) + grace

    def known_gaps(self):
        return [] if self.defect == "gap-counts" else self.gaps

    def is_due_absence(self, absence, values, now):
        moments = absence.moments(values, self.known_gaps())
        moved = any(self.evaluated < max(moment, self.grace_end()) <= now for moment in moments)
        return (moved or (absence.name, values) in self.woken or
                absence.phase(values) == now // SECOND % PHASES or self.is_due(absence, values, now))

    def judge_absence(self, absence, values, now, whole_second):
        alert = self.alert_of(absence, values, 0)
        verdict = absence.verdict(values, now, self.known_gaps())
        step = None
        if verdict == "heard":
            step = self.step_down(absence, alert, now) if whole_second else None
            return [(alert, step, "")] if step is not None else []
        if now < self.grace_end():
            return []
        if verdict == "forgotten":
            if alert.active() and not whole_second:
                self.woken.add((absence.name, values))
            return [(alert, "resolved", "")] if alert.active() and whole_second else []
        step = self.step_up(absence, alert, now)
        return [(alert, step, "silent")] if step is not None else []

    def blinded_by_stop(self, slo, cell, level, now):
        """Whether some row may be false only because the last stop left its windows with too few
        events."""
        _, freeze, rows = slo.levels[level]
        for row in rows if not freeze else ():
            bad, total = self.share(slo, cell, now, row.short)
            if total == 0:
                if now - row.short < self.resumed_at:
                    return True
            elif Fraction(bad, total) > row.tolerated and now - row.long < self.resumed_at:
                bad, total = self.share(slo, cell, now, row.long)
                if 0 < total < slo.spec["min_events"] and Fraction(bad, total) > row.tolerated:
                    return True
        return False

    def step_up(self, slo, alert, now):
        """The condition holds: the next state, the same one when only its calm ended, or None."""
        if not alert.active():
            return "pending" if slo.hold else "firing"
        if alert.state == "pending":
            if self.defect == "for-reset":
                alert.pending_from = max(alert.pending_from, now - slo.hold // 2)
            if now - alert.pending_from >= slo.hold:
                return "firing"
        return alert.state if alert.false_since is not None else None

    def step_down(self, slo, alert, now):
        if not alert.active():
            return None
        if alert.false_since is None:
            return alert.state
        wait = CALM if alert.state == "pending" else max(CALM, slo.keep)
        if now - alert.false_since < wait:
            return None
        return "inactive" if alert.state == "pending" else "resolved"

    def end_orphans(self):
        """Active alerts that no instance stands for any more."""
        known = {tuple(sorted(rule.labels(values, level).items()))
                 for rule in self.rules() for values in self.instances(rule)
                 for level in range(len(rule.levels))}
        return [(alert, "resolved" if alert.state == "firing" else "inactive", "")
                for key, alert in self.alerts.items() if alert.active() and key not in known]

    def fold(self, told, now):
        """Puts decisions into effect; returns those that move an alert to another state."""
        transitions, steps = [], []
        for alert, state, condition in told:
            if state == alert.state:
                alert.false_since = None if condition else now
                continue
            before = alert.state if alert.active() else "inactive"
            transitions.append({"rule": alert.rule, "labels": alert.labels, "from": before,
                                "to": state, "at_ns": now,
                                "condition": condition if state in ("pending", "firing") else ""})
            alert.state, alert.false_since = state, None
            if state == "pending" or (state == "firing" and before == "inactive"):
                alert.pending_from = now
            if state == "firing":
                alert.fired_at, alert.life = now, alert.life + 1
            if state in ("firing", "resolved"):
                steps.append((alert.labels, state, alert.fired_at, alert.life))
            if state == "firing":
                dimensions = {"agent": alert.labels.get("agent", ""), "environment": "production"}
                self.add(dimensions, now, [("sum", "alerts.fired", "", 1)], 1)
        if told:
            self.advance(now)
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
