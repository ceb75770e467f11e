"""`vitrine bench` on models of each kind: what a model can't do is told beside what was measured."""
import json
import subprocess
from pathlib import Path

import pytest

MODELS = Path(__file__).parents[1] / "Fixtures" / "Models"
WORKS = ["forward", "gradient", "decode", "tokenizer"]


def bench(*arguments):
    command = ["vitrine", "bench", "--lengths", "5", "--repetitions", "1", "--seconds", "1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name, missing", [
    ("llama-deepseek-llm", []), ("deepseek-v3.gguf", ["tokenizer"]), ("deepseek-v3-scaled", ["tokenizer"]), ("gpt2-bin", ["tokenizer"]),
    ("t5", ["tokenizer"]), ("bert-masked", ["decode", "tokenizer"]), ("deepseek-v4-packed", ["gradient", "tokenizer"]),
])
def test_each_kind_of_checkpoint(name, missing):
    result = json.loads(bench("--model", MODELS / name, "--only", ",".join(WORKS), "--json"))
    assert [x["work"] for x in result["measurements"]] == [x for x in WORKS if x not in missing]
    assert [x["work"] for x in result["not_measured"]] == missing
    assert all(x["reason"].endswith(".") for x in result["not_measured"])
    assert all(x["ms"] > 0 and x.get("share_of_peak", 0.5) > 0 for x in result["measurements"])


def test_the_table_says_what_was_not_measured():
    table = bench("--model", MODELS / "bert-masked", "--only", "forward,decode")
    assert "forward  bert-masked f32, 5 tokens" in table
    assert 'decode: not measured. The model "bert-masked" reads a text as a whole, so it can\'t continue one.' in table
