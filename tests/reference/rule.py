"""What a rule of any kind is to the life of its alerts."""

import functools

import calendars
import windows
from windows import MINUTE

PHASES = 10
RESUME_GRACE = 5 * MINUTE


def fnv1a(labels):
    """Alertmanager's fingerprint: 64-bit FNV-1a over name, 0xFF, value, 0xFF in order of names."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in name.encode() + b"\xff" + labels[name].encode() + b"\xff":
            value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


class History:
    """What rules read: all that came, how far time is, when the server was away."""

    def __init__(self, store, defect=None):
        self.store, self.defect = store, defect
        self.calendars = calendars.Calendars(defect)
        self.log_time = 0
        self.gaps = []
        self.resumed_at = 0
        self.first_event_at = None

    def cells(self, rule):
        return self.store.projections[rule.projection().key()].cells

    def known_gaps(self):
        return [] if self.defect == "gap-counts" else self.gaps

    def grace_end(self):
        grace = 0 if self.defect == "grace-ignored" else RESUME_GRACE
        return self.resumed_at + grace


class Verdict:
    """What a rule says of one alert of an instance at one moment.

    quiet: right after a start it is no evidence of calm. unknown: nor is it later. missing: it
    holds, or has ended, because something did not come, which says nothing in the grace after a
    start. ended: over for good, whatever `keep_firing_for` says.
    """

    def __init__(self, holds=False, condition="", quiet=False, unknown=False, missing=False,
                 ended=False):
        self.holds, self.condition = holds, condition if holds else ""
        self.quiet, self.unknown, self.missing, self.ended = quiet, unknown, missing, ended


class Rule:
    """Has name, by, where, hold, keep and levels, each (severity, policy, rows)."""

    def __init__(self, spec):
        self.spec, self.name = spec, spec["name"]
        self.by = tuple(sorted(set(spec["by"])))
        self.where = {name: sorted(values) for name, values in spec["where"].items()}
        self.hold, self.keep = spec["for_ns"], spec["keep_firing_for_ns"]
        self.since = 0  # log time from which its cells are kept
        self.whole = False  # they hold all that the tenant ever sent

    @functools.cache
    def projection(self):
        """Its cells are its instances."""
        return windows.Projection(self.by, self.where)

    def projections(self):
        """All that it reads."""
        return [self.projection()]

    @functools.cache
    def labels(self, values, level):
        """Identity of the alert of one level of one instance."""
        severity, policy, _ = self.levels[level]
        words = {"CRITICAL": "critical", "INFO": "info"}
        labels = {name: value for name, value in zip(self.by, values) if value}
        labels.update(self.spec["labels"])
        labels.update(alertname=self.name, rule=self.name, severity=words.get(severity, "warning"))
        if policy:
            labels["policy"] = policy
        if self.spec.get("owner"):
            labels.setdefault("owner", self.spec["owner"])
        if self.spec.get("shadow"):
            labels["shadow"] = "true"
        return labels

    def in_force(self, now):
        begin, end = self.spec.get("active_from_ns"), self.spec.get("active_to_ns")
        return (begin is None or begin <= now) and (end is None or now < end)

    @functools.cache
    def phase(self, values):
        return fnv1a({**dict(zip(self.by, values)), "rule": self.name}) % PHASES

    # --- What kinds say otherwise ----------------------------------------------------------------

    def take_over(self, old, history, known):
        """Its state so far, when a rule of that name was there before; `known`: there were cells
        of its projection before."""

    def see(self, history, projection, values, time, found, now):
        """An event came to a cell of that projection, with a record of log time `now`; true when it
        changed the instance of the same values although it may not lie in its cell."""

    def instances(self, history):
        """Values of its instances: those that had an event."""
        return list(history.cells(self))

    def verdicts(self, history, values, now):
        """One verdict a level."""
        raise NotImplementedError

    def blinded(self, history, values, level, now):
        """Whether a stop may be all that keeps an active alert's level from holding."""
        del history, values, level, now
        return False

    def moments(self, history, values):
        """When time alone changes what holds."""
        del history, values
        return []

    def sliced(self):
        """Length of slices whose end changes an instance; 0 without any."""
        return 0

