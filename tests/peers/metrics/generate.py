"""Writes fixtures.json beside this script: what SciPy and scikit-learn answer on small seeded inputs.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
Python's json writes doubles with 17 significant digits, so the inputs are read back bit for bit.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy import special, stats
from sklearn import isotonic, metrics

SEED = 20240521
warnings.simplefilter("ignore")


def binary_case(name, truth, score, threshold=0.5):
    decided = (score >= threshold).astype(int)
    return {
        "name": name,
        "truth": truth.tolist(),
        "score": score.tolist(),
        "threshold": threshold,
        "expected": {
            "rocAuc": metrics.roc_auc_score(truth, score),
            "averagePrecision": metrics.average_precision_score(truth, score),
            "f1": metrics.f1_score(truth, decided),
            "precision": metrics.precision_score(truth, decided),
            "recall": metrics.recall_score(truth, decided),
            "accuracy": metrics.accuracy_score(truth, decided),
            "mcc": metrics.matthews_corrcoef(truth, decided),
            "logLoss": metrics.log_loss(truth, score, labels=[0, 1]),
            "brier": metrics.brier_score_loss(truth, score),
        },
    }


def binary(rng):
    truth = (rng.random(200) < 0.2).astype(int)
    score = np.clip(0.4 * truth + rng.random(200) * 0.6, 0, 1)
    return [
        binary_case("continuous", truth, score),
        binary_case("many ties", truth, np.round(score, 1), 0.4),
        binary_case("all scores equal", truth, np.full(200, 0.3)),
        binary_case("sure and wrong", np.array([1, 0, 1, 0]), np.array([0.0, 1.0, 1.0, 0.0])),
        binary_case("perfect", truth, truth.astype(float)),
        binary_case("one positive", np.eye(1, 50, 7, dtype=int)[0], rng.random(50)),
    ]


def multiclass(rng):
    cases = []
    for name, n_classes, absent in [("three classes", 3, None), ("a class never true", 4, 3)]:
        truth = rng.integers(0, n_classes if absent is None else absent, 120)
        probability = rng.dirichlet(np.ones(n_classes), 120)
        probability[np.arange(120), truth] += 0.5
        probability /= probability.sum(axis=1, keepdims=True)
        predicted = probability.argmax(axis=1)
        precision, recall, f1, support = metrics.precision_recall_fscore_support(
            truth, predicted, labels=range(n_classes)
        )
        cases.append(
            {
                "name": name,
                "nClasses": n_classes,
                "truth": truth.tolist(),
                "probability": probability.ravel().tolist(),
                "expected": {
                    "accuracy": metrics.accuracy_score(truth, predicted),
                    "macroF1": metrics.f1_score(truth, predicted, average="macro"),
                    "logLoss": metrics.log_loss(truth, probability, labels=list(range(n_classes))),
                    "brier": metrics.brier_score_loss(truth, probability, labels=list(range(n_classes))),
                },
                "perClass": {
                    "precision": precision.tolist(),
                    "recall": recall.tolist(),
                    "f1": f1.tolist(),
                    "support": support.tolist(),
                },
            }
        )
    return cases


def regression(rng):
    truth = rng.uniform(0, 300, 150)
    prediction = truth + rng.normal(0, 20, 150)
    capped = np.minimum(truth, 125)
    d = prediction - capped
    raw = prediction - truth
    # scikit-learn has no PHM 2008 score; written out from the paper.
    score = lambda e: float(np.where(e < 0, np.exp(-e / 13) - 1, np.exp(e / 10) - 1).sum())
    return {
        "truth": capped.tolist(),
        "truthRaw": truth.tolist(),
        "prediction": prediction.tolist(),
        "expected": {
            "rmse": metrics.root_mean_squared_error(capped, prediction),
            "rmseRaw": metrics.root_mean_squared_error(truth, prediction),
            "mae": metrics.mean_absolute_error(capped, prediction),
            "r2": metrics.r2_score(capped, prediction),
            "nasaScore": score(d),
            "nasaScoreRaw": score(raw),
        },
    }


def samples(rng):
    left = rng.normal(0, 1, 80)
    right = rng.normal(0.3, 1.2, 120)
    ties = np.round(left * 2)
    x = rng.normal(size=60)
    y = np.round(x + rng.normal(size=60), 0)
    p_values = rng.random(25) ** 3
    fit = isotonic.IsotonicRegression(increasing="auto").fit(x, y).predict(x)
    return {
        "left": left.tolist(),
        "right": right.tolist(),
        "ties": ties.tolist(),
        "ks": [
            {"left": "left", "right": "right", "statistic": stats.ks_2samp(left, right).statistic},
            {"left": "ties", "right": "right", "statistic": stats.ks_2samp(ties, right).statistic},
        ],
        "kolmogorov": [[v, special.kolmogorov(v)] for v in [0.05, 0.2, 0.5, 0.9, 1.17, 1.19, 1.5, 2.5, 4.0]],
        "chiSquare": [
            [s, k, stats.chi2.sf(s, k)]
            for s, k in [(0.01, 1), (3.8, 1), (2.0, 5), (30.0, 5), (9.0, 9), (120.0, 100), (60.0, 100), (700.0, 3)]
        ],
        "quantiles": [[q, float(np.quantile(left, q))] for q in [0, 0.025, 0.1, 0.5, 0.77, 0.975, 1]],
        "variance": [float(np.var(left)), float(np.var(left, ddof=1))],
        "correlation": {
            "x": x.tolist(),
            "y": y.tolist(),
            "pearson": stats.pearsonr(x, y).statistic,
            "spearman": stats.spearmanr(x, y).statistic,
            "isotonicR2": metrics.r2_score(y, fit),
        },
        "pValues": p_values.tolist(),
        "adjusted": stats.false_discovery_control(p_values).tolist(),
    }


def main():
    rng = np.random.default_rng(SEED)
    fixtures = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__},
        "seed": SEED,
        "binary": binary(rng),
        "multiclass": multiclass(rng),
        "regression": regression(rng),
        "samples": samples(rng),
    }
    target = pathlib.Path(__file__).with_name("fixtures.json")
    target.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
