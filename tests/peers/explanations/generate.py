"""Makes fixtures.json: contributions of LightGBM with its trees, and calibrations of scikit-learn, on small seeded
tables. Run: python generate.py > fixtures.json"""

import json

import lightgbm
import numpy as np
import sklearn
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

SEED = 20261121
ROWS = 400
EXPLAINED = 25


def flat(node, lists):
    """Appends a node and all below it in the order of numerics/decision-tree.ts; returns its index."""
    at = len(lists["feature"])
    is_leaf = "leaf_value" in node
    lists["feature"].append(-1 if is_leaf else node["split_feature"])
    lists["threshold"].append(0 if is_leaf else node["threshold"])
    lists["missingLeft"].append(0 if is_leaf else int(node["default_left"]))
    lists["value"].append(node["leaf_value"] if is_leaf else 0)
    lists["count"].append(node["leaf_count"] if is_leaf else node["internal_count"])
    lists["left"].append(-1)
    lists["right"].append(-1)
    if not is_leaf:
        lists["left"][at] = flat(node["left_child"], lists)
        lists["right"][at] = flat(node["right_child"], lists)
    return at


def tree_of(info):
    lists = {name: [] for name in ["feature", "threshold", "missingLeft", "left", "right", "value", "count"]}
    flat(info["tree_structure"], lists)
    return lists


def boosted(random):
    table = random.normal(size=(ROWS, 6))
    table[random.random(table.shape) < 0.1] = np.nan
    filled = np.nan_to_num(table)
    target = 50 + 10 * filled[:, 0] + 5 * filled[:, 1] * filled[:, 2] + 3 * np.abs(filled[:, 3]) + random.normal(size=ROWS)
    settings = {
        "objective": "regression",
        "num_leaves": 12,
        "learning_rate": 0.2,
        "min_data_in_leaf": 10,
        "seed": SEED,
        "num_threads": 1,
        "deterministic": True,
        "verbose": -1,
    }
    model = lightgbm.train(settings, lightgbm.Dataset(table, target), num_boost_round=10)
    rows = table[:EXPLAINED]
    return {
        "columns": table.shape[1],
        "rows": [None if np.isnan(value) else value for value in rows.ravel()],
        "trees": [tree_of(info) for info in model.dump_model()["tree_info"]],
        # Per row: one contribution per column, then the expected score.
        "contributions": model.predict(rows, pred_contrib=True).ravel().tolist(),
    }


def calibrated(random):
    score = random.normal(size=ROWS) * 2
    truth = (random.random(ROWS) < 1 / (1 + np.exp(-(0.6 * score - 1)))).astype(float)
    line = _SigmoidCalibration().fit(score, truth)
    # Rounded, so that some scores are alike.
    tied = np.round(score, 1)
    return {
        "score": score.tolist(),
        "truth": truth.tolist(),
        "platt": {"slope": -line.a_, "intercept": -line.b_},
        "tied": tied.tolist(),
        "isotonic": IsotonicRegression().fit(tied, truth).predict(tied).tolist(),
    }


def main():
    random = np.random.default_rng(SEED)
    versions = {"lightgbm": lightgbm.__version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}
    print(json.dumps({"versions": versions, "seed": SEED, "boosted": boosted(random), "calibrated": calibrated(random)}))


if __name__ == "__main__":
    main()
