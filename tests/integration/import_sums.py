#!/usr/bin/env python3
"""Real data through a real server: 19,366 model calls of 2023 and 69,659 purchases of 1997 and 1998.

Sums by hour, day, month and in total must equal those of the few lines below, to the last nano-unit: after the import, after a
restart, after a second import of the same files, and after a full replay. The data are not part of the repository: they are looked
for in ../shared/data, or where BAROGRAPH_DATASETS says.
"""
import collections
import csv
import datetime
import decimal
import gzip
import os
import pathlib
import unittest

from server import ROOT, running

FOLDER = pathlib.Path(os.environ.get("BAROGRAPH_DATASETS", ROOT.parent / "shared/data"))
AZURE = FOLDER / "azure_llm_conv_2023.csv.gz"
CDNOW = FOLDER / "cdnow_transactions.txt.gz"
MAPPINGS = ROOT / "tests/golden/import"
# List prices of gpt-4o in the shipped table, in nano-USD a token: whole numbers, so nothing is rounded.
INPUT_NANOS, OUTPUT_NANOS = 2500, 10000
UTC = datetime.timezone.utc


def azure_rows():
    with gzip.open(AZURE, "rt", newline="") as file:
        for row in csv.DictReader(file):
            hour = datetime.datetime.strptime(row["TIMESTAMP"][:13], "%Y-%m-%d %H").replace(tzinfo=UTC)
            tokens_in, tokens_out = int(row["ContextTokens"]), int(row["GeneratedTokens"])
            yield hour, tokens_in, tokens_out, tokens_in * INPUT_NANOS + tokens_out * OUTPUT_NANOS


def cdnow_rows():
    with gzip.open(CDNOW, "rt") as file:
        next(file)
        for line in file:
            _, date, _, dollars = line.split()
            yield datetime.datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC), int(decimal.Decimal(dollars) * 10**9)


def expected(rows, value):
    """{"hour": {start: sum}, "day": ..., "month": ..., "total": sum}"""
    sums = {every: collections.Counter() for every in ("hour", "day", "month")}
    for row in rows:
        hour = row[0]
        sums["hour"][hour] += value(row)
        sums["day"][hour.replace(hour=0)] += value(row)
        sums["month"][hour.replace(day=1, hour=0)] += value(row)
    return dict(sums, total=sum(sums["hour"].values()))


@unittest.skipUnless(AZURE.exists() and CDNOW.exists(), f"the data sets are not in {FOLDER}")
class ImportSumsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        azure, cdnow = list(azure_rows()), list(cdnow_rows())
        cls.counts = {"azure": len(azure), "cdnow": len(cdnow)}
        # measure -> (expected sums, factor from the answer's decimal text, from, to)
        november = (datetime.datetime(2023, 11, 1, tzinfo=UTC), datetime.datetime(2023, 12, 1, tzinfo=UTC))
        years = (datetime.datetime(1997, 1, 1, tzinfo=UTC), datetime.datetime(1998, 7, 1, tzinfo=UTC))
        cls.wanted = {
            "tokens.input": (expected(azure, lambda row: row[1]), 1, november),
            "tokens.output": (expected(azure, lambda row: row[2]), 1, november),
            "cost": (expected(azure, lambda row: row[3]), 10**9, november),
            "revenue.gross": (expected(cdnow, lambda row: row[1]), 10**9, years),
            "payments": (expected(cdnow, lambda row: 1), 1, years),
        }

    def query(self, server, measure, start, end, every=None):
        command = ["query", measure, "--from", start.strftime("%Y-%m-%dT%H:%M:%SZ"), "--to",
                   end.strftime("%Y-%m-%dT%H:%M:%SZ"), "--limit", "10000"]
        rows = server.json(*command, *(["--every", every] if every else [])).get("rows", [])
        sums = collections.Counter()
        for row in rows:
            value = decimal.Decimal(row["value"])
            at = datetime.datetime.fromisoformat(row["start"].replace("Z", "+00:00"))
            sums[at] += value
        return sums

    def check(self, server, when):
        for measure, (wanted, factor, (first, last)) in self.wanted.items():
            with self.subTest(measure=measure, when=when):
                total = self.query(server, measure, first, last)
                self.assertEqual(sum(total.values()) * factor, wanted["total"])
                for every in ("day", "month"):
                    got = self.query(server, measure, first, last, every)
                    self.assertEqual({at: value * factor for at, value in got.items() if value},
                                     {at: value for at, value in wanted[every].items() if value})
                got = collections.Counter()
                start = first
                while start < last:  # an answer has at most 10,000 rows: hours are asked month by month
                    end = (start + datetime.timedelta(days=32)).replace(day=1)
                    got.update(self.query(server, measure, start, end, "hour"))
                    start = end
                self.assertEqual({at: value * factor for at, value in got.items() if value},
                                 {at: value for at, value in wanted["hour"].items() if value})

    def bring_in(self, server, data, mapping, name, again):
        report = server.json("import", str(data), "--mapping", str(MAPPINGS / mapping), "--quiet")
        self.assertEqual(report["records"], self.counts[name])
        self.assertEqual(report["rejected"], 0)
        self.assertEqual(report["known" if again else "new"], self.counts[name])

    def test_sums_are_exact_and_stay_so(self):
        with running() as server:
            server.run("prices", "apply", "shipped", "--from", "2023-01-01T00:00:00Z")
            for again in (False, True):
                self.bring_in(server, AZURE, "azure_llm.yaml", "azure", again)
                self.bring_in(server, CDNOW, "cdnow.yaml", "cdnow", again)
                self.check(server, "after a second import" if again else "after the import")
                if not again:
                    self.assertEqual(server.stop(), 0)
                    server.start()
                    self.check(server, "after a restart")
            self.assertEqual(server.stop(), 0)
            server.start("--replay")
            self.check(server, "after a full replay")


if __name__ == "__main__":
    unittest.main()
