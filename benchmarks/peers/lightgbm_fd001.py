"""LightGBM on the rows of our FD001 runs: the same features, folds and cut points, labels capped at 125, one prediction
per test engine at its last cycle, each run with its own seed. The settings are those of examples/turbofan, which names
them as LightGBM does. Intervals: split conformal on the absolute out-of-fold errors of the judged rows, each fold by the
other folds' errors, ends within 0 and the cap.

Usage: lightgbm_fd001.py COLUMNS SEED FILE [SEED FILE]...
A file holds doubles, row-major: features, label, fold (-1: the test engines), judged.
"""

import json
import math
import sys

import lightgbm
import numpy as np

CAP = 125.0
LEVEL = 0.9


def regressor(seed):
    return lightgbm.LGBMRegressor(
        n_estimators=400, learning_rate=0.03, num_leaves=15, min_child_samples=100, colsample_bytree=0.3,
        subsample=0.7, subsample_freq=1, random_state=seed, n_jobs=2, verbose=-1, deterministic=True,
    )


def rmse(error):
    return float(np.sqrt(np.mean(error**2)))


def nasa_score(error):
    return float(np.where(error < 0, np.exp(-error / 13) - 1, np.exp(error / 10) - 1).sum())


def intervals(y, predicted, fold):
    """Coverage and mean width, each fold by the quantile of the other folds' errors."""
    error = np.abs(y - predicted)
    inside, widths = [], []
    for k in np.unique(fold):
        own, others = fold == k, np.sort(error[fold != k])
        half = others[min(len(others), math.ceil((len(others) + 1) * LEVEL)) - 1]
        inside.append(error[own] <= half)
        widths.append(np.minimum(CAP, predicted[own] + half) - np.maximum(0, predicted[own] - half))
    return float(np.concatenate(inside).mean()), float(np.concatenate(widths).mean())


def measure(path, columns, seed):
    rows = np.fromfile(path).reshape(-1, columns)
    x, y, fold, judged = rows[:, :-3], rows[:, -3], rows[:, -2].astype(int), rows[:, -1] == 1
    learnt = fold >= 0
    predicted = np.empty(len(y))
    for k in np.unique(fold):
        others = learnt & (fold != k)
        predicted[fold == k] = np.clip(regressor(seed).fit(x[others], y[others]).predict(x[fold == k]), 0, CAP)
    error = predicted - y
    coverage, width = intervals(y[learnt & judged], predicted[learnt & judged], fold[learnt & judged])
    return [rmse(error[~learnt & judged]), nasa_score(error[~learnt & judged]), rmse(error[learnt & judged]), coverage, width]


def main():
    columns, *runs = sys.argv[1:]
    figures = [measure(path, int(columns), int(seed)) for seed, path in zip(runs[::2], runs[1::2])]
    names = ["rmse", "nasaScore", "cvRmse", "intervalCoverage", "intervalWidth"]
    metrics = dict(zip(names, np.mean(figures, axis=0).tolist()))
    print(json.dumps({"version": f"lightgbm {lightgbm.__version__}", "metrics": metrics}))


if __name__ == "__main__":
    main()
