#!/usr/bin/env python3
"""Writes umap.json: umap-learn's curves and fuzzy graph, and how well its maps keep neighbours.

usage: make_umap.py

Requirements: numpy, scikit-learn 1.9, umap-learn 0.5. Reads projections.json beside it.
"""
import base64
import json
import pathlib

import numpy as np
import umap
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from umap.umap_ import find_ab_params, fuzzy_simplicial_set

folder = pathlib.Path(__file__).parent
mixed = json.loads((folder / "projections.json").read_text())["mixed"]
points = np.array(mixed["points"], np.float32).reshape(mixed["shape"])


def numbers(values, digits=8):
    return [float(f"{value:.{digits}g}") for value in np.asarray(values).ravel()]


def graph(neighbors):
    # Exact neighbours, each point the first of its own, as UMAP.fit has them for fewer than 4,096 points.
    distances, indices = NearestNeighbors(n_neighbors=neighbors, algorithm="kd_tree").fit(points).kneighbors(points)
    weights = fuzzy_simplicial_set(points, neighbors, np.random.RandomState(0), "euclidean", knn_indices=indices,
                                   knn_dists=distances)[0].tocsr()
    weights.sort_indices()
    return {"neighbors": neighbors, "starts": weights.indptr.tolist(), "others": weights.indices.tolist(),
            "weights": numbers(weights.data, 6)}


def recall(before, after, count=10):
    near = [NearestNeighbors(n_neighbors=count + 1).fit(x).kneighbors(x, return_distance=False)[:, 1:]
            for x in (before, after)]
    return float(np.mean([len(set(a) & set(b)) / count for a, b in zip(*near)]))


def quality(data, dims):
    runs = []
    for seed in range(3):
        after = umap.UMAP(n_components=dims, random_state=seed, n_jobs=1).fit_transform(data)
        runs.append((float(trustworthiness(data, after)), recall(data, after)))
    return {"dims": dims, "trustworthiness": float(np.mean([run[0] for run in runs])),
            "recall": float(np.mean([run[1] for run in runs])), "each": runs}


random = np.random.default_rng(3)
turn, side = random.uniform(0, 2 * np.pi, 300), random.uniform(-1, 1, 300)
ring = np.stack([np.cos(turn) * (3 + side), np.sin(turn) * (3 + side), 2 * side], 1) @ random.normal(size=(3, 8))
ring = np.round(np.clip(ring * 8 + 128, 0, 255)).astype(np.uint8)
digits = load_digits().data[:500].astype(np.uint8)
sets = {"mixed": None, "ring": ring, "digits": digits}
result = {
    "curves": [[spread, distance, *map(float, find_ab_params(spread, distance))]
               for spread, distance in ((1, 0.1), (1, 0.5), (1, 0.001), (2, 0.1), (1, 0.99))],
    "graphs": [graph(15), graph(5)],
    "sets": {},
}
for name, data in sets.items():
    data_points = points if data is None else data.astype(np.float32)
    result["sets"][name] = {"maps": [quality(data_points, dims) for dims in (2, 3)]}
    if data is not None:
        result["sets"][name] |= {"shape": list(data.shape), "bytes": base64.b64encode(data.tobytes()).decode()}
    print(name, result["sets"][name]["maps"])
path = folder / "umap.json"
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path.stat().st_size, "bytes", result["curves"])
