#!/usr/bin/env python3
"""Writes Tests/AnalysisTests/ReferenceNumbers.swift from the reference's hidden states, maps and logits.

usage: make_reference_numbers.py

Requirements: numpy, safetensors. Reads the golden files in Tests/Fixtures/Models/golden; computes in double precision.
"""
import json
import pathlib

import numpy as np
from safetensors.numpy import load_file

TESTS = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = TESTS / "Fixtures" / "Models" / "golden"


def numbers(values, digits=9):
    return "[" + ", ".join(f"{value:.{digits}g}" for value in values) + "]"


tensors = load_file(GOLDEN / "llama-deepseek-llm.safetensors")
text = next(t for t in json.load(open(GOLDEN / "llama-deepseek-llm.json"))["texts"] if t["name"] == "mixed")
logits = tensors["mixed.logits"][-1].astype(np.float64)
probabilities = np.exp(logits - logits.max())
probabilities /= probabilities.sum()
top = np.argsort(-logits, kind="stable")[:5]
entropies, distances, firsts = [], [], []
for layer in range(3):
    maps = tensors[f"mixed.attentions.{layer}"].astype(np.float64)
    places = np.arange(maps.shape[1])
    away = np.abs(places[:, None] - places[None, :])
    for head in maps:
        shares = np.where(head > 0, head, 1)
        entropies.append(-(shares * np.log2(shares)).sum(1).mean())
        distances.append((head * away).sum(1).mean())
        firsts.append(head[:, 0].mean())
mini = load_file(GOLDEN / "minilm.safetensors")
sentences = json.load(open(GOLDEN / "minilm.json"))["texts"]
vectors = [mini[f"{sentence['name']}.embedding"].astype(np.float64) for sentence in sentences]
cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for i, a in enumerate(vectors) for b in vectors[i + 1:]]

(TESTS / "AnalysisTests" / "ReferenceNumbers.swift").write_text(f"""// Written by Tests/Fixtures/Analysis/make_reference_numbers.py.
// swift-format-ignore-file

/// What the reference's tensors come to.
enum ReferenceNumbers {{
  /// Of the tiny DeepSeek-LLM model and its mixed text.
  static let ids = {text["ids"]}
  static let topIDs = {[int(i) for i in top]}
  static let topProbabilities: [Double] = {numbers(probabilities[top])}
  static let topLogits: [Double] = {numbers(logits[top])}
  /// Layer by layer, head by head.
  static let entropies: [Double] = {numbers(entropies)}
  static let distances: [Double] = {numbers(distances)}
  static let firstTokenShares: [Double] = {numbers(firsts)}
  /// Of all-MiniLM-L6-v2.
  static let sentenceIDs = {[sentence["ids"] for sentence in sentences]}
  static let embeddingStarts: [[Double]] = [{", ".join(numbers(vector[:12]) for vector in vectors)}]
  /// First and second, first and third, second and third.
  static let cosines: [Double] = {numbers(cosines)}
}}
""")
