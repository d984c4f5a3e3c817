"""Detectors of scikit-learn on the rows of the detector benchmark: learnt from the healthy rows of the other folds, on
columns standardised by those rows, settings as they come but for OneClassSVM's nu (0.1, of healthy rows few are outliers).

Usage: anomaly_detectors.py COLUMNS FILE
The file holds doubles, row-major: features, 1 where unusual, fold.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

MOST_SVM_ROWS = 3000


def reconstruction(healthy, rows):
    pca = PCA(n_components=0.9, svd_solver="full").fit(healthy)
    return ((rows - pca.inverse_transform(pca.transform(rows))) ** 2).sum(axis=1)


def support_vectors(healthy, rows):
    # Its time grows with the square of the rows.
    step = max(1, len(healthy) // MOST_SVM_ROWS)
    return -OneClassSVM(nu=0.1).fit(healthy[::step]).score_samples(rows)


DETECTORS = {
    "isolationForest": lambda healthy, rows: -IsolationForest(random_state=7).fit(healthy).score_samples(rows),
    "pcaReconstruction": reconstruction,
    "mahalanobis": lambda healthy, rows: EmpiricalCovariance().fit(healthy).mahalanobis(rows),
    "localOutlierFactor": lambda healthy, rows: -LocalOutlierFactor(novelty=True).fit(healthy).score_samples(rows),
    "oneClassSvm": support_vectors,
}


def main():
    columns, path = int(sys.argv[1]), sys.argv[2]
    table = np.fromfile(path).reshape(-1, columns)
    x, unusual, fold = table[:, :-2], table[:, -2], table[:, -1]
    metrics = {}
    for name, score in DETECTORS.items():
        areas = []
        for k in np.unique(fold):
            own = fold == k
            scaler = StandardScaler().fit(x[~own & (unusual == 0)])
            healthy, rows = scaler.transform(x[~own & (unusual == 0)]), scaler.transform(x[own])
            areas.append(roc_auc_score(unusual[own], score(healthy, rows)))
        metrics[name] = float(np.mean(areas))
    print(json.dumps({"version": f"scikit-learn {sklearn.__version__}", "metrics": metrics}))


if __name__ == "__main__":
    main()
