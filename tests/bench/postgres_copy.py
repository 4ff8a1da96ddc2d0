#!/usr/bin/python3
"""PostgreSQL COPY of the same events, 500 a commit, synchronous: the peer of `barograph bench ingest`.

Starts a private PostgreSQL cluster in a temporary folder (nothing of an installed one is touched), copies the events of a
simulated fleet as the columns that a user would keep, two connections at once, and prints one JSON object:
`postgres_copy_events_per_second`, and with --barograph the ratio of an ingest run made directly after.

Exit status 77 (skipped) with the reason when PostgreSQL is not installed. `apt-get install postgresql` brings it.
"""

import argparse
import glob
import json
import os
import pwd
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid

SKIPPED = 77
EVENTS_PER_COMMIT = 500
RATIO_MIN = 5.0
KINDS = [("task", 40), ("cost", 27), ("request", 14), ("sample", 8), ("payment", 4), ("error", 3), ("activity", 2),
         ("feedback", 1), ("change", 1)]
TABLE = """
CREATE TABLE events (
  id uuid NOT NULL, time timestamptz NOT NULL, agent text NOT NULL, task_id text, kind text NOT NULL, status text,
  type text, model text, amount numeric, tokens_input bigint, tokens_output bigint, duration_ms integer, team text);
"""


def skip(reason):
    print("skipped: " + reason, file=sys.stderr)
    sys.exit(SKIPPED)


def find_programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin")) + ["/usr/bin"]
    for folder in reversed(folders):
        if os.path.exists(os.path.join(folder, "initdb")) and os.path.exists(os.path.join(folder, "postgres")):
            return folder
    skip("PostgreSQL is not installed")


class Cluster:
    """A private server on a socket in its own folder, with the durability of an untouched installation."""

    def __init__(self, programs, parent):
        self.programs = programs
        self.folder = tempfile.mkdtemp(prefix="barograph-postgres-", dir=parent)
        self.user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            try:
                self.user = pwd.getpwnam("postgres")
            except KeyError:
                skip("running as root, and there is no user postgres")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        data = os.path.join(self.folder, "data")
        self.run("initdb", "-D", data, "-A", "trust", "-U", "bench", "--no-instructions")
        self.run("pg_ctl", "-D", data, "-w", "-l", os.path.join(self.folder, "log"), "-o",
                 "-k %s -c listen_addresses='' -c fsync=on -c synchronous_commit=on" % self.folder, "start")

    def run(self, program, *arguments):
        subprocess.run([os.path.join(self.programs, program), *arguments], check=True, stdout=subprocess.DEVNULL,
                       preexec_fn=self.drop_rights if self.user else None, cwd=self.folder)

    def drop_rights(self):
        os.setgid(self.user.pw_gid)
        os.setuid(self.user.pw_uid)

    def psql(self, **options):
        return subprocess.Popen(["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "bench", "postgres"],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **options)

    def execute(self, text):
        psql = self.psql()
        psql.communicate(text.encode())
        if psql.returncode != 0:
            raise RuntimeError("psql failed")

    def stop(self):
        self.run("pg_ctl", "-D", os.path.join(self.folder, "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def make_script(events, seed):
    """One connection's input: a COPY, and with it a commit, for every 500 rows."""
    source = random.Random(seed)
    kinds = [kind for kind, weight in KINDS for _ in range(weight)]
    now = int(time.time())
    parts = []
    for begin in range(0, events, EVENTS_PER_COMMIT):
        parts.append("COPY events FROM STDIN;\n")
        for i in range(begin, min(events, begin + EVENTS_PER_COMMIT)):
            kind = source.choice(kinds)
            agent = source.randrange(1000)
            task, cost, timed = kind == "task", kind in ("cost", "payment"), kind in ("task", "request")
            moment = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(now - 300 + 300 * i // events))
            parts.append("\t".join((
                str(uuid.UUID(int=source.getrandbits(128))), moment, "agent-%04d" % agent, "t-%d-%d" % (agent, i), kind,
                source.choice(("STARTED", "COMPLETED")) if task else "\\N", "development" if task else "\\N",
                "gpt-4o-mini" if kind == "cost" else "\\N", "%.6f" % source.random() if cost else "\\N",
                str(source.randrange(8000)) if kind == "cost" else "\\N",
                str(source.randrange(900)) if kind == "cost" else "\\N",
                str(source.randrange(60000)) if timed else "\\N", "team-%d" % (agent % 8))) + "\n")
        parts.append("\\.\n")
    return "".join(parts).encode()


def measure_copy(programs, options):
    scripts = [make_script(options.events // options.connections, seed) for seed in range(options.connections)]
    cluster = Cluster(programs, options.folder)
    try:
        cluster.execute(TABLE)
        problems = []

        def feed(script):
            psql = cluster.psql()
            psql.communicate(script)
            if psql.returncode != 0:
                problems.append(psql.returncode)

        begin = time.monotonic()
        threads = [threading.Thread(target=feed, args=(script,)) for script in scripts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begin
        if problems:
            raise RuntimeError("psql failed")
        return options.events // options.connections * options.connections / seconds
    finally:
        cluster.stop()


def measure_ingest(options):
    arguments = [options.barograph, "bench", "ingest", "--events", str(options.barograph_events)]
    if options.folder:
        arguments += ["--folder", options.folder]
    return json.loads(subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--runs", type=int, default=1, help="the median is printed")
    parser.add_argument("--folder", default=None, help="on the disk that shall be measured")
    parser.add_argument("--barograph", default=None, help="a barograph binary to compare with, in the same run")
    parser.add_argument("--barograph-events", type=int, default=10_000_000)
    parser.add_argument("--gate", action="store_true", help="exit status 1 below 5 x COPY")
    options = parser.parse_args()
    programs = find_programs()
    runs = []
    for _ in range(options.runs):
        run = {"postgres_copy_events_per_second": measure_copy(programs, options)}
        if options.barograph:
            ingest = measure_ingest(options)
            run["barograph_events_per_second"] = ingest["events_per_second"]
            run["ratio_to_postgres"] = ingest["events_per_second"] / run["postgres_copy_events_per_second"]
        runs.append(run)
    runs.sort(key=lambda run: run.get("ratio_to_postgres", run["postgres_copy_events_per_second"]))
    median = runs[len(runs) // 2]
    print(json.dumps(median, indent=2))
    return 1 if options.gate and median.get("ratio_to_postgres", 0) < RATIO_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
