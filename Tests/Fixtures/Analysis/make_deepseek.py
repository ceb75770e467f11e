#!/usr/bin/env python3
"""Writes deepseek.json: experts, the parts of latent attention's logits, and what an indexer misses, in numpy's float64.

Requirements: numpy, safetensors, torch (which alone reads bfloat16). The residual streams, attentions, router scores, chosen weights and selected keys are
transformers', from Models/golden (see make_decoders.py); the formulas here are those of the papers, written anew: rotary
positions as products of complex numbers, groups by sorting. Every head's softmax is compared with transformers' attention
before it is written.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch

HERE = Path(__file__).resolve().parent
MODELS = HERE.parent / "Models"


def opened(name):
    config = json.loads((MODELS / name / "config.json").read_text())
    weights = {k: v.to(torch.float64).numpy() for k, v in load_torch(MODELS / name / "model.safetensors").items()}
    golden = {k: v.astype(np.float64) for k, v in load_file(MODELS / "golden" / f"{name}.safetensors").items()}
    texts = {t["name"]: t["ids"] for t in json.loads((MODELS / "golden" / f"{name}.json").read_text())["texts"]}
    return config, weights, golden, texts


def experts(name, text):
    config, weights, golden, texts = opened(name)
    layer = config["num_hidden_layers"] - 1
    scores = golden[f"{text}.router_probabilities.{layer}"]
    used = golden[f"{text}.router_weights.{layer}"]
    bias = weights.get(f"model.layers.{layer}.mlp.gate.e_score_correction_bias")
    k, count = config["num_experts_per_tok"], scores.shape[1]
    groups, kept = config.get("n_group", 1), config.get("topk_group", 1)
    wanted = scores + (0 if bias is None else bias)
    entry = dict(ids=texts[text], layer=layer, weights=used.tolist(), counts=(used != 0).sum(0).tolist())

    def chosen(values):
        """the k best of the best groups"""
        lines = values.reshape(len(values), groups, -1)
        worth = np.sort(lines, -1)[:, :, -2:].sum(-1) if bias is not None else lines.max(-1)
        best = np.sort(np.argsort(-worth, 1, kind="stable")[:, :kept], 1)
        allowed = np.zeros_like(lines, dtype=bool)
        for token, line in enumerate(best):
            allowed[token, line] = True
        masked = np.where(allowed.reshape(values.shape), values, -np.inf)
        return worth, best, np.argsort(-masked, 1, kind="stable")[:, :k]

    worth, best, order = chosen(wanted)
    if kept >= groups:
        order = np.argsort(-wanted, 1, kind="stable")[:, :k]
    for token in range(len(used)):  # transformers chose the same
        assert set(order[token]) == set(np.flatnonzero(used[token])), (name, token)
    entry["choices"] = order.tolist()
    if kept < groups:
        entry["groups"], entry["worths"] = best.tolist(), worth.tolist()
    if bias is not None:
        plain = chosen(scores)[2]
        entry["corrected"] = [[int(e) for e in a if e not in b] for a, b in zip(order, plain)]
        entry["correction"] = bias.tolist()
    return entry


def rms(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def yarn(config):
    """inverse frequencies, and by what the scale of the attention is multiplied"""
    size, base, given = config["qk_rope_head_dim"], config["rope_theta"], config["rope_scaling"]
    inverse = base ** (-np.arange(0, size, 2) / size)
    if not given:
        return inverse, 1.0
    factor, length = given["factor"], given["original_max_position_embeddings"]
    place = lambda turns: size * math.log(length / (2 * math.pi * turns)) / (2 * math.log(base))
    low, high = max(math.floor(place(given["beta_fast"])), 0), min(math.ceil(place(given["beta_slow"])), size - 1)
    ramp = np.clip((np.arange(size // 2) - low) / ((high - low) or 0.001), 0, 1)
    assert given["mscale"] == given["mscale_all_dim"]  # so that cosines and sines stay as they are
    return inverse / factor * ramp + inverse * (1 - ramp), (0.1 * given["mscale_all_dim"] * math.log(factor) + 1) ** 2


def turned(x, inverse):
    """pairs of neighbours as complex numbers, turned by the position"""
    pairs = x.reshape(*x.shape[:-1], -1, 2)
    numbers = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * np.outer(np.arange(len(x)), inverse)).reshape(
        len(x), *([1] * (x.ndim - 2)), -1)
    return np.stack([numbers.real, numbers.imag], -1).reshape(x.shape)


def logit_parts(config, weights, stream, layer):
    """[heads, queries, keys] of content and of position"""
    name, heads = f"model.layers.{layer}.self_attn.", config["num_attention_heads"]
    content, position, value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    x = rms(stream, weights[f"model.layers.{layer}.input_layernorm.weight"], config["rms_norm_eps"])
    if config["q_lora_rank"]:
        narrow = rms(x @ weights[name + "q_a_proj.weight"].T, weights[name + "q_a_layernorm.weight"], 1e-6)
        queries = narrow @ weights[name + "q_b_proj.weight"].T
    else:
        queries = x @ weights[name + "q_proj.weight"].T
    queries = queries.reshape(len(x), heads, content + position)
    both = x @ weights[name + "kv_a_proj_with_mqa.weight"].T
    latent = rms(both[:, :config["kv_lora_rank"]], weights[name + "kv_a_layernorm.weight"], 1e-6)
    keys = (latent @ weights[name + "kv_b_proj.weight"].T).reshape(len(x), heads, content + value)[:, :, :content]
    inverse, more = yarn(config)
    scale = (content + position) ** -0.5 * more
    return (np.einsum("qhd,khd->hqk", queries[:, :, :content], keys) * scale,
            np.einsum("qhd,kd->hqk", turned(queries[:, :, content:], inverse),
                      turned(both[:, config["kv_lora_rank"]:], inverse)) * scale)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def split(name, text, heads=None):
    config, weights, golden, texts = opened(name)
    entry = dict(ids=texts[text], layers=[])
    for layer in range(config["num_hidden_layers"]):
        content, position = logit_parts(config, weights, golden[f"{text}.hidden_states.{layer}"], layer)
        visible = np.tril(np.ones(content.shape[1:], dtype=bool))
        if f"{text}.key_selection.{layer}" in golden:
            visible &= golden[f"{text}.key_selection.{layer}"] != 0
        map = softmax(np.where(visible, content + position, -np.inf))
        # bfloat16 weights are widened by both
        assert np.abs(map - golden[f"{text}.attentions.{layer}"]).max() < 1e-5, (name, layer)
        shares = []
        for c, p in zip(content, position):
            together = variance = 0.0
            for query in range(len(c)):
                a, b = c[query][visible[query]], (c + p)[query][visible[query]]
                together += ((a - a.mean()) * (b - b.mean())).sum()
                variance += ((b - b.mean()) ** 2).sum()
            shares.append(together / variance)
        line = dict(shares=shares)
        if heads:
            line |= dict(content=np.where(visible, content, 0)[:heads].tolist(),
                         position=np.where(visible, position, 0)[:heads].tolist())
        entry["layers"].append(line)
    return entry


def selection(name, text):
    config, weights, golden, texts = opened(name)
    layers = []
    for layer in range(config["num_hidden_layers"]):
        content, position = logit_parts(config, weights, golden[f"{text}.hidden_states.{layer}"], layer)
        visible = np.tril(np.ones(content.shape[1:], dtype=bool))
        chosen = golden[f"{text}.key_selection.{layer}"] != 0
        dense = softmax(np.where(visible, content + position, -np.inf))
        mean = dense.mean(0)
        least = [np.sort(mean[q, :q + 1])[:max(0, q + 1 - config["index_topk"])].sum() for q in range(len(mean))]
        layers.append(dict(keys=[np.flatnonzero(row).tolist() for row in chosen],
                           missed=np.where(chosen, 0, dense).sum(-1).tolist(), least=least))
    return dict(ids=texts[text], limit=config["index_topk"], layers=layers)


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, (list, tuple)):
        return [rounded(x) for x in value]
    if isinstance(value, dict):
        return {key: rounded(x) for key, x in value.items()}
    return float(value) if isinstance(value, np.floating) else value


out = dict(experts={name: experts(name, "longer") for name in ("deepseek-moe", "deepseek-v2", "deepseek-v3")},
           split={"deepseek-v3": split("deepseek-v3", "short", heads=2),
                  "deepseek-v2-lite": split("deepseek-v2-lite", "short", heads=1),
                  "deepseek-v32": split("deepseek-v32", "longer")},
           selection={"deepseek-v32": selection("deepseek-v32", "longer")})
(HERE / "deepseek.json").write_text(json.dumps(rounded(out)) + "\n")
