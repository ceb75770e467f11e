#!/usr/bin/env python3
"""Writes heads.txt beside this script: rollout, flow, head scores, value-weighted attention and the logit lens.

usage: make_head_reference.py

Requirements: numpy, networkx, safetensors. Starts from what transformers computed (the golden files in
Tests/Fixtures/Models/golden: attention maps and hidden states in float32) and from the weights, and computes
everything else in double precision. One line for each array: `name: number number …`, row by row.
"""
import json
import pathlib

import networkx
import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "Models"
lines = []


def put(name, values):
    lines.append(name + ": " + " ".join(f"{value:.9g}" for value in np.asarray(values, np.float64).ravel()))


def weights(name):
    found = {}
    for file in sorted((MODELS / name).glob("*.safetensors")):
        found.update(load_file(file))
    return {key: value.astype(np.float64) for key, value in found.items()}


def rms(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def layer_norm(x, weight, bias, epsilon):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight + bias


def gelu(x):
    from math import erf, sqrt
    return x * 0.5 * (1 + np.vectorize(erf)(x / sqrt(2)))


def score(map_, pattern):
    """Mean over the queries that have a key of the pattern (-1: none), and TransformerLens' share."""
    able = pattern.any(1)
    mean = (map_ * pattern).sum(1)[able].mean() if able.any() else -1
    return [mean, (map_ * pattern).sum() / map_.sum()]


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


for name, text in [("llama-deepseek-llm", "mixed"), ("llama-grouped", "english"), ("bert-masked", "longer")]:
    golden, w = load_file(MODELS / "golden" / f"{name}.safetensors"), weights(name)
    config = json.load(open(MODELS / name / "config.json"))
    ids = next(t for t in json.load(open(MODELS / "golden" / f"{name}.json"))["texts"] if t["name"] == text)["ids"]
    heads, layers, width = (config[k] for k in ("num_attention_heads", "num_hidden_layers", "hidden_size"))
    key_heads = config.get("num_key_value_heads", heads)
    dimension = config.get("head_dim", width // heads)
    count, causal = len(ids), name != "bert-masked"
    maps = np.stack([golden[f"{text}.attentions.{l}"] for l in range(layers)]).astype(np.float64)
    hidden = [golden[f"{text}.hidden_states.{l}"].astype(np.float64) for l in range(layers + 1)]
    put(f"{name}.ids", ids)

    # Rollout and flow.
    mixed = 0.5 * maps.mean(1) + 0.5 * np.eye(count)
    rolled = np.eye(count)
    for l in range(layers):
        rolled = mixed[l] @ rolled
        put(f"{name}.rollout.{l}", rolled)
    graph = networkx.DiGraph()
    for l in range(layers):
        for i in range(count):
            for j in range(count):
                if mixed[l, i, j] > 0:
                    graph.add_edge((l + 1, i), (l, j), capacity=float(mixed[l, i, j]))
    for position in (count - 1, count // 2):
        put(f"{name}.flow.{position}",
            [networkx.maximum_flow_value(graph, (layers, position), (0, j)) if (0, j) in graph else 0
             for j in range(count)])

    # Scores: TransformerLens' patterns.
    same = np.tril(np.array(ids)[:, None] == np.array(ids)[None, :], -1).astype(np.float64)
    induction = np.zeros_like(same)
    induction[:, 1:] = same[:, :-1]
    induction = np.tril(induction)
    for l in range(layers):
        for h in range(heads):
            a = maps[l, h]
            p = np.where(a > 0, a, 1)
            entropy = -(p * np.log(p)).sum(1)
            visible = np.arange(1, count + 1) if causal else np.full(count, count)
            normal = (entropy[visible > 1] / np.log(visible[visible > 1])).mean()
            put(f"{name}.scores.{l}.{h}",
                [normal, *score(a, np.eye(count, k=-1)), *score(a, same), *score(a, induction)])

    # Value-weighted attention.
    for l in range(layers):
        if causal:
            p = f"model.layers.{l}."
            x = rms(hidden[l], w[p + "input_layernorm.weight"], config["rms_norm_eps"])
            values = x @ w[p + "self_attn.v_proj.weight"].T + w.get(p + "self_attn.v_proj.bias", 0)
            out = w[p + "self_attn.o_proj.weight"]
        else:
            p = f"bert.encoder.layer.{l}.attention."
            values = hidden[l] @ w[p + "self.value.weight"].T + w[p + "self.value.bias"]
            out = w[p + "output.dense.weight"]
        lengths = np.zeros((heads, count))
        for h in range(heads):
            shared = h // (heads // key_heads)
            written = values[:, shared * dimension:(shared + 1) * dimension] @ out[:, h * dimension:(h + 1) * dimension].T
            lengths[h] = np.linalg.norm(written, axis=1)
        put(f"{name}.value-lengths.{l}", lengths)
        if l == 1:
            put(f"{name}.value-weighted.1.2", maps[1, 2] * lengths[2])

    # Logit lens.
    final = log_softmax(golden[f"{text}.logits"].astype(np.float64))
    for l in range(layers + 1):
        if l == layers:
            logits = golden[f"{text}.logits"].astype(np.float64)
        elif causal:
            head = w.get("lm_head.weight", w["model.embed_tokens.weight"])
            logits = rms(hidden[l], w["model.norm.weight"], config["rms_norm_eps"]) @ head.T
        else:
            c = "cls.predictions.transform."
            norm = {k.rsplit(".", 1)[1]: v for k, v in w.items() if k.startswith(c + "LayerNorm.")}
            x = gelu(hidden[l] @ w[c + "dense.weight"].T + w[c + "dense.bias"])
            x = layer_norm(x, norm.get("weight", norm.get("gamma")), norm.get("bias", norm.get("beta")),
                           config["layer_norm_eps"])
            bias = w.get("cls.predictions.bias", w.get("cls.predictions.decoder.bias"))
            logits = x @ w["bert.embeddings.word_embeddings.weight"].T + bias
        said = log_softmax(logits)
        put(f"{name}.lens-top.{l}", said.argmax(1))
        put(f"{name}.lens-probability.{l}", np.exp(said.max(1)))
        put(f"{name}.lens-divergence.{l}", (np.exp(final) * (final - said)).sum(1))

(HERE / "heads.txt").write_text("\n".join(lines) + "\n")
