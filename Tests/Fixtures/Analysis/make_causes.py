#!/usr/bin/env python3
"""Writes causes.json: activation patching and ablation of Models/llama-grouped by hooks on transformers in float64.

Requirements: torch, transformers. Numbers are the patched run's logit difference, not shares.
"""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
model = AutoModelForCausalLM.from_pretrained(
    HERE.parent / "Models" / "llama-grouped", attn_implementation="eager", dtype=torch.float32).double()
CLEAN, CORRUPTED, RIGHT, WRONG = [5, 50, 7, 8, 41, 10, 11], [5, 50, 7, 90, 41, 10, 11], 9, 30
layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
width = getattr(model.config, "head_dim", None) or model.config.hidden_size // heads


def modules(part, layer):
    block = model.model.layers[layer]
    return {"residual": block, "attention": block.self_attn.o_proj, "feed_forward": block.mlp,
            "heads": block.self_attn.o_proj}[part]


def value(ids, part=None, layer=0, change=None):
    """the logit difference where `change` replaces the activation of a part"""
    handle = None
    if part in ("residual", "heads"):  # what goes into the module
        handle = modules(part, layer).register_forward_pre_hook(lambda m, args: (change(args[0]), *args[1:]))
    elif part:
        handle = modules(part, layer).register_forward_hook(lambda m, args, out: change(out))
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, -1]
    if handle:
        handle.remove()
    return (logits[RIGHT] - logits[WRONG]).item()


def record(ids, part, layer):
    kept = []
    value(ids, part, layer, lambda x: kept.append(x.clone()) or x)
    return kept[0]


def with_rows(source, rows, columns=slice(None)):
    def change(x):
        x = x.clone()
        x[:, rows, columns] = source[:, rows, columns]
        return x
    return change


out = dict(clean=CLEAN, corrupted=CORRUPTED, right=RIGHT, wrong=WRONG, cleanValue=value(CLEAN), corruptedValue=value(CORRUPTED))
out["patch"] = {part: [[value(CORRUPTED, part, layer, with_rows(record(CLEAN, part, layer), t)) for t in range(len(CLEAN))]
                       for layer in range(layers)] for part in ("residual", "attention", "feed_forward")}
out["patch"]["heads"] = [[value(CORRUPTED, "heads", layer, with_rows(
    record(CLEAN, "heads", layer), slice(None), slice(h * width, (h + 1) * width))) for h in range(heads)] for layer in range(layers)]
out["ablate"] = {}
for name in ("mean", "zero"):
    rows = []
    for layer in range(layers):
        def source(part):
            x = record(CLEAN, part, layer)
            return (x.mean(1, keepdim=True) if name == "mean" else torch.zeros_like(x[:, :1])).expand_as(x)
        row = [value(CLEAN, "heads", layer, with_rows(source("heads"), slice(None), slice(h * width, (h + 1) * width)))
               for h in range(heads)]
        row += [value(CLEAN, part, layer, with_rows(source(part), slice(None))) for part in ("attention", "feed_forward")]
        rows.append(row)
    out["ablate"][name] = rows
(HERE / "causes.json").write_text(json.dumps(out) + "\n")
