#!/usr/bin/env python3
"""Debian's real Alertmanager takes our alerts, keeps them while they fire, and forwards them to a webhook."""
import http.server
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import alertmanager  # noqa: E402
from fleet import RULES, fail, recover  # noqa: E402
from server import await_true, running  # noqa: E402

RECEIVER = """
routes: {{receiver: am, group_by: [rule]}}
receivers:
  - {{name: am, alertmanager: {{url: "{url}", resend: 10s}}}}
"""


class PlainHook:
    """What Alertmanager forwards to."""

    def __init__(self):
        self.notices = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                hook.notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@unittest.skipIf(alertmanager.PROGRAM is None, "prometheus-alertmanager is not installed")
class AlertmanagerTest(unittest.TestCase):
    def setUp(self):
        self.hook = PlainHook()
        self.addCleanup(self.hook.close)
        self.manager = alertmanager.Alertmanager(self.hook.url)
        self.addCleanup(self.manager.close)

    def forwarded(self, status):
        return [alert for notice in self.hook.notices for alert in notice["alerts"] if alert["status"] == status]

    def test_alerts_are_taken_kept_alive_forwarded_and_resolved(self):
        server = self.enterContext(running(rules=RULES + RECEIVER.format(url=self.manager.url)))
        fail(server, "builder")
        first = await_true(lambda: self.manager.alerts(), "the alert in Alertmanager")[0]
        self.assertEqual(first["labels"]["alertname"], "task-success")
        self.assertEqual(first["labels"]["agent"], "builder")
        self.assertEqual(first["status"]["state"], "active")
        self.assertIn("/alerts/", first["generatorURL"])
        told = await_true(lambda: self.forwarded("firing"), "the alert at the webhook behind Alertmanager")[0]
        self.assertEqual(told["labels"], first["labels"])
        self.assertIn("builder burns", told["annotations"]["summary"])
        # Sent again while it fires, with a later end: the same alert, not another one.
        await_true(lambda: self.manager.alerts()[0]["endsAt"] > first["endsAt"], "the later end", seconds=40)
        self.assertEqual(len(self.manager.alerts()), 1)
        self.assertEqual(self.manager.alerts()[0]["startsAt"], first["startsAt"])
        recover(server, "builder")
        await_true(lambda: self.forwarded("resolved"), "the end at the webhook behind Alertmanager", seconds=60)
        self.assertEqual(self.manager.alerts(), [])
        outcomes = {notice.get("outcome") for notice in server.json("alerts", "list")["notices"]["notices"]}
        self.assertLessEqual(outcomes, {"DELIVERED"})


if __name__ == "__main__":
    unittest.main()
