#!/usr/bin/env python3
"""A log that lost acknowledged events: the server refuses, `log recover` says what is lost, and only --accept-loss goes on."""
import json
import os
import pathlib
import re
import tempfile
import unittest

from server import Server, await_true

EVENTS = 200


def tasks(first, count):
    return "".join(json.dumps({"id": f"t-{first + i}", "agent": "builder", "task": {"status": "COMPLETED"}}) + "\n"
                   for i in range(count))


class RecoverTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="barograph-test-")
        self.addCleanup(folder.cleanup)
        self.server = Server(folder.name)
        self.addCleanup(self.server.kill)
        self.data = str(self.server.folder / "data")

    def recover(self, *arguments):
        return self.server.run("log", "recover", "--data", self.data, *arguments, check=False)

    def files(self):
        return {path: path.read_bytes() for path in sorted(pathlib.Path(self.data).rglob("*")) if path.is_file()}

    def lose_half(self):
        """Acknowledges events, kills the server, and cuts the write-ahead log in the middle; the last sequence."""
        self.server.start()
        for i in range(20):
            self.server.run("emit", stdin=tasks(1 + i * EVENTS // 20, EVENTS // 20))
        last = self.server.json("log", "stat", "--data", self.data)["end"]["sequence"]
        self.server.kill()
        log = max(pathlib.Path(self.data, "db").glob("*.log"), key=lambda path: path.stat().st_size)
        os.truncate(log, log.stat().st_size // 2)
        return last

    def test_a_loss_is_named_and_accepted_only_when_asked(self):
        last = self.lose_half()
        with self.assertRaises(RuntimeError) as refused:
            self.server.start()
        self.assertIn("barograph log recover --accept-loss", str(refused.exception))
        first_lost = int(re.search(r"sequences (\d+) to", str(refused.exception)).group(1))

        before = self.files()
        asked = self.recover()
        self.assertEqual(asked.returncode, 3, asked.stderr)
        self.assertIn(f"sequences {first_lost} to {last}", asked.stderr)
        self.assertIn("nothing was changed", asked.stderr)
        self.assertEqual({path: content for path, content in self.files().items() if path.suffix == ".log" or path.name == "frontier"},
                         {path: content for path, content in before.items() if path.suffix == ".log" or path.name == "frontier"})

        accepted = self.recover("--accept-loss")
        self.assertEqual(accepted.returncode, 0, accepted.stderr)
        self.assertIn(f"lost for ever: events {first_lost} to {last} ({last - first_lost + 1})", accepted.stdout)
        self.assertIn(f"goes on after event {first_lost - 1}", accepted.stdout)

        self.server.start()
        dropped = self.server.run("tail", "--from", "1", "--kind", "tail_dropped", "--no-follow", "-o", "json").splitlines()
        self.assertEqual(len(dropped), 1)
        self.assertIn(f"sequences {first_lost} to {last}", dropped[0])
        self.server.run("emit", stdin=tasks(1000, 3))
        await_true(lambda: self.server.json("query", "tasks.completed", "--over", "1h"), "an answer")
        self.assertEqual(self.server.stop(), 0)
        self.server.run("log", "verify", "--data", self.data)
        self.assertEqual(self.recover("--accept-loss").stdout, "nothing is missing: there is no loss to accept\n")

    def test_a_missing_frontier_is_in_question_and_a_whole_log_or_no_log_is_not(self):
        self.server.start()
        self.server.run("emit", stdin=tasks(1, 3))
        self.assertEqual(self.recover("--accept-loss").returncode, 0)
        self.server.stop()
        os.remove(os.path.join(self.data, "frontier"))
        asked = self.recover("-o", "json")
        self.assertEqual(asked.returncode, 3)
        self.assertIn("frontier file is absent", json.loads(asked.stdout)["detail"])
        self.assertTrue(json.loads(self.recover("--accept-loss", "-o", "json").stdout)["accepted"])
        self.server.start()
        missing = self.server.run("log", "recover", "--data", self.data + "-other", check=False)
        self.assertEqual(missing.returncode, 1)


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    unittest.main(verbosity=2)
