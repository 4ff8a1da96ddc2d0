#!/usr/bin/env python3
"""Routes, silences, acknowledgements and escalation through the real binary: what people type, and what lands at the receivers."""
import datetime
import json
import unittest

from server import await_true, running

RULES = """
apiVersion: barograph/v1
slos:
  - name: task-success
    good: tasks.completed
    total: tasks.finished
    by: [agent]
    objective: 100%
    period: 30d
    keep_firing_for: 0s
routes:
  receiver: ops
  group_by: [rule, agent]
  group_interval: 1s
  children:
    - {match: {agent: pilot}, receiver: pager, escalation: oncall}
escalations: [{name: oncall, steps: [{after: 4s, receiver: lead}, {after: 30m, receiver: ops}]}]
receivers:
  - {name: ops, file: {path: ops.jsonl}}
  - {name: pager, file: {path: pager.jsonl}}
  - {name: lead, file: {path: lead.jsonl}}
"""
FAILURE = {"task": {"status": "FAILED", "type": "development"}}


class AlertLifeTest(unittest.TestCase):
    def setUp(self):
        context = running(rules=RULES)
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def fail(self, agent):
        self.server.run("emit", stdin=json.dumps({"agent": agent, **FAILURE}) + "\n")

    def told(self, receiver):
        """(reason, agents) of each notice that the receiver got."""
        path = self.server.folder / f"{receiver}.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        notices = [json.loads(line)["body"] for line in lines]
        return [(notice["reason"], [alert["labels"]["agent"] for alert in notice["alerts"]]) for notice in notices]

    def alert(self, agent):
        alerts = self.server.json("alerts", "list")["alerts"].get("alerts", [])
        return next((alert for alert in alerts if alert["labels"].get("agent") == agent), None)

    def test_a_silenced_alert_is_told_when_somebody_ends_the_silence(self):
        silence = self.server.run("silence", "add", "agent=idler", "--comment", "upgrade", "--author", "ada").strip()
        self.fail("idler")
        self.fail("builder")
        await_true(lambda: self.told("ops"), "the alert that nothing covers")
        alert = await_true(lambda: self.alert("idler"), "the alert that is covered")
        self.assertTrue(alert["silenced"])
        self.assertEqual(self.told("ops"), [("first notification", ["builder"])])
        shown = self.server.run("alerts", "show", alert["fingerprint"])
        self.assertIn("upgrade", shown)
        self.assertIn(silence, shown)
        self.assertIn("nothing yet", shown)
        self.assertIn(silence, self.server.run("silence", "list"))
        self.server.stop()
        self.server.start()
        self.server.run("silence", "expire", silence)
        await_true(lambda: len(self.told("ops")) == 2, "the end of the silence")
        self.assertEqual(self.told("ops")[1], ("silence ended", ["idler"]))
        self.assertIn("no silences", self.server.run("silence", "list"))
        ended = self.server.json("silence", "list", "--ended")["silences"]
        self.assertEqual([one["state"] for one in ended], ["ENDED"])

    def test_a_ladder_is_climbed_unless_somebody_acknowledges(self):
        self.fail("pilot")
        await_true(lambda: self.told("pager"), "the pager")
        await_true(lambda: self.told("lead"), "the escalation")
        self.assertEqual(self.told("lead"), [("escalated", ["pilot"])])
        alert = self.alert("pilot")
        done = self.server.run("alerts", "ack", alert["fingerprint"], "--note", "on it", "--author", "ada")
        self.assertIn("acknowledged 1 alert", done)
        self.assertIn("looks after", self.server.run("alerts", "ack", "--match", "agent=pilot"))
        self.assertEqual(self.alert("pilot")["acknowledged"]["note"], "on it")
        shown = self.server.run("alerts", "show", alert["episode_id"])
        for part in ("by ada", "on it", "step 1 taken", "told by it", "delivered"):
            self.assertIn(part, shown)
        self.assertNotIn("next at", shown)

    def test_hours_that_do_not_count_end_the_alert_and_give_the_budget_back(self):
        self.fail("builder")
        await_true(lambda: self.told("ops"), "the alert")
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = now.replace(minute=0, second=0, microsecond=0)
        end = hour + datetime.timedelta(hours=1)
        shape = "%Y-%m-%dT%H:%M:%SZ"
        said = self.server.run("slo", "exclusion", "add", "task-success", "--from", now.strftime(shape), "--to", end.strftime(shape),
                               "--reason", "new disks", "--author", "ada")
        self.assertIn(f"{hour.strftime(shape)} to {end.strftime(shape)}", said)
        slo = self.server.json("slo")["slos"][0]
        self.assertEqual((slo["total"], slo["budget_remaining"]), ("0", 1))
        self.assertEqual(slo.get("budget_remaining_with_excluded", 0), 0)
        self.assertIn("excluded, else 0% left", self.server.run("slo"))
        await_true(lambda: self.alert("builder")["state"] == "RESOLVED", "its end", seconds=60)
        self.server.stop()
        self.server.start()
        exclusion = self.server.json("slo", "exclusion", "list")["exclusions"][0]
        self.assertEqual((exclusion["note"], exclusion["author"]), ("new disks", "ada"))
        self.assertIn("counts again", self.server.run("slo", "exclusion", "withdraw", exclusion["id"]))
        self.assertEqual(self.server.json("slo")["slos"][0]["total"], "1")
        self.assertIn("no exclusions", self.server.run("slo", "exclusion", "list"))

    def test_mistakes_say_what_would_be_right(self):
        def check(status, part, *arguments):
            done = self.server.run(*arguments, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(part, done.stderr)
        check(2, "has no operator", "silence", "add", "agent", "--comment", "x")
        check(1, "fit every alert", "silence", "add", "agent!=a", "--comment", "x")
        check(1, "no silence 'sil_0'", "silence", "expire", "sil_0")
        check(1, "no alert '0123'", "alerts", "ack", "0123")
        check(1, "no alert '0123'", "alerts", "show", "0123")
        check(2, "Which", "alerts", "ack")
        day = ("--from", "2026-01-01T00:00:00Z")
        check(2, "--to or --for", "slo", "exclusion", "add", "task-success", *day, "--reason", "x")
        check(1, "no SLO 'task'", "slo", "exclusion", "add", "task", *day, "--for", "1h", "--reason", "x")
        check(1, "no exclusion 'exc_0'", "slo", "exclusion", "withdraw", "exc_0")


if __name__ == "__main__":
    unittest.main()
