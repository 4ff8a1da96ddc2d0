#!/usr/bin/env python3
"""A real Kafka broker for tests and the demo: Apache Kafka in KRaft mode, one node, on loopback and free ports.

  broker.py run [--dir FOLDER] -- COMMAND …  starts a broker, runs the command with KAFKA_BOOTSTRAP set, ends the broker
  broker.py start|stop|kill --dir FOLDER     a broker that outlives this call; start prints its address
  broker.py topic NAME [--partitions N]      makes a topic on the broker of KAFKA_BOOTSTRAP, as inside of run
  broker.py fetch                            only fills the cache of jars; broker.py pin VERSION writes kafka.lock anew

A folder keeps its ports, its log and its broker's process id, so that `start` after `stop` or `kill` continues where it was.
Needs a Java runtime (17 or newer) and, for the first fetch, Maven. Exit status 77: Maven Central cannot be reached.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from admin import Admin, KafkaError
from jars import MavenUnreachable, fetch, pin

SKIPPED = 77
START_SECONDS_MAX, STOP_SECONDS_MAX = 90, 30
PORT_TRIES = 3
# One id for every cluster: the folder tells them apart.
CLUSTER = "YmFyb2dyYXBoLXRlc3Qta2"
QUICK = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData"]
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",  # a consumer must not bring a deleted topic back
    "group.initial.rebalance.delay.ms": 0,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 2,
    "background.threads": 2,
    "log.cleaner.threads": 1,
    "log.cleaner.dedupe.buffer.size": 4 << 20,
    "log.cleaner.backoff.ms": 500,
    "log.initial.task.delay.ms": 500,
    "log.retention.check.interval.ms": 500,  # retention overtakes a reader within a second
    "log.segment.delete.delay.ms": 500,
    "socket.request.max.bytes": 256 << 20,  # the limit of a test's record is the topic's max.message.bytes
    # A broker that was killed comes back only when its old session is over.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 300,
}


class Broker:
    """One broker in one folder. start, stop and kill may follow each other at will; as a context it ends with kill."""

    def __init__(self, folder, memory_mib=256, **settings):
        """`settings` are the broker's, with _ for a dot."""
        self.folder = pathlib.Path(folder)
        self.memory_mib = memory_mib
        self.settings = {**SETTINGS, **{key.replace("_", "."): value for key, value in settings.items()}}
        self.process = None
        self.start_seconds = None
        self.state = self.folder / "broker.json"
        known = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.ports, self.pid = known.get("ports"), known.get("pid")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.ports[0]}"

    def admin(self):
        return Admin(self.bootstrap)

    def start(self):
        """Comes back when the broker answers and leads its partitions."""
        if self.running():
            raise RuntimeError(f"the broker of {self.folder} runs already as process {self.pid}")
        jars = fetch()  # before the clock starts
        started = time.monotonic()
        fresh = self.ports is None
        for left in reversed(range(PORT_TRIES if fresh else 1)):
            self._prepare(jars, fresh)
            try:
                self._launch(jars)
                break
            except PortTaken:
                if not left:
                    raise
        self.start_seconds = time.monotonic() - started
        return self

    def stop(self):
        """Asks it to end (SIGTERM) and waits; kills it when it does not."""
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def restart(self, kill=False):
        self.kill() if kill else self.stop()
        return self.start()

    def running(self):
        if self.process:
            return self.process.poll() is None
        return self.pid is not None and self._is_ours(self.pid)

    def memory_bytes(self):
        """Resident memory now."""
        fields = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(fields.split("VmRSS:")[1].split()[0]) * 1024

    def log(self):
        path = self.folder / "broker.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _prepare(self, jars, fresh):
        if not fresh:
            return
        self.ports = free_ports(2)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        lines = {**self.settings,
                 "log.dirs": self.folder / "log",
                 "listeners": f"PLAINTEXT://127.0.0.1:{self.ports[0]},CONTROLLER://127.0.0.1:{self.ports[1]}",
                 "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.ports[0]}",
                 "controller.quorum.voters": f"1@127.0.0.1:{self.ports[1]}"}
        self._properties().write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        done = subprocess.run(self._java(jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self._properties())),
                              capture_output=True, text=True, timeout=START_SECONDS_MAX)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's storage was not formatted:\n{done.stdout}{done.stderr}")
        self._keep()

    def _properties(self):
        return self.folder / "server.properties"

    def _java(self, jars, *arguments):
        java = shutil.which("java")
        if not java:
            raise RuntimeError("java is missing: ./dev setup installs it")
        return [java, f"-Xmx{self.memory_mib}m", *QUICK, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", ":".join(map(str, jars)), *arguments]

    def _launch(self, jars):
        with open(self.folder / "broker.log", "a") as log:
            before = log.tell()
            # A session of its own: Ctrl-C at a terminal reaches the test, which then ends the broker in its order.
            self.process = subprocess.Popen(self._java(jars, "kafka.Kafka", str(self._properties())), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        self.pid = self.process.pid
        self._keep()
        deadline = time.monotonic() + START_SECONDS_MAX
        try:
            while not self._answers():
                if self.process.poll() is not None:
                    said = self.log()[before:]
                    raise (PortTaken if "Address already in use" in said else RuntimeError)(f"Kafka ended at its start:\n{said[-4000:]}")
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Kafka did not answer within {START_SECONDS_MAX} s:\n{self.log()[before:][-4000:]}")
                time.sleep(0.02)
        except BaseException:
            self.kill()
            raise

    def _answers(self):
        try:
            with Admin(self.bootstrap, timeout=5) as admin:
                return all(leader >= 0 for topic in admin.topics().values() for leader in topic.values()) and admin.brokers()
        except OSError:
            return False

    def _keep(self):
        self.state.write_text(json.dumps({"ports": self.ports, "pid": self.pid}) + "\n")

    def _is_ours(self, pid):
        """A process id lasts longer than its process: ours names our folder."""
        try:
            return str(self._properties()).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False

    def _end(self, how):
        if self.running():
            os.kill(self.pid, how)
            if not self._wait(STOP_SECONDS_MAX):
                os.kill(self.pid, signal.SIGKILL)
                self._wait(STOP_SECONDS_MAX)
        self.process = self.pid = None
        if self.state.exists():
            self._keep()

    def _wait(self, seconds):
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


class PortTaken(RuntimeError):
    """Another process took the port between its choice and its use."""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def running(**options):
    """A broker in a fresh folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="barograph-kafka-") as folder, Broker(folder, **options) as broker:
        yield broker


def run(folder, command):
    """The command's exit status. Ctrl-C and SIGTERM end the command first, then the broker."""
    starting = asked = False

    def interrupt(*_):
        nonlocal asked
        asked = True
        # While the command starts nobody knows its process yet: it would be left behind.
        if not starting:
            raise KeyboardInterrupt
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    broker = Broker(folder)
    child = None
    try:
        broker.start()
        print(f"Kafka answers at {broker.bootstrap} after {broker.start_seconds:.1f} s", file=sys.stderr)
        starting = True
        child = subprocess.Popen(command, env=dict(os.environ, KAFKA_BOOTSTRAP=broker.bootstrap))
        starting = False
        if asked:
            raise KeyboardInterrupt
        return child.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not leave a broker behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if child and child.poll() is None:
            end(child)
        broker.stop()


def end(child):
    child.terminate()
    try:
        child.wait(timeout=STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def make_topic(name, partitions):
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
    if not bootstrap:
        print("KAFKA_BOOTSTRAP is empty: run this beside a broker, as in ./dev kafka bash", file=sys.stderr)
        return 2
    try:
        with Admin(bootstrap) as admin:
            admin.create_topic(name, partitions)
    except (KafkaError, OSError) as problem:
        print(f"{name} was not made at {bootstrap}: {problem}", file=sys.stderr)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    for name in ("run", "start", "stop", "kill"):
        commands.add_parser(name).add_argument("--dir", required=name != "run", help="without one: a fresh folder, removed at the end")
    commands.choices["run"].add_argument("command", nargs="+", metavar="COMMAND")
    topic = commands.add_parser("topic")
    topic.add_argument("name")
    topic.add_argument("--partitions", type=int, default=1)
    commands.add_parser("fetch")
    commands.add_parser("pin").add_argument("version")
    options = parser.parse_args()
    try:
        if options.what == "run":
            with tempfile.TemporaryDirectory(prefix="barograph-kafka-") as fresh:
                return run(options.dir or fresh, options.command)
        if options.what == "topic":
            return make_topic(options.name, options.partitions)
        if options.what == "fetch":
            fetch()
        elif options.what == "pin":
            pin(options.version)
        else:
            broker = Broker(options.dir)
            getattr(broker, options.what)()
            if options.what == "start":
                print(broker.bootstrap)
    except MavenUnreachable as problem:
        print(f"SKIPPED: {problem}", file=sys.stderr)
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
