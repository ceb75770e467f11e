#!/usr/bin/env python3
"""DeepLIFT's rescale rule and SmoothGrad for tiny decoders in double precision: deeplift.json.

usage: make_deeplift.py [FILE]      (needs torch, transformers, captum; default: deeplift.json beside this script)

A text and its baseline run as a batch of two. Every step that isn't linear has a way back of its own, whose multipliers
stand at the text: a function of one number goes back as its change over its argument's, a product with the mean of the
other factor's two values; norms are made of these. The softmax is exp(z - ln sum exp z): the exponential by the rule, and
the logarithm's change shared among the scores so that probabilities sum to 1. Experts' weights are taken as given, at
their mean. Where there are no experts the multipliers times the changes sum to the scalar's change. On a net of linear maps
and sigmoids the rule is that of captum's DeepLift. SmoothGrad draws the numbers that Vitrine's seed decides, and captum's
NoiseTunnel, which is given them too, says the same.
"""
import json, math, os, sys, types
import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here + "/../Models")
import make_gradients  # noqa: E402

NAMES = ["llama-grouped", "llama-deepseek-llm", "qwen3", "gpt2", "deepseek-moe", "deepseek-v2", "deepseek-v3"]
IDS, TARGET, AGAINST, BASELINE = [5, 9, 3, 14, 21, 8, 30], 17, 4, 1


class Elementwise(torch.autograd.Function):
    @staticmethod
    def forward(context, x, function):
        y = function(x)
        change = x[0] - x[1]
        with torch.enable_grad():
            z = x[0].detach().requires_grad_()
            slope, = torch.autograd.grad(function(z).sum(), z)
        context.slope = torch.where(change.abs() < 1e-9, slope, (y[0] - y[1]) / change)
        return y

    @staticmethod
    def backward(context, gradient):
        return torch.stack([gradient[0] * context.slope, torch.zeros_like(context.slope)]), None


class Product(torch.autograd.Function):
    """a product of two tensors, `operation`, by each with the mean of the other"""
    @staticmethod
    def forward(context, a, b, operation):
        context.save_for_backward(a, b)
        context.operation = operation
        return operation(a, b)

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved_tensors
        with torch.enable_grad():
            one, two = a.mean(0).detach().requires_grad_(), b.mean(0).detach().requires_grad_()
            found = torch.autograd.grad(context.operation(one, two), (one, two), gradient[0])
        return *(torch.stack([part, torch.zeros_like(part)]) for part in found), None


class Softmax(torch.autograd.Function):
    @staticmethod
    def forward(context, z):
        u = torch.log_softmax(z, -1)
        p, apart = u.exp(), u[0] - u[1]
        mean = torch.where(apart.abs() < 1e-12, p[0], (p[0] - p[1]) / apart)
        context.mean = torch.nan_to_num(mean, 0.0)  # hidden scores: both probabilities are 0
        return p

    @staticmethod
    def backward(context, gradient):
        m, g = context.mean, gradient[0]
        g = m * (g - (m * g).sum(-1, keepdim=True) / m.sum(-1, keepdim=True))
        return torch.stack([g, torch.zeros_like(g)])


def scaled(x, epsilon):
    square = Elementwise.apply(x, torch.square).mean(-1, keepdim=True) + epsilon
    root = Elementwise.apply(square, torch.rsqrt)
    return Product.apply(x, root.expand_as(x), torch.mul)


def norm(self, x):
    return scaled(x, getattr(self, "variance_epsilon", None) or self.eps) * self.weight


def layer_norm(self, x):
    return scaled(x - x.mean(-1, keepdim=True), self.eps) * self.weight + self.bias


def gated(self, x):
    return self.down_proj(Product.apply(Elementwise.apply(self.gate_proj(x), F.silu), self.up_proj(x), torch.mul))


def experts(self, x, chosen, weights):
    """x [2 * tokens, width]: the text's, then the baseline's"""
    tokens, count = x.shape[0] // 2, self.gate_up_proj.shape[0]
    table = torch.zeros(x.shape[0], count, dtype=x.dtype).scatter(1, chosen, weights.detach().to(x.dtype))
    table = table.reshape(2, tokens, count)
    pairs, out = x.reshape(2, tokens, -1), 0
    for expert in range(count):
        gate, up = F.linear(pairs, self.gate_up_proj[expert]).chunk(2, -1)
        y = F.linear(Product.apply(Elementwise.apply(gate, F.silu), up, torch.mul), self.down_proj[expert])
        w = table[..., expert, None]
        # Forward with each its own weight, back with the mean of both.
        mean = y * w.mean(0)
        out = out + mean + (y * w - mean).detach()
    return out.reshape(x.shape)


class Gelu(torch.nn.Module):
    def forward(self, x):
        return Elementwise.apply(x, lambda x: F.gelu(x, approximate="tanh"))


def attention(module, query, key, value, mask, scaling=None, dropout=0.0, **_):
    scaling = scaling if scaling is not None else query.shape[-1] ** -0.5
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    hidden = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).triu(1)
    if len(query) == 1:  # of a text alone, also after the module was given this for another model
        map_ = torch.softmax((query @ key.transpose(-1, -2) * scaling).masked_fill(hidden, float("-inf")), -1)
        return (map_ @ value).transpose(1, 2).contiguous(), map_
    scores = Product.apply(query, key, lambda a, b: a @ b.transpose(-1, -2)) * scaling
    map_ = Softmax.apply(scores.masked_fill(hidden, float("-inf")))
    return Product.apply(map_, value, torch.matmul).transpose(1, 2).contiguous(), map_


def load(name):
    model = make_gradients.load(name).double()
    if hasattr(model, "model"):
        model.model.rotary_emb.inv_freq = model.model.rotary_emb.inv_freq.float().double()
    return model.requires_grad_(False).eval()


def prepare(model):
    for module in model.modules():
        kind = type(module).__name__
        if kind.endswith("Attention"): sys.modules[type(module).__module__].eager_attention_forward = attention
        if kind.endswith("RMSNorm"): module.forward = types.MethodType(norm, module)
        elif kind == "LayerNorm": module.forward = types.MethodType(layer_norm, module)
        elif kind.endswith("Experts"): module.forward = types.MethodType(experts, module)
        elif hasattr(module, "gate_proj"): module.forward = types.MethodType(gated, module)
        elif kind == "GPT2MLP": module.act = Gelu()


def scalar(model, v):
    logits = model(inputs_embeds=v, use_cache=False).logits[:, -1]
    return logits[:, TARGET] - logits[:, AGAINST]


def captum_agrees():
    from captum.attr import DeepLift
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Sigmoid(), torch.nn.Linear(7, 6), torch.nn.Tanh(),
                              torch.nn.Linear(6, 1)).double()
    x, b = torch.randn(1, 5).double(), torch.randn(1, 5).double()
    wanted = DeepLift(net).attribute(x, b)
    pair = torch.cat([x, b]).requires_grad_()
    y = net[4](Elementwise.apply(net[2](Elementwise.apply(net[0](pair), torch.sigmoid)), torch.tanh))
    gradient, = torch.autograd.grad(y[0].sum(), pair)
    assert torch.allclose(gradient[:1] * (x - b), wanted, rtol=1e-9), (gradient[:1] * (x - b), wanted)


class Generator:
    """the numbers that a seed decides: SplitMix64, Box and Muller"""

    def __init__(self, seed):
        self.state, self.mask = seed, (1 << 64) - 1

    def uniform(self):
        self.state = self.state + 0x9E3779B97F4A7C15 & self.mask
        bits = self.state
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & self.mask
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & self.mask
        return ((bits ^ bits >> 31) >> 11) * 2.0 ** -53

    def normal(self):
        return math.sqrt(-2 * math.log(1 - self.uniform())) * math.cos(2 * math.pi * self.uniform())


def smoothgrad(function, x, samples, seed, noise=0.15):
    """the length of each token's mean gradient of noisy copies of x [1, tokens, width], by autograd"""
    generator, total = Generator(seed), torch.zeros_like(x)
    deviation = noise * (x.max() - x.min()).item()
    numbers = torch.tensor([generator.normal() for _ in range(samples * x.numel())], dtype=x.dtype)
    for number in numbers.reshape(samples, *x.shape):
        y = (x + deviation * number).requires_grad_()
        total += torch.autograd.grad(function(y).sum(), y)[0] / samples
    wanted = noise_tunnel(function, x, samples, deviation, numbers)
    assert torch.allclose(total, wanted, rtol=1e-9, atol=1e-12), (total - wanted).abs().max()
    return total[0].norm(dim=1).tolist()


def noise_tunnel(function, x, samples, deviation, numbers):
    """what captum's NoiseTunnel makes of the gradients, given the same noise"""
    from captum.attr import NoiseTunnel, Saliency
    drawn = torch.normal
    left = iter(numbers.reshape(samples, *x.shape))
    # In double precision, which the deviations that it would hand over aren't.
    torch.normal = lambda mean, deviations: mean + deviation * next(left)
    try:
        return NoiseTunnel(Saliency(function)).attribute(
            x, nt_type="smoothgrad", nt_samples=samples, nt_samples_batch_size=1, stdevs=deviation, abs=False)
    finally:
        torch.normal = drawn


def main():
    captum_agrees()
    result = {"ids": IDS, "target": TARGET, "against": AGAINST, "baseline": BASELINE, "samples": 5, "seed": 3, "models": {}}
    for name in NAMES:
        model = load(name)
        embed = model.get_input_embeddings()
        x = embed(torch.tensor([IDS])).detach()
        base = embed(torch.tensor([[BASELINE] * len(IDS)])).detach()
        smooth = smoothgrad(lambda v: scalar(model, v), x, 5, 3)
        plain = torch.cat([scalar(model, x), scalar(model, base)])
        prepare(model)
        pair = torch.cat([x, base]).requires_grad_()
        values = scalar(model, pair)
        assert (values - plain).abs().max() < 1e-5, (name, values, plain)
        multipliers, = torch.autograd.grad(values[0], pair)
        scores = (multipliers[0] * (x - base)[0]).sum(-1)
        delta = (scores.sum() - (values[0] - values[1])).item()
        assert "moe" in name or name in ("deepseek-v2", "deepseek-v3") or abs(delta) < 1e-9, (name, delta)
        result["models"][name] = {"value": values[0].item(), "baseline_value": values[1].item(),
                                  "deeplift": scores.tolist(), "delta": delta, "smoothgrad": smooth}
        print(name, values.tolist(), delta)
    with open(sys.argv[1] if len(sys.argv) > 1 else here + "/deeplift.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__": main()
