"""Plain Kafka producers for tests, the kind that users have: confluent-kafka and kcat, idempotent, acks=all.

Events carry a running number per partition, so that a reader can say what is missing, doubled or out of order. Every function paces
itself to `rate` records a second in total, if given, and is bounded by its input.
"""
import collections
import functools
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[3]
TIMEOUT_SECONDS = 180
TRANSACTION_SECONDS = 60
RELIABLE = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": TIMEOUT_SECONDS * 1000, "linger.ms": 5,
            "retry.backoff.ms": 50, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500, "socket.timeout.ms": 10_000,
            "log_level": 2}  # verdicts tell what failed; a killed broker is no news
QUEUE_RECORDS_MAX = 50_000
ABORTED = "aborted"


@functools.cache
def messages():
    """The module event_pb2, made by protoc from the contract."""
    with tempfile.TemporaryDirectory(prefix="barograph-proto-") as out:
        subprocess.run(["protoc", f"--python_out={out}", f"-I{ROOT / 'proto'}", "barograph/v1/event.proto", "barograph/v1/server_event.proto"],
                       check=True)
        sys.path.insert(0, out)
        try:
            from barograph.v1 import event_pb2
        finally:
            sys.path.remove(out)
    return event_pb2


def event(partition, number, mark=""):
    """A finished task as a protobuf event; its id holds partition and number."""
    message = messages().Event(id=f"{mark}{partition}-{number}", agent=f"agent-{number % 7}", task_id=f"task-{number}")
    message.task.status = messages().Task.COMPLETED
    message.task.type = "development"
    return message.SerializeToString(deterministic=True)


def number_of(value):
    """(partition, number) of such an event; the partition of an aborted one begins with its mark."""
    partition, number = messages().Event.FromString(value).id.rsplit("-", 1)
    return partition if partition.startswith(ABORTED) else int(partition), int(number)


def events(partitions, count, first=0):
    """(partition, value) of `count` events over all partitions in turn; the numbers of each begin at `first`."""
    for index in range(count):
        partition, number = index % partitions, first + index // partitions
        yield partition, event(partition, number)


def paced(records, rate):
    """The same records, no faster than this many a second."""
    started = time.monotonic()
    for index, record in enumerate(records):
        if rate and index % 64 == 0:
            time.sleep(max(0.0, started + index / rate - time.monotonic()))
        yield record


def produce(bootstrap, topic, records, rate=None, acked=None, headers=None, **settings):
    """Sends (partition, value) pairs with confluent-kafka and waits for every verdict: {partition: [value]} of what was acknowledged, in
    the order of the acknowledgements. A record that failed raises. Pass `acked` (a defaultdict(list)) to watch it from another thread."""
    acked = collections.defaultdict(list) if acked is None else acked
    failed = []

    def verdict(error, message):
        if error:
            failed.append(f"{message.topic()} [{message.partition()}]: {error}")
        else:
            acked[message.partition()].append(message.value())
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "queue.buffering.max.messages": QUEUE_RECORDS_MAX, **RELIABLE,
                                         **{key.replace("_", "."): value for key, value in settings.items()}})
    for partition, value in paced(records, rate):
        send(producer, topic, partition, value, headers, verdict)
    left = producer.flush(TIMEOUT_SECONDS)
    if left or failed:
        raise RuntimeError(f"{left} records without a verdict, {len(failed)} failed: {failed[:3]}")
    return dict(acked)


def send(producer, topic, partition, value, headers=None, verdict=None):
    """One record; waits while the producer's queue is full."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            producer.produce(topic, value, partition=partition, headers=headers, on_delivery=verdict)
            producer.poll(0)
            return
        except BufferError:
            if time.monotonic() > deadline:
                raise
            producer.poll(0.1)


def produce_kcat(bootstrap, topic, partition, values, rate=None, headers=(), key_delimiter=None, **settings):
    """Sends values of one partition with kcat, in order; comes back when all are acknowledged: their number. Values may be any bytes: a
    long random delimiter parts them. `headers` are (name, text) and go with every record."""
    if not shutil.which("kcat"):
        raise RuntimeError("kcat is missing: ./dev setup installs it")
    delimiter = random.randbytes(12).replace(b"\0", b"\1")
    chosen = {**RELIABLE, **{key.replace("_", "."): value for key, value in settings.items()}}
    # -E: it does not end because the broker is away for a moment.
    command = ["kcat", "-P", "-E", "-b", bootstrap, "-t", topic, "-p", str(partition), "-D", "".join(f"\\x{byte:02x}" for byte in delimiter)]
    command += [word for name, text in headers for word in ("-H", f"{name}={text}")]
    command += ["-K", key_delimiter] if key_delimiter else []
    command += [word for key, value in chosen.items() for word in ("-X", f"{key}={str(value).lower() if isinstance(value, bool) else value}")]
    kcat = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = []
    listener = threading.Thread(target=lambda: said.extend(kcat.stderr), daemon=True)
    listener.start()
    count = 0
    try:
        for value in paced(values, rate):
            kcat.stdin.write(value + delimiter)
            count += 1
        kcat.stdin.close()
        kcat.wait(timeout=TIMEOUT_SECONDS)
    finally:
        if kcat.poll() is None:
            kcat.kill()
            kcat.wait()
        listener.join(timeout=5)
        kcat.stderr.close()
    text = b"".join(said).decode(errors="replace")
    if kcat.returncode != 0 or "Delivery failed" in text:
        raise RuntimeError(f"kcat ended with {kcat.returncode}: {text[-2000:]}")
    return count


def produce_transactions(bootstrap, topic, partitions, transactions, records_each, abort_every=3, identity="barograph-test"):
    """Transactions over all partitions, each `abort_every`-th aborted: {partition: [value]} of the committed ones. Aborted events are
    written to the topic all the same; their ids begin with ABORTED."""
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "transactional.id": identity, "linger.ms": 5})
    producer.init_transactions(TRANSACTION_SECONDS)
    committed, numbers = collections.defaultdict(list), collections.Counter()
    for index in range(transactions):
        aborts = index % abort_every == abort_every - 1
        sent = []
        producer.begin_transaction()
        for each in range(records_each):
            partition = each % partitions
            if aborts:
                value = event(partition, index * records_each + each, mark=ABORTED)
            else:
                value = event(partition, numbers[partition])
                numbers[partition] += 1
                sent.append((partition, value))
            send(producer, topic, partition, value)
        producer.flush(TRANSACTION_SECONDS)  # else an abort takes them back before they were written
        producer.abort_transaction(TRANSACTION_SECONDS) if aborts else producer.commit_transaction(TRANSACTION_SECONDS)
        for partition, value in sent:
            committed[partition].append(value)
    return dict(committed)
