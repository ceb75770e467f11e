#!/usr/bin/env python3
"""Records the merges that the `tokenizers` library learns from a few texts.

usage: make_merges.py [FOLDER]      (needs the package tokenizers; default folder: beside this script)
Writes merges.json: {"pre_tokenizer", "texts", "units", "vocab", "merges"}.
"""
import json, os, random, sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
random.seed(5)
words = "the cat sat on a mat because it was tired 高血压 患者 需要 治疗 月收入 负债率 批准 拒绝 don't 12 345 naïve 🙂 ab abab ababab".split()
texts = [" ".join(random.choices(words, k=random.randint(3, 12))) + random.choice([".", "。", "!"]) for _ in range(120)]
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
trainer = trainers.BpeTrainer(vocab_size=360, min_frequency=1, show_progress=False,
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
tokenizer.train_from_iterator(texts, trainer)
model = json.loads(tokenizer.to_str())
merges = [m if isinstance(m, str) else " ".join(m) for m in model["model"]["merges"]]
document = {"pre_tokenizer": model["pre_tokenizer"], "texts": texts, "units": 360,
            "first": sorted(model["model"]["vocab"], key=model["model"]["vocab"].get)[:256], "merges": merges}
json.dump(document, open(os.path.join(folder, "merges.json"), "w"), ensure_ascii=False, indent=0)
