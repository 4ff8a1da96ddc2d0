#!/usr/bin/env python3
"""Kills the server and the broker under a stream of records, and checks that the log holds every record of the topic once, in order.

Plain producers (confluent-kafka and kcat, acks=all, idempotent) write numbered records into six partitions of a real broker: events,
and some that cannot be stored and are set aside (kafka_ledger.py). Meanwhile the server is killed -9 at random moments and, in a build
with failpoints, at named ones; the broker is killed -9, a foreign consumer joins and leaves the group, and an operator empties the
quarantine. In the end an independent reader reads the topic from its first offset to its end; per partition and in order, the log must
hold exactly that, each record that was set aside must have ended once, and the state must equal a full replay. See README.md beside
this file. Exit status 77: Maven Central cannot be reached.
"""
import argparse
import collections
import json
import mmap
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/integration"), str(ROOT / "tests/integration/kafka")]
import confluent_kafka  # noqa: E402
import grpc  # noqa: E402

import broker as kafka  # noqa: E402
import kafka_ledger as ledger  # noqa: E402
import producers  # noqa: E402
import reader  # noqa: E402
from crash_loop import make_messages  # noqa: E402
from jars import MavenUnreachable  # noqa: E402
from kafka_ledger import Failure  # noqa: E402

SKIPPED = 77
TOPIC, GROUP, PARTITIONS, KCAT_PARTITIONS = "campaign", "barograph-campaign", 6, (4, 5)
CONFIG = """
kafka:
  brokers: {brokers}
  group: {group}
  topics:
    - {{topic: {topic}, format: event}}
  properties: {{session.timeout.ms: 6000, fetch.wait.max.ms: 50, reconnect.backoff.max.ms: 300}}
"""
LIFE_SECONDS = (0.2, 3.0)
POINT_SECONDS_MAX = 10
SETTLE_SECONDS_MAX = 300
FOREIGN_SECONDS = (3, 8)
OPERATOR_SECONDS, OPERATOR_ROWS = 0.3, 200

# Deaths at each are spread over so many passes. Those of Kafka must each be met; the others are the crash loop's, under batches of Kafka.
KAFKA_POINTS = {"kafka_before_position": 100, "quarantine_before_row": 30, "quarantine_before_end": 10}
POINTS = {**KAFKA_POINTS, "commit_before_sync": 60, "commit_after_sync": 60, "stage_after_append": 80}
# A seeded defect, and the points at which a kill makes it visible.
MUTANTS = {"kafka_position_outside_batch": ["commit_after_sync"], "quarantine_outside_batch": ["commit_after_sync"]}


class Loop:
    def __init__(self, options, folder, mutant=None, points=None):
        self.options = options
        self.random = random.Random(options.seed)
        os.environ["BAROGRAPH_BINARY"] = options.binary
        from server import Server
        self.broker = kafka.Broker(folder / "broker")
        self.broker.start()
        with self.broker.admin() as admin:
            admin.create_topic(TOPIC, PARTITIONS, compression_type="uncompressed")
        self.server = Server(folder / "server", config=CONFIG.format(brokers=self.broker.bootstrap, group=GROUP, topic=TOPIC))
        # A killed process cannot say what it leaked.
        self.environment = {"ASAN_OPTIONS": "detect_leaks=0", **self.server.environment, **({"BAROGRAPH_MUTANT": mutant} if mutant else {})}
        self.only_points = points is not None
        self.due = collections.deque()
        if not self.only_points and options.failpoints:
            self.due.extend(self.random.sample(list(KAFKA_POINTS), len(KAFKA_POINTS)))
        self.points = points or (list(POINTS) if options.failpoints else [])
        self.hits = collections.Counter()
        self.at_start = 0
        self.problems, self.foreign_rounds = [], 0
        self.stopping, self.emptied = threading.Event(), threading.Event()

    def start(self, work, *arguments):
        def guarded():
            try:
                work(*arguments)
            except Exception as problem:  # told by the main thread
                self.problems.append(f"{work.__name__}: {problem!r}")
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def produce(self):
        """Two clients at once: kcat on its partitions, confluent-kafka on the others."""
        each = self.options.events // PARTITIONS
        rate = self.options.rate
        others = [partition for partition in range(PARTITIONS) if partition not in KCAT_PARTITIONS]
        threads = [self.start(self.produce_confluent, others, each, rate * len(others) / PARTITIONS)]
        threads += [self.start(self.produce_kcat, partition, each, rate / PARTITIONS) for partition in KCAT_PARTITIONS]
        return threads

    def produce_confluent(self, partitions, each, rate):
        records = ((partition, ledger.value(partition, number)) for number in range(each) for partition in partitions)
        producers.produce(self.broker.bootstrap, TOPIC, records, rate=rate)

    def produce_kcat(self, partition, each, rate):
        producers.produce_kcat(self.broker.bootstrap, TOPIC, partition, (ledger.value(partition, number) for number in range(each)), rate=rate)

    def foreign(self):
        """A consumer that is not ours: takes partitions from us, reads, goes."""
        while not self.stopping.wait(self.random.uniform(*FOREIGN_SECONDS)):
            consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": GROUP, "auto.offset.reset": "earliest",
                                                 "partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 6000, "log_level": 2})
            consumer.subscribe([TOPIC])
            end = time.monotonic() + self.random.uniform(*FOREIGN_SECONDS)
            while time.monotonic() < end:
                consumer.poll(0.2)
            self.foreign_rounds += bool(consumer.assignment())
            consumer.close()

    def operate(self):
        """Somebody who drops what is broken and retries what came early, whatever the server does meanwhile."""
        while not self.emptied.wait(OPERATOR_SECONDS):
            if self.server.grpc is None:
                continue
            listed = self.server.run("dlq", "list", "--limit", str(OPERATOR_ROWS), "-o", "json", check=False)
            if listed.returncode != 0:
                continue  # it is dead just now
            rows = json.loads(listed.stdout).get("rows", [])
            broken = [row["sequence"] for row in rows if ledger.is_broken(int(row.get("offset", 0)))]
            early = [row["sequence"] for row in rows if row["sequence"] not in broken]
            if broken:
                self.server.run("dlq", "drop", *broken, check=False)
            if early:  # those whose time has not come yet stay
                self.server.run("dlq", "retry", *early, check=False)

    def choose_point(self):
        """None: killed at a random moment."""
        if self.due:
            return self.due[0]
        if not self.points or (not self.only_points and self.random.random() < 0.5):
            return None
        return self.random.choice(self.points)

    def live_once(self, kill_broker):
        """One life of the server; with `kill_broker` the broker dies before it."""
        point = None if kill_broker else self.choose_point()
        self.server.environment = self.environment
        if point:
            hold = ":30" if self.random.random() < 0.5 else ""
            self.server.environment = {**self.environment, "BAROGRAPH_FAILPOINT": f"{point}:{self.random.randint(1, POINTS[point])}{hold}"}
        try:
            self.server.start()
        except RuntimeError as problem:
            if not point or self.server.process.returncode != -signal.SIGKILL:
                raise Failure(f"the server did not start: {problem}") from problem
            self.at_start += 1
        if kill_broker:
            time.sleep(self.random.uniform(*LIFE_SECONDS))
            self.broker.kill()
            time.sleep(self.random.uniform(0, 1))
            self.server.kill()  # one dies while the other is away
            self.broker.start()
        elif point:
            self.die_at(point)
        else:
            time.sleep(self.random.uniform(*LIFE_SECONDS))
            self.server.kill()

    def die_at(self, point):
        try:
            if self.server.process.wait(timeout=POINT_SECONDS_MAX) != -signal.SIGKILL:
                raise Failure(f"the server ended by itself with {self.server.process.returncode}")
            self.hits[point] += 1
            if point in self.due:
                self.due.remove(point)
        except subprocess.TimeoutExpired:
            self.due.rotate(-1)
        self.server.kill()

    def run(self):
        writers = self.produce()
        foreign = None if self.options.mutants else self.start(self.foreign)
        operator = self.start(self.operate)
        kills = broker_kills = 0
        broker_every = max(1, self.options.kills // max(1, self.options.broker_kills))
        while kills < self.options.kills or any(writer.is_alive() for writer in writers):
            self.raise_problems()
            kill_broker = broker_kills < self.options.broker_kills and kills % broker_every == broker_every - 1
            self.live_once(kill_broker)
            broker_kills += kill_broker
            kills += 1
            if sys.stderr.isatty():
                print(f"\rkill {kills} of {self.options.kills}, broker {broker_kills} ", end="", file=sys.stderr)
        self.stopping.set()
        if foreign:
            foreign.join(timeout=60)
        sequence, digest, known_again = self.settle(operator)
        log = ledger.Log(self.options.binary, self.server.folder / "data")
        report = ledger.compare(reader.read(self.broker.bootstrap, TOPIC), log, known_again)
        self.check_replay(sequence, digest)
        if self.due:
            raise Failure(f"never died at {', '.join(self.due)}")
        return {"kills": kills, "at_failpoints": dict(self.hits), "deaths_at_start": self.at_start, "broker_kills": broker_kills,
                "foreign_rounds": self.foreign_rounds, **report, "digest": digest, "seed": self.options.seed}

    def raise_problems(self):
        if self.problems:
            raise Failure("; ".join(self.problems))

    def settle(self, operator):
        """Everything is read and the quarantine is empty; (sequence, digest, records known again)."""
        with self.broker.admin() as admin:
            ends = admin.offsets(TOPIC)
        self.server.environment = self.environment
        self.server.start()
        known_again = self.await_read(ends, time.monotonic() + SETTLE_SECONDS_MAX)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while self.server.json("dlq", "list", "--limit", "1").get("rows"):
            if time.monotonic() > deadline:
                raise Failure(f"records were still set aside after {SETTLE_SECONDS_MAX} s")
            time.sleep(OPERATOR_SECONDS)
        self.emptied.set()
        operator.join(timeout=60)
        self.raise_problems()
        call = grpc.insecure_channel(self.server.grpc).unary_unary(
            "/barograph.v1.QueryService/GetDigest", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.options.messages.GetDigestResponse.FromString)
        answer = call(self.options.messages.GetDigestRequest(), timeout=60)
        self.server.stop()
        return answer.sequence, answer.digest.hex(), known_again

    def await_read(self, ends, deadline):
        """Records that were read twice and known by their ids, once everything is read."""
        while True:
            status = self.server.json("kafka", "status")
            rows = {int(row.get("partition", 0)): row for row in status.get("partitions", [])}
            stopped = [row["problem"] for row in rows.values() if row.get("problem")]
            if stopped:
                raise Failure(f"a partition stopped: {stopped[0]}")
            if all(int(rows.get(partition, {}).get("next_offset", 0)) >= end for partition, end in ends.items()):
                return sum(int(row.get("duplicates", 0)) for row in rows.values())
            if time.monotonic() > deadline:
                raise Failure(f"not everything was read after {SETTLE_SECONDS_MAX} s: {status}, ends {ends}")
            time.sleep(0.2)

    def check_replay(self, sequence, digest):
        done = subprocess.run([self.options.binary, "bench", "replay", "--data", str(self.server.folder / "data"), "--until", str(sequence)],
                              check=True, capture_output=True, text=True, env=self.environment)
        replay = json.loads(done.stdout)
        if replay["digest"] != digest:
            raise Failure(f"state differs from a full replay at {sequence}: {digest}, {replay['digest']}")


def run_loop(options, mutant=None, points=None):
    """(report, None) or (None, reason)."""
    with tempfile.TemporaryDirectory(prefix="barograph-kafka-loop-") as folder:
        loop = Loop(options, pathlib.Path(folder), mutant, points)
        try:
            return loop.run(), None
        except Failure as failure:
            if not mutant:
                print("".join(loop.server.log[-40:]), file=sys.stderr)
            return None, f"{failure} (seed {options.seed})"
        finally:
            loop.stopping.set()
            loop.emptied.set()
            loop.server.kill()
            loop.broker.kill()


def run_mutants(options):
    """Each defect must be caught, and the same loop without the defect must pass: else the catch would prove nothing."""
    failed = False
    for mutant, points in MUTANTS.items():
        _, false_alarm = run_loop(options, points=points)
        _, caught = run_loop(options, mutant, points)
        if false_alarm:
            print(f"{mutant:<28} the loop without it fails: {false_alarm}")
        else:
            print(f"{mutant:<28} {'caught: ' + caught if caught else 'NOT caught'}")
        failed = failed or bool(false_alarm) or not caught
    return 1 if failed else 0


def has_failpoints(binary):
    """A build without them holds none of their names."""
    with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code:
        return all(code.find(point.encode()) >= 0 for point in POINTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/dev/barograph"))
    parser.add_argument("--events", type=int, help="a million, or 24,000 with --mutants")
    parser.add_argument("--rate", type=float, default=3000, help="records a second over all partitions")
    parser.add_argument("--kills", type=int, help="of the server, at least: 100, or 8 with --mutants")
    parser.add_argument("--broker-kills", type=int, help="20, or none with --mutants")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--mutants", action="store_true", help="each seeded defect must be caught")
    options = parser.parse_args()
    for name, campaign, mutants in (("events", 1_000_000, 24_000), ("kills", 100, 8), ("broker_kills", 20, 0)):
        if getattr(options, name) is None:
            setattr(options, name, mutants if options.mutants else campaign)
    options.binary = str(pathlib.Path(options.binary).resolve())
    options.failpoints = has_failpoints(options.binary)
    if options.mutants and not options.failpoints:
        parser.error(f"{options.binary} was built without failpoints: take the preset dev")
    try:
        kafka.fetch()
    except MavenUnreachable as reason:
        print(f"SKIPPED: Maven Central cannot be reached: {reason}")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="barograph-messages-") as folder:
        options.messages = make_messages(folder)[2]
        if options.mutants:
            return run_mutants(options)
        report, reason = run_loop(options)
    if reason:
        print(f"FAILED: {reason}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
