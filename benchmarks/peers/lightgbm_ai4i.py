"""LightGBM on AI4I 2020: stratified 5-fold, pooled out-of-fold predictions, F1 at 0.5, mean over the fold seeds.
Features: the declared columns, power, temperature difference and wear times torque. The failure-mode columns
are leakage and are not read.

Usage: lightgbm_ai4i.py DATA_FOLDER SEED...
"""

import csv
import glob
import json
import os
import sys

import lightgbm
import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

TYPES = {"L": 0, "M": 1, "H": 2}


def load(folder):
    path = glob.glob(os.path.join(folder, "*.csv"))[0]
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))

    def column(prefix):
        name = next(key for key in rows[0] if key.startswith(prefix))
        return np.array([float(row[name]) for row in rows])

    air, process = column("Air temperature"), column("Process temperature")
    speed, torque, wear = column("Rotational speed"), column("Torque"), column("Tool wear")
    kind = np.array([TYPES[row["Type"]] for row in rows])
    x = np.column_stack([kind, air, process, speed, torque, wear, torque * speed, process - air, wear * torque])
    return x, column("Machine failure").astype(int)


def main():
    folder, *seeds = sys.argv[1:]
    x, y = load(folder)
    scores = []
    for seed in map(int, seeds):
        predicted = np.empty(len(y))
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(x, y):
            model = lightgbm.LGBMClassifier(
                n_estimators=300, learning_rate=0.05, random_state=seed, n_jobs=2, verbose=-1, deterministic=True
            )
            predicted[test] = model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
        scores.append([f1_score(y, predicted >= 0.5), roc_auc_score(y, predicted), average_precision_score(y, predicted)])
    f1, auc, precision = np.mean(scores, axis=0)
    metrics = {"f1": float(f1), "rocAuc": float(auc), "averagePrecision": float(precision)}
    print(json.dumps({"version": f"lightgbm {lightgbm.__version__}", "metrics": metrics}))


if __name__ == "__main__":
    main()
