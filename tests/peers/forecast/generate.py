"""Makes fixtures.json: LightGBM's quantiles of a small seeded fleet, judged by scikit-learn. Run: python generate.py > fixtures.json"""

import json

import lightgbm
import numpy as np
import sklearn
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

SEED = 20261121
N_ASSETS, N_TIMES, SPLIT = 6, 300, 240
HORIZONS = [1, 6]
QUANTILES = [0.1, 0.5, 0.9]
LAGS = [1, 2, 23]
SETTINGS = {"num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 20}
ROUNDS = 60


def series(random):
    """A day's swing about a level that wanders."""
    hours = np.arange(N_TIMES)
    rows = []
    for asset in range(N_ASSETS):
        level = 40 + 3 * asset + np.cumsum(0.3 * random.normal(size=N_TIMES))
        rows.append(level + 6 * np.sin(2 * np.pi * hours / 24) + random.normal(size=N_TIMES))
    return np.round(np.array(rows), 4)


def features(values, asset, t):
    hour = 2 * np.pi * t / 24
    lags = [values[asset, t - lag] if t >= lag else np.nan for lag in LAGS]
    return [values[asset, t], *lags, np.sin(hour), np.cos(hour)]


def answers_at(values, horizon):
    """The change is learnt where its truth lies before the split, and judged after it."""
    train = [(a, t) for a in range(N_ASSETS) for t in range(N_TIMES) if t + horizon < SPLIT]
    test = [(a, t) for a in range(N_ASSETS) for t in range(SPLIT, N_TIMES - horizon)]
    x = np.array([features(values, a, t) for a, t in train])
    change = np.array([values[a, t + horizon] - values[a, t] for a, t in train])
    held = np.array([features(values, a, t) for a, t in test])
    now = np.array([values[a, t] for a, t in test])
    columns = []
    for level in QUANTILES:
        given = {"objective": "quantile", "alpha": level, "verbosity": -1, "num_threads": 1, **SETTINGS}
        booster = lightgbm.train(given, lightgbm.Dataset(x, change), ROUNDS)
        columns.append(now + booster.predict(held))
    truth = np.array([values[a, t + horizon] for a, t in test])
    quantiles = np.round(np.sort(np.array(columns), axis=0), 6)
    return {
        "horizon": horizon,
        "quantiles": quantiles.T.ravel().tolist(),
        "expected": {
            "pinball": float(
                np.mean([mean_pinball_loss(truth, q, alpha=a) for a, q in zip(QUANTILES, quantiles)])
            ),
            "mae": mean_absolute_error(truth, quantiles[1]),
            "intervalCoverage": float(np.mean((truth >= quantiles[0]) & (truth <= quantiles[2]))),
        },
    }


def main():
    values = series(np.random.default_rng(SEED))
    versions = {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "lightgbm": lightgbm.__version__}
    print(
        json.dumps(
            {
                "versions": versions,
                "seed": SEED,
                "split": SPLIT,
                "lags": LAGS,
                "quantiles": QUANTILES,
                "rounds": ROUNDS,
                "values": values.tolist(),
                "answers": [answers_at(values, horizon) for horizon in HORIZONS],
            }
        )
    )


main()
