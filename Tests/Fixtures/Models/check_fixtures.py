#!/usr/bin/env python3
"""Runs folders of tiny reference models through `vitrine run` and tells how far its numbers are from the reference's.

usage: check_fixtures.py VITRINE FOLDER...        (needs numpy alone; exits with 1 where a tolerance is exceeded)

Each FOLDER holds folders of one model each: its files as published, golden.json (per text: name, text, ids, byte_spans, greedy_ids,
target_id; or golden_from, the folder whose numbers hold here too) and golden.safetensors (T.logits, T.hidden.{i}, T.attn.{i},
T.grad.inputs_embeds, T.router_weights.{i}; of encoder-decoders T.encoder_hidden.{i} and so on), in float32 by transformers.
Tolerances: logits and hidden states 1e-4 of the largest, attentions 1e-5 (one family has another, see OTHER_LIMITS), gradients a
cosine of 0.99999; ids to the letter.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1"}
FAMILIES = ("deepseek_llm", "deepseek_coder", "deepseek_moe", "deepseek_v2", "deepseek_v2_lite", "deepseek_v3", "deepseek_v32", "deepseek_v4", "qwen2",
            "qwen3", "llama3", "gpt2", "bert", "minilm", "t5", "t5_v11", "gguf_llama", "gguf_deepseek2")
FORWARD_ALONE = ("deepseek_v4",)
LIMITS = dict(logits=1e-4, hidden=1e-4, attn=1e-5, router=1e-4, gradient=1e-5)
# Its queries and keys are drawn so wide that scores reach 150, whose last bit in single precision is 1.5e-5. It isn't the weights,
# which are widened to the same bits: queries and keys are sums of 256 products, each one chain of fused multiply-adds (see
# PanelProduct.swift; with it bits don't depend on the blocking), and such a chain computed apart, all else in double precision,
# moves attentions by up to 1.6e-5. Eleven seeds' attentions lie up to 1.8e-5 from double precision, those of transformers up to
# 1.1e-5. Several sums for each number would bring ours to 4e-6, and other bits to everything that was computed, the specimens' weights too.
OTHER_LIMITS = {"gguf_llama": dict(attn=2e-5)}


def read(path):
    """The tensors of a safetensors file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    result = {}
    for name, entry in header.items():
        start, end = (8 + size + x for x in entry["data_offsets"])
        result[name] = np.frombuffer(data[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return result


def script(folder, document, out):
    """The cells that compute everything the reference has."""
    lines = [f'm = load({json.dumps(str(folder))})']
    for text in document["texts"]:
        name, ids = text["name"], text["ids"]
        written = f', target_ids: {text["decoder_input_ids"]}' if "decoder_input_ids" in text else ""
        lines.append(f't = trace(ids: {ids}{written})\nsave(t, "{out}/{name}.safetensors")')
        if "greedy_ids" in text:
            lines.append(f'g = generate(ids: {ids}, tokens: 16)\nsave({{ids: g.ids}}, "{out}/{name}.greedy.json")')
        if "target_id" in text and not written and folder.name.split("-")[0] not in FORWARD_ALONE:
            lines.append(f'save(attribute(ids: {ids}, method: "gradient_norm"), "{out}/{name}.gradient.safetensors")')
        if "text" in text and "mask_position" not in text:
            lines.append(f'k = tokens({json.dumps(text["text"], ensure_ascii=False)})\n'
                         f'save({{ids: k.ids, starts: k.starts, ends: k.ends}}, "{out}/{name}.tokens.json")')
    return "\n# %%\n".join(lines) + "\n"


def compare(text, found, golden, ends, out):
    """The deviations of one text by kind, and sentences about ids that differ."""
    name, far, wrong = text["name"], {}, []

    def note(kind, value):
        far[kind] = max(far.get(kind, 0.0), float(value))

    for key, expected in golden.items():
        if not key.startswith(name + "."):
            continue
        part = key[len(name) + 1:].split(".")
        if part[0] == "router_weights":
            choices, weights = found[f"expert_choices.{part[1]}"], found[f"router_weights.{part[1]}"]
            dense = np.zeros(expected.shape)
            np.put_along_axis(dense, choices, weights, 1)
            note("router", np.abs(dense - expected).max() / np.abs(expected).max())
            continue
        places = {"hidden": "hidden_states", "attn": "attentions", "encoder_hidden": "encoder_hidden_states", "logits": "logits",
                  "decoder_hidden": "decoder_hidden_states", "encoder_attn": "encoder_attentions", "decoder_attn": "decoder_attentions",
                  "cross_attn": "cross_attentions"}
        if part[0] not in places:
            continue
        mine = found[".".join([places[part[0]]] + part[1:])]
        assert mine.shape == expected.shape, (key, mine.shape, expected.shape)
        difference = np.abs(mine - expected).max()
        kind = part[0].split("_")[-1]
        note(kind, difference if kind == "attn" else difference / np.abs(expected).max())
    path = out / f"{name}.gradient.safetensors"
    if path.exists() and f"{name}.grad.inputs_embeds" in golden:
        mine, expected = (x.astype(float).ravel() for x in (read(path)["gradient"], golden[f"{name}.grad.inputs_embeds"]))
        note("gradient", 1 - mine @ expected / np.linalg.norm(mine) / np.linalg.norm(expected))
    path = out / f"{name}.greedy.json"
    if path.exists():
        mine, expected = json.loads(path.read_text())["ids"], text["greedy_ids"]
        last = next((i + 1 for i, x in enumerate(expected) if x in ends), len(expected))
        if mine != expected[:last]:
            wrong.append(f"{name}: wrote {mine}, not {expected[:last]}")
    path = out / f"{name}.tokens.json"
    if path.exists():
        mine = json.loads(path.read_text())
        if mine["ids"] != text["ids"]:
            wrong.append(f"{name}: tokens {mine['ids']}, not {text['ids']}")
        elif text.get("byte_spans"):
            spans = [[a, b] if a is not None else None for a, b in zip(mine["starts"], mine["ends"])]
            if spans != text["byte_spans"]:
                wrong.append(f"{name}: bytes {spans}, not {text['byte_spans']}")
    return far, wrong


def check(vitrine, folder, document, golden):
    """The worst deviations of one model, and what is wrong."""
    with tempfile.TemporaryDirectory() as out:
        out = pathlib.Path(out)
        target = next(iter(sorted(folder.glob("*.gguf"))), folder)
        (out / "a.vit").write_text(script(target, document, out))
        run = subprocess.run([vitrine, "run", out / "a.vit", "-o", out / "a.json"], capture_output=True, text=True)
        if run.returncode:
            return {}, [run.stderr.strip()]
        # Of a GGUF file, which has no config.json beside it, the golden file tells the configuration.
        configurations = [json.loads((folder / name).read_text()) for name in ("config.json", "generation_config.json")
                          if (folder / name).exists()] or [document.get("hf_config", {})]
        ends = []
        for end in (x.get("eos_token_id") for x in configurations):
            ends += end if isinstance(end, list) else [end]
        far, wrong = {}, []
        for text in document["texts"]:
            one, sentences = compare(text, read(out / f"{text['name']}.safetensors"), golden, ends, out)
            far = {kind: max(far.get(kind, 0.0), one.get(kind, 0.0)) for kind in far | one}
            wrong += sentences
    limits = LIMITS | OTHER_LIMITS.get(folder.name.split("-")[0], {})
    return far, wrong + [f"{kind} {value:.1e}" for kind, value in far.items() if not value <= limits[kind]]


def main():
    vitrine, failures = sys.argv[1], 0
    for root in map(pathlib.Path, sys.argv[2:]):
        for folder in sorted(x for x in root.iterdir() if x.name.split("-")[0] in FAMILIES and (x / "golden.json").exists()):
            document, source = json.loads((folder / "golden.json").read_text()), folder
            if "golden_from" in document:
                source = folder / document["golden_from"]
                document = json.loads((source / "golden.json").read_text())
            far, wrong = check(vitrine, folder.resolve(), document, read(source / "golden.safetensors"))
            failures += bool(wrong)
            print(f"{root.name}/{folder.name:22}", *(f"{kind} {value:.1e}" for kind, value in far.items()), *(f"\n  WRONG {x}" for x in wrong))
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
