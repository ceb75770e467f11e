#!/usr/bin/env python3
"""Writes specimens.safetensors: what transformers computes with the specimens of Kernelspec/models, loaded as they are.

Requirements: torch, transformers, safetensors. For each specimen and text the ids, and the logits of the last three
positions in float32; the texts are metadata.
"""
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "Kernelspec" / "models"
TEXTS = {"English": "The patient has hypertension and needs", "Chinese": "申请人月收入八千元，无逾期，贷款结果："}

tensors, texts = {}, {}
for name in ["specimen", "specimen-moe", "specimen-biased"]:
    tokenizer = AutoTokenizer.from_pretrained(MODELS / name)
    model = AutoModelForCausalLM.from_pretrained(MODELS / name, attn_implementation="eager", dtype=torch.float32)
    for key, text in TEXTS.items():
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0]
        tensors[f"{name}.{key}"] = logits[-3:].contiguous()
        tensors[f"{name}.{key}.ids"] = torch.tensor(ids, dtype=torch.float32)
        texts[f"{name}.{key}"] = text
    print(name, type(model).__name__)
save_file(tensors, HERE / "specimens.safetensors", metadata=texts)
