#!/usr/bin/env python3
"""Trains a tiny tokenizer for each family and records what the `tokenizers` library makes of mixed texts.

usage: make_tokenizers.py [FOLDER]      (needs the package tokenizers; default folder: beside this script)

Writes FAMILY.json: {"tokenizer", "configuration", "cases": [[text, ids, ranges, decoded?], ...]}.  Ids include what the
configuration's add_bos_token asks for.  A range is the token's bytes in the user's UTF-8 text, null for added tokens;
byte-level ranges come from the lengths of the tokens' bytes, WordPiece ranges from the library's character offsets.
"decoded" is given only where the library's own decoding differs from the text.
"""
import base64, collections, json, math, os, random, sys, unicodedata
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))

# The letters of DeepSeek-LLM's pattern, as code point ranges: an explicit list, not a Unicode category.
LETTERS = """41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 388-38a 38c 38e-3a1 3a3-3f5
3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba 1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d
1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb 1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107
210a-2113 2115 2119-211d 2124 2126 2128 212a-212d 212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3
a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb
10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943""".split()


def characters(ranges):
    text = ""
    for item in ranges:
        low, _, high = item.partition("-")
        text += chr(int(low, 16)) + ("-" + chr(int(high, 16)) if high else "")
    return text


OLD_CJK = "[" + characters(["4e00-9fa5", "800-4e00", "ac00-d7ff"]) + "]+"
PATTERNS = {
    "deepseek-llm": ["[\r\n]", r"\s?[" + characters(LETTERS) + "]+",
                     r"\s?[!-/:-~" + characters(["ff01-ff0f", "ff1a-ff5e", "2018-201f", "3000-3002"]) + "]+",
                     r"\s+$", OLD_CJK, None],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", OLD_CJK, None],
    "deepseek-v3": [r"\p{N}{1,3}", "[" + characters(["4e00-9fa5", "3040-309f", "30a0-30ff"]) + "]+",
                    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
                    " ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"],
    "qwen2": [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "llama3": [r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "gpt2": [],
}
LATIN = "õ÷ÁýÀÿøúþüùöû"  # stand for bytes that UTF-8 never has; two families list them as added tokens
BEGIN, END = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"


def pre_tokenizer(family):
    if family == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    stages = [pre_tokenizers.Digits(individual_digits=True) if p is None else pre_tokenizers.Split(Regex(p), "isolated")
              for p in PATTERNS[family]]
    return pre_tokenizers.Sequence(stages + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


ENGLISH = """The cat sat on the mat because it was tired.|Attention lets each token look at the other tokens before it.
A small model can still explain itself clearly, isn't it?|Rivers carry water from the hills to the sea.|We'll see what they've done.
for i in range(10): print(i, x[i] + 1)|def add(a, b):\n    return a + b  # the sum|Numbers such as 12, 345 and 6789 appear in the text.""".replace("\n", "|").split("|")
CHINESE = "注意力让模型看见上下文。|小猫坐在垫子上，因为它累了。|今天的天气很好，我们去公园吧。|模型的层数不是头数。|你好，世界！|语言模型预测下一个词。|二〇二四年".split("|")
OTHERS = "日本語のテキストとカタカナー|한국어 텍스트입니다|Россия и Україна|مرحبا بالعالم|ภาษาไทย|नमस्ते दुनिया|Ἀθῆναι|über señor naïve Åse|😀👍🏽👨‍👩‍👧".split("|")


def train(family, rng, size=700):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer(family)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if family in ("deepseek-llm", "deepseek-coder"):
        alphabet = [c for c in alphabet if c not in LATIN]
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=sorted(alphabet), show_progress=False, min_frequency=1)
    tokenizer.train_from_iterator(ENGLISH * 2 + CHINESE * 2 + OTHERS, trainer)
    return json.loads(tokenizer.to_str())


def added(id, content, special=True, normalized=False, lstrip=False, rstrip=False, single_word=False):
    return dict(id=id, content=content, single_word=single_word, lstrip=lstrip, rstrip=rstrip, normalized=normalized, special=special)


def byte_level(family, rng):
    js = train(family, rng)
    size = len(js["model"]["vocab"])
    js["decoder"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    js["post_processor"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    if family == "gpt2":
        tokens = [added(size, "<|endoftext|>")]
        configuration = dict(bos_token="<|endoftext|>", eos_token="<|endoftext|>", add_bos_token=False)
    elif family == "qwen2":
        js["normalizer"] = {"type": "NFC"}
        tokens = [added(size + i, c, special=i < 3) for i, c in enumerate(["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"])]
        configuration = dict(bos_token=None, eos_token="<|im_end|>", add_bos_token=False)
    elif family == "llama3":
        js["model"]["ignore_merges"] = True
        # Whole words that no merges lead to, so that ignoring the merges shows.
        for word in ["Ġtokenize", "world", "Ġexplain", "zzz"]:
            js["model"]["vocab"].setdefault(word, len(js["model"]["vocab"]))
        size = len(js["model"]["vocab"])
        tokens = [added(size, "<|begin_of_text|>"), added(size + 1, "<|end_of_text|>")]
        js["post_processor"] = {"type": "Sequence", "processors": [
            js["post_processor"],
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<|begin_of_text|>": {"id": "<|begin_of_text|>", "ids": [size], "tokens": ["<|begin_of_text|>"]}}}]}
        configuration = dict(bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>")
    else:
        js["normalizer"] = {"type": "Sequence", "normalizers": []}
        names = ([BEGIN, END] + list(LATIN) if family != "deepseek-v3" else [BEGIN, END, "<think>", "</think>", "<｜User｜>", "<｜Assistant｜>", "<|EOT|>"])
        normalized = family != "deepseek-v3"
        tokens = [added(size + i, c, special=i < 2, normalized=normalized or c.endswith("think>")) for i, c in enumerate(names)]
        configuration = dict(bos_token={"__type": "AddedToken", "content": BEGIN}, eos_token={"__type": "AddedToken", "content": END},
                             add_bos_token=True, add_eos_token=False)
    js["added_tokens"] = tokens
    if family in ("deepseek-llm", "gpt2"):
        js["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in js["model"]["merges"]]
    return js, configuration


def stripping(rng):
    """GPT-2's division with a prefix space, and added tokens with all their options."""
    js, configuration = byte_level("gpt2", rng)
    js["pre_tokenizer"]["add_prefix_space"] = True
    size = len(js["model"]["vocab"])
    js["added_tokens"] = [added(size, "<|endoftext|>"), added(size + 1, "<mask>", lstrip=True), added(size + 2, "<pad>", rstrip=True),
                          added(size + 3, "word", special=False, single_word=True), added(size + 4, "<mask><mask>"),
                          added(size + 5, "token", special=False, normalized=True, lstrip=True, rstrip=True)]
    return js, configuration


def word_piece(rng):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(ENGLISH * 2 + CHINESE + OTHERS, trainer)
    js = json.loads(tokenizer.to_str())
    js["decoder"] = {"type": "WordPiece", "prefix": "##", "cleanup": True}
    pair = [["[SEP]", 3], ["[CLS]", 2]]
    js["post_processor"] = {"type": "BertProcessing", "sep": pair[0], "cls": pair[1]}
    return js, dict(cls_token="[CLS]", sep_token="[SEP]")


# ------------------------------------------------------------------------------------------------ characters
def character_rules():
    """What a map of characters replaces, after the compatibility form: widths, ligatures, marks, spaces."""
    rules = {chr(c): " " for c in [9, 10, 13, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF]}
    rules.update({chr(c): "" for c in [*range(1, 9), 11, 14, 0x1F, 0x7F, 0xAD, 0xFFF9]})
    for low, high in [(0xA8, 0xBE), (0x132, 0x133), (0x1C4, 0x1CC), (0x2070, 0x208E), (0x2100, 0x2126), (0x2150, 0x2188), (0x2460, 0x2490), (0x3200, 0x3210),
                      (0x3300, 0x3308), (0x338E, 0x33A0), (0xFB00, 0xFB06), (0xFDF0, 0xFDFC), (0xFF01, 0xFF9F), (0xF900, 0xF910), (0x1D49C, 0x1D4D0)]:
        for c in range(low, high + 1):
            form = unicodedata.normalize("NFKC", chr(c))
            if form != chr(c):
                rules[chr(c)] = form
    for base in "aeiouAEIOUncy":
        for mark in "\u0300\u0301\u0302\u0303\u0308\u0327":
            form = unicodedata.normalize("NFKC", base + mark)
            if len(form) == 1:
                rules[base + mark] = form
    rules["ｶ\uff9e"] = "ガ"
    return rules


def compiled(rules):
    """The rules as a double array whose leaves point into a table of texts."""
    texts, places = b"", {}
    for form in rules.values():
        if form not in places:
            places[form] = len(texts)
            texts += form.encode() + b"\0"
    root = {}
    for key, form in rules.items():
        node = root
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = places[form]
    units, taken, bases = {0: 0}, {0}, set()

    def place(node, index):
        base = next(b for b in range(1, 1 << 20) if b not in bases and all(b ^ c not in taken for c in node))
        bases.add(base)
        taken.update(base ^ c for c in node)
        units[index] |= (index ^ base) << 10 | (256 if 0 in node else 0)
        for c in node:
            units[base ^ c] = node[c] | 1 << 31 if c == 0 else c
        for c in node:
            if c:
                place(node[c], base ^ c)

    place(root, 0)
    size = (max(units) | 0xFF) + 1
    array = b"".join(units.get(i, 0).to_bytes(4, "little") for i in range(size))
    return base64.b64encode(len(array).to_bytes(4, "little") + array + texts).decode()


def unigram(rng):
    """T5's: pieces are the frequent parts of words, their scores the logarithms of their shares."""
    words = collections.Counter("▁" + word for line in ENGLISH * 3 + CHINESE * 2 + OTHERS for word in line.split())
    counts = collections.Counter()
    for word, times in words.items():
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + 9) + 1):
                counts[word[start:end]] += times
    letters = [piece for piece in counts if len(piece) == 1]
    longer = sorted((piece for piece, times in counts.items() if len(piece) > 1 and times > 1), key=lambda p: (-counts[p] * len(p), p))[:700]
    kept = sorted(letters + longer, key=lambda p: (-counts[p], p))
    total = sum(counts[piece] for piece in kept)
    vocab = [["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]] + [[piece, round(math.log(counts[piece] / total), 6)] for piece in kept]
    size = len(vocab)
    vocab += [[f"<extra_id_{1 - i}>", 0.0] for i in range(2)]
    ends = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [added(0, "<pad>"), added(1, "</s>"), added(2, "<unk>"), added(size, "<extra_id_1>"), added(size + 1, "<extra_id_0>")],
            "normalizer": {"type": "Precompiled", "precompiled_charsmap": compiled(character_rules())},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
            "post_processor": {"type": "TemplateProcessing", "single": ends, "pair": ends + [{"Sequence": {"id": "B", "type_id": 0}}, ends[1]],
                               "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
            "decoder": metaspace, "model": {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": False},
            }, dict(eos_token="</s>", pad_token="<pad>", unk_token="<unk>")


def character_pairs(rng):
    """Llama 2's: pairs of characters, spaces as marks, bytes for what is unknown."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    names = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=620, special_tokens=names, show_progress=False, min_frequency=2)
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.train_from_iterator(ENGLISH * 2 + CHINESE * 2, trainer)
    js = json.loads(tokenizer.to_str())
    js["pre_tokenizer"] = None
    js["added_tokens"] = [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")]
    js["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    js["decoder"] = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                                      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    begin = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    js["post_processor"] = {"type": "TemplateProcessing", "single": begin, "pair": begin + [{"Sequence": {"id": "B", "type_id": 1}}],
                            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    return js, dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", add_bos_token=True, add_eos_token=False)


CHARACTERS = ("word-piece", "stripping", "unigram", "character-pairs")


def families(seed=1):
    for family in PATTERNS:
        yield family, *byte_level(family, random.Random(seed))
    yield "stripping", *stripping(random.Random(seed))
    yield "word-piece", *word_piece(random.Random(seed))
    yield "unigram", *unigram(random.Random(seed))
    yield "character-pairs", *character_pairs(random.Random(seed))


# ------------------------------------------------------------------------------------------------ texts
FIXED = ["", " ", "  ", "\n", "\r\n", "Hello world", " Hello  world ", "it's I'LL they've DON'T we'd 'twas 'ſ", "tabs\tand\nlines\r\nmixed\n\n\n end",
         "spaces   ", "   leading", "a\n b\n  c\n\n   d", "12345 and 3.14159, 1,000,000 x2y3", "٣٤٥ १२३ ²³ ½ Ⅷ", "café naïve ÅÉ", "cafe\u0301 A\u030a q\u0307\u0323",
         "\u212b \u2126 \u212a \u1100\u1161\u11a8", "你好，世界！这是一个测试。", "中文English混合text。2024年", "日本語のテキスト", "한국어 텍스트", "مرحبا", "ภาษาไทย", "नमस्ते",
         "Ἀθῆναι ώ Ώ ΐ ΰ Ὧ", "emoji 😀👍🏽🇨🇳❤️👨‍👩‍👧 end", "zero\u200bwidth nb\u00a0sp\u3000wide", "«quotes» “curly” — dash… 、。「」", "@#$%^&*()[]{}<>|\\/~`+=_-",
         "def f(x):\n    return x ** 2  # 注释", "<think>hm</think> <｜User｜>hi<｜Assistant｜>", BEGIN + "again", "a" + END, "<|endoftext|> [MASK] [SEP] <s>",
         "ü ö õ ÿ Á þ ÷ in words: über, señor", "ＡＢＣ１２３", "ﬁ ﬂ ① ㈱ ㎏", "a" * 60, "z" * 120, "\u0000\u0007bell", "𝒜𝓫 𐐀𐐨 𠮷野家", "▁under▁ ▁", "İstanbul ẞ ǅ",
         "a <mask> b  <pad>  c<mask><mask> word sword word! token  tokens", "zzz world tokenize explain", "\u0344\u0958 \ufb1d \u2adc", "x\u0300\u0301\u0315\u0323y", "can't  won't do not . ? !"]
BLOCKS = [(0x20, 0x7E, 30), (0x30, 0x39, 6), (0x20, 0x20, 12), (0x09, 0x0D, 3), (0x00, 0x1F, 1), (0xA0, 0xFF, 4), (0x100, 0x24F, 2), (0x300, 0x36F, 3), (0x370, 0x3FF, 2),
          (0x400, 0x4FF, 2), (0x590, 0x6FF, 2), (0x900, 0x97F, 2), (0xE00, 0xE7F, 1), (0x1100, 0x11FF, 2), (0x1E00, 0x1FFF, 2), (0x2000, 0x206F, 4), (0x2070, 0x2BFF, 3),
          (0x3000, 0x30FF, 4), (0x4E00, 0x9FFF, 8), (0xA640, 0xABFF, 1), (0xAC00, 0xD7A3, 2), (0xE000, 0xE0FF, 1), (0xF900, 0xFAFF, 1), (0xFB00, 0xFFEF, 3), (0x10000, 0x107FF, 1), (0x1D400, 0x1D7FF, 1),
          (0x1F300, 0x1FAFF, 3), (0x20000, 0x20FFF, 1), (0xE0000, 0xE01FF, 1), (0x10FFF0, 0x10FFFF, 1)]
WORDS = sum((line.split(" ") for line in ENGLISH), []) + ["'s", "'LL", "n't", "don't", "2024", "x1y2", "é", "e\u0301", "ü", "👨‍👩‍👧", "🇨🇳", "\r\n", "\n\n", "    ", "\t", "。", "！", "—",
    "<think>", "</think>", BEGIN, END, "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "[CLS]", "[MASK]", "[UNK]", "<mask>", "<pad>", "word", "token", "zzz", "<｜User｜>"] + CHINESE + OTHERS


def random_text(rng):
    text = ""
    weights = [b[2] for b in BLOCKS]
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.45:
            text += rng.choice(WORDS) + rng.choice(["", " ", " ", "  "])
        elif kind < 0.55:
            text += rng.choice(" \t\n\r\u3000\u00a0") * rng.randint(1, 5)
        else:
            low, high, _ = rng.choices(BLOCKS, weights)[0]
            text += "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 5)))
    return text


# ------------------------------------------------------------------------------------------------ reference
def byte_alphabet():
    visible = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    hidden = [b for b in range(256) if b not in visible]
    return {**{chr(b): b for b in visible}, **{chr(256 + i): b for i, b in enumerate(hidden)}}


ALPHABET = byte_alphabet()


class Reference:
    def __init__(self, family, js, configuration):
        self.family, self.tokenizer = family, Tokenizer.from_str(json.dumps(js))
        self.added = {t["id"]: t["content"] for t in js["added_tokens"]}
        begin = configuration.get("bos_token")
        begin = begin["content"] if isinstance(begin, dict) else begin
        self.begin = self.tokenizer.token_to_id(begin) if configuration.get("add_bos_token") else None

    def case(self, text):
        encoding = self.tokenizer.encode(text)
        ids, offsets = list(encoding.ids), list(encoding.offsets)
        inserted = [bool(m) for m in encoding.special_tokens_mask]
        starts = [0]
        for c in text:
            starts.append(starts[-1] + len(c.encode()))
        if self.family in CHARACTERS + ("qwen2",):
            ranges = [None if m and o == (0, 0) else [starts[o[0]], starts[o[1]]] for o, m in zip(offsets, inserted)]
        if self.family == "unigram":
            # Marks that went into the character before them belong to it.
            for index, range_ in enumerate(ranges):
                if range_ and range_[0] < range_[1]:
                    end = offsets[index][1]
                    following = min([o[0] for o in offsets[index + 1:] if o[0] >= end] or [len(text)], default=len(text))
                    while end < following and unicodedata.category(text[end])[0] == "M":
                        end += 1
                    range_[1] = starts[end]
        if self.family not in CHARACTERS:
            # Exact bytes; for a text that the normaliser changes, only the whole characters are known.
            data, place, exact = text.encode(), 0, []
            for index, i in enumerate(ids):
                token = self.added[i].encode() if i in self.added else bytes(ALPHABET[c] for c in self.tokenizer.id_to_token(i))
                if inserted[index] and offsets[index] == (0, 0) and not data[place:].startswith(token) or (
                        self.family == "llama3" and index == 0):
                    exact.append(None)
                elif data[place:place + len(token)] == token:
                    exact.append([place, place + len(token)])
                    place += len(token)
                else:
                    break
            if len(exact) == len(ids) and place == len(data):
                ranges = exact
            else:
                assert self.family == "qwen2", (self.family, text)
                ranges = None
        if self.begin is not None and (not ids or ids[0] != self.begin):
            ids, ranges = [self.begin] + ids, [None] + ranges
        decoded = self.tokenizer.decode(encoding.ids, skip_special_tokens=False)
        return [text, ids, ranges] + ([decoded] if decoded != text else [])


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    for family, js, configuration in families():
        reference = Reference(family, js, configuration)
        rng = random.Random(5)
        count = int(os.environ.get("TEXTS") or {"unigram": 60, "character-pairs": 20}.get(family, 150))
        cases = [reference.case(text) for text in FIXED + [random_text(rng) for _ in range(count)]]
        with open(os.path.join(folder, family + ".json"), "w", encoding="utf-8") as f:
            f.write('{"tokenizer":' + json.dumps(js, separators=(",", ":")) + ',\n"configuration":' + json.dumps(configuration)
                    + ',\n"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
