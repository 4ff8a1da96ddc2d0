#!/usr/bin/env python3
"""Absences, expectations and notices from the rule file to a verified webhook, across a kill, through the real binary."""
import json
import unittest

from hook_sink import SECRET, HookSink
from server import await_true, running

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
routes: {{receiver: ops, group_by: [rule, agent]}}
receivers:
  - {{name: ops, webhook: {{url: "{url}", secret: {{env: HOOK_SECRET}}}}}}
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
        self.assertEqual(self.told("revenue")[:3], [("firing", "Revenue: $12.50 from c%d" % i) for i in range(3)])
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


if __name__ == "__main__":
    unittest.main()
