#!/usr/bin/env python3
"""From an agent's event to a verified webhook, through the real binary, a real disk and real sockets."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from hook_sink import SECRET, HookSink
from server import Server, await_true, running

RULES = """
apiVersion: barograph/v1
slos:
  - name: task-success
    good: tasks.completed
    total: tasks.finished
    by: [agent]
    objective: 99%
    period: 30d
    min_events: 20
routes: {{receiver: ops, group_by: [rule, agent]}}
receivers:
  - {{name: ops, webhook: {{url: "{url}", format: {format}, secret: {{env: HOOK_SECRET}}}}}}
"""


def tasks(agent, status, count):
    return "".join(json.dumps({"agent": agent, "task": {"status": status, "type": "development"}}) + "\n" for _ in range(count))


class SpineTest(unittest.TestCase):
    def setUp(self):
        self.sink = HookSink()
        self.addCleanup(self.sink.close)

    def serve(self, sink=None, form="alertmanager"):
        rules = RULES.format(url=(sink or self.sink).url, format=form)
        context = running(rules=rules, environment={"HOOK_SECRET": SECRET})
        server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return server

    def test_a_burst_of_failures_reaches_the_receiver_signed(self):
        server = self.serve()
        server.run("emit", stdin=tasks("builder", "COMPLETED", 30))
        server.run("emit", stdin=tasks("idler", "COMPLETED", 30))
        server.run("emit", stdin=tasks("builder", "FAILED", 40))
        await_true(lambda: self.sink.alerts(), "an alert")
        status, labels = self.sink.alerts()[0]
        self.assertEqual(status, "firing")
        self.assertEqual(labels["agent"], "builder")
        self.assertFalse([alert for alert in self.sink.alerts() if alert[1]["agent"] == "idler"])
        self.assertEqual(self.sink.problems, [])
        alerts = server.run("alerts", "list")
        self.assertIn("firing", alerts)
        self.assertIn("builder", alerts)
        slo = server.run("slo")
        self.assertIn("task-success", slo)

    def test_our_own_format_tells_value_and_threshold(self):
        server = self.serve(form="barograph")
        server.run("emit", stdin=tasks("builder", "FAILED", 40))
        await_true(lambda: self.sink.notices, "a notice")
        notice_id, notice = self.sink.notices[0]
        self.assertEqual(notice["type"], "barograph.notice.v1")
        self.assertEqual(notice["id"], notice_id)
        self.assertGreater(notice["alerts"][0]["value"], notice["alerts"][0]["threshold"])

    def test_a_receiver_that_is_down_gets_it_later_under_the_same_id(self):
        sink = HookSink(statuses=[503, 500])
        self.addCleanup(sink.close)
        server = self.serve(sink)
        server.run("emit", stdin=tasks("builder", "FAILED", 40))
        await_true(lambda: sink.notices, "the notice in the end")
        first = [request for request in sink.requests if request[0] == sink.notices[0][0]]
        self.assertGreaterEqual(len(first), 3)
        self.assertEqual(len({body for _, _, body in first}), 1, "every try sends the same bytes")

    def test_a_kill_and_a_restart_change_nothing(self):
        server = self.serve()
        server.run("emit", stdin=tasks("builder", "FAILED", 40))
        await_true(lambda: self.sink.notices, "a notice")
        await_true(lambda: "delivered" in server.run("alerts", "list"), "the delivery in the log")
        before = server.json("alerts", "list")
        told = len(self.sink.notices)
        server.kill()
        server.start()
        after = server.json("alerts", "list")
        self.assertEqual([alert["episode_id"] for alert in before["alerts"]["alerts"]],
                         [alert["episode_id"] for alert in after["alerts"]["alerts"]])
        self.assertEqual(len(self.sink.notices), told)
        self.assertEqual(server.stop(), 0)

    def test_metrics_keep_prometheus_conventions(self):
        server = self.serve()
        server.run("emit", stdin=tasks("builder", "COMPLETED", 3))
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not installed")
        for path in ("/metrics", "/metrics/fleet"):
            text = server.get(path)
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, path + ": " + done.stdout + done.stderr)
        self.assertIn("tasks_completed", server.get("/metrics/fleet"))

    def test_probes(self):
        server = self.serve()
        self.assertEqual(server.get("/livez"), "ok\n")
        self.assertEqual(server.get("/startupz"), "ok\n")
        self.assertIn("[+]log ok", server.get("/readyz?verbose"))

    def test_a_bad_reload_leaves_the_old_rules_in_force(self):
        server = self.serve()
        good = server.rules_file.read_text()
        server.rules_file.write_text(good.replace("objective: 99%", "objektive: 99%"))
        server.reload()
        await_true(lambda: any("objektive" in line for line in server.log), "the complaint in the log")
        server.rules_file.write_text(good.replace("task-success", "renamed"))
        server.reload()
        server.run("emit", stdin=tasks("builder", "FAILED", 40))
        await_true(lambda: self.sink.alerts(), "an alert of the renamed rule")
        self.assertEqual(self.sink.alerts()[0][1].get("rule") or self.sink.alerts()[0][1].get("alertname"), "renamed")

    def test_the_log_is_verified_and_exported_beside_the_server(self):
        server = self.serve()
        server.run("emit", stdin=tasks("builder", "COMPLETED", 10))
        data = str(server.folder / "data")
        # Ten tasks, the rules and the price table.
        self.assertEqual(server.json("log", "stat", "--data", data)["events"], 12)
        server.run("log", "verify", "--data", data)
        lines = server.run("log", "export", "--data", data).splitlines()
        completed = [line for line in lines if json.loads(line).get("event", {}).get("task", {}).get("status") == "COMPLETED"]
        self.assertEqual(len(completed), 10)


class StartTest(unittest.TestCase):
    def test_two_servers_on_one_folder_do_not_start(self):
        with running() as first:
            second = Server(first.folder)
            with self.assertRaises(RuntimeError) as refused:
                second.start()
            self.assertIn("another", str(refused.exception))

    def test_a_broken_configuration_is_refused_with_line_and_column(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(folder, rules="apiVersion: barograph/v1\nslos:\n  - {name: x, goood: tasks.completed}\n")
            with self.assertRaises(RuntimeError):
                server.start()
            self.assertEqual(server.process.returncode, 78)
            self.assertTrue([line for line in server.log if "rules.yaml:3:" in line], server.log)


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main(verbosity=2)
