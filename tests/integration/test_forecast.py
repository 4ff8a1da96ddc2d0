#!/usr/bin/env python3
"""Forecasts through the real binary: rules that ask one, sixty days of costs, the answer as an event, its alert, and a restart."""
import datetime
import json
import unittest

from server import await_true, running

RULES = """apiVersion: barograph/v1
thresholds:
  - {name: spend-rises, when: {forecast: cost, reaches: 100 USD, within: 60d, probability: 80%}, by: [agent]}
  - {name: spend-falls, when: {forecast: cost, falls_below: 1 USD, within: 30d, probability: 80%}, by: [agent]}
receivers:
  - {name: ops, file: {path: alerts.jsonl}}
routes: {receiver: ops, group_by: [rule]}
"""
DAYS = 60


def history(now):
    """CFO spends a dollar more every day, from 30 on; CMO began yesterday."""
    for day in range(DAYS):
        time = (now - datetime.timedelta(days=DAYS - day, hours=-1)).isoformat().replace("+00:00", "Z")
        yield {"agent": "CFO", "time": time, "cost": {"amount": f"{30 + day + (day % 3) / 10} USD", "category": "MODEL"}}
    yield {"agent": "CMO", "time": (now - datetime.timedelta(hours=20)).isoformat().replace("+00:00", "Z"),
           "cost": {"amount": "5 USD", "category": "MODEL"}}


class ForecastTest(unittest.TestCase):
    def test_a_rule_gets_its_forecast_and_its_alert(self):
        with running(rules=RULES) as server:
            self.assertIn("no forecast yet", server.run("forecast"))
            self.assertIn("no forecast was issued yet", server.run("forecast", "accuracy"))
            self.assertIn("yet for rule 'spend-rises'", server.run("forecast", "accuracy", "spend-rises"))
            now = datetime.datetime.now(datetime.timezone.utc)
            server.run("emit", stdin="".join(json.dumps(event) + "\n" for event in history(now)))

            def forecasts():
                rows = server.json("forecast").get("forecasts", [])
                return {(row["rule"], row["labels"]["agent"]): row for row in rows}

            await_true(lambda: len(forecasts()) == 4, "four instances are forecast", seconds=60)
            rises = forecasts()["spend-rises", "CFO"]
            self.assertGreaterEqual(int(rises["probability_ppb"]), 800_000_000, rises)
            self.assertIn("median", rises)
            falls = forecasts()["spend-falls", "CFO"]
            self.assertLess(int(falls.get("probability_ppb", 0)), 200_000_000, falls)
            self.assertTrue(forecasts()["spend-rises", "CMO"]["cannot_say"])

            def told():
                path = server.folder / "alerts.jsonl"
                lines = path.read_text().splitlines() if path.exists() else []
                return [(alert["labels"]["rule"], alert["labels"]["agent"])
                        for line in lines for alert in json.loads(line)["body"]["alerts"]]

            await_true(lambda: told() == [("spend-rises", "CFO")], "the one alert is told")
            issued = [json.loads(line) for line in
                      server.run("tail", "--no-follow", "--kind", "forecast_issued", "-o", "json").splitlines()]
            self.assertEqual(len(issued), 4)
            table = server.run("forecast", "spend-rises")
            self.assertIn("reaches 100 USD within 60d", table)
            self.assertIn("cannot say", table)
            self.assertIn("barograph_forecasts_issued_total 4", server.get("/metrics"))

            def accuracy():
                answer = server.json("forecast", "accuracy")
                return answer["instances"], answer["rules"], answer["overall"]

            series = {(row["rule"], row["labels"]["agent"]): row for row in accuracy()[0]}
            scores = {score["steps"]: score for score in series["spend-rises", "CFO"]["scores"]}
            self.assertEqual(sorted(scores), [1, 7, 30], "days ahead")
            for score in scores.values():
                self.assertEqual((int(score["open"]), int(score.get("scored", 0))), (1, 0))
            self.assertIn("known", series["spend-rises", "CMO"]["reasons"][0]["reason"])
            table = server.run("forecast", "accuracy", "spend-rises")
            for text in ("HORIZON", "30d", "CANNOT SAY", "nothing is scored yet"):
                self.assertIn(text, table)

            before, before_accuracy = forecasts(), accuracy()
            server.kill()
            server.start()
            self.assertEqual(forecasts(), before, "the answers are state")
            self.assertEqual(accuracy(), before_accuracy, "and so is what they are measured by")

    def test_a_series_is_forecast_by_hand(self):
        with running(rules=RULES) as server:
            def refused(*arguments):
                done = server.run("forecast", "series", *arguments, check=False)
                self.assertNotEqual(done.returncode, 0)
                return done.stderr

            self.assertIn("nothing of cost has come yet", refused("cost"))
            now = datetime.datetime.now(datetime.timezone.utc)
            server.run("emit", stdin="".join(json.dumps(event) + "\n" for event in history(now)))
            answer = server.json("forecast", "series", "cost", "--where", "agent=CFO", "--horizon", "30", "--reaches", "100")
            self.assertEqual(answer["currency_code"], "USD")
            self.assertEqual(int(answer["history_steps"]), DAYS)
            self.assertEqual(len(answer["steps"]), 30)
            # From 90 USD a day on it rises by one a day.
            month = answer["totals"][1]["sum"]
            self.assertGreater(month["median"], 30 * 90)
            self.assertLess(month["median"], 30 * 125)
            self.assertLess(month["low_95"], month["low_80"])
            held = answer["held"]
            self.assertGreater(held["probability"], 0.5)
            days = (datetime.datetime.fromisoformat(held["median"].replace("Z", "+00:00")) - now).days
            self.assertTrue(2 <= days <= 25, held)
            text = server.run("forecast", "series", "cost", "--where", "agent=CFO", "--reaches", "100")
            self.assertIn("cost reaches 100 USD a day and stays there: ", text)
            self.assertIn("next 7 days", text)
            short = server.run("forecast", "series", "cost", "--where", "agent=CMO")
            self.assertIn("cannot say: ", short)
            self.assertIn("did you mean 'cost'", refused("costs"))
            self.assertIn("write dimension=value", refused("cost", "--where", "agent"))
            self.assertIn("Examples", server.run("forecast", "series", "--help"))


if __name__ == "__main__":
    unittest.main()
