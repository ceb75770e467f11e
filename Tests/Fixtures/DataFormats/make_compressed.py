#!/usr/bin/env python3
"""Writes compressed.json: texts (Base64) with the streams that zlib makes of them at several levels.

usage: make_compressed.py   (standard library only)
"""
import base64, json, os, random, zlib

here = os.path.dirname(os.path.abspath(__file__))
rng = random.Random(7)
words = "the attention of each token rests upon the tokens before it 注意力 機制 模型".split()
texts = {
    "empty": b"",
    "one byte": b"a",
    "run": b"z" * 1000,
    "two bytes in turn": b"ab" * 300,
    "all bytes": bytes(range(256)) * 2,
    "random": bytes(rng.randrange(256) for _ in range(700)),
    "words": " ".join(rng.choice(words) for _ in range(300)).encode(),
    "four symbols": bytes(rng.choice(b"ACGT") for _ in range(1500)),
}
cases = []
for name, text in texts.items():
    for level, strategy in [(0, 0), (1, 0), (6, 0), (9, 0), (6, zlib.Z_FIXED), (6, zlib.Z_HUFFMAN_ONLY)]:
        maker = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
        stream = maker.compress(text) + maker.flush()
        cases.append(dict(name=f"{name}, level {level}, strategy {strategy}",
                          text=base64.b64encode(text).decode(), stream=base64.b64encode(stream).decode()))
with open(os.path.join(here, "compressed.json"), "w") as f:
    json.dump(cases, f, indent=0)
