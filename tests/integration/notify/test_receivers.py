#!/usr/bin/env python3
"""Slack and PagerDuty take what we send; secrets stay hidden; a receiver that hangs or fails holds up nobody else."""
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from fleet import RULES, fail, recover  # noqa: E402
from server import BINARY, await_true, running  # noqa: E402
from service_checkers import Service, check_pagerduty, check_slack  # noqa: E402

KEY = "0123456789abcdef0123456789abcdef"
SLACK_PATH = "/services/T0FAKE/B0FAKE/fake-slack-token"


def rules_of(receiver, first="ops"):
    return RULES + f"routes: {{receiver: {first}, group_by: [rule, agent], group_interval: 1s}}\nreceivers:\n{receiver}"


class ReceiversTest(unittest.TestCase):
    def service(self, *arguments, **options):
        service = Service(*arguments, **options)
        self.addCleanup(service.close)
        return service

    def serve(self, receiver, environment):
        return self.enterContext(running(rules=rules_of(receiver), environment=environment))

    def refusal(self, server, *arguments, status=1):
        done = server.run(*arguments, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def hidden(self, server, *secrets):
        """No secret in any output of server and commands."""
        await_true(lambda: "waiting" not in server.run("alerts", "list"), "the end of every notice")
        shown = ["".join(server.log), server.run("alerts", "list"), server.run("alerts", "list", "-o", "json"),
                 server.run("config", "print", "--config", str(server.config_file)),
                 server.run("config", "print", "-o", "json", "--config", str(server.config_file)), server.get("/metrics"),
                 subprocess.run([BINARY, "log", "export", "--data", str(server.folder / "data")], capture_output=True, text=True).stdout]
        for text in shown:
            for secret in secrets:
                self.assertNotIn(secret, text)
        self.assertIn("notice_decided", shown[-1].lower().replace("noticedecided", "notice_decided"))

    def test_slack_takes_every_message_and_its_url_is_never_shown(self):
        slack = self.service(check_slack, 200)
        server = self.serve("  - {name: ops, slack: {url: {env: SLACK_URL}}}\n", {"SLACK_URL": slack.url(SLACK_PATH)})
        fail(server, "builder <!channel>")
        firing = await_true(lambda: slack.taken, "the message")[0]
        self.assertIn("[FIRING:1]", firing["text"])
        recover(server, "builder <!channel>")
        await_true(lambda: "[RESOLVED:1]" in slack.taken[-1]["text"], "the end", seconds=40)
        self.assertEqual(slack.refused, [])
        self.hidden(server, "fake-slack-token")

    def test_what_slack_refuses_is_dead_with_its_reason_and_without_its_url(self):
        slack = self.service(lambda body: "invalid_blocks", 200)
        server = self.serve("  - {name: ops, slack: {url: {env: SLACK_URL}}}\n", {"SLACK_URL": slack.url(SLACK_PATH)})
        fail(server, "builder")
        await_true(lambda: "dead" in server.run("alerts", "list", "--state", "dead"), "the dead notice")
        self.assertIn("HTTP 400: invalid_blocks", server.run("alerts", "list", "--state", "dead"))
        self.hidden(server, "fake-slack-token")

    def test_pagerduty_opens_and_closes_one_incident_and_its_key_is_never_shown(self):
        pager = self.service(check_pagerduty, 202)
        server = self.serve(f"  - {{name: ops, pagerduty: {{routing_key: {{env: PD_KEY}}, url: \"{pager.url('/v2/enqueue')}\"}}}}\n",
                            {"PD_KEY": KEY})
        fail(server, "builder")
        trigger = await_true(lambda: pager.taken, "the event")[0]
        self.assertEqual((trigger["event_action"], trigger["routing_key"]), ("trigger", KEY))
        self.assertEqual(trigger["payload"]["severity"], "critical")
        self.assertEqual(trigger["links"], [{"href": "https://example.org/runbook", "text": "runbook"}])
        recover(server, "builder")
        await_true(lambda: pager.taken[-1]["event_action"] == "resolve", "the end", seconds=40)
        self.assertEqual({event["dedup_key"] for event in pager.taken}, {trigger["dedup_key"]})
        self.assertEqual(pager.refused, [])
        self.hidden(server, KEY)

    def test_a_dead_notice_is_sent_again_as_it_was_unless_its_group_told_something_newer(self):
        hook = self.service(lambda body: None, 200, before=[(400, {})])
        server = self.serve(f"  - {{name: ops, webhook: {{url: \"{hook.url('/')}\"}}}}\n", {})
        fail(server, "builder")
        dead = await_true(lambda: server.json("alerts", "list", "--state", "dead")["notices"].get("notices"), "the dead notice")[0]
        self.assertIn(dead["id"], server.run("alerts", "list", "--state", "dead"))
        self.assertIn("waits for delivery again", server.run("alerts", "send", dead["id"]))
        await_true(lambda: hook.taken, "the second try")
        self.assertEqual(hook.requests[0][2], hook.requests[1][2])
        self.assertEqual(hook.requests[0][1]["webhook-id"], hook.requests[1][1]["webhook-id"])
        await_true(lambda: dead["id"] in server.run("alerts", "list", "--state", "delivered"), "its end")
        again = self.refusal(server, "alerts", "send", dead["id"])
        self.assertIn("only dead and dropped ones", again)
        self.assertIn("no notice", self.refusal(server, "alerts", "send", "ntc_none"))

    def test_a_receiver_is_tried_the_whole_way(self):
        hook = self.service(lambda body: None, 200)
        server = self.serve(f"  - {{name: ops, webhook: {{url: \"{hook.url('/')}\"}}}}\n"
                            f"  - {{name: gone, webhook: {{url: \"http://127.0.0.1:9/\"}}}}\n", {})
        steps = server.json("alerts", "test", "ops")["steps"]
        self.assertEqual([(step["step"], step["result"]) for step in steps], [("delivered", "in time"), ("resolved", "in time")])
        self.assertTrue(all(0 < step["took_ms"] < step["limit_ms"] for step in steps))
        told = [json.loads(request[2]) for request in hook.requests]
        self.assertEqual([body["alerts"][0]["labels"]["receiver"] for body in told], ["ops", "ops"])
        self.assertEqual([body["alerts"][0]["status"] for body in told], ["firing", "resolved"])
        late = self.refusal(server, "alerts", "test", "gone", "--within", "1s", status=1)
        self.assertIn("missing", late)
        self.assertIn("gone", self.refusal(server, "alerts", "test", "gon", status=1))

    def test_an_acknowledgement_is_waited_for_and_measured(self):
        hook = self.service(lambda body: None, 200)
        server = self.serve(f"  - {{name: ops, webhook: {{url: \"{hook.url('/')}\"}}}}\n", {})
        waiting = subprocess.Popen([BINARY, "alerts", "test", "ops", "--ack-within", "30s", "-o", "json", "--server", server.grpc],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        await_true(lambda: hook.taken, "the notice")
        server.run("alerts", "ack", "--match", "rule=server.test", "--author", "ada")
        steps = json.loads(waiting.communicate(timeout=40)[0])["steps"]
        self.assertEqual([step["step"] for step in steps], ["delivered", "acknowledged", "resolved"])
        self.assertEqual(steps[1]["detail"], "by ada")
        self.assertEqual(waiting.returncode, 0)
        nobody = self.refusal(server, "alerts", "test", "ops", "--ack-within", "1s", status=3)
        self.assertIn("nobody did", nobody)

    def test_retry_after_is_waited_for_and_every_try_sends_the_same_bytes(self):
        slack = self.service(check_slack, 200, before=[(429, {"Retry-After": "3"})])
        server = self.serve("  - {name: ops, slack: {url: {env: SLACK_URL}}}\n", {"SLACK_URL": slack.url(SLACK_PATH)})
        fail(server, "builder")
        await_true(lambda: slack.requests, "the first try")
        began = time.monotonic()
        await_true(lambda: slack.taken, "the second try")
        self.assertGreater(time.monotonic() - began, 2.5)
        self.assertEqual(slack.requests[0][2], slack.requests[1][2])

    def test_the_console_gets_one_line_a_notice(self):
        with tempfile.TemporaryDirectory() as folder:
            server = self.enterContext(running(rules=rules_of("  - {name: ops, console: {stream: stderr}}\n")))
            fail(server, "builder\x1b[2J")
            line = await_true(lambda: [line for line in server.log if "[FIRING:1]" in line], "the line")[0]
            self.assertIn("builder", line)
            self.assertNotIn("\x1b", line)
            del folder

    def test_a_third_of_failures_loses_nothing_and_a_rate_limit_only_delays(self):
        dice = random.Random(4)
        before = [(500 if dice.random() < 0.3 else 200, {}) for _ in range(30)]
        hook = self.service(lambda body: None, 200, before=before)
        server = self.serve(f"  - {{name: ops, webhook: {{url: \"{hook.url('/')}\", rate_limit: 10/s}}}}\n", {})
        agents = [f"agent-{number}" for number in range(20)]
        began = time.monotonic()
        for agent in agents:
            fail(server, agent)

        def told():
            outcomes = [n.get("outcome") for n in server.json("alerts", "list", "--limit", "1000")["notices"]["notices"]]
            return len(outcomes) >= 20 and set(outcomes) == {"DELIVERED"}
        await_true(told, "every notice delivered", seconds=60)
        self.assertGreaterEqual(time.monotonic() - began, len(hook.requests) / 10 - 1.5)
        self.assertIn('barograph_receiver_notices_waiting{receiver="ops"} 0', server.get("/metrics"))


class HangingReceiverTest(unittest.TestCase):
    def test_a_receiver_that_hangs_delays_no_other(self):
        # A socket that takes connections and never answers.
        hanging = socket.socket()
        self.addCleanup(hanging.close)
        hanging.bind(("127.0.0.1", 0))
        hanging.listen(1024)
        good = Service(lambda body: None, 200)
        self.addCleanup(good.close)
        receivers = (f"  - {{name: bad, webhook: {{url: \"http://127.0.0.1:{hanging.getsockname()[1]}/\"}}}}\n"
                     f"  - {{name: ops, webhook: {{url: \"{good.url('/')}\"}}}}\n")
        server = self.enterContext(running(rules=rules_of(receivers, first="bad")))
        for number in range(20):
            fail(server, f"agent-{number}")
        await_true(lambda: 'tries_under_way{receiver="bad"} 8' in server.get("/metrics"), "eight tries that hang")
        # From now on the good one is told.
        server.rules_file.write_text(rules_of(receivers, first="ops"))
        server.reload()
        await_true(lambda: any("in force" in line for line in server.log), "the reload")
        await_true(lambda: len(good.requests) >= 20, "what still fires, told to the new receiver")
        count = len(good.requests)
        began = time.monotonic()
        fail(server, "another")
        await_true(lambda: len(good.requests) > count, "the notice", seconds=10)
        self.assertLess(time.monotonic() - began, 1.5)  # with starting `emit`
        self.assertIn('tries_under_way{receiver="bad"} 8', server.get("/metrics"))


if __name__ == "__main__":
    unittest.main()
