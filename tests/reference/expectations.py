"""Expectations: one thing must follow another in time (docs/rules.md)."""

from absences import after, newest_buckets
from rule import Rule, Verdict
from windows import Projection

WAITS = 32  # of one instance at once


class Expectation(Rule):
    """`by` is what `same` says; each event of `after` waits for an answer that is not before it."""

    def __init__(self, spec, defect):
        super().__init__({**spec, "for_ns": 0})
        self.defect = defect
        self.levels = [(spec["severity"], "", [])]
        self.waits = {}  # values -> event times without an answer
        self.answers = {}  # values -> event time of the newest answer

    def answering(self):
        where = self.spec["expect_where"]
        return Projection(self.by, {name: sorted(values) for name, values in where.items()})

    def projections(self):
        return [self.projection(), self.answering()]

    def asks(self):
        return self.projection().key(), self.spec["measure"], self.spec["within_ns"], self.keep

    def answers_by(self):
        return self.answering().key(), self.spec["expect_measure"]

    def take_over(self, old, history, known):
        """What came before it was there waits for nothing; answers of before count by their bucket
        of ten seconds."""
        same = isinstance(old, Expectation)
        if same and old.asks() == self.asks():
            self.waits = old.waits
        if same and old.answers_by() == self.answers_by():
            self.answers = old.answers
        else:
            cells = history.store.projections[self.answering().key()].cells
            self.answers = newest_buckets(cells, self.spec["expect_measure"])

    def see(self, history, projection, values, time, found, now):
        """True when the event ends a wait."""
        names = {name for _, name, _, _ in found}
        ended = False
        if projection == self.answering().key() and self.spec["expect_measure"] in names:
            self.answers[values] = max(time, self.answers.get(values, time))
            waits = self.waits.get(values, [])
            self.waits[values] = [wait for wait in waits
                                  if wait > time and self.defect != "answer-of-before"]
            ended = len(self.waits[values]) < len(waits)
        asked = projection == self.projection().key() and self.spec["measure"] in names
        unanswered = asked and self.answers.get(values, time - 1) < time
        if unanswered and now < self.over(history, time):
            waits = [wait for wait in self.waits.get(values, ()) if now < self.over(history, wait)]
            if len(waits) >= WAITS:
                waits.remove(max(waits))
            self.waits[values] = waits + [time]
        return ended

    def due(self, history, wait):
        """From here on the answer is missing: what a start interrupts gets its grace."""
        due = after(history.known_gaps(), wait, self.spec["within_ns"])
        return max(due, history.grace_end()) if due >= history.resumed_at else due

    def over(self, history, wait):
        return after(history.known_gaps(), self.due(history, wait), self.keep)

    def moments(self, history, values):
        return [moment for wait in self.waits.get(values, ())
                for moment in (self.due(history, wait), self.over(history, wait))]

    def verdicts(self, history, values, now):
        holds = any(self.due(history, wait) <= now < self.over(history, wait)
                    for wait in self.waits.get(values, ()))
        return [Verdict(holds, "missing", ended=not holds)]
