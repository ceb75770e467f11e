#!/usr/bin/env python3
"""Writes the tiny model folders beside this script and what transformers computes from them.

usage: make_models.py            (writes into the script's own folder; same bytes every time)

Requirements: torch, transformers (5 or newer), tokenizers, safetensors, numpy.

Four random models in the layouts of published checkpoints:
  llama-deepseek-llm    float32; DeepSeek-LLM's config keys and pre-tokenizer; as many key as query heads
  llama-deepseek-coder  bfloat16; DeepSeek-Coder's: linear rotary scaling, another pre-tokenizer
  llama-grouped         float32 in three shards; grouped heads, biases, tied head, llama3 rotary scaling,
                        the newer config keys (rope_parameters, dtype), no tokenizer
  bert-masked           float32; BertForMaskedLM with `bert.` names and gamma/beta norms, no tokenizer

golden/NAME.safetensors: for every text T `T.hidden_states.{i}`, `T.attentions.{i}` [heads, queries, keys],
`T.logits`; golden/NAME.json: the texts with ids and UTF-8 byte spans (null for tokens that are not in the text).
The reference is loaded by transformers from the very files, widened to float32, eager attention.
"""
import collections
import json
import os
import pathlib

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

HERE = pathlib.Path(__file__).resolve().parent
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

CORPUS = """The model reads a token and the next token. Every word has a place. Why is the light on the river?
She opened the window and read the first page again. The answer isn't there yet, we do not know why.
模型看见了词。语言模型预测下一个词。你好，世界！每个词都有它的位置。今天的天气很好，我们去看大海吧。
小猫坐在垫子上，因为它累了。这个模型读到的词，就是它看见的世界。患者患有高血压，需要治疗。"""
TEXTS = [("english", "The model reads a token."), ("chinese", "模型看见了词，你好"), ("mixed", "Hi 👋 2024年\n词 π")]

# The letters of DeepSeek-LLM's pre-tokenizer: an explicit list, not \p{L}.
LETTERS = """41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c
38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77
1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe
1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124
2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3
a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f
104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943"""


def characters(ranges):
    ends = [[chr(int(end, 16)) for end in part.split("-")] for part in ranges.split()]
    return "".join("-".join(end) for end in ends)


IDEOGRAPHS = f"[{characters('4e00-9fa5 800-4e00 ac00-d7ff')}]+"
STAGES = {
    "deepseek-llm": ["[\r\n]", rf"\s?[{characters(LETTERS)}]+",
                     rf"\s?[!-/:-~{characters('ff01-ff0f ff1a-ff5e 2018-201f 3000-3002')}]+", r"\s+$", IDEOGRAPHS],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", IDEOGRAPHS],
}
BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"


def byte_letters():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


LETTER_OF = byte_letters()
BYTE_OF = {letter: byte for byte, letter in LETTER_OF.items()}


def train(stages, merge_count):
    """Byte-pair merges by plain counting, ties by name, so that every run gives the same."""
    words = collections.Counter(piece for line in CORPUS.split("\n") for piece, _ in stages.pre_tokenize_str(line))
    pieces, merges = {word: list(word) for word in words}, []
    for _ in range(merge_count):
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(pieces[word], pieces[word][1:]):
                pairs[pair] += count
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((left, right))
        for word, parts in pieces.items():
            joined = []
            for part in parts:
                if joined and joined[-1] == left and part == right:
                    joined[-1] = left + right
                else:
                    joined.append(part)
            pieces[word] = joined
    return merges


def make_tokenizer(kind, merge_count=72):
    splits = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in STAGES[kind]]
    stages = pre_tokenizers.Sequence(splits + [pre_tokenizers.Digits(individual_digits=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    merges = train(stages, merge_count)
    rare = "õ÷ÁýÀÿøúþüùöû"  # letters of bytes that UTF-8 never has; the published files list them as added tokens
    vocabulary = [letter for _, letter in sorted(LETTER_OF.items()) if letter not in rare]
    vocabulary += [left + right for left, right in merges]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, merges))
    tokenizer.pre_tokenizer = stages
    tokenizer.decoder = decoders.ByteLevel()
    document = json.loads(tokenizer.to_str())
    document["normalizer"] = {"type": "Sequence", "normalizers": []}
    names = [BEGIN, END, *rare] if kind == "deepseek-llm" else [*rare, BEGIN, END, "<|EOT|>"]
    document["added_tokens"] = [
        dict(id=len(vocabulary) + i, content=name, single_word=False, lstrip=False, rstrip=False, normalized=True,
             special=name in (BEGIN, END, "<|EOT|>")) for i, name in enumerate(names)]
    document["model"]["merges"] = [" ".join(merge) for merge in merges]
    token = lambda name: {"__type": "AddedToken", "content": name, "lstrip": False, "normalized": True,
                          "rstrip": False, "single_word": False}
    settings = dict(add_bos_token=True, add_eos_token=False, bos_token=token(BEGIN),
                    eos_token=token(END if kind == "deepseek-llm" else "<|EOT|>"), pad_token=token(END),
                    unk_token=None, clean_up_tokenization_spaces=False, tokenizer_class="LlamaTokenizerFast")
    return document, settings


def encode(document, text):
    """ids with the beginning-of-sentence token, and each token's bytes in the text (None for that token)"""
    tokenizer = Tokenizer.from_str(json.dumps(document))
    added = {entry["id"]: entry["content"] for entry in document["added_tokens"]}
    ids, spans, place = tokenizer.encode(text).ids, [None], 0
    for i in ids:
        piece = added[i].encode() if i in added else bytes(BYTE_OF[letter] for letter in tokenizer.id_to_token(i))
        assert text.encode()[place:place + len(piece)] == piece, (text, i, piece)
        spans.append([place, place + len(piece)])
        place += len(piece)
    assert place == len(text.encode())
    return [tokenizer.token_to_id(BEGIN), *ids], spans


def write_json(path, value, indent=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n", encoding="utf-8")


def random_weights(shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if len(shape) == 1:
            norm = "norm" in name.lower() and not name.endswith(("bias", "beta"))
            weights[name] = 1 + 0.25 * values if norm else 0.2 * values
        elif "embed" in name:
            weights[name] = 0.8 * values
        else:
            gain = 1.5 if any(part in name for part in ("q_proj", "k_proj", "query", "key")) else 1.0
            weights[name] = gain * (2.5 if "lm_head" in name else 1.0) / shape[1] ** 0.5 * values
    return weights


def llama_shapes(config):
    width, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    size = config.get("head_dim") or width // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    shapes = {"model.embed_tokens.weight": (vocabulary, width)}
    for i in range(config["num_hidden_layers"]):
        for name, shape in {
            "input_layernorm": (width,), "self_attn.q_proj": (queries, width), "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width), "self_attn.o_proj": (width, queries),
            "post_attention_layernorm": (width,), "mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width),
            "mlp.down_proj": (width, inner)}.items():
            shapes[f"model.layers.{i}.{name}.weight"] = shape
            if config["attention_bias"] and "self_attn" in name:
                shapes[f"model.layers.{i}.{name}.bias"] = shape[:1]
    shapes["model.norm.weight"] = (width,)
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (vocabulary, width)
    return shapes


def llama_config(vocabulary, **others):
    config = dict(architectures=["LlamaForCausalLM"], attention_bias=False, bos_token_id=0, eos_token_id=1,
                  hidden_act="silu", hidden_size=24, initializer_range=0.02, intermediate_size=40,
                  max_position_embeddings=4096, model_type="llama", num_attention_heads=3, num_hidden_layers=3,
                  num_key_value_heads=3, pretraining_tp=1, rms_norm_eps=1e-06, rope_scaling=None, rope_theta=10000.0,
                  tie_word_embeddings=False, torch_dtype="float32", transformers_version="4.33.1", use_cache=True,
                  vocab_size=vocabulary)
    config.update(others)
    return {key: value for key, value in config.items() if value != "absent"}


def run(model, name, ids, golden):
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), output_attentions=True, output_hidden_states=True)
    for i, state in enumerate(out.hidden_states):
        golden[f"{name}.hidden_states.{i}"] = state[0].contiguous().clone()
    for i, maps in enumerate(out.attentions):
        golden[f"{name}.attentions.{i}"] = maps[0].contiguous().clone()
    golden[f"{name}.logits"] = out.logits[0].contiguous().clone()


def long_ids(count, vocabulary):
    return [(7 * i * i + 3 * i + i // 5) % vocabulary for i in range(count)]


def write_model(name, config, weights, tokenizer=None, shards=1):
    folder = HERE / name
    write_json(folder / "config.json", config, indent=2)
    if tokenizer:
        write_json(folder / "tokenizer.json", tokenizer[0])
        write_json(folder / "tokenizer_config.json", tokenizer[1], indent=2)
    if shards == 1:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, place = sorted(weights), {}
    for i in range(shards):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        part = names[i * len(names) // shards:(i + 1) * len(names) // shards]
        place.update({tensor: file for tensor in part})
        save_file({tensor: weights[tensor] for tensor in part}, folder / file, metadata={"format": "pt"})
    total = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": place}, 2)


def write_golden(name, golden, texts):
    save_file(golden, HERE / "golden" / f"{name}.safetensors")
    write_json(HERE / "golden" / f"{name}.json", {"texts": texts}, indent=1)


def make_llamas():
    plans = []
    for kind, dtype in (("deepseek-llm", torch.float32), ("deepseek-coder", torch.bfloat16)):
        tokenizer = make_tokenizer(kind)
        count = max(entry["id"] for entry in tokenizer[0]["added_tokens"]) + 1
        id_of = {entry["content"]: entry["id"] for entry in tokenizer[0]["added_tokens"]}
        others = {}
        if kind == "deepseek-coder":
            others = dict(hidden_size=32, num_attention_heads=4, num_key_value_heads=4, intermediate_size=48,
                          max_position_embeddings=16384, rope_theta=100000, torch_dtype="bfloat16",
                          rope_scaling={"factor": 4.0, "type": "linear"})
        config = llama_config((count + 15) // 8 * 8, bos_token_id=id_of[BEGIN],
                              eos_token_id=id_of[END if kind == "deepseek-llm" else "<|EOT|>"], **others)
        plans.append((f"llama-{kind}", config, dtype, tokenizer, 1))
    scaling = dict(factor=8.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=64,
                   rope_theta=5000.0, rope_type="llama3")
    plans.append(("llama-grouped", llama_config(
        200, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, head_dim=12, attention_bias=True,
        tie_word_embeddings=True, rope_theta="absent", rope_scaling="absent", torch_dtype="absent",
        rope_parameters=scaling, dtype="float32", eos_token_id=[1, 2]), torch.float32, None, 3))
    for seed, (name, config, dtype, tokenizer, shards) in enumerate(plans, start=11):
        weights = {key: value.to(dtype) for key, value in random_weights(llama_shapes(config), seed).items()}
        write_model(name, config, weights, tokenizer, shards)
        model = AutoModelForCausalLM.from_pretrained(HERE / name, attn_implementation="eager", dtype=torch.float32)
        golden, texts = {}, []
        for text_name, text in TEXTS:
            if tokenizer:
                ids, spans = encode(tokenizer[0], text)
                texts.append(dict(name=text_name, text=text, ids=ids, byteSpans=spans))
            else:
                ids = [3 + byte % 190 for byte in text.encode()][:20]
                texts.append(dict(name=text_name, ids=ids))
            run(model, text_name, ids, golden)
        if name == "llama-deepseek-llm":
            with torch.no_grad():
                out = model(input_ids=torch.tensor([long_ids(4096, config["vocab_size"])]), output_attentions=True)
            golden["long.logits.last"] = out.logits[0, -1].clone()
            golden["long.attentions.2.last"] = out.attentions[2][0, :, -1].contiguous().clone()
        write_golden(name, golden, texts)


def make_bert():
    config = dict(architectures=["BertForMaskedLM"], hidden_act="gelu", hidden_size=24, intermediate_size=48,
                  layer_norm_eps=1e-12, max_position_embeddings=32, model_type="bert", num_attention_heads=3,
                  num_hidden_layers=2, pad_token_id=0, position_embedding_type="absolute", type_vocab_size=2,
                  vocab_size=120)
    shapes = {"bert.embeddings.word_embeddings.weight": (120, 24), "bert.embeddings.position_embeddings.weight": (32, 24),
              "bert.embeddings.token_type_embeddings.weight": (2, 24), "bert.embeddings.LayerNorm.gamma": (24,),
              "bert.embeddings.LayerNorm.beta": (24,)}
    for i in range(2):
        for name, shape in {"attention.self.query": (24, 24), "attention.self.key": (24, 24),
                            "attention.self.value": (24, 24), "attention.output.dense": (24, 24),
                            "intermediate.dense": (48, 24), "output.dense": (24, 48)}.items():
            shapes[f"bert.encoder.layer.{i}.{name}.weight"] = shape
            shapes[f"bert.encoder.layer.{i}.{name}.bias"] = shape[:1]
        for name in ("attention.output", "output"):
            shapes[f"bert.encoder.layer.{i}.{name}.LayerNorm.gamma"] = (24,)
            shapes[f"bert.encoder.layer.{i}.{name}.LayerNorm.beta"] = (24,)
    shapes |= {"cls.predictions.transform.dense.weight": (24, 24), "cls.predictions.transform.dense.bias": (24,),
               "cls.predictions.transform.LayerNorm.gamma": (24,), "cls.predictions.transform.LayerNorm.beta": (24,),
               "cls.predictions.bias": (120,)}
    weights = random_weights(shapes, 17)
    write_model("bert-masked", config, weights)
    renamed = {key.replace("gamma", "weight").replace("beta", "bias"): value for key, value in weights.items()}
    model = AutoModelForMaskedLM.from_pretrained(HERE / "bert-masked", attn_implementation="eager", dtype=torch.float32)
    state = model.state_dict()
    for key, value in renamed.items():
        assert torch.equal(state[key], value), key
    golden, texts = {}, []
    for name, ids in (("short", [3, 50, 4]), ("longer", [3, *range(20, 90, 7), 4])):
        texts.append(dict(name=name, ids=ids))
        run(model, name, ids, golden)
    write_golden("bert-masked", golden, texts)


if __name__ == "__main__":
    make_llamas()
    make_bert()
    for path in sorted(HERE.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:9d} {path.relative_to(HERE)}")
