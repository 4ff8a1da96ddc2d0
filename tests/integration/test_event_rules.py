#!/usr/bin/env python3
"""Absences, expectations and notices from the rule file to a verified webhook, across a kill, through the real binary."""
import json
import unittest

from hook_sink import SECRET, HookSink
from server import ROOT, await_true, running

RULES = """
apiVersion: barograph/v1
absences:
  - {{name: agent-silent, measure: tasks.started, by: [agent], for: 3s, keep_firing_for: 0s,
      annotations: {{summary: "{{{{labels.agent}}}} silent since {{{{event.task_id}}}}"}}}}
expects:
  - {{name: health-after-deploy, after: {{changes: {{type: DEPLOY, state: DONE}}}}, expect: {{requests.ok: {{route: /health}}}},
      same: [service], within: 2s, keep_firing_for: 1m}}
notices:
  - {{name: revenue, each: payments, where: {{type: CHARGE}}, limit: 3/5s,
      template: "Revenue: ${{{{event.amount.value}}}} from {{{{event.customer}}}}"}}
routes: {{receiver: ops, group_by: [rule, agent], group_interval: 1s}}
receivers:
  - {{name: ops, webhook: {{url: "{url}", secret: {{env: HOOK_SECRET}}}}}}
"""


MESSAGES = ROOT / "tests/golden/messages"
ROUTES = """
routes: {receiver: all, group_interval: 1s}
receivers:
  - {name: all, file: {path: told.jsonl}}
"""


def lines(*events):
    return "".join(json.dumps(event) + "\n" for event in events)


def charge(customer):
    return {"agent": "sales", "payment": {"type": "CHARGE", "amount": "12.50 USD", "customer": customer}}


class EventRulesTest(unittest.TestCase):
    def setUp(self):
        self.sink = HookSink()
        self.addCleanup(self.sink.close)
        context = running(rules=RULES.format(url=self.sink.url), environment={"HOOK_SECRET": SECRET})
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def told(self, rule):
        """(status, summary) of everything that was said under a rule, in order of arrival."""
        return [(alert["status"], alert["annotations"]["summary"]) for _, notice in self.sink.notices
                for alert in notice["alerts"] if alert["labels"]["rule"] == rule]

    def test_each_payment_is_told_up_to_the_limit_and_the_rest_in_one_message(self):
        self.server.run("emit", stdin=lines(*(charge("c%d" % i) for i in range(7))))
        await_true(lambda: len(self.told("revenue")) == 4, "three messages and a summary")
        # Each message is a group of its own, and those are under way at once.
        self.assertEqual(sorted(self.told("revenue")[:3]), [("firing", "Revenue: $12.50 from c%d" % i) for i in range(3)])
        self.assertIn("and 4 more within 5s", self.told("revenue")[3][1])
        self.assertEqual(len({notice_id for notice_id, _ in self.sink.notices}), 4)
        self.assertEqual(self.sink.problems, [])

    def test_what_was_told_is_not_told_again_after_a_kill(self):
        self.server.run("emit", stdin=lines(charge("before")))
        await_true(lambda: self.told("revenue"), "a message")
        self.server.kill()
        self.server.start()
        self.server.run("emit", stdin=lines(charge("after")))
        await_true(lambda: len(self.told("revenue")) > 1, "the next message")
        self.assertEqual([text for _, text in self.told("revenue")],
                         ["Revenue: $12.50 from before", "Revenue: $12.50 from after"])

    def test_a_silent_agent_and_its_return(self):
        start = {"agent": "CMO", "task_id": "t-7", "task": {"status": "STARTED"}}
        self.server.run("emit", stdin=lines(start))
        await_true(lambda: self.told("agent-silent"), "the agent is silent")
        self.assertEqual(self.told("agent-silent"), [("firing", "CMO silent since t-7")])
        self.assertIn("agent-silent", self.server.run("alerts", "list"))
        def back():
            self.server.run("emit", stdin=lines(dict(start, task_id="t-8")))
            return len(self.told("agent-silent")) > 1
        await_true(back, "the agent is back", 40)
        self.assertEqual(self.told("agent-silent")[1], ("resolved", "CMO silent since t-8"))

    def test_a_deploy_that_no_health_check_follows(self):
        def deploy(service):
            return {"change": {"type": "DEPLOY", "state": "DONE", "service": service}}
        self.server.run("emit", stdin=lines(deploy("web"), deploy("tiles"),
                                            {"request": {"service": "tiles", "route": "/health", "ok": True}}))
        await_true(lambda: self.told("health-after-deploy"), "the answer is missed")
        self.assertEqual(len(self.told("health-after-deploy")), 1)
        self.assertIn("expected within 2s", self.told("health-after-deploy")[0][1])
        self.server.run("emit", stdin=lines({"request": {"service": "web", "route": "/health", "ok": True}}))
        await_true(lambda: self.told("health-after-deploy")[-1][0] == "resolved", "the answer came late")

    def test_a_silence_holds_messages_back_and_the_log_names_the_reason(self):
        self.server.run("silence", "add", "rule=revenue", "--comment", "fair", "--for", "1h")
        self.server.run("emit", stdin=lines(charge("hushed"), {"agent": "CMO", "task_id": "t-7", "task": {"status": "STARTED"}}))
        await_true(lambda: self.told("agent-silent"), "the agent is silent")
        self.assertEqual(self.told("revenue"), [])


class ExpectedTest(unittest.TestCase):
    """Agents that are expected, and those that are forgotten, on the file that a receiver writes."""
    RULES = """
apiVersion: barograph/v1
absences:
  - {name: agent-silent, measure: tasks.started, by: [agent], for: 2s, expected: [CMO, CFO], seen_within: 4s, keep_firing_for: 0s}
""" + ROUTES

    def test_who_was_never_seen_is_missed_and_who_is_not_expected_is_forgotten(self):
        with running(rules=self.RULES) as server:
            def told():
                return [(alert["labels"]["agent"], alert["state"], alert["summary"]) for alert in all_told(server)]
            server.run("emit", stdin=lines({"agent": "temp", "task": {"status": "STARTED"}}))
            await_true(lambda: {row[0] for row in told()} == {"CMO", "CFO", "temp"}, "all three are silent")
            self.assertTrue(all("never seen, expected since" in text for agent, _, text in told() if agent != "temp"))
            await_true(lambda: ("temp", "resolved") in [row[:2] for row in told()], "the third one is forgotten")
            transitions = server.run("tail", "--no-follow", "--kind", "alert_transition")
            self.assertIn("forgotten", transitions)
            before = told()
            server.stop()
            server.start()
            server.run("emit", stdin=lines({"agent": "temp", "task": {"status": "COMPLETED"}}))
            self.assertEqual(told(), before, "a restart tells nothing again")
            firing = server.json("alerts", "list", "--state", "firing")["alerts"]["alerts"]
            self.assertEqual({alert["labels"]["agent"] for alert in firing}, {"CMO", "CFO"})


class MessageTextTest(unittest.TestCase):
    """The message texts that teams agreed on, as a receiver gets them."""

    def test_each_rule_says_its_golden_text(self):
        with running(rules=(MESSAGES / "messages.yaml").read_text() + ROUTES) as server:
            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            server.run("emit", stdin=lines(
                {"agent": "CMO", "cost": {"category": "MODEL", "amount": "60 USD"}},
                {"agent": "CMO", "payment": {"type": "CHARGE", "amount": "150 USD", "customer": "acme"}},
                {"agent": "CMO", "error": {"severity": "CRITICAL", "message": "payment gateway down"}},
                {"agent": "CMO", "error": {"severity": "WARNING", "message": "slow"}},
                {"agent": "CMO", "activity": {"name": "efficiency-win", "state": "DONE"},
                 "labels": {"savings": "40 USD", "method": "prompt caching"}}))
            expected = {path.stem: path.read_text().strip() for path in MESSAGES.glob("*.expected")}
            self.assertEqual(len(expected), 5)

            def told():
                return sorted((alert["labels"]["rule"], alert["annotations"]["summary"]) for alert in all_told(server))
            await_true(lambda: len(told()) >= 5, "five messages")
            self.assertEqual(told(), sorted(expected.items()))


def all_told(server):
    """Alerts of every notice in the receiver's file, in order."""
    file = server.folder / "told.jsonl"
    notices = file.read_text().splitlines() if file.exists() else []
    return [alert for notice in notices for alert in json.loads(notice)["body"]["alerts"]]


if __name__ == "__main__":
    unittest.main()
