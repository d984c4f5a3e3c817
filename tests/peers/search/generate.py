"""Writes fixtures.json beside this script: which trials Optuna's pruners end on small seeded curves, and how near its
TPE comes to the best of known functions.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
"""

import json
import math
import pathlib
import warnings

import numpy as np
import optuna

SEED = 20240521
N_TRIALS = 60
N_SEEDS = 20
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")


def pruned_study(name, pruner, n_trials, n_steps, first_step):
    """Trials one after the other; each reports its curve until it ends."""
    random = np.random.default_rng(SEED)
    study = optuna.create_study(pruner=pruner)
    trials = []
    for _ in range(n_trials):
        level = random.normal()
        curve = (level + random.normal(size=n_steps) * 0.5).tolist()
        trial = study.ask()
        reported, is_pruned = [], False
        for step, value in enumerate(curve):
            trial.report(value, step + first_step)
            reported.append(value)
            # The last step is the end: what comes there is complete.
            if step + 1 < n_steps and trial.should_prune():
                is_pruned = True
                break
        study.tell(trial, None if is_pruned else reported[-1],
                   optuna.trial.TrialState.PRUNED if is_pruned else optuna.trial.TrialState.COMPLETE)
        trials.append({"losses": reported, "isPruned": is_pruned})
    return {"name": name, "nSteps": n_steps, "trials": trials}


def valley(trial):
    x = trial.suggest_float("x", -2, 2)
    y = trial.suggest_float("y", -1, 3)
    return math.log1p(100 * (y - x * x) ** 2 + (1 - x) ** 2)


def tuning(trial):
    rate = math.log10(trial.suggest_float("rate", 1e-4, 1, log=True) / 0.03) ** 2
    leaves = ((trial.suggest_int("leaves", 4, 64) - 20) / 20) ** 2
    fraction = (trial.suggest_float("fraction", 0.2, 1, step=0.2) - 0.8) ** 2
    return rate + leaves + fraction + (0 if trial.suggest_categorical("loss", ["a", "b", "c"]) == "b" else 0.5)


def noise(trial):
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return (x[0] - 0.2) ** 2 + (x[1] - 0.7) ** 2 + 0.3 * abs(x[2] - 0.5)


def best_values(function, sampler):
    values = []
    for seed in range(N_SEEDS):
        study = optuna.create_study(sampler=sampler(seed=seed))
        study.optimize(function, n_trials=N_TRIALS)
        values.append(study.best_value)
    return values


def main():
    pruners = optuna.pruners
    fixtures = {
        "versions": {"optuna": optuna.__version__, "numpy": np.__version__},
        "seed": SEED,
        "median": [
            pruned_study("defaults", pruners.MedianPruner(), 40, 5, 0)
            | {"settings": {"startupTrials": 5, "warmupSteps": 0}},
            pruned_study("later", pruners.MedianPruner(n_startup_trials=8, n_warmup_steps=2), 40, 6, 0)
            | {"settings": {"startupTrials": 8, "warmupSteps": 2}},
        ],
        "successiveHalving": [
            pruned_study("by two", pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2), 40, 5, 1)
            | {"settings": {"reductionFactor": 2}},
            pruned_study("by four", pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=4), 40, 10, 1)
            | {"settings": {"reductionFactor": 4}},
        ],
        "best": {
            function.__name__: {
                "tpe": best_values(function, optuna.samplers.TPESampler),
                "random": best_values(function, optuna.samplers.RandomSampler),
            }
            for function in (valley, tuning, noise)
        },
    }
    path = pathlib.Path(__file__).with_name("fixtures.json")
    path.write_text(json.dumps(fixtures, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
