#!/usr/bin/env python3
"""Records what the `tokenizers` library makes of 10,000 lines of mixed text, for each family.

usage: make_lines.py      (needs the package tokenizers; reads the FAMILY.json beside it, which make_tokenizers.py wrote)

Writes lines.json: {"seed", "lines", "chunk", "words", "spaces", "blocks", "families": {FAMILY: {"ids": [...], "texts": [...]}}}.  The lines
themselves aren't stored: both sides draw them from the words and the blocks of characters by the same generator (SplitMix64, see `Lines`).
What is stored of each chunk of lines is the start of a SHA-256: "ids" of each line's ids, four bytes each, and a line's end of four bytes of
255; "texts" of each line's decoded text in UTF-8 and one byte of 255.  Ids include what the configuration's add_bos_token asks for; decoded
are the ids of the line alone for families of bytes, and with the tokens that the post-processor adds for the others.
"""
import hashlib, json, os
from make_tokenizers import BLOCKS, CHARACTERS, HERE, LATIN, WORDS, Reference

SEED, LINES, CHUNK = 2025, 10_000, 250
CODE = ["fn main() {", "\t\treturn x_1;", "0x1F", "a->b", "//", "/* no */", "SELECT * FROM t;", "i++", "!=", "=>", "::", "\\n", "$PATH", "snake_case", "camelCase", "#!/bin/sh",
        "https://example.org/?q=1&r=2", "e.g.", "1e-5", "3.14159", "1,000,000", "2024-01-31", "\u200d", "\ufe0f", "🏳️‍🌈", "👩🏽‍💻", "a\u0301\u0323", "\u0000", "\u001b[0m", "\u007f"]
SPACES = [" ", " ", "\t", "\n", "\r", "\r\n", "\u3000", "\u00a0"]


class Lines:
    """The lines one after the other, by rules that need whole numbers alone."""

    def __init__(self, words, blocks):
        self.words, self.blocks, self.state = words, blocks, SEED

    def below(self, limit):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        mixed = ((self.state ^ self.state >> 30) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & mask
        return (mixed ^ mixed >> 31) % limit

    def next(self):
        line = ""
        for _ in range(1 + self.below(14)):
            kind = self.below(20)
            if kind < 9:
                line += self.words[self.below(len(self.words))] + " " * self.below(3)
            elif kind < 11:
                line += SPACES[self.below(len(SPACES))] * (1 + self.below(5))
            else:
                low, high = self.blocks[self.below(len(self.blocks))]
                for _ in range(1 + self.below(5)):
                    line += chr(low + self.below(high - low + 1))
        return line


def main():
    words = WORDS + CODE
    blocks = [[low, high] for low, high, weight in BLOCKS for _ in range(weight)]
    lines = Lines(words, blocks)
    texts = [lines.next() for _ in range(LINES)]
    families = {}
    for family in sorted(f[:-5] for f in os.listdir(HERE) if f.endswith(".json")):
        with open(os.path.join(HERE, family + ".json"), encoding="utf-8") as f:
            fixture = json.load(f)
        if "tokenizer" not in fixture or "cases" not in fixture:
            continue
        reference = Reference(family, fixture["tokenizer"], fixture["configuration"])
        latin = {i for i, content in reference.added.items() if content in LATIN}
        digests = {"ids": [], "texts": []}
        for start in range(0, LINES, CHUNK):
            ids, decoded = hashlib.sha256(), hashlib.sha256()
            for text in texts[start:start + CHUNK]:
                encoding = reference.tokenizer.encode(text)
                own = encoding.ids
                if reference.begin is not None and (not own or own[0] != reference.begin):
                    own = [reference.begin] + own
                ids.update(b"".join(i.to_bytes(4, "little") for i in own) + b"\xff" * 4)
                plain = encoding.ids if family in CHARACTERS else reference.tokenizer.encode(text, add_special_tokens=False).ids
                back = reference.tokenizer.decode(plain, skip_special_tokens=False)
                # The library loses letters that stand for bytes which UTF-8 doesn't have; they are the user's own.
                if latin.intersection(plain):
                    assert back != text
                    back = text
                decoded.update(back.encode() + b"\xff")
            digests["ids"].append(ids.hexdigest()[:16])
            digests["texts"].append(decoded.hexdigest()[:16])
        families[family] = digests
    with open(os.path.join(HERE, "lines.json"), "w", encoding="utf-8") as f:
        head = dict(seed=SEED, lines=LINES, chunk=CHUNK, words=words, spaces=SPACES, blocks=blocks)
        f.write("{" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in head.items()) + ',\n"families":{\n')
        f.write(",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in families.items()) + "\n}}\n")


if __name__ == "__main__":
    main()
