#!/usr/bin/env python3
"""Writes steps-lora and steps-rounded: the training of steps-llama with low-rank adaptations in place of the weights, and with
maps and embeddings rounded to bfloat16 where they are computed with.

Requirements: torch, transformers, safetensors, and steps-llama. The same texts, schedule and optimiser as make_steps.py;
both in float64. steps-lora/initial.safetensors holds the weights with the adaptations' first numbers, final.safetensors the
adaptations after the last step, or the weights; steps.json the losses and norms.
"""
import json
import pathlib

import torch
from safetensors.torch import load_file, save_file
from torch.nn.utils import parametrize
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
STEPS, RATE, WARM_UP, DECAY, CLIP = 20, 5e-3, 4, 0.1, 1.0
RANK, ALPHA, MODULES = 3, 6.0, ["q_proj", "v_proj", "down_proj"]


class Adapted(torch.nn.Module):
    def __init__(self, down, up):
        super().__init__()
        self.down, self.up = torch.nn.Parameter(down), torch.nn.Parameter(up)

    def forward(self, weight):
        return weight + ALPHA / RANK * self.up @ self.down


class Rounded(torch.nn.Module):
    def forward(self, weight):
        return weight + (weight.bfloat16().to(weight.dtype) - weight).detach()


def loss_of(model, step):
    total, count = 0, 0
    for text in step:
        ids = torch.tensor([text["ids"]])
        logits = model(ids[:, :-1], use_cache=False).logits[0]
        targets = torch.where(torch.tensor(text["isTarget"][1:]), ids[0, 1:], torch.tensor(-100))
        total = total + torch.nn.functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")
        count += int((targets >= 0).sum())
    return total / count


def train(model, groups, steps):
    optimiser = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    parameters = [p for g in groups for p in g["params"]]
    records = []
    for number, step in enumerate(steps, 1):
        share = min(1, (number - WARM_UP) / (STEPS - WARM_UP))
        rate = RATE * (number / WARM_UP if number <= WARM_UP
                       else 0.1 + 0.9 * (1 + torch.cos(torch.tensor(torch.pi * share, dtype=torch.float64)).item()) / 2)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        loss = loss_of(model, step)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
        records.append({"loss": loss.item(), "norm": norm.item(), "rate": rate})
    return records


def fresh():
    config = AutoConfig.for_model(**json.loads((HERE / "steps-llama" / "config.json").read_text()))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").double()
    model.load_state_dict({k: v.double() for k, v in load_file(HERE / "steps-llama" / "initial.safetensors").items()})
    return model


def write(name, initial, final, records):
    folder = HERE / f"steps-{name}"
    folder.mkdir(exist_ok=True)
    if initial:
        save_file(initial, folder / "initial.safetensors")
    save_file({k: v.detach().float().contiguous() for k, v in final.items()}, folder / "final.safetensors")
    (folder / "steps.json").write_text(json.dumps(records, separators=(",", ":")) + "\n")
    print(name, records[0], records[-1])


steps = json.loads((HERE / "steps-llama" / "steps.json").read_text())["texts"]

torch.manual_seed(5)
model = fresh().requires_grad_(False)
initial = load_file(HERE / "steps-llama" / "initial.safetensors")
adapters = {}
for name, module in list(model.named_modules()):
    if name.rsplit(".", 1)[-1] in MODULES:
        rows, columns = module.weight.shape
        down = (torch.randn(RANK, columns) / columns**0.5).bfloat16().double()
        adapters[name] = Adapted(down, torch.zeros(rows, RANK, dtype=torch.float64))
        initial[name + ".lora_A.weight"] = down.bfloat16()
        parametrize.register_parametrization(module, "weight", adapters[name])
records = train(model, [{"params": [p for a in adapters.values() for p in a.parameters()], "weight_decay": DECAY}], steps)
final = {}
for name, adapter in adapters.items():
    final[name + ".lora_A.weight"], final[name + ".lora_B.weight"] = adapter.down, adapter.up
    final[name + ".weight"] = dict(model.named_modules())[name].weight
write("lora", initial, final, records)

model = fresh()
names = {id(p): n for n, p in model.named_parameters()}
decayed = [p for n, p in model.named_parameters() if p.dim() > 1 and "embed" not in n and "lm_head" not in n]
kept = [p for p in model.parameters() if not any(p is q for q in decayed)]
masters = {n: p for n, p in model.named_parameters()}
for module in list(model.modules()):
    weight = getattr(module, "weight", None)
    if isinstance(weight, torch.nn.Parameter) and weight.dim() > 1:
        parametrize.register_parametrization(module, "weight", Rounded())
records = train(model, [{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0.0}], steps)
write("rounded", None, masters, records)
