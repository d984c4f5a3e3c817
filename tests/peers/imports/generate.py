"""Makes classifiers.json and detectors.json: small ONNX files as converters write them by default, with what their libraries answer.

Run: python generate.py
"""

import base64
import json
import warnings
from pathlib import Path

import lightgbm
import numpy as np
import onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType as SkFloat
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 20261121
FOLDER = Path(__file__).parent
ROWS = 12


def packed(model, rows, answers, **more):
    # Converters draw a name, and write operator sets in the order of a Python set.
    model.graph.name = "graph"
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return {
        "onnx": base64.b64encode(model.SerializeToString()).decode(),
        "rows": np.asarray(rows, dtype=np.float64).tolist(),
        "answers": np.round(np.asarray(answers, dtype=np.float64), 9).tolist(),
        **more,
    }


def classifier(model, table, classes, convert=None):
    model.fit(table, classes)
    onnx = convert(model) if convert else to_onnx(model, table[:1])
    labels = [str(label) for label in model.classes_.tolist()]
    return packed(onnx, table[:ROWS], model.predict_proba(table[:ROWS]), labels=labels)


def detector(model, table):
    model.fit(table)
    # scikit-learn's detectors score usual rows higher.
    onnx = to_onnx(model, table[:1], target_opset={"": 17, "ai.onnx.ml": 3})
    return packed(onnx, table[:ROWS], model.decision_function(table[:ROWS]).reshape(-1, 1), labels=[])


def boosted(model):
    return onnxmltools.convert_lightgbm(model, initial_types=[("X", FloatTensorType([None, 3]))], target_opset=15)


def main():
    random = np.random.default_rng(SEED)
    table = random.normal(size=(90, 3)).astype(np.float32)
    score = table @ np.array([1.0, 2.0, -1.0])
    fails = np.where(score > 0, "fail", "ok")
    steps = np.digitize(score, [-1, 1])
    names = np.array(["mid", "top", "low"])[steps]
    trees = {"n_estimators": 3, "max_depth": 2, "random_state": SEED}
    write("classifiers.json", {
        "logistic, texts": classifier(LogisticRegression(), table, fails),
        "logistic, three texts": classifier(LogisticRegression(), table, names),
        "forest, three texts": classifier(RandomForestClassifier(**trees), table, names),
        "forest, texts": classifier(RandomForestClassifier(**trees), table, fails),
        "scaled boosting, numbers": classifier(
            make_pipeline(StandardScaler(), GradientBoostingClassifier(**trees)), table, (score > 0).astype(int)
        ),
        "perceptron, three texts": classifier(
            MLPClassifier((4,), max_iter=20, random_state=SEED), table, names
        ),
        "forest, minus and plus one": classifier(RandomForestClassifier(**trees), table, np.sign(score).astype(int)),
        # As of a data frame: an input for each column, here not in their order.
        "forest of columns, texts": classifier(
            make_pipeline(StandardScaler(), RandomForestClassifier(**trees)), table, fails,
            lambda model: to_onnx(model, initial_types=[(c, SkFloat([None, 1])) for c in ("b", "c", "a")]),
        ),
        "LightGBM, texts": classifier(
            lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1), table, fails, boosted
        ),
        "LightGBM, three numbers": classifier(
            lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, verbose=-1), table, steps * 10, boosted
        ),
    })


    write("detectors.json", {
        "isolation forest": detector(IsolationForest(n_estimators=3, max_samples=8, random_state=SEED), table),
    })


def write(name, fixtures):
    lines = [f"{json.dumps(key)}: {json.dumps(fixture)}" for key, fixture in fixtures.items()]
    (FOLDER / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
