#!/usr/bin/env python3
"""Writes probes.json: scikit-learn's LogisticRegression on held-out folds, with two and with three classes.

Requirements: numpy, scikit-learn. Vectors are centred by the training texts' mean and scaled so that a feature's mean
variance is 1 among them. Decision values are those of the held-out texts.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
out = {}
for classes in (2, 3):
    random = np.random.default_rng(classes)
    labels = np.arange(30) % classes
    random.shuffle(labels)
    vectors = (random.normal(size=(30, 8)) + 0.9 * np.eye(8)[labels]).astype(np.float32).astype(np.float64)
    vectors[:, 5] += 4  # a mean that must not matter
    folds = np.arange(30) % 3
    entry = dict(vectors=vectors.tolist(), labels=labels.tolist(), folds=folds.tolist(), penalty=0.7, decisions=[], accuracies=[])
    for fold in range(3):
        train = folds != fold
        mean = vectors[train].mean(0)
        centred = vectors - mean
        centred *= np.sqrt(8 / (centred[train] ** 2).sum(1).mean())
        model = LogisticRegression(C=0.7, tol=1e-12, max_iter=100_000, solver="lbfgs").fit(centred[train], labels[train])
        entry["decisions"].append(model.decision_function(centred[~train]).tolist())
        entry["accuracies"].append(float((model.predict(centred[~train]) == labels[~train]).mean()))
    out[str(classes)] = entry
(HERE / "probes.json").write_text(json.dumps(out) + "\n")
