#!/usr/bin/env python3
"""One labelled series through the setting that docs/anomaly.md recommends: its incident is found, and nothing else is.

All ten, beside their peer: tests/bench/nab.py.
"""
import os
import sys
import unittest

from server import ROOT

sys.path.insert(0, str(ROOT / "tests/bench"))
import nab  # noqa: E402

SERIES = "ec2_cpu_utilization_825cc2"


@unittest.skipUnless((nab.FOLDER / "nab").exists(), f"the series are not in {nab.FOLDER}/nab")
class AnomalySeriesTest(unittest.TestCase):
    def test_the_incident_is_found_and_nothing_else(self):
        series = next(one for one in nab.read_series(nab.FOLDER / "nab") if one.name == SERIES)
        alerts = nab.run_barograph(os.environ["BAROGRAPH_BINARY"], [series], [nab.CHOSEN], 1)[SERIES][0]
        score = nab.Score.of(series, alerts)
        self.assertEqual((score.found, score.windows, score.false), (1, 1, 0))


if __name__ == "__main__":
    unittest.main()
