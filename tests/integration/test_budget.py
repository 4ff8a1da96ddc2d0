#!/usr/bin/env python3
"""Budgets and goals through the real binary: a rule file, costs and payments, alerts and notices, and a restart that changes nothing."""
import datetime
import json
import unittest
import zoneinfo

from server import await_true, running

ZONE = "Asia/Kolkata"  # its days begin inside an hour of UTC
RULES = f"""apiVersion: barograph/v1
budgets:
  - name: daily-spend
    measure: cost
    limit: 50 USD
    period: day
    timezone: {ZONE}
    by: [agent]
    alert_at: {{info: 80%, critical: 120%}}
    annotations: {{summary: "Budget alert: {{{{labels.agent}}}} exceeded daily limit"}}
goals:
  - name: three-hundred-a-day
    measure: revenue.net
    target: 300 USD
    period: day
    timezone: UTC
    milestones: [25%]
receivers:
  - {{name: ops, file: {{path: alerts.jsonl}}}}
routes: {{receiver: ops, group_by: [rule, severity]}}
"""


class BudgetTest(unittest.TestCase):
    def test_spending_alerts_once_a_period_and_a_restart_changes_nothing(self):
        with running(rules=RULES) as server:
            notices = server.folder / "alerts.jsonl"

            def told():
                lines = notices.read_text().splitlines() if notices.exists() else []
                return [(alert["labels"]["rule"], alert["labels"]["severity"], alert["annotations"].get("summary", ""))
                        for line in lines for alert in json.loads(line)["body"]["alerts"]]

            def budgets():
                rows = server.json("budget").get("budgets", [])
                return {(row["rule"], row.get("labels", {}).get("agent", "")): row for row in rows}

            await_true(lambda: server.run("tail", "--no-follow", "--kind", "period_opened"), "a period is opened")
            server.run("emit", "agent=CMO", "cost.amount=39.999999999 USD")
            server.run("emit", "agent=CTO", "cost.amount=5 USD")
            server.run("emit", "agent=CMO", "payment.type=CHARGE", "payment.amount=80 USD")
            self.assertEqual(budgets()["daily-spend", "CMO"]["amount"], "39.999999999")
            await_true(lambda: ("three-hundred-a-day", "info") in [row[:2] for row in told()], "the milestone is told")
            self.assertNotIn("daily-spend", [row[0] for row in told()])
            server.run("emit", "agent=CMO", "cost.amount=0.000000001 USD")
            await_true(lambda: ("daily-spend", "info", "Budget alert: CMO exceeded daily limit") in told(), "80 % is told")
            before = budgets()

            today = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).date()
            midnight = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), zoneinfo.ZoneInfo(ZONE))
            self.assertEqual(before["daily-spend", "CMO"]["end"],
                             midnight.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))

            server.kill()
            server.start()
            after = budgets()
            self.assertEqual({key: row["amount"] for key, row in after.items()}, {key: row["amount"] for key, row in before.items()})
            server.run("emit", "agent=CMO", "cost.amount=20 USD")
            await_true(lambda: ("daily-spend", "critical") in [row[:2] for row in told()], "120 % is told")
            self.assertEqual(len([row for row in told() if row[:2] == ("daily-spend", "info")]), 1, "each share speaks once a period")


if __name__ == "__main__":
    unittest.main()
