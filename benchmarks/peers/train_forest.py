"""Random forest or extra trees of scikit-learn on the rows of the train suite: wall, AUC, peak memory.

Usage: train_forest.py SPLITTER FILE ROWS COLUMNS TREES LEAF THREADS REPEATS   (SPLITTER: best or random)
"""

import json
import resource
import statistics
import sys
import time

import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from train_trees import auc, read

FORESTS = {"best": RandomForestClassifier, "random": ExtraTreesClassifier}


def main():
    splitter, path, *rest = sys.argv[1:]
    rows, columns, trees, leaf, threads, repeats = map(int, rest)
    x, y = read(path, rows, columns)
    n_test = min(100_000, rows // 8)
    train_x, train_y = x[: rows - n_test], y[: rows - n_test]

    def fit(x, y, n, seed):
        return FORESTS[splitter](n, min_samples_leaf=leaf, max_features="sqrt", n_jobs=threads, random_state=seed).fit(x, y)

    fit(train_x[:1000], train_y[:1000], 2, 0)
    seconds = []
    for seed in range(repeats):
        start = time.perf_counter()
        model = fit(train_x, train_y, trees, seed + 1)
        seconds.append(time.perf_counter() - start)
    metrics = {
        "seconds": statistics.median(seconds),
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "auc": float(auc(y[rows - n_test :], model.predict_proba(x[rows - n_test :])[:, 1])),
    }
    print(json.dumps({"version": f"scikit-learn {sklearn.__version__}", "metrics": metrics}))


main()
