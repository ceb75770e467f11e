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
  vocabulary-*.gguf  a small vocabulary with one way of cutting texts each
  vocabularies.json  texts and the ids that the tokenizers library gives them
  scaled/            8-bit weights with scales of their 128 by 128 blocks
  *-expected.safetensors  the same tensors, contiguous and widened where they are quantised

Requirements: torch, safetensors, gguf, numpy, tokenizers.
"""
import collections
import json
import pathlib

import gguf
import numpy as np
import tokenizers
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

# Vocabularies

# The letters of DeepSeek-LLM's published tokenizer.json, which are fewer than Unicode's.
LETTERS = """
41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f
386 388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd
1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45
1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4
1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115
2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184
2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 a640-a66d a680-a69b a722-a76f a771-a787
a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3
104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943
"""
PRE = tokenizers.pre_tokenizers


def letters():
    ranges = [part.split("-") for part in LETTERS.split()]
    return "".join("-".join(chr(int(end, 16)) for end in ends) for ends in ranges)


def split(pattern):
    return PRE.Split(tokenizers.Regex(pattern), "isolated", invert=False)


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
ENDS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
OLD_CHINESE = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
CUTTINGS = {
    "llama-bpe": [split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + ENDS)],
    "qwen2": [split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + ENDS)],
    "deepseek-v3": [
        split(r"\p{N}{1,3}"), split("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
        split(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
              r""" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""")],
    "deepseek-coder": [
        split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(OLD_CHINESE),
        PRE.Digits(individual_digits=True)],
    "deepseek-llm": [
        split(r"[\r\n]"), split(r"\s?[" + letters() + "]+"),
        split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"), split(r"\s+$"),
        split(OLD_CHINESE), PRE.Digits(individual_digits=True)],
    "gpt-2": None,
}
TEXTS = [
    "", "Hello world", "it's 2024, isn't it? 12345 + 678", "  two  spaces \n\n\tand tabs \r\n",
    "The river bends; the river's end is near.", "深度学习模型,你好世界。12３４", "ひらがなとカタカナ、漢字",
    "naïve café e\u0301t\u00e9 ǅ ŉ ꟑ", "<s>hi</s> <think>x</think>", "print(\"x\")  # 注释\n    return x**2",
    "😀👩‍👩‍👧 tail ", "안녕하세요 мир", "!!!wow... (ok)", "K\u212a \u00bd \u2167 x\u00b2",
]
ALPHABET = sorted(PRE.ByteLevel.alphabet())
cases = {}
for kind, stages in CUTTINGS.items():
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = PRE.ByteLevel(add_prefix_space=False) if stages is None else PRE.Sequence(
        stages + [PRE.ByteLevel(add_prefix_space=False, use_regex=False)])
    if kind == "qwen2":
        tokenizer.normalizer = tokenizers.normalizers.NFC()
    tokenizer.train_from_iterator(TEXTS * 3, tokenizers.trainers.BpeTrainer(
        vocab_size=330, initial_alphabet=ALPHABET, show_progress=False))
    document = json.loads(tokenizer.to_str())
    if kind == "llama-bpe":
        # A word that no merges lead to, which is one token all the same.
        document["model"]["vocab"]["Ġbends"] = len(document["model"]["vocab"])
        document["model"]["ignore_merges"] = True
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(document))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.add_tokens([tokenizers.AddedToken("<think>", normalized=False)])
    count = tokenizer.get_vocab_size(with_added_tokens=True)
    pieces = [tokenizer.id_to_token(i) for i in range(count)] + ["[PAD]"]
    writer = gguf.GGUFWriter(HERE / f"vocabulary-{kind}.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(kind)
    writer.add_token_list(pieces)
    writer.add_token_types([{"<s>": 3, "</s>": 3, "<think>": 4, "[PAD]": 5}.get(p, 1) for p in pieces])
    writer.add_token_merges([" ".join(pair) for pair in document["model"]["merges"]])
    writer.add_bos_token_id(pieces.index("<s>"))
    writer.add_eos_token_id(pieces.index("</s>"))
    writer.add_add_bos_token(True)
    finish(writer)
    cases[kind] = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids}
                   for text in TEXTS]
(HERE / "vocabularies.json").write_text(json.dumps(cases, separators=(",", ":")))

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
