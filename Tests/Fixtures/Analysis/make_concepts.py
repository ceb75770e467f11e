#!/usr/bin/env python3
"""Writes concepts.json: linear classifiers by scikit-learn and SciPy, and Welch's t-test by SciPy.

Requirements: numpy, scipy, scikit-learn. The squared hinge loss with an unpenalised bias, which scikit-learn has not, is
minimised by SciPy in double precision.
"""
import json
from pathlib import Path

import numpy as np
from scipy import optimize, stats
from sklearn.linear_model import LogisticRegression

random = np.random.default_rng(4)
cases = []
for examples, width, penalty, apart in [(12, 5, 1.0, 1.0), (9, 20, 0.3, 0.5), (30, 4, 10.0, 0.2), (8, 3, 1.0, 6.0)]:
    labels = np.arange(examples) % 3 != 0
    vectors = np.round(random.normal(size=(examples, width)) + apart * labels[:, None], 3)
    logistic = LogisticRegression(C=penalty, tol=1e-14, max_iter=100000, solver="newton-cholesky").fit(vectors, labels)
    signs = np.where(labels, 1.0, -1.0)

    def objective(parameters):
        w, b = parameters[:-1], parameters[-1]
        gap = np.maximum(0, 1 - signs * (vectors @ w + b))
        slope = -2 * penalty * gap * signs
        return 0.5 * w @ w + penalty * (gap**2).sum(), np.append(w + vectors.T @ slope, slope.sum())

    hinge = optimize.minimize(objective, np.zeros(width + 1), jac=True, method="BFGS", options=dict(gtol=1e-12, maxiter=10000)).x
    cases.append(dict(
        vectors=vectors.tolist(), labels=labels.tolist(), penalty=penalty,
        logistic=[*logistic.coef_[0], logistic.intercept_[0]], svm=hinge.tolist()))
welch = []
for left, right in [([1, 2, 3, 4.5], [2, 2.5, 7]), ([0.1, 0.2, 0.15, 0.12, 0.3], [0.4, 0.5, 0.45]), ([1, 1.01], [5, 9, 2, 4, 4])]:
    welch.append(dict(left=left, right=right, p=stats.ttest_ind(left, right, equal_var=False).pvalue))
Path(__file__).with_name("concepts.json").write_text(json.dumps(dict(classifiers=cases, welch=welch)) + "\n")
