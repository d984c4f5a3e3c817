"""LightGBM, XGBoost or scikit-learn on the rows of the train suite: wall with binning, AUC, peak memory.

Usage: train_trees.py LIBRARY FILE ROWS COLUMNS LEAVES ROUNDS THREADS FITS REPEATS [explain | predict FILE ROWS]
"""

import json
import resource
import statistics
import sys
import time

import numpy as np


def read(path, rows, columns):
    table = np.fromfile(path, dtype=np.float64).reshape(rows, columns + 1)
    return np.ascontiguousarray(table[:, :columns]), table[:, columns].copy()


def auc(truth, score):
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    positives = truth.sum()
    return (ranks[truth == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives))


def lightgbm_fit(x, y, leaves, rounds, threads, seed):
    import lightgbm

    settings = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": 0.1,
        "max_bin": 255,
        "num_threads": threads,
        "seed": seed,
        "verbose": -1,
    }
    data = lightgbm.Dataset(x, y, params={"max_bin": 255, "num_threads": threads, "verbose": -1})
    return lightgbm.train(settings, data, rounds)


def xgboost_fit(x, y, leaves, rounds, threads, seed):
    import xgboost

    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": leaves,
        "max_depth": 0,
        "eta": 0.1,
        "max_bin": 255,
        "nthread": threads,
        "seed": seed,
    }
    return xgboost.train(settings, xgboost.QuantileDMatrix(x, y, max_bin=255, nthread=threads), rounds)


def sklearn_fit(x, y, leaves, rounds, threads, seed):
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingClassifier(
        max_iter=rounds, max_leaf_nodes=leaves, learning_rate=0.1, max_bins=255, early_stopping=False, random_state=seed
    )
    with threadpool_limits(threads):
        return model.fit(x, y)


def predict(library, model, x):
    if library == "lightgbm":
        return model.predict(x, raw_score=True)
    if library == "xgboost":
        import xgboost

        return model.predict(xgboost.DMatrix(x), output_margin=True)
    return model.decision_function(x)


FITS = {"lightgbm": lightgbm_fit, "xgboost": xgboost_fit, "sklearn": sklearn_fit}


def main():
    library, path, *rest = sys.argv[1:]
    rows, columns, leaves, rounds, threads, fits, repeats = map(int, rest[:7])
    x, y = read(path, rows, columns)
    n_test = min(100_000, rows // 8)
    train_x, train_y = x[: rows - n_test], y[: rows - n_test]
    fit = FITS[library]
    fit(train_x[:1000], train_y[:1000], 2, 1, threads, 0)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        for seed in range(fits):
            model = fit(train_x, train_y, leaves, rounds, threads, seed + 1)
        seconds.append(time.perf_counter() - start)
    metrics = {
        "seconds": statistics.median(seconds),
        "peakRssMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "auc": float(auc(y[rows - n_test :], predict(library, model, x[rows - n_test :]))),
    }
    if rest[7:] == ["explain"]:
        start = time.perf_counter()
        model.predict(x[rows - n_test : rows - n_test + 10_000], pred_contrib=True, num_threads=threads)
        metrics["explainSeconds"] = time.perf_counter() - start
    if rest[7:8] == ["predict"]:
        asked, _ = read(rest[8], int(rest[9]), columns)
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            model.predict(asked, num_threads=threads)
            seconds.append(time.perf_counter() - start)
        metrics["predictSeconds"] = statistics.median(seconds)
    module = {"sklearn": "sklearn"}.get(library, library)
    version = f"{library} {__import__(module).__version__}"
    print(json.dumps({"version": version, "metrics": metrics}))


if __name__ == "__main__":
    main()
