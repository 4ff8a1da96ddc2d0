#!/usr/bin/env python3
"""Nothing outside the server sees an event before its sync.

One group's sync is held for HELD_SECONDS (a disk that hangs). Meanwhile the writer goes on and folds, but tail, query, slo, alerts,
acknowledgements and webhooks stand still. Then everything comes, in the order of the log. Needs a server built with failpoints.
"""
import json
import os
import pathlib
import re
import subprocess
import threading
import time
import unittest

from hook_sink import SECRET, HookSink
from server import BINARY, await_true, running

HELD_SECONDS = 5
HELD_EVENTS = 40
RULES = """
apiVersion: barograph/v1
slos:
  - {{name: task-success, good: tasks.completed, total: tasks.finished, by: [agent], objective: 99%, period: 30d, min_events: 20}}
routes: {{receiver: ops, group_by: [rule, agent], group_wait: 0s}}
receivers:
  - {{name: ops, webhook: {{url: "{url}", format: barograph, secret: {{env: HOOK_SECRET}}}}}}
"""


def tasks(status, count):
    return "".join(json.dumps({"agent": "builder", "task": {"status": status}}) + "\n" for _ in range(count))


class Command:
    """A sub-command that runs beside the test: its lines with the time at which each came, and its end."""

    def __init__(self, server, *arguments, stdin=None):
        self.lines, self.ended, self.arguments = [], None, arguments
        environment = dict(server.environment, BAROGRAPH_SERVER=server.grpc)
        environment.pop("BAROGRAPH_HOLDPOINT", None)
        self.process = subprocess.Popen([BINARY, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment, cwd=server.folder)
        self.process.stdin.write(stdin or "")
        self.process.stdin.close()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), line))
        self.process.wait()
        self.ended = time.monotonic()

    def text(self):
        return "".join(line for _, line in self.lines)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.reader.join(timeout=10)
        self.process.stdout.close()


class VisibilityTest(unittest.TestCase):
    def setUp(self):
        self.sink = HookSink()
        self.addCleanup(self.sink.close)

    def serve(self, folder_name="hold"):
        """A server that holds every sync while the file `self.hold` exists."""
        self.hold = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"barograph-{folder_name}-{os.getpid()}"
        self.addCleanup(self.hold.unlink, missing_ok=True)
        context = running(rules=RULES.format(url=self.sink.url), environment={
            "HOOK_SECRET": SECRET, "BAROGRAPH_HOLDPOINT": f"commit_before_sync:{self.hold}"})
        server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.addCleanup(self.hold.unlink, missing_ok=True)  # first of all: else the server could not end
        return server

    def start(self, server, *arguments, stdin=None):
        command = Command(server, *arguments, stdin=stdin)
        self.addCleanup(command.close)
        return command

    def metric(self, server, name):
        return float(re.search(rf"^{name} (\S+)$", server.get("/metrics"), re.MULTILINE).group(1))

    def test_everything_stands_still_while_a_sync_is_held_and_then_comes_in_order(self):
        server = self.serve()
        server.run("emit", stdin=tasks("COMPLETED", 30))
        tail = self.start(server, "tail", "--last", "1", "-o", "json")
        await_true(lambda: tail.lines, "the tail's first line")
        durable = int(self.metric(server, "barograph_log_durable_sequence"))
        groups = self.metric(server, "barograph_log_groups_total")

        self.hold.touch()
        # The first event is the group whose sync is held; the others fill the groups behind it.
        emits = [self.start(server, "emit", "-o", "json", stdin=tasks("FAILED", 1))]
        await_true(lambda: self.metric(server, "barograph_log_groups_total") > groups, "the group in the hands of the disk")
        emits.append(self.start(server, "emit", "-o", "json", stdin=tasks("FAILED", HELD_EVENTS - 1)))
        # The writer has folded the failures and decided the alert: all that is missing is the sync.
        await_true(lambda: self.metric(server, "barograph_log_staged_sequence") >= durable + HELD_EVENTS + 2,
                   "failures, transition and notice in the writer")
        held_at = time.monotonic()
        asked = [self.start(server, "query", "tasks.failed", "--over", "1h", "-o", "json"),
                 self.start(server, "slo", "-o", "json"),
                 self.start(server, "alerts", "list", "-o", "json")]
        while time.monotonic() < held_at + HELD_SECONDS:
            self.assertEqual(len(tail.lines), 1, "the tail shows what is not durable")
            for command in emits + asked:
                self.assertIsNone(command.ended, f"{command.arguments} was answered: {command.text()}")
            self.assertEqual(self.sink.requests, [], "a webhook before the sync")
            self.assertEqual(self.metric(server, "barograph_log_durable_sequence"), durable)
            time.sleep(0.05)
        read_now = server.run("tail", "--from", "1", "--no-follow", "-o", "json")
        self.assertEqual(json.loads(read_now.splitlines()[-1])["sequence"], str(durable))
        released_at = time.monotonic()
        self.hold.unlink()

        await_true(lambda: all(command.ended for command in emits + asked), "the answers")
        await_true(lambda: self.sink.notices, "the webhook")
        await_true(lambda: '"delivery"' in tail.text(), "the delivery in the tail")
        receipts = [json.loads(emit.text())["receipt"]["sequence"] for emit in emits]
        self.assertEqual(receipts[0], durable + 1)
        self.assertGreaterEqual(receipts[1], durable + HELD_EVENTS)
        self.assertIn(f'"value": "{HELD_EVENTS}"', asked[0].text())
        self.assertIn(f'"total": "{30 + HELD_EVENTS}"', asked[1].text())
        self.assertIn("FIRING", asked[2].text())
        self.check_order(tail, durable)
        for when in (tail.lines[1][0], *(command.ended for command in emits + asked)):
            self.assertGreater(when, released_at)

    def check_order(self, tail, durable):
        """Every sequence once and in order: the failures, then the firing, its notice, and how that ended."""
        entries = [json.loads(line) for _, line in tail.lines[1:]]
        self.assertEqual([int(entry["sequence"]) for entry in entries],
                         list(range(durable + 1, durable + 1 + len(entries))))
        kinds = [next(kind for kind in ("task", "alert_transition", "notice_decided", "delivery") if kind in entry["event"])
                 for entry in entries]
        self.assertEqual(kinds.count("task"), HELD_EVENTS)
        self.assertLess(kinds.index("alert_transition"), kinds.index("notice_decided"))
        self.assertLess(kinds.index("notice_decided"), kinds.index("delivery"))


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main(verbosity=2)
