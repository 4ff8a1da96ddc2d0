#!/usr/bin/env python3
"""The real broker, its producers and the independent reader do what the tests that rest on them take for granted."""
import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import jars
import producers
import reader
from admin import EARLIEST, KafkaError
from broker import SKIPPED, Broker, free_ports

SCRIPT = str(pathlib.Path(__file__).with_name("broker.py"))
PARTITIONS = 3
RECORDS = 10_000
KILLED_LOAD = 12_000


def numbers(records):
    """The running numbers, and that they lie in the partition whose name they carry."""
    found = collections.defaultdict(list)
    for partition, values in records.items():
        for record in values:
            found[partition].append(producers.number_of(record.value))
    return found


class BrokerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="barograph-kafka-")
        cls.addClassCleanup(folder.cleanup)
        cls.broker = Broker(folder.name)
        cls.addClassCleanup(cls.broker.kill)
        cls.broker.start()
        print(f"first answer after {cls.broker.start_seconds:.1f} s, {cls.broker.memory_bytes() >> 20} MiB resident", file=sys.stderr)

    def setUp(self):
        self.admin = self.broker.admin()
        self.addCleanup(self.admin.close)
        self.topic = self.id().rsplit(".", 1)[1].replace("test_", "")[:60]
        self.admin.create_topic(self.topic, PARTITIONS)

    def read(self, **options):
        return reader.read(self.broker.bootstrap, self.topic, **options)

    def expect_each_once(self, records, count):
        self.assertEqual({partition: [(partition, number) for number in range(count // PARTITIONS)] for partition in range(PARTITIONS)},
                         dict(numbers(records)))

    def test_confluent_kafka_and_the_reader_agree(self):
        count = RECORDS - RECORDS % PARTITIONS
        acked = producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, count), compression_type="gzip")
        records = self.read()
        self.expect_each_once(records, count)
        self.assertEqual({partition: [record.value for record in values] for partition, values in records.items()}, acked)

    def test_kcat_and_the_reader_agree_on_any_bytes(self):
        values = [producers.event(1, number) for number in range(RECORDS)] + [bytes(range(256)), b"\n\n", b"\0"]
        sent = producers.produce_kcat(self.broker.bootstrap, self.topic, 1, values, headers=[("ce_type", "task")])
        self.assertEqual(sent, len(values))
        records = self.read()[1]
        self.assertEqual([record.value for record in records], values)
        self.assertEqual([record.offset for record in records], list(range(len(values))))
        self.assertEqual(records[0].headers, [("ce_type", b"task")])

    def test_a_rate_is_kept(self):
        started = time.monotonic()
        producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, 600), rate=400)
        self.assertGreater(time.monotonic() - started, 1.3)

    def test_a_broker_killed_under_load_keeps_each_acknowledged_record_once_and_in_order(self):
        acked = collections.defaultdict(list)
        problems = []

        def load():
            try:
                producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, KILLED_LOAD), rate=4000, acked=acked)
            except Exception as problem:  # shown by the test's own thread
                problems.append(problem)
        thread = threading.Thread(target=load)
        thread.start()
        while sum(map(len, acked.values())) < KILLED_LOAD // 4 and thread.is_alive():
            time.sleep(0.005)
        self.broker.kill()
        before = sum(map(len, acked.values()))
        self.broker.start()
        thread.join()
        self.assertEqual(problems, [])
        self.assertLess(before, KILLED_LOAD, "the kill came too late to show anything")
        records = self.read()
        self.expect_each_once(records, KILLED_LOAD)
        self.assertEqual({partition: [record.value for record in values] for partition, values in records.items()}, dict(acked))

    def test_aborted_transactions_are_in_the_log_but_not_committed(self):
        committed = producers.produce_transactions(self.broker.bootstrap, self.topic, PARTITIONS, transactions=9, records_each=30)
        seen = self.read(committed=True)
        self.assertEqual({partition: [record.value for record in values] for partition, values in seen.items()}, committed)
        everything = [producers.number_of(record.value)[0] for record in self.read()[0]]
        self.assertEqual(sum(str(partition).startswith(producers.ABORTED) for partition in everything), 3 * 30 // PARTITIONS)
        offsets = [record.offset for record in seen[0]]
        self.assertNotEqual(offsets, list(range(len(offsets))), "markers and aborted records leave holes")

    def test_a_recreated_topic_begins_at_zero_again(self):
        producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, 30))
        self.admin.recreate_topic(self.topic, PARTITIONS)
        self.assertEqual(self.admin.offsets(self.topic), dict.fromkeys(range(PARTITIONS), 0))
        producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, 3, first=7))
        self.assertEqual(numbers(self.read()), {partition: [(partition, 7)] for partition in range(PARTITIONS)})
        with self.assertRaises(KafkaError):
            self.admin.create_topic(self.topic, PARTITIONS)

    def test_a_truncated_topic_begins_at_its_low_watermark(self):
        producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, 30))
        self.assertEqual(self.admin.delete_records(self.topic, {0: 4, 2: 10}), {0: 4, 2: 10})
        self.assertEqual(self.admin.offsets(self.topic, at=EARLIEST), {0: 4, 1: 0, 2: 10})
        self.assertEqual({partition: len(values) for partition, values in self.read().items()}, {0: 6, 1: 10, 2: 0})

    def test_retention_overtakes_what_nobody_read(self):
        producers.produce(self.broker.bootstrap, self.topic, producers.events(PARTITIONS, 30))
        self.admin.alter_topic(self.topic, retention_ms=1)
        self.admin.until(lambda: self.admin.offsets(self.topic, at=EARLIEST) == {0: 10, 1: 10, 2: 10}, "retention")


def has_ended(pid):
    """Who is adopted by another process stays in the table until that has looked; it no longer runs then."""
    stat = pathlib.Path(f"/proc/{pid}/stat")
    for _ in range(100):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


class CommandTest(unittest.TestCase):
    def test_run_gives_the_command_a_broker_and_ends_it(self):
        with tempfile.TemporaryDirectory(prefix="barograph-kafka-") as folder:
            done = subprocess.run([sys.executable, SCRIPT, "run", "--dir", folder, "--", "sh", "-c", "echo $KAFKA_BOOTSTRAP; exit 3"],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 3, done.stderr)
            broker = Broker(folder)
            self.assertEqual(done.stdout.strip(), broker.bootstrap)
            self.assertFalse(broker.running())
            self.assertIsNone(broker.pid)

    def test_an_interrupted_run_ends_the_command_and_the_broker(self):
        with tempfile.TemporaryDirectory(prefix="barograph-kafka-") as folder:
            process = subprocess.Popen([sys.executable, SCRIPT, "run", "--dir", folder, "--", "sh", "-c", "echo $$; exec sleep 60"],
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            child = int(process.stdout.readline())
            broker = Broker(folder)
            self.assertTrue(broker.running())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=60), 130)
            process.stdout.close()
            self.assertFalse(broker.running())
            self.assertTrue(has_ended(child))

    def test_a_jar_that_is_not_the_pinned_one_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "kafka-1.jar").write_bytes(b"another")
            with self.assertRaisesRegex(RuntimeError, "kafka-1.jar: kafka.lock says 00ff, Maven brought "):
                jars.check([("org.example", "kafka", "1", "00ff")], pathlib.Path(folder))

    def test_a_repository_that_does_not_answer_is_named(self):
        with tempfile.TemporaryDirectory() as cache:
            nowhere = dict(os.environ, XDG_CACHE_HOME=cache, BAROGRAPH_MAVEN=f"http://127.0.0.1:{free_ports(1)[0]}/",
                           MAVEN_OPTS=f"-Dmaven.repo.local={cache}/repository")
            done = subprocess.run([sys.executable, SCRIPT, "fetch"], env=nowhere, capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, SKIPPED, done.stderr)
            self.assertIn("SKIPPED: Maven Central cannot be reached: ", done.stderr)


def main():
    try:
        jars.fetch()
    except jars.MavenUnreachable as problem:
        print(f"SKIPPED: {problem}")
        return SKIPPED
    unittest.main()


if __name__ == "__main__":
    sys.exit(main())
