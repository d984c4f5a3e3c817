"""Writes fixtures.json beside this script: a simulated fleet of which most machines have not failed, and what XGBoost's
accelerated-failure-time loss and LightGBM without those machines predict of other machines, whose true lives are known.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
"""

import json
import pathlib

import lightgbm
import numpy as np
import xgboost

SEED = 20261121
STEP = 15
CAP = 200
ROUNDS = 300
PATIENCE = 50
ETA = 0.1
LEAVES = 15
# XGBoost leaves the scale of the logarithm of a life to the user: 1 by default, chosen here on the validation machines.
SCALES = [0.2, 0.35, 0.5, 0.7, 1.0, 1.4]


def fleet(random, n):
    """Rows of machines with Weibull lives that wear shows in, watched for at most 340 cycles."""
    rows = []
    for machine in range(n):
        load, place = random.random(), random.normal()
        life = 600 * np.exp(-1.2 * (load - 0.5) - 0.25 * place) * random.weibull(2.5)
        seen = min(life, 40 + 300 * random.random())
        t = STEP * random.random()
        while t < seen:
            wear = (t / life) ** 2
            noise = random.normal(size=2)
            row = [machine, load, place, t, wear + 0.15 * noise[0], 0.5 * wear + 0.2 * noise[1]]
            rows.append([round(float(v), 3) for v in row + [life - t, seen - t]] + [int(seen == life)])
            t += STEP
    return np.array(rows)


def concordance(lives, known, predicted):
    """Share of pairs in the right order, pair by pair."""
    agreed = pairs = 0.0
    for i in np.flatnonzero(known):
        after = (lives > lives[i]) | ((lives == lives[i]) & ~known)
        pairs += after.sum()
        agreed += (predicted[after] > predicted[i]).sum() + 0.5 * (predicted[after] == predicted[i]).sum()
    return agreed / pairs


def rmse(truth, predicted):
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def aft(train, stop, test, cap, scale):
    """Lives that have not ended lie in [bound, ∞); so do those that reach the cap."""

    def matrix(rows):
        has_failed = rows[:, 8] == 1
        lower = np.maximum(np.minimum(np.where(has_failed, rows[:, 6], rows[:, 7]), cap), 0.5)
        upper = np.where(has_failed & (lower < cap), lower, np.inf)
        made = xgboost.DMatrix(rows[:, 1:6])
        made.set_float_info("label_lower_bound", lower)
        made.set_float_info("label_upper_bound", upper)
        return made

    history = {}
    settings = {
        "objective": "survival:aft",
        "eval_metric": "aft-nloglik",
        "aft_loss_distribution": "normal",
        "aft_loss_distribution_scale": scale,
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_leaves": LEAVES,
        "max_depth": 0,
        "learning_rate": ETA,
        "nthread": 1,
        "seed": SEED,
    }
    model = xgboost.train(
        settings, matrix(train), ROUNDS, evals=[(matrix(stop), "stop")], early_stopping_rounds=PATIENCE, evals_result=history, verbose_eval=False
    )
    best = model.best_iteration
    predicted = model.predict(xgboost.DMatrix(test[:, 1:6]), iteration_range=(0, best + 1))
    return min(history["stop"]["aft-nloglik"]), np.minimum(predicted, cap)


def dropped(train, stop, test, cap):
    """Least squares on the rows of machines that failed."""

    def known(rows):
        rows = rows[rows[:, 8] == 1]
        return lightgbm.Dataset(rows[:, 1:6], np.minimum(rows[:, 6], cap))

    settings = {"objective": "l2", "num_leaves": LEAVES, "learning_rate": ETA, "seed": SEED, "num_threads": 1, "deterministic": True, "verbose": -1}
    model = lightgbm.train(settings, known(train), ROUNDS, [known(stop)], callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])
    return np.clip(model.predict(test[:, 1:6], num_iteration=model.best_iteration), 0, cap)


def main():
    random = np.random.default_rng(SEED)
    train, stop, test = fleet(random, 160), fleet(random, 60), fleet(random, 80)
    cases = []
    for name, cap in [("capped", CAP), ("open", None)]:
        limit = np.inf if cap is None else cap
        truth = np.minimum(test[:, 6], limit)
        tried = [(*aft(train, stop, test, limit, scale), scale) for scale in SCALES]
        _, predicted, scale = min(tried, key=lambda one: one[0])
        by_default = next(p for _, p, s in tried if s == 1.0)
        drop = dropped(train, stop, test, limit)
        known = np.where(test[:, 8] == 1, test[:, 6], test[:, 7])
        has_failed = test[:, 8] == 1
        cases.append(
            {
                "name": name,
                "cap": cap,
                "scale": scale,
                "chosen": [round(float(v), 3) for v in predicted],
                "rmse": {"chosen": rmse(truth, predicted), "default": rmse(truth, by_default), "dropped": rmse(truth, drop)},
                "concordance": {
                    "observed": concordance(known, has_failed, np.round(predicted.astype(float), 3)),
                    "chosen": concordance(truth, np.ones(len(truth), bool), predicted),
                    "dropped": concordance(truth, np.ones(len(truth), bool), drop),
                },
            }
        )
    fixtures = {
        "versions": {"xgboost": xgboost.__version__, "lightgbm": lightgbm.__version__, "numpy": np.__version__},
        "seed": SEED,
        "settings": {"numIterations": ROUNDS, "earlyStoppingRounds": PATIENCE, "learningRate": ETA, "numLeaves": LEAVES},
        "columns": ["machine", "load", "place", "age", "wear", "echo", "life", "seen", "hasFailed"],
        "train": train.tolist(),
        "stop": stop.tolist(),
        "test": test.tolist(),
        "cases": cases,
    }
    path = pathlib.Path(__file__).parent / "fixtures.json"
    path.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")
    print(path.stat().st_size, len(train), len(stop), len(test))
    print("failed", len(set(train[train[:, 8] == 1][:, 0])), "of 160")
    for case in cases:
        print({k: v for k, v in case.items() if k != "chosen"})


main()
