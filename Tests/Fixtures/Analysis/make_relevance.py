#!/usr/bin/env python3
"""Relevance, attention relevance, conductance and answers of tiny decoders in double precision: relevance.json.

usage: make_relevance.py [FILE]      (needs torch, transformers; default: relevance.json beside this script)

Relevance is gradient x input by autograd where parts are detached: norms divide by a detached number, x sigmoid(x) has its
sigmoid detached, a product of two activations is half of each with the other detached. Ways of attention:
  attn_lrp      queries . keys and probabilities . values are such products, the softmax goes back as it is
  conserving    probabilities are detached
Routers' weights are detached in both. The attention relevance follows R <- R + mean_h(max(0, dA * A)) R.
"""
import json, os, sys, types
import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here + "/../Models")
import make_gradients  # noqa: E402

NAMES = ["llama-grouped", "llama-deepseek-llm", "qwen3", "gpt2", "deepseek-moe", "deepseek-v2", "deepseek-v3"]
IDS, TARGET, AGAINST = [5, 9, 3, 14, 21, 8, 30], 17, 4


def half(a, b, product):
    return 0.5 * (product(a.detach(), b) + product(a, b.detach()))


def times(a, b):
    return half(a, b, torch.mul)


def norm(self, x):
    epsilon = getattr(self, "variance_epsilon", None) or self.eps
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon).detach() * self.weight


def layer_norm(self, x):
    x = x - x.mean(-1, keepdim=True)
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps).detach() * self.weight + self.bias


def silu(x):
    return x * torch.sigmoid(x).detach()


def gated(self, x):
    return self.down_proj(times(silu(self.gate_proj(x)), self.up_proj(x)))


def experts(self, x, chosen, weights):
    out = torch.zeros_like(x)
    for row in range(x.shape[0]):
        for place in range(chosen.shape[1]):
            gate, up = F.linear(x[row], self.gate_up_proj[chosen[row, place]]).chunk(2)
            add = F.linear(times(silu(gate), up), self.down_proj[chosen[row, place]]) * weights[row, place].detach()
            out = out.index_add(0, torch.tensor([row]), add[None])
    return out


class Gelu(torch.nn.Module):
    def forward(self, x):
        plain = 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x ** 3)))
        return x * (plain / x).detach()


class Attention:
    """one way to attend; keeps the probabilities"""

    def __init__(self, way):
        self.way, self.maps = way, []

    def __call__(self, module, query, key, value, mask, scaling=None, dropout=0.0, **_):
        scaling = scaling if scaling is not None else query.shape[-1] ** -0.5
        groups = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
        product = (lambda a, b: half(a, b, torch.matmul)) if self.way == "attn_lrp" else torch.matmul
        scores = product(query, key.transpose(-1, -2)) * scaling
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        map_ = torch.softmax(scores.masked_fill(hidden, float("-inf")), -1)
        if map_.requires_grad: map_.retain_grad()
        self.maps.append(map_)
        if self.way == "conserving": map_ = map_.detach()
        return product(map_, value).transpose(1, 2).contiguous(), map_


def load(name):
    model = make_gradients.load(name).double()
    if hasattr(model, "model"):
        model.model.rotary_emb.inv_freq = model.model.rotary_emb.inv_freq.float().double()
    return model.requires_grad_(False).eval()


def prepare(model, way):
    """the model with its attention and, for relevance, with its other rules"""
    attention = Attention(way)
    for module in model.modules():
        kind = type(module).__name__
        space = sys.modules[type(module).__module__]
        if kind.endswith("Attention"):
            space.eager_attention_forward = attention
        if way == "derivative": continue
        if kind.endswith("RMSNorm"): module.forward = types.MethodType(norm, module)
        elif kind == "LayerNorm": module.forward = types.MethodType(layer_norm, module)
        elif kind.endswith("Experts"): module.forward = types.MethodType(experts, module)
        elif hasattr(module, "gate_proj"): module.forward = types.MethodType(gated, module)
        elif kind == "GPT2MLP": module.act = Gelu()
    return attention


def scalar(model, v):
    logits = model(inputs_embeds=v, use_cache=False).logits[0, -1]
    return logits[TARGET] - logits[AGAINST]


def streams(model, v):
    """the scalar and what enters each layer"""
    found, layers = [], make_gradients.layers_of(model)
    def note(_, positional, named):
        found.append(positional[0] if positional else named["hidden_states"])
        found[-1].retain_grad()
    hooks = [layer.register_forward_pre_hook(note, with_kwargs=True) for layer in layers]
    value = scalar(model, v)
    for hook in hooks: hook.remove()
    return value, found


def main():
    result = {"ids": IDS, "target": TARGET, "against": AGAINST, "models": {}}
    for name in NAMES:
        entry = {}
        for way in ("attn_lrp", "conserving"):
            model = load(name)
            plain = scalar(model, model.get_input_embeddings()(torch.tensor([IDS]))).item()
            prepare(model, way)
            x = model.get_input_embeddings()(torch.tensor([IDS])).detach().requires_grad_()
            value = scalar(model, x)
            assert abs(value.item() - plain) < 1e-5 * max(1, abs(plain)), (name, value.item(), plain)
            gradient, = torch.autograd.grad(value, x)
            entry[way] = (gradient * x)[0].sum(-1).tolist()
            entry["value"] = value.item()
        model = load(name)
        attention = prepare(model, "derivative")
        x = model.get_input_embeddings()(torch.tensor([IDS])).detach().requires_grad_()
        value = scalar(model, x)
        value.backward()
        entry["input_x_gradient"] = (x.grad * x)[0].sum(-1).tolist()
        r = torch.eye(len(IDS), dtype=torch.float64)
        for map_ in attention.maps:
            r = r + (map_.grad * map_)[0].clamp(min=0).mean(0) @ r
        entry["attention_relevance"] = (r[-1] - torch.eye(len(IDS), dtype=torch.float64)[-1]).tolist()
        # Layer conductance from the embedding of token 1: as captum has it (the gradient at the left end of each step), and
        # with the mean of the gradients at both ends.
        end, steps = x.detach(), 8
        begin = model.get_input_embeddings()(torch.tensor([[1] * len(IDS)])).detach()
        nodes = []
        for step in range(steps + 1):
            place = (begin + step / steps * (end - begin)).requires_grad_()
            value, found = streams(model, place)
            value.backward()
            nodes.append([(y.detach(), y.grad) for y in found])
        layers = range(len(nodes[0]))
        def conductance(slope):
            return [sum((slope(a[l][1], b[l][1]) * (b[l][0] - a[l][0]))[0].sum(-1)
                        for a, b in zip(nodes, nodes[1:])).tolist() for l in layers]
        entry["conductance_left"] = conductance(lambda a, b: a)
        entry["conductance"] = conductance(lambda a, b: (a + b) / 2)
        result["models"][name] = entry
        print(name, entry["value"], sum(entry["attn_lrp"]), sum(entry["conserving"]))
    with open(sys.argv[1] if len(sys.argv) > 1 else here + "/relevance.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__": main()
