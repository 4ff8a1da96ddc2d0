#!/usr/bin/env python3
"""From plain producers through a real broker into the log of the real binary: each case with the outcome that a user sees."""
import collections
import csv
import datetime
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import confluent_kafka  # noqa: E402

import broker as kafka  # noqa: E402
import producers  # noqa: E402
from jars import MavenUnreachable  # noqa: E402
from server import BINARY, Server, await_true  # noqa: E402

DATASETS = pathlib.Path(os.environ.get("BAROGRAPH_DATASETS", producers.ROOT.parent / "shared/data"))
AZURE = DATASETS / "azure_llm_conv_2023.csv.gz"
SKIPPED = 77
CONFIG = """
kafka:
  brokers: {brokers}
  group: {group}
  topics:
    - {{topic: {topic}, format: {format}{more}}}
  properties: {{session.timeout.ms: 6000, fetch.wait.max.ms: 50, reconnect.backoff.max.ms: 300}}
"""


class KafkaTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="barograph-kafka-test-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.broker = kafka.Broker(pathlib.Path(cls.folder.name) / "broker")
        cls.broker.start()
        cls.addClassCleanup(cls.broker.kill)

    @property
    def admin(self):
        """A connection for one call: brokers end in these tests."""
        admin = self.broker.admin()
        self.addCleanup(admin.close)
        return admin

    def setUp(self):
        self.topic = self.id().rsplit(".", 1)[1][5:45].replace("_", "-")

    def make_server(self, form="event", more="", name="server", group=None, brokers=None):
        config = CONFIG.format(brokers=brokers or self.broker.bootstrap, group=group or self.topic, topic=self.topic,
                               format=form, more=more)
        server = Server(pathlib.Path(self.folder.name) / (self.topic + "-" + name), config=config)
        self.addCleanup(self.end, server)
        return server

    def end(self, server):
        server.kill()
        if os.environ.get("BAROGRAPH_TEST_LOG"):
            sys.stderr.write("".join(server.log[-60:]))

    def serve(self, **options):
        return self.make_server(**options).start()

    def send(self, count, partitions=1, first=0):
        producers.produce(self.broker.bootstrap, self.topic, producers.events(partitions, count, first))

    def send_raw(self, *values, headers=None, **settings):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.broker.bootstrap, "acks": "all",
                                             **{key.replace("_", "."): value for key, value in settings.items()}})
        failed = []
        for value in values:
            producer.produce(self.topic, value, partition=0, headers=headers,
                             on_delivery=lambda error, _: failed.append(str(error)) if error else None)
        producer.flush(60)
        self.assertEqual(failed, [])

    @staticmethod
    def status(server, partition=0):
        found = [row for row in server.json("kafka", "status")["partitions"] if int(row.get("partition", 0)) == partition]
        return found[0] if found else {}

    def await_read(self, server, offset, partition=0, seconds=30):
        await_true(lambda: int(self.status(server, partition).get("next_offset", 0)) >= offset,
                   f"offset {offset} of {self.topic}/{partition}: {self.status(server, partition)}", seconds)

    def await_problem(self, server):
        return await_true(lambda: self.status(server).get("problem"), "a stopped partition")

    def stored(self, server):
        """{partition: [number]} of what the log of a stopped server holds, in order."""
        out = subprocess.run([BINARY, "log", "export", "--data", str(server.folder / "data")], capture_output=True, text=True,
                             check=True).stdout
        numbers = collections.defaultdict(list)
        for line in out.splitlines():
            event = json.loads(line)
            event = event.get("event", event)
            if "task" in event:
                partition, number = event["id"].rsplit("-", 1)
                numbers[int(partition)].append(int(number))
        return dict(numbers)

    def counted(self, server, measure="tasks.completed"):
        rows = server.json("query", measure, "--over", "1h").get("rows", [])
        return sum(float(row.get("sum", row.get("value", 0))) for row in rows)

    # --- Exactly once

    def test_every_record_once_over_restarts_kills_and_a_broker_that_dies(self):
        self.admin.create_topic(self.topic, 3)
        server = self.serve()
        self.send(3000, partitions=3)
        server.kill()
        self.send(3000, partitions=3, first=1000)
        server.start()
        self.broker.restart(kill=True)
        self.send(3000, partitions=3, first=2000)
        for partition in range(3):
            self.await_read(server, 3000, partition, seconds=60)
        server.stop()
        self.assertEqual(self.stored(server), {partition: list(range(3000)) for partition in range(3)})

    def test_a_foreign_consumer_comes_and_goes(self):
        self.admin.create_topic(self.topic, 4)
        server = self.serve()
        self.send(400, partitions=4)
        self.await_read(server, 100, 3)
        foreign = confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": self.topic, "auto.offset.reset": "earliest",
                                            "partition.assignment.strategy": "cooperative-sticky"})
        foreign.subscribe([self.topic])
        deadline = time.monotonic() + 30
        while not foreign.assignment() and time.monotonic() < deadline:
            foreign.poll(0.2)
        self.assertTrue(foreign.assignment())
        self.send(400, partitions=4, first=100)
        foreign.poll(0.5)
        foreign.close()
        for partition in range(4):
            self.await_read(server, 200, partition, seconds=60)
        server.stop()
        self.assertEqual(self.stored(server), {partition: list(range(200)) for partition in range(4)})

    def test_a_second_barograph_in_the_group_refuses_to_start(self):
        self.admin.create_topic(self.topic)
        self.send(10)
        self.await_read(self.serve(), 10)
        with self.assertRaisesRegex(RuntimeError, "another Barograph reads as group"):
            self.make_server(name="second").start()

    def test_transactions_leave_holes_and_aborted_events_are_not_counted(self):
        self.admin.create_topic(self.topic, 2)
        server = self.serve()
        committed = producers.produce_transactions(self.broker.bootstrap, self.topic, 2, 9, 40)
        ends = self.admin.offsets(self.topic)
        for partition, values in committed.items():
            await_true(lambda: int(self.status(server, partition).get("records", 0)) >= len(values), "all committed records")
            self.assertLess(int(self.status(server, partition)["records"]), ends[partition])
        server.stop()
        self.assertEqual(self.stored(server), {partition: list(range(len(values))) for partition, values in committed.items()})

    def test_a_broker_that_is_down_at_the_start_comes_later(self):
        self.admin.create_topic(self.topic)
        self.send(100)
        self.broker.stop()
        server = self.serve()
        self.addCleanup(lambda: self.broker.running() or self.broker.start())
        await_true(lambda: server.json("kafka", "status")["state"] == "no broker", "the state 'no broker'")
        self.assertIn("ok", server.get("/readyz"))
        self.broker.start()
        self.await_read(server, 100, seconds=60)

    # --- What is lost is said

    def assert_alert(self, server, *words):
        alerts = await_true(lambda: [line for line in server.run("alerts", "list").splitlines() if "server.kafka" in line],
                            "an alert of server.kafka")
        for word in words:
            self.assertIn(word, " ".join(alerts))

    def skip_to_earliest(self, server):
        refused = server.run("kafka", "skip", self.topic, "0", "--earliest", check=False)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        server.run("kafka", "skip", self.topic, "0", "--earliest", "--accept-loss")

    def test_a_topic_that_was_made_anew_stops_until_it_is_skipped(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(100)
        self.await_read(server, 100)
        server.stop()
        self.admin.recreate_topic(self.topic)
        self.send(150, first=1000)
        server.start()
        self.assertIn("is not the one that was read there", self.await_problem(server))
        self.assert_alert(server, "firing", self.topic)
        self.skip_to_earliest(server)
        self.await_read(server, 150)
        self.assertFalse(self.status(server).get("problem"))
        server.stop()
        self.assertEqual(self.stored(server), {0: list(range(100)) + list(range(1000, 1150))})

    def test_a_topic_made_anew_while_it_is_read_is_noticed(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(100)
        self.await_read(server, 100)
        self.admin.recreate_topic(self.topic)
        self.send(20, first=1000)
        problem = await_true(lambda: self.status(server).get("problem"), "a stopped partition", seconds=60)
        self.assertRegex(problem, "ends at offset|is not the one")
        self.skip_to_earliest(server)
        await_true(lambda: int(self.status(server).get("records", 0)) >= 120, "the new records", seconds=60)

    def test_a_log_that_ends_before_our_place_stops(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(100)
        self.await_read(server, 100)
        server.kill()
        self.admin.recreate_topic(self.topic)
        self.send(10)
        server.start()
        self.assertIn("ends at offset 10, before 100", self.await_problem(server))

    def test_retention_that_overtakes_us_is_a_loss_with_its_range(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(100)
        self.await_read(server, 100)
        server.kill()
        self.send(400, first=100)
        self.admin.delete_records(self.topic, {0: 300})
        server.start()
        self.assertIn("records 100 to 299 are gone (200)", self.await_problem(server))
        self.assert_alert(server, "100 to 299")
        # A restart changes nothing, and the alert stays one.
        server.stop()
        server.start()
        self.await_problem(server)
        alerts = server.json("alerts", "list")["alerts"]["alerts"]
        self.assertEqual([alert["state"] for alert in alerts if alert["rule"] == "server.kafka"], ["FIRING"])
        self.skip_to_earliest(server)
        self.await_read(server, 500)
        server.stop()
        self.assertEqual(self.stored(server), {0: list(range(100)) + list(range(300, 500))})

    def test_a_last_record_removed_by_retention_is_unverifiable_and_goes_on(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(100)
        self.await_read(server, 100)
        server.kill()
        self.send(50, first=100)
        self.admin.delete_records(self.topic, {0: 100})
        server.start()
        self.await_read(server, 150)
        self.assertTrue(self.status(server)["unverifiable"])
        self.assertIn("unverifiable", "".join(server.log))

    # --- What cannot be read is set aside

    def quarantine(self, server, count):
        return await_true(lambda: (lambda rows: rows if len(rows) >= count else None)(server.json("dlq", "list").get("rows", [])),
                          f"{count} records set aside")

    def test_broken_records_are_set_aside_and_the_rest_goes_on(self):
        self.admin.create_topic(self.topic)
        server = self.serve(form="json")
        good = b'{"agent": "a1", "task": {"status": "COMPLETED"}}'
        self.send_raw(good, b"no json", None, b'{"agent": "\xff\xfe", "task": {"status": "COMPLETED"}}', b"", b"[" * 5000, good,
                      headers=[("origin", b"test")])
        self.await_read(server, 7)
        rows = self.quarantine(server, 4)
        self.assertEqual([int(row["offset"]) for row in rows], [1, 3, 4, 5])
        self.assertIn("UTF-8", rows[1]["reason"])
        self.assertEqual(int(self.status(server)["tombstones"]), 1)
        shown = server.run("dlq", "show", str(rows[0]["sequence"]))
        self.assertIn("no json", shown)
        self.assertIn("origin", shown)
        failed = server.run("dlq", "retry", str(rows[0]["sequence"]), check=False)
        self.assertEqual(failed.returncode, 1, failed.stdout)
        server.run("dlq", "drop", str(rows[0]["sequence"]))
        self.assertEqual(len(server.json("dlq", "list")["rows"]), 3)

    def test_a_mapping_that_is_mended_brings_records_back(self):
        self.admin.create_topic(self.topic)
        server = self.serve(form="cloudevents", more=", types: {com.example.task: task}")
        event = {"specversion": "1.0", "id": "1", "source": "/test", "type": "com.example.unheard",
                 "data": {"agent": "a1", "status": "COMPLETED"}}
        self.send_raw(json.dumps(event).encode(), headers=[("content-type", b"application/cloudevents+json")])
        [row] = self.quarantine(server, 1)
        self.assertIn("com.example.unheard", row["reason"])
        server.stop()
        text = server.config_file.read_text()
        server.config_file.write_text(text.replace("com.example.task: task", "com.example.unheard: task"))
        server.start()
        server.run("dlq", "retry", str(row["sequence"]))
        self.assertEqual(server.json("dlq", "list").get("rows", []), [])
        await_true(lambda: self.counted(server) == 1, "the task in the count")

    def test_a_dead_letter_topic_gets_a_copy(self):
        self.admin.create_topic(self.topic)
        dead = self.topic + ".dead"
        self.admin.create_topic(dead)
        server = self.make_server(form="json")
        config = server.config_file.read_text()
        server.config_file.write_text(config.replace("  topics:", f"  dead_letter_topic: {dead}\n  topics:"))
        server.start()
        self.send_raw(b"broken")
        self.quarantine(server, 1)
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": "dead", "auto.offset.reset": "earliest"})
        consumer.subscribe([dead])
        try:
            message = await_true(lambda: consumer.poll(0.5), "the copy", seconds=30)
        finally:
            consumer.close()
        headers = dict(message.headers())
        self.assertEqual(message.value(), b"broken")
        self.assertEqual(headers["barograph-topic"], self.topic.encode())
        self.assertEqual(headers["barograph-offset"], b"0")
        self.assertTrue(headers["barograph-reason"])

    # --- What is too large does no harm

    def memory_mib(self, server):
        fields = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return int(fields.split("VmHWM:")[1].split()[0]) // 1024

    def test_a_compressed_bomb_is_set_aside(self):
        self.admin.create_topic(self.topic)
        server = self.serve(form="json")
        self.send_raw(b"[" + b" " * (90 << 20) + b"]", compression_type="gzip", message_max_bytes=100_000_000)
        self.send_raw(b'{"agent": "a1", "task": {"status": "COMPLETED"}}')
        [row] = self.quarantine(server, 1)
        self.await_read(server, 2, seconds=60)
        self.assertGreater(int(row["value_bytes"]), 90 << 20)
        self.assertLess(self.memory_mib(server), 1500)

    def test_a_record_of_100_mb_is_set_aside_with_its_digest(self):
        self.admin.create_topic(self.topic, max_message_bytes=120 << 20)
        server = self.serve(form="json")
        self.send_raw(os.urandom(1 << 20) * 100, message_max_bytes=110 << 20)
        self.send_raw(b'{"agent": "a1", "task": {"status": "COMPLETED"}}')
        [row] = self.quarantine(server, 1)
        self.await_read(server, 2, seconds=60)
        self.assertEqual(int(row["value_bytes"]), 100 << 20)
        shown = server.run("dlq", "show", str(row["sequence"]))
        self.assertRegex(shown[:1000], r"SHA-256 +[0-9a-f]{64}")

    # --- Real data

    @unittest.skipUnless(AZURE.exists(), f"the data set is not in {DATASETS}")
    def test_the_azure_trace_as_cloudevents_by_kcat_is_counted_exactly(self):
        self.admin.create_topic(self.topic, 2)
        server = self.serve(form="cloudevents", more=", types: {com.microsoft.azure.llm.request: cost}")
        lines, tokens_in, tokens_out = [], 0, 0
        with gzip.open(AZURE, "rt", newline="") as file:
            for number, row in enumerate(csv.DictReader(file)):
                moment = datetime.datetime.strptime(row["TIMESTAMP"][:19], "%Y-%m-%d %H:%M:%S").isoformat() + "Z"
                usage = {"input": int(row["ContextTokens"]), "output": int(row["GeneratedTokens"])}
                tokens_in += usage["input"]
                tokens_out += usage["output"]
                lines.append(json.dumps({"specversion": "1.0", "id": str(number), "source": "/azure/conv", "time": moment,
                                         "type": "com.microsoft.azure.llm.request", "datacontenttype": "application/json",
                                         "data": {"category": "MODEL", "model": "gpt-4o", "provider": "openai", "tokens": usage}}))
        file = pathlib.Path(self.folder.name) / "azure.jsonl"
        file.write_text("\n".join(lines) + "\n")
        subprocess.run(["kcat", "-P", "-b", self.broker.bootstrap, "-t", self.topic, "-X", "acks=all", "-X", "enable.idempotence=true",
                        "-H", "content-type=application/cloudevents+json", "-l", str(file)], check=True)
        await_true(lambda: sum(int(self.status(server, partition).get("events", 0)) for partition in range(2)) == len(lines),
                   f"{len(lines)} events", seconds=60)
        self.assertEqual(server.json("dlq", "list").get("rows", []), [])
        begin = "2023-11-16T00:00:00Z"
        for measure, expected in (("tokens.input", tokens_in), ("tokens.output", tokens_out)):
            answer = server.json("query", measure, "--from", begin, "--to", "2023-11-17T00:00:00Z", "--every", "day")
            self.assertIn(str(expected), json.dumps(answer), f"{measure}: {answer}")

    # --- What operators see

    def test_metrics_tell_lag_and_counts(self):
        self.admin.create_topic(self.topic)
        server = self.serve()
        self.send(50)
        self.await_read(server, 50)
        pattern = rf'barograph_kafka_records_total{{.*topic="{self.topic}".*}} 50'
        metrics = await_true(lambda: (lambda text: text if re.search(pattern, text) else None)(server.get("/metrics")), "50 records")
        self.assertRegex(metrics, rf'barograph_kafka_lag_records{{.*topic="{self.topic}".*}} 0')


if __name__ == "__main__":
    try:
        kafka.fetch()
    except MavenUnreachable as reason:
        print(f"SKIPPED: Maven Central cannot be reached: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
