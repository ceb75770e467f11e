#!/usr/bin/env python3
"""Writes arrays.json: small arrays as NumPy's own writer saves them (Base64).

usage: make_arrays.py   (needs numpy)
"""
import base64, io, json, os
import numpy as np

cases = []
for name, array in [
    ("float32 2x3", np.array([[1.5, -2, 3e-8], [4, np.inf, -0.0]], dtype="<f4")),
    ("float64 4", np.array([0.1, 1e300, -5e-324, 7], dtype="<f8")),
    ("int64 1x2x2", np.array([[[1, -2], [2**62, -(2**63)]]], dtype="<i8")),
    ("float32 scalar", np.array(2.5, dtype="<f4")),
    ("float32 0x5", np.zeros((0, 5), dtype="<f4")),
]:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0))
    cases.append(dict(name=name, file=base64.b64encode(file.getvalue()).decode()))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrays.json"), "w") as f:
    json.dump(cases, f, indent=0)
