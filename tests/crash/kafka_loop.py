#!/usr/bin/env python3
"""Kills the server and the broker under a stream of records, and checks that the log holds every record of the topic once, in order.

Plain producers (confluent-kafka and kcat, acks=all, idempotent) write numbered events into six partitions of a real broker. Meanwhile the
server is killed -9 at random moments, the broker is killed -9, and a foreign consumer joins and leaves the group. In the end an
independent reader reads the topic from its first offset to its end; per partition and in order, the log must hold exactly that, and
its state must equal a full replay. See README.md beside this file. Exit status 77: Maven Central cannot be reached.
"""
import argparse
import collections
import json
import os
import pathlib
import random
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
import producers  # noqa: E402
import reader  # noqa: E402
from crash_loop import make_messages  # noqa: E402
from jars import MavenUnreachable  # noqa: E402

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
SETTLE_SECONDS_MAX = 300
FOREIGN_SECONDS = (3, 8)


class Failure(Exception):
    pass


class Loop:
    def __init__(self, options, folder):
        self.options = options
        self.random = random.Random(options.seed)
        os.environ["BAROGRAPH_BINARY"] = options.binary
        from server import Server
        self.broker = kafka.Broker(folder / "broker")
        self.broker.start()
        with self.broker.admin() as admin:
            admin.create_topic(TOPIC, PARTITIONS, compression_type="uncompressed")
        self.server = Server(folder / "server", config=CONFIG.format(brokers=self.broker.bootstrap, group=GROUP, topic=TOPIC))
        self.problems, self.foreign_rounds = [], 0
        self.stopping = threading.Event()

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
        records = ((partition, producers.event(partition, number)) for number in range(each) for partition in partitions)
        producers.produce(self.broker.bootstrap, TOPIC, records, rate=rate)

    def produce_kcat(self, partition, each, rate):
        producers.produce_kcat(self.broker.bootstrap, TOPIC, partition, (producers.event(partition, number) for number in range(each)), rate=rate)

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

    def run(self):
        writers = self.produce()
        foreign = self.start(self.foreign)
        kills = broker_kills = 0
        broker_every = max(1, self.options.kills // max(1, self.options.broker_kills))
        while kills < self.options.kills or any(writer.is_alive() for writer in writers):
            self.raise_problems()
            self.server.start()
            time.sleep(self.random.uniform(*LIFE_SECONDS))
            if broker_kills < self.options.broker_kills and kills % broker_every == broker_every - 1:
                self.broker.kill()
                broker_kills += 1
                time.sleep(self.random.uniform(0, 1))
                self.server.kill()  # one dies while the other is away
                self.broker.start()
            else:
                self.server.kill()
            kills += 1
            if sys.stderr.isatty():
                print(f"\rkill {kills} of {self.options.kills}, broker {broker_kills} ", end="", file=sys.stderr)
        self.stopping.set()
        foreign.join(timeout=60)
        self.raise_problems()
        digest = self.settle()
        report = self.compare()
        replay = json.loads(subprocess.run([self.options.binary, "bench", "replay", "--data", str(self.server.folder / "data"),
                                            "--until", str(digest[0])], check=True, capture_output=True, text=True).stdout)
        if replay["digest"] != digest[1]:
            raise Failure(f"state differs from a full replay at {digest[0]}: {digest[1]}, {replay['digest']}")
        return {"kills": kills, "broker_kills": broker_kills, "foreign_rounds": self.foreign_rounds, **report, "digest": digest[1],
                "seed": self.options.seed}

    def raise_problems(self):
        if self.problems:
            raise Failure("; ".join(self.problems))

    def settle(self):
        """Everything is read; (sequence, digest)."""
        with self.broker.admin() as admin:
            ends = admin.offsets(TOPIC)
        self.server.start()
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            status = self.server.json("kafka", "status")
            rows = {int(row.get("partition", 0)): row for row in status.get("partitions", [])}
            stopped = [row["problem"] for row in rows.values() if row.get("problem")]
            if stopped:
                raise Failure(f"a partition stopped: {stopped[0]}")
            if all(int(rows.get(partition, {}).get("next_offset", 0)) >= end for partition, end in ends.items()):
                break
            if time.monotonic() > deadline:
                raise Failure(f"not everything was read after {SETTLE_SECONDS_MAX} s: {status}, ends {ends}")
            time.sleep(0.2)
        call = grpc.insecure_channel(self.server.grpc).unary_unary(
            "/barograph.v1.QueryService/GetDigest", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self.options.messages.GetDigestResponse.FromString)
        answer = call(self.options.messages.GetDigestRequest(), timeout=60)
        self.server.stop()
        return answer.sequence, answer.digest.hex()

    def compare(self):
        """Per partition and in order: the topic, as an independent reader sees it, and the log."""
        topic = {partition: [producers.number_of(record.value)[1] for record in records]
                 for partition, records in reader.read(self.broker.bootstrap, TOPIC).items()}
        log = collections.defaultdict(list)
        export = subprocess.Popen([self.options.binary, "log", "export", "--data", str(self.server.folder / "data")], stdout=subprocess.PIPE, text=True)
        for line in export.stdout:
            event = json.loads(line)
            event = event.get("event", event)
            if "task" in event:
                partition, number = event["id"].rsplit("-", 1)
                log[int(partition)].append(int(number))
        if export.wait() != 0:
            raise Failure("log export failed")
        for partition, numbers in topic.items():
            if numbers != log[partition]:
                lost = len(set(numbers) - set(log[partition]))
                doubled = len(log[partition]) - len(set(log[partition]))
                raise Failure(f"partition {partition}: the topic holds {len(numbers)} records, the log {len(log[partition])}; "
                              f"lost {lost}, doubled {doubled}, or another order")
        count = sum(map(len, topic.values()))
        if count != self.options.events // PARTITIONS * PARTITIONS:
            raise Failure(f"the topic holds {count} records: the producers or the broker lost some")
        return {"records": count, "lost": 0, "doubled": 0}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/dev/barograph"))
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=3000, help="records a second over all partitions")
    parser.add_argument("--kills", type=int, default=100, help="of the server, at least")
    parser.add_argument("--broker-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    options.binary = str(pathlib.Path(options.binary).resolve())
    try:
        kafka.fetch()
    except MavenUnreachable as reason:
        print(f"SKIPPED: Maven Central cannot be reached: {reason}")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="barograph-kafka-loop-") as folder:
        options.messages = make_messages(tempfile.mkdtemp(dir=folder))[2]
        loop = Loop(options, pathlib.Path(folder))
        try:
            print(json.dumps(loop.run(), indent=2))
            return 0
        except Failure as failure:
            print(f"FAILED: {failure} (seed {options.seed})", file=sys.stderr)
            print("".join(loop.server.log[-40:]), file=sys.stderr)
            return 1
        finally:
            loop.stopping.set()
            loop.server.kill()
            loop.broker.kill()


if __name__ == "__main__":
    sys.exit(main())
