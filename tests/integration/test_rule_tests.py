#!/usr/bin/env python3
"""`barograph rules test` through the real binary: exit statuses, reports for people, programs and CI, folders, and --show pasted back."""
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

BINARY = os.environ["BAROGRAPH_BINARY"]

HEAD = """apiVersion: barograph/v1
slos:
  - {name: any-failure, good: tasks.completed, total: tasks.finished, by: [agent], objective: 100%, period: 30d}
receivers: [{name: ops, file: {path: alerts.jsonl}}]
routes: {receiver: ops, group_by: [rule, agent]}
scenarios:
"""
SCENARIO = """  - name: one failure is told
    events:
      - {{at: 10s, agent: CMO, task: {{status: FAILED}}}}
    until: 10m
    expect:
{expect}
"""
RIGHT = "      - {at: 10s, rule: any-failure, state: firing}\n      - {at: 5m..8m, rule: any-failure, state: resolved}"
WRONG = "      - {at: 20s, rule: any-failure, labels: {agent: CFO}, state: firing}\n      - {at: 5m..8m, rule: any-failure, state: resolved}"


class RuleTestsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rule_tests"))

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def rules_test(self, *arguments):
        return subprocess.run([BINARY, "rules", "test", *arguments], capture_output=True, text=True, timeout=120)

    def test_what_is_as_expected_passes(self):
        ran = self.rules_test(self.write("good.yaml", HEAD + SCENARIO.format(expect=RIGHT)))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertIn("ok    one failure is told", ran.stdout)
        self.assertIn("1 passed, 0 failed", ran.stdout)

    def test_what_is_not_fails_and_says_in_what(self):
        path = self.write("bad.yaml", HEAD + SCENARIO.format(expect=WRONG))
        ran = self.rules_test(path)
        self.assertEqual(ran.returncode, 1)
        self.assertIn(f"{path}:12:9: other", ran.stdout)
        self.assertIn("at: 10s, not 20s", ran.stdout)
        self.assertIn("labels.agent: CMO, not CFO", ran.stdout)

    def test_programs_and_ci_read_the_same(self):
        path = self.write("bad.yaml", HEAD + SCENARIO.format(expect=WRONG))
        broken = self.write("broken.yaml", "apiVersion: barograph/v1\nscenarios: [{nam: a}]\n")
        junit = self.folder / "results.xml"
        ran = self.rules_test(path, broken, "-o", "json", "--junit", str(junit))
        self.assertEqual(ran.returncode, 78)
        self.assertIn(f"{broken}:2:14: unknown key 'nam' in a scenario; did you mean 'name'?", ran.stderr)
        report = json.loads(ran.stdout)
        self.assertEqual((report["passed"], report["failed"], report["files_refused"]), (0, 1, 1))
        difference = report["files"][0]["scenarios"][0]["differences"][0]
        self.assertEqual((difference["kind"], difference["place"]), ("other", f"{path}:12:9"))
        suites = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual(suites.attrib["failures"], "1")
        self.assertEqual(suites.attrib["errors"], "1")
        self.assertIn("at: 10s, not 20s", suites.find("testsuite/testcase/failure").text)

    def test_what_show_prints_can_be_pasted_and_passes(self):
        empty = self.write("empty.yaml", HEAD + SCENARIO.format(expect="").replace("    expect:\n", "    quiet: [ops]\n"))
        report = json.loads(self.rules_test(empty, "--show", "-o", "json").stdout)
        came = report["files"][0]["scenarios"][0]["came"]
        self.assertEqual(len(came), 4)
        steps = [line for line in came if "rule:" in line.split("receiver:")[0]]
        notices = [line for line in came if line not in steps]
        self.assertEqual((len(steps), len(notices)), (2, 2))
        pasted = "\n".join(f"      - {step}" for step in steps) + "\n    notices:\n" + "\n".join(f"      - {told}" for told in notices)
        ran = self.rules_test(self.write("pasted.yaml", HEAD + SCENARIO.format(expect=pasted)))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)

    def test_a_folder_is_all_that_lies_below_it(self):
        rules = HEAD.split("scenarios:")[0]
        self.write("suite/rules/any.yaml", rules)
        named = "apiVersion: barograph/v1\nrules: [rules/any.yaml]\nscenarios:\n" + SCENARIO.format(expect=RIGHT)
        self.write("suite/told.yaml", named)
        ran = self.rules_test(str(self.folder / "suite"))
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), "a rule file that is named is passed over")
        self.write("suite/misspelt.yaml", named.replace("scenarios:", "scenario:"))
        ran = self.rules_test(str(self.folder / "suite"))
        self.assertEqual(ran.returncode, 78)
        self.assertIn("did you mean 'scenarios'", ran.stderr)

    def test_what_runs_nothing_is_no_success(self):
        path = self.write("good.yaml", HEAD + SCENARIO.format(expect=RIGHT))
        self.assertEqual(self.rules_test(path, "--run", "another").returncode, 1)
        self.assertEqual(self.rules_test(path, "--run", "failure").returncode, 0)
        (self.folder / "nothing").mkdir()
        self.assertEqual(self.rules_test(str(self.folder / "nothing")).returncode, 1)
        self.assertEqual(self.rules_test(str(self.folder / "absent.yaml")).returncode, 78)
        self.assertEqual(self.rules_test().returncode, 2)
        self.assertEqual(self.rules_test("--help").returncode, 0)

    def test_ten_thousand_seconds_take_little(self):
        path = self.write("long.yaml", HEAD + """  - name: long
    events: [{at: 0s..10000s, every: 1s, agent: [a, b, c], task: {status: COMPLETED}}]
    never: others
""")
        began = time.monotonic()
        ran = self.rules_test(path, "-o", "json")
        took = time.monotonic() - began
        report = json.loads(ran.stdout)
        print(f"rules test: {report['events']} events over {report['simulated_seconds']:.0f} simulated seconds in "
              f"{report['took_ms']:.0f} ms, {took:.2f} s with the start of the process")
        self.assertEqual((ran.returncode, report["events"]), (0, 30_000))
        self.assertLess(took, 60, "even with sanitizers")


if __name__ == "__main__":
    unittest.main()
