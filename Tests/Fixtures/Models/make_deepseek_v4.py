#!/usr/bin/env python3
"""Writes tiny DeepSeek-V4 decoders beside this script and what transformers computes from them.

usage: make_deepseek_v4.py [FOLDER SEED KEY=VALUE…]

Without arguments it writes the committed models into the script's own folder, the same bytes every time; with them one
model of that seed and those configuration values (JSON) into another folder.

Requirements: those of make_models.py, whose helpers it uses, and a transformers that knows deepseek_v4.

Random models in the layout of the published checkpoints, without tokenizers:
  deepseek-v4         float32; four streams; a layer of each kind of attention, the first with experts by token id;
                      a layer for further tokens that must not be read
  deepseek-v4-packed  8-bit maps with power-of-two scales of 128 × 128 blocks, 4-bit experts with scales of 32, the
                      compressors and the rest in bfloat16; two streams; the newer configuration keys

golden/NAME.safetensors: (of the packed one the results alone) for every text T `T.hidden_states.{i}` [tokens, streams, width] and, of the last, [tokens,
width], `T.attentions.{i}` [heads, queries, keys + blocks], `T.logits`, `T.router_probabilities.{i}` and
`T.router_weights.{i}` [tokens, experts] (0: not chosen), `T.block_selection.{i}` [queries, blocks] (1: selected) of
layers with an indexer, `T.greedy` the ids of a greedy continuation. golden/NAME.json: the ids.
Seeds are taken at which noise of 1e-4 in all weights changes no choice and no greedy token.
"""
import json
import pathlib
import sys
import tempfile

import torch
from make_models import HERE, long_ids, random_weights, run, write_json
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

VOCABULARY = 60
PLAIN = dict(
    architectures=["DeepseekV4ForCausalLM"], model_type="deepseek_v4", attention_bias=False, attention_dropout=0.0,
    bos_token_id=0, eos_token_id=1, compress_ratios=[0, 4, 6, 0],
    compress_rope_theta=160000, hc_eps=1e-6, hc_mult=4, hc_sinkhorn_iters=20, head_dim=10, hidden_act="silu",
    hidden_size=8, index_head_dim=6, index_n_heads=8, index_topk=2, max_position_embeddings=4096,
    moe_intermediate_size=6, n_routed_experts=6, n_shared_experts=1, norm_topk_prob=True, num_attention_heads=4,
    num_experts_per_tok=2, num_hash_layers=1, num_hidden_layers=3, num_key_value_heads=1, num_nextn_predict_layers=1,
    o_groups=2, o_lora_rank=5, q_lora_rank=8, qk_rope_head_dim=4, rms_norm_eps=1e-6,
    rope_scaling=dict(beta_fast=32, beta_slow=1, factor=16, original_max_position_embeddings=64, type="yarn"),
    rope_theta=10000, routed_scaling_factor=1.5, scoring_func="sqrtsoftplus", sliding_window=5, swiglu_limit=1.0,
    tie_word_embeddings=False, topk_method="noaux_tc", torch_dtype="float32", vocab_size=VOCABULARY)
PACKED = {**PLAIN, **dict(
    hidden_size=32, moe_intermediate_size=32, num_hidden_layers=2, hc_mult=2, head_dim=34, q_lora_rank=16,
    n_routed_experts=4, num_hash_layers=1, swiglu_limit=10.0, expert_dtype="fp4", dtype="bfloat16",
    num_nextn_predict_layers=0, compress_rates=dict(compressed_sparse_attention=4, heavily_compressed_attention=3),
    layer_types=["compressed_sparse_attention", "heavily_compressed_attention"], mlp_layer_types=["hash_moe", "moe"],
    partial_rotary_factor=4 / 34, index_head_dim=8,
    rope_parameters=dict(
        main=dict(rope_type="default", rope_theta=10000, partial_rotary_factor=4 / 34),
        compress=dict(rope_type="yarn", rope_theta=160000, factor=16, original_max_position_embeddings=64, beta_fast=32,
                      beta_slow=1, attention_factor=1.0, partial_rotary_factor=4 / 34)),
    quantization_config=dict(activation_scheme="dynamic", fmt="e4m3", quant_method="fp8", scale_fmt="ue8m0",
                             weight_block_size=[128, 128]))}
for key in "compress_ratios qk_rope_head_dim rope_scaling torch_dtype".split():
    del PACKED[key]
PLANS = {"deepseek-v4": PLAIN, "deepseek-v4-packed": PACKED}


def rates(config):
    """the compression rate of every layer, and whether an indexer selects among its blocks"""
    given = {"compressed_sparse_attention": 4, "heavily_compressed_attention": 128, **config.get("compress_rates", {})}
    if "layer_types" in config:
        return [(given.get(kind, 0), kind.startswith("compressed")) for kind in config["layer_types"]]
    return [(rate, rate == 4) for rate in config["compress_ratios"]][:config["num_hidden_layers"]]


def rotated(config):
    return config.get("qk_rope_head_dim") or round(config["head_dim"] * config["partial_rotary_factor"])


def compressor_shapes(name, config, rate, size, overlaps):
    wide = 2 * size if overlaps else size
    return {f"{name}.wkv.weight": (wide, config["hidden_size"]), f"{name}.wgate.weight": (wide, config["hidden_size"]),
            f"{name}.ape": (rate, wide), f"{name}.norm.weight": (size,)}


def expert_shapes(name, width, inner):
    return {f"{name}.w1.weight": (inner, width), f"{name}.w3.weight": (inner, width), f"{name}.w2.weight": (width, inner)}


def shapes(config):
    width, streams, heads, size = (config[key] for key in "hidden_size hc_mult num_attention_heads head_dim".split())
    narrow, groups, inner = config["q_lora_rank"], config["o_groups"], config["moe_intermediate_size"]
    result = {"embed.weight": (VOCABULARY, width), "norm.weight": (width,), "head.weight": (VOCABULARY, width),
              "hc_head_fn": (streams, streams * width), "hc_head_base": (streams,), "hc_head_scale": (1,)}
    kinds = config.get("mlp_layer_types")
    hashed = [kind == "hash_moe" for kind in kinds] if kinds else \
        [i < config["num_hash_layers"] for i in range(config["num_hidden_layers"])]
    for i, (rate, has_indexer) in enumerate(rates(config)):
        name = f"layers.{i}"
        result |= {f"{name}.attn_norm.weight": (width,), f"{name}.ffn_norm.weight": (width,)}
        for part in ("attn", "ffn"):
            count = (2 + streams) * streams
            result |= {f"{name}.hc_{part}_fn": (count, streams * width), f"{name}.hc_{part}_base": (count,),
                       f"{name}.hc_{part}_scale": (3,)}
        attention = f"{name}.attn"
        result |= {f"{attention}.attn_sink": (heads,), f"{attention}.wq_a.weight": (narrow, width),
                   f"{attention}.q_norm.weight": (narrow,), f"{attention}.wq_b.weight": (heads * size, narrow),
                   f"{attention}.wkv.weight": (size, width), f"{attention}.kv_norm.weight": (size,),
                   f"{attention}.wo_a.weight": (groups * config["o_lora_rank"], heads * size // groups),
                   f"{attention}.wo_b.weight": (width, groups * config["o_lora_rank"])}
        if rate:
            result |= compressor_shapes(f"{attention}.compressor", config, rate, size, has_indexer)
        if has_indexer:
            count, small = config["index_n_heads"], config["index_head_dim"]
            result |= {f"{attention}.indexer.wq_b.weight": (count * small, narrow),
                       f"{attention}.indexer.weights_proj.weight": (count, width)}
            result |= compressor_shapes(f"{attention}.indexer.compressor", config, rate, small, True)
        result[f"{name}.ffn.gate.weight"] = (config["n_routed_experts"], width)
        if not hashed[i]:
            result[f"{name}.ffn.gate.bias"] = (config["n_routed_experts"],)
        for expert in range(config["n_routed_experts"]):
            result |= expert_shapes(f"{name}.ffn.experts.{expert}", width, inner)
        result |= expert_shapes(f"{name}.ffn.shared_experts", width, inner)
    if config["num_nextn_predict_layers"]:
        result |= {"mtp.0.enorm.weight": (width,), "mtp.0.e_proj.weight": (width, width)}
    return result, hashed


def make_weights(config, seed):
    sizes, hashed = shapes(config)
    weights = random_weights(sizes, seed)
    for name in weights:
        if "gate.weight" in name or "indexer" in name and "norm" not in name:
            weights[name] *= 2
        elif name.startswith("head."):
            weights[name] *= 2.5
        elif name.endswith("scale"):
            weights[name] += 0.8
        elif "hc_" in name and name.endswith("fn"):
            weights[name] *= 3
        elif name.endswith("attn_sink"):
            weights[name] *= 4
    generator = torch.Generator().manual_seed(seed + 1)
    for i, by_token in enumerate(hashed):
        if by_token:
            table = [torch.randperm(config["n_routed_experts"], generator=generator)[:config["num_experts_per_tok"]]
                     for _ in range(VOCABULARY)]
            weights[f"layers.{i}.ffn.gate.tid2eid"] = torch.stack(table).to(torch.int32)
    return weights


VALUES = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def blocks(scales, rows, columns, shape):
    return scales.repeat_interleave(rows, 0)[:shape[0]].repeat_interleave(columns, 1)[:, :shape[1]]


def power(values):
    """the least powers of two that are no smaller"""
    return torch.exp2(torch.ceil(torch.log2(values.clamp(min=1e-12))))


def pack(weights):
    """the stored tensors, and the numbers that they stand for"""
    stored, exact = {}, {}
    for name, value in weights.items():
        matrix = value.dim() == 2 and name.endswith("weight")
        if ".experts." in name:
            rows, columns = value.shape
            scales = power(value.reshape(rows, columns // 32, 32).abs().amax(-1) / 6)
            spread = blocks(scales, 1, 32, value.shape)
            codes = ((value / spread)[..., None] - VALUES).abs().argmin(-1).to(torch.uint8)
            stored[name] = (codes[:, 0::2] | codes[:, 1::2] << 4).view(torch.int8)
            stored[name.removesuffix("weight") + "scale"] = scales.to(torch.float8_e8m0fnu)
            exact[name] = VALUES[codes.long()] * spread
        elif matrix and "compressor" not in name and "weights_proj" not in name and "gate" not in name \
                and not name.startswith(("embed", "head")):
            rows, columns = value.shape
            high, wide = -(-rows // 128), -(-columns // 128)
            padded = torch.zeros(high * 128, wide * 128)
            padded[:rows, :columns] = value
            scales = power(padded.reshape(high, 128, wide, 128).abs().amax((1, 3)) / 448)
            spread = blocks(scales, 128, 128, value.shape)
            stored[name] = (value / spread).to(torch.float8_e4m3fn)
            stored[name.removesuffix("weight") + "scale"] = scales.to(torch.float8_e8m0fnu)
            exact[name] = stored[name].float() * spread
        elif name.endswith(("weight",)):
            stored[name] = value.to(torch.bfloat16)
            exact[name] = stored[name].float()
        else:
            stored[name] = exact[name] = value
    return stored, exact


def load(config, exact):
    """the model with these numbers, read by transformers under the published names"""
    config = {key: value for key, value in config.items() if key not in ("quantization_config", "expert_dtype", "dtype")}
    if "compress_ratios" in config:  # of which transformers knows 0, 4 and 128 alone
        found = rates(config)
        config["layer_types"] = ["compressed_sparse_attention" if sparse else "heavily_compressed_attention" if rate else
                                 "sliding_attention" for rate, sparse in found]
        config["compress_rates"] = dict(compressed_sparse_attention=4, heavily_compressed_attention=max(
            [rate for rate, sparse in found if rate and not sparse], default=128))
        del config["compress_ratios"]
    with tempfile.TemporaryDirectory() as folder:
        write_json(pathlib.Path(folder) / "config.json", {**config, "torch_dtype": "float32"})
        save_file(exact, f"{folder}/model.safetensors", metadata={"format": "pt"})
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", experts_implementation="eager", dtype=torch.float32,
            output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"] and not report["unexpected_keys"], report
    return model.eval()


def decisions(model, ids):
    found, handles = {}, []
    for path, module in model.named_modules():
        kind, layer = type(module).__name__, next((part for part in path.split(".") if part.isdigit()), None)

        def routed(module, inputs, output, layer=layer):
            scores, weights, chosen = output
            found[f"router_probabilities.{layer}"] = torch.nn.functional.softplus(scores).sqrt()
            found[f"router_weights.{layer}"] = torch.zeros_like(scores).scatter(1, chosen, weights)

        def indexed(module, inputs, output, layer=layer):
            chosen = output[0]
            count = chosen.shape[0] // module.compress_rate
            mask = torch.zeros(chosen.shape[0], count + 1)
            found[f"block_selection.{layer}"] = mask.scatter(
                1, torch.where(chosen < 0, count, chosen), 1.0)[:, :count].contiguous()

        if kind.endswith("Router"):
            handles.append(module.register_forward_hook(routed))
        if kind.endswith("Indexer"):
            handles.append(module.register_forward_hook(indexed))
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    for handle in handles:
        handle.remove()
    return found, logits


def has_ties(model, texts):
    """whether equal scores decide what an indexer selects, which is for each implementation to settle"""
    tied, handles = [], []

    def scored(module, inputs, output):
        scores, rate = output[0], module.rate
        for query, row in enumerate(scores):
            visible = row[:(query + 1) // rate].sort(descending=True).values
            if len(visible) > module.limit:
                tied.append(bool(visible[module.limit - 1] - visible[module.limit] < 1e-5))

    for module in model.modules():
        if type(module).__name__ == "DeepseekV4Indexer":
            module.scorer.rate, module.scorer.limit = module.compress_rate, module.index_topk
            handles.append(module.scorer.register_forward_hook(scored))
    for _, ids in texts:
        decisions(model, ids)
    for handle in handles:
        handle.remove()
    return any(tied)


def greedy(model, ids, count=16):
    made = list(ids)
    with torch.no_grad():
        for _ in range(count):
            made.append(int(model(input_ids=torch.tensor([made]), use_cache=False).logits[0, -1].argmax()))
    return made[len(ids):]


def is_safe(model, texts):
    """whether noise in the weights leaves every decision as it is"""
    exact = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.Generator().manual_seed(1)
    known = lambda: [({key: value != 0 for key, value in decisions(model, ids)[0].items() if "prob" not in key},
                      greedy(model, ids)) for _, ids in texts]
    before = known()
    for _ in range(2):
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    value.copy_(exact[name] * (1 + 1e-4 * torch.randn(value.shape, generator=generator)))
        for (choices, made), (old, old_made) in zip(known(), before):
            if made != old_made or any(not torch.equal(choices[key], old[key]) for key in old):
                return False
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(exact[name])
    return True


def make(name, config, folder=HERE, seeds=range(100, 200)):
    texts = [("short", [7, 50, 3, 3, 21]), ("longer", long_ids(19, VOCABULARY))]
    for seed in seeds:
        weights = make_weights(config, seed)
        stored, exact = pack(weights) if "quantization_config" in config else (weights, weights)
        model = load(config, {key: value for key, value in exact.items() if not key.startswith("mtp")})
        if not has_ties(model, texts) and is_safe(model, texts):
            break
    else:
        raise SystemExit(f"{name}: no seed is safe")
    write_json(folder / name / "config.json", config, indent=2)
    save_file(stored, folder / name / "model.safetensors", metadata={"format": "pt"})
    golden = {}
    if name.endswith("packed"):  # the same model but for its weights: its results alone
        texts = texts[1:]
    for text, ids in texts:
        run(model, text, ids, golden)
        if name.endswith("packed"):
            golden = {key: value for key, value in golden.items() if "logits" in key}
        for key, value in decisions(model, ids)[0].items():
            golden[f"{text}.{key}"] = value.to(torch.float32).contiguous()
        golden[f"{text}.greedy"] = torch.tensor(greedy(model, ids), dtype=torch.int32)
    (folder / "golden").mkdir(exist_ok=True)
    save_file(golden, folder / "golden" / f"{name}.safetensors")
    write_json(folder / "golden" / f"{name}.json", {"texts": [dict(name=text, ids=ids) for text, ids in texts]}, 1)
    size = sum(path.stat().st_size for path in
               [*(folder / name).iterdir(), *(folder / "golden").glob(f"{name}.*")])
    print(f"{name}: seed {seed}, {size} bytes")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        values = {key: json.loads(value) for key, value in (entry.split("=", 1) for entry in sys.argv[3:])}
        first = int(sys.argv[2])
        make("deepseek-v4", {**PLAIN, **values}, pathlib.Path(sys.argv[1]), range(first, first + 100))
    else:
        for name, config in PLANS.items():
            make(name, json.loads(json.dumps(config)))
