#!/usr/bin/env python3
"""Writes small files of every container that is read, and what the reference implementations read in them.

usage: make_containers.py

  views.bin          torch.save of an ordered dictionary: all element types, shared and offset storages, strides
  nested.bin         a training checkpoint: the weights under "state_dict", plain values beside them
  legacy.bin         the format before torch 1.6
  sharded-bin/       two files and pytorch_model.bin.index.json
  blocks.gguf        one tensor of every block type, and metadata of every value type
  llama.gguf         names and permuted rows of the llama architecture
  deepseek2.gguf     merged experts, split kv_b_proj
  scaled/            8-bit weights with scales of their 128 by 128 blocks
  *-expected.safetensors  the same tensors, contiguous and widened where they are quantised

Requirements: torch, safetensors, gguf, numpy.
"""
import collections
import json
import pathlib

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
RANDOM = np.random.default_rng(7)


def expected(name, tensors):
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()},
              HERE / f"{name}-expected.safetensors")


def numbers(*shape):
    return torch.tensor(RANDOM.standard_normal(shape).astype(np.float32))


# PyTorch

big = numbers(40)
views = collections.OrderedDict(
    weight=numbers(3, 4), half=numbers(5).half(), brain=numbers(2, 2).bfloat16(),
    wide=numbers(3).double(), ids=torch.tensor([[1, -2], [3, 1 << 40]]),
    i32=torch.tensor([-7, 7], dtype=torch.int32), i16=torch.tensor([-300], dtype=torch.int16),
    i8=torch.tensor([-128, 127], dtype=torch.int8), u8=torch.tensor([0, 255], dtype=torch.uint8),
    flags=torch.tensor([True, False, True]), eight=numbers(6).to(torch.float8_e4m3fn),
    u16=torch.tensor([65535, 1], dtype=torch.uint16), scalar=torch.tensor(4.5),
    empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(numbers(2)))
views["tied"] = views["weight"]
views["offset"] = big[7:19].reshape(3, 4)
views["transposed"] = numbers(4, 6).t()
views["columns"] = big.reshape(5, 8)[1:4, 2:5]
views["every third"] = big[::3]
views["permuted"] = numbers(2, 3, 4).permute(2, 0, 1)
views["single row"] = big.reshape(5, 8)[2:3, 1:5]
views["名字"] = numbers(2)
views._metadata = collections.OrderedDict([("", {"version": 1})])
torch.save(views, HERE / "views.bin")
expected("views", views)
inner = {"a": numbers(2), "b": numbers(1, 3)}
torch.save({"epoch": 3, "loss": 0.25, "name": "run", "state_dict": inner, "steps": [1, 2, (3, None)]},
           HERE / "nested.bin")
expected("nested", inner)
torch.save(inner, HERE / "legacy.bin", _use_new_zipfile_serialization=False)
(HERE / "sharded-bin").mkdir(exist_ok=True)
shards = [{"one": numbers(2, 2), "two": numbers(3)}, {"three": numbers(1)}]
names = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
for name, shard in zip(names, shards):
    torch.save(shard, HERE / "sharded-bin" / name)
index = {"metadata": {"total_size": 32},
         "weight_map": {k: n for n, s in zip(names, shards) for k in s}}
(HERE / "sharded-bin" / "pytorch_model.bin.index.json").write_text(json.dumps(index))
expected("sharded-bin", {k: v for s in shards for k, v in s.items()})

# GGUF

KINDS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]


def stored(kind, rows, columns):
    """Stored bytes and their numbers; random blocks where the package doesn't quantise."""
    kind = gguf.GGMLQuantizationType[kind]
    if kind.name in ("F32", "F16"):
        raw = RANDOM.standard_normal((rows, columns)).astype(
            np.float32 if kind.name == "F32" else np.float16)
        return raw, raw.astype(np.float32)
    if kind.name in ("BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"):
        raw = gguf.quants.quantize(
            RANDOM.standard_normal((rows, columns)).astype(np.float32), kind)
    else:
        length, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = RANDOM.integers(0, 256, (rows * columns // length, size), dtype=np.uint8)
        for place in ((208,) if kind.name == "Q6_K" else (0, 2)):
            # Normal and subnormal scales of both signs.
            scales = RANDOM.standard_normal(len(blocks)) * 10.0 ** -RANDOM.integers(2, 7, len(blocks))
            blocks[:, place:place + 2] = scales.astype(np.float16)[:, None].view(np.uint8)
        raw = blocks.reshape(rows, columns // length * size)
    return raw, gguf.quants.dequantize(raw, kind).astype(np.float32)


def add(writer, name, raw, kind):
    writer.add_tensor(name, raw, raw_dtype=None if kind in ("F32", "F16")
                      else gguf.GGMLQuantizationType[kind])


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


writer = gguf.GGUFWriter(HERE / "blocks.gguf", "test")
writer.add_string("test.text", "héllo 你好")
writer.add_uint8("test.u8", 200)
writer.add_int8("test.i8", -5)
writer.add_uint16("test.u16", 60000)
writer.add_int16("test.i16", -1234)
writer.add_uint32("test.u32", 4000000000)
writer.add_int32("test.i32", -7)
writer.add_uint64("test.u64", 2 ** 40 + 3)
writer.add_int64("test.i64", -2 ** 40)
writer.add_float32("test.f32", 0.5)
writer.add_float64("test.f64", 1e-300)
writer.add_bool("test.bool", True)
writer.add_array("test.integers", [1, -2, 3])
writer.add_array("test.texts", ["a", "β", ""])
writer.add_array("test.numbers", [0.25, -1.5])
writer.add_array("test.truths", [True, False])
values = {}
for kind in KINDS:
    raw, widened = stored(kind, 3, 256)
    add(writer, kind.lower(), raw, kind)
    values[kind.lower()] = torch.tensor(widened)
odd = RANDOM.standard_normal(5).astype(np.float32)
add(writer, "odd", odd, "F32")
values["odd"] = torch.tensor(odd)
finish(writer)
expected("blocks", values)

HEADS, PAIRS = 4, 2


def unpermuted(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(
        1, 2).reshape(rows.shape)


writer = gguf.GGUFWriter(HERE / "llama.gguf", "llama")
writer.add_block_count(1)
writer.add_context_length(64)
writer.add_embedding_length(32)
writer.add_feed_forward_length(64)
writer.add_head_count(HEADS)
writer.add_head_count_kv(PAIRS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_freq_base(10000.0)
writer.add_vocab_size(40)
values = {}
for name, target, kind, rows, columns, heads in [
        ("token_embd", "model.embed_tokens", "Q8_0", 40, 32, 0),
        ("blk.0.attn_norm", "model.layers.0.input_layernorm", "F32", 0, 32, 0),
        ("blk.0.attn_q", "model.layers.0.self_attn.q_proj", "Q4_0", 32, 32, HEADS),
        ("blk.0.attn_k", "model.layers.0.self_attn.k_proj", "Q8_0", 16, 32, PAIRS),
        ("blk.0.attn_v", "model.layers.0.self_attn.v_proj", "F16", 16, 32, 0),
        ("blk.0.attn_output", "model.layers.0.self_attn.o_proj", "Q4_0", 32, 32, 0),
        ("blk.0.ffn_norm", "model.layers.0.post_attention_layernorm", "F32", 0, 32, 0),
        ("blk.0.ffn_gate", "model.layers.0.mlp.gate_proj", "Q8_0", 64, 32, 0),
        ("blk.0.ffn_up", "model.layers.0.mlp.up_proj", "Q5_0", 64, 32, 0),
        ("blk.0.ffn_down", "model.layers.0.mlp.down_proj", "Q4_1", 32, 64, 0),
        ("output_norm", "model.norm", "F32", 0, 32, 0)]:
    raw, widened = stored(kind, max(1, rows), columns)
    if rows == 0:
        raw, widened = raw[0], widened[0]
    add(writer, name + ".weight", raw, kind)
    values[target + ".weight"] = torch.tensor(unpermuted(widened, heads) if heads else widened)
finish(writer)
expected("llama", values)

writer = gguf.GGUFWriter(HERE / "deepseek2.gguf", "deepseek2")
writer.add_head_count(2)
values = {}
raw, widened = stored("Q8_0", 2 * 3, 32)
add(writer, "blk.1.ffn_up_exps.weight", raw.reshape(2, 3, -1), "Q8_0")
for expert in range(2):
    values[f"model.layers.1.mlp.experts.{expert}.up_proj.weight"] = torch.tensor(
        widened.reshape(2, 3, 32)[expert])
keys, values_of_keys = stored("F16", 2 * 32, 4)
add(writer, "blk.1.attn_k_b.weight", keys.reshape(2, 32, 4), "F16")
raw, widened = stored("Q8_0", 2 * 3, 32)
add(writer, "blk.1.attn_v_b.weight", raw.reshape(2, 3, -1), "Q8_0")
values["model.layers.1.self_attn.kv_b_proj.weight"] = torch.tensor(np.concatenate(
    [values_of_keys.reshape(2, 32, 4).transpose(0, 2, 1), widened.reshape(2, 3, 32)], 1
).reshape(14, 32))
bias = RANDOM.standard_normal(2).astype(np.float32)
add(writer, "blk.1.exp_probs_b.bias", bias, "F32")
values["model.layers.1.mlp.gate.e_score_correction_bias"] = torch.tensor(bias)
finish(writer)
expected("deepseek2", values)

# 8-bit weights with scales

(HERE / "scaled").mkdir(exist_ok=True)
stored_weights, values = {}, {}
for name, rows, columns in [("tall.weight", 140, 24), ("wide.weight", 3, 300), ("both.weight", 130, 132)]:
    weight = numbers(rows, columns)
    scales = torch.tensor(
        RANDOM.random((-(-rows // 128), -(-columns // 128))).astype(np.float32) + 0.01)
    each = scales.repeat_interleave(128, 0)[:rows].repeat_interleave(128, 1)[:, :columns]
    eight = (weight / each).clamp(-448, 448).to(torch.float8_e4m3fn)
    stored_weights[name], stored_weights[name + "_scale_inv"] = eight, scales
    values[name] = eight.float() * each
stored_weights["plain.weight"] = values["plain.weight"] = numbers(2)
save_file(stored_weights, HERE / "scaled" / "model.safetensors")
expected("scaled", values)
