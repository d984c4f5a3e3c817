"""Writes fixtures.json beside this script: what NannyML's CBPE and SciPy's Wilson interval answer on small seeded inputs.

Run:  python -m venv venv && venv/bin/pip install --no-deps -r requirements.txt && venv/bin/python generate.py
NannyML's functions are taken out of its source as they stand: importing the package would need a dozen others.
Python's json writes doubles with 17 significant digits, so the inputs are read back bit for bit.
"""

import ast
import importlib.util
import json
import pathlib
import typing
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import auc

SEED = 20261121
NAMES = ["estimate_roc_auc", "estimate_ap", "estimate_f1", "estimate_precision", "estimate_recall", "estimate_accuracy"]


def nannyml_functions():
    root = pathlib.Path(importlib.util.find_spec("nannyml").submodule_search_locations[0])
    path = root / "performance_estimation" / "confidence_based" / "metrics.py"
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in NAMES]
    series = type("Series", (), {})
    scope = {"np": np, "auc": auc, "warnings": warnings, "pd": type("pd", (), {"Series": series}), **vars(typing)}
    exec(compile(tree, str(path), "exec"), scope)
    return {name: scope[name] for name in NAMES}


def binary(rng, f):
    cases = []
    for name, p, threshold in [
        ("two hundred rows", rng.random(200), 0.5),
        ("rare", 1 / (1 + np.exp(3 - rng.normal(0, 1.5, 300))), 0.2),
        ("five rows", rng.random(5), 0.5),
    ]:
        decided = (p >= threshold).astype(int)
        cases.append({
            "name": name, "probability": p.tolist(), "threshold": threshold,
            "rocAuc": float(f["estimate_roc_auc"](p, p)),
            "averagePrecision": float(f["estimate_ap"](p, p)),
            "f1": float(f["estimate_f1"](decided, p)),
            "precision": float(f["estimate_precision"](decided, p)),
            "recall": float(f["estimate_recall"](decided, p)),
            "accuracy": float(f["estimate_accuracy"](decided, p)),
        })
    return cases


def classes(rng, f):
    p = rng.dirichlet([0.6, 0.8, 1.2], 150)
    predicted = p.argmax(axis=1)
    per_class = [f["estimate_f1"]((predicted == k).astype(int), p[:, k]) for k in range(3)]
    return {
        "probability": p.ravel().tolist(), "nClasses": 3,
        "macroF1": float(np.mean(per_class)),
        "accuracy": float(p.max(axis=1).mean()),
    }


def wilson():
    return [
        [k, n, *map(float, stats.binomtest(k, n).proportion_ci(0.95, method="wilson"))]
        for k, n in [(0, 5), (5, 5), (1, 20), (37, 120), (999, 1000)]
    ]


def main():
    rng = np.random.default_rng(SEED)
    f = nannyml_functions()
    fixtures = {
        "versions": {"nannyml": "0.13.1", "numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__},
        "seed": SEED,
        "binary": binary(rng, f),
        "classes": classes(rng, f),
        "wilson": wilson(),
    }
    (pathlib.Path(__file__).parent / "fixtures.json").write_text(json.dumps(fixtures) + "\n")


main()
