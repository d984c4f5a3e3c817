"""Writes fixtures.json beside this script: trees of LightGBM and scikit-learn with what they predict, what LightGBM
learns from tables that leave it no choice, and tails of SciPy's normal distribution.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
"""

import json
import pathlib

import lightgbm
import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

SEED = 20261122
TRAINED = 600
SHOWN = 40
QUIET = {"seed": SEED, "num_threads": 1, "deterministic": True, "force_col_wise": True, "verbose": -1}


def empty():
    return {name: [] for name in ["feature", "threshold", "missingLeft", "left", "right", "value", "count", "leftCodes"]}


def add(lists, feature, threshold, missing_left, value, count, codes=None):
    at = len(lists["feature"])
    for name, entry in zip(lists, [feature, threshold, missing_left, -1, -1, value, count, codes]):
        lists[name].append(entry)
    return at


def lightgbm_tree(info):
    """Nodes in the order of numerics/decision-tree.ts: parents before their children."""
    lists = empty()

    def walk(node):
        if "leaf_value" in node:
            return add(lists, -1, 0, 0, [node["leaf_value"]], node.get("leaf_count", TRAINED))
        is_category = node["decision_type"] == "=="
        codes = [int(code) for code in node["threshold"].split("||")] if is_category else None
        # A column that had nothing missing in training takes a missing value for 0.
        if node["missing_type"] == "None" and not is_category:
            missing_left = int(0 <= node["threshold"])
        else:
            missing_left = int(node["default_left"])
        at = add(lists, node["split_feature"], 0 if is_category else node["threshold"], missing_left, [0], node["internal_count"], codes)
        lists["left"][at] = walk(node["left_child"])
        lists["right"][at] = walk(node["right_child"])
        return at

    walk(info["tree_structure"])
    return lists


def sklearn_tree(tree):
    lists = empty()

    def walk(node):
        if tree.children_left[node] < 0:
            return add(lists, -1, 0, 0, tree.value[node][0].tolist(), int(tree.n_node_samples[node]))
        zeros = [0] * tree.value.shape[2]
        at = add(lists, int(tree.feature[node]), float(tree.threshold[node]), 0, zeros, int(tree.n_node_samples[node]))
        lists["left"][at] = walk(tree.children_left[node])
        lists["right"][at] = walk(tree.children_right[node])
        return at

    walk(0)
    return lists


def listed(rows):
    return [None if np.isnan(value) else float(value) for value in rows.ravel()]


def table_of(random):
    """Four numbers with gaps and a category of eight codes."""
    table = random.normal(size=(TRAINED, 5))
    table[random.random(table.shape) < 0.1] = np.nan
    table[:, 4] = random.integers(0, 8, TRAINED)
    return table


def boosted(name, objective, table, target, **more):
    data = lightgbm.Dataset(table, target, categorical_feature=[4])
    settings = {"objective": objective, "num_leaves": 10, "learning_rate": 0.2, "min_data_in_leaf": 10, **QUIET, **more}
    model = lightgbm.train(settings, data, num_boost_round=6)
    rows = table[:SHOWN]
    return {
        "name": name,
        "postTransform": {"binary": "sigmoid", "multiclass": "softmax"}.get(objective, "identity"),
        "nOutputs": model.num_model_per_iteration(),
        "scale": 1,
        "columns": table.shape[1],
        "rows": listed(rows),
        "trees": [lightgbm_tree(info) for info in model.dump_model()["tree_info"]],
        "predicted": model.predict(rows).ravel().tolist(),
        "contributions": model.predict(rows, pred_contrib=True).ravel().tolist(),
    }


def forest(name, model, table, target, predict):
    # Its trees read their rows in float32: rows that float32 holds exactly are the same to both.
    rounded = np.nan_to_num(table).astype(np.float32).astype(np.float64)
    model.fit(rounded, target)
    rows = rounded[:SHOWN]
    return {
        "name": name,
        "postTransform": "identity",
        "nOutputs": model.estimators_[0].tree_.value.shape[2],
        "scale": 1 / len(model.estimators_),
        "columns": table.shape[1],
        "rows": listed(rows),
        "trees": [sklearn_tree(one.tree_) for one in model.estimators_],
        "predicted": predict(model)(rows).ravel().tolist(),
    }


def ensembles(random):
    table = table_of(random)
    filled = np.nan_to_num(table)
    drive = filled[:, 0] + filled[:, 1] * filled[:, 2] + (table[:, 4] % 3) + 0.3 * random.normal(size=TRAINED)
    category = np.digitize(drive, np.quantile(drive, [0.4, 0.8]))
    return [
        boosted("LightGBM, a number", "regression", table, drive),
        boosted("LightGBM, two classes", "binary", table, (drive > 1).astype(int)),
        boosted("LightGBM, three classes", "multiclass", table, category, num_class=3),
        forest(
            "RandomForestClassifier",
            RandomForestClassifier(8, min_samples_leaf=5, max_depth=5, random_state=SEED),
            table, category, lambda model: model.predict_proba,
        ),
        forest(
            "ExtraTreesRegressor",
            ExtraTreesRegressor(8, min_samples_leaf=5, max_depth=5, random_state=SEED),
            table, drive, lambda model: model.predict,
        ),
    ]


def learnt(random):
    """Whole numbers with fewer values than bins, so that every value has its own bin; no sampling."""
    table = random.integers(0, 60, (TRAINED, 4)).astype(float)
    number = 3 * np.sin(table[:, 0] / 9) + table[:, 1] * table[:, 2] / 600 + random.normal(size=TRAINED) * 0.5
    cases = []
    for name, task, objective, target, more in [
        ("a number", "regression", "regression", number, {}),
        ("a number, with penalties", "regression", "regression", number, {"lambda_l1": 2, "lambda_l2": 3, "min_gain_to_split": 0.5}),
        # LightGBM guesses the rows of a leaf from its hessian sum where that varies: only the sum itself is a limit here.
        ("two classes", "binary", "binary", (number > 2).astype(float), {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 5}),
    ]:
        settings = {
            "objective": objective, "num_leaves": 8, "learning_rate": 0.1, "min_data_in_leaf": 20, "max_bin": 255,
            "min_data_in_bin": 1, "enable_bundle": False, **QUIET, **more,
        }
        model = lightgbm.train(settings, lightgbm.Dataset(table, target), num_boost_round=15)
        cases.append({
            "name": name,
            "task": task,
            "objective": objective,
            "settings": more,
            "target": target.tolist(),
            "predicted": model.predict(table).tolist(),
        })
    return {"columns": table.shape[1], "table": table.ravel().tolist(), "cases": cases}


def normal():
    return [[float(z), float(stats.norm.cdf(z)), float(stats.norm.logsf(z))] for z in np.linspace(-9, 9, 73)]


def main():
    random = np.random.default_rng(SEED)
    fixtures = {
        "versions": {
            "lightgbm": lightgbm.__version__, "numpy": np.__version__,
            "scikit-learn": sklearn.__version__, "scipy": scipy.__version__,
        },
        "seed": SEED,
        "ensembles": ensembles(random),
        "learnt": learnt(random),
        "normal": normal(),
    }
    target = pathlib.Path(__file__).with_name("fixtures.json")
    target.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
