#!/usr/bin/env python3
"""Writes parts.json: what heads, feed-forward parts and neurons of tiny models do, by hooks on transformers.

Requirements: torch, transformers. Weights are widened to float64. Direct logit attribution: every head's own vector is
built, normed with the weight and the divisor of the whole stream, and multiplied with the head's rows. Neurons: what goes
into a down projection, and that projection's columns through the final norm's weight and the head. Experts: V3's router is
asked what the tokens chose.
"""
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

HERE = Path(__file__).resolve().parent
IDS = [7, 50, 3, 3, 21, 41, 10, 11]
RIGHT, WRONG = 9, 30
out = dict(ids=IDS, right=RIGHT, wrong=WRONG, models={})
torch.set_grad_enabled(False)


def load(name):
    return AutoModelForCausalLM.from_pretrained(
        HERE.parent / "Models" / name, attn_implementation="eager", experts_implementation="eager",
        dtype=torch.float32).double().eval()


def record(model, modules):
    """what goes into and comes out of modules, by name"""
    found, handles = {}, []
    for name, module in modules.items():
        def keep(module, inputs, output, name=name):
            found[name] = (inputs[0].reshape(-1, inputs[0].shape[-1]),
                           output[0] if isinstance(output, tuple) else output)
        handles.append(module.register_forward_hook(keep))
    logits = model(torch.tensor([IDS])).logits[0].double()
    for handle in handles:
        handle.remove()
    return found, logits


for name in ("llama-grouped", "gpt2", "deepseek-v3"):
    model = load(name)
    old = name == "gpt2"
    body = model.transformer if old else model.model
    blocks = body.h if old else body.layers
    norm = body.ln_f if old else body.norm
    output = [block.attn.c_proj if old else block.self_attn.o_proj for block in blocks]
    # Conv1D holds [in, out], Linear [out, in]
    weights = [(o.weight.T if old else o.weight).double() for o in output]
    modules = {f"attention.{i}": o for i, o in enumerate(output)}
    modules |= {f"mlp.{i}": block.mlp for i, block in enumerate(blocks)}
    modules |= {"first": blocks[0].ln_1 if old else blocks[0].input_layernorm, "last": norm}
    found, logits = record(model, modules)
    heads = model.config.n_head if old else model.config.num_attention_heads
    row = (model.lm_head.weight[RIGHT] - model.lm_head.weight[WRONG]).double()
    stream = found["last"][0][-1].double()
    gain = norm.weight.double()
    epsilon = norm.eps if old else norm.variance_epsilon
    scale = ((stream - (stream.mean() if old else 0)).square().mean() + epsilon).sqrt()

    def share(vector):
        vector = vector.double()
        return (row @ (gain * (vector - (vector.mean() if old else 0)) / scale)).item()

    entry = dict(logit=(logits[-1][RIGHT] - logits[-1][WRONG]).item(), embedding=share(found["first"][0][-1]),
                 heads=[], feedForward=[])
    for i, weight in enumerate(weights):
        gathered = found[f"attention.{i}"][0][-1].double()
        width = len(gathered) // heads
        entry["heads"].append([share(weight[:, h * width:(h + 1) * width] @ gathered[h * width:(h + 1) * width])
                               for h in range(heads)])
        entry["feedForward"].append(share(found[f"mlp.{i}"][1].reshape(-1, len(row))[-1]))
    if output[0].bias is not None:
        entry["biases"] = [share(o.bias) for o in output]
    if old:
        entry["normBias"] = (row @ norm.bias.double()).item()
    parts = [entry["embedding"], entry.get("normBias", 0), *entry["feedForward"], *entry.get("biases", []),
             *(x for line in entry["heads"] for x in line)]
    assert abs(sum(parts) - entry["logit"]) < 1e-5 * max(map(abs, parts)), (name, sum(parts), entry["logit"])

    # neurons of the last layer: what goes into the map back, and its columns read by the head
    down = blocks[-1].mlp.c_proj if old else (
        blocks[-1].mlp.shared_experts.down_proj if name == "deepseek-v3" else blocks[-1].mlp.down_proj)
    columns = (down.weight.T if old else down.weight).double().T
    found, _ = record(model, {"down": down})
    centred = columns - (columns.mean(1, keepdim=True) if old else 0)
    effects = (centred * gain) @ model.lm_head.weight.double().T
    entry["neurons"] = dict(activations=found["down"][0].double().tolist(), effects=effects[:3].tolist())
    if name == "deepseek-v3":
        # an expert by hand, since transformers fuses them: down(silu(gate x) * up x)
        mixture = blocks[-1].mlp
        chosen = []
        hook = mixture.gate.register_forward_hook(lambda m, i, o: chosen.append(o[2]))
        found, _ = record(model, {"mixture": mixture})
        hook.remove()
        x, index = found["mixture"][0].double(), chosen[0]
        expert = int(index.flatten().mode().values)
        gate, up = mixture.experts.gate_up_proj[expert].double().chunk(2)
        activations = torch.nn.functional.silu(x @ gate.T) * (x @ up.T)
        rows = [t for t in range(len(IDS)) if expert in index[t].tolist()]
        entry["expert"] = dict(number=expert, rows=rows, activations=activations[rows].tolist())
    out["models"][name] = entry


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(x) for x in value]
    return {key: rounded(x) for key, x in value.items()} if isinstance(value, dict) else value


(HERE / "parts.json").write_text(json.dumps(rounded(out)) + "\n")
