"""LightGBM on C-MAPSS FD001, as in the shared notes on what has been reached: rolling means over 5, 15 and 30
cycles, standard deviation over 30, difference from the engine's own expanding mean, cycle count; labels capped
at 125; everything from training engines. One prediction per test engine at its last cycle. Intervals: split conformal
on the absolute out-of-fold errors of five folds of engines, five random cycles of each engine.

Usage: lightgbm_fd001.py DATA_FOLDER SEED...
"""

import json
import math
import os
import sys

import lightgbm
import numpy as np

CAP = 125.0
LEVEL = 0.9
FOLDS = 5
CUTS = 5


def rolling(values, width, statistic):
    out = np.empty_like(values)
    for row in range(len(values)):
        out[row] = statistic(values[max(0, row - width + 1) : row + 1])
    return out


def engine_features(cycles, sensors):
    age = np.arange(1, len(sensors) + 1)[:, None]
    expanding_mean = np.cumsum(sensors, axis=0) / age
    parts = [sensors]
    parts += [rolling(sensors, width, lambda window: window.mean(axis=0)) for width in (5, 15, 30)]
    parts += [rolling(sensors, 30, lambda window: window.std(axis=0)), sensors - expanding_mean, cycles[:, None]]
    return np.hstack(parts)


def load(path):
    table = np.loadtxt(path)
    return [table[table[:, 0] == unit] for unit in np.unique(table[:, 0])]


def regressor(seed):
    return lightgbm.LGBMRegressor(
        n_estimators=500, learning_rate=0.02, num_leaves=31, min_child_samples=40, subsample=0.8,
        subsample_freq=1, colsample_bytree=0.5, random_state=seed, n_jobs=2, verbose=-1, deterministic=True,
    )


def intervals(x, y, engine, seed):
    """Coverage and mean width, each fold by the quantile of the other folds' errors, ends within 0 and the cap."""
    random = np.random.default_rng(seed)
    fold_of = random.permutation(engine.max() + 1) % FOLDS
    fold = fold_of[engine]
    cuts = np.concatenate([random.choice(np.flatnonzero(engine == e), CUTS) for e in np.unique(engine)])
    predicted = np.empty_like(y)
    for k in range(FOLDS):
        predicted[fold == k] = np.clip(regressor(seed).fit(x[fold != k], y[fold != k]).predict(x[fold == k]), 0, CAP)
    error = np.abs(y - predicted)
    inside, widths = [], []
    for k in range(FOLDS):
        own, others = cuts[fold[cuts] == k], np.sort(error[cuts[fold[cuts] != k]])
        half = others[min(len(others), math.ceil((len(others) + 1) * LEVEL)) - 1]
        inside.append(error[own] <= half)
        widths.append(np.minimum(CAP, predicted[own] + half) - np.maximum(0, predicted[own] - half))
    return float(np.concatenate(inside).mean()), float(np.concatenate(widths).mean())


def main():
    folder, *seeds = sys.argv[1:]
    train = load(os.path.join(folder, "train_FD001.txt"))
    test = load(os.path.join(folder, "test_FD001.txt"))
    truth = np.minimum(np.loadtxt(os.path.join(folder, "RUL_FD001.txt")), CAP)
    varying = np.flatnonzero(np.vstack(train)[:, 5:].std(axis=0) > 1e-9) + 5

    x = np.vstack([engine_features(engine[:, 1], engine[:, varying]) for engine in train])
    y = np.concatenate([np.minimum(engine[-1, 1] - engine[:, 1], CAP) for engine in train])
    last = np.vstack([engine_features(engine[:, 1], engine[:, varying])[-1] for engine in test])

    engine = np.concatenate([np.full(len(rows), i) for i, rows in enumerate(train)])
    # One seed: five fits take as long as all of the others.
    coverage, width = intervals(x, y, engine, int(seeds[0]))
    errors = []
    for seed in seeds:
        model = regressor(int(seed)).fit(x, y)
        predicted = np.minimum(model.predict(last), CAP)
        errors.append(float(np.sqrt(np.mean((predicted - truth) ** 2))))
    metrics = {"rmse": float(np.mean(errors)), "intervalCoverage": coverage, "intervalWidth": width}
    print(json.dumps({"version": f"lightgbm {lightgbm.__version__}", "metrics": metrics}))


if __name__ == "__main__":
    main()
