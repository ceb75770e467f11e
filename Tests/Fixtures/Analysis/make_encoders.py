#!/usr/bin/env python3
"""Relevance, DeepLIFT and SmoothGrad of a tiny BERT and of tiny T5s in double precision: encoders.json.

usage: make_encoders.py [FILE]      (needs torch, transformers, captum; default: encoders.json beside this script)

Both are written out here from their weights, in terms of a few operations, and each rule is a set of these operations with
ways back of their own; without a rule the scalar and its gradient are those of transformers' model. Rules:
  attn_lrp        norms divide by a constant, f(x) goes back as f(x) / x, each factor of a product of activations gets
                  half, the softmax goes back as it is
  conserving_lrp  the same with probabilities as constants; then the relevance of all vectors and biases is the scalar
  deeplift        those of make_deeplift.py, for a batch of a text and its baseline; what is written is in both
Position and segment vectors, biases, and the vectors of what a T5 has written take their own parts.
"""
import json, os, sys
import torch
import torch.nn.functional as F
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM
from transformers.models.t5.modeling_t5 import T5Attention

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
import make_deeplift  # noqa: E402

BERT = {"ids": [5, 50, 7, 8, 41], "terms": [[2, 9, 1.0], [2, 4, -1.0]]}
T5 = {"ids": [5, 9, 12, 30, 41, 1], "written": [0, 7], "terms": [[0, 7, 1.0], [1, 21, 1.0]]}
QUESTIONS = {"bert-masked": BERT, "t5": T5, "t5-gated": T5}
BASELINE, SAMPLES, SEED = 3, 5, 3


class Ratio(torch.autograd.Function):
    """f(x), which goes back as f(x) / x"""
    @staticmethod
    def forward(context, x, function):
        y = function(x)
        context.save_for_backward(y / x)
        return y

    @staticmethod
    def backward(context, gradient):
        return gradient * context.saved_tensors[0], None


class Halves(torch.autograd.Function):
    """a product of two tensors, each of which gets half"""
    @staticmethod
    def forward(context, a, b, operation):
        context.save_for_backward(a, b)
        context.operation = operation
        return operation(a, b)

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved_tensors
        with torch.enable_grad():
            a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
            found = torch.autograd.grad(context.operation(a, b), (a, b), gradient)
        return found[0] / 2, found[1] / 2, None


class Derivative:
    def __init__(self): self.maps = []
    def function(self, x, f): return f(x)
    def product(self, a, b, operation): return operation(a, b)
    def attend(self, scores, v):
        map_ = torch.softmax(scores, -1)
        if map_.requires_grad: map_.retain_grad()
        self.maps.append(map_)
        return self.product(map_, v, torch.matmul)
    def scaled(self, x, epsilon): return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon)


class AttentionAware(Derivative):
    def function(self, x, f): return Ratio.apply(x, f)
    def product(self, a, b, operation): return Halves.apply(a, b, operation)
    def scaled(self, x, epsilon): return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon).detach()


class Conserving(AttentionAware):
    def attend(self, scores, v): return torch.softmax(scores, -1).detach() @ v


class Rescale(Derivative):
    def function(self, x, f): return make_deeplift.Elementwise.apply(x, f)
    def product(self, a, b, operation): return make_deeplift.Product.apply(a, b, operation)
    def attend(self, scores, v): return self.product(make_deeplift.Softmax.apply(scores), v, torch.matmul)
    def scaled(self, x, epsilon): return make_deeplift.scaled(x, epsilon)


def scores_of(ops, q, k): return ops.product(q, k, lambda a, b: a @ b.transpose(-1, -2))


def split(x, heads): return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def joined(x): return x.transpose(1, 2).flatten(2)


class BertNet:
    def __init__(self, model):
        self.config, self.weights = model.config, model.state_dict()
        self.biases = []

    def weight(self, name):
        """a leaf of its own where it is a bias, so that it gets its part"""
        w = self.weights[name]
        if not name.endswith("bias"): return w
        w = w.detach().requires_grad_()
        self.biases.append(w)
        return w

    def map(self, x, name): return x @ self.weights[name + ".weight"].T + self.weight(name + ".bias")

    def norm(self, ops, x, name):
        x = x - x.mean(-1, keepdim=True)
        return ops.scaled(x, self.config.layer_norm_eps) * self.weights[name + ".weight"] + self.weight(name + ".bias")

    def added(self, name, rows):
        vectors = self.weights["bert.embeddings." + name + ".weight"][rows].detach().requires_grad_()
        self.biases.append(vectors)
        return vectors

    def logits(self, ops, x):
        self.biases.clear()
        count, heads = x.shape[1], self.config.num_attention_heads
        x = x + self.added("position_embeddings", range(count)) + self.added("token_type_embeddings", [0] * count)
        x = self.norm(ops, x, "bert.embeddings.LayerNorm")
        for layer in range(self.config.num_hidden_layers):
            name = f"bert.encoder.layer.{layer}."
            q, k, v = (split(self.map(x, name + "attention.self." + part), heads) for part in ("query", "key", "value"))
            mixed = ops.attend(scores_of(ops, q, k) * q.shape[-1] ** -0.5, v)
            x = x + self.map(joined(mixed), name + "attention.output.dense")
            x = self.norm(ops, x, name + "attention.output.LayerNorm")
            inner = ops.function(self.map(x, name + "intermediate.dense"), F.gelu)
            x = self.norm(ops, x + self.map(inner, name + "output.dense"), name + "output.LayerNorm")
        head = "cls.predictions."
        x = self.norm(ops, ops.function(self.map(x, head + "transform.dense"), F.gelu), head + "transform.LayerNorm")
        return x @ self.weights["bert.embeddings.word_embeddings.weight"].T + self.weight(head + "bias")


class T5Net:
    def __init__(self, model, written):
        self.config, self.weights = model.config, model.state_dict()
        self.written, self.biases = written, []

    def map(self, x, name): return x @ self.weights[name + ".weight"].T

    def norm(self, ops, x, name): return ops.scaled(x, self.config.layer_norm_epsilon) * self.weights[name + ".weight"]

    def bias(self, stack, queries, keys):
        offsets = torch.arange(keys)[None] - torch.arange(queries)[:, None]
        buckets = T5Attention._relative_position_bucket(
            offsets, stack == "encoder", self.config.relative_attention_num_buckets,
            self.config.relative_attention_max_distance)
        table = self.weights[stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        added = table[buckets].permute(2, 0, 1)
        return added if stack == "encoder" else added.masked_fill(offsets > 0, float("-inf"))

    def attention(self, ops, x, seen, name, added):
        q, k, v = (split(self.map(y, name + "." + part), self.config.num_heads)
                   for y, part in ((x, "q"), (seen, "k"), (seen, "v")))
        return self.map(joined(ops.attend(scores_of(ops, q, k) + added, v)), name + ".o")

    def feed_forward(self, ops, x, name):
        function = {"relu": F.relu, "gelu_new": lambda x: F.gelu(x, approximate="tanh")}[self.config.dense_act_fn]
        if not self.config.is_gated_act:
            return self.map(ops.function(self.map(x, name + ".wi"), function), name + ".wo")
        opened = ops.function(self.map(x, name + ".wi_0"), function)
        return self.map(ops.product(opened, self.map(x, name + ".wi_1"), torch.mul), name + ".wo")

    def stack(self, ops, x, stack, layers, memory=None):
        added = self.bias(stack, x.shape[1], x.shape[1])
        for layer in range(layers):
            name = f"{stack}.block.{layer}.layer."
            normed = self.norm(ops, x, name + "0.layer_norm")
            x = x + self.attention(ops, normed, normed, name + "0.SelfAttention", added)
            if memory is not None:
                normed = self.norm(ops, x, name + "1.layer_norm")
                x = x + self.attention(ops, normed, memory, name + "1.EncDecAttention", 0)
            place = name + ("1" if memory is None else "2")
            x = x + self.feed_forward(ops, self.norm(ops, x, place + ".layer_norm"), place + ".DenseReluDense")
        return self.norm(ops, x, stack + ".final_layer_norm")

    def logits(self, ops, x):
        memory = self.stack(ops, x, "encoder", self.config.num_layers)
        written = self.weights["shared.weight"][self.written].detach().requires_grad_()
        self.biases = [written]
        y = self.stack(ops, written.expand(x.shape[0], -1, -1), "decoder", self.config.num_decoder_layers, memory)
        if self.config.scale_decoder_outputs: y = y * self.config.d_model ** -0.5
        return y @ self.weights["lm_head.weight"].T


def load(name):
    kind = AutoModelForMaskedLM if name.startswith("bert") else AutoModelForSeq2SeqLM
    return kind.from_pretrained(f"{here}/../Models/{name}", attn_implementation="eager", dtype=torch.float32).double().eval()


def attention_relevance(maps, at):
    r = torch.eye(maps[0].shape[-1], dtype=torch.float64)
    for map_ in maps: r = r + (map_.grad * map_)[0].clamp(min=0).mean(0) @ r
    r = r - torch.eye(len(r), dtype=torch.float64)
    return r[at].tolist()


def explain(name, question):
    model = load(name).requires_grad_(False)
    is_pair = "written" in question
    net = T5Net(model, question["written"]) if is_pair else BertNet(model)
    embed = model.get_input_embeddings()
    x = embed(torch.tensor([question["ids"]])).detach()
    base = embed(torch.tensor([[BASELINE] * len(question["ids"])])).detach()

    def sum_of(logits): return sum(weight * logits[:, position, id] for position, id, weight in question["terms"])
    def value(ops, vectors): return sum_of(net.logits(ops, vectors))
    def reference(vectors):
        if not is_pair: return sum_of(model(inputs_embeds=vectors).logits)
        written = torch.tensor([question["written"]] * len(vectors))
        return sum_of(model(inputs_embeds=vectors, decoder_input_ids=written).logits)

    def vectors(): return x.clone().requires_grad_()
    entry, v, w = {}, vectors(), vectors()
    plain = reference(v)
    plain.sum().backward()
    ops = Derivative()
    own = value(ops, w)
    own.sum().backward()
    # transformers has T5's norms in single precision.
    assert torch.allclose(plain, own, rtol=1e-6, atol=1e-6), (plain, own, plain - own)
    assert (v.grad - w.grad).abs().max() < 1e-5 * w.grad.abs().max(), (v.grad, w.grad)
    entry["value"] = own.item()
    entry["input_x_gradient"] = (w.grad * x)[0].sum(-1).tolist()
    if not is_pair: entry["attention_relevance"] = attention_relevance(ops.maps, question["terms"][0][0])
    for key, rule in (("attn_lrp", AttentionAware), ("conserving_lrp", Conserving)):
        v = vectors()
        found = value(rule(), v)
        assert torch.allclose(found, own), (found, own)
        found.sum().backward()
        entry[key] = (v.grad * x)[0].sum(-1).tolist()
        rest = sum((part.grad * part).sum().item() for part in net.biases if part.grad is not None)
        if rule is Conserving:
            assert abs(sum(entry[key]) + rest - own.item()) < 1e-9, (entry[key], rest, own)
            entry["rest"] = rest
    pair = torch.cat([x, base]).requires_grad_()
    values = value(Rescale(), pair)
    plain = torch.cat([reference(x), reference(base)])
    assert torch.allclose(values, plain, rtol=1e-6, atol=1e-6), (values, plain)
    multipliers, = torch.autograd.grad(values[0], pair)
    entry["deeplift"] = (multipliers[0] * (x - base)[0]).sum(-1).tolist()
    entry["baseline_value"] = values[1].item()
    assert abs(sum(entry["deeplift"]) - (values[0] - values[1]).item()) < 1e-9, entry
    entry["smoothgrad"] = make_deeplift.smoothgrad(lambda v: value(Derivative(), v), x, SAMPLES, SEED)
    print(name, {key: sum(numbers) if isinstance(numbers, list) else numbers for key, numbers in entry.items()})
    return {**question, **entry}


def main():
    result = {"baseline": BASELINE, "samples": SAMPLES, "seed": SEED,
              "models": {name: explain(name, question) for name, question in QUESTIONS.items()}}
    with open(sys.argv[1] if len(sys.argv) > 1 else here + "/encoders.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__": main()
