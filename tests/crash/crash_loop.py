#!/usr/bin/python3
"""Kills the server again and again under load and checks that nothing acknowledged is lost or doubled.

See README.md beside this file. Needs python3-grpcio, python3-protobuf and protoc; a server built with failpoints
(preset `dev`).
"""

import argparse
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVENTS_PER_BATCH = 20
BATCHES_IN_FLIGHT = 48
START_SECONDS_MAX = 60
LOAD_SECONDS_MAX = 30
SETTLE_SECONDS_MAX = 60
SECRET = b"an-obvious-fake-secret-of-a-test"

FAILPOINTS = [
    "commit_before_sync", "commit_after_sync", "commit_before_frontier", "stage_after_append", "checkpoint_before_head",
    "checkpoint_after_head", "notice_before_send", "outbox_before_mark", "resume_before_log",
]
# A start passes these too, before anybody is connected: chosen less often, so that most deaths find batches under way.
EARLY = {"resume_before_log": 0.3, "commit_before_frontier": 0.4, "notice_before_send": 0.4, "outbox_before_mark": 0.4,
         "checkpoint_before_head": 0.4, "checkpoint_after_head": 0.4}
# A seeded defect, and the points at which a kill makes it visible.
# Where a notice can be cut off on its way: decided, in the outbox, sent, marked.
OUTBOX = ["commit_before_sync", "commit_after_sync", "notice_before_send", "outbox_before_mark"]
MUTANTS = {
    "ack_before_sync": ["commit_before_sync"],
    "producer_outside_batch": ["commit_after_sync"],
    "outbox_after_batch": ["commit_after_sync"],
    "mark_before_send": ["notice_before_send"],
}
# How often a point is passed in a run: deaths are spread over that many passes. The first few are passed at the start, before
# anybody is connected.
PASSES = {"commit_before_sync": 60, "commit_after_sync": 60, "stage_after_append": 80, "commit_before_frontier": 4,
          "notice_before_send": 40, "outbox_before_mark": 40, "checkpoint_before_head": 2, "checkpoint_after_head": 2}

RULES = """apiVersion: barograph/v1
slos:
  - {{name: crash, good: tasks.completed, total: tasks.finished, by: [agent], objective: 99%, period: 30d, min_events: 5}}
routes: {{receiver: sink, group_by: [rule, agent], group_wait: 0s}}
receivers:
  - {{name: sink, webhook: {{url: "{url}", format: barograph, secret: {{file: "{secret}"}}}}}}
"""


class Failure(Exception):
    """The promise was broken."""


def make_messages(folder):
    """Compiles the contract's messages for Python and imports them."""
    out = os.path.join(folder, "python")
    os.makedirs(out, exist_ok=True)
    names = ["event", "server_event", "ingest", "query"]
    subprocess.run(["protoc", "--python_out=" + out, "-I", os.path.join(ROOT, "proto")] +
                   ["barograph/v1/%s.proto" % name for name in names], check=True)
    sys.path.insert(0, out)
    from barograph.v1 import event_pb2, ingest_pb2, query_pb2
    return event_pb2, ingest_pb2, query_pb2


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sink:
    """A webhook receiver that verifies signatures, remembers what each notice said and refuses some first tries."""

    def __init__(self):
        self.ids = set()
        self.refused = set()
        self.unverified = 0
        self.bodies = {}       # digest of the body by id, of every try
        self.told = {}         # what each episode was last said to be
        self.problems = []
        self.lock = threading.Lock()
        sink = self

        class Hook(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = ("%s.%s." % (self.headers["webhook-id"], self.headers["webhook-timestamp"])).encode() + body
                expected = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
                verified = expected in self.headers.get("webhook-signature", "").split(" ")
                self.send_response(sink.take(self.headers["webhook-id"], verified, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        class Listener(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # the server under test dies in the middle of requests: that is the point

        self.server = Listener(("127.0.0.1", 0), Hook)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/hook" % self.server.server_address[1]

    def take(self, notice, verified, body):
        """HTTP status of the answer: the first try of every fourth notice is refused, so that retries are seen too."""
        with self.lock:
            if not verified:
                self.unverified += 1
                return 400
            digest = hashlib.sha256(body).hexdigest()
            if self.bodies.setdefault(notice, digest) != digest:
                self.problems.append("notice %s came with other bytes than before" % notice)
            if notice not in self.refused and int(hashlib.sha256(notice.encode()).hexdigest(), 16) % 4 == 0:
                self.refused.add(notice)
                return 503
            self.ids.add(notice)
            for alert in json.loads(body)["alerts"]:
                if self.told.get(alert["episode"]) == "resolved" and alert["state"] == "firing":
                    self.problems.append("notice %s says of %s that it fires, after its end" % (notice, alert["episode"]))
                self.told[alert["episode"]] = alert["state"]
            return 200


class Server:
    """One life of the server."""

    def __init__(self, loop, failpoint=None):
        self.address = "127.0.0.1:%d" % free_port()
        environment = dict(os.environ)
        environment.pop("BAROGRAPH_FAILPOINT", None)
        if failpoint:
            environment["BAROGRAPH_FAILPOINT"] = failpoint
        if loop.mutant:
            environment["BAROGRAPH_MUTANT"] = loop.mutant
        # A killed process cannot say what it leaked.
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        self.log = open(os.path.join(loop.folder, "server.log"), "ab")
        self.process = subprocess.Popen(
            [loop.binary, "serve", "--data", loop.data, "--listen", self.address, "--http",
             "127.0.0.1:%d" % free_port(), "--rules", os.path.join(loop.folder, "rules.yaml")],
            env=environment, stdout=self.log, stderr=self.log)

    def wait_ready(self):
        """False when the server died first."""
        import grpc
        with grpc.insecure_channel(self.address) as channel:
            ready = grpc.channel_ready_future(channel)
            deadline = time.monotonic() + START_SECONDS_MAX
            while time.monotonic() < deadline:
                try:
                    ready.result(timeout=0.1)
                    return True
                except grpc.FutureTimeoutError:
                    if self.process.poll() is not None:
                        return False
        raise Failure("the server was not ready within %d s" % START_SECONDS_MAX)

    def died_of_kill(self):
        return self.process.wait() == -signal.SIGKILL

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(timeout=60)
        self.log.close()
        if status != 0:
            raise Failure("the server ended with status %d on SIGTERM" % status)


class Producer:
    """One producer over all lives of the server, with its part of the ledger."""

    def __init__(self, loop, number):
        self.loop = loop
        self.name = "p%d" % number
        self.random = random.Random("%s/%s" % (loop.seed, self.name))
        self.ledger = []                     # marks of events, by sequence - 1
        self.pending = collections.deque()   # (first, last, events) not yet acknowledged
        self.acked = 0
        self.receipt = None
        self.problem = None
        self.lock = threading.Lock()
        self.storms = 0

    def in_flight(self):
        with self.lock:
            return len(self.pending)

    def make_batch(self):
        """Twenty tasks; now and then a storm of failures of a fresh agent, so that alerts fire."""
        first = len(self.ledger) + 1
        storm = self.random.random() < 0.05
        if storm:
            self.storms += 1
        events = []
        for i in range(EVENTS_PER_BATCH):
            event = self.loop.event.Event()
            mark = "%032x" % self.random.getrandbits(128)
            event.id = "%s:%d" % (self.name, first + i)
            event.trace_id = mark
            event.agent = "%s-storm-%d" % (self.name, self.storms) if storm else self.name
            event.task_id = "t%d" % (first + i)
            event.task.status = (self.loop.event.Task.FAILED if storm else self.loop.event.Task.COMPLETED)
            events.append(event)
            self.ledger.append(mark)
        return first, first + EVENTS_PER_BATCH - 1, events

    def request(self, first, events):
        return self.loop.ingest.PublishRequest(first_sequence=first, events=events)

    def run(self, address, drain):
        """Sends until the server dies; with `drain` only what is left, until all is acknowledged."""
        import grpc
        import queue
        outgoing = queue.Queue(maxsize=BATCHES_IN_FLIGHT)
        hello = self.loop.ingest.PublishRequest(producer_id=self.name)
        if self.receipt is not None:
            hello.last_receipt.CopyFrom(self.receipt)
        outgoing.put(hello)
        ended = threading.Event()
        try:
            with grpc.insecure_channel(address) as channel:
                call = channel.stream_stream(
                    "/barograph.v1.IngestService/Publish",
                    request_serializer=self.loop.ingest.PublishRequest.SerializeToString,
                    response_deserializer=self.loop.ingest.PublishResponse.FromString)(iter(outgoing.get, None))
                try:
                    self.take_standing(next(call))
                    feeder = threading.Thread(target=self.feed, args=(outgoing, ended, drain), daemon=True)
                    feeder.start()
                    for response in call:
                        self.take_answer(response)
                except grpc.RpcError as error:
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
                                            grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
                        self.problem = "%s: %s %s" % (self.name, error.code(), error.details())
                finally:
                    ended.set()
                    try:
                        outgoing.put_nowait(None)
                    except queue.Full:
                        outgoing.get_nowait()
                        outgoing.put_nowait(None)
        except Failure as failure:
            self.problem = str(failure)
        except StopIteration:
            pass

    def feed(self, outgoing, ended, drain):
        import queue

        def put(item):
            while not ended.is_set():
                try:
                    outgoing.put(item, timeout=0.1)
                    return
                except queue.Full:
                    pass

        with self.lock:
            again = list(self.pending)
        for first, _, events in again:
            put(self.request(first, events))
        while not drain and not ended.is_set():
            if self.in_flight() >= BATCHES_IN_FLIGHT:
                time.sleep(0.001)
                continue
            batch = self.make_batch()
            with self.lock:
                self.pending.append(batch)
            put(self.request(batch[0], batch[2]))
        while drain and self.in_flight() > 0 and not ended.is_set():
            time.sleep(0.005)
        put(None)

    def take_standing(self, response):
        standing = response.producer.acked_sequence
        if standing < self.acked:
            raise Failure("%s: %d was acknowledged, after the restart only %d is there" %
                          (self.name, self.acked, standing))
        self.take_acked(standing)

    def take_answer(self, response):
        for verdict in response.verdicts:
            if verdict.outcome != self.loop.ingest.EventVerdict.DUPLICATE:
                self.problem = "%s: refused: %s" % (self.name, verdict.reason)
        if response.HasField("receipt") and response.receipt.sequence:
            self.receipt = response.receipt
        self.take_acked(response.acked_sequence)

    def take_acked(self, acked):
        with self.lock:
            if acked < self.acked:
                self.problem = "%s: acknowledgements go back from %d to %d" % (self.name, self.acked, acked)
            self.acked = max(self.acked, acked)
            while self.pending and self.pending[0][1] <= self.acked:
                self.pending.popleft()


class CrashLoop:
    def __init__(self, options, seed, mutant=None, points=None):
        self.seed = seed
        self.mutant = mutant
        self.points = points or FAILPOINTS
        self.only_points = points is not None
        self.kills = options.kills
        self.binary = options.binary
        self.random = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix="barograph-crash-", dir=options.folder)
        self.data = os.path.join(self.folder, "data")
        self.event, self.ingest, self.query = options.messages
        self.sink = Sink()
        self.producers = [Producer(self, i) for i in range(options.producers)]
        self.kills_in_flight = 0
        self.hits = collections.Counter()
        self.failpoint = None
        secret = os.path.join(self.folder, "secret")
        with open(secret, "wb") as file:
            file.write(SECRET)
        with open(os.path.join(self.folder, "rules.yaml"), "w") as file:
            file.write(RULES.format(url=self.sink.url, secret=secret))

    def choose_failpoint(self):
        if not self.only_points and self.random.random() < 0.5:
            return None
        name = self.random.choices(self.points, [EARLY.get(point, 1) for point in self.points])[0]
        hold = ":30" if self.random.random() < 0.5 else ""
        return "%s:%d%s" % (name, self.random.randint(1, PASSES.get(name, 1)), hold)

    def live_once(self):
        """One life: start, load, death. False when it died before it was ready."""
        self.failpoint = self.choose_failpoint()
        server = Server(self, self.failpoint)
        if not server.wait_ready():
            if not (self.failpoint and server.died_of_kill()):
                raise Failure("the server did not start; see server.log")
            self.hits[self.failpoint.split(":")[0]] += 1
            return False
        self.acked_before = [producer.acked for producer in self.producers]
        threads = [threading.Thread(target=producer.run, args=(server.address, False)) for producer in self.producers]
        for thread in threads:
            thread.start()
        if self.failpoint:
            try:
                server.process.wait(timeout=4)
                if not server.died_of_kill():
                    raise Failure("the server ended by itself; see server.log")
                self.hits[self.failpoint.split(":")[0]] += 1
            except subprocess.TimeoutExpired:
                pass
        else:
            self.wait_for_load()
            time.sleep(self.random.uniform(0.0, 1.1))
        in_flight = sum(producer.in_flight() for producer in self.producers)
        server.kill()
        self.kills_in_flight += in_flight > 0
        for thread in threads:
            thread.join(timeout=30)
            if thread.is_alive():
                raise Failure("a client hangs after the server's death")
        self.raise_problems()
        return True

    def wait_for_load(self):
        """Until every producer had an acknowledgement in this life: on a busy machine that takes a while."""
        deadline = time.monotonic() + LOAD_SECONDS_MAX
        while time.monotonic() < deadline:
            if all(producer.acked > before for producer, before in zip(self.producers, self.acked_before)):
                return
            time.sleep(0.005)
        raise Failure("the producers got no acknowledgement in %d s" % LOAD_SECONDS_MAX)

    def raise_problems(self):
        for producer in self.producers:
            if producer.problem:
                raise Failure(producer.problem)

    def call(self, address, method, request, response_type):
        import grpc
        with grpc.insecure_channel(address) as channel:
            return channel.unary_unary("/barograph.v1." + method,
                                       request_serializer=type(request).SerializeToString,
                                       response_deserializer=response_type.FromString)(request, timeout=60)

    def settle(self):
        """Everything left is sent and acknowledged, every notice has ended; returns (sequence, digest)."""
        self.failpoint = None
        server = Server(self)
        if not server.wait_ready():
            raise Failure("the server did not start for the last time; see server.log")
        threads = [threading.Thread(target=producer.run, args=(server.address, True)) for producer in self.producers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=SETTLE_SECONDS_MAX)
        self.raise_problems()
        left = sum(producer.in_flight() for producer in self.producers)
        if left:
            raise Failure("%d batches were never acknowledged" % left)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        waiting = [0]
        while waiting and time.monotonic() < deadline:
            notices = self.call(server.address, "QueryService/ListNotices",
                                self.query.ListNoticesRequest(outcomes=[0], page_size=10000),
                                self.query.ListNoticesResponse)
            waiting = list(notices.notices)
            time.sleep(0.2 if waiting else 0)
        if waiting:
            raise Failure("%d notices still wait after %d s" % (len(waiting), SETTLE_SECONDS_MAX))
        digest = self.call(server.address, "QueryService/GetDigest", self.query.GetDigestRequest(),
                           self.query.GetDigestResponse)
        server.kill()
        return digest.sequence, digest.digest.hex()

    def run_tool(self, *arguments):
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
        done = subprocess.run([self.binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        if done.returncode != 0:
            raise Failure("barograph %s: %s" % (" ".join(arguments), done.stderr.decode()[-2000:]))
        return done.stdout

    def check_log(self):
        """The ledger against the log: lost 0, doubled 0, order kept."""
        last = collections.defaultdict(int)
        decided, ended, states = {}, {}, {}
        expected = 1
        for line in self.run_tool("log", "export", "--data", self.data).splitlines():
            entry = json.loads(line)
            if int(entry["sequence"]) != expected:
                raise Failure("log sequence %s where %d was due" % (entry["sequence"], expected))
            expected += 1
            event = entry["event"]
            if "notice_decided" in event or "noticeDecided" in event:
                notice = event.get("notice_decided") or event["noticeDecided"]
                decided[notice["id"]] = notice
            elif "alert_transition" in event or "alertTransition" in event:
                step = event.get("alert_transition") or event["alertTransition"]
                states[step.get("episode_id") or step["episodeId"]] = step["to"].lower()
            elif "delivery" in event:
                notice = event["delivery"]
                ended[notice.get("notice_id") or notice["noticeId"]] = notice["outcome"]
            if ":" not in event.get("id", ""):
                continue
            name, sequence = event["id"].split(":")
            sequence = int(sequence)
            if sequence <= last[name]:
                raise Failure("%s: event %d after %d: doubled or out of order" % (name, sequence, last[name]))
            if sequence != last[name] + 1:
                raise Failure("%s: events %d to %d are lost" % (name, last[name] + 1, sequence - 1))
            last[name] = sequence
            producer = self.producers[int(name[1:])]
            mark = event.get("trace_id") or event.get("traceId")
            if producer.ledger[sequence - 1] != mark:
                raise Failure("%s: event %d has other bytes than were sent" % (name, sequence))
        for producer in self.producers:
            if last[producer.name] < producer.acked:
                raise Failure("%s: %d was acknowledged, the log ends at %d" %
                              (producer.name, producer.acked, last[producer.name]))
        self.check_notices(decided, ended, states)
        return expected - 1, len(decided)

    def check_notices(self, decided, ended, states):
        for notice in decided:
            if notice not in ended:
                raise Failure("notice %s was decided and never ended" % notice)
            if ended[notice] == "DELIVERED" and notice not in self.sink.ids:
                raise Failure("notice %s is called delivered and never came" % notice)
        if self.sink.unverified:
            raise Failure("%d webhooks with a wrong signature" % self.sink.unverified)
        if self.sink.problems:
            raise Failure("; ".join(self.sink.problems[:3]))
        for episode, state in states.items():
            if state in ("firing", "resolved") and self.sink.told.get(episode) != state:
                raise Failure("%s is %s, the receiver was told %s" % (episode, state, self.sink.told.get(episode)))

    def check_digest(self, sequence, digest):
        replay = json.loads(self.run_tool("bench", "replay", "--data", self.data, "--until", str(sequence)))
        if replay["digest"] != digest:
            raise Failure("state differs from a full replay at %d: %s, %s" % (sequence, digest, replay["digest"]))

    def run(self):
        # Deaths at the start, before anybody is connected, come on top of the kills under load.
        at_start = number = 0
        while number < self.kills:
            if at_start > self.kills:
                raise Failure("%d deaths at the start and only %d kills under load" % (at_start, number))
            self.number = number + at_start + 1
            if self.live_once():
                number += 1
            else:
                at_start += 1
            if sys.stderr.isatty():
                print("\rkill %d of %d " % (number, self.kills), end="", file=sys.stderr)
        sequence, digest = self.settle()
        events, notices = self.check_log()
        self.run_tool("log", "verify", "--data", self.data)
        self.check_digest(sequence, digest)
        share = self.kills_in_flight / max(1, self.kills)
        return {"kills": self.kills, "deaths_at_start": at_start,
                "kills_with_unacknowledged_batches": self.kills_in_flight, "share": round(share, 3), "events": events, "acknowledged": sum(producer.acked for producer in self.producers),
                "notices": notices, "failpoints_hit": dict(self.hits), "lost": 0, "doubled": 0, "digest": digest}


def run_loop(options, seed, mutant=None, points=None):
    """Returns (report, None) or (None, reason)."""
    loop = CrashLoop(options, seed, mutant, points)
    loop.number = 0
    try:
        report = loop.run()
    except Failure as failure:
        where = "seed %s, kill %d, failpoint %s, folder %s" % (seed, loop.number, loop.failpoint, loop.folder)
        if mutant:
            shutil.rmtree(loop.folder, ignore_errors=True)
        return None, "%s (%s)" % (failure, where)
    finally:
        loop.sink.server.shutdown()
    if not options.keep:
        shutil.rmtree(loop.folder, ignore_errors=True)
    return report, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.path.join(ROOT, "build", "dev", "barograph"))
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--producers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", default=None, help="where to make the temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    parser.add_argument("--outbox", action="store_true", help="die only where a notice is on its way")
    parser.add_argument("--mutants", action="store_true", help="each seeded defect must be caught")
    parser.add_argument("--share", type=float, default=0.8, help="of kills that must find unacknowledged batches")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    scratch = tempfile.mkdtemp(prefix="barograph-messages-")
    options.messages = make_messages(scratch)
    try:
        if options.mutants:
            return run_mutants(options, seed)
        report, reason = run_loop(options, seed, points=OUTBOX if options.outbox else None)
        if reason:
            print("FAILED: " + reason, file=sys.stderr)
            return 1
        report["seed"] = seed
        print(json.dumps(report, indent=2))
        if report["share"] < options.share:
            print("FAILED: only %.0f %% of the kills found unacknowledged batches" % (100 * report["share"]),
                  file=sys.stderr)
            return 1
        return 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run_mutants(options, seed):
    """Each defect must be caught, and the same loop without the defect must pass: else the catch would prove nothing."""
    failed = False
    for mutant, points in MUTANTS.items():
        _, false_alarm = run_loop(options, seed, points=points)
        _, caught = run_loop(options, seed, mutant, points)
        if false_alarm:
            print("%-24s the loop without it fails: %s" % (mutant, false_alarm))
        else:
            print("%-24s %s" % (mutant, "caught: " + caught if caught else "NOT caught"))
        failed = failed or bool(false_alarm) or not caught
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
