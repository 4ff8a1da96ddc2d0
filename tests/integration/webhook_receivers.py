#!/usr/bin/env python3
"""The sample receivers that the documentation hands out verify what the server sends, and refuse what it did not send."""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from hook_sink import SECRET
from server import ROOT, await_true, running
from test_spine import RULES, tasks


class Receiver:
    """A receiver as a user would start it, its output line by line."""

    def __init__(self, command, environment=None):
        self.lines = []
        # A group of its own: npx leaves children behind that would keep the pipe open.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True,
                                        env=dict(os.environ, HOOK_SECRET=SECRET, **(environment or {})))
        threading.Thread(target=self._read, daemon=True).start()
        line = await_true(lambda: next((line for line in self.lines if "listening" in line), None), "the receiver's start", 60)
        self.url = re.search(r"http://\S+", line).group(0)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()


class ReceiversTest(unittest.TestCase):
    def check(self, receiver):
        try:
            with running(rules=RULES.format(url=receiver.url, format="barograph"), environment={"HOOK_SECRET": SECRET}) as server:
                server.run("emit", stdin=tasks("builder", "FAILED", 40))
                await_true(lambda: [line for line in receiver.lines if "firing" in line and "agent=builder" in line], "a verified line")
            forged = urllib.request.Request(receiver.url, data=json.dumps({"alerts": []}).encode(), headers={
                "webhook-id": "ntc_forged", "webhook-timestamp": "1614265330", "webhook-signature": "v1,Zm9yZ2Vk"})
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(forged, timeout=10)
            self.assertEqual(refused.exception.code, 401)
            refused.exception.close()
        finally:
            receiver.stop()

    def test_python(self):
        self.check(Receiver(["python3", str(ROOT / "clients/python/examples/webhook_receiver.py"), "--port", "0"]))

    def test_typescript(self):
        if shutil.which("npx") is None:
            self.skipTest("Node.js is not installed")
        ready = subprocess.run(["npx", "--yes", "tsx@4", "--version"], capture_output=True, text=True, timeout=180)
        if ready.returncode != 0:
            self.skipTest("tsx cannot be had: " + ready.stderr.strip()[-200:])
        self.check(Receiver(["npx", "--yes", "tsx@4", str(ROOT / "clients/typescript/examples/webhook-receiver.ts")], {"PORT": "0"}))


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main(verbosity=2)
