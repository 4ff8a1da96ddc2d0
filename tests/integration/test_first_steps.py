#!/usr/bin/env python3
"""What a newcomer does first: `serve` without any configuration, `init` with figures, and what the default rules say then."""
import os
import pathlib
import re
import signal
import stat
import subprocess
import tempfile
import threading
import unittest

from server import BINARY, await_true

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("BAROGRAPH_")}


class Fresh:
    """A server started as the README says, with nothing but free ports; its notices are on its standard output."""

    def __init__(self, folder, *arguments, environment=None):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *arguments], cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**ENVIRONMENT, **(environment or {})})
        self.told, self.log = [], []
        self.readers = [threading.Thread(target=self.read, args=pipe, daemon=True)
                        for pipe in ((self.process.stdout, self.told), (self.process.stderr, self.log))]
        for reader in self.readers:
            reader.start()
        self.grpc = await_true(lambda: re.search(r"ready: gRPC ([^,]+),", "".join(self.log)), "ready", 60).group(1)

    @staticmethod
    def read(pipe, lines):
        lines.extend(iter(pipe.readline, ""))

    def run(self, *arguments):
        return subprocess.run([BINARY, *arguments], cwd=self.folder, text=True, capture_output=True, check=True, timeout=60,
                              env={**ENVIRONMENT, "BAROGRAPH_SERVER": self.grpc}).stdout

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=40)
        for reader in self.readers:
            reader.join(timeout=5)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


def barograph(folder, *arguments):
    return subprocess.run([BINARY, *arguments], cwd=folder, text=True, capture_output=True, timeout=60, env=ENVIRONMENT)


class FirstStepsTest(unittest.TestCase):
    def setUp(self):
        context = tempfile.TemporaryDirectory(prefix="barograph-test-")
        self.folder = pathlib.Path(context.name)
        self.addCleanup(context.cleanup)

    def serve(self, *arguments, **options):
        server = Fresh(self.folder, *arguments, **options)
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        return server

    def test_without_any_configuration_alerts_are_told_on_the_console(self):
        server = self.serve(environment={"BAROGRAPH_BUDGET": "1 USD/day"})
        server.run("emit", "agent=CMO", "task_id=t-1", "task.status=BLOCKED")
        server.run("emit", "agent=CMO", "cost.amount=1.30 USD")
        server.run("emit", "feedback.type=PRAISE", "feedback.customer=ada", "feedback.text=splendid")
        for words in ("CMO reports blocked tasks", "Budget alert: 1.3 spent", "Praise from ada: splendid"):
            await_true(lambda words=words: words in "".join(server.told), words)
        rules = {line.split()[3] for line in server.run("alerts", "list").splitlines() if " firing " in line}
        self.assertLessEqual({"task-blocked", "spend-over-budget"}, rules)
        self.assertEqual(server.stop(), 0)

    def test_levels_of_the_server_reach_the_rules(self):
        (self.folder / "rules.yaml").write_text(
            "apiVersion: barograph/v1\n"
            "thresholds:\n"
            "  - {name: disk, when: {last: disk.free, below: 100%}}\n"
            "  - {name: lag, when: {last: ingest.lag, above: 1ms}}\n"
            "routes: {receiver: terminal}\n"
            "receivers:\n"
            "  - {name: terminal, console: {stream: stdout}}\n")
        server = self.serve("--rules", "rules.yaml")
        await_true(lambda: "disk" in "".join(server.told), "the disk's level is told", 30)
        self.assertIn("gauges_read", server.run("tail", "--no-follow", "--kind", "gauges_read"))
        self.assertNotIn("lag", "".join(server.told))
        self.assertEqual(server.stop(), 0)

    def test_init_writes_a_configuration_that_works_and_is_never_written_over(self):
        done = barograph(self.folder, "init", "made", "--goal", "300 USD/day", "--budget", "50 USD/day", "--timezone",
                         "America/New_York", "--slack", "https://hooks.slack.com/services/T000/B000/EXAMPLE")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("asleep: conversion-below-target waits for `conversion: 2%`", done.stdout)
        made = self.folder / "made"
        self.assertEqual(stat.S_IMODE((made / "slack-url").stat().st_mode), 0o600)
        self.assertNotIn("EXAMPLE", (made / "barograph.yaml").read_text() + done.stdout)

        checked = barograph(made, "rules", "check")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertTrue(checked.stdout.startswith("ok: "), checked.stdout)
        self.assertIn("asleep: conversion-below-target", checked.stdout)
        self.assertNotIn("revenue-below-target", checked.stdout)

        again = barograph(self.folder, "init", "made")
        self.assertEqual(again.returncode, 1)
        self.assertIn("is there already; --force writes over it", again.stderr)
        self.assertIn("300 USD/day", (made / "barograph.yaml").read_text())
        forced = barograph(self.folder, "init", "made", "--force")
        self.assertEqual(forced.returncode, 0, forced.stderr)

        server = self.serve("--config", str(made / "barograph.yaml"))
        server.run("emit", "agent=CMO", "task_id=t-1", "task.status=BLOCKED")
        await_true(lambda: "CMO reports blocked tasks" in "".join(server.told), "the blocked task")
        self.assertEqual(server.stop(), 0)

    def test_init_refuses_what_could_not_work(self):
        for arguments, words in ((["--goal", "300"], "write e.g. 50 USD/day"),
                                 (["--timezone", "Mars/Olympus"], "is not a zone of the IANA database"),
                                 (["--slack", "http://example.org"], "an incoming webhook begins with https://")):
            done = barograph(self.folder, "init", "made", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(words, done.stderr)
            self.assertFalse((self.folder / "made").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
