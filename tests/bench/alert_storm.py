#!/usr/bin/env python3
"""Ten thousand alerts that fire within a second: how soon is their grouped notice there, and how much memory does it take?

    python3 tests/bench/alert_storm.py --binary build/release/barograph [--alerts 10000] [--runs 3]

Each agent's first failure fires an alert (objective 100 %). They go to one group of one webhook receiver on this machine. Printed are, for
each run, the span in which the alerts fired, the time from the last one's firing to the last byte of the notice that counts them all, how
many notices that took, and the server's resident memory before and after.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

RULES = """
apiVersion: barograph/v1
slos:
  - {{name: task-success, good: tasks.completed, total: tasks.finished, by: [agent], objective: 100%, period: 30d}}
routes: {{receiver: ops, group_by: [rule], group_wait: 0s, group_interval: 1s}}
receivers:
  - {{name: ops, webhook: {{url: "{url}", secret: {{env: STORM_SECRET}}}}}}
"""


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def resident_mb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def run(alerts):
    import hook_sink
    from server import await_true, running
    sink = hook_sink.HookSink()
    arrivals = []
    take = sink.requests.append
    sink.requests = type("Timed", (list,), {"append": lambda self, item: (arrivals.append(time.time()), list.append(self, item))[1]})()
    del take
    with running(rules=RULES.format(url=sink.url), environment={"STORM_SECRET": hook_sink.SECRET}) as server:
        server.run("emit", stdin="".join(json.dumps({"agent": f"agent-{n}", "task": {"status": "COMPLETED"}}) + "\n" for n in range(alerts)))
        before = resident_mb(server)
        server.run("emit", stdin="".join(json.dumps({"agent": f"agent-{n}", "task": {"status": "FAILED"}}) + "\n" for n in range(alerts)))

        def counted():
            bodies = [json.loads(body) for _, status, body in sink.requests if status == 200]
            return bodies and len(bodies[-1]["alerts"]) + bodies[-1].get("truncatedAlerts", 0) >= alerts

        await_true(counted, f"a notice that counts {alerts} alerts", seconds=60)
        after = resident_mb(server)
        fired = sorted(seconds_of(alert["fired_at"]) for alert in
                       server.json("alerts", "list", "--state", "firing", "--limit", str(alerts))["alerts"]["alerts"])
        assert len(fired) == alerts, f"{len(fired)} alerts fire"
        assert not sink.problems, sink.problems
        return {"span": fired[-1] - fired[0], "told": arrivals[-1] - fired[-1], "from_first": arrivals[-1] - fired[0],
                "notices": len(sink.requests), "before": before, "after": after}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    os.environ["BAROGRAPH_BINARY"] = str(pathlib.Path(options.binary).resolve())
    results = []
    for number in range(options.runs):
        result = run(options.alerts)
        results.append(result)
        print(f"run {number + 1}: {options.alerts} alerts fired within {result['span']:.2f} s; all counted by a notice {result['told']:.2f} s after "
              f"the last ({result['from_first']:.2f} s after the first), {result['notices']} notices; "
              f"memory {result['before']:.0f} MB, then {result['after']:.0f} MB")
    print(f"median: {statistics.median(result['told'] for result in results):.2f} s after the last alert "
          f"(mark: 2 s), {statistics.median(result['after'] - result['before'] for result in results):.0f} MB more memory")


if __name__ == "__main__":
    main()
