#!/usr/bin/env python3
"""Gradients of the tiny models by PyTorch's autograd in float64: golden/<model>.gradients.safetensors and .json.

For each text: the gradient of each target with respect to inputs_embeds and to the residual stream entering each layer.
Weights are widened to float64 first, so that the numbers are those of the mathematics. Usage: make_gradients.py"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

import make_decoders

HERE = Path(__file__).resolve().parent
NAMES = ["llama-deepseek-llm", "llama-deepseek-coder", "llama-grouped", "qwen2", "qwen3", "gpt2", "deepseek-moe",
         "deepseek-v2", "deepseek-v2-lite", "deepseek-v3", "deepseek-v32", "bert-masked"]


def load(name):
    if name.startswith("deepseek"):
        config = json.loads((HERE / name / "config.json").read_text())
        return make_decoders.load(name, config, load_file(HERE / name / "model.safetensors"))
    kind = AutoModelForMaskedLM if name == "bert-masked" else AutoModelForCausalLM
    return kind.from_pretrained(HERE / name, attn_implementation="eager", dtype=torch.float32)


def targets(count, vocabulary):
    """name, measure, terms (position, id, weight): one logit, a difference, logarithms of probabilities at two positions"""
    last, middle = count - 1, count // 2
    return [
        ("logit", "logit", [(last, 7, 1.0)]),
        ("difference", "logit", [(middle, 11, 1.0), (middle, vocabulary - 3, -1.0)]),
        ("probability", "logProbability", [(last, 5, 1.0), (0, 9, -0.5)]),
    ]


def value_of(logits, measure, terms):
    scores = torch.log_softmax(logits, -1) if measure == "logProbability" else logits
    return sum(weight * scores[position, token] for position, token, weight in terms)


def layers_of(model):
    if hasattr(model, "bert"):
        return model.bert.encoder.layer
    return model.transformer.h if hasattr(model, "transformer") else model.model.layers


def run(model, ids):
    """logits and last hidden states, inputs_embeds, and the stream that enters each layer"""
    embeddings = model.get_input_embeddings()(torch.tensor([ids])).detach().requires_grad_(True)
    streams = []

    def note(_, positional, named):
        stream = positional[0] if positional else named["hidden_states"]
        stream.retain_grad()
        streams.append(stream)

    hooks = [layer.register_forward_pre_hook(note, with_kwargs=True) for layer in layers_of(model)]
    out = model(inputs_embeds=embeddings, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    return out.logits[0], out.hidden_states[-1][0], embeddings, streams


def main():
    for name in NAMES:
        model = load(name).double()
        if hasattr(model, "model"):
            # The turns stay those of single precision, which the model was made for.
            inverse = model.model.rotary_emb.inv_freq.float()
            model.model.rotary_emb.inv_freq = inverse.double()
        model.requires_grad_(False)
        model.eval()
        texts = json.loads((HERE / "golden" / f"{name}.json").read_text())["texts"]
        golden, records = {}, []
        for text in texts:
            ids = text["ids"][:12]
            logits, _, _, _ = run(model, ids)
            plans = targets(len(ids), logits.shape[1])
            if name == "bert-masked":
                plans.append(("hidden", "hidden", []))
            for target, measure, terms in plans:
                logits, hidden, embeddings, streams = run(model, ids)
                if measure == "hidden":
                    weights = torch.sin(torch.arange(hidden.numel(), dtype=torch.float64)).reshape(hidden.shape)
                    value = (weights * hidden).sum()
                else:
                    value = value_of(logits, measure, terms)
                value.backward()
                key = f"{text['name']}.{target}"
                golden[f"{key}.embeddings"] = embeddings.grad[0].float().contiguous()
                for layer, stream in enumerate(streams):
                    golden[f"{key}.residual.{layer}"] = stream.grad[0].float().contiguous()
                records.append(dict(
                    text=text["name"], target=target, ids=ids, measure=measure, value=value.item(),
                    terms=[dict(position=p, id=i, weight=w) for p, i, w in terms]))
        save_file(golden, HERE / "golden" / f"{name}.gradients.safetensors")
        (HERE / "golden" / f"{name}.gradients.json").write_text(json.dumps({"gradients": records}, indent=1) + "\n")
        size = (HERE / "golden" / f"{name}.gradients.safetensors").stat().st_size
        print(name, len(golden), "tensors", size, "bytes")


if __name__ == "__main__":
    main()
