"""Makes fixtures.json: what scikit-learn answers on small seeded tables. Run: python generate.py > fixtures.json"""

import json

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.ensemble._iforest import _average_path_length
from sklearn.linear_model import ElasticNet
from sklearn.preprocessing import StandardScaler

SEED = 20261121
EXPLAINED = 0.9
QUANTILE = 0.99
SHARED = 0.5
L1_RATIO = 0.7
ALPHA = 0.05


def monitor(table):
    z = StandardScaler().fit_transform(table)
    share = np.cumsum(PCA(svd_solver="full").fit(z).explained_variance_ratio_)
    k = int(np.searchsorted(share, EXPLAINED) + 1)
    pca = PCA(n_components=k, svd_solver="full").fit(z)
    scores = pca.transform(z)
    # Population variances: scikit-learn divides by n - 1, the monitor by n as the scaler does.
    terms = scores**2 / scores.var(axis=0)
    leading = int(np.searchsorted(share, SHARED) + 1)
    parts = [terms[:, :leading].sum(axis=1), terms[:, leading:].sum(axis=1), ((z - pca.inverse_transform(scores)) ** 2).sum(axis=1)]
    combined = sum(part / np.quantile(part, QUANTILE) for part in parts)
    return {"explainedVariance": EXPLAINED, "limitQuantile": QUANTILE, "components": k, "score": combined.tolist()}


def main():
    random = np.random.default_rng(SEED)
    causes = random.normal(size=(80, 2))
    table = causes @ random.normal(size=(2, 6)) + 0.3 * random.normal(size=(80, 6)) + np.arange(6)
    target = table @ np.array([2.0, 0.0, -1.0, 0.0, 0.5, 0.0]) + 0.2 * random.normal(size=80)
    z = StandardScaler().fit_transform(table)
    net = ElasticNet(alpha=ALPHA, l1_ratio=L1_RATIO, tol=1e-12, max_iter=1_000_000).fit(z, target)
    sizes = [1, 2, 3, 10, 256, 1000]
    print(
        json.dumps(
            {
                "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
                "seed": SEED,
                "columns": 6,
                "table": table.ravel().tolist(),
                "monitor": monitor(table),
                "elasticNet": {
                    "target": target.tolist(),
                    "lambdaL1": len(target) * ALPHA * L1_RATIO,
                    "lambdaL2": len(target) * ALPHA * (1 - L1_RATIO),
                    "coefficients": net.coef_.tolist(),
                    "intercept": float(net.intercept_),
                },
                "averagePath": {"sizes": sizes, "lengths": _average_path_length(np.array(sizes)).tolist()},
            }
        )
    )


main()
