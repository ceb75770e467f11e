#!/usr/bin/env python3
"""Writes steps-*: twenty steps of PyTorch's training of tiny models, from the same weights on the same texts.

usage: make_steps.py [NAME...]

Requirements: torch, transformers, safetensors. Beside config.json and initial.safetensors a folder holds steps.json, with
the texts of every step (several of different lengths, some tokens without a target), the losses and the norms of the
gradients in float32 and float64, and final.safetensors, the weights after the last step (`f64.` those of the
run in double precision, rounded).
"""
import json
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
STEPS, RATE, WARM_UP, DECAY, CLIP = 20, 5e-3, 4, 0.1, 1.0
COMMON = dict(vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64,
              initializer_range=0.2, rms_norm_eps=1e-6, bos_token_id=0, eos_token_id=1)
MODELS = {
    "llama": dict(model_type="llama", num_key_value_heads=2, intermediate_size=24, tie_word_embeddings=False, **COMMON),
    "qwen2": dict(model_type="qwen2", num_key_value_heads=2, intermediate_size=24, tie_word_embeddings=True, **COMMON),
    "qwen3": dict(model_type="qwen3", num_key_value_heads=4, intermediate_size=24, head_dim=6, tie_word_embeddings=True,
                  **COMMON),
    "deepseek_v3": dict(model_type="deepseek_v3", num_key_value_heads=4, intermediate_size=24, tie_word_embeddings=False,
                        first_k_dense_replace=1, moe_intermediate_size=6, n_routed_experts=8, n_shared_experts=1,
                        num_experts_per_tok=3, n_group=4, topk_group=2, norm_topk_prob=True, routed_scaling_factor=2.5,
                        scoring_func="sigmoid", topk_method="noaux_tc", kv_lora_rank=10, q_lora_rank=12,
                        qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5, rope_interleave=True, attention_bias=False,
                        **COMMON),
}
CORRECTION_RATE, BALANCE = 0.01, 0.05


def texts():
    generator = torch.Generator().manual_seed(11)
    def number(low, high):
        return int(torch.randint(low, high, (1,), generator=generator))
    steps = []
    for _ in range(STEPS):
        step = []
        for _ in range(3):
            ids = [number(0, 32) for _ in range(number(2, 14))]
            step.append({"ids": ids, "isTarget": [number(0, 4) > 0 for _ in ids[:-1]] + [True]})
        steps.append(step)
    return steps


class Routing:
    """What the routers of a model with experts did: their loads, and the balance of each text."""

    def __init__(self, model):
        self.gates = [m for m in model.modules() if type(m).__name__.endswith("TopkRouter")]
        for gate in self.gates:
            gate.register_forward_hook(self.see)
        self.clear()

    def clear(self):
        self.loads, self.balance = [0 for _ in self.gates], 0

    def see(self, gate, _, output):
        logits, _, chosen = output
        experts, picked = logits.shape[-1], chosen.shape[-1]
        load = torch.bincount(chosen.reshape(-1), minlength=experts)
        self.loads[self.gates.index(gate)] = self.loads[self.gates.index(gate)] + load
        share = logits.sigmoid() / logits.sigmoid().sum(-1, keepdim=True)
        self.balance = self.balance + (load * experts / picked / len(chosen) * share.mean(0)).sum()

    def correct(self):
        for gate, load in zip(self.gates, self.loads):
            gate.e_score_correction_bias += CORRECTION_RATE * torch.sign(load.float().mean() - load)


def loss_of(model, step, dtype):
    total, count = 0, 0
    for text in step:
        ids = torch.tensor([text["ids"]])
        logits = model(ids[:, :-1], use_cache=False).logits[0].to(dtype)
        targets = torch.where(torch.tensor(text["isTarget"][1:]), ids[0, 1:], torch.tensor(-100))
        total = total + torch.nn.functional.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")
        count += int((targets >= 0).sum())
    return total / count


def groups(model):
    decayed = [p for n, p in model.named_parameters() if p.dim() > 1 and "embed" not in n and "lm_head" not in n]
    kept = [p for n, p in model.named_parameters() if not (p.dim() > 1 and "embed" not in n and "lm_head" not in n)]
    return [{"params": decayed, "weight_decay": DECAY}, {"params": kept, "weight_decay": 0.0}]


def run(config, weights, steps, dtype):
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", **experts(config)).to(dtype)
    model.load_state_dict({name: value.to(dtype) for name, value in weights.items()})
    # Whatever the precision, positions turn by the angles of the single-precision frequencies.
    routing = Routing(model)
    optimiser = torch.optim.AdamW(groups(model), lr=RATE, betas=(0.9, 0.95), eps=1e-8)
    records = []
    for number, step in enumerate(steps, 1):
        share = min(1, (number - WARM_UP) / (STEPS - WARM_UP))
        rate = RATE * (number / WARM_UP if number <= WARM_UP
                       else 0.1 + 0.9 * (1 + torch.cos(torch.tensor(torch.pi * share, dtype=torch.float64)).item()) / 2)
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        routing.clear()
        loss = loss_of(model, step, dtype)
        (loss + BALANCE * routing.balance / len(step)).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        routing.correct()
        records.append({"loss": loss.item(), "norm": norm.item(), "rate": rate})
    return records, saved(model.float())


def experts(config):
    return {"experts_implementation": "eager"} if "moe" in " ".join(config.to_dict()) else {}


def saved(model):
    """The weights by the names of the published layout."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(pathlib.Path(folder) / "model.safetensors")


for name in sys.argv[1:] or MODELS:
    folder = HERE / f"steps-{name}"
    folder.mkdir(exist_ok=True)
    config = AutoConfig.for_model(**MODELS[name])
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", **experts(config)).float()
    with torch.no_grad():
        for parameter in model.parameters():
            # Gains and biases that aren't what every training begins with show more; bfloat16 keeps the file small.
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            parameter.copy_(parameter.bfloat16().float())
        for name_, buffer in model.named_buffers():
            if "correction" in name_:
                buffer.copy_(torch.randn_like(buffer) * 0.02)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    initial = {key: value if "correction" in key else value.bfloat16() for key, value in saved(model).items()}
    save_file(initial, folder / "initial.safetensors")
    (folder / "config.json").write_text(json.dumps({**MODELS[name]}, indent=1) + "\n")
    steps = texts()
    single, final = run(config, weights, steps, torch.float32)
    double, final64 = run(config, weights, steps, torch.float64)
    save_file({**final, **{"f64." + key: value for key, value in final64.items()}}, folder / "final.safetensors")
    (folder / "steps.json").write_text(json.dumps(
        {"texts": steps, "float32": single, "float64": double}, separators=(",", ":")) + "\n")
    worst = max(abs(a[k] / b[k] - 1) for a, b in zip(single, double) for k in ("loss", "norm"))
    print(name, single[0], single[-1], "float32 against float64:", worst)
