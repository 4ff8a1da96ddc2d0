"""The life of alerts: inactive, pending, firing, resolved (design sections 5 and 8)."""

from rule import Verdict
from windows import DAY, SECOND

CALM = 10 * SECOND  # a condition must be false for so long before a step down


class Alert:
    """Where one alert stands in its life."""

    def __init__(self, rule, labels):
        self.rule, self.labels = rule, labels
        self.state = "inactive"
        self.pending_from = None
        self.false_since = None
        self.since = 0  # of the state
        self.fired_at, self.life = 0, 0
        self.fires, self.flapping = [], False

    def active(self):
        return self.state in ("pending", "firing")


class Lives:
    """All alerts, and what is decided of them. A decision is (alert, state, condition); the state
    may be the alert's own, when only its calm began or ended."""

    def __init__(self, history):
        self.history = history
        self.alerts = {}  # tuple of sorted labels -> Alert
        self.known = {}  # (rule, values, level) -> its alert, found once
        self.flap = None  # what counts as flapping

    def alert_of(self, rule, values, level):
        place = (rule, values, level)
        if place not in self.known:
            labels = rule.labels(values, level)
            key = tuple(sorted(labels.items()))
            self.known[place] = self.alerts.setdefault(key, Alert(rule.name, labels))
        return self.known[place]

    def skip_gap(self, gap):
        for alert in self.alerts.values():
            if alert.active():
                alert.pending_from = alert.pending_from and alert.pending_from + gap
                alert.false_since = alert.false_since and alert.false_since + gap

    # --- Decide ----------------------------------------------------------------------------------

    def is_due(self, rule, values, now):
        """Whether a timer of one of the instance's alerts is due."""
        for level in range(len(rule.levels)):
            alert = self.alert_of(rule, values, level)
            if not alert.active():
                continue
            if alert.false_since is not None:
                due = alert.false_since + self.calm(rule, alert)
            elif alert.state == "pending":
                due = alert.pending_from + rule.hold
            else:
                continue
            if now >= due:
                return True
        return False

    def decide(self, rule, values, now, whole_second):
        """Decisions on one instance, and whether an end waits for the next whole second."""
        told, waits = [], False
        grace = now < self.history.grace_end()
        for level, verdict in enumerate(rule.verdicts(self.history, values, now)):
            alert = self.alert_of(rule, values, level)
            if not rule.in_force(now):
                verdict, blinded = Verdict(), False
            else:
                blinded = (alert.active() and not verdict.holds and
                           rule.blinded(self.history, values, level, now))
            if grace and verdict.missing and (verdict.holds or verdict.ended):
                continue
            unknown = blinded or verdict.unknown or (grace and verdict.quiet)
            step = None
            if verdict.holds:
                step = self.step_up(rule, alert, now)
            elif verdict.ended:
                if alert.active() and whole_second:
                    step = "inactive" if alert.state == "pending" else "resolved"
                waits = waits or (alert.active() and not whole_second)
            elif whole_second and not unknown:
                step = self.step_down(rule, alert, now)
            if step is not None:
                told.append((alert, step, verdict.condition))
        return told, waits

    def step_up(self, rule, alert, now):
        """The condition holds: the next state, the same one when only its calm ended, or None."""
        if not alert.active():
            return "pending" if rule.hold else "firing"
        if alert.state == "pending":
            if self.history.defect == "for-reset":
                alert.pending_from = max(alert.pending_from, now - rule.hold // 2)
            if now - alert.pending_from >= rule.hold:
                return "firing"
        return alert.state if alert.false_since is not None else None

    def step_down(self, rule, alert, now):
        if not alert.active():
            return None
        if alert.false_since is None:
            return alert.state
        if now - alert.false_since < self.calm(rule, alert):
            return None
        return "inactive" if alert.state == "pending" else "resolved"

    @staticmethod
    def calm(rule, alert):
        return CALM if alert.state == "pending" else max(CALM, rule.keep)

    def end_orphans(self, rules):
        """Active alerts that no instance stands for any more."""
        known = {tuple(sorted(rule.labels(values, level).items()))
                 for rule in rules for values in rule.instances(self.history)
                 for level in range(len(rule.levels))}
        return [(alert, "resolved" if alert.state == "firing" else "inactive", "")
                for key, alert in self.alerts.items() if alert.active() and key not in known]

    # --- Fold ------------------------------------------------------------------------------------

    def fold(self, told, now):
        """Puts decisions into effect; returns the transitions to other states, and the alerts
        that came to fire or to an end."""
        transitions, stepped = [], []
        for alert, state, condition in told:
            if state == alert.state:
                alert.false_since = None if condition else now
                continue
            before = alert.state if alert.active() else "inactive"
            transitions.append({"rule": alert.rule, "labels": alert.labels, "from": before,
                                "to": state, "at_ns": now,
                                "condition": condition if state in ("pending", "firing") else ""})
            alert.state, alert.since, alert.false_since = state, now, None
            if state == "pending" or (state == "firing" and before == "inactive"):
                alert.pending_from = now
            if state == "firing":
                alert.fired_at, alert.life = now, alert.life + 1
                alert.fires = [fired for fired in alert.fires if fired > now - DAY] + [now]
            if state in ("firing", "resolved"):
                stepped.append(alert)
        return transitions, stepped

    def begins_to_flap(self, alert, now):
        lately = [fired for fired in alert.fires if fired > now - self.flap["within_ns"]]
        return (alert.state == "firing" and not alert.flapping and
                0 < self.flap["fires"] <= len(lately))

    def settle(self, now):
        """Ends the flapping of alerts that stood still for long enough; a stop is no calm."""
        still = self.flap["settled_after_ns"] if self.flap["fires"] else 0
        found = []
        for key, alert in self.alerts.items():
            if (alert.flapping and alert.state != "pending" and alert.since + still <= now and
                    self.history.resumed_at + still <= now):
                alert.flapping, alert.fires = False, []
                found.append(key)
        return found
