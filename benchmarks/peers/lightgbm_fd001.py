"""LightGBM on C-MAPSS FD001, as in the shared notes on what has been reached: rolling means over 5, 15 and 30
cycles, standard deviation over 30, difference from the engine's own expanding mean, cycle count; labels capped
at 125; everything from training engines. One prediction per test engine at its last cycle.

Usage: lightgbm_fd001.py DATA_FOLDER SEED...
"""

import json
import os
import sys

import lightgbm
import numpy as np

CAP = 125.0


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


def main():
    folder, *seeds = sys.argv[1:]
    train = load(os.path.join(folder, "train_FD001.txt"))
    test = load(os.path.join(folder, "test_FD001.txt"))
    truth = np.minimum(np.loadtxt(os.path.join(folder, "RUL_FD001.txt")), CAP)
    varying = np.flatnonzero(np.vstack(train)[:, 5:].std(axis=0) > 1e-9) + 5

    x = np.vstack([engine_features(engine[:, 1], engine[:, varying]) for engine in train])
    y = np.concatenate([np.minimum(engine[-1, 1] - engine[:, 1], CAP) for engine in train])
    last = np.vstack([engine_features(engine[:, 1], engine[:, varying])[-1] for engine in test])

    errors = []
    for seed in seeds:
        model = lightgbm.LGBMRegressor(
            n_estimators=500, learning_rate=0.02, num_leaves=31, min_child_samples=40, subsample=0.8,
            subsample_freq=1, colsample_bytree=0.5, random_state=int(seed), n_jobs=2, verbose=-1, deterministic=True,
        )
        model.fit(x, y)
        predicted = np.minimum(model.predict(last), CAP)
        errors.append(float(np.sqrt(np.mean((predicted - truth) ** 2))))
    print(json.dumps({"version": f"lightgbm {lightgbm.__version__}", "metrics": {"rmse": float(np.mean(errors))}}))


if __name__ == "__main__":
    main()
