"""An independent reader of a topic: every record of every partition, from its first offset to its end, in order.

Pure Python over Admin's socket: it shares no code with librdkafka, so it can judge what a librdkafka consumer made of the same topic.
Format: record batches of magic 2, Kafka's implementation guide, section "Record Batch". Values that producers compressed with anything
but gzip are refused; a topic with the setting compression_type="uncompressed" takes any producer and stores plain batches.
"""
import collections
import struct
import zlib

from admin import EARLIEST, RETRIABLE, Admin, KafkaError, array, string

Record = collections.namedtuple("Record", "offset timestamp key value headers")
FETCH_BYTES = 8 << 20
BATCH = struct.Struct(">qiibIhiqqqhii")
TRANSACTIONAL, CONTROL, COMPRESSION, LOG_APPEND_TIME = 0x10, 0x20, 0x07, 0x08
GZIP = 1


def read(bootstrap, topic, committed=False):
    """{partition: [Record]} up to the end at the time of the call. With `committed`: to the last stable offset, without what was
    aborted; else aborted and open transactions' records are among them. Control records never are."""
    with Admin(bootstrap) as admin:
        ends = admin.offsets(topic, committed=committed)
        starts = admin.offsets(topic, at=EARLIEST)
        return {partition: list(read_partition(admin, topic, partition, starts[partition], end, committed))
                for partition, end in sorted(ends.items())}


def read_partition(admin, topic, partition, position, end, committed=False):
    """The records with position <= offset < end."""
    first = position
    while position < end:
        aborted, data = fetch(admin, topic, partition, position, committed)
        skipped = set()  # producers that are inside an aborted transaction
        for batch in batches(data):
            position = batch.last + 1
            while aborted and aborted[0][1] <= batch.last:
                skipped.add(aborted.pop(0)[0])
            if batch.attributes & CONTROL:
                skipped.discard(batch.producer)  # a marker ends its transaction
            elif not (batch.attributes & TRANSACTIONAL and batch.producer in skipped):
                for record in records(batch):
                    if first <= record.offset < end:
                        yield record


def fetch(admin, topic, partition, position, committed):
    """([(producer, first offset)] of aborted transactions in the order of their offsets, bytes of whole and torn batches)"""
    body = struct.pack(">iiiib", -1, 500, 1, FETCH_BYTES, committed) + array([
        string(topic) + array([struct.pack(">iqi", partition, position, FETCH_BYTES)])])
    found = []

    def attempt():
        answer = admin.call("fetch", 4, body)
        answer.take("i")

        def one():
            _, code, _, _ = answer.take("ihqq")
            return code, answer.array(lambda: answer.take("qq")), answer.bytes()
        [[(code, aborted, data)]] = answer.array(lambda: (answer.string(), answer.array(one))[1])
        if code and code not in RETRIABLE:
            raise KafkaError(f"fetch of {topic} [{partition}] at {position}", code)
        found[:] = [sorted(aborted, key=lambda item: item[1]), data or b""]
        return data
    admin.until(attempt, f"records of {topic} [{partition}] at {position}")
    return found


Batch = collections.namedtuple("Batch", "base last attributes first_time last_time producer count payload")


def batches(data):
    at = 0
    while at + BATCH.size <= len(data):
        base, length, _, magic, _, attributes, last, first_time, last_time, producer, _, _, count = BATCH.unpack_from(data, at)
        if at + 12 + length > len(data):
            return  # the broker sends what fits: the last batch may be torn
        if magic != 2:
            raise ValueError(f"a record batch of magic {magic} at offset {base}")
        yield Batch(base, base + last, attributes, first_time, last_time, producer, count, data[at + BATCH.size:at + 12 + length])
        at += 12 + length


def records(batch):
    payload = batch.payload
    if batch.attributes & COMPRESSION == GZIP:
        payload = zlib.decompress(payload, wbits=31)
    elif batch.attributes & COMPRESSION:
        raise ValueError(f"compression {batch.attributes & COMPRESSION} at offset {batch.base}: give the topic compression_type=uncompressed")
    at = 0
    for _ in range(batch.count):
        length, at = varint(payload, at)
        yield record(batch, payload, at)
        at += length


def record(batch, payload, at):
    time, at = varint(payload, at + 1)  # behind the attributes, which mean nothing yet
    offset, at = varint(payload, at)
    key, at = field(payload, at)
    value, at = field(payload, at)
    count, at = varint(payload, at)
    headers = []
    for _ in range(count):
        name, at = field(payload, at)
        header, at = field(payload, at)
        headers.append((name.decode(), header))
    time = batch.last_time if batch.attributes & LOG_APPEND_TIME else batch.first_time + time
    return Record(batch.base + offset, time, key, value, headers)


def varint(data, at):
    """(value, place behind it): zigzag, seven bits a byte, the lowest first."""
    byte = data[at]
    at += 1
    value = byte & 0x7f
    shift = 7
    while byte & 0x80:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
    return (value >> 1) ^ -(value & 1), at


def field(data, at):
    """(bytes or None, place behind them)"""
    length, at = varint(data, at)
    return (None, at) if length < 0 else (data[at:at + length], at + length)
