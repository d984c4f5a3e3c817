"""Writes fixtures.json beside this script: what SciPy answers on small seeded inputs.

Run:  python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py
Python's json writes doubles with 17 significant digits, so the inputs are read back bit for bit.
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import linalg, stats
from scipy.spatial import distance

SEED = 20261121


def wasserstein(rng):
    left, right = rng.normal(0, 1, 90), rng.normal(0.4, 1.5, 130)
    ties = np.round(left * 2)
    weights = rng.random(130)
    return [
        {"name": name, "left": a.tolist(), "right": b.tolist(), "weights": None if w is None else w.tolist(),
         "distance": float(stats.wasserstein_distance(a, b, None, w))}
        for name, a, b, w in [
            ("two samples", left, right, None),
            ("ties", ties, np.round(right), None),
            ("weights", left, right, weights),
            ("equal", left, left.copy(), None),
            ("apart", left, right + 100, None),
        ]
    ]


def jensen_shannon(rng):
    cases = [
        ("ten bins", rng.integers(1, 90, 10), rng.integers(1, 400, 10)),
        ("empty bins", np.array([5, 0, 3, 0]), np.array([0, 4, 3, 0])),
        ("nothing in common", np.array([7, 0]), np.array([0, 2])),
    ]
    return [
        {"name": name, "reference": p.tolist(), "live": q.tolist(),
         "distance": float(distance.jensenshannon(p, q, base=2))}
        for name, p, q in cases
    ]


def chi_square(rng):
    cases = [
        ("five categories", rng.integers(20, 90, 5), rng.integers(30, 200, 5)),
        ("two", np.array([900, 100]), np.array([820, 180])),
        ("equal shares", np.array([10, 20, 30]), np.array([100, 200, 300])),
        ("far apart", np.array([500, 5]), np.array([20, 480])),
    ]
    out = []
    for name, a, b in cases:
        result = stats.chi2_contingency(np.array([a, b]), correction=False)
        out.append(
            {"name": name, "before": a.tolist(), "live": b.tolist(), "statistic": float(result.statistic),
             "degrees": int(result.dof), "p": float(result.pvalue)}
        )
    return out


def psi(rng):
    # SciPy has no PSI; it is the sum of both relative entropies, which scipy.stats.entropy has.
    a, b = rng.integers(0, 90, 10), rng.integers(0, 60, 10)
    p, q = (a + 0.5) / (a.sum() + 5), (b + 0.5) / (b.sum() + 5)
    return {"reference": a.tolist(), "live": b.tolist(), "psi": float(stats.entropy(p, q) + stats.entropy(q, p))}


def reconstruction(rng):
    """As NannyML: standard scaling, components for 65 % of the variance, mean length of what is lost."""
    factors = rng.normal(size=(600, 3))
    table = factors @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(600, 8))
    live = rng.normal(size=(300, 8)) * table.std(axis=0) + table.mean(axis=0)
    z = (table - table.mean(axis=0)) / table.std(axis=0)
    values, vectors = linalg.eigh(z.T @ z / len(z))
    values, vectors = values[::-1], vectors[:, ::-1]
    k = int(np.searchsorted(np.cumsum(values) / values.sum(), 0.65) + 1)
    lost = lambda rows: np.linalg.norm(rows - rows @ vectors[:, :k] @ vectors[:, :k].T, axis=1).mean()
    return {
        "table": table.T.tolist(),
        "live": live.T.tolist(),
        "nComponents": k,
        "explained": float(values[:k].sum() / values.sum()),
        "error": float(lost((live - table.mean(axis=0)) / table.std(axis=0))),
    }


def main():
    rng = np.random.default_rng(SEED)
    fixtures = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "seed": SEED,
        "wasserstein": wasserstein(rng),
        "jensenShannon": jensen_shannon(rng),
        "chiSquare": chi_square(rng),
        "psi": psi(rng),
        "reconstruction": reconstruction(rng),
        "betaBinomial": [
            # Not `sf`, which is 1 minus a sum and has no digits left in a far tail.
            [k, n, a, b, float(stats.betabinom.pmf(np.arange(k, n + 1), n, a, b).sum())]
            for k, n, a, b in [(1, 10, 2, 99), (3, 500, 2, 499), (12, 500, 2, 4999), (40, 2000, 6, 900),
                               (700, 1000, 3, 7), (5, 5, 1, 20), (0, 50, 2, 30)]
        ],
        # One-sided Fisher, which the check of new categories is when the reference has none.
        "fisher": [
            [k, n, m, float(stats.fisher_exact([[k, n - k], [0, m]], alternative="greater").pvalue)]
            for k, n, m in [(1, 100, 300), (4, 500, 1000), (25, 600, 5000)]
        ],
        "studentTail": [
            [t, v, float(stats.t.sf(t, v))]
            for t, v in [(0.0, 9), (0.5, 9), (2.2, 9), (6.5, 9), (40.0, 9), (-1.5, 9), (3.0, 1), (2.0, 500), (12.0, 30)]
        ],
    }
    target = pathlib.Path(__file__).with_name("fixtures.json")
    target.write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
