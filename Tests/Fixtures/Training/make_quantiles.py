#!/usr/bin/env python3
"""Writes quantiles.json: where TensorBoard draws the bands of the histograms of histograms.json.

Requirements: tensorboard. For each histogram the numbers at the shares that its distributions are drawn by, and one
more histogram with empty buckets in the middle, of which a share lies exactly at an edge.
"""
import json
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import HistogramProto
from tensorboard.plugins.distribution.compressor import NORMAL_HISTOGRAM_BPS, compress_histogram_proto

HERE = Path(__file__).resolve().parent
cases = json.loads((HERE / "histograms.json").read_text())
cases["gap"] = {"moments": [-1, 4, 8, 0, 0], "limits": [-2, 0, 1, 2, 3, 4.5], "counts": [0, 4, 0, 0, 1, 3]}
result = {}
for name, case in cases.items():
    low, high, count, total, squares = case["moments"]
    proto = HistogramProto(min=low, max=high, num=count, sum=total, sum_squares=squares,
                           bucket_limit=case["limits"], bucket=case["counts"])
    result[name] = {key: case[key] for key in ("moments", "limits", "counts")} if name == "gap" else {}
    result[name]["quantiles"] = [value for _, value in compress_histogram_proto(proto)]
assert list(NORMAL_HISTOGRAM_BPS) == [0, 668, 1587, 3085, 5000, 6915, 8413, 9332, 10000]
(HERE / "quantiles.json").write_text(json.dumps(result, indent=1) + "\n")
