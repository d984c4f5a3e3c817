"""Optuna + LightGBM over the rows, folds and space of the search suite: TPE and the median pruner with their
defaults, a report after each fold of the pooled log-loss of the folds so far.

Usage: optuna_search.py DATA FOLDS TRIALS ROUNDS JOBS THREADS [POINTS]

POINTS is a JSON list of points that are tried instead of the sampler's own; a point with "folds" stops after as many.
"""

import json
import os
import sys
import threading
import time

import lightgbm
import numpy as np
import optuna

N_KEYS = 2


def load(data_path, folds_path):
    table = np.loadtxt(data_path, delimiter=",", skiprows=1, usecols=range(N_KEYS, N_KEYS + 31))
    return table[:, :-1], table[:, -1], np.loadtxt(folds_path, dtype=int)


def log_loss(truth, probability):
    clipped = np.clip(probability, 1e-15, 1 - 1e-15)
    return float(-np.mean(truth * np.log(clipped) + (1 - truth) * np.log(1 - clipped)))


def suggest(trial):
    return {
        "learning_rate": trial.suggest_float("learningRate", 0.02, 0.3, log=True),
        "num_leaves": trial.suggest_int("numLeaves", 8, 64, log=True),
        "min_data_in_leaf": trial.suggest_int("minDataInLeaf", 5, 100, log=True),
        "feature_fraction": trial.suggest_float("featureFraction", 0.4, 1),
        "bagging_fraction": trial.suggest_float("baggingFraction", 0.5, 1),
        "lambda_l2": trial.suggest_float("lambdaL2", 0.001, 10, log=True),
    }


# As our workers: on a machine that does other things too, neither is served before the other.
WORKER_NICE = 10


def main(data_path, folds_path, n_trials, n_rounds, n_jobs, n_threads, points_path=None):
    os.nice(max(0, WORKER_NICE - os.nice(0)))
    x, y, folds = load(data_path, folds_path)
    sides = [(np.flatnonzero((folds >= 0) & (folds != fold)), np.flatnonzero(folds == fold)) for fold in range(5)]
    fixed = {"objective": "binary", "bagging_freq": 1, "verbosity": -1, "num_threads": n_threads, "seed": 1,
             "feature_pre_filter": False}
    local = threading.local()
    leaves = []

    def dataset(fold):
        # Bins do not depend on what is searched: made once per fold and thread, as a careful user would.
        if not hasattr(local, "sets"):
            local.sets = {}
        if fold not in local.sets:
            train = sides[fold][0]
            local.sets[fold] = lightgbm.Dataset(x[train], y[train], params=fixed, free_raw_data=False).construct()
        return local.sets[fold]

    def objective(trial):
        parameters = {**fixed, **suggest(trial)}
        stop_after = trial.user_attrs.get("folds")
        predictions, truths = [], []
        value = None
        for fold, (_, validate) in enumerate(sides):
            booster = lightgbm.train(parameters, dataset(fold), n_rounds)
            leaves.append(parameters["num_leaves"] * n_rounds)
            predictions.append(booster.predict(x[validate], num_threads=n_threads))
            truths.append(y[validate])
            value = log_loss(np.concatenate(truths), np.concatenate(predictions))
            trial.report(value, fold)
            if fold + 1 < len(sides) and (fold + 1 == stop_after or (stop_after is None and trial.should_prune())):
                raise optuna.TrialPruned()
        return value

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="minimize", sampler=optuna.samplers.TPESampler(seed=1), pruner=optuna.pruners.MedianPruner()
    )
    if points_path is not None:
        with open(points_path, encoding="utf8") as file:
            for point in json.load(file):
                study.enqueue_trial(point["parameters"], user_attrs={"folds": point["folds"]})
    start = time.perf_counter()
    study.optimize(objective, n_trials=n_trials, n_jobs=n_jobs)
    seconds = time.perf_counter() - start
    complete = sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)
    print(json.dumps({
        "version": f"optuna {optuna.__version__}, lightgbm {lightgbm.__version__}",
        "metrics": {"seconds": seconds, "best": study.best_value, "complete": complete, "fits": len(leaves),
                    "leaves": float(sum(leaves))},
    }))


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:7]), *sys.argv[7:])
