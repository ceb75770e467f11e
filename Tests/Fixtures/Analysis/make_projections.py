#!/usr/bin/env python3
"""Writes projections.json: small point sets with scikit-learn's projections and their measures.

usage: make_projections.py

Requirements: numpy, scikit-learn 1.9. The points are rounded to single precision, so that both sides read the same numbers.
"""
import json
import pathlib

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities, _kl_divergence
from sklearn.metrics import pairwise_distances


def clusters(seed, count, width, groups, apart=3.0):
    random = np.random.default_rng(seed)
    centers = random.normal(0, apart, (groups, width))
    spread = np.exp(random.normal(0, 0.5, width))
    members = np.arange(count) % groups
    points = centers[members] + random.normal(0, 1, (count, width)) * spread
    return points.astype(np.float32).round(4).astype(np.float32)


def numbers(values, digits=10):
    return [float(f"{value:.{digits}g}") for value in np.asarray(values).ravel()]


def pca(points, count):
    model = PCA(n_components=count, svd_solver="full")
    coordinates = model.fit_transform(points.astype(np.float64))
    return {
        "points": numbers(points), "shape": list(points.shape), "components": count,
        "coordinates": numbers(coordinates), "directions": numbers(model.components_),
        "variance": numbers(model.explained_variance_), "ratio": numbers(model.explained_variance_ratio_),
    }


def tsne(points, dims, perplexity):
    runs = []
    for seed in range(5):
        model = TSNE(n_components=dims, perplexity=perplexity, method="exact", random_state=seed,
                     init="pca" if seed == 0 else "random")
        embedded = model.fit_transform(points.astype(np.float64))
        runs.append((float(model.kl_divergence_), float(trustworthiness(points, embedded)), embedded))
    # What TSNE reports is of the places before its last step; this is of the map itself.
    first = np.array(numbers(runs[0][2], 7)).reshape(runs[0][2].shape)
    joint = _joint_probabilities(pairwise_distances(points.astype(np.float64), squared=True), perplexity, 0)
    divergence, _ = _kl_divergence(first, joint, max(dims - 1, 1), len(points), dims)
    return {
        "dims": dims, "perplexity": perplexity, "kl": min(run[0] for run in runs),
        "trustworthiness": max(run[1] for run in runs), "first_kl": float(divergence),
        "first": numbers(runs[0][2], 7), "first_trustworthiness": runs[0][1],
        "trustworthiness_of_first": [
            [k, float(trustworthiness(points.astype(np.float64), runs[0][2].astype(np.float64), n_neighbors=k))]
            for k in (1, 5, 12, 40)
        ],
    }


points = clusters(7, 150, 16, 5)
mixed = clusters(9, 150, 16, 4, apart=1.0)
wide = clusters(8, 12, 40, 3)
result = {
    "tall": pca(points, 4),
    "wide": pca(wide, 3),
    "mixed": {"points": numbers(mixed), "shape": list(mixed.shape)},
    "tsne": [tsne(mixed, 2, 30.0), tsne(mixed, 2, 10.0), tsne(mixed, 3, 30.0)],
}
path = pathlib.Path(__file__).with_name("projections.json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
for run in result["tsne"]:
    print({name: run[name] for name in ("dims", "perplexity", "kl", "first_kl", "trustworthiness", "first_trustworthiness")})
print(path.stat().st_size, "bytes")
