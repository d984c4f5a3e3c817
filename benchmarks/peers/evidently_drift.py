"""Evidently's data drift preset on the rows of the drift suite: wall to its HTML and JSON, size of the page.

Usage: evidently_drift.py REFERENCE REFERENCE_ROWS LIVE LIVE_ROWS COLUMNS REPEATS PAGE   (files column-major, float64)
"""

import json
import os
import resource
import statistics
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")

import evidently  # noqa: E402
from evidently import Report  # noqa: E402
from evidently.presets import DataDriftPreset  # noqa: E402


def read(path, rows, columns):
    table = np.fromfile(path, dtype=np.float64).reshape(columns, rows)
    return pd.DataFrame({f"x{column}": table[column] for column in range(columns)})


def check(live, reference, page):
    result = Report([DataDriftPreset()]).run(live, reference)
    result.save_html(page)
    return json.loads(result.json())


def main():
    reference_path, reference_rows, live_path, live_rows, columns, repeats, page = sys.argv[1:]
    reference = read(reference_path, int(reference_rows), int(columns))
    live = read(live_path, int(live_rows), int(columns))
    check(live[:1000], reference[:1000], page)
    seconds = []
    cpu = time.process_time()
    for _ in range(int(repeats)):
        start = time.perf_counter()
        found = check(live, reference, page)
        seconds.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    drifted = next(m["value"]["count"] for m in found["metrics"] if "DriftedColumnsCount" in str(m))
    metrics = {
        "seconds": statistics.median(seconds),
        "cpuSeconds": cpu / int(repeats),
        "htmlMB": os.path.getsize(page) / 1e6,
        "drifted": drifted,
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps({"version": f"evidently {evidently.__version__}", "metrics": metrics}))


if __name__ == "__main__":
    main()
