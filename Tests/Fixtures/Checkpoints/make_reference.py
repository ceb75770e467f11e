#!/usr/bin/env python3
"""Writes reference.safetensors with the reference implementation, for comparison byte by byte.

usage: make_reference.py

Requirements: torch, safetensors.
"""
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
save_file({
    "weight": torch.tensor([[0.0, -1.5, 2.25], [3.0e38, -0.0, 1.0e-40]]),
    "half": torch.tensor([1.5, -2.0, 65504.0], dtype=torch.float16),
    "brain": torch.tensor([[1.5], [-3.0]], dtype=torch.bfloat16),
    "wide": torch.tensor([0.1], dtype=torch.float64),
    "ids": torch.tensor([[1, -2], [3, 1 << 40]]),
    "flags": torch.tensor([True, False, True]),
    "bytes": torch.tensor([0, 255, 7], dtype=torch.uint8),
    "eight": torch.tensor([1.0, -448.0], dtype=torch.float32).to(torch.float8_e4m3fn),
    "scalar": torch.tensor(4.5),
    "empty": torch.zeros(0, 3),
    "名字": torch.tensor([7.0]),
}, HERE / "reference.safetensors", metadata={"format": "pt"})
