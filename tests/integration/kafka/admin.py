"""A small Kafka client for tests, over a plain socket: topics, their settings, truncation, watermarks, groups.

It shares no code with librdkafka, so that what a test arranges and counts does not rest on the library under test. One node is both
leader of every partition and controller, so each call goes to the bootstrap address. Formats: Kafka's protocol guide, request
versions that know no tagged fields.
"""
import socket
import struct
import time

API = {"produce": 0, "fetch": 1, "list_offsets": 2, "metadata": 3, "offset_fetch": 9, "find_coordinator": 10, "describe_groups": 15,
       "list_groups": 16, "api_versions": 18, "create_topics": 19, "delete_topics": 20, "delete_records": 21, "create_partitions": 37,
       "incremental_alter_configs": 44}
UNKNOWN_TOPIC, TOPIC_EXISTS, RETRIABLE = 3, 36, {5, 6, 7, 14, 15, 16, 41}
EARLIEST, LATEST = -2, -1
REQUEST_SECONDS = 30


class KafkaError(Exception):
    def __init__(self, call, code, text=None):
        super().__init__(f"{call}: error {code}" + (f", {text}" if text else ""))
        self.code = code


def string(text):
    if text is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(text.encode())) + text.encode()


def array(items):
    items = list(items)
    return struct.pack(">i", len(items)) + b"".join(items)


class Answer:
    """Reads the fields of an answer in their order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def raw(self, length):
        self.at += length
        return self.data[self.at - length:self.at]

    def string(self):
        length = self.take("h")
        return None if length < 0 else self.raw(length).decode()

    def bytes(self):
        length = self.take("i")
        return None if length < 0 else self.raw(length)

    def array(self, item):
        return [item() for _ in range(max(self.take("i"), 0))]


class Admin:
    """One connection at a time, opened when it is needed and anew after a failure. For one thread."""

    def __init__(self, bootstrap, timeout=REQUEST_SECONDS):
        host, port = bootstrap.rsplit(":", 1)
        self.address, self.timeout, self.connection, self.correlation = (host, int(port)), timeout, None, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def call(self, api, version, body=b""):
        self.correlation += 1
        request = struct.pack(">hhi", API[api], version, self.correlation) + string("barograph-test") + body
        try:
            if not self.connection:
                self.connection = socket.create_connection(self.address, timeout=self.timeout)
            self.connection.sendall(struct.pack(">i", len(request)) + request)
            answer = Answer(self._receive(struct.unpack(">i", self._receive(4))[0]))
        except OSError:
            self.close()
            raise
        if answer.take("i") != self.correlation:
            self.close()
            raise OSError("the broker answered another request")
        return answer

    def _receive(self, length):
        parts = bytearray()
        while len(parts) < length:
            part = self.connection.recv(min(length - len(parts), 1 << 20))
            if not part:
                raise OSError("the broker closed the connection")
            parts += part
        return bytes(parts)

    def brokers(self):
        """[node id] of the brokers that are registered; a broker that has just begun may know none yet."""
        answer = self.call("metadata", 1, struct.pack(">i", 0))
        return answer.array(lambda: (answer.take("i"), answer.string(), answer.take("i"), answer.string())[0])

    def topics(self):
        """{topic: {partition: leader, -1 if there is none}}"""
        answer = self.call("metadata", 1, struct.pack(">i", -1))
        answer.array(lambda: (answer.take("i"), answer.string(), answer.take("i"), answer.string()))
        answer.take("i")  # the controller

        def partition():
            _, index, leader = answer.take("hii")
            answer.array(lambda: answer.take("i"))
            answer.array(lambda: answer.take("i"))
            return index, leader

        def topic():
            answer.take("h")
            name = answer.string()
            answer.take("b")
            return name, dict(answer.array(partition))
        return dict(answer.array(topic))

    def create_topic(self, topic, partitions=1, **settings):
        """Settings are the topic's, with _ for a dot: retention_ms=1000. Comes back once every partition has its leader."""
        config = array(string(key.replace("_", ".")) + string(str(value)) for key, value in settings.items())
        body = array([string(topic) + struct.pack(">ih", partitions, 1) + array([]) + config])
        self._until_done("create_topics", 2, body + struct.pack(">ib", REQUEST_SECONDS * 1000, 0), throttled=True, texts=True)
        self.until(lambda: (lambda found: len(found) == partitions and min(found.values()) >= 0)(self.topics().get(topic, {})),
                    f"a leader of each partition of {topic}")

    def delete_topic(self, topic):
        """Comes back once the broker no longer knows the topic, so that it can be made again under the same name."""
        self._until_done("delete_topics", 1, array([string(topic)]) + struct.pack(">i", REQUEST_SECONDS * 1000), throttled=True)
        self.until(lambda: topic not in self.topics(), f"the end of {topic}")

    def recreate_topic(self, topic, partitions=1, **settings):
        self.delete_topic(topic)
        self.create_topic(topic, partitions, **settings)

    def add_partitions(self, topic, partitions):
        body = array([string(topic) + struct.pack(">ii", partitions, -1)]) + struct.pack(">ib", REQUEST_SECONDS * 1000, 0)
        self._until_done("create_partitions", 0, body, throttled=True, texts=True)
        self.until(lambda: len(self.topics()[topic]) == partitions, f"{partitions} partitions of {topic}")

    def alter_topic(self, topic, **settings):
        """Sets these settings and leaves the others. None takes one back to the broker's default."""
        changes = array(string(key.replace("_", ".")) + struct.pack(">b", value is None) + string(None if value is None else str(value))
                        for key, value in settings.items())
        answer = self.call("incremental_alter_configs", 0, array([struct.pack(">b", 2) + string(topic) + changes]) + b"\0")
        answer.take("i")
        for code, text in answer.array(lambda: (answer.take("h"), answer.string(), answer.take("b"), answer.string())[:2]):
            if code:
                raise KafkaError("incremental_alter_configs", code, text)

    def delete_records(self, topic, before):
        """Truncates from below: `before` is {partition: first offset that stays}. The low watermarks then."""
        wanted = array(struct.pack(">iq", *item) for item in before.items())
        body = array([string(topic) + wanted]) + struct.pack(">i", REQUEST_SECONDS * 1000)
        return self._per_partition("delete_records", 0, body, lambda answer: answer.take("iqh"), lambda row: (row[0], row[2], row[1]))

    def offsets(self, topic, at=LATEST, committed=False):
        """{partition: offset}: the end (high watermark, or the last stable offset if committed), or EARLIEST, the low watermark."""
        wanted = array(struct.pack(">iq", partition, at) for partition in sorted(self.topics()[topic]))
        body = struct.pack(">ib", -1, committed) + array([string(topic) + wanted])
        return self._per_partition("list_offsets", 2, body, lambda answer: answer.take("ihqq"), lambda row: (row[0], row[1], row[3]))

    def _per_partition(self, api, version, body, read, pick):
        """{partition: value} of a call about one topic, where pick gives (partition, error, value). A new leader may need a moment."""
        found = {}

        def attempt():
            answer = self.call(api, version, body)
            answer.take("i")
            [rows] = answer.array(lambda: (answer.string(), answer.array(lambda: pick(read(answer))))[1])
            for partition, code, value in rows:
                if code and code not in RETRIABLE:
                    raise KafkaError(f"{api} of partition {partition}", code)
                found[partition] = value
            return not any(code for _, code, _ in rows)
        self.until(attempt, api)
        return found

    def groups(self):
        """{group: {"state", "protocol", "members": [{"member", "client", "host"}]}} of the classic group protocol."""
        answer = self.call("list_groups", 0)
        answer.take("h")
        names = [name for name, _ in answer.array(lambda: (answer.string(), answer.string()))]
        answer = self.call("describe_groups", 0, array(string(name) for name in names))

        def member():
            found = {"member": answer.string(), "client": answer.string(), "host": answer.string()}
            answer.bytes()
            answer.bytes()
            return found

        def group():
            answer.take("h")
            name, state, _, protocol = (answer.string() for _ in range(4))
            return name, {"state": state, "protocol": protocol, "members": answer.array(member)}
        return dict(answer.array(group))

    def committed(self, group, topic):
        """{partition: offset} that the group committed; partitions without one are left out."""
        wanted = array(struct.pack(">i", partition) for partition in sorted(self.topics()[topic]))
        answer = self.call("offset_fetch", 1, string(group) + array([string(topic) + wanted]))
        found = {}
        for _ in range(answer.take("i")):
            answer.string()
            for _ in range(answer.take("i")):
                partition, offset = answer.take("iq")
                answer.string()
                code = answer.take("h")
                if code:
                    raise KafkaError(f"offset_fetch of {group}", code)
                if offset >= 0:
                    found[partition] = offset
        return found

    def _until_done(self, api, version, body, throttled=False, texts=False):
        """For calls about one topic: again while the broker says that it is only not ready yet."""
        def attempt():
            answer = self.call(api, version, body)
            if throttled:
                answer.take("i")
            [(_, code, text)] = answer.array(lambda: (answer.string(), answer.take("h"), answer.string() if texts else None))
            if code and code not in RETRIABLE:
                raise KafkaError(api, code, text)
            return not code
        self.until(attempt, api)

    @staticmethod
    def until(condition, what, seconds=REQUEST_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka: after {seconds} s still not: {what}")
            time.sleep(0.02)
