#!/usr/bin/env python3
"""A server that is told to end ends within 30 s, also when its disk never comes back. Needs a server built with failpoints."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from server import BINARY, Server

STOP_SECONDS_MAX = 30
SPARE_SECONDS = 5  # a busy machine
EVENT = json.dumps({"agent": "builder", "task": {"status": "COMPLETED"}}) + "\n"


class StopTest(unittest.TestCase):
    def test_a_disk_that_hangs_does_not_keep_the_process_beyond_its_time(self):
        with tempfile.TemporaryDirectory(prefix="barograph-test-") as folder:
            hold = pathlib.Path(folder) / "hold"
            server = Server(folder, environment={"BAROGRAPH_HOLDPOINT": f"commit_before_sync:{hold}"})
            self.addCleanup(server.kill)
            server.start()
            hold.touch()
            emit = subprocess.Popen([BINARY, "emit"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                    env=dict(os.environ, BAROGRAPH_SERVER=server.grpc))
            self.addCleanup(emit.kill)
            emit.stdin.write(EVENT)
            emit.stdin.flush()
            time.sleep(1)  # until the sync of that event hangs
            told_at = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(timeout=STOP_SECONDS_MAX + SPARE_SECONDS)
            took = time.monotonic() - told_at
            emit.communicate(timeout=10)
            server.kill()
            self.assertEqual(status, 1, "not everything could be stopped")
            self.assertGreater(took, STOP_SECONDS_MAX / 3, "the disk had no time to come back")
            self.assertRegex("".join(server.log), r"not everything could be stopped within \d\ds")
            self.assertNotEqual(emit.returncode, 0, "an acknowledgement without a sync")


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main(verbosity=2)
