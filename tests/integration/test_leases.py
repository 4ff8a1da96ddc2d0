#!/usr/bin/env python3
"""Spend leases and gates through the real binary: grants and denials in a tree of budgets, Costs that name a lease, expiry, a kill in
between, and what a pipeline is told."""
import json
import unittest

from server import await_true, running

RULES = """apiVersion: barograph/v1
labels: [team]
slos:
  - {name: task-success, good: tasks.completed, total: tasks.finished, objective: 99%, period: 30d}
budgets:
  - {name: all, measure: cost, limit: 100 USD, period: day, enforce: true}
  - {name: team, measure: cost, limit: 50 USD, period: day, by: [team], enforce: true}
  - {name: agent, measure: cost, limit: 20 USD, period: day, by: [agent], enforce: true, alert_at: {info: 80%}}
  - {name: watched, measure: cost, limit: 1 USD, period: day, alert_at: {info: 80%}}
"""


class LeaseTest(unittest.TestCase):
    def reserve(self, server, amount, *more, status=0):
        done = server.run("lease", "reserve", amount, "--label", "team=web", *more, "-o", "json", check=False)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def left(self, server, agent):
        """Units left of each budget on the agent's path, by asking for more than there is."""
        answer = self.reserve(server, "1000 USD", "--agent", agent, status=3)
        return {row["budget"]: float(row["remaining"]["units"]) + row["remaining"]["nanos"] / 1e9 for row in answer["budgets"]}

    def test_a_tree_of_budgets_is_never_overspent_and_a_kill_changes_nothing(self):
        with running(rules=RULES) as server:
            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            first = self.reserve(server, "15 USD", "--agent", "CMO", "--key", "k-1")["lease"]["id"]
            self.assertEqual(self.left(server, "CMO"), {"all": 85, "team": 35, "agent": 5})
            self.assertEqual(self.left(server, "CTO"), {"all": 85, "team": 35, "agent": 20})
            denied = self.reserve(server, "5.000000001 USD", "--agent", "CMO", status=3)["denial"]
            self.assertEqual(denied["budget"]["budget"], "agent")
            self.assertEqual(denied["lacks"], {"currency_code": "USD", "units": "0", "nanos": 1})

            server.run("emit", "agent=CMO", "labels.team=web", "cost.amount=4 USD", f"cost.lease_id={first}")
            self.assertEqual(self.left(server, "CMO")["agent"], 5, "what is spent is held no longer")
            server.run("emit", "agent=CMO", "labels.team=web", "cost.amount=1 USD")
            self.assertEqual(self.left(server, "CMO")["agent"], 4, "a cost without a lease counts too")

            server.kill()
            server.start()
            again = self.reserve(server, "15 USD", "--agent", "CMO", "--key", "k-1")
            self.assertEqual((again["lease"]["id"], again["repeated"]), (first, True))
            self.assertEqual(self.left(server, "CMO"), {"all": 84, "team": 34, "agent": 4})
            other = self.reserve(server, "16 USD", "--agent", "CMO", "--key", "k-1", status=1)
            self.assertIn("another reservation", other)

            settled = json.loads(server.run("lease", "settle", first, "6 USD", "-o", "json"))
            self.assertEqual((settled["lease"]["state"], settled["written"]["units"]), ("SETTLED", "2"))
            self.assertEqual(self.left(server, "CMO"), {"all": 93, "team": 43, "agent": 13})
            server.run("emit", "agent=CMO", "labels.team=web", "cost.amount=2 USD", f"cost.lease_id={first}")
            self.assertEqual(self.left(server, "CMO")["agent"], 13, "settle had counted it")
            spent = {row["rule"]: row["amount"] for row in server.json("budget")["budgets"] if row.get("labels", {}).get("agent", "CMO") == "CMO"}
            self.assertEqual((spent["all"], spent["agent"]), ("7", "7"))

    def test_an_expired_lease_holds_until_it_is_released(self):
        with running(rules=RULES) as server:
            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            lease = self.reserve(server, "8 USD", "--agent", "CMO", "--ttl", "1s")["lease"]["id"]
            kept = self.reserve(server, "2 USD", "--agent", "CMO", "--ttl", "1m")["lease"]["id"]
            server.run("lease", "extend", kept, "--ttl", "1h")
            show = lambda: json.loads(server.run("lease", "show", lease, "-o", "json"))
            await_true(lambda: show()["state"] == "EXPIRED", "the lease expires")
            self.assertEqual(self.left(server, "CMO")["agent"], 10)
            self.assertIn("expired", server.run("lease", "list"))
            self.assertIn("released", server.run("lease", "release", lease))
            self.assertEqual(self.left(server, "CMO")["agent"], 18)
            listed = server.json("lease", "list")["leases"]
            self.assertEqual([row["id"] for row in listed], [kept])
            over = json.loads(server.run("lease", "settle", kept, "5 USD", "-o", "json"))["lease"]
            self.assertEqual(over["overrun"]["units"], "3")
            self.assertIn("barograph_leases_denied_total", server.get("/metrics"))

    def test_mistakes_say_what_would_be_right(self):
        with running(rules=RULES) as server:
            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            self.assertIn("no budget with `enforce: true`", self.reserve(server, "1 EUR", "--agent", "CMO", status=1))
            self.assertIn("currency", self.reserve(server, "1", "--agent", "CMO", status=2))
            self.assertIn("ttl: ", self.reserve(server, "1 USD", "--ttl", "8d", status=1))
            self.assertIn("no lease 'lea_x'", server.run("lease", "show", "lea_x", check=False).stderr)

    def test_a_gate_stops_a_pipeline_until_somebody_overrides_it(self):
        with running(rules=RULES) as server:
            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            gate = lambda *arguments: server.run("gate", *arguments, check=False)
            self.assertEqual(gate("--slo", "task-success", "--min-budget", "10%").returncode, 0)
            for ok in [True] * 3 + [False] * 3:
                server.run("emit", "agent=CMO", "task.status=" + ("COMPLETED" if ok else "FAILED"), "task_id=t")
            stopped = gate("--slo", "task-success", "--min-budget", "10%")
            self.assertEqual(stopped.returncode, 3, stopped.stdout)
            for part in ("stop", "at least 10% of the error budget of task-success", "3 of 6 were good", "--override REASON"):
                self.assertIn(part, stopped.stdout)
            self.reserve(server, "19 USD", "--agent", "CMO")
            server.run("emit", "agent=CMO", "cost.amount=0.5 USD")
            self.assertEqual(gate("--budget", "agent", "--by", "agent=CMO", "--min-budget", "10%").returncode, 3)
            self.assertEqual(gate("--budget", "agent", "--by", "agent=CTO", "--min-budget", "10%").returncode, 0)
            self.assertEqual(gate("--budget", "agent").returncode, 0)
            self.assertEqual(gate("--slo", "nobody").returncode, 1)
            self.assertEqual(gate("--slo", "a", "--budget", "b").returncode, 2)

            overridden = gate("--slo", "task-success", "--override", "hotfix", "--for", "8s", "--author", "ana")
            self.assertEqual(overridden.returncode, 0, overridden.stderr)
            server.kill()
            server.start()
            passed = gate("--slo", "task-success", "--min-budget", "10%")
            self.assertEqual(passed.returncode, 0, passed.stdout)
            self.assertIn("by ana until", passed.stdout)
            self.assertIn("hotfix", passed.stdout)
            await_true(lambda: gate("--slo", "task-success", "--min-budget", "10%").returncode == 3, "the override ends")
            self.assertIn("gate_overridden", server.run("tail", "--no-follow", "--kind", "gate_overridden", "-o", "json"))


if __name__ == "__main__":
    unittest.main()
