#!/usr/bin/python3
"""Agents that race for money while the server is killed: no budget is ever overspent, and a replay denies what was denied.

Many threads reserve, spend, settle, release and let expire at random, over budgets in a tree; what was answered is noted outside. In
the end the log is exported and every reservation is decided again by lease_audit.py. See README.md beside this file.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import lease_audit  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENTS, TEAMS = 16, 4
POINTS = {"commit_before_sync": 60, "commit_after_sync": 60, "stage_after_append": 120, "checkpoint_before_head": 2}
# A seeded defect: what leases hold is forgotten; an expired lease frees its money; a Cost counts beside the one that Settle wrote.
MUTANTS = ["lease_forgets_open", "lease_expiry_frees", "lease_counts_twice"]
LIFE_SECONDS_MAX = 4.0


class Failure(Exception):
    """The promise was broken."""


def make_messages(folder):
    names = ["event", "server_event", "ingest", "query", "guard"]
    subprocess.run(["protoc", "--python_out=" + folder, "-I", str(ROOT / "proto")] + [f"barograph/v1/{name}.proto" for name in names], check=True)
    sys.path.insert(0, folder)
    from barograph.v1 import guard_pb2, ingest_pb2, query_pb2
    return guard_pb2, ingest_pb2, query_pb2


def rules_of(budgets):
    lines = ["apiVersion: barograph/v1", "labels: [team]", "budgets:"]
    for name, limit, by in budgets:
        lines.append(f"  - {{name: {name}, measure: cost, limit: {limit // lease_audit.NANO} USD, period: day, by: {json.dumps(by)}, enforce: true}}")
    return "\n".join(lines) + "\n"


class Agent(threading.Thread):
    """One racing thread: rounds over all lives of the server."""

    def __init__(self, loop, number):
        super().__init__(daemon=True)
        self.loop, self.number = loop, number
        self.random = random.Random(f"{loop.seed}/{number}")
        self.name_of_agent = f"a{number % AGENTS}"
        self.labels = {"team": f"t{number % AGENTS % TEAMS}"}
        self.granted, self.denied, self.settled = {}, [], {}   # key -> lease; keys; lease -> answer
        self.late = []                                          # (when, lease) to be ended after they expired
        self.problem = None

    def run(self):
        try:
            while self.loop.next_round():
                self.round()
            while self.late:
                self.end_late(wait=True)
        except Exception as problem:  # noqa: BLE001 - told by the loop
            self.problem = problem

    def money(self, nanos):
        return {"currency_code": "USD", "units": nanos // lease_audit.NANO, "nanos": nanos % lease_audit.NANO}

    def call(self, method, request, response):
        return self.loop.call("GuardService/" + method, request, response)

    def round(self):
        guard = self.loop.guard
        self.end_late(wait=False)
        key = f"{self.number}-{self.loop.seed}-{self.random.getrandbits(48):x}"
        amount = self.random.randrange(1, 2 * lease_audit.NANO)
        fate = self.random.random()
        ttl = 1 if fate < 0.2 else 600
        request = guard.ReserveRequest(key=key, agent=self.name_of_agent, labels=self.labels, amount=self.money(amount), ttl={"seconds": ttl})
        answer = self.call("Reserve", request, guard.ReserveResponse)
        if answer.HasField("denial"):
            self.denied.append(key)
            if self.random.random() < 0.02:
                self.spend("", self.random.randrange(1, lease_audit.NANO // 10))
            return
        lease = answer.lease.id
        self.granted[key] = lease
        if self.random.random() < 0.1:
            again = self.call("Reserve", request, guard.ReserveResponse)
            if again.lease.id != lease:
                raise Failure(f"key {key} got {lease} and then {again.lease.id}")
        if fate < 0.2:
            self.late.append((time.monotonic() + 2.5, lease, amount))
            return
        self.end(lease, amount)

    def spend(self, lease, nanos):
        self.loop.publish(self.name_of_agent, self.labels, self.money(nanos), lease)

    def end(self, lease, amount):
        """Spends under the lease, before or after settling, or gives it back."""
        guard = self.loop.guard
        fate = self.random.random()
        if fate < 0.15:
            self.call("Release", guard.ReleaseRequest(lease_id=lease), guard.ReleaseResponse)
            return
        actual = int(amount * self.random.choice([0.2, 0.5, 0.9, 1, 1, 1.3]))
        if fate < 0.5:
            self.spend(lease, actual // 2)
        answer = self.call("Settle", guard.SettleRequest(lease_id=lease, actual=self.money(actual)), guard.SettleResponse)
        self.settled[lease] = answer.lease.spent.units * lease_audit.NANO + answer.lease.spent.nanos
        if 0.4 < fate < 0.7:
            self.spend(lease, actual // 3)

    def end_late(self, wait):
        while self.late and (wait or self.late[0][0] < time.monotonic()):
            time.sleep(max(0, self.late[0][0] - time.monotonic()))
            _, lease, amount = self.late.pop(0)
            if self.random.random() < 0.5:
                self.end(lease, amount)


class Loop:
    def __init__(self, options, messages, mutant=None):
        from server import Server
        self.options, self.mutant, self.seed = options, mutant, options.seed
        self.guard, self.ingest, self.query = messages
        self.random = random.Random(options.seed)
        share = options.rounds / 10_000
        self.budgets = [(name, max(1, int(units * share)) * lease_audit.NANO, by)
                        for name, units, by in [("all", 4000, []), ("team", 1200, ["team"]), ("agent", 350, ["agent"])]]
        self.folder = tempfile.mkdtemp(prefix="barograph-leases-", dir=options.folder)
        self.server = Server(self.folder, rules=rules_of(self.budgets))
        self.environment = {**self.server.environment, "ASAN_OPTIONS": "detect_leaks=0", **({"BAROGRAPH_MUTANT": mutant} if mutant else {})}
        self.environment.pop("BAROGRAPH_FAILPOINT", None)
        self.rounds, self.kills, self.over = 0, 0, False
        self.lock = threading.Lock()
        self.ready = threading.Event()
        self.channel = None

    # --- What the agents use
    def next_round(self):
        with self.lock:
            if self.over or self.rounds >= self.options.rounds:
                return False
            self.rounds += 1
            return True

    def call(self, method, request, response):
        """Asks until the server answers; every command is harmless to ask twice."""
        import grpc
        again = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL,
                 grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
        while not self.over:
            self.ready.wait(timeout=1)
            channel = self.channel
            if channel is None:
                continue
            try:
                return channel.unary_unary("/barograph.v1." + method, request_serializer=type(request).SerializeToString,
                                           response_deserializer=response.FromString)(request, timeout=30)
            except grpc.RpcError as error:
                if error.code() not in again:
                    raise Failure(f"{method}: {error.code()} {error.details()}") from error
            except ValueError:  # the channel was closed meanwhile
                pass
            time.sleep(0.02)
        raise Failure("the loop ended")

    def publish(self, agent, labels, amount, lease):
        """One Cost; its id makes sending it again harmless."""
        request = self.ingest.PublishBatchRequest()
        event = request.events.add(id=f"c-{random.getrandbits(96):x}", agent=agent, labels=labels)
        event.cost.amount.currency_code = amount["currency_code"]
        event.cost.amount.units, event.cost.amount.nanos = amount["units"], amount["nanos"]
        event.cost.lease_id = lease
        self.call("IngestService/PublishBatch", request, self.ingest.PublishBatchResponse)

    # --- Lives of the server
    def start(self, failpoint=None):
        import grpc
        self.server.environment = {**self.environment, **({"BAROGRAPH_FAILPOINT": failpoint} if failpoint else {})}
        try:
            self.server.start()
        except RuntimeError:
            if failpoint is None:
                raise
            return False
        self.channel = grpc.insecure_channel(self.server.grpc)
        self.ready.set()
        return True

    def end_life(self):
        self.ready.clear()
        channel, self.channel = self.channel, None
        self.server.kill()
        if channel is not None:
            channel.close()

    def await_period(self):
        deadline = time.monotonic() + 20
        while "period_opened" not in self.server.run("tail", "--no-follow", "--kind", "period_opened", "-o", "json"):
            if time.monotonic() > deadline:
                raise Failure("no period was opened")
            time.sleep(0.1)

    def live(self, agents):
        """Kills again and again while rounds are left."""
        while any(agent.is_alive() for agent in agents):
            for agent in agents:
                if agent.problem:
                    raise Failure(f"thread {agent.number}: {agent.problem}")
            kill = self.kills < self.options.kills and self.rounds < self.options.rounds
            point = self.random.choice(list(POINTS)) if kill and self.options.failpoints and self.random.random() < 0.7 else None
            if not self.start(f"{point}:{self.random.randint(1, POINTS[point])}" if point else None):
                self.end_life()
                continue
            until = time.monotonic() + self.random.uniform(0.3, LIFE_SECONDS_MAX)
            while time.monotonic() < until and self.server.process.poll() is None and any(agent.is_alive() for agent in agents):
                time.sleep(0.05)
            if not kill:
                while self.server.process.poll() is None and any(agent.is_alive() for agent in agents):
                    time.sleep(0.05)
                    if any(agent.problem for agent in agents):
                        break
            self.kills += kill
            self.end_life()

    def run(self):
        agents = [Agent(self, number) for number in range(self.options.threads)]
        try:
            if not self.start():
                raise Failure("the server does not start")
            self.await_period()
            self.end_life()
            for agent in agents:
                agent.start()
            self.live(agents)
            for agent in agents:
                if agent.problem:
                    raise Failure(f"thread {agent.number}: {agent.problem}")
            return self.check(agents)
        finally:
            self.over = True
            self.ready.set()
            self.server.kill()

    # --- What must hold
    def tool(self, *arguments):
        self.server.environment = self.environment
        return self.server.run(*arguments)

    def check(self, agents):
        self.start()
        digest = self.call("QueryService/GetDigest", self.query.GetDigestRequest(), self.query.GetDigestResponse)
        self.end_life()
        data = str(pathlib.Path(self.folder) / "data")
        audit = lease_audit.Audit(self.budgets)
        for line in self.tool("log", "export", "--data", data).splitlines():
            entry = json.loads(line)
            audit.take(int(entry["sequence"]), entry["event"], entry["log_time"])
        audit.finish()
        denied = {key for _, key in audit.denials}
        for agent in agents:
            for key, lease in agent.granted.items():
                if audit.keys.get(key) != lease:
                    raise Failure(f"key {key} was granted {lease}, the log says {audit.keys.get(key)}")
            for key in agent.denied:
                if key not in denied:
                    raise Failure(f"the log does not deny {key}")
            for lease, spent in agent.settled.items():
                if audit.leases[lease].state != "settled" or audit.leases[lease].spent < spent:
                    raise Failure(f"lease {lease} was settled at {spent}; the log says {audit.leases[lease].state}, {audit.leases[lease].spent}")
        self.tool("log", "verify", "--data", data)
        replay = json.loads(self.tool("bench", "replay", "--data", data, "--until", str(digest.sequence)))
        if replay["digest"] != digest.digest.hex():
            raise Failure(f"state differs from a full replay at {digest.sequence}")
        totals = audit.totals
        report = {"rounds": self.rounds, "kills": self.kills, "grants": totals["lease_reserved"], "denials": totals["lease_denied"],
                  "expiries": totals["lease_expired"], "settled": totals["lease_settled"], "released": totals["lease_released"],
                  "costs": totals["cost"], "budgets_over_their_limit": totals["budgets over their limit"], "digest": digest.digest.hex()}
        share = self.options.rounds / 10_000
        if not self.mutant and (report["denials"] < 1000 * share or report["expiries"] < 500 * share):
            raise Failure(f"the run proves too little: {report}")
        return report


def run_loop(options, messages, mutant=None):
    """(report, None) or (None, reason)."""
    loop = Loop(options, messages, mutant)
    try:
        report = loop.run()
    except (Failure, lease_audit.Breach, AssertionError) as reason:
        if mutant:
            shutil.rmtree(loop.folder, ignore_errors=True)
        return None, f"{reason} (seed {options.seed}, folder {loop.folder})"
    if not options.keep:
        shutil.rmtree(loop.folder, ignore_errors=True)
    return report, None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/dev/barograph"))
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--folder", default=None, help="where to make the temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    parser.add_argument("--mutants", action="store_true", help="each seeded defect must be caught")
    options = parser.parse_args()
    os.environ["BAROGRAPH_BINARY"] = options.binary
    options.failpoints = b"BAROGRAPH_FAILPOINT" in pathlib.Path(options.binary).read_bytes()
    scratch = tempfile.mkdtemp(prefix="barograph-messages-")
    try:
        messages = make_messages(scratch)
        if options.mutants:
            return run_mutants(options, messages)
        report, reason = run_loop(options, messages)
        print("FAILED: " + reason if reason else json.dumps({**report, "seed": options.seed}, indent=2), file=sys.stderr if reason else sys.stdout)
        return 1 if reason else 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def run_mutants(options, messages):
    _, false_alarm = run_loop(options, messages)
    print("without a defect         " + ("FAILS: " + false_alarm if false_alarm else "passes"))
    failed = bool(false_alarm)
    for mutant in MUTANTS:
        _, caught = run_loop(options, messages, mutant)
        print(f"{mutant:<24} " + ("caught: " + caught[:300] if caught else "NOT caught"))
        failed = failed or not caught
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
