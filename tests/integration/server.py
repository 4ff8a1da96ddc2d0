"""A real server for tests: starts the binary on free loopback ports in a fresh folder, and ends what it started."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BAROGRAPH_BINARY", str(ROOT / "build/dev/barograph"))
START_SECONDS_MAX = 60


class Server:
    """`config` is the text of barograph.yaml without data, listen and http; `rules` of a rule file."""

    def __init__(self, folder, rules="apiVersion: barograph/v1\n", config="", environment=None, arguments=()):
        self.folder = pathlib.Path(folder)
        self.environment = dict(os.environ, **(environment or {}))
        self.arguments = list(arguments)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rules_file = self.folder / "rules.yaml"
        self.rules_file.write_text(rules)
        self.config_file = self.folder / "barograph.yaml"
        self.config_file.write_text(config + "\nrules: [rules.yaml]\n")
        self.process = None
        self.grpc = self.http = None
        self.log = []

    def start(self, *arguments):
        command = [BINARY, "serve", "--config", str(self.config_file), "--data", str(self.folder / "data"),
                   "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *self.arguments, *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment, cwd=self.folder)
        self.grpc = self.http = None
        self.reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
        self.reader.start()
        deadline = time.monotonic() + START_SECONDS_MAX
        while self.http is None:
            if self.process.poll() is not None:
                self._close_log()
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n" + "".join(self.log))
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError("the server did not start:\n" + "".join(self.log))
            time.sleep(0.01)
        return self

    def _read_log(self, process):
        for line in process.stderr:
            self.log.append(line)
            ready = re.search(r"ready: gRPC (\S+), HTTP (\S+)", line)
            if ready:
                self.grpc, self.http = ready.group(1), ready.group(2).rstrip(",")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=40)
        self._close_log()
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close_log()

    def _close_log(self):
        if self.process:
            self.reader.join(timeout=5)
            self.process.stderr.close()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def run(self, *arguments, check=True, stdin=None):
        """A sub-command against this server; its standard output."""
        environment = dict(self.environment, BAROGRAPH_SERVER=self.grpc or "")
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, input=stdin, env=environment,
                              timeout=120, cwd=self.folder)
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} returned {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout if check else done

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "-o", "json"))

    def get(self, path):
        with contextlib.closing(urllib.request.urlopen(f"http://{self.http}{path}", timeout=10)) as answer:
            return answer.read().decode()


@contextlib.contextmanager
def running(**options):
    with tempfile.TemporaryDirectory(prefix="barograph-test-") as folder:
        server = Server(folder, **options)
        try:
            yield server.start()
        finally:
            try:
                server.stop()
            finally:
                server.kill()


def await_true(condition, what, seconds=20):
    """Polls until `condition()` is true; its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.05)
