"""Writes fixtures.json beside this script: what LightGBM learns from categories, the coefficients of scikit-learn's
logistic regression, its trees without sampling and how well its forests do, and its partial dependence and permutation
importance.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
"""

import json
import pathlib

import lightgbm
import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

SEED = 20261123
QUIET = {"seed": SEED, "num_threads": 1, "deterministic": True, "force_col_wise": True, "verbose": -1}
FOREST_SEEDS = 5
DEALS = 30


def listed(table):
    return np.asarray(table, dtype=float).ravel().tolist()


def categories(random):
    """Machines of 24 types and three plants, whose codes say nothing by their order, and a whole number."""
    rows = 1500
    table = np.column_stack([random.integers(0, 24, rows), random.integers(0, 3, rows), random.integers(0, 40, rows)]).astype(float)
    effect = 3 * random.normal(size=24)
    number = np.round(effect[table[:, 0].astype(int)] + 2 * (table[:, 1] == 1) + np.sin(table[:, 2] / 6) + 0.5 * random.normal(size=rows), 3)
    # No L2 of their own for groups of codes: LightGBM shrinks the leaves by it too, ours only the search.
    free = {"cat_smooth": 10, "cat_l2": 0, "min_data_per_group": 60, "max_cat_threshold": 32}
    cases = []
    for name, task, target, more in [
        ("groups of codes and one code against the rest", "regression", number, free),
        ("strong smoothing, few codes a side", "regression", number, {**free, "cat_smooth": 40, "max_cat_threshold": 5}),
        ("small groups, lambda_l2", "regression", number, {**free, "min_data_per_group": 20, "lambda_l2": 4}),
        ("the search penalised, one leaf value at a time", "regression", number, {**free, "cat_l2": 30}),
        ("leaves larger than groups", "regression", number, {**free, "min_data_per_group": 100, "min_data_in_leaf": 170, "max_cat_threshold": 3}),
        # LightGBM guesses rows from hessian sums where these vary: no limit may count rows.
        ("two classes", "binary", (number > 1).astype(float), {**free, "cat_smooth": 1, "min_data_per_group": 1, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 5}),
    ]:
        settings = {
            "objective": task, "num_leaves": 8, "learning_rate": 0.1, "min_data_in_leaf": 20, "max_bin": 255, "min_data_in_bin": 1,
            "max_cat_to_onehot": 4, "enable_bundle": False, **QUIET, **more,
        }
        model = lightgbm.train(settings, lightgbm.Dataset(table, target, categorical_feature=[0, 1]), num_boost_round=15)
        # The first tree alone: its splits do not depend on leaf values.
        splits = []

        def walk(node):
            if "leaf_value" in node:
                splits.append([-1, node["leaf_count"]])
                return
            splits.append([node["split_feature"], node["internal_count"]])
            walk(node["left_child"])
            walk(node["right_child"])

        walk(model.dump_model()["tree_info"][0]["tree_structure"])
        cases.append({
            "name": name, "task": task, "settings": more, "target": listed(target),
            "predicted": model.predict(table[:300]).tolist(), "firstTree": splits,
        })
    return {"columns": 3, "table": listed(table), "cases": cases}


def logistic(random):
    table = random.normal(size=(200, 5)) * np.array([1, 10, 0.1, 3, 1]) + np.array([0, 50, 0, -4, 1])
    z = StandardScaler().fit_transform(table)
    drive = z @ np.array([1.5, -1, 0.5, 0, 0]) + random.logistic(size=200)
    cases = []
    for name, target, strength in [
        ("two classes", (drive > 0.3).astype(int), 1.0),
        ("two classes, strong penalty", (drive > 0.3).astype(int), 40.0),
        ("three classes", np.digitize(drive, [-0.7, 0.9]), 2.0),
    ]:
        model = LogisticRegression(C=1 / strength, tol=1e-12, max_iter=100_000, solver="lbfgs").fit(z, target)
        # Newton's steps where they exist: L-BFGS stops there at 1e-9 of a coefficient at best.
        newton = LogisticRegression(C=1 / strength, tol=1e-12, max_iter=1000, solver="newton-cg").fit(z, target)
        assert np.abs(model.coef_ - newton.coef_).max() < 1e-6
        cases.append({
            "name": name, "target": listed(target), "lambdaL2": strength,
            "coefficients": listed(newton.coef_), "intercepts": listed(newton.intercept_ - newton.intercept_.mean() * (len(newton.intercept_) > 1)),
        })
    return {"columns": 5, "table": listed(table), "cases": cases}


def tree_lists(model):
    """Preorder: column, rows, value; column -1 marks a leaf."""
    tree = model.tree_
    nodes = []

    def walk(node):
        leaf = tree.children_left[node] < 0
        # The order of the rows, and with it the last bits of a sum, is that of the columns tried.
        value = np.round(tree.value[node][0], 9).tolist() if leaf else []
        nodes.append([-1 if leaf else int(tree.feature[node]), int(tree.n_node_samples[node]), value])
        if not leaf:
            walk(tree.children_left[node])
            walk(tree.children_right[node])

    walk(0)
    return nodes


def single_trees(random):
    """Trees that no order of the columns changes."""
    rows = 500
    table = random.integers(0, 8, (rows, 5)).astype(float)
    number = np.round(2 * np.sin(table[:, 0]) + table[:, 1] * table[:, 2] / 8 + 0.7 * random.normal(size=rows), 6)
    cases = []
    # Counts of classes are whole numbers: in small nodes two columns gain the same.
    for name, task, make, least, target in [
        ("a number", "regression", DecisionTreeRegressor, 12, number),
        ("two classes", "binary", DecisionTreeClassifier, 25, (number > 1).astype(int)),
        ("three classes", "multiclass", DecisionTreeClassifier, 20, np.digitize(number, np.quantile(number, [0.4, 0.8]))),
    ]:
        grown = [make(max_depth=5, min_samples_leaf=least, random_state=seed).fit(table, target) for seed in range(8)]
        lists = [tree_lists(one) for one in grown]
        assert all(one == lists[0] for one in lists), name
        cases.append({"name": name, "task": task, "minSamplesLeaf": least, "target": listed(target), "nodes": lists[0]})
    return {"columns": 5, "table": listed(table), "cases": cases}


def forests(random):
    """How well forests do on rows that they have not seen, over seeds."""
    rows, trained = 1200, 600
    table = np.round(random.normal(size=(rows, 6)), 3)
    drive = 2 * table[:, 0] + table[:, 1] ** 2 + table[:, 2] * table[:, 3]
    number = np.round(drive + 0.5 * random.normal(size=rows), 3)
    binary = (drive + random.normal(size=rows) > 1.5).astype(int)
    cases = []
    for name, task, splitter, make in [
        ("random forest, a number", "regression", "best", RandomForestRegressor),
        ("random forest, two classes", "binary", "best", RandomForestClassifier),
        ("extra trees, a number", "regression", "random", ExtraTreesRegressor),
        ("extra trees, two classes", "binary", "random", ExtraTreesClassifier),
    ]:
        target = number if task == "regression" else binary
        # A third of six columns, or the square root of them rounded down: two either way.
        scores = []
        for seed in range(FOREST_SEEDS):
            model = make(60, max_features=2, random_state=seed, n_jobs=1).fit(table[:trained], target[:trained])
            if task == "regression":
                scores.append(float(np.sqrt(np.mean((model.predict(table[trained:]) - number[trained:]) ** 2))))
            else:
                scores.append(float(roc_auc_score(binary[trained:], model.predict_proba(table[trained:])[:, 1])))
        cases.append({"name": name, "task": task, "splitter": splitter, "target": listed(target), "scores": scores})
    return {"columns": 6, "trained": trained, "trees": 60, "table": listed(table), "cases": cases}


def flat_tree(tree):
    names = ["feature", "threshold", "left", "right", "value", "count"]
    lists = {name: [] for name in names}

    def walk(node):
        at = len(lists["feature"])
        leaf = tree.children_left[node] < 0
        entry = [-1 if leaf else int(tree.feature[node]), 0 if leaf else float(tree.threshold[node]), -1, -1,
                 float(tree.value[node][0][0]) if leaf else 0, int(tree.n_node_samples[node])]
        for name, one in zip(names, entry):
            lists[name].append(one)
        if not leaf:
            lists["left"][at] = walk(tree.children_left[node])
            lists["right"][at] = walk(tree.children_right[node])
        return at

    walk(0)
    return lists


def inspection(random):
    """A small forest, so that both sides ask the same model."""
    rows = 250
    table = np.round(random.normal(size=(rows, 4)), 2).astype(np.float32).astype(float)
    table[:, 1] = random.integers(0, 7, rows)
    target = 3 * table[:, 0] + np.abs(table[:, 1] - 3) + 0.3 * random.normal(size=rows)
    model = ExtraTreesRegressor(10, min_samples_leaf=5, random_state=SEED).fit(table, target)
    dependence = []
    for column in range(4):
        found = np.sort(table[:, column])
        values = np.unique(found)
        if len(values) > 12:
            # Evenly spread order statistics, rounded half up, as ours takes them.
            values = np.unique(found[[int(np.floor(k * (rows - 1) / 11 + 0.5)) for k in range(12)]])
        bunch = partial_dependence(model, table, [column], method="brute", custom_values={column: values})
        dependence.append({"values": listed(bunch["grid_values"][0]), "answers": listed(bunch["average"][0])})
    permuted = permutation_importance(
        model, table, target, scoring="neg_root_mean_squared_error", n_repeats=DEALS, random_state=SEED, n_jobs=1
    )
    return {
        "columns": 4, "table": listed(table), "target": listed(target), "deals": DEALS,
        "trees": [flat_tree(one.tree_) for one in model.estimators_],
        "dependence": dependence,
        "rises": permuted.importances_mean.tolist(), "deviations": permuted.importances_std.tolist(),
    }


def main():
    random = np.random.default_rng(SEED)
    fixtures = {
        "versions": {"lightgbm": lightgbm.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "seed": SEED,
        "categories": categories(random),
        "logistic": logistic(random),
        "singleTrees": single_trees(random),
        "forests": forests(random),
        "inspection": inspection(random),
    }
    target = pathlib.Path(__file__).with_name("fixtures.json")
    target.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
