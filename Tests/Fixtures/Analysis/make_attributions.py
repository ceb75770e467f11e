#!/usr/bin/env python3
"""Attributions of a tiny Llama in double precision, by autograd and captum.

usage: make_attributions.py [FILE]      (needs torch, transformers, captum; default: attributions.json beside this script)
"""
import json, os, sys, torch
from captum.attr import IntegratedGradients
from transformers import AutoModelForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
model = AutoModelForCausalLM.from_pretrained(
    here + "/../Models/llama-grouped", dtype=torch.float64, attn_implementation="eager").eval()
embed = model.get_input_embeddings()
ids, target, against, baseline = [5, 9, 3, 14, 21, 8, 30], 17, 4, 1
x = embed(torch.tensor([ids])).detach()
b = embed(torch.tensor([[baseline] * len(ids)])).detach()


def scalar(v):
    logits = model(inputs_embeds=v, use_cache=False).logits[:, -1]
    return logits[:, target] - logits[:, against]


y = x.clone().requires_grad_()
value = scalar(y)
gradient, = torch.autograd.grad(value.sum(), y)
paths, delta = IntegratedGradients(scalar).attribute(
    x, b, n_steps=24, method="gausslegendre", return_convergence_delta=True)
occlusion = []
for position in range(len(ids)):
    z = x.clone()
    z[0, position] = b[0, position]
    occlusion.append(float(value - scalar(z)))
# Shapley values over all subsets.
from itertools import combinations
from math import factorial
n, seen = len(ids), {}
for size in range(n + 1):
    for present in combinations(range(n), size):
        z = b.clone()
        z[0, list(present)] = x[0, list(present)]
        seen[present] = float(scalar(z))
shapley = []
for i in range(n):
    total = 0.0
    for present in seen:
        if i in present: continue
        weight = factorial(len(present)) * factorial(n - len(present) - 1) / factorial(n)
        total += weight * (seen[tuple(sorted(present + (i,)))] - seen[present])
    shapley.append(total)
json.dump({
    "ids": ids, "target": target, "against": against, "baseline": baseline, "value": float(value), "baselineValue": float(scalar(b)),
    "gradient_norm": gradient[0].norm(dim=1).tolist(), "input_x_gradient": (gradient * x)[0].sum(1).tolist(),
    "integrated_gradients": paths[0].sum(1).tolist(), "steps": 24, "delta": float(delta), "occlusion": occlusion, "shapley": shapley,
}, open(sys.argv[1] if len(sys.argv) > 1 else here + "/attributions.json", "w"), indent=1)
