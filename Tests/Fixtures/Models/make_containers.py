#!/usr/bin/env python3
"""Writes tiny models in other containers beside this script and what transformers computes from their numbers.

usage: make_containers.py          (after make_decoders.py; writes into the script's own folder; same bytes every time)

Requirements: those of make_models.py and gguf.

  deepseek-v3-scaled   safetensors with 8-bit weights and scales of their 128 by 128 blocks; matrices that are more
                       than one block high or wide and no multiple of it; a scaled layer for further tokens
  deepseek-v3.gguf     deepseek2: split kv_b_proj, merged experts, all sizes in the file; Q8_0, Q4_0, Q4_1, Q5_0, F16
  qwen2.gguf           Q8_0; biases; the head is the embedding
  deepseek-moe.gguf    "deepseek" with the numbers of deepseek-moe: permuted queries and keys, merged experts
  gpt2-bin             pytorch_model.bin with the numbers of gpt2: tied, transposed and offset storages

golden/NAME.*: as make_decoders.py writes, of the stored numbers widened to float32 (scaled ones: element times the
scale of its block). gpt2-bin and deepseek-moe.gguf have the golden numbers of gpt2 and deepseek-moe.
"""
import collections
import tempfile

import gguf
import numpy as np
import torch
from make_decoders import COMMON, PLANS, V3, decisions, is_safe, load, make_weights, yarn
from make_models import HERE, long_ids, run, write_golden, write_model
from safetensors.torch import load_file

VOCABULARY = COMMON["vocab_size"]
TEXTS = [("short", [7, 50, 3, 3, 21]), ("longer", long_ids(19, VOCABULARY))]


def make(name, config, store):
    """`store(weights)` gives the numbers that are stored and a function that writes them."""
    for seed in range(100, 200):
        values, write = store(make_weights(config, seed))
        with tempfile.TemporaryDirectory() as folder:
            write_model(folder, config, values)
            model = load(folder, config, values)
        if is_safe(model, config, TEXTS):
            break
    else:
        raise SystemExit(f"{name}: no seed is safe")
    write()
    golden = {}
    for text, ids in TEXTS:
        run(model, text, ids, golden)
        for key, value in decisions(model, config, ids).items():
            golden[f"{text}.{key}"] = value.to(torch.float32).contiguous()
    write_golden(name, golden, [dict(name=text, ids=ids) for text, ids in TEXTS])


# 8-bit weights with scales

SCALED = {**V3, "intermediate_size": 136}
BLOCK = 128


def scaled(weights):
    stored, values = {}, {}
    for name, value in weights.items():
        if not name.endswith(("_proj.weight", "kv_a_proj_with_mqa.weight")) or "eh_proj" in name:
            stored[name] = value if "correction" in name else value.to(torch.bfloat16)
            values[name] = stored[name].float()
            continue
        rows, columns = value.shape
        # The last blocks are far from the first ones, so that a scale in the wrong place shows.
        value = value.clone()
        value[BLOCK:] *= 5
        value[:, BLOCK:] *= 0.2
        places = [slice(start, start + BLOCK) for start in range(0, max(rows, columns), BLOCK)]
        scales = torch.tensor([[value[r, c].abs().max() / 448 for c in places if c.start < columns]
                               for r in places if r.start < rows])
        each = scales.repeat_interleave(BLOCK, 0)[:rows].repeat_interleave(BLOCK, 1)[:, :columns]
        stored[name] = (value / each).clamp(-448, 448).to(torch.float8_e4m3fn)
        stored[name + "_scale_inv"] = scales
        values[name] = stored[name].float() * each
    config = {**SCALED, "torch_dtype": "bfloat16", "quantization_config": dict(
        activation_scheme="dynamic", fmt="e4m3", quant_method="fp8", weight_block_size=[BLOCK, BLOCK])}
    return values, lambda: write_model("deepseek-v3-scaled", config, stored)


# GGUF

class Writer:
    """A GGUF file and the numbers in it."""

    def __init__(self, name, architecture, config):
        self.file = gguf.GGUFWriter(HERE / f"{name}.gguf", architecture)
        self.file.add_name(name)
        self.file.add_block_count(config["num_hidden_layers"])
        self.file.add_context_length(config["max_position_embeddings"])
        self.file.add_embedding_length(config["hidden_size"])
        self.file.add_feed_forward_length(config["intermediate_size"])
        self.file.add_head_count(config["num_attention_heads"])
        self.file.add_layer_norm_rms_eps(config["rms_norm_eps"])
        self.file.add_rope_freq_base(config["rope_theta"])
        self.tensors = {}

    def add(self, name, value, kind):
        kind = gguf.GGMLQuantizationType[kind]
        value = np.ascontiguousarray(value, dtype=np.float32)
        if kind.name == "F32":
            raw = widened = value
        elif kind.name == "F16":
            raw = value.astype(np.float16)
            widened = raw.astype(np.float32)
        else:
            raw = gguf.quants.quantize(value, kind)
            widened = gguf.quants.dequantize(raw, kind)
        self.tensors[name] = (raw, kind)
        return torch.tensor(widened.reshape(value.shape))

    def finish(self):
        for name, (raw, kind) in self.tensors.items():
            self.file.add_tensor(name, raw, raw_dtype=None if kind.name in ("F32", "F16") else kind)
        self.file.write_header_to_file()
        self.file.write_kv_data_to_file()
        self.file.write_tensors_to_file()
        self.file.close()


def add_mixture(file, config):
    file.add_leading_dense_block_count(config["first_k_dense_replace"])
    file.add_expert_feed_forward_length(config["moe_intermediate_size"])
    file.add_expert_count(config["n_routed_experts"])
    file.add_expert_used_count(config["num_experts_per_tok"])
    file.add_expert_shared_count(config["n_shared_experts"])


NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
FEED_FORWARD = {"ffn_gate": "gate_proj", "ffn_up": "up_proj", "ffn_down": "down_proj"}
LATENT_NAMES = {"attn_q_a": "q_a_proj", "attn_q_a_norm": "q_a_layernorm", "attn_q_b": "q_b_proj",
                "attn_kv_a_mqa": "kv_a_proj_with_mqa", "attn_kv_a_norm": "kv_a_layernorm", "attn_output": "o_proj"}
LATENT = {**V3, "hidden_size": 32, "intermediate_size": 64, "moe_intermediate_size": 32, "q_lora_rank": 32,
          "kv_lora_rank": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "qk_nope_head_dim": 12,
          "v_head_dim": 16, "num_nextn_predict_layers": 0, "rope_scaling": yarn(1.0)}


def deepseek2(weights):
    weights = {name: value.numpy() for name, value in weights.items()}
    c = LATENT
    heads, content, value_size = c["num_attention_heads"], c["qk_nope_head_dim"], c["v_head_dim"]
    w = Writer("deepseek-v3", "deepseek2", c)
    f, v = w.file, {}
    f.add_head_count_kv(1)
    f.add_key_length(c["kv_lora_rank"] + c["qk_rope_head_dim"])
    f.add_value_length(c["kv_lora_rank"])
    f.add_key_length_mla(content + c["qk_rope_head_dim"])
    f.add_value_length_mla(value_size)
    f.add_q_lora_rank(c["q_lora_rank"])
    f.add_kv_lora_rank(c["kv_lora_rank"])
    f.add_rope_dimension_count(c["qk_rope_head_dim"])
    f.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    f.add_rope_scaling_factor(float(c["rope_scaling"]["factor"]))
    f.add_rope_scaling_orig_ctx_len(c["rope_scaling"]["original_max_position_embeddings"])
    f.add_rope_scaling_yarn_log_mul(0.1 * c["rope_scaling"]["mscale_all_dim"])
    add_mixture(f, c)
    f.add_expert_weights_scale(c["routed_scaling_factor"])
    f.add_expert_weights_norm(True)
    f.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    f.add_expert_group_count(c["n_group"])
    f.add_expert_group_used_count(c["topk_group"])

    def same(name, target, kind):
        v[target] = w.add(name, weights[target], kind)

    same("token_embd.weight", "model.embed_tokens.weight", "Q8_0")
    same("output_norm.weight", "model.norm.weight", "F32")
    same("output.weight", "lm_head.weight", "F16")
    for i in range(c["num_hidden_layers"]):
        here, there = f"blk.{i}.", f"model.layers.{i}."
        for name, target in NAMES.items():
            same(f"{here}{name}.weight", f"{there}{target}.weight", "F32")
        for name, target in LATENT_NAMES.items():
            kind = "F32" if "norm" in name else "Q5_0" if name == "attn_q_b" else "Q8_0"
            same(f"{here}{name}.weight", f"{there}self_attn.{target}.weight", kind)
        target = there + "self_attn.kv_b_proj.weight"
        both = weights[target].reshape(heads, content + value_size, -1)
        keys = w.add(here + "attn_k_b.weight", both[:, :content].transpose(0, 2, 1), "F16")
        values = w.add(here + "attn_v_b.weight", both[:, content:], "Q8_0")
        v[target] = torch.cat([keys.transpose(1, 2), values], 1).reshape(weights[target].shape)
        if i < c["first_k_dense_replace"]:
            for name, target in FEED_FORWARD.items():
                same(f"{here}{name}.weight", f"{there}mlp.{target}.weight", "Q4_0")
            continue
        same(here + "ffn_gate_inp.weight", there + "mlp.gate.weight", "F32")
        same(here + "exp_probs_b.bias", there + "mlp.gate.e_score_correction_bias", "F32")
        for name, target in FEED_FORWARD.items():
            same(f"{here}{name}_shexp.weight", f"{there}mlp.shared_experts.{target}.weight", "Q8_0")
            names = [f"{there}mlp.experts.{e}.{target}.weight" for e in range(c["n_routed_experts"])]
            merged = w.add(f"{here}{name}_exps.weight", np.stack([weights[n] for n in names]),
                           "Q4_1" if name == "ffn_down" else "Q4_0")
            v |= {n: merged[e].clone() for e, n in enumerate(names)}
    return v, w.finish


QWEN = {**PLANS["qwen2"], "hidden_size": 32, "intermediate_size": 32, "tie_word_embeddings": True,
        "num_hidden_layers": 1, "torch_dtype": "float32"}


def qwen2(weights):
    w = Writer("qwen2", "qwen2", QWEN)
    w.file.add_head_count_kv(QWEN["num_key_value_heads"])
    targets = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
    for i in range(QWEN["num_hidden_layers"]):
        attention = {f"attn_{part}": f"self_attn.{part}_proj" for part in "qkv"} | {"attn_output": "self_attn.o_proj"}
        inner = {name: f"mlp.{target}" for name, target in FEED_FORWARD.items()}
        targets |= {f"blk.{i}.{name}": f"model.layers.{i}.{target}"
                    for name, target in (NAMES | attention | inner).items()}
    v = {}
    for name, target in targets.items():
        for field in ("weight", "bias"):
            if f"{target}.{field}" in weights:
                value = weights[f"{target}.{field}"]
                v[f"{target}.{field}"] = w.add(f"{name}.{field}", value.numpy(), "Q8_0" if value.ndim == 2 else "F32")
    return v, w.finish


def permuted(rows, heads):
    """of each head the pairs that turn together side by side"""
    return rows.reshape(heads, 2, -1, rows.shape[-1]).swapaxes(1, 2).reshape(rows.shape)


def deepseek():
    c = PLANS["deepseek-moe"]
    weights = {name: value.numpy() for name, value in load_file(HERE / "deepseek-moe" / "model.safetensors").items()}
    w = Writer("deepseek-moe", "deepseek", c)
    w.file.add_head_count_kv(c["num_key_value_heads"])
    w.file.add_rope_dimension_count(c["hidden_size"] // c["num_attention_heads"])
    add_mixture(w.file, c)
    w.file.add_expert_weights_scale(1.0)
    for name, target in {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}.items():
        w.add(name + ".weight", weights[target + ".weight"], "F32")
    for i in range(c["num_hidden_layers"]):
        here, there = f"blk.{i}.", f"model.layers.{i}."
        for name, target in {**NAMES, "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj"}.items():
            w.add(f"{here}{name}.weight", weights[f"{there}{target}.weight"], "F32")
        for part, heads in (("q", c["num_attention_heads"]), ("k", c["num_key_value_heads"])):
            w.add(f"{here}attn_{part}.weight", permuted(weights[f"{there}self_attn.{part}_proj.weight"], heads), "F32")
        if i < c["first_k_dense_replace"]:
            for name, target in FEED_FORWARD.items():
                w.add(f"{here}{name}.weight", weights[f"{there}mlp.{target}.weight"], "F32")
            continue
        w.add(here + "ffn_gate_inp.weight", weights[there + "mlp.gate.weight"], "F32")
        for name, target in FEED_FORWARD.items():
            w.add(f"{here}{name}_shexp.weight", weights[f"{there}mlp.shared_experts.{target}.weight"], "F32")
            w.add(f"{here}{name}_exps.weight", np.stack(
                [weights[f"{there}mlp.experts.{e}.{target}.weight"] for e in range(c["n_routed_experts"])]), "F32")
    w.finish()


# PyTorch

def gpt2():
    weights = load_file(HERE / "gpt2" / "model.safetensors")
    state = collections.OrderedDict((f"transformer.{name}", value.clone()) for name, value in weights.items())
    state["lm_head.weight"] = state["transformer.wte.weight"]
    name = "transformer.h.0.mlp.c_fc.weight"
    state[name] = state[name].t().contiguous().t()
    norm = ["transformer.ln_f.weight", "transformer.ln_f.bias"]
    joined = torch.cat([torch.zeros(7, dtype=state[norm[0]].dtype), *(state[n] for n in norm)])
    state[norm[0]], state[norm[1]] = joined[7:].chunk(2)
    state["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    folder = HERE / "gpt2-bin"
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "config.json").write_bytes((HERE / "gpt2" / "config.json").read_bytes())


if __name__ == "__main__":
    make("deepseek-v3-scaled", SCALED, scaled)
    make("deepseek-v3-gguf", LATENT, deepseek2)
    make("qwen2-gguf", QWEN, qwen2)
    deepseek()
    gpt2()
